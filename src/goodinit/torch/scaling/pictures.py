"""The scales of each layer against the size of the module, on logarithmic axes."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from goodinit.figures.looks import STYLE, drawable, set_legend, set_title, styles

TITLES = {
    "start": "output RMS at the start",
    "change": "its change in a step",
    "own": "part of its own update",
    "passed": "part passed on",
}


_ROOM = 3  # layers without a slope that are named in one panel


def plot_scaling(measured: pd.DataFrame, layers: pd.DataFrame, axis: str) -> Figure:
    """Draw each layer's scales: a line through the seeds' geometric means, a dot for each seed.

    Of a layer whose scale diverges or is zero somewhere, the panel says so in words.

    Parameters
    ----------
    measured, layers : DataFrame
        As in ``Scaling``.
    axis : {"width", "depth"}
    """
    names = list(dict.fromkeys(measured["layer"]))
    look = styles(names)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 6.4), layout="constrained")
        grid = figure.subplots(2, 2, sharex=True, sharey=True)
        panels = list(grid.flat)
        sizes = sorted(measured["size"].unique())
        for axes, (column, title) in zip(panels, TITLES.items(), strict=True):
            for name, of in measured.groupby("layer", sort=False):
                style = look[str(name)]
                shown = of[of[column] > 0]
                if shown.empty:
                    continue
                logs = np.log(shown[column]).groupby(shown["size"]).mean()
                axes.plot(
                    logs.index,
                    drawable(np.exp(logs)),
                    color=style.colour,
                    linestyle=style.dash,
                    marker=style.marker,
                    ms=4,
                )
                dots = drawable(shown[column])
                axes.plot(shown["size"], dots, ".", ms=3, alpha=0.4, color=style.colour)
            axes.set_title(title, fontsize=10)
            none = [
                f"{name}: {why}"
                for name, why in zip(layers["layer"], layers[f"{column}_none"], strict=True)
                if why
            ]
            more = [f"and {len(none) - _ROOM} more"] if len(none) > _ROOM else []
            words = "\n".join([*none[:_ROOM], *more])
            place = {"transform": axes.transAxes, "ha": "right", "fontsize": 7, "zorder": 3}
            axes.text(0.98, 0.03, words, **place, bbox={"fc": "white", "lw": 0, "pad": 1})
            axes.set_xscale("log", base=2)
            axes.set_yscale("log", nonpositive="mask")
            axes.set_xticks(sizes, [str(size) for size in sizes])
        for axes in grid[-1]:
            axes.set_xlabel(axis)
    handles = [
        Line2D([], [], color=one.colour, linestyle=one.dash, marker=one.marker, ms=4)
        for one in look.values()
    ]
    set_title(figure, f"how each layer's scales follow the {axis}")
    set_legend(figure, handles, names)
    return figure
