"""Which values are pandas or Polars frames, alone or with labels, and the table that each is."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from goodinit.datasets.dataset import check_lengths
from goodinit.datasets.tables import Table, of_frame
from goodinit.errors import bad_argument

if TYPE_CHECKING:
    import pandas as pd

_NAME = "table"


@dataclass(frozen=True)
class Source:
    """A table, and what is to be predicted where that isn't one of its columns.

    Attributes
    ----------
    table : Table
    labels : Series, optional
    n_train : int, optional
        How many of the first rows are the training part, where the user divided them.
    """

    table: Table
    labels: pd.Series[Any] | None = None
    n_train: int | None = None


def as_source(data: Any) -> Source | None:
    """Return the table that a frame is, alone or in ``(X, y)`` or four parts; None for all else.

    Raises
    ------
    ArgumentError
        Where frames and labels don't fit each other.

    Examples
    --------
    >>> import pandas as pd
    >>> source = as_source((pd.DataFrame({"a": [1, 2]}), [0, 1]))
    >>> source.labels.name
    'y'
    >>> as_source(([[1], [2]], [0, 1])) is None
    True
    """
    frame = _as_pandas(data)
    if frame is not None:
        return Source(of_frame(frame, _NAME, _NAME))
    if not isinstance(data, tuple) or len(data) not in (2, 4):
        return None
    parts = [_as_pandas(part) for part in data[::2]]
    if any(part is None for part in parts):
        return None
    named = [
        _labels(y, "y" if len(data) == 2 else name)
        for y, name in zip(data[1::2], ("y_train", "y_test"), strict=False)
    ]
    return _joined(parts, named)


def _joined(parts: list[Any], labels: list[pd.Series[Any]]) -> Source:
    import pandas as pd  # here, because it is slow to import

    names = ("X",) if len(parts) == 1 else ("X_train", "X_test")
    for name, X, y in zip(names, parts, labels, strict=True):
        check_lengths(name, X, name.replace("X", "y"), y.to_numpy())
        if list(X.columns) != list(parts[0].columns):
            takes = "the columns of X_train"
            raise bad_argument(f"columns of {name}", list(map(str, X.columns)), takes)
    n_train = len(parts[0]) if len(parts) == 2 else None
    X = parts[0] if n_train is None else pd.concat(parts, ignore_index=True)
    y = pd.concat(labels, ignore_index=True)
    y.name = labels[0].name
    return Source(of_frame(X, _NAME, _NAME), y, n_train)


def _as_pandas(value: Any) -> pd.DataFrame | None:
    """Return a pandas or Polars frame as the former; None for anything else."""
    polars, pandas = sys.modules.get("polars"), sys.modules.get("pandas")
    if polars is not None and isinstance(value, polars.LazyFrame):
        value = value.collect()
    if polars is not None and isinstance(value, polars.DataFrame):
        # Arrow, by which Polars hands over a frame, knows no integers of 128 bits.
        wide = [name for name, of in value.schema.items() if str(of).endswith("Int128")]
        found: pd.DataFrame = value.with_columns(polars.col(wide).cast(polars.Float64)).to_pandas()
        return found
    if pandas is not None and isinstance(value, pandas.DataFrame):
        frame: pd.DataFrame = value
        return frame
    return None


def _labels(y: Any, name: str) -> pd.Series[Any]:
    """Return labels as a pandas column, whatever they came in."""
    import pandas as pd  # here, because it is slow to import

    column = _as_pandas(y)
    if column is not None and column.shape[1] == 1:
        y = column.iloc[:, 0]
    if hasattr(y, "to_pandas"):
        y = y.to_pandas()
    if not isinstance(y, pd.Series):
        array = np.asarray(y)
        if array.ndim != 1:
            raise bad_argument(f"shape of {name}", array.shape, "(n_samples,)")
        y = pd.Series(array)
    labels: pd.Series[Any] = y.reset_index(drop=True)
    labels.name = name if y.name is None else str(y.name)
    return labels
