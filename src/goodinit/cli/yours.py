"""What is said where code of the user's own raises: in one line, what, and where in their file."""

import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import FrameType, TracebackType
from typing import Annotated, Any

import typer

import goodinit
from goodinit.errors import ArgumentError, StudyStoppedError, bad_argument, module_meant

Whole = Annotated[
    bool, typer.Option("--traceback", help="Where your code raises, show the whole traceback.")
]
_OURS = str(Path(goodinit.__file__).parent)
_INSTALLED = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
_LONGEST = 300  # characters of what was raised


@contextmanager
def users_code(whole: bool) -> Iterator[None]:
    """Let code of the user's own run; what it raises becomes one line, and exit code 2.

    What our own code raises goes through, since that is for us to mend. ``sys.exit`` in it is no
    end of ours either, whatever its code.

    Raises
    ------
    ArgumentError
        With the line.
    """
    try:
        yield
    except (StudyStoppedError, typer.Exit, typer.Abort, BrokenPipeError):
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as caught:  # whatever a user's code raises, such as SystemExit
        refused = isinstance(caught, ArgumentError)
        error = caught.__cause__ if refused else caught
        frames = list(_frames(error.__traceback__)) if error else []
        yours = [frame for frame in frames if _is_users(frame[0])]
        if error is None or (refused and not yours):
            raise
        layer = _layer([frame for frame, _ in frames])
        if not (yours or layer) and _is_ours(frames[-1][0]):
            raise
        if whole:
            traceback.print_exception(error)
        said = _said(error)
        place = _place(*yours[-1]) if yours else ""
        where = ", ".join(filter(None, (place, layer)))
        more = "" if whole else " (--traceback shows all of it)"
        raise ArgumentError(f"{where}: {said}{more}" if where else f"{said}{more}") from None


def _frames(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_OURS)


def _is_users(frame: FrameType) -> bool:
    """Return whether a frame is of a file that is neither ours nor installed nor made up."""
    file = frame.f_code.co_filename
    made_up = file.startswith("<")
    return not (made_up or _is_ours(frame) or any(file.startswith(one) for one in _INSTALLED))


def _place(frame: FrameType, line: int) -> str:
    file = Path(frame.f_code.co_filename)
    near = file.is_relative_to(Path.cwd())
    name = frame.f_code.co_name
    inside = "" if name == "<module>" else f", in {name}"
    return f"{file.relative_to(Path.cwd()) if near else file}:{line}{inside}"


def _layer(frames: list[FrameType]) -> str:
    """Return which layer was being called, where one inside another was."""
    called = [frame.f_locals["self"] for frame in frames if frame.f_code.co_name == "_call_impl"]
    if not called:
        return ""
    names: dict[Any, str] = {part: name for name, part in called[0].named_modules()}
    name, kind = names.get(called[-1], ""), type(called[-1]).__name__
    return f"in layer {name} ({kind})" if name else f"in {kind}"


def _said(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"sys.exit({'' if error.code is None else repr(error.code)}) was called"
    notes = getattr(error, "__notes__", ())
    words = "; ".join(" ".join(said.split()) for said in (str(error), *notes))
    short = words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"
    return f"{type(error).__name__}: {short}" if short else type(error).__name__


@contextmanager
def printing_aside(aside: bool) -> Iterator[None]:
    """Let what the user's code prints go to standard error, where our output is for programs."""
    before = sys.stdout
    sys.stdout = sys.stderr if aside else before
    try:
        yield
    finally:
        sys.stdout = before


def own_initializer(spec: str) -> Any:
    """Return the function that ``package.module:function`` names; this runs the user's code.

    Raises
    ------
    ArgumentError
        Where there is none. What the user's code raises goes through.
    """
    takes = "package.module:function of yours, (rng, shape) -> array"
    place, _, name = spec.partition(":")
    if hint := module_meant(spec):
        raise bad_argument("init", spec, takes + hint)
    if not name or not all(part.isidentifier() for part in place.split(".")):
        raise bad_argument("init", spec, takes)
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = import_module(place)
    except ModuleNotFoundError as error:
        if not f"{place}.".startswith(f"{error.name}."):
            raise  # one that the user's own code asks for
        raise bad_argument("init", spec, f"{takes} ({error})") from None
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise bad_argument("init", spec, f"{takes} (there is none of that name)")
    return found
