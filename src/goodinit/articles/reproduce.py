"""Every published figure beside the one measured here, from the articles' own functions."""

from collections.abc import Callable, Iterable
from functools import partial
from math import isclose
from pathlib import Path

import numpy as np
import pandas as pd

from goodinit.articles import deep, layers, published, three_layer
from goodinit.articles.layers import Array, Labels, Parameters
from goodinit.articles.published import Run, Value
from goodinit.errors import bad_argument

Figures = dict[str, Value]

EXACT = "exact"
NEEDS_IMAGES = "needs --images DIR"
RELATIVE_TOLERANCE = 1e-9


def reproduce(
    images: str | Path | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Return every published figure beside the one measured here.

    Each run is trained once, silently, through ``three_layer`` or ``deep``. NumPy's global stream
    is left as it was.

    Parameters
    ----------
    images : str or Path, optional
        The folder with the photographs of article 004; without it its figures are not measured.
    progress : callable, optional
        Called as ``progress(done, total)`` after every run.

    Returns
    -------
    DataFrame
        One row per figure, in the order of the articles: ``article, experiment, initialization,
        quantity, published, measured, verdict``. Accuracies are 0 to 1; a matrix is a list of rows.
        The verdict is "exact" (equal to the digits printed, or within 1e-9 relative), "differs by
        … (relative …)", for a matrix its largest difference, or "needs --images DIR".

    Raises
    ------
    ArgumentError
        If there is no such folder, or its photographs can't be read.

    Examples
    --------
    >>> table = reproduce()
    >>> cost = table[table.quantity == "cost at iteration 14000"].set_index("initialization")
    >>> f"{cost.measured['he']:.12f}", cost.verdict["he"]
    ('0.073578959627', 'exact')
    """
    if images is not None and not Path(images).is_dir():
        raise bad_argument("images", images, "a folder of JPEG photographs")
    state = np.random.get_state()
    try:
        measured = _measure(_experiments(images), progress)
    finally:
        np.random.set_state(state)
    return pd.DataFrame([_row(figure, measured) for figure in published.figures()])


def must_be_exact(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that should be exact and aren't; it is empty where all is well.

    These are the weight matrices and the zeros and He runs on the circles, which rounding hardly
    moves. The other runs magnify it.

    Parameters
    ----------
    table : DataFrame
        As ``reproduce`` returns it.

    Examples
    --------
    >>> row = {"experiment": "circles", "initialization": "he", "verdict": "differs by 1e-3"}
    >>> len(must_be_exact(pd.DataFrame([row])))
    1
    """
    settled = table.experiment.str.startswith("weights") | (
        (table.experiment == "circles") & table.initialization.isin(["zeros", "he"])
    )
    return table[settled & (table.verdict != EXACT)]


def verdict(value: Value, measured: Value, printed: str) -> str:
    """Return how a measured number or matrix stands to the published one.

    Parameters
    ----------
    value, measured : float or list of list of float
        Of the same shape.
    printed : str
        The format of the published digits.

    Examples
    --------
    >>> verdict(0.99, 0.9933, ".2f"), verdict(0.25, 0.5, ".12g")
    ('exact', 'differs by 2.5e-01 (relative 1.0e+00)')
    """
    pairs = list(zip(np.ravel(value), np.ravel(measured), strict=True))
    if all(_exact(float(a), float(b), printed) for a, b in pairs):
        return EXACT
    difference = np.max(np.abs(np.subtract(value, measured)))
    largest = np.max(np.abs(value))
    relative = difference / largest if 0 < largest < np.inf else np.inf
    return f"differs by {difference:.1e} (relative {relative:.1e})"


def _exact(value: float, measured: float, printed: str) -> bool:
    close = isclose(value, measured, rel_tol=RELATIVE_TOLERANCE)
    return close or format(value, printed) == format(measured, printed)


def weights_figures(layers_dims: list[int], run: Run) -> Figures:
    """Return the parameters that the run's initialization draws, each a list of rows."""
    return {name: array.tolist() for name, array in _circles_weights(layers_dims, run).items()}


def circles_figures(data: tuple[Array, Labels, Array, Labels], run: Run) -> Figures:
    """Train articles 000 to 003's network once, and return its costs and accuracies.

    ``data`` is what ``three_layer.circles`` returns, in any order of the examples.
    """
    train_X, train_Y, test_X, test_Y = data
    parameters = _circles_weights([2, *three_layer.HIDDEN_DIMS, 1], run)
    costs = layers.descend(
        train_X,
        train_Y,
        parameters,
        hidden=three_layer.HIDDEN,
        learning_rate=three_layer.LEARNING_RATE,
        iterations=three_layer.NUM_ITERATIONS,
    )
    return _by_iteration(costs) | {
        "train accuracy": float(np.mean(three_layer.predict_dec(parameters, train_X) == train_Y)),
        "test accuracy": float(np.mean(three_layer.predict_dec(parameters, test_X) == test_Y)),
    }


def cats_vs_dogs_figures(data: tuple[Array, Labels], run: Run) -> Figures:
    """Train article 004's network once, and return its costs and accuracy.

    ``data`` is what ``deep.load_dataset_catvsdog`` returns, the pixels divided by 255, in any order
    of the examples.
    """
    X, Y = data
    parameters = deep.INITIALIZERS[run.initialization]([len(X), 5, 5, 1])
    costs = layers.descend(
        X,
        Y,
        parameters,
        hidden="tanh",
        learning_rate=deep.LEARNING_RATE,
        iterations=deep.NUM_ITERATIONS,
    )
    return _by_iteration(costs) | {
        "train accuracy": deep.accuracy_rate(X, parameters, Y, "tanh"),
    }


def _circles_weights(layers_dims: list[int], run: Run) -> Parameters:
    if run.unseeded:
        three_layer.circles()
        return three_layer.initialize_parameters_random(layers_dims, seed=None)
    return three_layer.INITIALIZERS[run.initialization](layers_dims)


def _by_iteration(costs: Iterable[float]) -> Figures:
    return {f"cost at iteration {i}": float(cost) for i, cost in enumerate(costs)}


def _experiments(images: str | Path | None) -> dict[str, Callable[[Run], Figures]]:
    experiments: dict[str, Callable[[Run], Figures]] = {
        "weights [3, 2, 1]": partial(weights_figures, [3, 2, 1]),
        "weights [2, 4, 1]": partial(weights_figures, [2, 4, 1]),
        "circles": partial(circles_figures, three_layer.circles()),
    }
    if images is not None:
        X, Y = deep.load_dataset_catvsdog(images)
        experiments["cats_vs_dogs"] = partial(cats_vs_dogs_figures, (X / 255, Y))
    return experiments


def _measure(
    experiments: dict[str, Callable[[Run], Figures]],
    progress: Callable[[int, int], None] | None,
) -> dict[Run, Figures]:
    runs = dict.fromkeys(figure.run for figure in published.figures())
    possible = [run for run in runs if run.experiment in experiments]
    measured = {}
    for done, run in enumerate(possible, start=1):
        measured[run] = experiments[run.experiment](run)
        if progress is not None:
            progress(done, len(possible))
    return measured


def _row(figure: published.Figure, measured: dict[Run, Figures]) -> dict[str, object]:
    value = measured[figure.run][figure.quantity] if figure.run in measured else None
    return {
        "article": figure.article,
        "experiment": figure.run.experiment,
        "initialization": figure.run.initialization,
        "quantity": figure.quantity + (f" ({figure.note})" if figure.note else ""),
        "published": figure.value,
        "measured": value,
        "verdict": NEEDS_IMAGES if value is None else verdict(figure.value, value, figure.printed),
    }
