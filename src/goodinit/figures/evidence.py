"""Pictures of what explains a comparison: the layers' signals, and the grid of learning rates."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from goodinit.evidence.spread import seed_range
from goodinit.figures.looks import (
    drawable,
    fill_bands,
    name_beyond,
    new_grid,
    say_empty,
    set_legend,
    set_log_ticks,
    set_panel_title,
    set_title,
    styles,
    wrapped,
)
from goodinit.figures.sizes import letters, on_paper, points, size
from goodinit.measuring.tables import arranged

Values = NDArray[np.float64]
Places = NDArray[np.int64]

_SCALES = {"preactivation_rms": "pre-activation\nRMS", "gradient_rms": "gradient\nRMS"}
_DISTINCT, _DEAD = {"distinct": "distinct\nunits"}, {"dead_fraction": "dead\nunits"}
_SATURATED = {"saturated_fraction": "saturated\nunits"}
_MOMENTS = ("start", "end")
_ENDS = ("low", "high")  # of a band
_PANEL = (3.6, 2.0)  # inches
_LUMINANCE = (0.2126, 0.7152, 0.0722)  # of red, green and blue, where they are linear
_DARK = 0.4  # luminance, below which letters are white
_DECADES = 5  # above and below the middle of what is drawn, that a logarithmic axis may reach


def plot_signals(signals: pd.DataFrame, initializers: Sequence[str], title: str) -> Figure:
    """Draw scale and health of the layers by depth: median over the seeds, and their 90 % range.

    Parameters
    ----------
    signals : DataFrame
        As in ``Comparison.signals``, of one learning rate for each initializer.
    initializers : sequence of str
        In the order of the study, which gives the colours.
    title : str
    """
    shown = signals.assign(distinct=signals["distinct_units"] / signals["units"])
    layers, seeds = (np.sort(signals[key].unique()) for key in ("layer", "seed"))
    names: dict[str, Any] = {
        "moment": _MOMENTS,
        "initializer": initializers,
        "layer": layers,
        "seed": seeds,
    }
    shares = _DISTINCT | _shares(shown)
    rows = _SCALES | shares
    theory = [f"{signal}_{end}" for signal in _SCALES for end in _ENDS]
    arrays = arranged(shown, [*rows, *filter(shown.columns.__contains__, theory)], **names)
    wide, high = _PANEL
    figure, grid = new_grid(len(rows), len(_MOMENTS), wide * len(_MOMENTS), high * len(rows) + 0.8)
    for row, (signal, name) in zip(grid, rows.items(), strict=True):
        values = arrays[signal]  # moments, initializers, layers, seeds
        middles = _middles(values)
        for axes, of, middle in zip(row, values, middles, strict=True):
            _draw_signal(axes, layers, of, middle, initializers)
        if f"{signal}_theory" in shown:
            ends = [arrays[f"{signal}_{end}"][0, ..., 0] for end in _ENDS]
            _draw_theory(row[0], layers, ends, np.isnan(middles[0]), initializers)
        for axes in row:
            _count_layers(axes, len(layers))
            if signal in shares:
                axes.set_ylim(-0.04, 1.04)
                axes.yaxis.set_major_formatter(PercentFormatter(1.0))
            else:
                _use_log_scale(axes)
            if not any(np.isfinite(np.asarray(line.get_ydata())).any() for line in axes.lines):
                say_empty(axes, _why_empty(signal in shares))
        row[0].set_ylabel(name)
        if signal in _SCALES:
            _limit(row, middles, initializers)
            for axes in row:
                if axes.get_yscale() == "log":
                    set_log_ticks(axes.yaxis)
    for axes, moment in zip(grid[0], _MOMENTS, strict=True):
        set_panel_title(axes, f"{moment} of training", size=points())
    for axes in grid[-1]:
        axes.set_xlabel("layer")
    looks = styles(initializers).values()
    handles = [
        Line2D([], [], color=look.colour, linestyle=look.dash, marker=look.marker, markersize=4)
        for look in looks
    ]
    over = "median and 90 % range over seeds" if len(seeds) > 1 else "one seed"
    lines = f"{title}\nlayers by depth, {over}"
    hatched = any(f"{signal}_theory" in signals for signal in _SCALES)
    set_title(figure, f"{lines}; hatched, theory's 90 % band" if hatched else lines)
    set_legend(figure, handles, initializers)
    return figure


def _count_layers(axes: Axes, layers: int) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    if layers == 1:
        axes.set(xlim=(0.5, 1.5), xticks=[1])


def _shares(signals: pd.DataFrame) -> dict[str, str]:
    """Return what can be wrong with units: some activations die, others saturate."""
    found = {**_DEAD, **_SATURATED}
    some = {name: words for name, words in found.items() if (signals[name] > 0).any()}
    return some or _DEAD


def _why_empty(share: bool) -> str:
    return "no hidden layer has units to count" if share else "no layer has a finite number here"


def _middles(values: Values) -> Values:
    """Return the median over the seeds, of those that have one: the last axis is gone."""
    known = ~np.isnan(values).all(axis=-1)
    middles = np.full(known.shape, np.nan)
    middles[known] = np.nanmedian(values[known], axis=-1)
    return middles


def _draw_signal(
    axes: Axes, layers: Places, values: Values, middles: Values, initializers: Sequence[str]
) -> None:
    """Draw a signal of each initializer, of values (initializers, layers, seeds)."""
    looks, known = list(styles(initializers).values()), ~np.isnan(middles)
    low, high = (np.where(known, drawable(end), np.nan) for end in seed_range(values))
    colours = [look.colour for look in looks]
    fill_bands(axes, layers, list(zip(low, high, strict=True)), colours, alpha=0.15, linewidths=0)
    for look, middle, some in zip(looks, drawable(middles), known, strict=True):
        axes.plot(
            *(layers[some], middle[some]),
            linestyle=look.dash,
            color=look.colour,
            marker=look.marker,
            markersize=4,
        )


def _draw_theory(
    axes: Axes,
    layers: Places,
    ends: Sequence[Values],
    missing: NDArray[np.bool_],
    initializers: Sequence[str],
) -> None:
    """Hatch theory's band of each initializer, whose ends are (initializers, layers)."""
    low, high = (np.where(missing, np.nan, end) for end in ends)
    shown = (low > 0) & np.isfinite(drawable(low)) & np.isfinite(drawable(high))
    looks = styles(initializers).values()
    for look, some, lower, upper in zip(looks, shown, drawable(low), drawable(high), strict=True):
        if some.any():
            fill_bands(
                axes,
                layers,
                [(np.where(some, lower, np.nan), upper)],
                ["none"],
                edgecolor=look.colour,
                hatch="////",
                alpha=0.4,
                linewidths=0.5,
            )


def _limit(panels: Sequence[Axes], medians: Values, initializers: Sequence[str]) -> None:
    """Keep what lies far from the others off the axes of a row, and name it at the edge.

    Medians are (panels, initializers, layers).
    """
    with np.errstate(invalid="ignore"):
        drawn = np.isfinite(medians) & (medians > 0)
    values = medians[drawn]
    if not values.size:
        return
    middle = float(np.median(np.log10(values)))
    low, high = 10.0 ** (middle - _DECADES), 10.0 ** (middle + _DECADES)
    if values.min() >= low and values.max() <= high:
        return
    within = values[(values >= low) & (values <= high)]
    panels[0].set_ylim(within.min() / 3, within.max() * 3)
    for axes, of, some in zip(panels, medians, drawn, strict=True):
        for beyond, edge in ((of > high, "above"), (of < low, "below")):
            found = (beyond & some).any(axis=-1)
            name_beyond(
                axes, edge, [name for name, out in zip(initializers, found, strict=True) if out]
            )


def _use_log_scale(axes: Axes) -> None:
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines]
    if any((values > 0).any() for values in drawn):
        axes.set_yscale("log", nonpositive="mask")


def plot_learning_rates(
    summary: pd.DataFrame,
    initializers: Sequence[str],
    title: str,
    chosen: Mapping[str, float] | None = None,
) -> Figure:
    """Draw the median training cost of every initializer at every learning rate, as a heat map.

    Parameters
    ----------
    summary : DataFrame
        A row per initializer and learning rate, with ``train_cost``.
    initializers : sequence of str
        In the order of the study.
    title : str
    chosen : mapping of str to float, optional
        The learning rate at which each is compared, which is framed.
    """
    table = summary.pivot(index="initializer", columns="learning_rate", values="train_cost")
    table = table.loc[list(initializers)]
    costs = table.to_numpy(dtype=float)
    finite = costs[np.isfinite(costs) & (costs > 0)]
    norm: Any = LogNorm(finite.min(), finite.max()) if finite.size else None
    digits = 2 if on_paper() else 3  # without a bar of colours, which paper has no room for
    wide = size().width or max(6.4, 3.2 + 1.1 * table.shape[1])
    names = [wrapped(name, letters(0.4 * wide)) for name in table.index]
    lines = sum(1 + name.count("\n") for name in names)
    high = 0.8 * (1 + 0.3 * (not on_paper())) + points() / 72 * (1.3 * lines + 1.2 * len(names))
    figure = Figure(figsize=(wide, high), layout="constrained")
    axes = figure.subplots()
    held = np.ma.masked_invalid(costs)
    cells = axes.pcolormesh(held, norm=norm, cmap="viridis_r", edgecolors="white", linewidth=1)
    if not on_paper():
        figure.colorbar(cells, label="median training cost").outline.set_linewidth(0)
    bright = cells.to_rgba(held)[..., :3] ** 2.2 @ _LUMINANCE
    for (row, column), cost in np.ndenumerate(costs):
        known = np.isfinite(cost)
        axes.text(
            *(column + 0.5, row + 0.5, f"{cost:.{digits}g}" if known else "∞"),
            ha="center",
            va="center",
            color="white" if known and bright[row, column] < _DARK else "0.15",
            fontsize=points(0.9),
        )
    axes.set_xticks(np.arange(costs.shape[1]) + 0.5, [f"{rate:g}" for rate in table.columns])
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.set_ylim(len(names), 0)
    axes.spines[:].set_visible(False)
    places = {float(rate): place for place, rate in enumerate(table.columns.to_numpy(dtype=float))}
    for name, rate in (chosen or {}).items():
        row, column = list(initializers).index(name), places[rate]
        axes.add_patch(Rectangle((column, row), 1, 1, fill=False, ec="black", lw=2))
    axes.set(xlabel="learning rate", ylabel="")
    framed = "; the rate at which each is compared is framed" if chosen else ""
    set_title(figure, f"{title}\nmedian training cost{framed}")
    return figure
