"""How numbers and dates are written in text: decimal commas, currencies, days before months."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MISSING = frozenset(
    ("", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "nat", "null", "none", "?", "-", "--")
)
_DECORATED = r"^[$€£¥]?\s*[+-]?\s*[$€£¥]?\d[\d.,'’\s\u00a0\u202f]*\s*[$€£¥%]?$"
_DECORATION = r"[$€£¥%'’\s\u00a0\u202f]"
_THOUSANDS = r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?"
_DECIMAL_COMMA = r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+"
_DOTS = r"[+-]?\d{1,3}(\.\d{3})+"

_TIME = r"([ T]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?\s*([AaPp][Mm])?(Z|\s?[+-]\d{2}:?\d{2})?)?"
_ISO = rf"\d{{4}}[-/.]\d{{1,2}}([-/.]\d{{1,2}})?{_TIME}"
_DAY_AND_MONTH = rf"(\d{{1,2}})([./-])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_TIME}"
_NAMED_MONTH = r"(\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4})" + _TIME
_HOURS = r"(\d{1,3}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?(?:\s?([AaPp])[Mm])?"
_MOST = 0.95  # of the values must be dates for a column to be one


def present(text: pd.Series[Any]) -> pd.Series[Any]:
    """Return strings without blanks around them, missing where they say that nothing is known.

    Examples
    --------
    >>> import pandas as pd
    >>> present(pd.Series([" a", "?", "N/A"])).tolist()
    ['a', nan, nan]
    """
    stripped = text.astype(object).map(lambda value: value.strip(), na_action="ignore")
    return stripped.mask(stripped.map(lambda value: str(value).lower() in MISSING))


def as_numbers(text: pd.Series[Any], *, comma: bool = False) -> pd.Series[float]:
    """Return the numbers that strings write; NaN where one writes none.

    A comma is what all of a column's values allow: the decimal sign, or one between thousands.

    Parameters
    ----------
    text : Series of str
        Without missing values.
    comma : bool
        Whether a comma that could be either is the decimal sign.

    Examples
    --------
    >>> import pandas as pd
    >>> as_numbers(pd.Series(["1.234,5", "12", "x"])).tolist()
    [1234.5, 12.0, nan]
    >>> as_numbers(pd.Series(["$1,234", "85%"])).tolist()
    [1234.0, 85.0]
    """
    import pandas as pd  # here, because it is slow to import

    found = pd.to_numeric(text, errors="coerce").astype(float)
    rest = text[found.isna()]
    rest = rest[rest.str.match(_DECORATED)].str.replace(_DECORATION, "", regex=True)
    with_comma = rest[rest.str.contains(",", regex=False)]
    if len(with_comma):
        grouped = with_comma.str.fullmatch(_THOUSANDS).all()
        decimal = with_comma.str.fullmatch(_DECIMAL_COMMA).all()
        if decimal and (comma or not grouped):
            found = found.mask(text.str.fullmatch(_DOTS))  # where a comma is the decimal sign
            rest = text[found.isna()]
            rest = rest[rest.str.match(_DECORATED)].str.replace(_DECORATION, "", regex=True)
            rest = rest.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        elif grouped:
            rest = rest.str.replace(",", "", regex=False)
    return found.fillna(pd.to_numeric(rest, errors="coerce").astype(float))


def as_days(text: pd.Series[Any]) -> pd.Series[float] | None:
    """Return the days since 1970 that strings write as dates; None where they aren't dates.

    Of 3/4/2020 the month is what the other values of the column allow; where they allow both, the
    first number with ``/`` and the second with ``.`` or ``-``.

    Parameters
    ----------
    text : Series of str
        Without missing values.

    Examples
    --------
    >>> import pandas as pd
    >>> as_days(pd.Series(["1970-01-02", "1970-01-01 12:00"])).tolist()
    [1.0, 0.5]
    >>> as_days(pd.Series(["13.01.1970", "02.01.1970"])).tolist()
    [12.0, 1.0]
    >>> as_days(pd.Series(["a", "b"])) is None
    True
    """
    import pandas as pd  # here, because it is slow to import

    patterns = (_ISO, _DAY_AND_MONTH, _NAMED_MONTH)
    ends = (text.iloc[0], text.iloc[-1])
    if not any(re.fullmatch(pattern, end) for pattern in patterns for end in ends):
        return None  # most columns of strings are none, and long ones take their time
    found = pd.Series(np.nan, index=text.index)
    for pattern in patterns:
        fitting = text[text.str.fullmatch(pattern)]
        if fitting.empty:
            continue
        parts = fitting.str.extract(r"^(\d{1,2})([./-])(\d{1,2})")
        first, second = (pd.to_numeric(parts[column]).max() for column in (0, 2))
        day_first = pattern is _DAY_AND_MONTH and (
            first > 12 or (second <= 12 and parts[1].iloc[0] != "/")
        )
        dates = pd.to_datetime(
            fitting, errors="coerce", format="mixed", dayfirst=day_first, utc=True
        )
        found[fitting.index] = days(dates)
    return found if found.notna().mean() >= _MOST else None


def as_hours(text: pd.Series[Any]) -> pd.Series[float] | None:
    """Return the hours that strings write as times of day or durations; None where one doesn't.

    Parameters
    ----------
    text : Series of str
        Without missing values.

    Examples
    --------
    >>> import pandas as pd
    >>> as_hours(pd.Series(["07:30", "12:00:36", "1:15 pm"])).tolist()
    [7.5, 12.01, 13.25]
    """
    if not re.fullmatch(_HOURS, text.iloc[0]) or not text.str.fullmatch(_HOURS).all():
        return None
    parts = text.str.extract(_HOURS)
    hours, minutes, seconds = (parts[n].fillna("0").astype(float) for n in range(3))
    half = parts[3].str.lower()
    hours = hours.where(half.isna(), hours % 12) + 12 * (half == "p")
    return hours + minutes / 60 + seconds / 3600


def days(dates: pd.Series[Any]) -> pd.Series[float]:
    """Return the days since 1970 of datetimes, with or without a time zone; NaN where missing."""
    import pandas as pd  # here, because it is slow to import

    if getattr(dates.dtype, "tz", None) is not None:
        dates = dates.dt.tz_convert("UTC").dt.tz_localize(None)
    # In microseconds, since 64 bits of nanoseconds reach from 1677 to 2262 alone.
    since = dates.to_numpy("datetime64[us]") - np.datetime64(0, "us")
    return pd.Series(since / np.timedelta64(1, "D"), index=dates.index)
