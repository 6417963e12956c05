"""How large pictures are: on a screen as they like, on paper as wide as a column or a page."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure

from goodinit.errors import bad_argument


class Size(NamedTuple):
    """Inches; None where a picture is as large as it likes."""

    width: float | None = None
    height: float | None = None


# Of the articles of ICML, which others stay near: 3.25 and 6.75 inches.
SIZES = {"screen": Size(), "column": Size(3.25), "page": Size(6.75)}
_INCHES = (1.5, 30.0)
_WXH = re.compile(r"\s*(\d+(?:\.\d+)?)\s*[x×]\s*(\d+(?:\.\d+)?)\s*")
_LETTERS = 100  # of one point's size, that an inch holds
_LEAST_HEIGHT = 0.6  # of what a picture on paper likes
_SMALLEST = 7.0  # points
# On paper letters of 7 to 8 points, beside a text of 9 or 10.
_ON_PAPER: Any = {
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "figure.titlesize": 8,
    "legend.fontsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "lines.linewidth": 1.1,
    "axes.linewidth": 0.6,
    "pdf.fonttype": 42,  # outlines that journals take, where type 3 is refused
}
_size: ContextVar[Size] = ContextVar("size", default=SIZES["screen"])


def read_size(text: str) -> Size:
    """Return a size by its name, or by inches of width and height.

    Raises
    ------
    ArgumentError
        Where it is neither, or nothing could be drawn in it.

    Examples
    --------
    >>> read_size("column"), read_size("3.5x2.6")
    (Size(width=3.25, height=None), Size(width=3.5, height=2.6))
    """
    if text in SIZES:
        return SIZES[text]
    found = _WXH.fullmatch(text)
    inches = [float(number) for number in found.groups()] if found else []
    if not inches or not all(_INCHES[0] <= number <= _INCHES[1] for number in inches):
        takes = f"{', '.join(SIZES)}, or inches as 3.5x2.6, from {_INCHES[0]:g} to {_INCHES[1]:g}"
        raise bad_argument("figure_size", text, takes)
    return Size(*inches)


def size() -> Size:
    """Return how large pictures are drawn now."""
    return _size.get()


def on_paper() -> bool:
    """Return whether pictures are drawn for a paper, whose caption says what a title would."""
    return _size.get().width is not None


@contextmanager
def drawn_at(wanted: Size) -> Iterator[None]:
    """Draw everything in the block for a size."""
    with mpl.rc_context(_ON_PAPER if wanted.width else {}):
        before = _size.set(wanted)
        try:
            yield
        finally:
            _size.reset(before)


def scaled(width: float, height: float) -> tuple[float, float]:
    """Return the inches of a figure that likes to be so large: on paper it keeps its shape."""
    wide = _size.get().width
    return (width, height) if wide is None else (wide, height * wide / width)


def points(part: float = 1.0) -> float:
    """Return the size of letters, as a part of the usual one, in points."""
    return max(_SMALLEST, part * float(mpl.rcParams["font.size"]))


def letters(inches: float, of: float | None = None) -> int:
    """Return how many letters of a size in points stand in so many inches."""
    return max(6, int(inches * _LETTERS / (points() if of is None else of)))


def drawn(draw: Callable[[], Figure], wanted: Size) -> Figure:
    """Return what is drawn at a size; where that has a height, so high, if the panels fit in."""
    with drawn_at(wanted):
        figure = draw()
    if wanted.height is not None:
        figure.set_figheight(max(wanted.height, _LEAST_HEIGHT * figure.get_figheight()))
    return figure
