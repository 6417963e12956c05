"""A map: what became of a grid of networks, in colour, and theory's boundary as a line."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from goodinit.figures.looks import STYLE, set_legend, set_title
from goodinit.figures.sizes import scaled

_NAMES = {
    "train_accuracy": "training accuracy",
    "test_accuracy": "test accuracy",
    "train_cost": "training cost",
    "trained": "share of seeds that train",
    "reach": "6 × correlation depth ξ_c over the depth (theory)",
}
_FAR = 3.0  # of the logarithm of theory's reach, which may be infinite


def plot_map(cells: pd.DataFrame, labels: tuple[str, str], column: str, title: str) -> Figure:
    """Draw a column of the cells; the line is where 6 ξ_c, in layers, is the depth.

    Parameters
    ----------
    cells : DataFrame
        As in ``Map.cells``.
    labels : (str, str)
        What x and y are.
    column : str
    title : str
    """
    grid = cells.pivot(index="y", columns="x", values=column)
    with np.errstate(divide="ignore"):
        reach = np.log(cells.pivot(index="y", columns="x", values="reach").to_numpy(dtype=float))
    reach = np.clip(reach, -_FAR, _FAR)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=scaled(7.2, 5.4), layout="constrained")
        panel = figure.subplots()
        image = panel.imshow(
            grid.to_numpy(dtype=float), origin="lower", aspect="auto", cmap="viridis"
        )
        figure.colorbar(image, ax=panel, label=_NAMES[column])
        panel.set_xticks(range(grid.shape[1]), [f"{value:g}" for value in grid.columns])
        panel.set_yticks(range(grid.shape[0]), [f"{value:g}" for value in grid.index])
        panel.set(xlabel=labels[0], ylabel=labels[1])
    set_title(figure, title)
    if np.nanmin(reach) < 0 < np.nanmax(reach):
        panel.contour(reach, levels=[0.0], colors="white", linewidths=2.5)
        panel.contour(reach, levels=[0.0], colors="#d55e00", linewidths=1.5)
        line = Line2D([], [], color="#d55e00", lw=1.5)
        set_legend(figure, [line], ["theory: depth = 6 × correlation depth ξ_c"])
    return figure
