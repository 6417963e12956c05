"""How a scale follows a size: the exponent of a power law, with its interval over the seeds."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_INSIDE = 0.95


def exponent(sizes: Array, scales: Array) -> tuple[float, float, float]:
    """Return the exponent of scale ∝ size^s, and the ends of its 95 % interval over the seeds.

    The line is fitted to each seed's logarithms; the interval is Student's, of their mean.

    Parameters
    ----------
    sizes : array, shape (sizes,)
    scales : array, shape (seeds, sizes)

    Returns
    -------
    (s, low, high)
        NaN where a scale isn't a number above 0 in some seed; no interval for one seed.

    Examples
    --------
    >>> exponent(np.array([1.0, 2.0, 4.0]), np.array([[3.0, 6.0, 12.0], [1.0, 2.0, 4.0]]))
    (1.0, 1.0, 1.0)
    """
    if not (np.isfinite(scales) & (scales > 0)).all():
        return float("nan"), float("nan"), float("nan")
    from scipy.special import stdtrit

    x = np.log2(sizes)
    x = x - x.mean()
    each = np.log2(scales) @ x / (x @ x)
    middle, seeds = float(each.mean()), len(each)
    if seeds < 2:
        return round(middle, 12), float("nan"), float("nan")
    error = float(each.std(ddof=1) * stdtrit(seeds - 1, 0.5 * (1 + _INSIDE))) / seeds**0.5
    return round(middle, 12), round(middle - error, 12), round(middle + error, 12)


def why_none(axis: str, sizes: Sequence[int], scales: Array) -> str:
    """Return in words why a scale has no exponent; nothing where it has one.

    Parameters
    ----------
    axis : {"width", "depth"}
    sizes : sequence of int
    scales : array, shape (seeds, sizes)

    Examples
    --------
    >>> why_none("width", [64, 128, 256], np.array([[1.0, 2.0, np.inf], [1.0, np.nan, 2.0]]))
    'diverges at width 128 and 256, in some of 2 seeds'
    >>> why_none("depth", [1, 2, 4], np.zeros((2, 3)))
    'is zero at every depth'
    """
    for what, wrong in (("diverges", ~np.isfinite(scales)), ("is zero", scales == 0)):
        counts = wrong.sum(axis=0)
        at = [str(size) for size, count in zip(sizes, counts, strict=True) if count]
        if at:
            *first, last = at
            listed = f"{', '.join(first)} and {last}" if first else last
            where = f"every {axis}" if len(at) == len(sizes) else f"{axis} {listed}"
            always = counts[counts > 0].min() == len(scales)
            return f"{what} at {where}" + ("" if always else f", in some of {len(scales)} seeds")
    return ""
