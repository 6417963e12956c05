"""A page as a file: the data in the template that ``web/`` built, and where it may be written."""

import json
import os
from pathlib import Path
from typing import Any

from goodinit.errors import bad_argument
from goodinit.pages.columns import plain
from goodinit.store.parts import write_whole
from goodinit.store.written import DESCRIPTION, RECORD, check_files, write_file

REPORT = "report.html"  # of a study folder
_TEMPLATE = Path(__file__).with_name("report.html")
_PLACE = "/* data */"
_MARK = b'<meta name="generator" content="goodinit">'
_WITHIN = 1000  # bytes, of the mark
# What could end the element that the data stand in, or a line of it.
_ESCAPED = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&"})


def filled(data: dict[str, Any]) -> bytes:
    """Return the page of some data, of a study or an inspection.

    Names may hold anything: nothing of the data is read as HTML.
    """
    text = json.dumps(plain(data), separators=(",", ":"), allow_nan=False).translate(_ESCAPED)
    return _TEMPLATE.read_text(encoding="utf-8").replace(_PLACE, text, 1).encode()


def check_page(argument: str, path: str | Path) -> Path:
    """Return the path of a page that may be written: in place of one of goodinit's pages only.

    Raises
    ------
    ArgumentError
        Where anything else is there.
    """
    takes = "the name of a file, such as 'report.html'"
    if not isinstance(path, str | Path) or str(path) == "":
        raise bad_argument(argument, path, takes)
    place = Path(path)
    try:
        if _in_folder(place):
            check_files(argument, place.parent, [place.name])
        elif os.path.lexists(place):
            if not place.is_file():
                raise bad_argument(argument, place, f"{takes} (this is no file)")
            with place.open("rb") as file:
                ours = _MARK in file.read(_WITHIN)
            if not ours:
                raise bad_argument(argument, place, "a new file, or a page that goodinit wrote")
    except OSError as error:
        said = error.strerror or error
        raise bad_argument(argument, place, f"a file that can be written ({said})") from None
    return place


def write_page(argument: str, path: str | Path, content: bytes) -> None:
    """Write a page, whole or not at all; in a study folder it is listed as goodinit's own.

    Raises
    ------
    ArgumentError
        Where anything but a page of goodinit's is there.
    OSError
        Where it cannot be written.
    """
    place = check_page(argument, path)
    place.parent.mkdir(parents=True, exist_ok=True)
    if _in_folder(place):
        write_file(argument, place.parent, place.name, content)
    else:
        write_whole(place, content)


def _in_folder(path: Path) -> bool:
    """Return whether a file lies in a folder that lists what goodinit wrote."""
    return any((path.parent / mark).is_file() for mark in (DESCRIPTION, RECORD))
