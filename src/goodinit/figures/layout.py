"""Where the panels of a picture stand: in a grid of equal ones, as near as their labels allow."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import LayoutEngine
from matplotlib.transforms import ScaledTranslation
from numpy.typing import NDArray

Dots = NDArray[np.float64]
Places = NDArray[np.int64]

_PAD = 0.04  # inches around a panel with its labels
_LEAST = 0.1  # inches of a panel, whatever stands around it
_INCH = 72.0  # points
_OUTWARD = np.array([-1.0, -1.0, 1.0, 1.0])  # to the left, below, to the right, above


class Grid(LayoutEngine):
    """Equal panels in rows and columns, a title above them and a legend below.

    Matplotlib's own engine measures all of every panel time and again, which takes longer than to
    draw them. This one measures what stands around a panel once for each of two rounds, and gives
    labels their place itself, so that drawing needn't look for it.

    Parameters
    ----------
    above : float
        Inches that are kept free above and below a panel with its labels.
    """

    _adjust_compatible = True
    _colorbar_gridspec = True

    def __init__(self, above: float = _PAD) -> None:
        super().__init__()
        self._above = above

    def execute(self, fig: Figure) -> None:
        """Place everything."""
        drawing = getattr(fig.canvas, "get_renderer", None)  # whose measures serve drawing, too
        renderer = drawing() if drawing else RendererAgg(1, 1, fig.dpi)  # type: ignore[no-untyped-call]
        for _ in range(2):  # the numbers at the ticks depend on how large a panel is
            _place(fig, renderer, _PAD * fig.dpi, self._above * fig.dpi)


def _place(fig: Figure, renderer: RendererAgg, beside: float, above: float) -> None:
    """Place the panels of a figure; `beside` and `above` are dots that are kept free."""
    panels = [axes for axes in fig.axes if axes.get_visible()]
    specs = [spec for axes in panels if (spec := axes.get_subplotspec()) is not None]
    rows = np.array([spec.rowspan.start for spec in specs])
    columns = np.array([spec.colspan.start for spec in specs])
    grid = specs[0].get_gridspec()
    needs = _needs(fig, panels, rows, columns, renderer)
    left, right = (_largest(needs[:, side], columns, grid.ncols) for side in (0, 2))
    below, over = (_largest(needs[:, side], rows, grid.nrows) for side in (1, 3))

    width, height = fig.bbox.size
    for title in fig.texts:
        title.set_y(1 - above / height)
    shown = [title for title in fig.texts if title.get_text()]
    top = height - sum(title.get_window_extent(renderer).height + 2 * above for title in shown)
    base = sum(legend.get_window_extent(renderer).height + 2 * above for legend in fig.legends)
    x0, x1, wspace = _spread(left, right, beside, (0, width), _LEAST * fig.dpi)
    # Rows are counted from above, dots from below.
    y0, y1, hspace = _spread(below[::-1], over[::-1], above, (base, top), _LEAST * fig.dpi)
    fig.subplots_adjust(x0 / width, y0 / height, x1 / width, y1 / height, wspace, hspace)


def _largest(values: Dots, places: Places, count: int) -> Dots:
    """Return the largest value at each place, and 0 where there is none."""
    found = np.zeros(count)
    np.maximum.at(found, places, values)
    return found


def _spread(
    before: Dots, after: Dots, free: float, ends: tuple[float, float], least: float
) -> tuple[float, float, float]:
    """Return where the first panel begins and the last ends, and the gaps as a part of a panel."""
    count, start, end = len(before), ends[0] + free + before[0], ends[1] - free - after[-1]
    gap = 2 * free + max(after[:-1] + before[1:], default=0.0)
    size = max((end - start - (count - 1) * gap) / count, least)
    return start, start + count * size + (count - 1) * gap, gap / size


def _needs(
    figure: Figure,
    panels: Sequence[Axes],
    rows: Places,
    columns: Places,
    renderer: RendererAgg,
) -> Dots:
    """Return how far out what stands around each panel reaches, (panels, 4).

    Labels are set: beyond the ticks of all panels of their row or column, so that they align.
    """
    for axes in panels:
        axes.apply_aspect()
    ticks = np.array(
        [[_ticks(axis, renderer) for axis in (axes.yaxis, axes.xaxis)] for axes in panels]
    )
    needs = ticks.max(axis=1)
    away = (
        _largest(ticks[:, 0, 0], columns, columns.max() + 1)[columns],
        _largest(ticks[:, 1, 1], rows, rows.max() + 1)[rows],
    )
    for axes, need, left, below in zip(panels, needs, *away, strict=True):
        reach = (
            _set_label(figure, axes.yaxis, renderer, outward=(-1, 0), ticks=left),
            _set_label(figure, axes.xaxis, renderer, outward=(0, -1), ticks=below),
        )
        need[:2] = np.maximum(need[:2], reach)
        if axes.get_title():
            need[3] = max(need[3], axes.title.get_window_extent(renderer).y1 - axes.bbox.y1)
    inner = np.array([axes.bbox.extents for axes in panels])  # smaller where squares are wanted
    outer = [axes.get_position(original=True).transformed(figure.transFigure) for axes in panels]
    slack = (inner - np.array([box.extents for box in outer])) * _OUTWARD
    return np.asarray(np.maximum(needs + slack, 0.0))


def _ticks(axis: Axis, renderer: RendererAgg) -> Dots:
    """Return how far the numbers at an axis' ticks reach beyond its panel; 0 without any."""
    axis.set_label_coords(0, 0)  # where it is now, doesn't count
    axes, shown = axis.axes, axis.get_tick_params()
    if not axes.axison or not (shown.get("labelleft") or shown.get("labelbottom")):
        return np.zeros(4)
    axis.get_offset_text().set_visible(bool(axis.get_major_formatter().get_offset()))
    axis.label.set_visible(False)
    box = axis.get_tightbbox(renderer)
    axis.label.set_visible(True)
    if box is None:
        return np.zeros(4)
    beyond = (np.array(box.extents) - np.array(axes.bbox.extents)) * _OUTWARD
    return np.asarray(np.maximum(beyond, 0.0))


def _set_label(
    figure: Figure, axis: Axis, renderer: RendererAgg, *, outward: tuple[int, int], ticks: float
) -> float:
    """Set an axis' label beyond its ticks, and return how far out it reaches, in dots."""
    away = ticks + axis.labelpad * figure.dpi / _INCH
    right, up = outward
    inches = away / figure.dpi
    shift = ScaledTranslation(right * inches, up * inches, figure.dpi_scale_trans)
    axis.set_label_coords((1 + right) / 2, (1 + up) / 2, axis.axes.transAxes + shift)
    if not axis.label.get_text():
        return 0.0
    box = axis.label.get_window_extent(renderer)
    return float(away - right * box.width - up * box.height)
