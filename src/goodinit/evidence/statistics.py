"""The statistics of paired differences: intervals, tests, equivalence, power."""

from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import product
from math import ceil, comb, log2, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr

from goodinit.evidence.ranks import ranks, signed_ranks_p

Values = NDArray[np.float64]

# In at most this share of studies is any pair told apart that is alike, for one outcome.
LEVEL = 0.05
CONFIDENCE = 0.90  # of intervals
POWER = 0.80  # of what these seeds could have shown
_RESAMPLES = 2000
_BISECTIONS = 20
_ENUMERATED = 13  # differences, whose every sign is looked at, so that ties don't matter
_DRAWN_AT_ONCE = 2_000_000  # seeds, over several resamples: bounds memory, not what is found


def fewest_seeds(initializers: int) -> int:
    """Return how many seeds it takes to tell any two of some initializers apart.

    n unanimous pairs end Wilcoxon's test at p = 2/2ⁿ, and Holm multiplies the smallest p-value by
    the number of pairs of initializers.

    Examples
    --------
    >>> fewest_seeds(2), fewest_seeds(6)
    (6, 10)
    """
    pairs = max(1, comb(initializers, 2))
    return ceil(log2(2 * pairs / LEVEL))


def paired_differences(a: Values, b: Values, least: float = 0.0) -> Values:
    """Return a - b, and 0 where both are infinite, or differ by no more than the least that counts.

    Two failures are alike.

    Examples
    --------
    >>> paired_differences(np.array([1.0, np.inf, np.inf]), np.array([3.0, 2.0, np.inf]))
    array([-2., inf,  0.])
    """
    with np.errstate(invalid="ignore"):
        differences: Values = a - b
        alike = (a == b) | (np.abs(differences) <= least)
    return np.where(alike, 0.0, differences)


def median_difference(differences: Values) -> Values:
    """Return the median along the last axis; 0 where it lies between failures of either side."""
    ordered, count = np.sort(differences, axis=-1), differences.shape[-1]
    medians = ordered[..., count // 2]  # faster than ``numpy.median``, and the same
    if count % 2 == 0:
        with np.errstate(invalid="ignore", over="ignore"):
            medians = (ordered[..., count // 2 - 1] + medians) / 2
    return np.where(np.isnan(medians) | np.isnan(ordered[..., -1]), 0.0, medians)


def interval(differences: Values, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return a bootstrap interval of the median difference.

    Percentiles of the medians of 2,000 resamples, drawn from a fixed seed; the honesty of it is
    measured in ``benchmarks/honesty.py``.

    References
    ----------
    Efron and Tibshirani 1993, chapter 13.

    Examples
    --------
    >>> interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]))
    (2.0, 6.0)
    """
    drawn = _resamples(len(differences))
    medians = np.concatenate([median_difference(differences[places]) for places in drawn])
    tail = (1 - confidence) / 2
    low, high = np.quantile(medians, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)


def _resamples(seeds: int) -> Iterable[NDArray[np.int64]]:
    """Return 2,000 resamples of so many seeds, a row each; those of few seeds are kept."""
    rows = _DRAWN_AT_ONCE // seeds
    if rows >= _RESAMPLES:
        return _few_resamples(seeds)
    rng, rows = np.random.default_rng(0), max(1, rows)
    sizes = [min(rows, _RESAMPLES - done) for done in range(0, _RESAMPLES, rows)]
    return (rng.integers(seeds, size=(size, seeds)) for size in sizes)


@lru_cache(maxsize=1)
def _few_resamples(seeds: int) -> list[NDArray[np.int64]]:
    return [np.random.default_rng(0).integers(seeds, size=(_RESAMPLES, seeds))]


def signed_rank_p(differences: Values, alternative: str = "two-sided") -> float:
    """Return the p-value of Wilcoxon's signed-rank test; 1 where no pair differs, NaN of a NaN.

    Parameters
    ----------
    differences : array, shape (seeds,)
    alternative : {"two-sided", "greater", "less"}
        Whether the differences lie off 0, above it, or below.

    Examples
    --------
    >>> signed_rank_p(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
    0.03125
    """
    if not differences.any() or len(differences) < 2:
        return 1.0
    if np.isnan(differences).any():
        return float("nan")
    # Ranks are all that the test sees: an infinite difference may as well be the largest rank.
    signed_ranks = np.sign(differences) * ranks(np.abs(differences))
    if len(differences) <= _ENUMERATED:
        return _by_all_signs(signed_ranks, alternative)
    return signed_ranks_p(signed_ranks, alternative)


def _by_all_signs(signed_ranks: Values, alternative: str) -> float:
    """Return the exact p-value, ties or not: SciPy takes a second for what takes a millisecond."""
    moved = signed_ranks[signed_ranks != 0]
    sums, seen = _all_signs(len(moved)) @ np.abs(moved), moved.sum()  # halves: exact
    tails = {"greater": float(np.mean(sums >= seen)), "less": float(np.mean(sums <= seen))}
    tails["two-sided"] = min(1.0, 2 * min(tails.values()))
    return tails[alternative]


@cache
def _all_signs(count: int) -> Values:
    return np.array(list(product((-1.0, 1.0), repeat=count)))


def corrected_t_p(differences: Values, shared: float, alternative: str = "two-sided") -> float:
    """Return the p-value of a t-test of splits that share examples.

    Where two of J splits share a part of the examples that a measure is taken on, so much of its
    variance is taken for common to all of them: that of their mean is 1/J + shared / (1 - shared)
    times theirs. For a test part it is the corrected resampled t-test. Infinite differences count
    as the largest finite one.

    Parameters
    ----------
    differences : array, shape (splits,)
    shared : float
        From 0 to below 1.
    alternative : {"two-sided", "greater", "less"}

    References
    ----------
    Nadeau and Bengio 2003, Inference for the generalization error, section 4.

    Examples
    --------
    >>> differences = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    >>> [round(corrected_t_p(differences, shared), 3) for shared in (0.0, 0.25, 0.75)]
    [0.006, 0.046, 0.341]
    """
    if len(differences) < 2 or not differences.any():
        return 1.0
    finite = np.abs(differences[np.isfinite(differences)])
    largest = float(finite.max()) if finite.any() else 1.0
    clipped = np.clip(differences, -largest, largest)
    mean, deviation = float(clipped.mean()), float(clipped.std(ddof=1))
    error = deviation * np.sqrt(1 / len(clipped) + shared / (1 - shared))
    score = mean / error if error > 0 else np.copysign(np.inf, mean)
    freedom = len(clipped) - 1
    tails = {
        "two-sided": 2 * stdtr(freedom, -abs(score)),
        "greater": stdtr(freedom, -score),
        "less": stdtr(freedom, score),
    }
    return float(tails[alternative])


def equivalence_p(differences: Values, margin: float) -> float:
    """Return the p-value of two one-sided tests that the differences lie within a margin.

    The larger one of the p-values of Wilcoxon's signed-rank test that they lie above ``-margin``,
    and below ``margin``.

    Parameters
    ----------
    differences : array, shape (seeds,)
    margin : float
        In the unit of the differences, above 0.

    References
    ----------
    Schuirmann 1987; Lakens 2017, Equivalence tests, for two one-sided tests.

    Examples
    --------
    >>> differences = np.array([0.1, -0.2, 0.15, -0.05, 0.02, 0.12])
    >>> equivalence_p(differences, margin=1.0), equivalence_p(differences, margin=0.1) > 0.05
    (0.015625, True)
    """
    above = signed_rank_p(differences + margin, "greater")
    below = signed_rank_p(differences - margin, "less")
    return max(above, below)


def share_interval(count: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return Wilson's interval of a share; all of 0 to 1 where nothing was counted.

    References
    ----------
    Wilson 1927; Brown, Cai and DasGupta 2001.

    Examples
    --------
    >>> low, high = share_interval(3, 20)
    >>> f"{low:.2f} to {high:.2f}"
    '0.06 to 0.32'
    """
    if not of:
        return 0.0, 1.0
    z = float(ndtri(0.5 + 0.5 * confidence))
    center = (count + 0.5 * z**2) / (of + z**2)
    half = z / (of + z**2) * sqrt(count * (of - count) / of + 0.25 * z**2)
    return center - half if count else 0.0, center + half if count < of else 1.0


def fails_more_p(only_a: int, only_b: int) -> float:
    """Return the one-sided p-value that a fails in more seeds than b: McNemar's exact test.

    Parameters
    ----------
    only_a, only_b : int
        Seeds in which one fails and the other doesn't.

    Examples
    --------
    >>> fails_more_p(5, 0)
    0.03125
    """
    seeds = only_a + only_b
    return sum(comb(seeds, of_a) for of_a in range(only_a, seeds + 1)) / (1 << seeds)


def probability_of_less(a: Values, b: Values, least: float = 0.0) -> float:
    """Return the probability that a run of a ends below one of b, ties counting half.

    A tie is what differs by no more than the least that counts.

    Examples
    --------
    >>> probability_of_less(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    0.875
    """
    ordered, pairs = np.sort(b), len(a) * len(b)
    greater = np.searchsorted(ordered, a - least, side="left").sum()
    greater_or_same = np.searchsorted(ordered, a + least, side="right").sum()
    less, same = pairs - greater_or_same, greater_or_same - greater
    return float(less / pairs + 0.5 * (same / pairs))


def holm(p_values: Values) -> Values:
    """Return p-values corrected by Holm 1979, so that none of many is called real by luck.

    Examples
    --------
    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    steps = p_values[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty_like(p_values)
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected


def detectable_difference(differences: Values, level: float = LEVEL) -> float:
    """Return the difference that as many seeds would have told apart in most studies.

    The differences seen, moved to a median of 0, stand for what luck alone does. Studies are
    resampled from them and shifted; the result is the shift at which a signed-rank test (by its
    normal approximation) finds 80 % of them. Of new studies it finds about three of four, since the
    luck of one study is only a sample; ``benchmarks/honesty.py`` measures it.

    Parameters
    ----------
    differences : array, shape (seeds,)
        Infinite ones are left out.
    level : float
        Of the test.

    Returns
    -------
    float
        Infinite with fewer than six finite differences, 0 where luck makes none.

    Examples
    --------
    >>> luck = np.random.default_rng(0).standard_normal(20)
    >>> round(detectable_difference(luck), 1)
    0.5
    """
    finite = differences[np.isfinite(differences)]
    if len(finite) < fewest_seeds(2):
        return float("inf")
    resamples = max(1, min(_RESAMPLES // 4, _DRAWN_AT_ONCE // len(finite)))
    drawn = np.random.default_rng(0).integers(len(finite), size=(resamples, len(finite)))
    luck = (finite - np.median(finite))[drawn]
    low, high = 0.0, float(np.abs(luck).max()) * 2
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if _share_found(luck + middle, level) >= POWER else (middle, high)
    return high


def _share_found(studies: Values, level: float) -> float:
    """Return in which share of studies, one a row, a signed-rank test finds a difference."""
    ranked = ranks(np.abs(studies))
    score = np.abs(np.sum(np.sign(studies) * ranked, axis=1)) / np.sqrt(np.sum(ranked**2, axis=1))
    return float(np.mean(score > -ndtri(level / 2)))


def seeds_needed(differences: Values, level: float = LEVEL) -> int | None:
    """Return how many seeds would tell the median difference seen apart in most studies.

    What can be detected shrinks with the square root of the number of seeds. None where there is no
    difference, or a million seeds would not do.
    """
    detectable = detectable_difference(differences, level)
    seen = abs(float(median_difference(differences)))
    if not np.isfinite(detectable) or seen == 0 or not np.isfinite(seen):
        return None
    needed = len(differences) * (detectable / seen) ** 2
    return max(fewest_seeds(2), ceil(needed)) if needed < 1e6 else None
