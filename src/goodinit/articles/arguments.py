"""What the articles' functions accept: every check raises ``goodinit.errors.ArgumentError``."""

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit.errors import bad_argument, bad_name

Array = NDArray[Any]


def check_training(
    X: Array, Y: Array, layers_dims: Sequence[int], learning_rate: float, num_iterations: int
) -> None:
    """Raise ArgumentError unless such a network can be trained on these examples."""
    check_layers_dims(layers_dims)
    check_examples(X, Y)
    if layers_dims[0] != X.shape[0] or layers_dims[-1] != 1:
        takes = f"sizes from X's {X.shape[0]} features to 1 output"
        raise bad_argument("layers_dims", layers_dims, takes)
    if not (
        isinstance(learning_rate, int | float | np.floating)
        and isfinite(learning_rate)
        and learning_rate > 0
    ):
        raise bad_argument("learning_rate", learning_rate, "a number above 0")
    if not isinstance(num_iterations, int | np.integer) or num_iterations < 0:
        raise bad_argument("num_iterations", num_iterations, "a whole number, 0 or more")


def check_layers_dims(layers_dims: Sequence[int]) -> None:
    """Raise ArgumentError unless these are the sizes of two layers or more."""
    several = isinstance(layers_dims, Sequence | np.ndarray) and len(layers_dims) >= 2
    if not several or not all(
        isinstance(size, int | np.integer) and not isinstance(size, bool) and size > 0
        for size in layers_dims
    ):
        raise bad_argument("layers_dims", layers_dims, "two or more whole numbers above 0")


def check_examples(X: Array, Y: Array, labels: str = "Y") -> None:
    """Raise ArgumentError unless X has an example in each column, and Y a label for each."""
    if not isinstance(X, np.ndarray) or X.ndim != 2 or 0 in X.shape:
        got = X.shape if isinstance(X, np.ndarray) else X
        raise bad_argument("X", got, "an array (features, examples), examples in columns")
    if X.dtype.kind not in "biuf" or not np.isfinite(X).all():
        raise bad_argument("X", "NaN, infinity or no number", "finite numbers")
    check_labels(Y, X, labels)
    if not np.isin(Y, (0, 1)).all():
        raise bad_argument(labels, np.unique(Y).tolist(), "labels that are 0 or 1")


def check_labels(Y: Array, columns: Array, labels: str = "Y") -> None:
    """Raise ArgumentError unless Y is one row with a label for each of the columns."""
    takes = (1, np.shape(columns)[1])
    if np.shape(Y) != takes:
        raise bad_argument(labels, np.shape(Y), f"the shape {takes}, a label for each example")


def check_name(argument: str, name: object, names: Iterable[str]) -> None:
    """Raise ArgumentError, with the nearest name, unless the name is one of these."""
    if name not in list(names):
        raise bad_name(argument, str(name), names)


def check_input(X: Array, first_weights: Array) -> None:
    """Raise ArgumentError unless X has an example in each column, with the features weighed."""
    features = first_weights.shape[1]
    if np.ndim(X) != 2 or X.shape[0] != features:
        takes = f"a shape ({features}, examples), examples in columns"
        raise bad_argument("X", np.shape(X), takes)
