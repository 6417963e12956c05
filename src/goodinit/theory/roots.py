"""Where a function of one number crosses zero."""

from collections.abc import Callable


def root(function: Callable[[float], float], low: float, high: float, to: float = 1e-12) -> float:
    """Return where a function crosses zero between two places where its signs differ, by halving.

    SciPy's methods need fewer looks at the function, and longer to be imported than all looks take.

    Parameters
    ----------
    function : callable
    low, high : float
    to : float
        How near, above the spacing of floats there.

    Examples
    --------
    >>> round(root(lambda x: x * x - 2, 0.0, 2.0), 9)
    1.414213562
    """
    above = function(high) > 0
    while high - low > to:
        middle = (low + high) / 2
        if not low < middle < high:
            break
        if (function(middle) > 0) == above:
            high = middle
        else:
            low = middle
    return (low + high) / 2
