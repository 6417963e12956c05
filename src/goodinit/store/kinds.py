"""The kinds of study that a folder may hold, and who reads each of them.

A kind enters itself under ``goodinit.studies`` in the entry points of the package that brings it,
so that a kind which needs PyTorch stands above the store and is imported when a folder holds it.
"""

from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points

from goodinit.errors import bad_argument
from goodinit.study.trials import AnyStudy

GROUP = "goodinit.studies"
Reader = Callable[..., AnyStudy]  # (folder, description, names of initializers, **grid)


def reader(kind: object, argument: str = "kind") -> Reader:
    """Return what makes a study of that kind from its folder and description.

    Parameters
    ----------
    kind : str
    argument : str
        What the kind is called where it is written.

    Raises
    ------
    ArgumentError
        Where no installed package knows the kind, or what that needs isn't installed.

    Examples
    --------
    >>> reader("network").__name__
    'network_study'
    """
    found = _entered()
    if not isinstance(kind, str) or kind not in found:
        raise bad_argument(argument, kind, f"a study of a kind known here: {', '.join(found)}")
    try:
        read: Reader = found[kind].load()
    except ModuleNotFoundError as missing:
        takes = f"what reads studies of a {kind} to be installed ({missing})"
        raise bad_argument(argument, kind, takes) from None
    return read


@cache
def _entered() -> dict[str, EntryPoint]:
    """Return by name what the packages that are installed here enter."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}
