"""How a text table is written - packed, encoded, separated - and on which line each row stands."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from goodinit.datasets import written
from goodinit.datasets.files import check_size, most_bytes, reading
from goodinit.errors import bad_argument

if TYPE_CHECKING:
    import pandas as pd

_SAMPLE = 2**18  # bytes by which encoding and separator are told
_START = 4096
_ZEROS = 0.2  # of the bytes, and all of them first or second ones: UTF-16 without its mark
_LINES = 200
_SEPARATORS = (",", ";", "\t", "|")
_COMMA_IS_DECIMAL = ";\t|"  # beside these separators, a comma that could be either is decimal
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_OTHER_FORMATS = (
    (b"PAR1", "a Parquet file: name it .parquet"),
    (b"ARROW1", "an Arrow file: name it .feather"),
    (b"\x89HDF", "an HDF5 file: save it as CSV or Parquet"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook: save it as .xlsx"),
    (b"SQLite", "an SQLite database: save its table as CSV or Parquet"),
    (b"%PDF", "a PDF: save its table as CSV"),
    (b"\x80\x04", "a pickle, which isn't read since that would run its code: save it as Parquet"),
    (b"\x80\x05", "a pickle, which isn't read since that would run its code: save it as Parquet"),
    (b"\x28\xb5\x2f\xfd", "packed by zstd: unpack it"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it"),
    (b"Rar!", "a RAR archive: unpack it"),
    (b"version https://git-lfs", "a pointer that stands for the file: git lfs pull fetches it"),
    (b"<!doctype html", "a web page: save its table as CSV"),
    (b"<html", "a web page: save its table as CSV"),
    (b"<?xml", "XML: save its table as CSV"),
    (b'{"', "JSON: name it .json"),
    (b'[{"', "JSON: name it .json"),
)
_SEPARATOR_SAID = re.compile(r"\ufeff?\"?sep=(.)\"?\s*", re.IGNORECASE)  # as Excel begins a file
_MISSING = (
    "",
    "NA",
    "N/A",
    "n/a",
    "#N/A",
    "<NA>",
    "NaN",
    "nan",
    "-NaN",
    "-nan",
    "NULL",
    "null",
    "?",
)
_MOST_CONTROL = 0.02  # of a text's characters


@dataclass(frozen=True)
class Style:
    """How a text table is written."""

    encoding: str
    separator: str
    comments: int = 0  # lines before the header


@dataclass(frozen=True)
class Text:
    """A text table that was read.

    Attributes
    ----------
    frame : DataFrame
        As pandas types it; of numbers with decimal commas, floats.
    header : list of str
        The names as the file has them, where pandas makes each unlike the others.
    line : callable
        From the number of a row, from 0, to the line of the file on which it begins, from 1.
    """

    frame: pd.DataFrame
    header: list[str]
    line: Callable[[int], int]


def read(path: Path) -> Text:
    """Read a text table with a header.

    Parameters
    ----------
    path : Path
        Packed by gzip, bzip2, xz or zip, or plain; in UTF-8, UTF-16, UTF-32, Windows-1252 or
        Latin-1; with commas, semicolons, tabs or bars between its fields.

    Raises
    ------
    ArgumentError
        Where it is another kind of file, is damaged, is too large, or its rows don't fit its
        header.
    """
    with reading(str(path), "a table of text with a header"):
        with _bytes(path) as file:
            sample = file.read(_SAMPLE)
        _check_text(path, sample)
        for encoding in _encodings(sample):
            try:
                return _read(path, _style(sample, encoding))
            except UnicodeDecodeError:
                continue
    raise bad_argument("data", str(path), "a table of text in UTF-8, UTF-16 or Latin-1")


def _read(path: Path, style: Style) -> Text:
    header = next(_records(path, style), (1, []))[1]
    if not header:
        raise bad_argument("data", str(path), "a table with a header (No columns in this file)")
    frame = _frame(path, style, len(header))
    if style.separator in _COMMA_IS_DECIMAL or any(map(_is_text, frame.dtypes)):
        frame = _with_decimal_commas(path, style, frame, len(header))
    names = [name.strip() for name in header]
    frame.columns = [str(name).strip() for name in frame.columns]
    return Text(frame, names, lambda row: _line(path, style, row))


def _frame(path: Path, style: Style, width: int, **options: Any) -> pd.DataFrame:
    import pandas as pd  # here, because it is slow to import

    def parse() -> pd.DataFrame:
        with _bytes(path) as file:
            frame: pd.DataFrame = pd.read_csv(
                file,
                sep=style.separator,
                encoding=style.encoding,
                skiprows=style.comments,
                index_col=False,
                skipinitialspace=True,
                keep_default_na=False,
                na_values=_MISSING,
                low_memory=False,
                **options,
            )
            return frame

    # Rows longer than the header: with index_col=False pandas cuts them and warns.
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return parse()
        except (pd.errors.ParserWarning, pd.errors.ParserError) as error:
            _check_widths(path, style, width)
            if "EOF inside string" in str(error):
                *_, (line, _fields) = _records(path, style)
                takes = f"a CSV table: a quote in the row of line {line} isn't closed"
                raise bad_argument("data", str(path), takes) from None
            if not isinstance(error, pd.errors.ParserWarning):
                raise
    # What is too long is only the separator at the end of each line.
    with warnings.catch_warnings(action="ignore", category=pd.errors.ParserWarning):
        return parse()


def _check_widths(path: Path, style: Style, width: int) -> None:
    """Raise ArgumentError for the first row with more fields than the header."""
    for line, fields in islice(_records(path, style), 1, None):
        if len(fields) > width + 1 or (len(fields) == width + 1 and fields[-1].strip()):
            takes = f"a CSV table: line {line} has {len(fields)} fields, the header {width}"
            raise bad_argument("data", str(path), takes)


def _with_decimal_commas(path: Path, style: Style, frame: pd.DataFrame, width: int) -> pd.DataFrame:
    """Return a table whose columns of numbers with commas are numbers."""
    commas = style.separator in _COMMA_IS_DECIMAL
    found: dict[int, Any] = {}
    decimal = False
    for place, dtype in enumerate(frame.dtypes):
        if not _is_text(dtype):
            continue
        text = written.present(frame.iloc[:, place]).dropna()
        if len(text) and text.str.contains(",", regex=False).any():
            numbers = written.as_numbers(text, comma=commas)
            if numbers.notna().all():
                found[place] = numbers.reindex(frame.index)
                decimal = decimal or bool((numbers != numbers.round()).any())
    floats = [place for place, dtype in enumerate(frame.dtypes) if dtype.kind == "f"]
    if decimal and commas and floats:  # then a dot stands between thousands
        raw = _frame(path, style, width, usecols=floats, dtype=str)
        for place, name in zip(floats, raw, strict=True):
            text = written.present(raw[name]).dropna()
            if len(text) and text.str.fullmatch(r"[+-]?\d{1,3}(\.\d{3})*").all():
                numbers = text.str.replace(".", "", regex=False).astype(float)
                found[place] = numbers.reindex(frame.index)
    columns = [found.get(place, frame.iloc[:, place]) for place in range(frame.shape[1])]
    if not found:
        return frame
    import pandas as pd  # here, because it is slow to import

    joined: pd.DataFrame = pd.concat(columns, axis=1, keys=list(frame.columns))
    return joined


def _is_text(dtype: Any) -> bool:
    return str(dtype) in ("object", "str", "string")


def _encodings(sample: bytes) -> tuple[str, ...]:
    for mark, encoding in _MARKS:
        if sample.startswith(mark):
            return (encoding,)
    zeros = np.frombuffer(sample[:_START], np.uint8) == 0
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if zeros[first::2].sum() > _ZEROS * len(zeros):
            return (encoding,)
    return ("utf-8", "cp1252", "latin-1")


def _style(sample: bytes, encoding: str) -> Style:
    """Return how a text is written, by its first lines."""
    text = sample.decode(encoding, errors="ignore" if len(sample) == _SAMPLE else "strict")
    lines = text.splitlines(keepends=True)[:_LINES]
    if lines and (said := _SEPARATOR_SAID.fullmatch(lines[0])):
        return Style(encoding, said[1], 1)
    marked = next((i for i, line in enumerate(lines) if not line.startswith("#")), 0)
    separator, fitting = _separator(lines[marked:], _SEPARATORS)
    if not fitting:
        separator, fitting = _separator(lines[marked:], (" ",))
    width = len(next(_cut(lines[marked:], separator), []))
    while marked and len(next(_cut(lines[marked - 1 :], separator), [])) == width:
        marked -= 1  # the header itself begins with #
    return Style(encoding, separator, marked)


def _separator(lines: list[str], candidates: tuple[str, ...]) -> tuple[str, bool]:
    """Return what cuts most lines into as many fields as the first, and whether it cuts any."""
    best, most = ",", (0.0, 0)
    for separator in candidates:
        header, *rows = list(_cut(lines, separator)) or [[]]
        width = len(header)
        fitting = sum(len(row) in (width, width + 1) for row in rows) / max(1, len(rows))
        if width > 1 and (round(fitting, 1), width) > most:
            best, most = separator, (round(fitting, 1), width)
    return best, most[1] > 0


def _cut(lines: list[str], separator: str) -> Iterator[list[str]]:
    try:
        reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
        yield from (fields for fields in reader if any(map(str.strip, fields)))
    except csv.Error:
        return


def _records(path: Path, style: Style) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that isn't blank, with the line on which it begins."""
    with (
        _bytes(path) as file,
        io.TextIOWrapper(file, encoding=style.encoding, newline="") as text,
    ):
        for _ in range(style.comments):
            text.readline()
        reader = csv.reader(text, delimiter=style.separator, skipinitialspace=True)
        before = 0
        for fields in reader:
            line, before = before + 1, reader.line_num
            if fields:
                yield line + style.comments, fields


def _line(path: Path, style: Style, row: int) -> int:
    return next(islice(_records(path, style), row + 1, None), (0, []))[0]


def _check_text(path: Path, sample: bytes) -> None:
    start = sample[:_START].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for magic, said in _OTHER_FORMATS:
        if sample.startswith(magic) or start.startswith(magic.lower()):
            raise bad_argument("data", str(path), f"a table of text (this is {said})")
    text = sample.decode(_encodings(sample)[0], errors="replace")
    control = sum(c < " " and not c.isspace() for c in text)
    if "\0" in text or control > _MOST_CONTROL * len(text):
        raise bad_argument("data", str(path), "a table of text (this file holds other bytes)")


@dataclass
class _Counted(io.RawIOBase):
    """What a packed file unpacks to, as long as memory has room for it."""

    file: IO[bytes]
    shown: str
    most: int
    made: int = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        found = self.file.read(len(buffer))
        buffer[: len(found)] = found
        self.made += len(found)
        if self.made > self.most:
            check_size(self.shown, max(self.made, most_bytes() + 1), "tables")
        return len(found)

    def close(self) -> None:
        self.file.close()
        super().close()


def _bytes(path: Path) -> IO[bytes]:
    """Open a file, unpacked where it is packed, whatever its name says."""
    with path.open("rb") as file:
        start = file.read(6)
    if start.startswith(b"PK"):
        return io.BufferedReader(_Counted(_only_member(path), str(path), most_bytes()))
    for magic, opened in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open)):
        if start.startswith(magic):
            packed: Any = opened(path, "rb")
            return io.BufferedReader(_Counted(packed, str(path), most_bytes()))
    check_size(str(path), path.stat().st_size, "tables")
    return path.open("rb")


def _only_member(path: Path) -> IO[bytes]:
    with zipfile.ZipFile(path) as archive:
        names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
        tables = [name for name in names if not name.startswith(("__MACOSX/", "."))]
        if "[Content_Types].xml" in names:
            takes = "a table of text (this is an Excel workbook: name it .xlsx)"
            raise bad_argument("data", str(path), takes)
        if len(tables) != 1:
            takes = f"a zip of one table (this holds {len(tables)} files: unpack it)"
            raise bad_argument("data", str(path), takes)
        return archive.open(tables[0])
