"""What plain arrays mean: which labels are classes, which are numbers to predict."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goodinit.datasets.dataset import (
    Dataset,
    as_features,
    as_labels,
    check_lengths,
    check_parts_match,
    check_varied,
)
from goodinit.errors import bad_argument

MOST_CLASSES_OF_FEW = 20
FEW_EXAMPLES = 5


def undivided(
    name: str,
    X: ArrayLike,
    y: ArrayLike,
    *,
    y_name: str = "y",
    image_shape: tuple[int, int, int] | None = None,
    task: str | None = None,
) -> Dataset:
    """Return examples as a data set without a test part.

    Parameters
    ----------
    name : str
        The data set's name.
    X : array-like, shape (n_samples, n_features)
        The features.
    y : array-like, shape (n_samples,)
        Strings, bools or numbers; `class_values` says which become classes.
    y_name : str
        What the user calls `y`.
    image_shape : (height, width, channels), optional
        Where a row is an image.
    task : {"classification", "regression"}, optional
        What there is to learn, where the labels themselves don't say it.

    Raises
    ------
    ArgumentError
        Where an array doesn't fit.

    Examples
    --------
    >>> undivided("pets", [[0.0], [1.0]], ["dog", "cat"]).classes
    ('cat', 'dog')
    """
    features = as_features("X", X)
    labels = as_labels(y_name, y)
    check_lengths("X", features, y_name, labels)
    check_varied(y_name, labels)
    targets, classes = labelled(labels, task, y_name)
    return Dataset(
        name, features, targets, features[:0], targets[:0], classes, image_shape=image_shape
    )


def divided(
    name: str,
    X_train: ArrayLike,
    y_train: ArrayLike,
    X_test: ArrayLike,
    y_test: ArrayLike,
    *,
    task: str | None = None,
) -> Dataset:
    """Return examples that come in two parts as a data set; `y_train` says what the labels mean.

    Shapes and types are those of `undivided`, for each part.

    Raises
    ------
    ArgumentError
        Where an array doesn't fit, or a test label is no class of `y_train`.

    Examples
    --------
    >>> divided("pets", [[0.0], [1.0]], [True, False], [[2.0]], [True]).describe()
    'pets: 2 train and 1 test examples, 1 feature, 2 classes'
    """
    X = as_features("X_train", X_train), as_features("X_test", X_test, fewest=0)
    y = as_labels("y_train", y_train), as_labels("y_test", y_test)
    check_lengths("X_train", X[0], "y_train", y[0])
    check_lengths("X_test", X[1], "y_test", y[1])
    check_parts_match(*X)
    check_varied("y_train", y[0])
    values = _values(y[0], task, "y_train")
    if values is not None:
        y = np.searchsorted(values, y[0]), _indices_of_test_labels(y[1], values)
    return Dataset(name, X[0], y[0], X[1], y[1], _class_names(values))


def labelled(
    labels: NDArray[Any], task: str | None, name: str
) -> tuple[NDArray[Any], tuple[str, ...] | None]:
    """Return what labels are to be learned as: class indices and names, or numbers and None.

    Parameters
    ----------
    labels : array, shape (n_samples,)
        As `as_labels` returns them.
    task : {"classification", "regression"} or None
        None: by the rule of `class_values`.
    name : str
        What the user calls them.

    Raises
    ------
    ArgumentError
        Where strings are to be predicted as numbers.

    Examples
    --------
    >>> labelled(np.array([3, 7, 3]), None, "y")
    (array([0, 1, 0]), ('3', '7'))
    >>> labelled(np.array([3, 7, 3]), "regression", "y")
    (array([3, 7, 3]), None)
    """
    values = _values(labels, task, name)
    return (labels if values is None else np.searchsorted(values, labels)), _class_names(values)


def numbered(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def class_values(labels: NDArray[Any]) -> NDArray[Any] | None:
    """Return the sorted distinct labels where they are classes, None where they are numbers.

    Strings and bools are classes. Numbers with a fractional part are numbers to predict. Whole
    numbers are classes, unless more than 20 distinct ones have fewer than 5 examples each on
    average. A `Dataset` made by hand overrules this.

    Examples
    --------
    >>> class_values(np.array([2.0, 1.0, 2.0]))
    array([1., 2.])
    >>> class_values(np.array([2.5, 1.0, 2.0])) is None
    True
    >>> class_values(np.arange(100)) is None
    True
    """
    values = np.unique(labels)
    if values.dtype.kind in "Ub":
        return values
    scattered = len(values) > MOST_CLASSES_OF_FEW and len(labels) < FEW_EXAMPLES * len(values)
    return None if scattered or (values != np.round(values)).any() else values


def _values(labels: NDArray[Any], task: str | None, name: str) -> NDArray[Any] | None:
    if task == "classification":
        return np.unique(labels)
    if task == "regression":
        if labels.dtype.kind in "Ub":
            kind = "strings" if labels.dtype.kind == "U" else "bools"
            raise bad_argument(name, kind, "numbers, for task='regression'")
        return None
    return class_values(labels)


def _class_names(values: NDArray[Any] | None) -> tuple[str, ...] | None:
    if values is None:
        return None
    return tuple(
        str(int(v)) if isinstance(v, np.floating) and v == int(v) else str(v) for v in values
    )


def _indices_of_test_labels(labels: NDArray[Any], values: NDArray[Any]) -> NDArray[np.int64]:
    if labels.size == 0:
        return np.empty(0, np.int64)
    if (labels.dtype.kind == "U") != (values.dtype.kind == "U"):
        raise bad_argument("type of y_test", str(labels.dtype), f"{values.dtype}, as y_train")
    unseen = np.setdiff1d(labels, values).tolist()
    if unseen:
        raise bad_argument("classes in y_test", unseen, "only classes that y_train has too")
    return np.searchsorted(values, labels).astype(np.int64, copy=False)
