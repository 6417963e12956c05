"""The middle of each measure over the seeds, and the range of most of them."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from goodinit.evidence import units
from goodinit.evidence.pairs import Evidence
from goodinit.evidence.spread import seed_range
from goodinit.evidence.verdict import Verdict
from goodinit.study.trials import AnyStudy, Trial


def middles(trials: pd.DataFrame, study: AnyStudy) -> pd.DataFrame:
    """Return a row per initializer and learning rate: middle and range of each measure.

    Parameters
    ----------
    trials : DataFrame
        As in ``Comparison``.
    study : Study
        What they are of. The R² of a number to predict has a median, an accuracy a mean; errors of
        a standardised number are in its own units.
    """
    return pd.DataFrame(
        [
            {
                "initializer": name,
                "learning_rate": rate,
                **_aggregate(group, study.task),
                **units.errors(group, study),
                "diverged": int(group["diverged"].sum()),
                "seeds": len(group),
            }
            for (name, rate), group in trials.groupby(["initializer", "learning_rate"], sort=False)
        ]
    )


def ranked(rows: pd.DataFrame, verdicts: Sequence[Verdict], evidence: Evidence) -> pd.DataFrame:
    """Return the rows of initializers at their own learning rates, with what became of them.

    Parameters
    ----------
    rows : DataFrame
        As ``middles`` returns it.
    verdicts : sequence of Verdict
        In whose order the rows are.
    evidence : Evidence
    """
    own = rows[rows["learning_rate"] == rows["initializer"].map(evidence.rates)]
    names = [verdict.initializer for verdict in verdicts]
    table = own.set_index("initializer").loc[names].reset_index()
    return table.assign(
        fails=[int(evidence.fails(name).sum()) for name in names],
        label=[verdict.label for verdict in verdicts],
        reason=[verdict.reason for verdict in verdicts],
    )


def median_trials(trials: pd.DataFrame, study: AnyStudy) -> Iterator[tuple[pd.Series, Trial]]:
    """Yield row and trial of the seed with the median training cost, by initializer and rate.

    Of several splits it is one of the first, since that is the one whose data are drawn.
    """
    own = trials[trials["seed"] % study.splits == 0]
    for (name, _), group in own.groupby(["initializer", "learning_rate"], sort=False):
        ranked = group.sort_values("train_cost", kind="stable")
        row = ranked.iloc[(len(ranked) - 1) // 2]
        yield row, Trial(str(name), float(row["learning_rate"]), int(row["seed"]))


def _aggregate(group: pd.DataFrame, task: str) -> dict[str, float]:
    values = {
        "train_accuracy": group["train_accuracy"].to_numpy(),
        "test_accuracy": group["test_accuracy"].to_numpy(),
        "initial_cost": group["initial_cost"].fillna(np.inf).to_numpy(),
        "train_cost": group["train_cost"].fillna(np.inf).to_numpy(),
    }
    row: dict[str, float] = {}
    for measure, of in values.items():
        mean = measure.endswith("accuracy") and task != "regression"
        row[measure] = float(of.mean() if mean else np.median(of))
    for measure, of in values.items():
        low, high = seed_range(of)
        row |= {f"{measure}_low": float(low), f"{measure}_high": float(high)}
    return row
