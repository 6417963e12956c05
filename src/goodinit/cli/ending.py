"""How a command ends that can't go on: one line on standard error, and its exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

INTERRUPTED = 130  # what shells report for a program that Ctrl-C ended


def complain(message: str, code: int) -> int:
    """Say on standard error what is wrong, and return the exit code."""
    sys.stderr.write(f"goodinit: {message}\n")
    return code


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in one line where a folder can't be written."""
    try:
        yield
    except OSError as error:
        raise typer.Exit(complain(f"{folder}: {error.strerror or error}", 1)) from None
