"""Pictures of the data, of how training went, and of what was learned.

Each function returns a ``matplotlib.figure.Figure`` of its own and leaves pyplot and NumPy's global
stream alone. Text from the data is drawn as it is, without mathematics; characters that the font
lacks become boxes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import Normalize, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from goodinit.datasets import Dataset
from goodinit.errors import bad_argument
from goodinit.evidence.spread import seed_range
from goodinit.figures.layout import Grid
from goodinit.figures.looks import (
    CLASS_MARKERS,
    FEW_TICKS,
    bottom,
    class_colours,
    drawable,
    fill_bands,
    letters_across,
    marker_groups,
    name_beyond,
    new_panels,
    say_empty,
    set_class_legend,
    set_legend,
    set_log_ticks,
    set_panel_title,
    set_title,
    styles,
    wrapped,
)
from goodinit.figures.sizes import letters, on_paper, points, scaled
from goodinit.measuring.tables import CostCurves, by_initializer
from goodinit.network import OUTPUTS, Network, Parameters, forward

_LOGARITHMIC_FROM = 5.0  # times between the smallest and the largest median cost
# Of the curve that stays lowest: how far above and below its largest cost the axis may reach.
_COSTS_ABOVE, _COSTS_BELOW = 1e4, 1e-16
_HEALTHY = 1.1  # times the cost of chance, below which a curve ends that limits the axis
_BEYOND = 3.0  # times the medians that the seeds' ranges may stretch the axis
_BOUNDARY, _BOUNDARY_OF_MANY = (3.6, 3.9), (2.6, 3.0)  # inches of a panel
_CLASSES_OF_IMAGES = 10
_PAINTED = 0.28  # of the colour of a class, over the plane
_COLOUR_CHANNELS = (3, 4)


def plot_data(dataset: Dataset) -> Figure:
    """Draw the training and test examples.

    Two features are drawn as they are, more on the first two principal components of the training
    part, one against the target. A number to predict is a colour, of one scale for both parts.

    Examples
    --------
    >>> from goodinit.datasets import circles
    >>> plot_data(circles()).get_suptitle()
    'circles: 300 train and 100 test examples, 2 features, 2 classes'
    """
    parts = {"train": (dataset.X_train, dataset.y_train), "test": (dataset.X_test, dataset.y_test)}
    shown = {name: part for name, part in parts.items() if len(part[0])}
    points, labels = _plane(
        dataset,
        [drawable(X) for X, _ in shown.values()],
        [drawable(y) for _, y in shown.values()],
    )
    figure, panels = new_panels(len(shown), width=4.4, height=4.7)
    for axes, (name, (_, y)), xy in zip(panels, shown.items(), points, strict=True):
        drawn = _scatter(axes, xy, y, dataset, s=14, alpha=0.8, linewidths=0)
        set_panel_title(axes, f"{name}, {len(y):,} examples")
        axes.set(xlabel=labels[0], box_aspect=1)
    panels[0].set_ylabel(labels[1])
    if dataset.classes is None and dataset.n_features > 1:
        figure.set_layout_engine("constrained")  # which places a bar of colours
        figure.colorbar(drawn, ax=panels, label="target", shrink=0.7)
    set_title(figure, dataset.describe())
    set_class_legend(figure, dataset.classes)
    return figure


def _scatter(
    axes: Axes, points: NDArray[np.float64], y: NDArray[Any], dataset: Dataset, **marks: Any
) -> PathCollection:
    """Draw points in the colours of their classes, or of the number to predict."""
    x, height = points.T
    if dataset.classes is None:
        targets = drawable(np.concatenate([dataset.y_train, dataset.y_test]))
        scale = Normalize(targets.min(), targets.max())
        return axes.scatter(x, height, c=drawable(y), cmap="viridis", norm=scale, **marks)
    colours, groups = np.array(class_colours(len(dataset.classes))), marker_groups(y)
    for group in np.unique(groups):
        here = groups == group
        drawn = axes.scatter(
            x[here], height[here], c=colours[y[here]], marker=CLASS_MARKERS[group], **marks
        )
    return drawn


def _plane(
    dataset: Dataset, parts: list[NDArray[np.float64]], targets: list[NDArray[Any]]
) -> tuple[list[NDArray[np.float64]], tuple[str, str]]:
    """Return two coordinates for every example, and the names of the two axes."""
    if dataset.n_features == 2:
        return parts, ("feature 1", "feature 2")
    if dataset.n_features == 1:
        return [np.column_stack(p) for p in zip(parts, targets, strict=True)], ("feature", "target")
    from sklearn.decomposition import PCA

    with np.errstate(divide="ignore", invalid="ignore"):  # shares of the variance, where it is 0
        projection = PCA(2, random_state=0).fit(parts[0])
    names = [
        f"principal component {i} ({share:.0%} of the variance)"
        for i, share in enumerate(np.nan_to_num(projection.explained_variance_ratio_), 1)
    ]
    return [projection.transform(part) for part in parts], (names[0], names[1])


def plot_images(dataset: Dataset, per_class: int = 4) -> Figure:
    """Draw the first training images of each class, of the first ten classes.

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
    shown, shape = dataset.classes[:_CLASSES_OF_IMAGES], dataset.image_shape
    wide, high = scaled(1.9 * per_class, 2.1 * len(shown))
    figure = Figure(figsize=(wide, high), layout=Grid())
    grid = figure.subplots(len(shown), per_class, squeeze=False)
    for label, (name, row) in enumerate(zip(shown, grid, strict=True)):
        images = dataset.X_train[dataset.y_train == label][:per_class]
        for axes in row:
            axes.axis("off")
        for axes, image in zip(row, images, strict=False):
            picture = np.clip(image.reshape(shape), 0, 1)
            coloured = shape[2] in _COLOUR_CHANNELS
            axes.imshow(picture if coloured else picture.mean(-1), cmap="gray", vmin=0, vmax=1)
            title = wrapped(name, letters(0.85 * wide / per_class), most_lines=2)
            set_panel_title(axes, title, size=points())
    few = len(shown) < len(dataset.classes)
    which = f" of the first {len(shown)} of {len(dataset.classes)} classes" if few else ""
    set_title(
        figure, f"{dataset.name}: sample training images{which}, {shape[1]} × {shape[0]} pixels"
    )
    return figure


def plot_costs(
    curves: pd.DataFrame | Iterable[CostCurves],
    initializers: Sequence[str],
    title: str,
    chance: float | None = None,
) -> Figure:
    """Draw the training cost against the iteration: median over the seeds, and their 90 % range.

    The axis spans the medians of the curves that end near or below the cost of chance, but none
    that is four decades above the curve that stays lowest; a range may reach a factor of three
    beyond them. What ends above is named at the edge.

    Parameters
    ----------
    curves : DataFrame, or iterable of CostCurves
        As in ``Comparison.curves``, each trial's rows together. Each learning rate has a panel.
    initializers : sequence of str
        In the order of the study, which gives the colours.
    title : str
    chance : float, optional
        The cost of chance, drawn as a line.
    """
    look, seeds = styles(initializers), 0
    spreads: dict[float, dict[str, pd.DataFrame]] = {}
    for name, rate, _, moments, costs in by_initializer(curves):
        seeds = max(seeds, len(costs))
        spreads.setdefault(rate, {})[name] = _spread(costs.T, moments)
    figure, panels = new_panels(len(spreads), width=6.4 if len(spreads) == 1 else 4.2, height=4.2)
    for axes, (rate, spread) in zip(panels, spreads.items(), strict=True):
        fill_bands(
            axes,
            next(iter(spread.values())).index.to_numpy(),
            [(band["low"].to_numpy(), band["high"].to_numpy()) for band in spread.values()],
            [look[name].colour for name in spread],
            alpha=0.15,
            linewidths=0,
        )
        for name, band in spread.items():
            colour, dash, _ = look[name]
            axes.plot(band.index, band["median"], linestyle=dash, color=colour, label=name)
        if chance is not None:
            axes.axhline(float(drawable(chance)), color="grey", linewidth=0.8, zorder=0)
        set_panel_title(axes, f"learning rate {rate:g}" if len(spreads) > 1 else "")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, **FEW_TICKS))
    for axes in bottom(panels):
        axes.set_xlabel("iteration")
    bands = [band for spread in spreads.values() for band in spread.values()]
    cut = _limit_costs(panels[0], _healthy(bands, chance), bands)
    for axes, spread in zip(panels, spreads.values(), strict=True):
        _say_beyond(axes, spread)
    panels[0].set_ylabel(f"training cost{cut}")
    handles = [
        Line2D([], [], linestyle=look[name].dash, color=look[name].colour) for name in initializers
    ]
    set_legend(figure, handles, initializers)
    line = "" if chance is None else "\nthe grey line is the cost of chance"
    over = "median and 90 % range over seeds" if seeds > 1 else "of one seed"
    set_title(figure, f"{title}\ntraining cost, {over}{line}")
    return figure


def _say_beyond(axes: Axes, spread: dict[str, pd.DataFrame]) -> None:
    """Name the curves that end above a panel, and say so where none is left in it."""
    _, top = axes.get_ylim()
    ends = {name: float(band["median"].iloc[-1]) for name, band in spread.items()}
    gone = [name for name, end in ends.items() if not end <= top]
    if len(gone) < len(ends):
        name_beyond(axes, "above", gone)
    elif all(np.isnan(end) for end in ends.values()):
        say_empty(axes, "every cost ceases to be a number")
    else:
        say_empty(axes, "every cost ends above this")


def _spread(values: NDArray[np.float64], moments: NDArray[np.int64]) -> pd.DataFrame:
    """Return median and range over the columns, a value that is no number counting as infinite."""
    filled = np.where(np.isnan(values), np.inf, values)
    low, high = seed_range(filled)
    with np.errstate(over="ignore"):  # the mean of the two middle costs
        median = np.median(filled, axis=1)
    return pd.DataFrame(
        {
            "median": np.where(np.isfinite(median), drawable(median), np.nan),
            "low": drawable(low),
            "high": drawable(high),
        },
        index=moments,
    )


def _healthy(bands: Sequence[pd.DataFrame], chance: float | None) -> Sequence[pd.DataFrame]:
    """Return the curves that end near or below the cost of chance; all where none does."""
    most = np.inf if chance is None else _HEALTHY * chance
    return [band for band in bands if band["median"].iloc[-1] <= most] or bands


def _limit_costs(axes: Axes, bands: Sequence[pd.DataFrame], drawn: Sequence[pd.DataFrame]) -> str:
    """Scale the axis by the medians of some, and return what its label has to say of that."""
    every = pd.concat(bands)
    largest = [float(band["median"].max()) for band in bands]
    tamest = min((cost for cost in largest if cost > 0), default=0.0)
    if tamest == 0:
        return ""
    shown = every[every["median"].between(_COSTS_BELOW * tamest, _COSTS_ABOVE * tamest)]
    low, high = shown["median"].min(), shown["median"].max()
    bottom = np.clip(shown["low"].min(), low / _BEYOND, low)
    top = np.clip(shown["high"].max(), high, high * _BEYOND)
    if high > _LOGARITHMIC_FROM * low:
        margin = (top / bottom) ** 0.05
        axes.set(yscale="log", ylim=(bottom / margin, top * margin))
        set_log_ticks(axes.yaxis)
    else:
        bottom = min(bottom, every["median"].min())
        margin = 0.1 * (top - bottom) or 0.1 * top
        axes.set(ylim=(bottom - margin, top + margin))
    between = "\n" if on_paper() else " "
    return f"{between}(drawn up to {top:.2g})" if high < pd.concat(drawn)["median"].max() else ""


def plot_boundaries(
    dataset: Dataset,
    network: Network,
    panels: Sequence[tuple[str, Parameters]],
    title: str,
    *,
    colours: Sequence[Any] | None = None,
    columns: int | None = None,
) -> Figure:
    """Draw what trained networks say over the plane, with the data on it.

    Parameters
    ----------
    dataset : Dataset
        Of classes, with two features.
    network : Network
    panels : sequence of (str, Parameters)
        A title and a trained network each. One that isn't finite has no regions.
    title : str
    colours : sequence of colours, optional
        Of the panels' frames: of their initializers.
    columns : int, optional
        Panels in a row: one for each learning rate, so that the same rates stand below each other.

    Raises
    ------
    ArgumentError
        Where the data have another number of features, or no classes.
    """
    if dataset.n_features != 2 or dataset.classes is None:
        takes = "data of two features and of classes, to draw decision boundaries"
        raise bad_argument("dataset", dataset.describe(), takes)
    wide, high = _BOUNDARY_OF_MANY if (columns or 1) > 3 else _BOUNDARY
    figure, grid = new_panels(len(panels), wide, high, columns=columns)
    examples = drawable(dataset.X_train)
    plane = _mesh(examples)
    for axes, (name, parameters) in zip(grid, panels, strict=True):
        finite = all(np.isfinite(array).all() for layer in parameters for array in layer)
        if finite:
            _regions(axes, plane, network, parameters, len(dataset.classes))
        _scatter(axes, examples, dataset.y_train, dataset, s=9, linewidths=0)
        diverged = "" if finite or "diverged" in name else "\ndiverged"
        set_panel_title(axes, wrapped(name + diverged, letters_across(axes)), size=points(0.9))
        axes.set_box_aspect(1)
    for axes, colour in zip(grid, colours or (), strict=False):
        axes.spines[:].set(visible=True, color=colour, linewidth=2)
    set_title(figure, title)
    set_class_legend(figure, dataset.classes)
    return figure


def _regions(
    axes: Axes,
    plane: tuple[NDArray[np.float64], NDArray[np.float64]],
    network: Network,
    parameters: Parameters,
    n_classes: int,
) -> None:
    """Paint the class that a network says everywhere, and the borders between classes."""
    horizontal, vertical = plane
    with np.errstate(all="ignore"):  # finite weights may still overflow
        logits = forward(network, parameters, np.column_stack([horizontal.flat, vertical.flat]))[0][
            -1
        ]
    said = OUTPUTS[network.output].classes(logits).reshape(horizontal.shape)
    unknown = np.isnan(logits).any(axis=-1).reshape(horizontal.shape)
    painted = to_rgba_array(class_colours(n_classes), _PAINTED)[said]
    painted[unknown] = 0.0
    across, up = horizontal[0], vertical[:, 0]
    half = (across[1] - across[0]) / 2, (up[1] - up[0]) / 2  # a point is the middle of its cell
    axes.imshow(
        (255 * painted).round().astype(np.uint8),
        extent=(across[0] - half[0], across[-1] + half[0], up[0] - half[1], up[-1] + half[1]),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    said = np.ma.masked_where(unknown, said)
    for label in np.unique(said.compressed())[:-1]:
        # Without what lies in earlier classes, so that no border is drawn twice.
        inside = np.ma.masked_where(said < label, said == label)
        axes.contour(horizontal, vertical, inside, levels=[0.5], colors="black", linewidths=0.6)


def _mesh(X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the two coordinates of a grid over the data, each (150, 150)."""
    extent, size = np.ptp(X, axis=0), np.abs(X).max(axis=0)
    room = np.where(extent > 1e-9 * size, extent, np.where(size > 0, size, 1.0))
    ends = zip(X.min(axis=0) - 0.1 * room, X.max(axis=0) + 0.1 * room, strict=True)
    horizontal, vertical = np.meshgrid(*(np.linspace(*end, 150) for end in ends))
    return horizontal, vertical


def panel_title(row: pd.Series, with_rate: bool) -> str:
    """Return the title of a trial's panel, with its learning rate where there were several."""
    rate = f"at {row['learning_rate']:g}, " if with_rate else ""
    test = "" if np.isnan(row["test_accuracy"]) else f", {row['test_accuracy']:.0%} test"
    shares = f"{row['train_accuracy']:.0%} train{test}"
    return f"{row['initializer']}\n{rate}seed {row['seed']}: {shares}"
