"""Where a trial ends: its last values, or what is typical where its cost goes up and down."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from goodinit.measuring.tables import Placed
from goodinit.study.trials import AnyStudy

Array = NDArray[np.float64]

SHARE = 0.1  # of the recorded moments, the last of them, is the end of a training
_FEWEST = 8  # moments, of which a median says more than the last of them
# Of the cost of chance: a cost that rises by more on its way through the end goes up and down.
_RISE = 0.05
_PACE = 0.25  # of the recorded moments, from which the pace at the end is taken
_MEASURES = (
    "train_cost",
    "test_cost",
    "train_accuracy",
    "test_accuracy",
    "validation_cost",
    "validation_accuracy",
)


class Ends(NamedTuple):
    """The ends of a study's trials, arrays in the order of its trials.

    Attributes
    ----------
    trials : DataFrame
        Of ``Comparison.trials``; where the cost goes up and down at the end, costs and accuracies
        are the medians of the last tenth of the recorded moments.
    swings : array of bool
        Where that is so.
    pace : array
        By how much the cost falls per iteration, over the last quarter.
    """

    trials: pd.DataFrame
    swings: NDArray[np.bool_]
    pace: Array

    def warnings(self, rates: Mapping[str, float]) -> Iterator[str]:
        """Say where the last value isn't what the verdict looks at, at those learning rates."""
        found = self.trials[["initializer", "learning_rate"]].assign(swings=self.swings)
        for name, rate in rates.items():
            own = found[(found["initializer"] == name) & (found["learning_rate"] == rate)]
            if count := int(own["swings"].sum()):
                yield (
                    f"The cost of {name} goes up and down to the end in {count} of {len(own)} "
                    f"runs: the verdict looks at their median over the last {SHARE:.0%} of the "
                    "iterations, not at the last one."
                )


def ends(study: AnyStudy, placed: Sequence[Placed], trials: pd.DataFrame, chance: float) -> Ends:
    """Return the ends of a study's trials.

    Parameters
    ----------
    study : Study
    placed : sequence of Placed
    trials : DataFrame
        As in ``Comparison.trials``.
    chance : float
        The cost of chance.
    """
    moments = np.array(study.training.moments)
    last = _last(study, placed, "train_cost", max(2, int(_PACE * len(moments))))
    pace = _pace(last, moments[-last.shape[1] :])
    window = int(SHARE * len(moments))
    swings = (rises(last[:, -window:]) > _RISE * chance) & (window >= _FEWEST)
    swings &= ~trials["diverged"].to_numpy(dtype=bool)
    if not swings.any():
        return Ends(trials, swings, pace)
    settled = {}
    for measure in filter(trials.columns.__contains__, _MEASURES):
        typical = np.median(_last(study, placed, measure, window), axis=1)
        settled[measure] = np.where(swings, typical, trials[measure])
    return Ends(trials.assign(**settled), swings, pace)


def rises(costs: Array) -> Array:
    """Return by how much each row rises above the lowest value before it, at the most.

    Examples
    --------
    >>> rises(np.array([[3.0, 2.0, 1.0], [3.0, 1.0, 2.5]]))
    array([0. , 1.5])
    """
    with np.errstate(invalid="ignore"):
        above: Array = (costs - np.minimum.accumulate(costs, axis=1)).max(axis=1)
    return np.nan_to_num(above, nan=0.0, posinf=0.0)


def _pace(costs: Array, moments: NDArray[np.int64]) -> Array:
    """Return how much a cost falls per iteration, between the medians of both halves."""
    half = costs.shape[1] // 2
    between = moments[half:].mean() - moments[:half].mean()
    with np.errstate(invalid="ignore"):
        fallen = np.median(costs[:, :half], axis=1) - np.median(costs[:, half:], axis=1)
    return np.asarray(fallen / between)


def _last(study: AnyStudy, placed: Sequence[Placed], measure: str, count: int) -> Array:
    """Return the last values of a measure, (trials, count)."""
    moments = len(study.training.moments)
    found = np.full((len(study.trials), count), np.nan)
    for part, places in placed:
        values = part.table("curves", [measure])[measure].to_numpy().reshape(-1, moments)
        ours = places >= 0
        found[places[ours]] = values[ours, -count:]
    return found
