"""What one column's cells hold: numbers, dates, booleans or categories, however they came."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from goodinit.datasets import written

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["number", "date", "boolean", "category"]
KINDS: tuple[Kind, ...] = ("number", "date", "boolean", "category")

_MOST_NUMBERS = 0.9  # of a column's strings, from which on the others are taken for missing


@dataclass(frozen=True)
class Column:
    """One column, as it can be learned from.

    Attributes
    ----------
    kind : {"number", "date", "boolean", "category"}
    values : Series
        Of a category strings, of the others float64: days since 1970, 0 and 1; NaN where missing.
    odd : tuple of str
        Values of a column of numbers that aren't any, and count as missing.
    """

    kind: Kind
    values: pd.Series[Any]
    odd: tuple[str, ...] = ()


def read_column(values: pd.Series[Any]) -> Column | str:
    """Return a column as numbers or strings, or why nothing can be learned from it."""
    import pandas as pd  # here, because it is slow to import
    from pandas.api import types

    if isinstance(values.dtype, pd.SparseDtype):
        values = pd.Series(values.to_numpy(), index=values.index)
    dtype: Any = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _of_strings(values, number=False)
    if isinstance(dtype, pd.PeriodDtype):
        return Column("date", written.days(values.dt.to_timestamp()))
    for holds, read in _by_type():
        if holds(dtype):
            return read(values)
    if types.is_complex_dtype(dtype):
        return "as complex numbers"
    if types.is_object_dtype(dtype) or types.is_string_dtype(dtype):
        return _of_objects(values)
    return f"as values of type {dtype}"


def _floats(values: pd.Series[Any]) -> pd.Series[float]:
    return values.astype("float64") if values.dtype.kind in "biuf" else _nullable(values)


def _nullable(values: pd.Series[Any]) -> pd.Series[float]:
    import pandas as pd  # here, because it is slow to import

    return pd.Series(values.to_numpy(np.float64, na_value=np.nan), index=values.index)


def _number(values: pd.Series[Any]) -> Column:
    return Column("number", _floats(values))


def _boolean(values: pd.Series[Any]) -> Column:
    return Column("boolean", _floats(values))


def _date(values: pd.Series[Any]) -> Column:
    return Column("date", written.days(values).astype(float))


def _duration(values: pd.Series[Any]) -> Column:
    import pandas as pd  # here, because it is slow to import

    days: Any = values.to_numpy() / pd.Timedelta(days=1)
    return Column("number", pd.Series(days, index=values.index).astype(float))


def _of_objects(values: pd.Series[Any]) -> Column | str:
    """Read a column of Python objects or strings by what its values are."""
    import pandas as pd  # here, because it is slow to import

    held = values.dropna()
    if held.empty:
        return Column("number", pd.Series(np.nan, index=values.index))
    types = set(map(type, held))
    for known, read in _BY_OBJECTS:
        if all(issubclass(kind, known) for kind in types):
            column = read(held)
            return Column(column.kind, column.values.reindex(values.index), column.odd)
    return f"as {' and '.join(sorted(kind.__name__ for kind in types))} objects"


def _objects_dates(held: pd.Series[Any]) -> Column:
    import pandas as pd  # here, because it is slow to import

    return Column("date", written.days(pd.to_datetime(held, errors="coerce", utc=True)))


def _objects_hours(held: pd.Series[Any]) -> Column:
    return Column("number", held.map(lambda t: t.hour + t.minute / 60 + t.second / 3600))


def _objects_days(held: pd.Series[Any]) -> Column:
    return Column("number", held.map(lambda duration: duration.total_seconds() / 86_400))


_BY_OBJECTS: tuple[tuple[Any, Callable[[Any], Column]], ...] = (
    (str, lambda held: _of_strings(held, number=True)),
    (bool | np.bool_, lambda held: Column("boolean", held.astype(float))),
    (Real | Decimal, lambda held: Column("number", held.map(float))),
    (dt.date, _objects_dates),
    (dt.time, _objects_hours),
    (dt.timedelta, _objects_days),
    (str | Real | Decimal | dt.date, lambda held: _of_strings(held.map(str), number=True)),
)


def _of_strings(values: pd.Series[Any], *, number: bool) -> Column:
    """Read strings as numbers or dates where they write these, as categories otherwise."""
    whole = written.present(values.astype(object).map(str, na_action="ignore"))
    text = whole.dropna()
    if number and len(text):
        numbers = written.as_numbers(text)
        share = numbers.notna().mean()
        if share == 1 or (share >= _MOST_NUMBERS and numbers.nunique() > 2):
            odd = text[numbers.isna()].unique()
            return Column("number", numbers.reindex(values.index), tuple(map(str, odd)))
        dates = written.as_days(text)
        if dates is not None:
            odd = text[dates.isna()].unique()
            return Column("date", dates.reindex(values.index), tuple(map(str, odd)))
        hours = written.as_hours(text)
        if hours is not None:
            return Column("number", hours.reindex(values.index))
    return Column("category", whole)


def _by_type() -> tuple[tuple[Callable[[Any], bool], Callable[[Any], Column]], ...]:
    from pandas.api import types

    return (
        (types.is_bool_dtype, _boolean),
        (types.is_timedelta64_dtype, _duration),
        (types.is_datetime64_any_dtype, _date),
        (
            lambda dtype: types.is_numeric_dtype(dtype) and not types.is_complex_dtype(dtype),
            _number,
        ),
    )
