"""How the parts of a study lie on disk: whole, checked, or set aside.

Each table has a folder with one Parquet file per part. The name of a file is the number of its part
and the checksum of what is in it. Of a part's files the one in ``trials`` is written last: a part
that is listed there is whole.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from io import BytesIO
from itertools import count
from pathlib import Path
from typing import NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.lib.format import write_array
from pyarrow.types import is_boolean, is_floating, is_integer, is_string

from goodinit.measuring.tables import KEYS, TABLES, Measured, Networks

NETWORKS = "networks"
DAMAGED = "damaged"

_NAME = re.compile(r"(?P<number>\d{6,})-(?P<checksum>[0-9a-f]{16})\.(parquet|npz)")
_UNFINISHED = re.compile(rf"\.{_NAME.pattern}\.unfinished")  # a part that is being written
_KEY_TYPES = dict(zip(KEYS, (np.str_, np.float64, np.int64), strict=True))
_IS_KEY = {"initializer": is_string, "learning_rate": is_floating, "seed": is_integer}
_SECONDS = b"seconds"  # of training and measuring a part, in its trials' table
_MEASURES = ("train_cost", "test_cost", "train_accuracy", "test_accuracy")
_IS_MEASURE = dict.fromkeys(_MEASURES, is_floating)
_COLUMNS: dict[str, dict[str, Callable[[pa.DataType], bool]]] = {
    "trials": _IS_KEY | _IS_MEASURE | {"initial_cost": is_floating, "diverged": is_boolean},
    "curves": _IS_KEY | _IS_MEASURE | {"iteration": is_integer},
    "signals": _IS_KEY | {"moment": is_string, "layer": is_integer},
    "sharpness": _IS_KEY | {"iteration": is_integer, "sharpness": is_floating},
}


@dataclass(frozen=True)
class StoredPart:
    """A part on disk; see ``goodinit.measuring.tables.Part``."""

    number: int
    files: dict[str, Path]

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return one of the tables, or some of its columns."""
        with self.files[name].open("rb") as file:  # a path would have to be UTF-8
            return pq.ParquetFile(file).read(columns=columns)

    @property
    def seconds(self) -> float | None:
        """How long training and measuring took; None where an earlier version wrote the part."""
        with self.files["trials"].open("rb") as file:
            said = (pq.read_schema(file).metadata or {}).get(_SECONDS)
        try:
            return None if said is None else float(said)
        except ValueError:  # nothing that goodinit wrote
            return None

    def exists(self) -> bool:
        """Return whether all of its files are there still."""
        return all(path.exists() for path in self.files.values())

    @property
    def has_networks(self) -> bool:
        """Whether the trained networks are kept."""
        return NETWORKS in self.files

    def networks(self) -> Networks:
        """Return the trained parameters, layer by layer; empty where they aren't kept."""
        if NETWORKS not in self.files:
            return {}
        with np.load(self.files[NETWORKS], allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files if name not in KEYS}


class Found(NamedTuple):
    """What lies in a study folder.

    Attributes
    ----------
    whole : list of StoredPart
    damaged : list of Path
        Files that are missing, truncated or altered.
    aside : list of Path
        The other files of the parts that these belong to.
    unfinished : list of Path
        What was being written when a process ended.
    """

    whole: list[StoredPart]
    damaged: list[Path]
    aside: list[Path]
    unfinished: list[Path]


def write_part(folder: Path, number: int, part: Measured) -> StoredPart:
    """Write a part, whole or not at all.

    Raises
    ------
    OSError
        Where the folder cannot be written.
    """
    tables = dict(part.tables)
    if part.seconds is not None:
        said = {_SECONDS: f"{part.seconds:.3f}".encode()}
        tables["trials"] = tables["trials"].replace_schema_metadata(said)
    contents = {name: ("parquet", _as_parquet(tables[name])) for name in TABLES}
    if part.arrays:
        keys = part.tables["trials"].select(KEYS).to_pydict()
        trials: Networks = {key: np.array(keys[key], kind) for key, kind in _KEY_TYPES.items()}
        contents = {NETWORKS: ("npz", as_npz(trials | part.arrays))} | contents
    files = {}
    for name, (kind, content) in contents.items():
        files[name] = folder / name / f"{number:06d}-{_checksum(content)}.{kind}"
        write_whole(files[name], content)
    return StoredPart(number, files)


def find_parts(folder: Path, kinds: Sequence[str]) -> Found:
    """Return the parts of a study folder, each file held against its checksum.

    Parameters
    ----------
    folder : Path
    kinds : sequence of str
        What a part consists of: ``TABLES``, and ``NETWORKS`` where they are kept.
    """
    found = Found([], [], [], [])
    parts: dict[int, dict[str, Path]] = {}
    for kind in kinds:
        for path in sorted((folder / kind).glob("*")):
            named = _NAME.fullmatch(path.name)
            if named:
                parts.setdefault(int(named["number"]), {})[kind] = path
            elif _UNFINISHED.fullmatch(path.name):
                found.unfinished.append(path)
    for number, files in sorted(parts.items()):
        if "trials" not in files:
            found.unfinished.extend(files.values())
            continue
        good = {kind for kind, path in files.items() if _is_whole(path)}
        good -= _unfitting({kind: files[kind] for kind in good if kind in TABLES})
        if good == set(kinds):
            found.whole.append(StoredPart(number, files))
        else:
            missing = f"{number:06d}, which is missing"
            found.damaged.extend(
                files.get(kind, folder / kind / missing) for kind in kinds if kind not in good
            )
            found.aside.extend(files[kind] for kind in good)
    return found


def _unfitting(files: Mapping[str, Path]) -> set[str]:
    """Return the tables of a part that aren't tables of a study, or not of as many trials."""
    rows = {kind: _rows(kind, path) for kind, path in files.items()}
    trials = rows.get("trials") or 1
    return {kind for kind, of in rows.items() if of == 0 or of % trials}


def _rows(kind: str, path: Path) -> int:
    """Return how many rows a table has; none where it lacks a column or is none at all."""
    try:
        with path.open("rb") as file:
            head = pq.ParquetFile(file)
            columns, rows = head.schema_arrow, int(head.metadata.num_rows)
    except (pa.ArrowException, OSError):
        return 0
    types = dict(zip(columns.names, columns.types, strict=True))
    fits = all(name in types and is_of(types[name]) for name, is_of in _COLUMNS[kind].items())
    return rows if fits else 0


def clear(folder: Path, found: Found) -> None:
    """Remove what is unfinished, and move parts with a damaged file to the folder ``damaged``."""
    for path in found.unfinished:
        path.unlink()
    for path in (*found.damaged, *found.aside):
        set_aside(folder, path)


def set_aside(folder: Path, path: Path) -> None:
    """Move a damaged file of a study to its folder ``damaged``, beside what is there already."""
    if not os.path.lexists(path):
        return
    place = folder / DAMAGED / path.relative_to(folder).parent
    place.mkdir(parents=True, exist_ok=True)
    free = place / path.name
    for number in count(2):
        if not os.path.lexists(free):
            break
        free = place / f"{path.stem}-{number}{path.suffix}"
    path.replace(free)


def unfinished(name: str) -> str:
    """Return what a file is called while it is being written."""
    return f".{name}.unfinished"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, so that neither a crash nor a power cut harms it."""
    half = path.with_name(unfinished(path.name))
    half.unlink(missing_ok=True)
    try:
        with half.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
        _remember_names(path.parent)
    except BaseException:
        with suppress(OSError):
            half.unlink()
        raise


def _remember_names(folder: Path) -> None:
    """Have the disk keep a folder's names through a power cut, where the system knows how."""
    if os.name == "nt":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def as_npz(arrays: Networks) -> bytes:
    """Return arrays as the content of an NPZ file, without pickle."""
    buffer = BytesIO()
    # Quickly: the usual level of compression takes five times as long, for a quarter less.
    with ZipFile(buffer, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                write_array(file, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def _as_parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()  # type: ignore[no-any-return]


def _checksum(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]


def _is_whole(path: Path) -> bool:
    named = _NAME.fullmatch(path.name)
    try:
        if named is None or not path.is_file():  # a folder, a pipe, a link to nothing
            return False
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest().startswith(named["checksum"])
    except OSError:
        return False
