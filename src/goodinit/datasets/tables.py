"""Which reader a table file needs: text, Parquet, Arrow, Excel, JSON lines."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goodinit.datasets import delimited
from goodinit.datasets.files import check_size, reading
from goodinit.errors import bad_argument

if TYPE_CHECKING:
    import pandas as pd

_PACKED = (".gz", ".bz2", ".xz", ".zip")
_CELL = 8  # bytes of a value in memory, at least


@dataclass(frozen=True)
class Table:
    """Rows and columns that were read, before anything is made of them.

    Attributes
    ----------
    name : str
        What the data are called.
    shown : str
        The file, in messages.
    frame : DataFrame
        A row per example, its index from 0 on.
    header : list of str
        The columns' names as they were written: two may be alike, which in ``frame`` are not.
    where : callable
        From a row's number, from 0, to where a reader finds it: ``"line 7"``.
    notes : tuple of str
        What there is to say of how it was read.
    """

    name: str
    shown: str
    frame: pd.DataFrame
    header: list[str]
    where: Callable[[int], str]
    notes: tuple[str, ...] = ()


def read_table(path: Path) -> Table:
    """Return a table file's rows and columns.

    Parameters
    ----------
    path : Path
        Text (``.csv``, ``.tsv``, ``.tab``, ``.txt``, ``.data``, ``.dat``; also packed, such as
        ``.csv.gz``), ``.parquet``, ``.feather``, ``.arrow``, ``.xlsx``, ``.json`` or ``.jsonl``.

    Raises
    ------
    ArgumentError
        Where the file is of another kind, can't be read, is damaged or larger than memory allows.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
        if not suffixes:
            suffixes = [".csv"]
    suffix = suffixes[-1] if suffixes else ""
    name = path.name[: len(path.name) - sum(map(len, path.suffixes[-2:]))] or path.stem
    name = path.stem if path.suffix.lower() not in _PACKED else name
    if suffix in _TEXT:
        text = delimited.read(path)
        return Table(name, path.name, text.frame, text.header, lambda i: f"line {text.line(i)}")
    if suffix not in _READERS:
        kinds = ", ".join([*_TEXT[:2], *_READERS])
        takes = f"a table ({kinds}, .npz) or a folder of images"
        raise bad_argument("data", str(path), takes + _hint(suffix))
    what, read = _READERS[suffix]
    with reading(str(path), what):
        found = read(path)
    return of_frame(found.frame, name, path.name, found.notes, found.where)


@dataclass(frozen=True)
class _Found:
    """What a file holds: a frame, where its rows stand, and what there is to say of it."""

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    where: Callable[[int], str] = "row {}".format


def column_name(label: Any) -> Any:
    """Return a column's name where its label in a frame is a number, or a tuple of several levels.

    Examples
    --------
    >>> column_name(2), column_name(("size", "width")), column_name("size")
    ('2', 'size_width', 'size')
    """
    if isinstance(label, tuple):
        return "_".join(map(str, label))
    whole = isinstance(label, Integral) and not isinstance(label, bool)
    return str(label) if whole else label


def of_frame(
    frame: Any,
    name: str,
    shown: str,
    notes: tuple[str, ...] = (),
    where: Callable[[int], str] = "row {}".format,
) -> Table:
    """Return a pandas frame as a table: its columns' names strings, its rows numbered.

    An index that isn't just the rows' numbers is left out, and said.
    """
    import pandas as pd  # here, because it is slow to import

    names = [str(column_name(label)) for label in frame.columns]
    index = [str(level) for level in frame.index.names if level is not None]
    plain = isinstance(frame.index, pd.RangeIndex)
    if not plain and index:
        notes = (*notes, f"left out the index, {', '.join(index)}")
    seen: dict[str, int] = {}
    unlike = []
    for column in names:
        seen[column] = seen.get(column, 0) + 1
        unlike.append(column if seen[column] == 1 else f"{column}.{seen[column] - 1}")
    made = frame.set_axis(unlike, axis=1).reset_index(drop=True)
    return Table(name, shown, made, names, where, notes)


def _parquet(path: Path) -> _Found:
    import pandas as pd  # here, because it is slow to import
    import pyarrow.parquet as pq

    found = pq.read_metadata(path)
    unpacked = sum(found.row_group(i).total_byte_size for i in range(found.num_row_groups))
    cells = _CELL * found.num_rows * found.num_columns
    check_size(str(path), max(unpacked, cells), "tables")
    return _Found(pd.read_parquet(path))


def _arrow(path: Path) -> _Found:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        try:
            table = pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:  # no file but a stream
            source.seek(0)
            table = pa.ipc.open_stream(source).read_all()
        check_size(str(path), table.nbytes, "tables")
        return _Found(table.to_pandas())


def _excel(path: Path) -> _Found:
    import zipfile

    import pandas as pd  # here, because it is slow to import

    with zipfile.ZipFile(path) as archive:
        check_size(str(path), sum(entry.file_size for entry in archive.infolist()), "workbooks")
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheets = [str(name) for name in book.sheet_names]
            frame = pd.read_excel(book, sheet_name=sheets[0])
    except ImportError:
        takes = "openpyxl to be installed: pip install 'goodinit[excel]'"
        raise bad_argument("data", str(path), takes) from None
    several = (f"the first of {len(sheets)} sheets, {sheets[0]}",) if len(sheets) > 1 else ()
    return _Found(frame, several, lambda row: f"row {row + 2}")  # as Excel counts, the header too


def _json(path: Path) -> _Found:
    import pandas as pd  # here, because it is slow to import

    check_size(str(path), path.stat().st_size * 3, "tables")
    text = path.read_text(encoding="utf-8-sig")
    if not text.lstrip().startswith("{"):
        return _Found(pd.read_json(io.StringIO(text), dtype=False, precise_float=True))
    with suppress(ValueError):  # objects on lines, or damaged
        return _Found(_of_object(json.loads(text)))
    full = [number for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    try:
        frame = pd.read_json(io.StringIO(text), lines=True, dtype=False, precise_float=True)
    except ValueError:
        raise _bad_line(path, text) from None
    return _Found(frame, (), lambda row: f"line {full[row]}")


def _bad_line(path: Path, text: str) -> Exception:
    """Return the error for the first line that is no object."""
    takes = "JSON with an object on each line"
    for number, line in enumerate(text.split("\n"), 1):
        try:
            if line.strip():
                json.loads(line)
        except ValueError as error:
            return bad_argument("data", str(path), f"{takes} (line {number}: {error})")
    return bad_argument("data", str(path), takes)


def _of_object(held: dict[str, Any]) -> pd.DataFrame:
    """Return the table that one JSON object is, in whichever layout pandas writes.

    Examples
    --------
    >>> layouts = (
    ...     {"a": {"0": 1, "1": 2}, "y": {"0": 3, "1": 4}},
    ...     {"a": [1, 2], "y": [3, 4]},
    ...     {"columns": ["a", "y"], "data": [[1, 3], [2, 4]]},
    ...     {"made": "today", "data": [{"a": 1, "y": 3}, {"a": 2, "y": 4}]},
    ... )
    >>> [_of_object(held).to_numpy().tolist() for held in layouts]
    [[[1, 3], [2, 4]], [[1, 3], [2, 4]], [[1, 3], [2, 4]], [[1, 3], [2, 4]]]
    """
    import pandas as pd  # here, because it is slow to import

    if {"columns", "data"} <= held.keys():
        return pd.DataFrame(held["data"], columns=held["columns"])
    records = [value for value in held.values() if _is_records(value)]
    if len(records) == 1:
        return pd.DataFrame(records[0])
    whole = all(isinstance(value, dict | list) for value in held.values())
    return pd.DataFrame(held if whole else [held])


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _hint(suffix: str) -> str:
    """Return what to do with a file of a kind that isn't read, where that is known."""
    return {
        ".pkl": "; reading a pickle would run its code: save it as Parquet",
        ".pickle": "; reading a pickle would run its code: save it as Parquet",
        ".xls": "; save an old Excel workbook as .xlsx",
        ".npy": "; save X and y together as .npz",
        **dict.fromkeys((".zst", ".7z", ".rar", ".tar", ".tgz", ".tbz2", ".txz"), "; unpack it"),
    }.get(suffix, "")


_TEXT = (".csv", ".tsv", ".tab", ".txt", ".data", ".dat")
_READERS: dict[str, tuple[str, Callable[[Path], _Found]]] = {
    ".parquet": ("a Parquet table", _parquet),
    ".feather": ("a Feather table", _arrow),
    ".arrow": ("an Arrow table", _arrow),
    ".xlsx": ("an Excel workbook", _excel),
    ".json": ("JSON records, or an object on each line", _json),
    ".jsonl": ("JSON with an object on each line", _json),
    ".ndjson": ("JSON with an object on each line", _json),
}
