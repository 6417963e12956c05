"""Pictures of what explains a comparison: the layers' signals, and the grid of learning rates."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
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
    STYLE,
    drawable,
    plain,
    set_legend,
    set_log_ticks,
    set_panel_title,
    set_title,
    styles,
    wrapped,
)

_SCALES = {"preactivation_rms": "pre-activation RMS", "gradient_rms": "gradient RMS"}
_SHARES = {"distinct": "distinct units", "dead_fraction": "dead units"}
_MOMENTS = ("start", "end")
_EDGE_WIDTH = 44  # characters at the edge of a panel
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
    columns = {**_SCALES, **_SHARES}
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(3.4 * len(columns), 6.4), layout="constrained")
        grid = figure.subplots(2, len(columns), sharex="col", sharey="col", squeeze=False)
    for row, moment in zip(grid, _MOMENTS, strict=True):
        for axes, (signal, name) in zip(row, columns.items(), strict=True):
            part = shown[shown["moment"] == moment].dropna(subset=[signal])
            _draw_signal(axes, part, signal, initializers)
            if moment == "start" and f"{signal}_theory" in part:
                _draw_theory(axes, part, signal, initializers)
            set_panel_title(axes, f"{name}, {moment} of training", size=10)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
            if signal in _SHARES:
                axes.set_ylim(-0.04, 1.04)
                axes.yaxis.set_major_formatter(PercentFormatter(1.0))
            else:
                _use_log_scale(axes)
    for column, signal in zip(grid.T, _SCALES, strict=False):
        parts = [shown[shown["moment"] == moment] for moment in _MOMENTS]
        _limit(column, [_medians(part, signal) for part in parts])
        for axes in column:
            if axes.get_yscale() == "log":
                set_log_ticks(axes.yaxis)
    for axes in grid[-1]:
        axes.set_xlabel("layer")
    looks = styles(initializers).values()
    handles = [
        Line2D([], [], color=look.colour, linestyle=look.dash, marker=look.marker, markersize=4)
        for look in looks
    ]
    lines = f"{title}\nlayers by depth, median and 90 % range over seeds"
    hatched = any(f"{signal}_theory" in signals for signal in _SCALES)
    set_title(figure, f"{lines}; hatched, theory's 90 % band" if hatched else lines)
    set_legend(figure, handles, initializers)
    return figure


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


def _limit(column: Sequence[Axes], medians: Sequence[pd.DataFrame]) -> None:
    """Keep what lies far from the others off the axes of a column, and name it at the edge."""
    values = np.concatenate([of.to_numpy().ravel() for of in medians])
    values = values[~np.isnan(values)]
    if not values.size:
        return
    middle = float(np.median(np.log10(values)))
    low, high = 10.0 ** (middle - _DECADES), 10.0 ** (middle + _DECADES)
    if values.min() >= low and values.max() <= high:
        return
    within = values[(values >= low) & (values <= high)]
    column[0].set_ylim(within.min() / 3, within.max() * 3)
    for axes, of in zip(column, medians, strict=True):
        for beyond, sign, height, align in (
            (of > high, "above", 0.98, "top"),
            (of < low, "below", 0.02, "bottom"),
        ):
            names = [str(name) for name in of.columns[beyond.any()]]
            if names:
                said = wrapped(f"{sign}: {', '.join(names)}", _EDGE_WIDTH)
                axes.text(0.02, height, said, fontsize=7, va=align, transform=axes.transAxes)


def _use_log_scale(axes: Axes) -> None:
    drawn = [np.asarray(line.get_ydata(), dtype=float) for line in axes.lines]
    if any((values > 0).any() for values in drawn):
        axes.set_yscale("log", nonpositive="mask")


def plot_learning_rates(summary: pd.DataFrame, initializers: Sequence[str], title: str) -> Figure:
    """Draw the median training cost of every initializer at every learning rate, as a heat map.

    Parameters
    ----------
    summary : DataFrame
        A row per initializer and learning rate, with ``train_cost``.
    initializers : sequence of str
        In the order of the study.
    title : str
    """
    import seaborn as sns  # here, because it is slow to import

    table = summary.pivot(index="initializer", columns="learning_rate", values="train_cost")
    table = table.loc[list(initializers)]
    costs = table.to_numpy(dtype=float)
    finite = costs[np.isfinite(costs) & (costs > 0)]
    norm: Any = LogNorm(finite.min(), finite.max()) if finite.size else None
    words = np.array([["∞" if not np.isfinite(c) else f"{c:.3g}" for c in row] for row in costs])
    size = (max(6.4, 3.2 + 1.1 * table.shape[1]), 1.8 + 0.5 * table.shape[0])
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    sns.heatmap(
        pd.DataFrame(
            np.where(np.isfinite(costs), costs, np.nan),
            index=[plain(name) for name in table.index],
            columns=[f"{rate:g}" for rate in table.columns],
        ),
        annot=words,
        fmt="",
        norm=norm,
        cmap="viridis_r",
        cbar_kws={"label": "median training cost"},
        linewidths=1,
        ax=axes,
    )
    for row, of in enumerate(np.where(np.isnan(costs), np.inf, costs)):
        box = Rectangle((int(of.argmin()), row), 1, 1, fill=False, ec="black", lw=2)
        axes.add_patch(box)
    axes.set(xlabel="learning rate", ylabel="")
    axes.tick_params(axis="y", rotation=0)
    set_title(figure, f"{title}\nmedian training cost; each initializer's best is framed")
    return figure
