"""How a spread over seeds is told: by the range in which 90 % of them lie."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The quantiles between which 90 % of the seeds lie, wherever a spread is told or drawn.
SEED_RANGE = (0.05, 0.95)


def seed_range(
    values: ArrayLike, axis: int = -1
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 5th and the 95th percentile over the seeds.

    Percentiles are interpolated linearly between the two nearest seeds (Hyndman and Fan 1996,
    type 7), which treats both tails alike. An infinite cost is larger than any other: a bound that
    lies on a finite seed is finite, one between a finite and an infinite seed is infinite, and so
    is one between two infinite seeds, where ``numpy.quantile`` subtracts infinities to NaN.

    Parameters
    ----------
    values : array-like
        A measure of each seed along `axis`. NaN, the cost of a diverged trial, counts as infinite.
    axis : int

    Returns
    -------
    low, high : array
        Of the shape of `values` without `axis`; NaN where there are no seeds.

    References
    ----------
    Hyndman and Fan 1996, Sample quantiles in statistical packages, section 3.

    Examples
    --------
    >>> [float(bound) for bound in seed_range(range(101))]
    [5.0, 95.0]
    >>> [float(bound) for bound in seed_range([3.0, 1.0, float("nan")])]
    [1.2, inf]
    """
    array = np.moveaxis(np.asarray(values, dtype=np.float64), axis, -1)
    if array.shape[-1] == 0:
        none = np.full(array.shape[:-1], np.nan)
        return none, none.copy()
    ordered = np.sort(np.where(np.isnan(array), np.inf, array), axis=-1)
    low, high = (_at(ordered, quantile) for quantile in SEED_RANGE)
    return low, high


def _at(ordered: NDArray[np.float64], quantile: float) -> NDArray[np.float64]:
    place = quantile * (ordered.shape[-1] - 1)
    below, above = ordered[..., int(np.floor(place))], ordered[..., int(np.ceil(place))]
    share = place % 1
    with np.errstate(invalid="ignore"):  # infinity minus infinity, between two diverged trials
        between = below + share * (above - below)
    return np.where(below == above, below, between)
