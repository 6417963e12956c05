"""The schemes that look at no fan, and take any shape.

The first line of each docstring holds the formula, the line after it what the scheme is derived
for, the references the source: ``describe`` and ``goodinit initializers`` read them from there.
"""

from functools import partial

from goodinit import errors
from goodinit.errors import ArgumentError, bad_argument
from goodinit.initializers import draws
from goodinit.initializers.arguments import called, finite, positive, show
from goodinit.initializers.scheme import Scheme
from goodinit.specs import also

_FARTHEST = 37.0  # standard deviations; float64 has no smaller probabilities


def _told(argument: str, value: object, peers: str) -> None:
    """Refuse an argument that isn't given, where the defaults of other libraries differ."""
    if value is None:
        raise ArgumentError(f"{argument}: not given, and has no default: {peers}")


_STDS = "in PyTorch it is 1, in Keras 0.05, in JAX 0.01"


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


@also(val="value")
def constant(value: float | None = None) -> Scheme:
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
    _told("value", value, "in Keras it is 0, PyTorch and JAX want it told")
    number = finite("value", value)
    return Scheme(called("constant", value=number), partial(draws.constant, value=number))


@also(stddev="std")
def normal(std: float | None = None, mean: float = 0.0) -> Scheme:
    """Normal: W ~ N(mean, std²), the mean being 0 unless it is given.

    Derived for: nothing; the scale does not look at the fan, so it suits one width only. The
    articles' "random" is normal(std=10).

    Parameters
    ----------
    std : float
        The standard deviation, above 0.
    mean : float
        Any finite number.

    References
    ----------
    Articles 000 to 004; Krizhevsky, Sutskever and Hinton 2012 used std=0.01.

    Examples
    --------
    >>> normal(std=10)(np.random.default_rng(0), (1, 2)).round(2)
    array([[ 1.26, -1.32]])
    """
    _told("std", std, _STDS)
    std, mean = positive("std", std), finite("mean", mean)
    name = called("normal", std=std, mean=mean or None)
    return Scheme(name, partial(draws.normal, std=std, mean=mean))


@also(a="low", b="high", minval="low", maxval="high")
def uniform(
    low: float | None = None, high: float | None = None, *, scale: float | None = None
) -> Scheme:
    """Uniform: W ~ U[low, high).

    Derived for: nothing; the scale does not look at the fan, so it suits one width only.

    Parameters
    ----------
    low, high : float
        The bounds, low below high.
    scale : float, optional
        In JAX's word, instead of both: from 0 to scale, above 0.

    References
    ----------
    Glorot and Bengio 2010, equation 1, is uniform(-1/√fan_in, 1/√fan_in).

    Examples
    --------
    >>> uniform(-1, 1)(np.random.default_rng(0), (1, 2)).round(2)
    array([[ 0.27, -0.46]])
    """
    if scale is not None:
        if (low, high) != (None, None):
            raise bad_argument("scale", scale, "nothing beside low and high, for which it stands")
        low, high = 0.0, positive("scale", scale)
    for argument, value in (("low", low), ("high", high)):
        _told(argument, value, "PyTorch's is U(0, 1), Keras's U(-0.05, 0.05), JAX's U(0, 0.01)")
    low = finite("low", low)
    high = errors.number("high", high, f"a finite number above low, {show(low)}", lambda n: n > low)
    return Scheme(called("uniform", low=low, high=high), partial(draws.uniform, low=low, high=high))


def _alone(word: str, given: object, name: str, bound: object) -> bool:
    """Return whether a bound is given by a word that stands for its name, refusing both."""
    if given is not None and bound is not None:
        raise bad_argument(word, given, f"nothing beside {name}, for which it stands")
    return given is not None


@also(stddev="std", a="low", b="high")
def truncated_normal(
    std: float | None = None,
    mean: float = 0.0,
    low: float | None = None,
    high: float | None = None,
    *,
    lower: float | None = None,
    upper: float | None = None,
) -> Scheme:
    """Truncated normal: W ~ N(mean, std²) cut at low and high, mean ± 2 std unless given.

    Derived for: nothing; a normal without its rare large weights. Cut at ±2 std, the standard
    deviation left is 0.880 std.

    Parameters
    ----------
    std : float
        The standard deviation before the cut, above 0.
    mean : float
        Before the cut; any finite number.
    low, high : float, optional
        The bounds, low below high, where the normal distribution has digits left.
    lower, upper : float, optional
        In JAX's words, instead of them: bounds in standard deviations from the mean.

    References
    ----------
    The cut and the meaning of std are those of ``jax.nn.initializers.truncated_normal``; bounds
    that are given are those of ``torch.nn.init.trunc_normal_``.

    Examples
    --------
    >>> truncated_normal(std=1)(np.random.default_rng(0), (1, 2)).round(2)
    array([[ 0.33, -0.58]])
    >>> bool(truncated_normal(std=1, low=0, high=3)(np.random.default_rng(0), 1000).min() >= 0)
    True
    """
    _told("std", std, _STDS)
    std, mean = positive("std", std), finite("mean", mean)
    if _alone("lower", lower, "low", low):
        low = mean + std * finite("lower", lower)
    if _alone("upper", upper, "high", high):
        high = mean + std * finite("upper", upper)
    low = None if low is None else finite("low", low)
    high = None if high is None else finite("high", high)
    begin, end = draws.cut(std, mean, low, high)
    if not (begin < end and begin < _FARTHEST and end > -_FARTHEST):
        takes = f"low below high, within {_FARTHEST:g} standard deviations of the mean"
        raise bad_argument("low, high", (low, high), takes)
    name = called("truncated_normal", std=std, mean=mean or None, low=low, high=high)
    draw = partial(draws.truncated_normal, std=std, mean=mean, low=low, high=high)
    return Scheme(name, draw)
