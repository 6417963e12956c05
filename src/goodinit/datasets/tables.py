"""Which reader a table file needs: text, Parquet, Arrow, Excel, JSON lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
        frame, notes = read(path)
    return of_frame(frame, name, path.name, notes)


def of_frame(frame: Any, name: str, shown: str, notes: tuple[str, ...] = ()) -> Table:
    """Return a pandas frame as a table: its columns' names strings, its rows numbered.

    An index that isn't just the rows' numbers is left out, and said.
    """
    import pandas as pd  # here, because it is slow to import

    names = ["_".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in frame.columns]
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
    return Table(name, shown, made, names, lambda row: f"row {row}", notes)


def _parquet(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    import pandas as pd  # here, because it is slow to import
    import pyarrow.parquet as pq

    found = pq.read_metadata(path)
    unpacked = sum(found.row_group(i).total_byte_size for i in range(found.num_row_groups))
    cells = _CELL * found.num_rows * found.num_columns
    check_size(str(path), max(unpacked, cells), "tables")
    return pd.read_parquet(path), ()


def _arrow(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        try:
            table = pa.ipc.open_file(source).read_all()
        except pa.ArrowInvalid:  # no file but a stream
            source.seek(0)
            table = pa.ipc.open_stream(source).read_all()
        check_size(str(path), table.nbytes, "tables")
        return table.to_pandas(), ()


def _excel(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
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
    return frame, several


def _json(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    import pandas as pd  # here, because it is slow to import

    check_size(str(path), path.stat().st_size * 2, "tables")
    with path.open(encoding="utf-8-sig") as file:
        start = file.read(1)
        while start.isspace():
            start = file.read(1)
    with path.open("rb") as source:
        return pd.read_json(source, lines=start == "{", dtype=False, encoding="utf-8-sig"), ()


def _hint(suffix: str) -> str:
    """Return what to do with a file of a kind that isn't read, where that is known."""
    return {
        ".pkl": "; reading a pickle would run its code: save it as Parquet",
        ".pickle": "; reading a pickle would run its code: save it as Parquet",
        ".xls": "; save an old Excel workbook as .xlsx",
        ".npy": "; save X and y together as .npz",
    }.get(suffix, "")


_TEXT = (".csv", ".tsv", ".tab", ".txt", ".data", ".dat")
_READERS: dict[str, tuple[str, Callable[[Path], tuple[pd.DataFrame, tuple[str, ...]]]]] = {
    ".parquet": ("a Parquet table", _parquet),
    ".feather": ("a Feather table", _arrow),
    ".arrow": ("an Arrow table", _arrow),
    ".xlsx": ("an Excel workbook", _excel),
    ".json": ("JSON records, or an object on each line", _json),
    ".jsonl": ("JSON with an object on each line", _json),
    ".ndjson": ("JSON with an object on each line", _json),
}
