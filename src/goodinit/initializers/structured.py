"""The schemes that are more than numbers drawn alike: orthogonal, identity, sparse."""

from functools import partial

from goodinit import errors
from goodinit.initializers import draws
from goodinit.initializers.arguments import called, positive
from goodinit.initializers.arguments import gain as read_gain
from goodinit.initializers.scheme import Scheme
from goodinit.specs import also


@also(scale="gain")
def orthogonal(gain: float | str = 1.0) -> Scheme:
    """Orthogonal: W Wᵀ = gain² I (WᵀW where fan_out > fan_in), uniform over all such W.

    Derived for: deep linear networks, where it keeps every singular value at gain; with the gain
    of the activation, for others. A kernel is taken as a matrix, outputs by all the rest.

    Parameters
    ----------
    gain : float or str
        Above 0, or the activation whose ``gain`` it is.

    References
    ----------
    Saxe, McClelland and Ganguli 2014; Mezzadri 2007 for drawing uniformly.

    Examples
    --------
    >>> weights = orthogonal(gain=2)(np.random.default_rng(0), (2, 3))
    >>> np.allclose(weights @ weights.T, 4 * np.eye(2))
    True
    """
    draw = partial(draws.orthogonal, gain=read_gain(gain))
    return Scheme(called("orthogonal", gain=None if gain == 1 else gain), draw)


@also(scale="gain")
def delta_orthogonal(gain: float | str = 1.0) -> Scheme:
    """Delta-orthogonal: W orthogonal × gain in the middle of the kernel, zeros around it.

    Derived for: very deep convolutional networks; a matrix of its own in a layer without a kernel.

    Parameters
    ----------
    gain : float or str
        Above 0, or the activation whose ``gain`` it is.

    References
    ----------
    Xiao, Bahri, Sohl-Dickstein, Schoenholz and Pennington 2018, section 3.

    Examples
    --------
    >>> weights = delta_orthogonal()(np.random.default_rng(0), (4, 2, 3, 3))
    >>> middle = weights[:, :, 1, 1]
    >>> np.allclose(middle.T @ middle, np.eye(2)), int(np.count_nonzero(weights))
    (True, 8)
    """
    draw = partial(draws.delta_orthogonal, gain=read_gain(gain))
    return Scheme(called("delta_orthogonal", gain=None if gain == 1 else gain), draw)


def identity(gain: float | str = 1.0) -> Scheme:
    """Identity: W = gain × I, padded with zeros where the layer is not square.

    Derived for: recurrent and very deep ReLU networks of one width.

    Parameters
    ----------
    gain : float or str
        Above 0, or the activation whose ``gain`` it is.

    References
    ----------
    Le, Jaitly and Hinton 2015.

    Examples
    --------
    >>> identity()(np.random.default_rng(0), (2, 3))
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    draw = partial(draws.identity, gain=read_gain(gain))
    return Scheme(called("identity", gain=None if gain == 1 else gain), draw)


def dirac(groups: int = 1) -> Scheme:
    """Dirac: W passes inputs on unchanged, by a 1 in the middle of the kernel.

    Derived for: convolutions that should begin as the identity, as many channels as there are.

    Parameters
    ----------
    groups : int
        Of a grouped convolution, whose weights are (outputs, inputs of a group, *kernel).

    References
    ----------
    Zagoruyko and Komodakis 2017; as ``torch.nn.init.dirac_``.

    Examples
    --------
    >>> dirac()(np.random.default_rng(0), (2, 2, 3))[:, :, 1]
    array([[1., 0.],
           [0., 1.]])
    """
    groups = errors.whole("groups", groups, at_least=1)
    name = called("dirac", groups=None if groups == 1 else groups)
    return Scheme(name, partial(draws.dirac, groups=groups))


@also(stddev="std")
def sparse(sparsity: float, std: float = 0.01) -> Scheme:
    """Sparse: ⌈sparsity × fan_in⌉ incoming weights of a unit, but one, are 0, others ~ N(0, std²).

    Derived for: wide layers whose units should differ and not saturate, whatever the fan.

    Parameters
    ----------
    sparsity : float
        The fraction of each unit's incoming weights that is 0, from 0 to below 1; one always stays,
        so that no unit is silent. (PyTorch's
        ``sparse_`` takes that fraction of each input's outgoing weights instead, which silences a
        layer of one unit altogether.)
    std : float
        The standard deviation of the others, above 0.

    References
    ----------
    Martens 2010, section 5.

    Examples
    --------
    >>> weights = sparse(sparsity=0.75, std=1)(np.random.default_rng(0), (2, 8))
    >>> (weights != 0).sum(axis=1)
    array([2, 2])
    """
    sparsity = errors.number(
        "sparsity", sparsity, "a number from 0 to below 1", lambda n: 0 <= n < 1
    )
    std = positive("std", std)
    return Scheme(
        called("sparse", sparsity=sparsity, std=std),
        partial(draws.sparse, sparsity=sparsity, std=std),
    )
