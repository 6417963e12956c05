"""The kinds of study that a folder may hold, and who reads each of them.

A kind enters itself under ``goodinit.studies`` in the entry points of the package that brings it,
so that a kind which needs PyTorch stands above the store and is imported when a folder holds it.
"""

from collections.abc import Callable
from importlib.metadata import entry_points

from goodinit.errors import bad_argument
from goodinit.study.trials import AnyStudy

GROUP = "goodinit.studies"
Reader = Callable[..., AnyStudy]  # (folder, description, names of initializers, **grid)


def reader(kind: object) -> Reader:
    """Return what makes a study of that kind from its folder and description.

    Raises
    ------
    ArgumentError
        Where no installed package knows the kind, or what that needs isn't installed.

    Examples
    --------
    >>> reader("network").__name__
    'network_study'
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if not isinstance(kind, str) or kind not in found:
        raise bad_argument("folder", kind, f"a study of a kind known here: {', '.join(found)}")
    try:
        read: Reader = found[kind].load()
    except ModuleNotFoundError as missing:
        takes = f"what reads studies of a {kind} to be installed ({missing})"
        raise bad_argument("folder", kind, takes) from None
    return read
