"""Pictures of the data, of how training went, and of what was learned.

Each function returns a ``matplotlib.figure.Figure`` of its own and leaves pyplot alone. One
initializer has one colour, dash and marker everywhere.
"""

from collections.abc import Sequence
from math import ceil
from textwrap import wrap
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from goodinit.datasets import Dataset
from goodinit.errors import bad_argument
from goodinit.network import OUTPUTS, Network, Parameters, forward
from goodinit.study import SEED_RANGE

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
_CLASS_COLOURS = (_RED, _BLUE, _GREEN, _PINK, _ORANGE, _SKY, "#8c8c8c")
_DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (8, 2)))
_MARKERS = "oDs^vP*X<>"
_LOGARITHMIC_FROM = 20.0  # times between the smallest and the largest median cost
_PANELS_PER_ROW = 3
_LEAST_WIDTH = 6.4  # inches, so that a title fits
_TITLE_WIDTH = 38  # characters over one panel
_STYLE = {"axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": "medium"}


class Style(NamedTuple):
    """How one initializer is drawn."""

    colour: Any
    dash: Any
    marker: str


def styles(initializers: Sequence[str]) -> dict[str, Style]:
    """Return the style of each initializer, by its place in the study.

    Neighbours differ in colour, dash and marker, so that curves that lie on each other show.

    Examples
    --------
    >>> [style.marker for style in styles(["zeros", "he_normal"]).values()]
    ['o', 'D']
    """
    return {
        name: Style(
            _PALETTE[i % len(_PALETTE)],
            _DASHES[i % len(_DASHES)],
            _MARKERS[i % len(_MARKERS)],
        )
        for i, name in enumerate(initializers)
    }


def _panels(count: int, width: float = 3.6, height: float = 3.2) -> tuple[Figure, list[Axes]]:
    """Return a figure with that many panels in rows, and the panels."""
    columns = min(count, _PANELS_PER_ROW)
    rows = ceil(count / columns)
    with sns.axes_style("ticks", rc=_STYLE):
        size = (max(width * columns, _LEAST_WIDTH), height * rows)
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    panels = list(grid.flat)
    for spare in panels[count:]:
        spare.set_visible(False)
    return figure, panels[:count]


def _class_colours(count: int) -> list[str]:
    return [_CLASS_COLOURS[i % len(_CLASS_COLOURS)] for i in range(count)]


def _scatter(
    axes: Axes, points: NDArray[np.float64], y: NDArray[Any], dataset: Dataset, **marks: Any
) -> None:
    """Draw points in the colours of their classes, or of the number to predict."""
    if dataset.classes is None:
        axes.scatter(points[:, 0], points[:, 1], c=y, cmap="viridis", **marks)
        return
    colours = np.array(_class_colours(len(dataset.classes)))
    axes.scatter(points[:, 0], points[:, 1], c=colours[y], **marks)


def _class_legend(figure: Figure, dataset: Dataset) -> None:
    if dataset.classes is None:
        return
    colours = _class_colours(len(dataset.classes))
    handles = [
        Line2D([], [], marker="o", linestyle="", color=colour, label=name)
        for name, colour in zip(dataset.classes, colours, strict=True)
    ]
    columns = min(len(handles), 6)
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)


def plot_data(dataset: Dataset) -> Figure:
    """Draw the training and test examples.

    Two features are drawn as they are, more on the first two principal components of the training
    part, one against the target.

    Examples
    --------
    >>> from goodinit.datasets import circles
    >>> plot_data(circles()).get_suptitle()
    'circles: 300 train and 100 test examples, 2 features, 2 classes'
    """
    parts = {"train": (dataset.X_train, dataset.y_train), "test": (dataset.X_test, dataset.y_test)}
    shown = {name: part for name, part in parts.items() if len(part[0])}
    points, labels = _plane(dataset, [X for X, _ in shown.values()], [y for _, y in shown.values()])
    figure, panels = _panels(len(shown), width=4.4, height=4.9)
    for axes, (name, (_, y)), xy in zip(panels, shown.items(), points, strict=True):
        _scatter(axes, xy, y, dataset, s=14, alpha=0.8, linewidths=0)
        axes.set(title=f"{name}, {len(y):,} examples", xlabel=labels[0], box_aspect=1)
    panels[0].set_ylabel(labels[1])
    figure.suptitle(dataset.describe())
    _class_legend(figure, dataset)
    return figure


def _plane(
    dataset: Dataset, parts: list[NDArray[np.float64]], targets: list[NDArray[Any]]
) -> tuple[list[NDArray[np.float64]], tuple[str, str]]:
    """Return two coordinates for every example, and the names of the two axes."""
    if dataset.n_features == 2:
        return parts, ("feature 1", "feature 2")
    if dataset.n_features == 1:
        return [np.column_stack(p) for p in zip(parts, targets, strict=True)], ("feature", "target")
    from sklearn.decomposition import PCA

    projection = PCA(2, random_state=0).fit(dataset.X_train)
    shares = projection.explained_variance_ratio_
    names = [
        f"principal component {i} ({share:.0%} of the variance)"
        for i, share in enumerate(shares, 1)
    ]
    return [projection.transform(part) for part in parts], (names[0], names[1])


def plot_images(dataset: Dataset, per_class: int = 4) -> Figure:
    """Draw the first training images of each class.

    Parameters
    ----------
    dataset : Dataset
        Of images.
    per_class : int
        How many of each.

    Raises
    ------
    ArgumentError
        Where the data are no images.
    """
    if dataset.image_shape is None or dataset.classes is None:
        raise bad_argument("dataset", dataset.name, "a folder of images")
    rows, shape = len(dataset.classes), dataset.image_shape
    figure = Figure(figsize=(1.9 * per_class, 2.1 * rows), layout="constrained")
    grid = figure.subplots(rows, per_class, squeeze=False)
    for label, (name, row) in enumerate(zip(dataset.classes, grid, strict=True)):
        images = dataset.X_train[dataset.y_train == label][:per_class]
        for axes in row:
            axes.axis("off")
        for axes, image in zip(row, images, strict=False):
            picture = np.clip(image.reshape(shape), 0, 1)
            axes.imshow(picture.squeeze(), cmap="gray")
            axes.set_title(name)
    figure.suptitle(f"{dataset.name}: sample training images, {shape[1]} × {shape[0]}")
    return figure


def _spread(values: pd.DataFrame) -> pd.DataFrame:
    """Return median and range over the columns, a value that is no number counting as infinite."""
    filled = values.fillna(np.inf).to_numpy()
    with np.errstate(invalid="ignore"):  # infinity minus infinity, between two diverged trials
        low, high = np.quantile(filled, SEED_RANGE, axis=1, method="closest_observation")
    return pd.DataFrame(
        {"median": np.median(filled, axis=1), "low": low, "high": high}, index=values.index
    ).replace(np.inf, np.nan)


def plot_costs(curves: pd.DataFrame, initializers: Sequence[str], title: str) -> Figure:
    """Draw the training cost against the iteration: median over the seeds, and their 90 % range.

    Parameters
    ----------
    curves : DataFrame
        As in ``Comparison.curves``. Each learning rate has a panel.
    initializers : sequence of str
        In the order of the study, which gives the colours.
    title : str
    """
    look = styles(initializers)
    rates = list(dict.fromkeys(curves["learning_rate"]))
    figure, panels = _panels(len(rates), width=6.4 if len(rates) == 1 else 4.2, height=4.2)
    medians: list[float] = []
    for axes, (rate, part) in zip(panels, curves.groupby("learning_rate", sort=False), strict=True):
        for name, trials in part.groupby("initializer", sort=False):
            spread = _spread(trials.pivot_table("train_cost", "iteration", "seed", dropna=False))
            style = look[str(name)]
            axes.plot(
                spread.index, spread["median"], linestyle=style.dash, color=style.colour, label=name
            )
            axes.fill_between(
                spread.index, spread["low"], spread["high"], color=style.colour, alpha=0.15, lw=0
            )
            medians.extend(spread["median"].dropna())
        axes.set(xlabel="iteration", title=f"learning rate {rate:g}" if len(rates) > 1 else "")
    positive = [median for median in medians if median > 0]
    if positive and max(positive) > _LOGARITHMIC_FROM * min(positive):
        panels[0].set_yscale("log")
    panels[0].set_ylabel("training cost")
    handles, labels = panels[0].get_legend_handles_labels()
    columns = 3 if max(map(len, labels)) <= 20 else 1
    figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)
    figure.suptitle(f"{title}\ntraining cost, median and 90 % range over seeds")
    return figure


def plot_accuracy(
    trials: pd.DataFrame, initializers: Sequence[str], title: str, measure: str = "accuracy"
) -> Figure:
    """Draw the accuracy of every seed on the training and the test part, and their median.

    Parameters
    ----------
    trials : DataFrame
        As in ``Comparison.trials``, of one learning rate.
    initializers : sequence of str
        In the order of the study, which gives the colours.
    title, measure : str
        ``measure`` is what the axis is called.
    """
    look = styles(initializers)
    palette = {name: style.colour for name, style in look.items()}
    parts = [part for part in ("train", "test") if trials[f"{part}_accuracy"].notna().any()]
    figure, panels = _panels(len(parts), width=4.6, height=1.4 + 0.42 * len(initializers))
    for axes, part in zip(panels, parts, strict=True):
        column = f"{part}_accuracy"
        sns.stripplot(
            trials,
            x=column,
            y="initializer",
            hue="initializer",
            order=list(initializers),
            palette=palette,
            legend=False,
            alpha=0.6,
            size=5,
            jitter=0.22,
            ax=axes,
        )
        medians = trials.groupby("initializer")[column].median()
        places = [medians.get(name, np.nan) for name in initializers]
        axes.plot(places, range(len(initializers)), "|", color="black", ms=22, mew=1.5)
        axes.set(xlabel=f"{part} {measure}", ylabel="")
        if measure == "accuracy":
            axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.grid(axis="x", alpha=0.3)
    figure.suptitle(f"{title}\n{measure} of every seed; the bar is the median")
    return figure


def plot_boundaries(
    dataset: Dataset, network: Network, panels: Sequence[tuple[str, Parameters]], title: str
) -> Figure:
    """Draw what trained networks say over the plane, with the data on it.

    Parameters
    ----------
    dataset : Dataset
        Of classes, with two features.
    network : Network
    panels : sequence of (str, Parameters)
        A title and a trained network each.
    title : str

    Raises
    ------
    ArgumentError
        Where the data have another number of features, or no classes.
    """
    if dataset.n_features != 2 or dataset.classes is None:
        takes = "data of two features and of classes, to draw decision boundaries"
        raise bad_argument("dataset", dataset.describe(), takes)
    figure, grid = _panels(len(panels), height=3.9)
    horizontal, vertical, plane = _mesh(dataset.X_train)
    regions = ListedColormap(_class_colours(len(dataset.classes)))
    for axes, (name, parameters) in zip(grid, panels, strict=True):
        with np.errstate(all="ignore"):  # a diverged network has no boundary to draw
            logits = forward(network, parameters, plane)[0][-1]
        said = OUTPUTS[network.output].classes(logits).reshape(horizontal.shape)
        axes.pcolormesh(
            horizontal,
            vertical,
            said,
            cmap=regions,
            vmin=-0.5,
            vmax=len(dataset.classes) - 0.5,
            alpha=0.28,
            rasterized=True,
            linewidth=0,
        )
        if len(np.unique(said)) > 1:
            levels = np.arange(len(dataset.classes) - 1) + 0.5
            axes.contour(horizontal, vertical, said, levels=levels, colors="black", linewidths=0.6)
        _scatter(axes, dataset.X_train, dataset.y_train, dataset, s=9, linewidths=0)
        lines = [wrapped for line in name.splitlines() for wrapped in wrap(line, _TITLE_WIDTH)]
        axes.set_title("\n".join(lines), fontsize=9)
        axes.set_box_aspect(1)
    for axes in grid:
        axes.label_outer()
    figure.suptitle(title)
    _class_legend(figure, dataset)
    return figure


def _mesh(X: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the two coordinates of a grid over the data, and its points (n_points, 2)."""
    margin = 0.1 * np.ptp(X, axis=0)
    sides = [
        np.linspace(*ends, 200) for ends in zip(X.min(0) - margin, X.max(0) + margin, strict=True)
    ]
    horizontal, vertical = np.meshgrid(*sides)
    return horizontal, vertical, np.column_stack([horizontal.ravel(), vertical.ravel()])
