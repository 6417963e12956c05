"""Ranks, and the p-values of what is counted in them: ``scipy.stats`` takes longer to import."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr

Values = NDArray[np.float64]

_MOST_EXACT = 50  # differences; of more the normal approximation serves


def ranks(values: Values) -> Values:
    """Return ranks from 1 along the last axis, of what is equal their mean.

    Examples
    --------
    >>> ranks(np.array([3.0, 1.0, 3.0]))
    array([2.5, 1. , 2.5])
    """
    order = np.argsort(values, axis=-1)
    ordered, places = np.take_along_axis(values, order, -1), np.arange(values.shape[-1])
    starts, ends = np.ones((2, *values.shape), bool)
    starts[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    ends[..., :-1] = starts[..., 1:]
    first = np.maximum.accumulate(np.where(starts, places, 0), axis=-1)
    last = np.where(ends, places, len(places))[..., ::-1]
    last = np.minimum.accumulate(last, axis=-1)[..., ::-1]
    found = np.empty(values.shape)
    np.put_along_axis(found, order, (first + last) / 2 + 1, -1)
    return found


def signed_ranks_p(signed_ranks: Values, alternative: str) -> float:
    """Return the p-value of Wilcoxon's test of ranks with their differences' signs, not all 0.

    Exact where there are neither ties nor zeros and not many; by the normal distribution else, with
    half of the zeros' ranks on either side, corrected for ties.

    Examples
    --------
    >>> signed_ranks_p(np.array([1.0, 2.0, 3.0, 4.0, -5.0, 6.0]), "greater")
    0.15625
    """
    sizes = np.abs(signed_ranks)
    n, ties = len(sizes), np.unique(sizes, return_counts=True)[1].astype(float)
    if ties.max() == 1 and sizes.all() and n <= _MOST_EXACT:
        odds, seen = _odds_of_sums(n), int(signed_ranks[signed_ranks > 0].sum())
        tails = {"greater": float(odds[seen:].sum()), "less": float(odds[: seen + 1].sum())}
        return min(1.0, tails.get(alternative, 2 * min(tails.values())))
    variance = (n * (n + 1) * (2 * n + 1) - np.sum(ties**3 - ties) / 2) / 24
    score = 0.5 * signed_ranks.sum() / np.sqrt(variance)
    tails = {"greater": float(ndtr(-score)), "less": float(ndtr(score))}
    return tails.get(alternative, 2 * min(tails.values()))


@cache
def _odds_of_sums(n: int) -> Values:
    """Return the probability of each sum of those ranks from 1 to n whose fair coins show heads."""
    odds = np.ones(1)
    for rank in range(1, n + 1):
        odds = 0.5 * (np.pad(odds, (0, rank)) + np.pad(odds, (rank, 0)))
    return odds


def friedman_p(values: Values) -> float:
    """Return the p-value that columns differ, by their ranks within rows: Friedman's test.

    Parameters
    ----------
    values : array, shape (rows, columns)
        Some row's values not all the same.

    Examples
    --------
    >>> round(friedman_p(np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [1.0, 2.0, 3.0]])), 3)
    0.097
    """
    by_row = ranks(values)
    spread = np.sum((by_row.sum(axis=0) - by_row.sum() / by_row.shape[1]) ** 2)
    within = np.var(by_row, axis=1, ddof=1).sum()
    return float(chdtrc(by_row.shape[1] - 1, spread / within))
