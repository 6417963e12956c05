"""What the re-runs say about the published costs, in sentences for a student."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pandas as pd

from goodinit.articles.rounding import MARGIN, RERUNS, WITHIN_ROUNDING, Spread

_WORDS = {
    "circles": "the circles",
    "cats_vs_dogs": "the photographs",
    "random": "large random weights",
    "he": "He",
    "xavier": "Xavier",
}

Row = dict[Any, Any]  # of the table


def explain(table: pd.DataFrame) -> list[str]:
    """Return what rounding alone does to the costs that were re-run.

    Parameters
    ----------
    table : DataFrame
        As ``reproduce`` returns it.

    Returns
    -------
    list of str
        Sentences whose every number was measured or published; none where nothing was re-run.

    Examples
    --------
    >>> row = {"experiment": "cats_vs_dogs", "quantity": "cost at iteration 999", "low": 0.04,
    ...        "high": 0.7, "digits": 0.0, "verdict": "within rounding: 0.04 to 0.70, …"}
    >>> he = row | {"initialization": "he", "published": 0.199}
    >>> xavier = row | {"initialization": "xavier", "published": 0.062}
    >>> print(explain(pd.DataFrame([he, xavier]))[-1])
    The published 0.199 of He against 0.062 of Xavier at iteration 999 is no evidence for either:
    each lies in the range that rounding alone gives the other.
    """
    costs = table[table["low"].notna() & table["quantity"].str.startswith("cost at ")]
    moved = costs[costs["low"] < costs["high"]]
    sentences = [
        sentence
        for name, rows in moved.groupby("experiment", sort=False)
        for sentence in (_moved(str(name), rows), *_undecided(rows))
    ]
    near = table["verdict"].str.startswith(f"{WITHIN_ROUNDING}: near")
    if near.any():
        sentences.append(
            f'"near": the published figure lies outside of what the {RERUNS + 1} runs reached, by '
            f"less than {100 * MARGIN:.0f} % of that range's width; one more run of the same "
            f"training lies outside in {200 / (RERUNS + 2):.0f} % of cases."
        )
    rule = (
        "A computer rounds every sum to about 16 digits, so the order in which the examples are "
        "added up changes the last one; some trainings magnify that from iteration to iteration."
    )
    return [rule, *sentences] if sentences else []


def _moved(experiment: str, rows: pd.DataFrame) -> str:
    runs = [
        f"{_WORDS[str(name)]} a cost of {_ranges(run.to_dict('records'))}"
        for name, run in rows.groupby("initialization", sort=False)
    ]
    fewest, most = int(rows["digits"].min()), int(rows["digits"].max())
    if most == 0:
        left = "Not one digit of these costs can be reproduced, even in principle."
    else:
        count = str(most) if fewest == most else f"{fewest} to {most}"
        left = f"Only their first {count} digits can be reproduced, even in principle."
    return (
        f"On {_WORDS[experiment]}, the same training with the examples in {RERUNS} other orders "
        f"gives {', and '.join(runs)}. {left}"
    )


def _ranges(rows: list[Row]) -> str:
    """Return the first and the last range, each with its iteration."""
    ends = rows if len(rows) < 2 else [rows[0], rows[-1]]
    return " and ".join(
        f"{Spread(row['low'], row['high'])} {row['quantity'].removeprefix('cost ')}" for row in ends
    )


def _undecided(rows: pd.DataFrame) -> Iterator[str]:
    """Yield a sentence for each two initializations whose last costs rounding may exchange."""
    last = [run.to_dict("records")[-1] for _, run in rows.groupby("initialization", sort=False)]
    for one, other in combinations(last, 2):
        same = one["quantity"] == other["quantity"]
        if same and _reaches(one, other) and _reaches(other, one):
            yield (
                f"The published {_cost(one)} against {_cost(other)} "
                f"{one['quantity'].removeprefix('cost ')} is no evidence for either: each lies in "
                "the range that rounding alone gives the other."
            )


def _reaches(row: Row, other: Row) -> bool:
    return Spread(row["low"], row["high"]).reaches(other["published"])


def _cost(row: Row) -> str:
    return f"{row['published']:.3f} of {_WORDS[row['initialization']]}"
