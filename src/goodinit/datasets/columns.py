"""Which columns of a table can be learned from, and which are an index, a text or nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from goodinit.datasets.cells import Column, read_column

if TYPE_CHECKING:
    import pandas as pd

_AN_IDENTIFIER = "as an identifier"
_FEW = 20  # values below which a column of many different strings may still be categories
_FEWEST = 8  # rows from which on it can be told that a column is a text or an index
_IDENTIFIER = re.compile(
    r"(?i:unnamed: \d+|index|idx|id|uuid|guid|pk|key|level_0|__index_level_\d+__"
    r"|row[ _.-]?(id|index|no|nr|num|number)?|.+[ _.-](id|uuid|guid)|(id|uuid|guid)[ _.-].+)"
    r"|.*[a-z]I[dD]|ID[A-Z].*"
)


@dataclass
class Columns:
    """A table's columns by name, and those that are left out, by the reason.

    Attributes
    ----------
    kept : dict of str to Column
    left_out : dict of str to list of str
        Of a reason, such as ``"as text"``, the columns.
    """

    kept: dict[str, Column] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    @property
    def numbers(self) -> list[str]:
        """The columns that are numbers, dates or booleans."""
        return [name for name, column in self.kept.items() if column.kind != "category"]

    @property
    def categories(self) -> list[str]:
        """The columns that are categories."""
        return [name for name, column in self.kept.items() if column.kind == "category"]

    def leave_out(self, name: str, reason: str) -> None:
        """Remember that a column is left out, and why."""
        self.kept.pop(name, None)
        self.left_out.setdefault(reason, []).append(name)


def understand(frame: pd.DataFrame, *, wanted: Sequence[str] = ()) -> Columns:
    """Return what the columns of a table are.

    Parameters
    ----------
    frame : DataFrame
        Without the target.
    wanted : sequence of str
        Columns that the user named: these stay, though they look like an index or a text.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"id": range(9), "age": ["31", "?", "5"] * 3, "sex": list("fmf") * 3})
    >>> found = understand(table)
    >>> {name: column.kind for name, column in found.kept.items()}, found.left_out
    ({'age': 'number', 'sex': 'category'}, {'as an identifier': ['id']})
    """
    found = Columns()
    for name in frame.columns:
        column = read_column(frame[name])
        if isinstance(column, str):
            found.leave_out(name, column)
            continue
        found.kept[name] = column
        reason = "" if name in wanted else _useless(name, column)
        if reason:
            found.leave_out(name, reason)
    if not found.kept:  # a table of nothing but an index has an index to learn from
        for name in found.left_out.pop(_AN_IDENTIFIER, []):
            column = read_column(frame[name])
            if not isinstance(column, str):
                found.kept[name] = column
    return found


def _useless(name: str, column: Column) -> str:
    """Return why a column says nothing of an example that others share; "" where it may."""
    held = column.values.dropna()
    if len(held) < _FEWEST:
        return _AN_IDENTIFIER if re.fullmatch(r"Unnamed: 0", name) and len(held) else ""
    different = held.nunique()
    named = _IDENTIFIER.fullmatch(name.strip()) is not None and different == len(held)
    if column.kind == "number":
        rows = np.arange(len(held))
        numbered = len(held) == len(column.values) and any(
            np.array_equal(held, rows + start) for start in (0, 1)
        )
        whole = bool((held == held.round()).all())
        return _AN_IDENTIFIER if numbered or (named and whole) else ""
    if column.kind == "category":
        if named:
            return _AN_IDENTIFIER
        scattered = different > _FEW and 2 * different > len(held)
        return "as text" if scattered or different == len(held) else ""
    return ""
