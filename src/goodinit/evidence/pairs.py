"""From measurements to statements: how sure a difference between initializers is.

Everything is paired by seed: one seed starts every scheme of a distribution from the same standard
values and meets the same data, so differences within a seed are the scheme's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from math import comb
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from goodinit.errors import bad_argument, bad_name, number
from goodinit.evidence.causes import value
from goodinit.evidence.ranks import friedman_p
from goodinit.evidence.rates import best_rates
from goodinit.evidence.splits import SEEDS, Counting
from goodinit.evidence.statistics import (
    LEVEL,
    Values,
    detectable_difference,
    fewest_seeds,
    holm,
    interval,
    median_difference,
    paired_differences,
    seeds_needed,
)
from goodinit.measuring.tables import KEYS, CostCurves, by_initializer

MARGIN = 0.02  # two points of accuracy, or of R²; of a cost, this part of the cost of chance


class Outcome(NamedTuple):
    """What is compared: whether less of it is better, what it is called, how a margin is meant."""

    less_is_better: bool
    words: str
    in_chances: bool = False  # whether a margin is a part of the cost of chance


OUTCOMES: dict[str, Outcome] = {
    "train_cost": Outcome(True, "training cost", in_chances=True),
    "test_cost": Outcome(True, "test cost", in_chances=True),
    "test_accuracy": Outcome(False, "test accuracy"),
    "iterations_to_half_chance": Outcome(True, "iterations to half the cost of guessing"),
}
MEASURED = ("train_cost", "test_cost", "test_accuracy")  # of a trial's end; others are counted
_IN_CHANCES = [name for name, outcome in OUTCOMES.items() if outcome.in_chances]
# Costs that differ by less than this part of the cost of chance are alike: what rounding leaves.
_LEAST = 1e-6
# What may be asked for by which initializers are ranked.
BY = {
    "train_cost": "train_cost",
    "test_cost": "test_cost",
    "test_accuracy": "test_accuracy",
    "speed": "iterations_to_half_chance",
}


@dataclass(frozen=True)
class Evidence:
    """What the seeds of a study carry.

    Attributes
    ----------
    outcomes : DataFrame
        A row per initializer and seed, at the initializer's own learning rate: ``initializer,
        learning_rate, seed``, each of ``OUTCOMES``, and ``fails``: whether that seed's network
        learned nothing.
    rates : dict of str to float
        The learning rate at which each initializer is compared; see
        ``goodinit.evidence.rates.best_rates``.
    pairs : DataFrame
        A row per outcome and pair of initializers: ``outcome, a, b, difference, low, high,
        p_value, p_holm, p_equivalent, a_beats_b, told_apart, equivalent``. The difference is the
        median over seeds of a - b, with a 90 % bootstrap interval; the p-value is Wilcoxon's
        signed-rank test's, also after Holm's correction over all pairs of the outcome;
        ``p_equivalent`` that of two one-sided tests within the margin; ``a_beats_b`` is the
        probability that one run of a beats one run of b, ties counting half. A pair that is neither
        told apart nor equivalent is undecided.
    friedman : dict of str to float
        For each outcome the p-value of Friedman's test that all initializers are alike; NaN with
        fewer than three, and over splits of the same examples, for which it has no correction.
    lead : str
        The outcome that ranks: what was asked for; else the test accuracy (R² where a number is to
        be predicted), or without a test part the training cost.
    margin : float
        Within which two are called equivalent: of accuracy, or a part of the cost of chance.
    best : str
        The initializer with the lowest median training cost.
    fewest_seeds : int
        With fewer, no pair could be told apart, however unanimous the seeds.
    statements : tuple of str
        What of this can be said in words, and what cannot.
    measure : str
        What the test accuracy is: "accuracy", or "R²" where a number is to be predicted.
    counting : Counting
        Whether seeds are counted, or the splits that they are averaged in.
    """

    outcomes: pd.DataFrame
    rates: dict[str, float]
    pairs: pd.DataFrame
    friedman: dict[str, float]
    lead: str
    margin: float
    best: str
    fewest_seeds: int
    statements: tuple[str, ...]
    measure: str = "accuracy"
    counting: Counting = SEEDS

    def words(self, outcome: str) -> str:
        """Return what an outcome is called."""
        return in_words(outcome, self.measure)

    def pair(self, outcome: str, a: str, b: str) -> pd.Series:
        """Return the row of ``pairs`` that compares two initializers, in either order."""
        return self.pairs.iloc[self._places[outcome, frozenset((a, b))]]

    @cached_property
    def _places(self) -> dict[tuple[str, frozenset[str]], int]:
        rows = enumerate(self.pairs[["outcome", "a", "b"]].itertuples(index=False))
        return {(outcome, frozenset(two)): i for i, (outcome, *two) in rows}

    def knows(self, outcome: str) -> bool:
        """Return whether an outcome was measured."""
        return outcome == self.lead or any(of == outcome for of, _ in self._places)

    def values(self, outcome: str, name: str) -> Values:
        """Return an initializer's outcome in each seed, shape (seeds,), read-only."""
        return self._values[outcome, name]

    @cached_property
    def _values(self) -> dict[tuple[str, str], Values]:
        groups = self.outcomes.sort_values("seed").groupby("initializer", sort=False)
        found: dict[tuple[str, str], Values] = {}
        for name, own in groups:
            for outcome in (*OUTCOMES, "fails"):
                values = found[outcome, str(name)] = own[outcome].to_numpy(np.float64, copy=True)
                values.setflags(write=False)
        return found

    def fails(self, name: str) -> NDArray[np.bool_]:
        """Return in which seeds an initializer's network learned nothing, shape (seeds,)."""
        return self.values("fails", name).astype(bool)

    def counted(self, outcome: str, name: str) -> Values:
        """Return an initializer's outcome in each seed, or split, that is counted as one."""
        average = _average(outcome, self.measure)
        rows = self.counting.rows(_tables(self.outcomes, [outcome])[outcome].astype(float), average)
        return np.asarray(rows[name], dtype=np.float64)

    @cached_property
    def size(self) -> int:
        """How many seeds, or splits, there are to be counted."""
        return len(self.counted("train_cost", self.best))

    def median(self, outcome: str, name: str) -> float:
        """Return the median over seeds of an initializer's outcome."""
        return float(np.median(self.values(outcome, name)))

    def beats(self, outcome: str, a: str, b: str) -> bool:
        """Return whether a is told apart from b, for the better."""
        if not self.knows(outcome) or a == b:
            return False
        pair = self.pair(outcome, a, b)
        return bool(pair["told_apart"]) and self.odds(outcome, a, b) > 0.5

    def odds(self, outcome: str, a: str, b: str) -> float:
        """Return the probability that one run of a beats one run of b, ties counting half."""
        pair = self.pair(outcome, a, b)
        return float(pair["a_beats_b"] if pair["a"] == a else 1 - pair["a_beats_b"])


def weigh(
    trials: pd.DataFrame,
    curves: pd.DataFrame | Iterable[CostCurves],
    chance: float,
    *,
    by: str | None = None,
    margin: float = MARGIN,
    measure: str = "accuracy",
    counting: Counting = SEEDS,
) -> Evidence:
    """Return what the seeds of a study carry.

    Parameters
    ----------
    trials : DataFrame
        As in ``Comparison``.
    curves : DataFrame, or iterable of CostCurves
        As in ``Comparison``.
    chance : float
        The cost of chance; see ``goodinit.datasets.dataset.chance_cost``.
    by : str, optional
        A key of ``BY``: what ranks.
    margin : float
        Within which two are equivalent: of accuracy, or a part of the cost of chance.
    measure : str
        "accuracy", or "R²" where a number is to be predicted.
    counting : Counting
        Of which split each seed is, where there are several.

    Raises
    ------
    ArgumentError
        Where `by` is not known or was not measured, or the margin is not above 0.

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
    check_ranking(by, margin)
    lead = _lead(by, tested=bool(trials["test_accuracy"].notna().any()))
    rates = best_rates(trials, lead)
    reached = pd.concat([_iterations_to(chance / 2, of) for of in by_initializer(curves)])
    outcomes = _outcomes(trials, reached, rates, chance)
    by_seed = _tables(outcomes, [*OUTCOMES])
    tables = {of: counting.rows(each, _average(of, measure)) for of, each in by_seed.items()}
    usable = {name: table for name, table in tables.items() if not table.isna().all(axis=None)}
    units = dict.fromkeys(OUTCOMES, 1.0)
    units |= {name: chance if np.isfinite(chance) else 0.0 for name in _IN_CHANCES}
    every = [
        _pairs(
            name,
            table,
            by_seed[name],
            counting,
            margin=margin * units[name],
            least=_LEAST * units[name] * (name in _IN_CHANCES),
        )
        for name, table in usable.items()
    ]
    pairs = pd.concat(every, ignore_index=True)
    statements = _statements(pairs, tables, lead, measure, counting)
    return Evidence(
        outcomes,
        rates,
        pairs,
        {
            name: float("nan") if counting.test_share else _friedman(table)
            for name, table in usable.items()
        },
        lead,
        margin,
        _foremost(tables["train_cost"], "train_cost"),
        fewest_seeds(len(tables["train_cost"].columns)),
        tuple(statements),
        measure,
        counting,
    )


def in_words(outcome: str, measure: str) -> str:
    """Return what an outcome is called where accuracy is that measure."""
    return OUTCOMES[outcome].words.replace("accuracy", measure)


def check_ranking(by: str | None, margin: float) -> None:
    """Raise ArgumentError where initializers can't be ranked by that, or alike within that."""
    if by is not None and by not in BY:
        raise bad_name("by", str(by), BY)
    number("margin", margin, "a number above 0", lambda n: n > 0)


def _lead(by: str | None, *, tested: bool) -> str:
    if by is not None and BY[by].startswith("test") and not tested:
        raise bad_argument("by", by, "a study whose data have a test part")
    return BY[by] if by is not None else "test_accuracy" if tested else "train_cost"


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
    trials: pd.DataFrame, reached: "pd.Series[float]", rates: dict[str, float], chance: float
) -> pd.DataFrame:
    chosen = trials[trials["learning_rate"] == trials["initializer"].map(rates)]
    outcomes = chosen[[*KEYS, *MEASURED]].join(reached, on=list(KEYS))
    worst = {"train_cost": np.inf, "iterations_to_half_chance": np.inf}
    if outcomes["test_accuracy"].notna().any():
        worst["test_cost"] = np.inf
    outcomes = outcomes.fillna(worst)
    known = np.isfinite(chance)  # otherwise each trial's first cost counts
    least = chance if known else chosen["initial_cost"].to_numpy()
    learns = outcomes["train_cost"] < value("stuck") * least
    return outcomes.assign(fails=~learns).reset_index(drop=True)


def _tables(outcomes: pd.DataFrame, which: list[str]) -> dict[str, pd.DataFrame]:
    """Return of each outcome a row per seed, a column per initializer."""
    order = list(dict.fromkeys(outcomes["initializer"]))
    tables = outcomes.pivot(index="seed", columns="initializer", values=which)
    return {outcome: pd.DataFrame(tables[outcome])[order] for outcome in which}


def _average(outcome: str, measure: str) -> str:
    """Return what is taken of the seeds of a split, as the summary takes it of all of them.

    The mean of shares; the median of what may be far off or infinite.
    """
    shares = ("fails", *(["test_accuracy"] if measure == "accuracy" else []))
    return "mean" if outcome in shares else "median"


def _foremost(table: pd.DataFrame, outcome: str) -> str:
    """Return the initializer with the best median."""
    medians = table.median()
    return str(medians.idxmin() if OUTCOMES[outcome].less_is_better else medians.idxmax())


def _pairs(
    outcome: str,
    table: pd.DataFrame,
    by_seed: pd.DataFrame,
    counting: Counting,
    *,
    margin: float,
    least: float,
) -> pd.DataFrame:
    rows = []
    runs, seeds = by_seed.astype(float), by_seed.index.to_numpy()
    for a, b in combinations(table.columns, 2):
        x, y = table[a].to_numpy(dtype=float), table[b].to_numpy(dtype=float)
        differences = paired_differences(x, y, least)
        low, high = interval(differences)
        wins = counting.odds(runs[a].to_numpy(), runs[b].to_numpy(), seeds, least)
        rows.append(
            {
                "outcome": outcome,
                "a": a,
                "b": b,
                "difference": float(median_difference(differences)),
                "low": low,
                "high": high,
                "p_value": counting.test(differences, outcome),
                "p_equivalent": counting.equivalence(differences, margin, outcome),
                "a_beats_b": wins if OUTCOMES[outcome].less_is_better else 1 - wins,
            }
        )
    columns = ["outcome", "a", "b", "difference", "low", "high"]
    columns += ["p_value", "p_equivalent", "a_beats_b"]
    pairs = pd.DataFrame(rows, columns=columns)
    pairs.insert(7, "p_holm", holm(pairs["p_value"].to_numpy(dtype=float)))
    return pairs.assign(
        told_apart=pairs["p_holm"] <= LEVEL, equivalent=pairs["p_equivalent"] <= LEVEL
    )


def _friedman(table: pd.DataFrame) -> float:
    ranks = table.rank(axis=1)
    if table.shape[1] < 3 or table.shape[0] < 2 or (ranks.nunique(axis=1) == 1).all():
        return float("nan")
    return friedman_p(ranks.to_numpy())


def _statements(
    pairs: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    lead: str,
    measure: str,
    counting: Counting,
) -> list[str]:
    """Return what can be said of the outcome that ranks and of the training cost, and what not."""
    costs = tables["train_cost"]
    if costs.shape[1] < 2:
        return []
    fewest = fewest_seeds(costs.shape[1])
    if len(costs) < fewest:
        return [
            f"{counting.counted(len(costs))} {'are' if len(costs) > 1 else 'is'} an illustration, "
            f"not evidence: to tell any two of {costs.shape[1]} initializers apart takes at least "
            f"{fewest}."
        ]
    outcomes = dict.fromkeys((lead, "train_cost"))
    return [
        said
        for name in outcomes
        for said in _of_outcome(pairs, tables[name], name, in_words(name, measure), counting)
    ]


def _of_outcome(
    pairs: pd.DataFrame, table: pd.DataFrame, outcome: str, words: str, counting: Counting
) -> list[str]:
    best = _foremost(table, outcome)
    of = pairs[pairs["outcome"] == outcome]
    apart = of[of["told_apart"]]
    beaten = [
        str(row["b"] if row["a"] == best else row["a"])
        for _, row in apart.iterrows()
        if best in (row["a"], row["b"])
    ]
    better = "lower" if OUTCOMES[outcome].less_is_better else "higher"
    does = f"ends with a {better}" if outcome in MEASURED else "takes fewer"
    said = [f"{best} {does} {words} than {', '.join(beaten)}."] if beaten else []
    on = counting.counted(len(table))
    if apart.empty:
        said = [_nothing_told_apart(table, outcome, best, words, counting)]
    undecided = of[~of["told_apart"] & ~of["equivalent"]]
    alike = of[~of["told_apart"] & of["equivalent"]]
    for rows, state in ((alike, "Equivalent"), (undecided, "Undecided")):
        couples = [f"{row['a']} and {row['b']}" for _, row in rows.iterrows()]
        known = len(undecided) < len(of)  # that nothing is known, is said
        if couples and (known or len(couples) < len(of)):
            said.append(f"{state} in {words} on {on}: {'; '.join(couples)}.")
    return said


def _nothing_told_apart(
    table: pd.DataFrame, outcome: str, best: str, words: str, counting: Counting
) -> str:
    second = _foremost(table.drop(columns=best), outcome)
    on = counting.counted(len(table))
    said = f"No two initializers can be told apart by their {words} on {on}."
    differences = paired_differences(table[best].to_numpy(), table[second].to_numpy())
    if counting.test_share or 2 * np.count_nonzero(differences) < len(differences):
        return said  # most are alike to the last digit
    level = LEVEL / comb(table.shape[1], 2)  # as Holm asks of the smallest p-value
    shown, needed = detectable_difference(differences, level), seeds_needed(differences, level)
    more = f"; about {counting.counted(needed)} would show the one seen" if needed else ""
    return (
        f"{said} Between {best} and {second} these {counting.what}s would have shown a difference "
        f"of {shown:.2g} in about three of four studies{more}."
    )
