"""The schemes whose scale follows from the fans: variance scaling, and what is named after people.

Of a convolution the fans are those of ``(outputs, inputs, *kernel)``, each times the kernel's size.
"""

from functools import partial
from math import inf

from goodinit.errors import bad_argument
from goodinit.initializers import draws
from goodinit.initializers.arguments import called, choice, finite, positive
from goodinit.initializers.arguments import gain as read_gain
from goodinit.initializers.scheme import Scheme
from goodinit.specs import also


def variance_scaling(
    scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal"
) -> Scheme:
    """Variance scaling: Var W = scale / fan, the fan being fan_in, fan_out or a mean of both.

    Derived for: any activation, with scale = gain(activation)²; the schemes named after LeCun,
    Glorot and He are its special cases.

    Parameters
    ----------
    scale : float
        Above 0.
    mode : {"fan_in", "fan_out", "fan_avg", "fan_geo_avg"}
        fan_in keeps the scale of the activations, fan_out that of the gradients; fan_avg, their
        mean, and fan_geo_avg, √(fan_in × fan_out), lie between.
    distribution : {"normal", "uniform", "truncated_normal"}
        The variance is the same for all three; truncated_normal is widened before the cut. In
        Keras's word ``normal`` is ``untruncated_normal``.

    References
    ----------
    The parametrisation of ``jax.nn.initializers.variance_scaling``, with Keras's defaults.

    Examples
    --------
    >>> weights = variance_scaling(2, "fan_in", "uniform")(np.random.default_rng(0), (100, 50))
    >>> print(f"{weights.std():.3f} {np.sqrt(2 / 50):.3f}")
    0.201 0.200
    """
    scale = positive("scale", scale)
    mode = choice("mode", mode, tuple(draws.MODES))
    if distribution == "untruncated_normal":
        distribution = "normal"
    distribution = choice("distribution", distribution, draws.DISTRIBUTIONS)
    return Scheme(
        called("variance_scaling", scale=scale, mode=mode, distribution=distribution),
        partial(draws.variance_scaling, scale=scale, mode=mode, distribution=distribution),
    )


def _squared(gain: float | str) -> float:
    factor = read_gain(gain)
    if not 0 < factor * factor < inf:
        raise bad_argument("gain", gain, "a number whose square is one too")
    return factor * factor


def _lecun(name: str, gain: float | str, distribution: str) -> Scheme:
    name, scale = called(name, gain=None if gain == 1 else gain), _squared(gain)
    return Scheme(name, variance_scaling(scale, "fan_in", distribution).draw)


def _glorot(name: str, gain: float | str, distribution: str) -> Scheme:
    name, scale = called(name, gain=None if gain == 1 else gain), _squared(gain)
    return Scheme(name, variance_scaling(scale, "fan_avg", distribution).draw)


def _meant(gain: float | str | None, nonlinearity: str | None) -> float | str | None:
    if nonlinearity is None:
        return gain
    if gain is not None:
        raise bad_argument("nonlinearity", nonlinearity, "nothing beside gain, which it stands for")
    return None if nonlinearity == "leaky_relu" else nonlinearity


def _he(name: str, slope: float, mode: str, gain: float | str | None, distribution: str) -> Scheme:
    slope = finite("slope", slope)
    if gain is not None and slope:
        raise bad_argument("gain", gain, "nothing beside slope, from which it follows")
    scale = 2 / (1 + slope * slope) if gain is None else _squared(gain)
    shown = called(name, slope=slope or None, mode=None if mode == "fan_in" else mode, gain=gain)
    return Scheme(shown, variance_scaling(scale, mode, distribution).draw)


def lecun_normal(gain: float | str = 1.0) -> Scheme:
    """LeCun normal: W ~ N(0, 1/fan_in).

    Derived for: linear units, tanh near zero, and SELU; the articles call it Xavier.

    Parameters
    ----------
    gain : float or str
        A factor above 0, or the activation whose ``gain`` it is.

    References
    ----------
    LeCun, Bottou, Orr and Müller 1998, section 4.6; Klambauer et al. 2017 for SELU.

    Examples
    --------
    >>> weights = lecun_normal()(np.random.default_rng(0), (100, 50))
    >>> print(f"{weights.std():.3f} {np.sqrt(1 / 50):.3f}")
    0.141 0.141
    """
    return _lecun("lecun_normal", gain, "normal")


def lecun_uniform(gain: float | str = 1.0) -> Scheme:
    """LeCun uniform: W ~ U(-a, a), a = √(3/fan_in).

    Derived for: linear units, tanh near zero, and SELU.

    Parameters
    ----------
    gain : float or str
        A factor above 0, or the activation whose ``gain`` it is.

    References
    ----------
    LeCun, Bottou, Orr and Müller 1998, section 4.6.

    Examples
    --------
    >>> weights = lecun_uniform()(np.random.default_rng(0), (100, 50))
    >>> bool(abs(weights).max() <= np.sqrt(3 / 50))
    True
    """
    return _lecun("lecun_uniform", gain, "uniform")


def glorot_normal(gain: float | str = 1.0) -> Scheme:
    """Glorot normal (Xavier): W ~ N(0, 2/(fan_in + fan_out)).

    Derived for: linear units and tanh near zero, as a compromise between forward and backward.

    Parameters
    ----------
    gain : float or str
        A factor above 0, or the activation whose ``gain`` it is.

    References
    ----------
    Glorot and Bengio 2010, equation 12.

    Examples
    --------
    >>> weights = glorot_normal()(np.random.default_rng(0), (100, 50))
    >>> print(f"{weights.std():.3f} {np.sqrt(2 / 150):.3f}")
    0.115 0.115
    """
    return _glorot("glorot_normal", gain, "normal")


def glorot_uniform(gain: float | str = 1.0) -> Scheme:
    """Glorot uniform (Xavier): W ~ U(-a, a), a = √(6/(fan_in + fan_out)).

    Derived for: linear units and tanh near zero, as a compromise between forward and backward.

    Parameters
    ----------
    gain : float or str
        A factor above 0, or the activation whose ``gain`` it is.

    References
    ----------
    Glorot and Bengio 2010, equation 16.

    Examples
    --------
    >>> weights = glorot_uniform()(np.random.default_rng(0), (100, 50))
    >>> bool(abs(weights).max() <= np.sqrt(6 / 150))
    True
    """
    return _glorot("glorot_uniform", gain, "uniform")


@also(a="slope", negative_slope="slope")
def he_normal(
    *,
    slope: float = 0.0,
    mode: str = "fan_in",
    gain: float | str | None = None,
    nonlinearity: str | None = None,
) -> Scheme:
    """He normal (Kaiming): W ~ N(0, 2/fan_in).

    Derived for: ReLU, which passes half of the second moment.

    Parameters
    ----------
    slope : float
        Below 0, of a leaky ReLU: the variance is 2/((1 + slope²) fan), equation 15.
    mode : {"fan_in", "fan_out", "fan_avg", "fan_geo_avg"}
    gain : float or str, optional
        Instead of the slope: the variance is gain²/fan. A number above 0, or an activation.
    nonlinearity : str, optional
        In PyTorch's word, the activation whose gain it is; ``leaky_relu`` has the slope.

    References
    ----------
    He, Zhang, Ren and Sun 2015, equation 10; articles 000 to 004.

    Examples
    --------
    >>> weights = he_normal()(np.random.default_rng(0), (100, 50))
    >>> print(f"{weights.std():.3f} {np.sqrt(2 / 50):.3f}")
    0.199 0.200
    """
    return _he("he_normal", slope, mode, _meant(gain, nonlinearity), "normal")


@also(a="slope", negative_slope="slope")
def he_uniform(
    *,
    slope: float = 0.0,
    mode: str = "fan_in",
    gain: float | str | None = None,
    nonlinearity: str | None = None,
) -> Scheme:
    """He uniform (Kaiming): W ~ U(-a, a), a = √(6/fan_in).

    Derived for: ReLU, which passes half of the second moment.

    Parameters
    ----------
    slope : float
        Below 0, of a leaky ReLU: the variance is 2/((1 + slope²) fan), equation 15.
    mode : {"fan_in", "fan_out", "fan_avg", "fan_geo_avg"}
    gain : float or str, optional
        Instead of the slope: the variance is gain²/fan. A number above 0, or an activation.
    nonlinearity : str, optional
        In PyTorch's word, the activation whose gain it is; ``leaky_relu`` has the slope.

    References
    ----------
    He, Zhang, Ren and Sun 2015, equation 10, with the uniform distribution of that variance.

    Examples
    --------
    >>> weights = he_uniform()(np.random.default_rng(0), (100, 50))
    >>> bool(abs(weights).max() <= np.sqrt(6 / 50))
    True
    """
    return _he("he_uniform", slope, mode, _meant(gain, nonlinearity), "uniform")
