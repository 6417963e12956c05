"""What was made of a table's columns, in phrases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets.cells import KINDS
from goodinit.datasets.columns import Columns
from goodinit.errors import printable

if TYPE_CHECKING:
    import pandas as pd

MOST_CATEGORIES = 20  # columns that a category becomes; the rarest ones share the last
RAREST = 0.005  # of the training examples, below which a category is a rare one
_MOST_NAMED = 4  # columns that a phrase names
_LEAST_TOLD = 20  # rows from which on it can be told that a column gives the class away
_LONGEST = 20  # characters of a value


def prepared(found: Columns, train: pd.DataFrame, *, encoded: int) -> list[str]:
    """Return what became of the columns, as the training part shows it.

    Parameters
    ----------
    found : Columns
    train : DataFrame
        The kept columns, before they were filled and encoded.
    encoded : int
        The features that the categories became.
    """
    kinds = [column.kind for column in found.kept.values()]
    counts = [count(kinds.count(kind), kind) for kind in KINDS if kind in kinds]
    within = f" in {count(encoded, 'column')}" if "category" in kinds else ""
    gaps = [name for name in found.kept if train[name].isna().any()]
    filled = len([name for name in gaps if name in found.numbers])
    own = len(gaps) - filled
    rare = [name for name in found.categories if _has_rare(train[name])]
    return [
        ", ".join(counts) + within,
        *_phrase(filled, "with missing values filled by the median and marked"),
        *_phrase(own, "with missing values as a category"),
        *([f"rare categories of {some(rare)} taken together"] if rare else []),
        *(
            f"{count(len(column.odd), 'value')} of {printable(name)} taken for missing, such as "
            f"{printable(column.odd[0])[:_LONGEST]!r}"
            for name, column in found.kept.items()
            if column.odd
        ),
        *left_out(found),
    ]


def left_out(found: Columns) -> list[str]:
    """Return which columns were left out, and why."""
    parts = [f"{some(names)} {reason}" for reason, names in found.left_out.items()]
    return [f"left out {', '.join(parts)}"] if parts else []


def giveaways(found: Columns, y: NDArray[Any], n_classes: int) -> list[str]:
    """Return which columns give the class away, each of their values standing for one.

    Parameters
    ----------
    found : Columns
    y : array of int, shape (n_samples,)
        Class indices.
    n_classes : int
    """
    if len(y) < _LEAST_TOLD:
        return []
    given = []
    for name, column in found.kept.items():
        codes, values = column.values.factorize()
        pairs = np.unique(codes * n_classes + y)
        if len(values) == len(pairs) == n_classes and (codes >= 0).all():
            given.append(name)
    verb = "gives" if len(given) == 1 else "give"
    return [f"{some(given)} {verb} the class away in every row"] if given else []


def some(names: Sequence[str]) -> str:
    """Return the first of several names, and how many more there are.

    Examples
    --------
    >>> some(["a", "b"]), some(list("abcdef"))
    ('a and b', 'a, b, c, d and 2 more')
    """
    shown = [printable(name) for name in names[:_MOST_NAMED]]
    if len(names) > _MOST_NAMED:
        shown.append(f"{len(names) - _MOST_NAMED} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def count(number: int, what: str) -> str:
    """Return a number of things.

    Examples
    --------
    >>> count(1, "category"), count(2, "category")
    ('1 category', '2 categories')
    """
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"


def _phrase(number: int, what: str) -> list[str]:
    return [f"{count(number, 'column')} {what}"] if number else []


def _has_rare(values: Any) -> bool:
    counts = values.value_counts()
    return bool(len(counts) >= MOST_CATEGORIES or (counts < RAREST * len(values)).any())
