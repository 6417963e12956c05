"""What the command line names of a user's code: a module, and inputs for it."""

import re
import sys
from collections.abc import Callable
from importlib import import_module
from inspect import Parameter, signature
from math import prod
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from goodinit import memory
from goodinit.errors import bad_argument, module_meant

_NUMBER = 8  # bytes, at most
_SHAPE = re.compile(r"(?P<shape>\d{1,9}(,\d{1,9})*)(@(?P<below>\d{1,12}))?")


def load_builder(spec: str) -> Callable[[], nn.Module] | nn.Module:
    """Return what ``package.module:name`` names: a function that returns a module, or a module.

    This imports the user's code, from the working directory or wherever Python finds it.

    Raises
    ------
    ArgumentError
        Where there is no such thing, or it is neither. What the user's code raises goes through.
    """
    takes = "package.module:name of a function that returns a torch.nn.Module"
    found = _named(spec, takes)
    if not isinstance(found, nn.Module) and (needed := _needed(found)):
        raise bad_argument("module", spec, f"{takes} and needs no {' nor '.join(needed)}")
    return found  # type: ignore[no-any-return]  # checked where it is called


def load_sized_builder(spec: str) -> Callable[[int], nn.Module]:
    """Return the function of one size that ``package.module:name`` names; see ``load_builder``."""
    takes = "package.module:name of a function of one size that returns a torch.nn.Module"
    found = _named(spec, takes)
    if isinstance(found, nn.Module) or len(_needed(found)) != 1:
        raise bad_argument("module", spec, takes)
    return found  # type: ignore[no-any-return]  # checked where it is called


def _named(spec: str, takes: str) -> Any:
    place, _, name = spec.partition(":")
    if hint := module_meant(spec):
        raise bad_argument("module", spec, takes + hint)
    if not name or not all(part.isidentifier() for part in place.split(".")):
        raise bad_argument("module", spec, takes)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = import_module(place)
    except ModuleNotFoundError as error:
        if not f"{place}.".startswith(f"{error.name}."):
            raise  # one that the user's own code asks for
        raise bad_argument("module", spec, f"{takes} ({type(error).__name__}: {error})") from None
    for part in name.split("."):
        if not hasattr(found, part):
            raise bad_argument("module", spec, f"{takes} (there is no {part})")
        found = getattr(found, part)
    if not callable(found):
        raise bad_argument("module", spec, takes)
    return found


def _needed(function: Any) -> list[str]:
    """Return the arguments without which a function can't be called."""
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):  # some of C's have none
        return []
    free = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return [one.name for one in parameters if one.default is one.empty and one.kind not in free]


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
    needed, most = _NUMBER * prod(shape), memory.available() // 2
    if needed > most:
        takes = f"a shape of at most {memory.gigabytes(most)} (this is {memory.gigabytes(needed)})"
        raise bad_argument("input", text, takes)
    if found["below"] and not int(found["below"]):
        raise bad_argument("input", text, "a bound from 1 on, as in 8,128@50257")
    if found["below"]:
        return torch.randint(int(found["below"]), shape, generator=source)
    return torch.randn(shape, generator=source)
