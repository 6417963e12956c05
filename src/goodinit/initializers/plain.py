"""The schemes that look at no fan, and take any shape.

The first line of each docstring holds the formula, the line after it what the scheme is derived
for, the references the source: ``describe`` and ``goodinit initializers`` read them from there.
"""

from functools import partial

from goodinit import errors
from goodinit.errors import bad_argument
from goodinit.initializers import draws
from goodinit.initializers.arguments import called, finite, positive, show
from goodinit.initializers.scheme import Scheme

_FARTHEST = 37.0  # standard deviations; float64 has no smaller probabilities


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
    number = finite("value", value)
    return Scheme(called("constant", value=number), partial(draws.constant, value=number))


def normal(std: float, mean: float = 0.0) -> Scheme:
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
    std, mean = positive("std", std), finite("mean", mean)
    name = called("normal", std=std, mean=mean or None)
    return Scheme(name, partial(draws.normal, std=std, mean=mean))


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
    low = finite("low", low)
    high = errors.number("high", high, f"a finite number above low, {show(low)}", lambda n: n > low)
    return Scheme(called("uniform", low=low, high=high), partial(draws.uniform, low=low, high=high))


def truncated_normal(
    std: float, mean: float = 0.0, low: float | None = None, high: float | None = None
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
    std, mean = positive("std", std), finite("mean", mean)
    low = None if low is None else finite("low", low)
    high = None if high is None else finite("high", high)
    begin, end = draws.cut(std, mean, low, high)
    if not (begin < end and begin < _FARTHEST and end > -_FARTHEST):
        takes = f"low below high, within {_FARTHEST:g} standard deviations of the mean"
        raise bad_argument("low, high", (low, high), takes)
    name = called("truncated_normal", std=std, mean=mean or None, low=low, high=high)
    draw = partial(draws.truncated_normal, std=std, mean=mean, low=low, high=high)
    return Scheme(name, draw)
