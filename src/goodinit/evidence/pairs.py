"""From measurements to statements: how sure a difference between initializers is.

Everything is paired by seed: one seed starts every scheme of a distribution from the same standard
values and meets the same data, so differences within a seed are the scheme's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil, comb, log2
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from goodinit.measuring.tables import KEYS, CostCurves, by_initializer

Values = NDArray[np.float64]

# What is compared, and whether less of it is better.
OUTCOMES = {"train_cost": True, "test_accuracy": False, "iterations_to_half_chance": True}
# In at most this share of studies is any pair told apart that is alike, for one outcome.
LEVEL = 0.05
CONFIDENCE = 0.90  # of intervals
POWER = 0.80  # of what these seeds could have shown
# Costs that differ by less than this part of the cost of chance are alike: what rounding leaves.
LEAST = 1e-6
_RESAMPLES = 2000
_BISECTIONS = 20
_DRAWN_AT_ONCE = 2_000_000  # seeds, over several resamples: bounds memory, not what is found


@dataclass(frozen=True)
class Evidence:
    """What the seeds of a study carry.

    Attributes
    ----------
    outcomes : DataFrame
        A row per initializer and seed, at the initializer's own learning rate: ``initializer,
        learning_rate, seed`` and each of ``OUTCOMES``.
    rates : dict of str to float
        The learning rate at which each initializer is compared: of those that were tried, the one
        with the lowest median training cost.
    pairs : DataFrame
        A row per outcome and pair of initializers: ``outcome, a, b, difference, low, high,
        p_value, p_holm, a_beats_b, told_apart``. The difference is the median over seeds of a - b,
        with a 90 % bootstrap interval; the p-value is Wilcoxon's signed-rank test's, also after
        Holm's correction over all pairs of the outcome; ``a_beats_b`` is the probability that one
        run of a beats one run of b, ties counting half.
    friedman : dict of str to float
        For each outcome the p-value of Friedman's test that all initializers are alike; NaN with
        fewer than three.
    best : str
        The initializer with the lowest median training cost.
    fewest_seeds : int
        With fewer, no pair could be told apart, however unanimous the seeds.
    statements : tuple of str
        What of this can be said in words, and what cannot.
    """

    outcomes: pd.DataFrame
    rates: dict[str, float]
    pairs: pd.DataFrame
    friedman: dict[str, float]
    best: str
    fewest_seeds: int
    statements: tuple[str, ...]

    def pair(self, outcome: str, a: str, b: str) -> pd.Series:
        """Return the row of ``pairs`` that compares two initializers, in either order."""
        rows = self.pairs[self.pairs["outcome"] == outcome]
        found = rows[((rows["a"] == a) & (rows["b"] == b)) | ((rows["a"] == b) & (rows["b"] == a))]
        return found.iloc[0]


def weigh(
    trials: pd.DataFrame, curves: pd.DataFrame | Iterable[CostCurves], chance: float
) -> Evidence:
    """Return what the seeds of a study carry.

    Parameters
    ----------
    trials : DataFrame
        As in ``Comparison``.
    curves : DataFrame, or iterable of CostCurves
        As in ``Comparison``.
    chance : float
        The cost of chance; see ``goodinit.study.grid.chance_cost``.

    References
    ----------
    Demšar 2006, Statistical comparisons of classifiers over multiple data sets, for the tests.

    Examples
    --------
    >>> import goodinit as gi
    >>> result = gi.compare("circles", initializers=["zeros", "he"], iterations=3000, seeds=8)
    >>> evidence = weigh(result.trials, result.curves, chance=0.6931)
    >>> row = evidence.pair("train_cost", "zeros", "he_normal")
    >>> bool(row["told_apart"]), float(row["p_value"])
    (True, 0.0078125)
    """
    rates = best_rates(trials)
    reached = pd.concat([_iterations_to(chance / 2, of) for of in by_initializer(curves)])
    outcomes = _outcomes(trials, reached, rates)
    tables = {outcome: _table(outcomes, outcome) for outcome in OUTCOMES}
    usable = {name: table for name, table in tables.items() if not table.isna().all(axis=None)}
    least = LEAST * chance if np.isfinite(chance) else 0.0
    every = [
        _pairs(name, table, least if name == "train_cost" else 0.0)
        for name, table in usable.items()
    ]
    pairs = pd.concat(every, ignore_index=True)
    best = str(tables["train_cost"].median().idxmin())
    return Evidence(
        outcomes,
        rates,
        pairs,
        {name: _friedman(table) for name, table in usable.items()},
        best,
        fewest_seeds(len(tables["train_cost"].columns)),
        tuple(_statements(pairs, tables["train_cost"], best)),
    )


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


def best_rates(trials: pd.DataFrame) -> dict[str, float]:
    """Return each initializer's learning rate of the lowest median training cost."""
    costs = trials.assign(train_cost=trials["train_cost"].fillna(np.inf))
    rates: dict[str, float] = {}
    for name, group in costs.groupby("initializer", sort=False):
        medians = group.groupby("learning_rate", sort=False)["train_cost"].median()
        rates[str(name)] = float(medians.index[int(medians.to_numpy().argmin())])
    return rates


def _iterations_to(cost: float, curves: CostCurves) -> "pd.Series[float]":
    """Return the first recorded iteration at which each seed reaches a cost; NaN for never."""
    reached = curves.costs <= cost
    first = curves.iterations[reached.argmax(axis=1)]
    keys: list[Any] = [[curves.initializer], [curves.learning_rate], curves.seeds]
    return pd.Series(
        np.where(reached.any(axis=1), first, np.nan),
        index=pd.MultiIndex.from_product(keys, names=KEYS),
        name="iterations_to_half_chance",
    )


def _outcomes(
    trials: pd.DataFrame, reached: "pd.Series[float]", rates: dict[str, float]
) -> pd.DataFrame:
    chosen = trials[trials["learning_rate"] == trials["initializer"].map(rates)]
    outcomes = chosen[[*KEYS, "train_cost", "test_accuracy"]].join(reached, on=list(KEYS))
    worst = {"train_cost": np.inf, "iterations_to_half_chance": np.inf}
    return outcomes.fillna(worst).reset_index(drop=True)


def _table(outcomes: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Return a row per seed, a column per initializer."""
    order = list(dict.fromkeys(outcomes["initializer"]))
    return outcomes.pivot(index="seed", columns="initializer", values=outcome)[order]


def _pairs(outcome: str, table: pd.DataFrame, least: float) -> pd.DataFrame:
    lower_is_better = OUTCOMES[outcome]
    rows = []
    for a, b in combinations(table.columns, 2):
        x, y = table[a].to_numpy(dtype=float), table[b].to_numpy(dtype=float)
        differences = paired_differences(x, y, least)
        low, high = interval(differences)
        wins = probability_of_less(x, y, least)
        rows.append(
            {
                "outcome": outcome,
                "a": a,
                "b": b,
                "difference": float(_median(differences)),
                "low": low,
                "high": high,
                "p_value": signed_rank_p(differences),
                "a_beats_b": wins if lower_is_better else 1 - wins,
            }
        )
    columns = ["outcome", "a", "b", "difference", "low", "high", "p_value", "a_beats_b"]
    pairs = pd.DataFrame(rows, columns=columns)
    pairs.insert(7, "p_holm", holm(pairs["p_value"].to_numpy(dtype=float)))
    return pairs.assign(told_apart=pairs["p_holm"] <= LEVEL)


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


def _median(differences: Values) -> Values:
    """Return the median along the last axis; 0 where it lies between failures of either side."""
    with np.errstate(invalid="ignore"):
        medians = np.asarray(np.median(differences, axis=-1))
    return np.where(np.isnan(medians), 0.0, medians)


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
    rng = np.random.default_rng(0)
    rows = max(1, _DRAWN_AT_ONCE // len(differences))
    sizes = [min(rows, _RESAMPLES - done) for done in range(0, _RESAMPLES, rows)]
    drawn = (rng.integers(len(differences), size=(size, len(differences))) for size in sizes)
    medians = np.concatenate([_median(differences[places]) for places in drawn])
    tail = (1 - confidence) / 2
    low, high = np.quantile(medians, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)


def signed_rank_p(differences: Values) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test; 1 where no pair differs.

    Examples
    --------
    >>> signed_rank_p(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]))
    0.03125
    """
    from scipy.stats import wilcoxon

    if not differences.any() or len(differences) < 2:
        return 1.0
    # Ranks are all that the test sees: an infinite difference may as well be the largest rank.
    signed_ranks = np.sign(differences) * _ranks(np.abs(differences))
    return float(wilcoxon(signed_ranks, zero_method="zsplit").pvalue)


def _ranks(values: Values) -> Values:
    from scipy.stats import rankdata

    ranks: Values = rankdata(values)
    return ranks


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


def _friedman(table: pd.DataFrame) -> float:
    from scipy.stats import friedmanchisquare

    ranks = table.rank(axis=1)
    if table.shape[1] < 3 or table.shape[0] < 2 or (ranks.nunique(axis=1) == 1).all():
        return float("nan")
    return float(friedmanchisquare(*(ranks[name] for name in ranks)).pvalue)


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
    from scipy.stats import norm, rankdata

    ranks = rankdata(np.abs(studies), axis=1)
    score = np.abs(np.sum(np.sign(studies) * ranks, axis=1)) / np.sqrt(np.sum(ranks**2, axis=1))
    return float(np.mean(score > norm.isf(level / 2)))


def seeds_needed(differences: Values, level: float = LEVEL) -> int | None:
    """Return how many seeds would tell the median difference seen apart in most studies.

    What can be detected shrinks with the square root of the number of seeds. None where there is no
    difference, or a million seeds would not do.
    """
    detectable = detectable_difference(differences, level)
    seen = abs(float(_median(differences)))
    if not np.isfinite(detectable) or seen == 0 or not np.isfinite(seen):
        return None
    needed = len(differences) * (detectable / seen) ** 2
    return max(fewest_seeds(2), ceil(needed)) if needed < 1e6 else None


def _statements(pairs: pd.DataFrame, costs: pd.DataFrame, best: str) -> list[str]:
    """Return what can be said of the training cost, and what cannot."""
    seeds = len(costs)
    if costs.shape[1] < 2:
        return []
    fewest = fewest_seeds(costs.shape[1])
    if seeds < fewest:
        plural = "s are" if seeds > 1 else " is"
        return [
            f"{seeds} seed{plural} an illustration, not evidence: to tell any two of "
            f"{costs.shape[1]} initializers apart takes at least {fewest}."
        ]
    of_cost = pairs[pairs["outcome"] == "train_cost"]
    said = []
    apart = of_cost[of_cost["told_apart"]]
    if apart.empty:
        said.append(_nothing_told_apart(costs, best))
    else:
        beaten = [
            str(row["b"] if row["a"] == best else row["a"])
            for _, row in apart.iterrows()
            if best in (row["a"], row["b"])
        ]
        if beaten:
            said.append(f"{best} ends with a lower training cost than {_listed(beaten)}.")
    alike = of_cost[~of_cost["told_apart"]]
    if len(alike) and len(apart):
        couples = [f"{row['a']} and {row['b']}" for _, row in alike.iterrows()]
        said.append(f"Not told apart on {seeds} seeds: {_listed(couples, '; ')}.")
    return said


def _nothing_told_apart(costs: pd.DataFrame, best: str) -> str:
    seeds = len(costs)
    second = str(costs.drop(columns=best).median().idxmin())
    differences = paired_differences(costs[best].to_numpy(), costs[second].to_numpy())
    level = LEVEL / comb(costs.shape[1], 2)  # as Holm asks of the smallest p-value
    shown, needed = detectable_difference(differences, level), seeds_needed(differences, level)
    more = f"; about {needed:,} seeds would show the one seen" if needed else ""
    return (
        f"No two initializers can be told apart by their training cost on {seeds} seeds. Between "
        f"{best} and {second} these seeds would have shown a difference of {shown:.2g} in about "
        f"three of four studies{more}."
    )


def _listed(names: Sequence[str], between: str = ", ") -> str:
    return between.join(names)
