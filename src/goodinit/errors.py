"""How a wrong argument is said: in one line, with its name, what it got and what it takes."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

_LONGEST_SHOWN = 80


class ArgumentError(ValueError):
    """An argument that cannot be used; the command line prints it and exits with 2."""


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
    shown = repr(str(got)) if isinstance(got, Path) else repr(got)
    if len(shown) > _LONGEST_SHOWN:
        half = _LONGEST_SHOWN // 2
        shown = f"{shown[: half - 1]}…{shown[-half:]}"
    return ArgumentError(" ".join(f"{argument}: got {shown}, takes {takes}".split()))


def bad_name(argument: str, got: str, names: Iterable[str]) -> ArgumentError:
    """Return the error for an unknown name, with the nearest known one.

    Examples
    --------
    >>> print(bad_name("dataset", "cirlces", ["circles", "moons"]))
    dataset: got 'cirlces', takes one of circles, moons (did you mean 'circles'?)
    """
    names = list(names)
    near = get_close_matches(got.lower(), names, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return bad_argument(argument, got, f"one of {', '.join(names)}{hint}")
