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

from goodinit.evidence.spread import seed_range
from goodinit.figures.looks import (
    drawable,
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

_SCALES = {"preactivation_rms": "pre-activation\nRMS", "gradient_rms": "gradient\nRMS"}
_DISTINCT, _DEAD = {"distinct": "distinct\nunits"}, {"dead_fraction": "dead\nunits"}
_SATURATED = {"saturated_fraction": "saturated\nunits"}
_MOMENTS = ("start", "end")
_PANEL = (3.6, 2.0)  # inches
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
    shares = _DISTINCT | _shares(shown)
    rows = _SCALES | shares
    wide, high = _PANEL
    figure, grid = new_grid(len(rows), len(_MOMENTS), wide * len(_MOMENTS), high * len(rows) + 0.8)
    for row, (signal, name) in zip(grid, rows.items(), strict=True):
        parts = [shown[shown["moment"] == moment].dropna(subset=[signal]) for moment in _MOMENTS]
        for axes, part, moment in zip(row, parts, _MOMENTS, strict=True):
            _draw_signal(axes, part, signal, initializers)
            if moment == "start" and f"{signal}_theory" in part:
                _draw_theory(axes, part, signal, initializers)
            _count_layers(axes, int(signals["layer"].max()))
            if signal in shares:
                axes.set_ylim(-0.04, 1.04)
                axes.yaxis.set_major_formatter(PercentFormatter(1.0))
            else:
                _use_log_scale(axes)
            if not any(np.isfinite(np.asarray(line.get_ydata())).any() for line in axes.lines):
                say_empty(axes, _why_empty(signal in shares))
        row[0].set_ylabel(name)
        if signal in _SCALES:
            _limit(row, [_medians(part, signal) for part in parts])
            for axes in row:
                if axes.get_yscale() == "log":
                    set_log_ticks(axes.yaxis)
    for axes, moment in zip(grid[0], _MOMENTS, strict=True):
        set_panel_title(axes, f"{moment} of training", size=points())
    for axes in grid[-1]:
        axes.set_xlabel("layer")
    figure.align_ylabels(list(grid[:, 0]))
    looks = styles(initializers).values()
    handles = [
        Line2D([], [], color=look.colour, linestyle=look.dash, marker=look.marker, markersize=4)
        for look in looks
    ]
    seeds = signals["seed"].nunique()
    over = "median and 90 % range over seeds" if seeds > 1 else "one seed"
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


def _draw_signal(axes: Axes, part: pd.DataFrame, signal: str, initializers: Sequence[str]) -> None:
    look = styles(initializers)
    for name, of in part.groupby("initializer", sort=False):
        table = of.pivot(index="layer", columns="seed", values=signal)
        low, high = (drawable(end) for end in seed_range(table.to_numpy(), axis=1))
        style = look[str(name)]
        middle = drawable(table.median(axis=1))
        axes.plot(
            table.index, middle, linestyle=style.dash, color=style.colour, marker=style.marker, ms=4
        )
        axes.fill_between(table.index, low, high, color=style.colour, alpha=0.15, lw=0)


def _draw_theory(axes: Axes, part: pd.DataFrame, signal: str, initializers: Sequence[str]) -> None:
    look = styles(initializers)
    columns = [f"{signal}_low", f"{signal}_high"]
    for name, of in part.groupby("initializer", sort=False):
        table = of.groupby("layer")[columns].first()
        low, high = (drawable(table[column]) for column in columns)
        shown = (low > 0) & np.isfinite(low) & np.isfinite(high)
        if not shown.any():
            continue
        axes.fill_between(
            table.index,
            low,
            high,
            where=shown,
            facecolor="none",
            edgecolor=look[str(name)].colour,
            hatch="////",
            alpha=0.4,
            lw=0.5,
        )


def _medians(part: pd.DataFrame, signal: str) -> pd.DataFrame:
    """Return the median over the seeds, a row per layer and a column per initializer."""
    middle = part.groupby(["layer", "initializer"], sort=False)[signal].median().unstack()
    return middle.where(np.isfinite(middle) & (middle > 0))


def _limit(panels: Sequence[Axes], medians: Sequence[pd.DataFrame]) -> None:
    """Keep what lies far from the others off the axes of a row, and name it at the edge."""
    values = np.concatenate([of.to_numpy().ravel() for of in medians])
    values = values[~np.isnan(values)]
    if not values.size:
        return
    middle = float(np.median(np.log10(values)))
    low, high = 10.0 ** (middle - _DECADES), 10.0 ** (middle + _DECADES)
    if values.min() >= low and values.max() <= high:
        return
    within = values[(values >= low) & (values <= high)]
    panels[0].set_ylim(within.min() / 3, within.max() * 3)
    for axes, of in zip(panels, medians, strict=True):
        for beyond, edge in ((of > high, "above"), (of < low, "below")):
            name_beyond(axes, edge, [str(name) for name in of.columns[beyond.any()]])


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
    import seaborn as sns  # here, because it is slow to import

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
    sns.heatmap(
        pd.DataFrame(
            np.where(np.isfinite(costs), costs, np.nan),
            index=names,
            columns=[f"{rate:g}" for rate in table.columns],
        ),
        annot=np.array([[f"{cost:.{digits}g}" for cost in row] for row in costs]),
        annot_kws={"fontsize": points(0.9)},
        fmt="",
        norm=norm,
        cmap="viridis_r",
        cbar=not on_paper(),
        cbar_kws=None if on_paper() else {"label": "median training cost"},
        linewidths=1,
        ax=axes,
    )
    for row, column in np.argwhere(~np.isfinite(costs)):
        axes.text(column + 0.5, row + 0.5, "∞", ha="center", va="center", fontsize=points(0.9))
    places = {float(rate): place for place, rate in enumerate(table.columns.to_numpy(dtype=float))}
    for name, rate in (chosen or {}).items():
        row, column = list(initializers).index(name), places[rate]
        axes.add_patch(Rectangle((column, row), 1, 1, fill=False, ec="black", lw=2))
    axes.set(xlabel="learning rate", ylabel="")
    axes.tick_params(axis="y", rotation=0)
    framed = "; the rate at which each is compared is framed" if chosen else ""
    set_title(figure, f"{title}\nmedian training cost{framed}")
    return figure
