"""The public surface as text: each name that a user may rely on, with its signature.

``python tests/public_api.py > tests/public_api.txt`` writes down a surface that changed on purpose.
"""

import inspect
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

ROOMS = ("goodinit", "goodinit.articles", "goodinit.datasets", "goodinit.initializers")
NEED_TORCH = ("goodinit.torch",)


def lines(room: str) -> list[str]:
    """Return a line for each public name of a room, and for each public member of its classes."""
    home = import_module(room)
    names = getattr(home, "__all__", None) or [
        name
        for name, value in vars(home).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    ]
    return [
        line for name in sorted(names) for line in _lines(f"{room}.{name}", getattr(home, name))
    ]


def home(line: str) -> str:
    """Return the room that a line is of."""
    rooms = [room for room in (*ROOMS, *NEED_TORCH) if line.startswith(f"{room}.")]
    return max(rooms, key=len)


def _lines(name: str, value: Any) -> list[str]:
    if inspect.ismodule(value):
        return [f"{name}: module"]
    if not callable(value):
        return [f"{name}: {type(value).__name__}"]
    said = [f"{name}{_signature(value)}"]
    if inspect.isclass(value):
        for member in sorted(vars(value)):
            if not member.startswith("_"):
                of = inspect.getattr_static(value, member)
                said.append(f"{name}.{member}{_signature(of) if inspect.isfunction(of) else ''}")
    return said


def _signature(value: Any) -> str:
    try:
        said = inspect.signature(value)  # what has none raises
    except (TypeError, ValueError):
        return ""
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in said.parameters.values()]
    text = str(inspect.Signature(bare))
    return re.sub(r"<function (\S+) at 0x\w+>", r"\1", text)


if __name__ == "__main__":
    rooms = (*ROOMS, *(NEED_TORCH if find_spec("torch") else ()))
    sys.stdout.write("\n".join(line for room in rooms for line in lines(room)) + "\n")
