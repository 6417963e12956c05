"""How pictures look: the colours of initializers and classes, panels, and text that can be drawn.

One initializer has one colour, dash and marker everywhere.
"""

from collections.abc import Sequence
from math import ceil
from textwrap import wrap
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from numpy.typing import ArrayLike, NDArray

from goodinit.figures.layout import Grid
from goodinit.figures.sizes import letters, on_paper, points, scaled, size

# Okabe and Ito 2008: told apart by readers of every kind of colour vision.
_BLUE, _ORANGE, _GREEN, _PINK, _SKY, _RED = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
)
_PALETTE = (_BLUE, _ORANGE, _GREEN, _PINK, "#000000", _SKY, _RED, "#999999")
# After eight colours come the same ones darker, then lighter: how much is mixed in, and of what.
_SHADES = ((0.0, 0.0), (0.45, 0.0), (0.5, 1.0))
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (8, 2)))
_MARKERS = "oDs^vP*X<>"
_CLASS_COLOURS = (_RED, _BLUE, _GREEN, _PINK, _ORANGE, _SKY, "#8c8c8c")
# After the seven colours come the same ones darker, then lighter, each time with another marker:
# how much is mixed into the colour, and of what (0 is black, 1 is white).
_CLASS_SHADES = ((0.0, 0.0), (0.5, 0.0), (0.55, 1.0))
CLASS_MARKERS = "os^"
_MOST_CLASSES_IN_A_LEGEND = 20

# At most five ticks: labels such as 1,000 and 52.5% need room.
FEW_TICKS: dict[str, Any] = {"nbins": 4, "steps": [1, 2, 2.5, 5, 10]}

_PANELS_PER_ROW = 3
_LEAST_WIDTH = 6.4  # inches, so that a title fits
_NARROWEST = 0.38  # of the width that a panel likes, on paper
_LOWEST = 0.6  # of the height that a grid of panels likes
_ABOVE = 0.08  # inches above and below a panel whose ticks are numbered
_TITLE, _LEGEND_ROW = 1.2, 1.6  # times the size of letters
_INCH = 72.0  # points
_LABEL_WIDTH = 26  # characters of one line in a legend
_MANY_TIMES = 100  # the lower end of a logarithmic axis, that need no ticks between powers of ten
_INK = "0.15"
# Seaborn's "ticks", without the second that importing Seaborn takes, and no frame.
STYLE: Any = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "axes.axisbelow": True,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": "0.8",
    "lines.solid_capstyle": "round",
}

_LARGEST_DRAWN, _SMALLEST_DRAWN = 1e100, 1e-100  # Matplotlib squares and adds what it draws


class Style(NamedTuple):
    """How one initializer is drawn."""

    colour: Any
    dash: Any
    marker: str


def styles(initializers: Sequence[str]) -> dict[str, Style]:
    """Return the style of each initializer, by its place in the study.

    Neighbours differ in colour, dash and marker, so that curves that lie on each other show; up to
    24 initializers share no colour.

    Examples
    --------
    >>> [style.marker for style in styles(["zeros", "he_normal"]).values()]
    ['o', 'D']
    """
    return {
        name: Style(
            _colour(i),
            _DASHES[i % len(_DASHES)],
            _MARKERS[i % len(_MARKERS)],
        )
        for i, name in enumerate(initializers)
    }


def _colour(place: int) -> str:
    colour, (share, grey) = _PALETTE[place % len(_PALETTE)], _SHADES[place // len(_PALETTE) % 3]
    black = colour == "#000000" and share > 0  # nothing is darker
    return _shade(colour, 0.3 + share / 2 if black else share, 1.0 if black else grey)


def marker_groups(classes: NDArray[Any]) -> NDArray[Any]:
    """Return the place in `CLASS_MARKERS` of each class index: seven classes share a marker."""
    return classes // len(_CLASS_COLOURS) % len(CLASS_MARKERS)


def class_colours(count: int) -> list[str]:
    """Return a colour for each class, all different up to 21 classes.

    Examples
    --------
    >>> class_colours(8)[::7]
    ['#d55e00', '#6a2f00']
    """
    indices = np.arange(count)
    return [
        _shade(_CLASS_COLOURS[i % len(_CLASS_COLOURS)], *_CLASS_SHADES[group])
        for i, group in zip(indices, marker_groups(indices), strict=True)
    ]


def _shade(colour: str, share: float, grey: float) -> str:
    red, green, blue = ((1 - share) * part + share * grey for part in to_rgb(colour))
    return to_hex((red, green, blue))


def new_panels(
    count: int,
    width: float = 3.6,
    height: float = 3.2,
    *,
    columns: int | None = None,
    by_lines: bool = False,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with that many panels in rows, and the panels.

    Parameters
    ----------
    count : int
    width, height : float
        Inches that one panel likes.
    columns : int, optional
        Panels in a row; where not given, as many as there is room for.
    by_lines : bool
        Whether a panel's height follows from its lines of text, and not from its width.
    """
    paper = size()
    room = _PANELS_PER_ROW if paper.width is None else int(paper.width / (_NARROWEST * width))
    columns = columns or min(count, _PANELS_PER_ROW, max(1, room))
    rows = ceil(count / columns)
    inches = max(width * columns, _LEAST_WIDTH), height * rows
    if paper.width is not None:
        shrunk = points() / 10 if by_lines else min(1.0, paper.width / (width * columns))
        inches = paper.width, height * rows * shrunk
    with mpl.rc_context(style()):
        figure = Figure(figsize=inches, layout=Grid(above=_ABOVE))
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    panels = _number_outer(grid)
    for spare in panels[count:]:
        spare.set_visible(False)
    for lowest in bottom(panels[:count]):  # also where the place below is spare
        lowest.tick_params(bottom=True, labelbottom=True)
    return figure, panels[:count]


def _number_outer(grid: NDArray[Any]) -> list[Axes]:
    """Return the panels of a grid, whose ticks are drawn where they are numbered alone."""
    panels = list(grid.flat)
    for axes in panels:
        axes.label_outer(remove_inner_ticks=True)
    return panels


def set_panel_title(axes: Axes, title: str, size: float | None = None) -> None:
    """Set a panel's title at its upper edge, so that drawing needn't look where there is room."""
    axes.set_title(title, y=1.0, fontsize=size or mpl.rcParams["axes.titlesize"])


def set_log_ticks(axis: Axis) -> None:
    """Label the powers of ten of a logarithmic axis, and mark what lies between if they are few.

    Ticks between them, and labels that are mathematics, take longer to draw than all the rest.
    """
    low, high = axis.get_view_interval()
    axis.set_major_formatter("{x:g}")
    if high > _MANY_TIMES * low:
        axis.set_minor_locator(NullLocator())


def bottom(panels: Sequence[Axes]) -> Sequence[Axes]:
    """Return the panels that have none below them."""
    grid = panels[0].get_subplotspec()
    return panels[-grid.get_gridspec().ncols :] if grid is not None else panels


def new_grid(rows: int, columns: int, width: float, height: float) -> tuple[Figure, NDArray[Any]]:
    """Return a figure of that size, and its panels, (rows, columns); on paper as wide as that."""
    wide, high = scaled(width, height)
    with mpl.rc_context(style()):
        inches = wide, max(high, _LOWEST * height)
        figure = Figure(figsize=inches, layout=Grid())
        grid = figure.subplots(rows, columns, sharex="col", sharey="row", squeeze=False)
    _number_outer(grid)
    return figure, grid


def style() -> Any:
    """Return the settings that panels are made with."""
    return STYLE | ({"axes.titlesize": points()} if on_paper() else {})


def fill_bands(
    axes: Axes,
    x: NDArray[Any],
    bands: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    colours: Sequence[Any],
    **how: Any,
) -> None:
    """Fill between the lower and the upper end of each band, where both are finite.

    All are one artist, which takes far less time than one for each.
    """
    parts = [
        (np.concatenate([_along(x, low, part), _along(x, high, part)[::-1]]), colour)
        for (low, high), colour in zip(bands, colours, strict=True)
        for part in _runs(np.isfinite(low) & np.isfinite(high))
    ]
    outlines, own = [part for part, _ in parts], [colour for _, colour in parts]
    axes.add_collection(PolyCollection(outlines, facecolors=own, **how), autolim=False)
    if outlines:
        axes.update_datalim(np.concatenate(outlines))
        axes.autoscale()  # once, when it is drawn


def _runs(shown: NDArray[np.bool_]) -> list[slice]:
    """Return where neighbours are all to be drawn."""
    edges = np.flatnonzero(np.diff(shown, prepend=False, append=False))
    return [slice(first, last) for first, last in edges.reshape(-1, 2)]


def _along(x: NDArray[Any], y: NDArray[np.float64], part: slice) -> NDArray[np.float64]:
    return np.column_stack([x[part], y[part]])


def say_empty(axes: Axes, why: str) -> None:
    """Write into a panel without anything drawn why that is so."""
    axes.text(
        *(0.5, 0.5, wrapped(why, letters_across(axes))),
        transform=axes.transAxes,
        ha="center",
        va="center",
        color="0.4",
        fontsize=points(0.9),
    )


def name_beyond(axes: Axes, edge: str, names: Sequence[str]) -> None:
    """Name at the upper or lower edge of a panel ("above", "below") what lies beyond it."""
    if not names:
        return
    high = edge == "above"
    said = wrapped(f"{edge}: {', '.join(names)}", letters_across(axes))
    axes.text(
        *(0.02, 0.98 if high else 0.02, said),
        transform=axes.transAxes,
        va="top" if high else "bottom",
        fontsize=points(0.8),
        bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1},
    )


def letters_across(axes: Axes) -> int:
    """Return how many small letters stand in the width of a panel."""
    grid = axes.get_subplotspec()
    columns = grid.get_gridspec().ncols if grid is not None else 1
    wide = float(axes.get_figure(root=True).get_figwidth())  # type: ignore[union-attr]
    return letters(0.85 * wide / columns, points(0.9))


def set_title(figure: Figure, title: str) -> None:
    """Set the title over the figure, in lines that are no wider than it; on paper there is none."""
    if not on_paper():
        figure.suptitle(wrapped(title, letters(figure.get_figwidth(), _TITLE * points())))


def set_legend(figure: Figure, handles: Sequence[Line2D], names: Sequence[str]) -> None:
    """Set a legend below the panels, in as many columns as its names allow, and make room for it.

    More than 20 classes get none: nobody reads it.
    """
    labels = [wrapped(name, _LABEL_WIDTH) for name in names]
    widest = max(len(line) for label in labels for line in label.split("\n"))
    font = FontProperties(size=mpl.rcParams["legend.fontsize"]).get_size_in_points()
    room = letters(figure.get_figwidth(), font)
    columns = min(len(labels), max(1, int(room / (widest + 7))))
    lines = ceil(sum(label.count("\n") + 1 for label in labels) / columns)
    figure.set_figheight(figure.get_figheight() + _LEGEND_ROW * font / _INCH * lines)
    legend = figure.legend(
        handles, [" "] * len(labels), loc="outside lower center", ncols=columns, frameon=False
    )
    # Given to the legend itself, a name that starts with "_" would be left out.
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)


def set_class_legend(figure: Figure, classes: Sequence[str] | None) -> None:
    """Set the legend of the classes, unless there are none or more than anybody reads."""
    if classes is None or len(classes) > _MOST_CLASSES_IN_A_LEGEND:
        return
    colours = class_colours(len(classes))
    groups = marker_groups(np.arange(len(classes)))
    handles = [
        Line2D([], [], marker=CLASS_MARKERS[group], linestyle="", color=colour)
        for group, colour in zip(groups, colours, strict=True)
    ]
    set_legend(figure, handles, classes)


def wrapped(text: str, width: int, most_lines: int = 3) -> str:
    """Return plain text with each line broken at `width` characters, into so many lines at most.

    Examples
    --------
    >>> print(wrapped("normal(std=0.01)", 6, most_lines=2))
    normal
    (std=…
    """
    lines: list[str] = []
    for line in text.splitlines():
        parts = wrap(line, width)
        if len(parts) > most_lines:
            parts = [*parts[: most_lines - 1], f"{parts[most_lines - 1][: width - 1]}…"]
        lines += parts
    return plain("\n".join(lines))


def plain(text: str) -> str:
    r"""Return text that Matplotlib draws as it is: no mathematics, no character without a glyph.

    Examples
    --------
    >>> print(plain("price in $, 价"))
    price in \$, □
    """
    font = get_font(findfont(FontProperties()))
    known = (c if c == "\n" or font.get_char_index(ord(c)) else "□" for c in text)
    return "".join(known).replace("$", r"\$")


def drawable(values: ArrayLike) -> NDArray[np.float64]:
    """Return values as they can be drawn: those beyond ±1e100 at its edge, those below 1e-100 at 0.

    Examples
    --------
    >>> drawable([1e-300, 2.0, -1e308])
    array([ 0.e+000,  2.e+000, -1.e+100])
    """
    array = np.clip(np.asarray(values, dtype=np.float64), -_LARGEST_DRAWN, _LARGEST_DRAWN)
    return np.where(np.abs(array) < _SMALLEST_DRAWN, 0.0, array)
