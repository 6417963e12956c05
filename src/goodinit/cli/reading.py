"""How the words of an option are read."""

import csv
import re
from pathlib import Path
from typing import Any, overload

from goodinit.errors import bad_argument


def numbers(argument: str, text: str, kind: type[int] | type[float]) -> list[Any]:
    """Return the numbers between the commas."""
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        what = "whole numbers" if kind is int else "numbers"
        raise bad_argument(argument, text, f"{what} with commas between them") from None


def column_names(argument: str, texts: list[str] | None) -> list[str] | None:
    """Return the columns' names between the commas; one in double quotes may hold a comma."""
    if not texts:
        return None
    try:
        return [
            name for row in csv.reader(texts, strict=True, skipinitialspace=True) for name in row
        ]
    except csv.Error as error:
        takes = f"names with commas between them ({error})"
        raise bad_argument(argument, ", ".join(texts), takes) from None


def hidden_units(text: str) -> list[int]:
    """Return the units of each hidden layer, where 64x3 stands for 64,64,64."""
    if text == "none":
        return []
    takes = "units with commas between them, as 10,5 or 64x30"
    layers: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,9})(?:x([1-9]\d{0,3}))?\s*", part)
        if found is None:
            raise bad_argument("hidden", text, takes)
        layers += [int(found[1])] * int(found[2] or 1)
    return layers


def seeds_of(text: str) -> int | list[int]:
    """Return how many seeds are meant, or the seeds themselves."""
    found = numbers("seeds", text, int)
    return int(found[0]) if len(found) == 1 else found


@overload
def folder_of(argument: str, text: str) -> Path: ...
@overload
def folder_of(argument: str, text: None) -> None: ...
def folder_of(argument: str, text: str | None) -> Path | None:
    """Return the folder that is meant; an empty word would be the one that the user is in."""
    if text == "":
        raise bad_argument(argument, text, "the name of a folder")
    return None if text is None else Path(text)


def formats_of(text: str) -> list[str]:
    """Return the formats in which pictures are written; none for 'none'."""
    from goodinit.figures.writing import check_formats

    formats = [] if text == "none" else [part.strip() for part in text.split(",")]
    check_formats(formats)
    return formats


def checked_size(text: str) -> str:
    """Return the size of pictures, after a look at whether there is one of that name."""
    if text != "screen":  # which needs nothing that is slow to import
        from goodinit.figures.sizes import read_size

        read_size(text)
    return text


def needs_torch(argument: str, module: str) -> None:
    """Say in one line where PyTorch is missing."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise bad_argument(
            argument, module, "PyTorch to be installed: pip install 'goodinit[torch]'"
        )
