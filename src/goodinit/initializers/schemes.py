"""Every scheme: its formula, what it is derived for, its source.

The first line of each docstring holds the formula, the line after it what the scheme is derived
for, the references the source: ``describe`` and ``goodinit initializers`` read them from there.
"""

from collections.abc import Callable
from functools import partial

from goodinit import errors
from goodinit.errors import bad_argument
from goodinit.initializers import draws
from goodinit.initializers.scheme import Scheme


def _show(number: float) -> str:
    """Return the number as a spec writes it, with every digit."""
    return repr(number).removesuffix(".0")


def _positive(argument: str, value: object) -> float:
    return errors.number(argument, value, "a number above 0", lambda number: number > 0)


def _choice(argument: str, value: object, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise bad_argument(argument, value, f"one of {', '.join(choices)}")
    return value


def zeros() -> Scheme:
    """Zeros: W = 0.

    Derived for: nothing but the last layer, or a model without hidden units, such as logistic
    regression; hidden units that start equal stay equal.

    References
    ----------
    Rumelhart, Hinton and Williams 1986 on breaking symmetry; articles 000 to 004.

    Examples
    --------
    >>> zeros()(np.random.default_rng(0), (1, 3))
    array([[0., 0., 0.]])
    """
    return Scheme("zeros", partial(draws.constant, value=0.0))


def ones() -> Scheme:
    """Ones: W = 1.

    Derived for: nothing; keeps every unit of a layer identical, as zeros do.

    References
    ----------
    Rumelhart, Hinton and Williams 1986 on breaking symmetry.

    Examples
    --------
    >>> ones()(np.random.default_rng(0), (1, 3))
    array([[1., 1., 1.]])
    """
    return Scheme("ones", partial(draws.constant, value=1.0))


def constant(value: float) -> Scheme:
    """Constant: W = value.

    Derived for: nothing; keeps every unit of a layer identical, as zeros do.

    Parameters
    ----------
    value : float
        The weight, any finite number.

    References
    ----------
    Rumelhart, Hinton and Williams 1986 on breaking symmetry.

    Examples
    --------
    >>> constant(0.5)(np.random.default_rng(0), (1, 3))
    array([[0.5, 0.5, 0.5]])
    """
    number = errors.number("value", value, "a finite number")
    return Scheme(f"constant(value={_show(number)})", partial(draws.constant, value=number))


def normal(std: float) -> Scheme:
    """Normal: W ~ N(0, std²).

    Derived for: nothing; the scale does not look at the fan, so it suits one width only. The
    articles' "random" is normal(std=10).

    Parameters
    ----------
    std : float
        The standard deviation, above 0.

    References
    ----------
    Articles 000 to 004; Krizhevsky, Sutskever and Hinton 2012 used std=0.01.

    Examples
    --------
    >>> normal(std=10)(np.random.default_rng(0), (1, 2)).round(2)
    array([[ 1.26, -1.32]])
    """
    std = _positive("std", std)
    return Scheme(f"normal(std={_show(std)})", partial(draws.normal, std=std))


def uniform(low: float, high: float) -> Scheme:
    """Uniform: W ~ U[low, high).

    Derived for: nothing; the scale does not look at the fan, so it suits one width only.

    Parameters
    ----------
    low, high : float
        The bounds, low below high.

    References
    ----------
    Glorot and Bengio 2010, equation 1, is uniform(-1/√fan_in, 1/√fan_in).

    Examples
    --------
    >>> uniform(-1, 1)(np.random.default_rng(0), (1, 2)).round(2)
    array([[ 0.27, -0.46]])
    """
    low = errors.number("low", low, "a finite number")
    high = errors.number(
        "high", high, f"a finite number above low, {_show(low)}", lambda n: n > low
    )
    return Scheme(
        f"uniform(low={_show(low)}, high={_show(high)})", partial(draws.uniform, low=low, high=high)
    )


def truncated_normal(std: float) -> Scheme:
    """Truncated normal: W ~ N(0, std²) cut at ±2 std; the standard deviation left is 0.880 std.

    Derived for: nothing; a normal without its rare large weights.

    Parameters
    ----------
    std : float
        The standard deviation before the cut, above 0.

    References
    ----------
    The cut and the meaning of std are those of ``jax.nn.initializers.truncated_normal``.

    Examples
    --------
    >>> truncated_normal(std=1)(np.random.default_rng(0), (1, 2)).round(2)
    array([[ 0.33, -0.58]])
    """
    std = _positive("std", std)
    return Scheme(f"truncated_normal(std={_show(std)})", partial(draws.truncated_normal, std=std))


def variance_scaling(scale: float, mode: str, distribution: str) -> Scheme:
    """Variance scaling: Var W = scale / fan, the fan being fan_in, fan_out or their mean.

    Derived for: any activation, with scale = gain(activation)²; the schemes named after LeCun,
    Glorot and He are its special cases.

    Parameters
    ----------
    scale : float
        Above 0.
    mode : {"fan_in", "fan_out", "fan_avg"}
        fan_in keeps the scale of the activations, fan_out that of the gradients, fan_avg lies
        between.
    distribution : {"normal", "uniform", "truncated_normal"}
        The variance is the same for all three; truncated_normal is widened before the cut.

    References
    ----------
    The parametrisation of ``jax.nn.initializers.variance_scaling``.

    Examples
    --------
    >>> weights = variance_scaling(2, "fan_in", "uniform")(np.random.default_rng(0), (100, 50))
    >>> print(f"{weights.std():.3f} {np.sqrt(2 / 50):.3f}")
    0.201 0.200
    """
    scale = _positive("scale", scale)
    mode = _choice("mode", mode, tuple(draws.MODES))
    distribution = _choice("distribution", distribution, draws.DISTRIBUTIONS)
    return Scheme(
        f"variance_scaling(scale={_show(scale)}, mode={mode}, distribution={distribution})",
        partial(draws.variance_scaling, scale=scale, mode=mode, distribution=distribution),
    )


def _named(name: str, scale: float, mode: str, distribution: str) -> Scheme:
    return Scheme(name, variance_scaling(scale, mode, distribution).draw)


def lecun_normal() -> Scheme:
    """LeCun normal: W ~ N(0, 1/fan_in).

    Derived for: linear units, tanh near zero, and SELU; the articles call it Xavier.

    References
    ----------
    LeCun, Bottou, Orr and Müller 1998, section 4.6; Klambauer et al. 2017 for SELU.

    Examples
    --------
    >>> weights = lecun_normal()(np.random.default_rng(0), (100, 50))
    >>> print(f"{weights.std():.3f} {np.sqrt(1 / 50):.3f}")
    0.141 0.141
    """
    return _named("lecun_normal", 1.0, "fan_in", "normal")


def lecun_uniform() -> Scheme:
    """LeCun uniform: W ~ U(-a, a), a = √(3/fan_in).

    Derived for: linear units, tanh near zero, and SELU.

    References
    ----------
    LeCun, Bottou, Orr and Müller 1998, section 4.6.

    Examples
    --------
    >>> weights = lecun_uniform()(np.random.default_rng(0), (100, 50))
    >>> bool(abs(weights).max() <= np.sqrt(3 / 50))
    True
    """
    return _named("lecun_uniform", 1.0, "fan_in", "uniform")


def glorot_normal() -> Scheme:
    """Glorot normal (Xavier): W ~ N(0, 2/(fan_in + fan_out)).

    Derived for: linear units and tanh near zero, as a compromise between forward and backward.

    References
    ----------
    Glorot and Bengio 2010, equation 12.

    Examples
    --------
    >>> weights = glorot_normal()(np.random.default_rng(0), (100, 50))
    >>> print(f"{weights.std():.3f} {np.sqrt(2 / 150):.3f}")
    0.115 0.115
    """
    return _named("glorot_normal", 1.0, "fan_avg", "normal")


def glorot_uniform() -> Scheme:
    """Glorot uniform (Xavier): W ~ U(-a, a), a = √(6/(fan_in + fan_out)).

    Derived for: linear units and tanh near zero, as a compromise between forward and backward.

    References
    ----------
    Glorot and Bengio 2010, equation 16.

    Examples
    --------
    >>> weights = glorot_uniform()(np.random.default_rng(0), (100, 50))
    >>> bool(abs(weights).max() <= np.sqrt(6 / 150))
    True
    """
    return _named("glorot_uniform", 1.0, "fan_avg", "uniform")


def he_normal() -> Scheme:
    """He normal (Kaiming): W ~ N(0, 2/fan_in).

    Derived for: ReLU, which passes half of the second moment.

    References
    ----------
    He, Zhang, Ren and Sun 2015, equation 10; articles 000 to 004.

    Examples
    --------
    >>> weights = he_normal()(np.random.default_rng(0), (100, 50))
    >>> print(f"{weights.std():.3f} {np.sqrt(2 / 50):.3f}")
    0.199 0.200
    """
    return _named("he_normal", 2.0, "fan_in", "normal")


def he_uniform() -> Scheme:
    """He uniform (Kaiming): W ~ U(-a, a), a = √(6/fan_in).

    Derived for: ReLU, which passes half of the second moment.

    References
    ----------
    He, Zhang, Ren and Sun 2015, equation 10, with the uniform distribution of that variance.

    Examples
    --------
    >>> weights = he_uniform()(np.random.default_rng(0), (100, 50))
    >>> bool(abs(weights).max() <= np.sqrt(6 / 50))
    True
    """
    return _named("he_uniform", 2.0, "fan_in", "uniform")


def orthogonal(gain: float = 1.0) -> Scheme:
    """Orthogonal: W Wᵀ = gain² I (WᵀW where fan_out > fan_in), uniform over all such W.

    Derived for: deep linear networks, where it keeps every singular value at gain; with the gain
    of the activation, for others.

    Parameters
    ----------
    gain : float
        Above 0; see ``gain``.

    References
    ----------
    Saxe, McClelland and Ganguli 2014; Mezzadri 2007 for drawing uniformly.

    Examples
    --------
    >>> weights = orthogonal(gain=2)(np.random.default_rng(0), (2, 3))
    >>> np.allclose(weights @ weights.T, 4 * np.eye(2))
    True
    """
    gain = _positive("gain", gain)
    name = "orthogonal" if gain == 1 else f"orthogonal(gain={_show(gain)})"
    return Scheme(name, partial(draws.orthogonal, gain=gain))


def identity(gain: float = 1.0) -> Scheme:
    """Identity: W = gain × I, padded with zeros where the layer is not square.

    Derived for: recurrent and very deep ReLU networks of one width.

    Parameters
    ----------
    gain : float
        Above 0.

    References
    ----------
    Le, Jaitly and Hinton 2015.

    Examples
    --------
    >>> identity()(np.random.default_rng(0), (2, 3))
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    gain = _positive("gain", gain)
    name = "identity" if gain == 1 else f"identity(gain={_show(gain)})"
    return Scheme(name, partial(draws.identity, gain=gain))


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
    std = _positive("std", std)
    return Scheme(
        f"sparse(sparsity={_show(sparsity)}, std={_show(std)})",
        partial(draws.sparse, sparsity=sparsity, std=std),
    )


SCHEMES: dict[str, Callable[..., Scheme]] = {
    maker.__name__: maker
    for maker in (
        zeros,
        ones,
        constant,
        normal,
        uniform,
        truncated_normal,
        variance_scaling,
        lecun_normal,
        lecun_uniform,
        glorot_normal,
        glorot_uniform,
        he_normal,
        he_uniform,
        orthogonal,
        identity,
        sparse,
    )
}
