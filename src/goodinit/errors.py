"""How a wrong argument is said: in one line, with its name, what it got and what it takes."""

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from inspect import isfunction
from math import isfinite
from numbers import Integral, Real
from pathlib import Path
from typing import Any

_LONGEST_SHOWN = 80
_TOO_LARGE = 2**63
_MOST_SHOWN = 8


class ArgumentError(ValueError):
    """An argument that cannot be used; the command line prints it and exits with 2."""


class LongRunWarning(UserWarning):
    """That a study will take long; the line says how long."""


class StudyStoppedError(RuntimeError):
    """A study that could not go on; the line says why, what is kept, and how to go on.

    Attributes
    ----------
    finished : Comparison or None
        Of the seeds that were finished, if any.
    """

    def __init__(self, line: str, finished: Any = None) -> None:
        super().__init__(line)
        self.finished = finished


def bad_argument(argument: str, got: object, takes: str) -> ArgumentError:
    """Return the error for an argument, to be raised.

    Parameters
    ----------
    argument : str
        The argument's name, as the user wrote it.
    got : object
        The value that was given. Strings are shown quoted, long values without their middle.
    takes : str
        What would have been accepted.

    Returns
    -------
    ArgumentError
        With the message ``"ARGUMENT: got GOT, takes TAKES"`` on one line.

    Examples
    --------
    >>> raise bad_argument("learning_rate", -1, "a number above 0")
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: learning_rate: got -1, takes a number above 0
    """
    try:
        shown = repr(str(got)) if isinstance(got, Path) else repr(got)
        if isfunction(got):  # its address says nothing
            shown = f"the function {got.__name__.strip('<>')}"
    except ValueError:  # Python writes no integer of more than some thousand digits
        shown = "a huge number"
    if len(shown) > _LONGEST_SHOWN:
        half = _LONGEST_SHOWN // 2
        shown = f"{shown[: half - 1]}…{shown[-half:]}"
    return ArgumentError(" ".join(f"{argument}: got {shown}, takes {takes}".split()))


def bad_name(
    argument: str, got: str, names: Iterable[str], listed: Iterable[str] | None = None
) -> ArgumentError:
    """Return the error for an unknown name, with the nearest known one.

    Where there are more names than help, those that are listed are shown.

    Examples
    --------
    >>> print(bad_name("dataset", "cirlces", ["circles", "moons"]))
    dataset: got 'cirlces', takes one of circles, moons (did you mean 'circles'?)
    """
    names = list(names)
    near = get_close_matches(got, names, n=1) or get_close_matches(got.lower(), names, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return bad_argument(argument, got, f"one of {', '.join(listed or names)}{hint}")


def no_such(
    argument: str, got: object, takes: str, names: Sequence[str], hint: str = ""
) -> ArgumentError:
    """Return the error for a name that a table or an archive doesn't have, with the nearest.

    Examples
    --------
    >>> print(no_such("target", "prize", "the column to predict, one of", ["price", "rooms"]))
    target: got 'prize', takes the column to predict, one of price, rooms (did you mean 'price'?)
    """
    folded = {name.casefold(): name for name in names}
    close = get_close_matches(str(got or "").casefold(), folded, n=1)
    near = [folded[name] for name in close]
    nearest = f" (did you mean {printable(near[0])!r}?)" if near else ""
    more = ", …" if len(names) > _MOST_SHOWN else ""
    shown = " ".join(", ".join(map(printable, names[:_MOST_SHOWN])).split())
    return bad_argument(argument, got, f"{takes} {shown}{more}{nearest}{hint}")


def module_meant(spec: str) -> str:
    """Return which module a file's name in place of one's stands for, as a question; "" for none.

    Examples
    --------
    >>> module_meant("nets/small.py:build"), module_meant("nets.small:build")
    (" (did you mean 'nets.small:build'?)", '')
    """
    place, colon, name = spec.partition(":")
    stem = place.removeprefix("./").removesuffix(".py").replace("/", ".")
    return f" (did you mean {stem + colon + name!r}?)" if place.endswith(".py") else ""


def printable(text: str) -> str:
    r"""Return a text in which what a terminal would obey is written out.

    Examples
    --------
    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def number(
    argument: str, value: object, takes: str, holds: Callable[[float], bool] = lambda _: True
) -> float:
    """Return the value as a float where it is a finite number that fits.

    Raises
    ------
    ArgumentError
        Where it isn't.

    Examples
    --------
    >>> number("std", 2, "a number above 0", lambda n: n > 0)
    2.0
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise bad_argument(argument, value, takes)
    try:
        real = float(value) + 0.0  # -0.0 becomes 0.0, so that it has one name
    except OverflowError:
        raise bad_argument(argument, value, takes) from None
    if not isfinite(real) or not holds(real):
        raise bad_argument(argument, value, takes)
    return real


def whole(argument: str, value: object, *, at_least: int) -> int:
    """Return the value as an int where it is a whole number that is large enough.

    Raises
    ------
    ArgumentError
        Where it isn't. A number beyond 64 bits isn't either: nothing here counts so far.

    Examples
    --------
    >>> whole("seeds", 3, at_least=1)
    3
    """
    takes = f"whole numbers from {at_least}"
    if isinstance(value, bool) or not isinstance(value, Integral) or value < at_least:
        raise bad_argument(argument, value, takes)
    if int(value) >= _TOO_LARGE:
        raise bad_argument(argument, value, f"{takes} to below 2⁶³")
    return int(value)
