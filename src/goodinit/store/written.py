"""Which folders and files goodinit may write: what is not its own is refused, never touched.

A folder is new, empty, or goodinit's. Of the pictures and tables in it a record beside them keeps
name and checksum: a file that isn't in the record, or was changed since, is someone's own.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from itertools import chain, count
from pathlib import Path
from typing import Any

from filelock import Timeout

from goodinit.datasets import NAMES
from goodinit.errors import bad_argument
from goodinit.store.parts import unfinished, write_whole

RECORD, LOCK, DESCRIPTION = ".goodinit.json", ".lock", "study.json"
_SHOWN = 3  # names of what is in the way


@contextmanager
def writable(place: Path) -> Iterator[None]:
    """Say in one line where a folder cannot be written."""
    try:
        yield
    except Timeout:
        raise bad_argument("out", place, "a folder that no other process is writing") from None
    except OSError as error:
        takes = f"a folder that can be written ({error.strerror or error})"
        raise bad_argument("out", place, takes) from None


def check_out(folder: str | Path, data: Any = None) -> Path:
    """Return the place for a study, where it is new, empty, or a study already.

    Parameters
    ----------
    folder : str or Path
    data : anything, optional
        What is to be compared on: a folder of images is no place for pictures.

    Raises
    ------
    ArgumentError
        Where the place is anything else, or cannot be read.
    """
    with writable(Path(folder)):
        check_outside("out", folder, data)
        return check_place("out", folder, marks=[DESCRIPTION])


def check_outside(argument: str, place: str | Path, data: Any) -> None:
    """Raise ArgumentError where a place lies in the folder of images that is learned from."""
    is_path = isinstance(data, str | Path) and data != "" and data not in NAMES
    if is_path and os.path.isdir(data):  # noqa: PTH112  # False of a name that is too long
        images = Path(data).resolve()
        if Path(place).resolve().is_relative_to(images):
            takes = f"a folder outside of the data, such as {str(free_place(images))!r}"
            raise bad_argument(argument, place, takes)


def check_place(argument: str, folder: str | Path, *, marks: Sequence[str]) -> Path:
    """Return the folder, where it is new, empty, or has a file that marks it as goodinit's.

    Parameters
    ----------
    argument : str
        Which argument named it.
    folder : str or Path
    marks : sequence of str
        Names of files of which one makes a folder that isn't empty goodinit's.

    Raises
    ------
    ArgumentError
        For any other folder and for what is no folder, with a free place instead.
    OSError
        Where it cannot be read.
    """
    if str(folder) == "":
        raise bad_argument(argument, "", f"the name of a folder, such as {str(free_place())!r}")
    place = Path(folder)
    if not os.path.lexists(place):
        return place
    instead = f"such as {str(free_place(place))!r}"
    if not place.is_dir():
        what = "a link to nothing" if place.is_symlink() else "no folder"
        raise bad_argument(argument, place, f"a folder, {instead} (this is {what})")
    found = sorted(path.name for path in place.iterdir() if not _is_left_over(path))
    if found and not any((place / mark).is_file() for mark in marks):
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        holds = f"it holds {', '.join(found[:_SHOWN])}{more}"
        own = f" or one of goodinit's (with a {' or '.join(marks)})" if marks else ""
        takes = f"a new or empty folder{own}, {instead} ({holds})"
        raise bad_argument(argument, place, takes)
    return place


def _is_left_over(path: Path) -> bool:
    """Return whether a file was left by a process that ended before it kept anything."""
    if path.name == LOCK:
        return path.is_file() and path.stat().st_size == 0
    if path.name == RECORD:
        return path.is_file() and _read_record(path) is not None
    return path.name in {unfinished(name) for name in (DESCRIPTION, RECORD)}


def free_place(near: Path | None = None) -> Path:
    """Return a folder that isn't there yet: beside a place or, for the working directory, in it."""
    here = Path()
    if near is None or near.resolve() in (here.resolve(), *here.resolve().parents):
        home, name = here, "study"
    else:
        home, name = near.parent, near.stem if near.is_file() else near.name
    if not (home.is_dir() and os.access(home, os.W_OK)):
        home = here if os.access(here, os.W_OK) else Path(tempfile.gettempdir())
    names = chain([] if home / name == near else [name], (f"{name}-{n}" for n in count(2)))
    return next(home / name for name in names if not os.path.lexists(home / name))


def recorded(folder: Path) -> list[str]:
    """Return the names of the pictures and tables that goodinit wrote into a folder."""
    return list(_record(folder))


def check_files(argument: str, folder: Path, names: Iterable[str]) -> None:
    """Raise ArgumentError where a file of one of these names is there that goodinit didn't write.

    So is one that was changed since.
    """
    record = _record(folder)
    for name in names:
        path = folder / name
        if os.path.lexists(path) and _checksum_of(path) not in record.get(name, []):
            takes = (
                f"a folder whose {name} goodinit wrote and nobody changed since, "
                f"such as {str(free_place(folder))!r}"
            )
            raise bad_argument(argument, folder, takes)


def begin(argument: str, folder: str | Path, names: Iterable[str], data: Any = None) -> Path:
    """Return a folder for pictures, tables or studies, made and marked as goodinit's.

    Parameters
    ----------
    argument : str
        Which argument named it.
    folder : str or Path
    names : iterable of str
        Of the files that will be written into it.
    data : anything, optional
        What is learned from: a folder of images is no place for pictures.

    Raises
    ------
    ArgumentError
        Where it can't be written, lies in a folder of images that is learned from, isn't new,
        empty or goodinit's, or holds a file of these names that goodinit didn't write.
    """
    with writable(Path(folder)):
        check_outside(argument, folder, data)
        place = check_place(argument, folder, marks=[RECORD])
        check_files(argument, place, names)
        place.mkdir(parents=True, exist_ok=True)
        if not (place / RECORD).exists():
            write_whole(place / RECORD, b"{}")
    return place


def write_file(argument: str, folder: Path, name: str, content: bytes) -> None:
    """Write a picture or a table, whole or not at all, in place of goodinit's own only.

    Raises
    ------
    ArgumentError
        Where someone else's file is there.
    OSError
        Where the folder cannot be written.
    """
    check_files(argument, folder, [name])
    path, record = folder / name, _record(folder)
    # Both that which is there and that which comes are listed before the file is replaced, so that
    # a process that ends at any moment leaves a file that is known.
    before = _checksum_of(path)
    record[name] = [*([before] if before else []), sha256(content).hexdigest()]
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / RECORD, json.dumps(record, indent=1, ensure_ascii=False).encode())
    write_whole(path, content)


def _record(folder: Path) -> dict[str, list[str]]:
    """Return the checksums that each file of the folder may have; nothing of a damaged record."""
    return _read_record(folder / RECORD) or {}


def _read_record(path: Path) -> dict[str, list[str]] | None:
    """Return the checksums that a record holds; None where it is none of goodinit's."""
    try:
        if not path.is_file():
            return None
        record = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    whole = isinstance(record, dict) and all(isinstance(sums, list) for sums in record.values())
    return record if whole else None


def _checksum_of(path: Path) -> str | None:
    """Return the checksum of a plain file; None of anything else."""
    if path.is_symlink() or not path.is_file():
        return None
    return sha256(path.read_bytes()).hexdigest()
