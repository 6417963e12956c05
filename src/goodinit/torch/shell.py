"""What the command line names of a user's code: a module, and inputs for it."""

import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from goodinit.errors import bad_argument

_SHAPE = re.compile(r"(?P<shape>\d{1,9}(,\d{1,9})*)(@(?P<below>\d{1,12}))?")


def load_builder(spec: str) -> Callable[[], nn.Module] | nn.Module:
    """Return what ``package.module:name`` names: a function that returns a module, or a module.

    This imports the user's code, from the working directory or wherever Python finds it.

    Raises
    ------
    ArgumentError
        Where it cannot be imported, or is neither.
    """
    takes = "package.module:name of a function that returns a torch.nn.Module"
    place, _, name = spec.partition(":")
    if not name:
        raise bad_argument("module", spec, takes)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = import_module(place)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:  # the user's code may raise anything
        said = f"{takes} ({type(error).__name__}: {error})"
        raise bad_argument("module", spec, said) from error
    if not callable(found):
        raise bad_argument("module", spec, takes)
    return found  # type: ignore[no-any-return]  # checked where it is called


def read_inputs(shapes: list[str], seed: int = 0) -> Any:
    """Return a random input for each shape: N(0, 1), or whole numbers where ``@`` bounds them.

    Parameters
    ----------
    shapes : list of str
        Such as ``"32,3,224,224"``, or ``"8,128@50257"`` for whole numbers from 0 to below 50257.
    seed : int
        Of what is drawn.

    Examples
    --------
    >>> read_inputs(["2,3"]).shape, read_inputs(["2,3@10"]).dtype
    (torch.Size([2, 3]), torch.int64)
    """
    source = torch.Generator().manual_seed(seed)
    drawn = tuple(_drawn(text, source) for text in shapes)
    return drawn[0] if len(drawn) == 1 else drawn


def _drawn(text: str, source: torch.Generator) -> Tensor:
    found = _SHAPE.fullmatch(text.replace(" ", ""))
    if found is None:
        takes = "a shape such as 32,3,224,224, or 8,128@50257 for whole numbers below that"
        raise bad_argument("input", text, takes)
    shape = tuple(int(size) for size in found["shape"].split(","))
    if found["below"]:
        return torch.randint(int(found["below"]), shape, generator=source)
    return torch.randn(shape, generator=source)
