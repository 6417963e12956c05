"""Pictures of what became of every seed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from goodinit.errors import bad_argument
from goodinit.figures.looks import (
    FEW_TICKS,
    new_panels,
    say_empty,
    set_title,
    styles,
    wrapped,
)
from goodinit.figures.sizes import letters, on_paper, size

_LEAST_ACCURACY = -1.0  # R² has no least value, and one exploded seed would hide all others
_NAME_WIDTH = 26  # characters of an initializer beside its row
_NAME_SHARE = 0.3  # of the width of a picture on paper, that such names get at most
_MOST_DOTS = 60  # seeds; of more their density is drawn
_BANDWIDTH = 0.025  # of the range of all values


def plot_accuracy(
    trials: pd.DataFrame, initializers: Sequence[str], title: str, measure: str = "accuracy"
) -> Figure:
    """Draw the accuracy of every seed on the training and the test part, and their median.

    A diverged trial has none; how many there are stands beside the initializer's name.

    Parameters
    ----------
    trials : DataFrame
        As in ``Comparison.trials``, of one learning rate.
    initializers : sequence of str
        In the order of the study, which gives the colours.
    title, measure : str
        ``measure`` is what the axis is called.

    Raises
    ------
    ArgumentError
        Where there are no trials.
    """
    if trials.empty:
        takes = "at least one trial, of a learning rate that was compared"
        raise bad_argument("trials", "none", takes)
    look = styles(initializers)
    parts = ("train", "test") if trials["test_accuracy"].notna().any() else ("train",)
    groups = [trials[trials["initializer"] == name] for name in initializers]
    width = size().width
    most = _NAME_WIDTH if width is None else min(_NAME_WIDTH, letters(_NAME_SHARE * width))
    names = [_row_name(name, of, most) for name, of in zip(initializers, groups, strict=True)]
    lines = sum(name.count("\n") + 1 for name in names)
    height = 1.4 + 0.22 * len(names) + 0.2 * lines
    figure, panels = new_panels(len(parts), width=4.6, height=height, by_lines=True)
    largest = max(len(group) for group in groups)
    for axes, part in zip(panels, parts, strict=True):
        shown = trials[f"{part}_accuracy"].to_numpy(np.float64)
        values = [group[f"{part}_accuracy"].to_numpy(np.float64) for group in groups]
        colours = [look[name].colour for name in initializers]
        if largest > _MOST_DOTS:
            _densities(axes, values, colours)
        else:
            _dots(axes, values, colours)
        note = f"\n(values below {_LEAST_ACCURACY:g} drawn at {_LEAST_ACCURACY:g})"
        axes.set_xlabel(f"{part} {measure}{note if (shown < _LEAST_ACCURACY).any() else ''}")
        axes.xaxis.set_major_locator(MaxNLocator(**FEW_TICKS))
        if measure == "accuracy":
            axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.grid(axis="x", alpha=0.3)
        if np.isnan(shown).all():
            every = bool(trials["diverged"].all())
            axes.set_xticks([])
            say_empty(axes, "every seed diverged" if every else "this loss has no accuracy")
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    bar = "the bar is the median"
    how = f"{measure} of every seed; {bar}" if largest > 1 else f"{measure} of one seed"
    if largest > _MOST_DOTS:
        how = f"{measure} of {largest:,} seeds, how often each is reached; {bar}"
    set_title(figure, f"{title}\n{how}")
    return figure


def _row_name(name: str, trials: pd.DataFrame, width: int) -> str:
    diverged = int(trials["diverged"].sum())
    note = f"\n({diverged} of {len(trials)} diverged)" if diverged else ""
    return wrapped(name + note, width)


def _dots(axes: Axes, groups: Sequence[NDArray[np.float64]], colours: Sequence[Any]) -> None:
    """Draw the seeds of each initializer in a row, and their median where there are several."""
    offsets = np.random.default_rng(0)
    for row, (values, colour) in enumerate(zip(groups, colours, strict=True)):
        several = len(values) > 1
        heights = row + several * offsets.uniform(-0.22, 0.22, len(values))
        inside, drawn = ~(values < _LEAST_ACCURACY), np.maximum(values, _LEAST_ACCURACY)
        marks: dict[str, Any] = {"s": 25, "alpha": 0.6} if several else {"s": 60}
        marks["s"] *= 0.5 if on_paper() else 1
        for here, marker in ((inside, "o"), (~inside, "<")):
            if here.any():
                axes.scatter(
                    drawn[here], heights[here], marker=marker, c=colour, linewidths=0, **marks
                )
        if several:
            _median(axes, row, drawn)


def _densities(axes: Axes, groups: Sequence[NDArray[np.float64]], colours: Sequence[Any]) -> None:
    """Draw how often each value is reached, as a hill to both sides of a row, and the median."""
    known = [np.maximum(of[~np.isnan(of)], _LEAST_ACCURACY) for of in groups]
    every = np.concatenate(known)
    if not len(every):
        return
    low, high = float(every.min()), float(every.max())
    spread = _BANDWIDTH * (high - low) or 0.01
    grid = np.linspace(low - 3 * spread, high + 3 * spread, 300)
    for row, (values, colour) in enumerate(zip(known, colours, strict=True)):
        found, count = np.unique(values, return_counts=True)
        hill = np.exp(-0.5 * ((grid[:, np.newaxis] - found) / spread) ** 2) @ count
        hill = 0.42 * hill / (hill.max() if hill.size and hill.max() > 0 else 1.0)
        drawn = hill > 1e-3
        axes.fill_between(
            grid, row - hill, row + hill, where=drawn, color=colour, alpha=0.7, linewidth=0
        )
        _median(axes, row, values)


def _median(axes: Axes, row: int, values: NDArray[np.float64]) -> None:
    known = values[~np.isnan(values)]
    if len(known):
        high = 14 if on_paper() else 22
        axes.plot(np.median(known), row, "|", color="black", ms=high, mew=1.5)
