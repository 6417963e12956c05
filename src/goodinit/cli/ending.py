"""How a command ends that can't go on: one line on standard error, and its exit code."""

import io
import os
import re
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import typer

from goodinit.errors import bad_argument

INTERRUPTED = 130  # what shells report for a program that Ctrl-C ended
_SETTINGS = ("NUMBA_", "MPL", "MATPLOTLIB", "OMP_", "OPENBLAS_", "MKL_")  # of what we stand on
_warnings: set[str] = set()
_said: list[int] = []  # the exit codes of what was said
_LONGEST = 300  # characters of what was raised
# What a terminal obeys instead of showing it, what turns the order of letters, what is no letter.
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def complain(message: str, code: int) -> int:
    """Say on standard error what is wrong, and return the exit code."""
    _write(message.replace("`out`", "--out"))  # Python's argument, as the option that it is here
    _said.append(code)
    return code


def _write(message: str) -> None:
    with suppress(OSError):  # it is full: the exit code must do
        sys.stderr.write(f"goodinit: {shown(message)}\n")
        sys.stderr.flush()


def shown(text: str) -> str:
    r"""Return a text whose control characters are seen, and not obeyed by the terminal.

    Examples
    --------
    >>> print(shown("a\x1b[31mb"))
    a\x1b[31mb
    """
    return _UNSEEN.sub(lambda found: repr(found[0])[1:-1], text)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in one line where a folder can't be written."""
    try:
        yield
    except OSError as error:
        raise typer.Exit(complain(f"{folder}: {error.strerror or error}", 1)) from None


def fault(error: BaseException) -> int:
    """Say in one line what nobody has foreseen, with the settings that may be its cause."""
    if isinstance(error, OSError) and error.strerror:
        return complain(f"{error.filename or 'standard output'}: {error.strerror}", 1)
    if isinstance(error, MemoryError):
        return complain("there is not enough memory for this", 1)
    if "--traceback" in sys.argv:
        traceback.print_exception(error)
    words = " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]
    given = [f"{name}={os.environ[name]}" for name in os.environ if name.startswith(_SETTINGS)]
    files = {frame.filename for frame in traceback.extract_tb(error.__traceback__)}
    told = [each for each in given if _concerns(each, str(error), files)]
    if told:
        return complain(f"{words} (is {', '.join(told)} what you mean?)", 2)
    return complain(f"{words}: a fault of goodinit's own, please report it", 1)


def _concerns(setting: str, message: str, files: set[str]) -> bool:
    """Return whether a setting of the environment has to do with what was raised, and where."""
    name, _, value = setting.partition("=")
    package = "numba" if name.startswith("NUMBA") else "matplotlib"
    raised_there = any(f"{os.sep}{package}{os.sep}" in file for file in files)
    return name in message or (bool(value) and value in message) or raised_there


def check_settings() -> None:
    """Raise ArgumentError for a setting at which LLVM would end the process, without a word of why.

    Raises
    ------
    ArgumentError
    """
    name = "NUMBA_CPU_FEATURES"
    given = os.environ.get(name, "")
    if given and not all(re.fullmatch(r"[+-][\w.-]+", part) for part in given.split(",")):
        raise bad_argument(name, given, "features with a sign before each, as +avx2,-avx512f")


def open_streams() -> None:
    """Make standard output and error writable, whatever the terminal is; a warning is one line."""
    warnings.showwarning = _warned
    os.environ["MPLBACKEND"] = "agg"  # files are all that is drawn, whatever else was meant
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by who began us
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115  # to the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without × or ² is still a terminal


def _warned(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    lines = str(message).splitlines() or [""]
    line = f"{category.__name__}: {lines[0]}"
    if line not in _warnings:  # each once, however often it comes
        _warnings.add(line)
        _write(line)


def leave(code: int) -> NoReturn:
    """End the process, with what was printed out of our hands."""
    if code == INTERRUPTED and not _said:  # Typer takes Ctrl-C for itself, and says nothing
        complain("interrupted: nothing was finished", code)
    try:
        sys.stdout.flush()
    except OSError as error:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        reader_gone = isinstance(error, BrokenPipeError)  # as `| head` does
        code = 1 if reader_gone else complain(f"standard output: {error.strerror}", 1)
    if code == INTERRUPTED:  # threads that compile or train can't be waited for
        os._exit(code)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left to be said
    sys.exit(code)
