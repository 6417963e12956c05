"""Pictures of a module's layers."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from goodinit.evidence.spread import seed_range
from goodinit.figures.looks import drawable, plain, set_legend, styles
from goodinit.torch.inspecting.passage import WHOLE, Finding

_SCALES = {"activation_rms": "activation RMS", "gradient_rms": "gradient RMS"}
_MOST_NAMED = 40  # layers on an axis
_LONGEST_NAME = 28


def plot_layers(layers: pd.DataFrame, findings: Sequence[Finding]) -> Figure:
    """Draw the scale of activations and gradients over the layers, those with a finding marked.

    Parameters
    ----------
    layers : DataFrame
        As in ``Report.layers``; over several seeds the median is drawn, and the 90 % range.
    findings : sequence of Finding
    """
    rows = layers.assign(place=layers.groupby("seed", sort=False).cumcount())
    names = rows.drop_duplicates("place")["layer"].tolist()
    with sns.axes_style("ticks", rc={"axes.spines.top": False, "axes.spines.right": False}):
        width = min(18.0, max(6.4, 2.0 + 0.28 * len(names)))
        figure = Figure(figsize=(width, 6.0), layout="constrained")
        panels = figure.subplots(len(_SCALES), 1, sharex=True)
    labels = list(dict.fromkeys(one.label for one in findings))
    look = styles(["scale", *labels])
    for axes, (signal, title) in zip(panels, _SCALES.items(), strict=True):
        table = rows.pivot(index="place", columns="seed", values=signal)
        middle = drawable(table.median(axis=1))
        ends = seed_range(table.to_numpy(), axis=1)
        low, high = (np.where(np.isnan(middle), np.nan, drawable(end)) for end in ends)
        style = look["scale"]
        axes.plot(table.index, middle, color=style.colour, marker=style.marker, ms=4)
        axes.fill_between(table.index, low, high, color=style.colour, alpha=0.15, lw=0)
        for one in findings:
            mark = look[one.label]
            if one.layer not in names:  # of the loss, say, which has no place among layers
                continue
            at = names.index(one.layer)
            axes.axvline(at, color=mark.colour, linestyle=mark.dash, lw=1.2)
        axes.set_ylabel(title)
        if (middle > 0).any():
            axes.set_yscale("log", nonpositive="mask")
    _name_layers(panels[-1], names)
    panels[0].set_title("layers in forward order, before training")
    if labels:
        handles = [
            Line2D([], [], color=look[label].colour, linestyle=look[label].dash) for label in labels
        ]
        set_legend(figure, handles, labels)
    return figure


def _name_layers(axes: Axes, names: Sequence[str]) -> None:
    step = -(-len(names) // _MOST_NAMED)
    shown = [
        name if len(name) <= _LONGEST_NAME else f"…{name[1 - _LONGEST_NAME :]}" for name in names
    ]
    places = range(0, len(names), step)
    axes.set_xticks(places, [plain(shown[place] or WHOLE) for place in places], rotation=90)
    axes.set_xlabel("layer")
