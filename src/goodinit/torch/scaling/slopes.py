"""How a scale follows a size: the exponent of a power law, with its interval over the seeds."""

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
    from scipy.stats import t

    x = np.log2(sizes)
    x = x - x.mean()
    each = np.log2(scales) @ x / (x @ x)
    middle, seeds = float(each.mean()), len(each)
    if seeds < 2:
        return round(middle, 12), float("nan"), float("nan")
    error = float(each.std(ddof=1) * t.ppf(0.5 * (1 + _INSIDE), seeds - 1)) / seeds**0.5
    return round(middle, 12), round(middle - error, 12), round(middle + error, 12)
