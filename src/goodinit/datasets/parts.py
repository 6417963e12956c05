"""How one set of examples becomes a training and a test part, and how features are scaled."""

from dataclasses import replace
from math import ceil
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets.dataset import Dataset, TargetScale
from goodinit.errors import ArgumentError, bad_argument, printable

TEST_FRACTION = 0.25
VALIDATION_FRACTION = 0.2  # of the training part
_LARGE = 10  # root mean square of a feature, above which it swamps the others
_MIXED = 10  # times as much may a table's column vary as another


def split(
    dataset: Dataset, *, test_fraction: float = TEST_FRACTION, split_seed: int = 0
) -> Dataset:
    """Return `dataset` with a test part drawn from its training part.

    Classes keep their shares in both parts. The parts are those of scikit-learn's
    ``train_test_split(X, y, test_size=test_fraction, random_state=split_seed, stratify=y)``
    (without ``stratify`` where `y` is a number to predict).

    Parameters
    ----------
    dataset : Dataset
        Without a test part.
    test_fraction : float
        The share of examples for the test part, in [0, 1), rounded up to whole examples; 0 leaves
        `dataset` as it is.
    split_seed : int
        Which of the possible splits, 0 to 2**32 - 1.

    Raises
    ------
    ArgumentError
        Where an argument is out of range, or a class has too few examples to be divided.

    Examples
    --------
    >>> from goodinit.datasets.arrays import undivided
    >>> ten = undivided("ten", np.arange(10.0).reshape(10, 1), [0, 1] * 5)
    >>> split(ten, test_fraction=0.4).describe()
    'ten: 6 train and 4 test examples, 1 feature, 2 classes'
    """
    check_split(test_fraction, split_seed)
    if test_fraction == 0:
        return dataset
    train, test = split_rows(dataset.y_train, dataset.classes, test_fraction, split_seed)
    X, y = dataset.X_train, dataset.y_train
    return replace(dataset, X_train=X[train], y_train=y[train], X_test=X[test], y_test=y[test])


def with_validation(dataset: Dataset, split_seed: int = 0) -> Dataset:
    """Return `dataset` with a fifth of its training part set aside, to choose a learning rate by.

    The test part, which is reported, has no say in it. Classes keep their shares. Without a test
    part, or where a class has too few examples to be divided, `dataset` is returned as it is.

    Examples
    --------
    >>> from goodinit.datasets import iris
    >>> with_validation(iris(), split_seed=0).describe()
    'iris: 89 train, 23 validation and 38 test examples, 4 features, 3 classes'
    """
    if not len(dataset.X_test) or dataset.X_validation is not None:
        return dataset
    X, y = dataset.X_train, dataset.y_train
    try:
        train, kept = split_rows(y, dataset.classes, VALIDATION_FRACTION, split_seed)
        return replace(
            dataset, X_train=X[train], y_train=y[train], X_validation=X[kept], y_validation=y[kept]
        )
    except ArgumentError:  # what is left could not be learned from
        return dataset


def check_split(test_fraction: float, split_seed: int) -> None:
    """Raise ArgumentError unless `split` can use these."""
    if not is_number(test_fraction, Real) or not 0 <= test_fraction < 1:
        raise bad_argument("test_fraction", test_fraction, "a number from 0 to below 1")
    if not is_number(split_seed, Integral) or not 0 <= split_seed < 2**32:
        raise bad_argument("split_seed", split_seed, "a whole number from 0 to 2**32 - 1")


def standardized(dataset: Dataset) -> Dataset:
    """Return `dataset` with each feature shifted and scaled by what the training part shows.

    A feature's mean over the training part becomes 0 and its standard deviation 1; the test part is
    moved with it. A feature that is constant in the training part becomes 0 there and isn't scaled.
    Numbers to predict stay as they are.

    Raises
    ------
    ArgumentError
        Where a feature's variance overflows.

    Examples
    --------
    >>> from goodinit.datasets.arrays import undivided
    >>> standardized(undivided("two", [[1.0, 5.0], [3.0, 5.0]], [0, 1])).X_train
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    X = dataset.X_train
    constant = np.equal(X, X[0]).all(axis=0)
    try:
        with np.errstate(over="raise", invalid="raise"):
            # The mean of a constant feature, summed in floating point, may miss it by a rounding.
            mean = np.where(constant, X[0], X.mean(axis=0))
            scale = np.where(constant, 1.0, X.std(axis=0))
            X_test = (dataset.X_test - mean) / scale
            X_train = (X - mean) / scale
    except FloatingPointError:
        largest = float(np.abs(X).max())
        takes = "features of a variance that a float64 can hold"
        raise bad_argument("largest value in X_train", largest, takes) from None
    return replace(dataset, X_train=X_train, X_test=X_test)


def split_rows(
    y: NDArray[Any], classes: tuple[str, ...] | None, test_fraction: float, split_seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which rows are for training and which for testing.

    Parameters
    ----------
    y : array, shape (n_samples,)
        Class indices, or numbers to predict where `classes` is None.
    classes : tuple of str, or None
    test_fraction, split_seed
        As `split` takes them, and raises what it raises.
    """
    from sklearn.model_selection import train_test_split  # here, because it is slow to import

    n = len(y)
    if test_fraction == 0:
        return np.arange(n), np.arange(0)
    n_test = ceil(test_fraction * n)
    labels = None if classes is None else y
    counts = np.array([n]) if labels is None else np.unique(labels, return_counts=True)[1]
    if counts.min() < 2 or not len(counts) <= n_test <= n - len(counts):
        raise _too_few(classes, test_fraction, counts)
    train, test = train_test_split(
        np.arange(n), test_size=float(test_fraction), random_state=int(split_seed), stratify=labels
    )
    if labels is not None and len(np.unique(labels[train])) < len(counts):
        raise _too_few(classes, test_fraction, counts)
    return train, test


def _too_few(
    classes: tuple[str, ...] | None, test_fraction: float, counts: NDArray[np.int64]
) -> ArgumentError:
    n = int(counts.sum())
    takes = "0, or a fraction that leaves examples for both parts"
    if classes is None:
        return bad_argument("test_fraction", test_fraction, f"{takes} ({n} in all)")
    if counts.min() < 2:
        takes = "0, since a fraction leaves no examples for both parts"
    elif n >= 2 * len(counts):
        enough = max(ceil(100 * len(counts) / n) / 100, test_fraction)
        takes += f", such as {enough:g}," if n - ceil(enough * n) >= len(counts) else ""
    rarest = printable(classes[int(counts.argmin())])
    smallest = (
        f"{len(counts)} classes, the smallest with {counts.min()} of {n} examples: {rarest!r}"
    )
    counted = all(name.lstrip("-").isdecimal() for name in classes)
    rule = "; whole numbers count as classes: to predict them, say that the task is regression"
    return bad_argument(
        "test_fraction",
        test_fraction,
        f"{takes} in every class ({smallest}{rule if counted else ''})",
    )


def needs_scaling(X: NDArray[np.float64], *, mixed: bool) -> bool:
    """Return whether gradient descent needs features scaled, by their size over the training part.

    Yes where the largest root mean square of a feature is above 10 or below 0.1, the range in which
    initializers are derived for inputs near 1; of a table's columns (`mixed`) also where one varies
    ten times as much as another.

    Parameters
    ----------
    X : array, shape (n_samples, n_features)
        NaN where a value is missing.
    mixed : bool

    Examples
    --------
    >>> needs_scaling(np.array([[0.5, 1.0], [-1.0, 0.3]]), mixed=True)
    False
    >>> needs_scaling(np.array([[180.0, 1.0], [170.0, 0.3]]), mixed=True)
    True
    """
    with np.errstate(over="ignore"):
        size = np.sqrt(np.nanmean(X**2, axis=0))
        spread = np.nanstd(X, axis=0)
    spread = spread[spread > 0]
    largest = size.max()
    differ = mixed and len(spread) > 0 and spread.max() > _MIXED * spread.min()
    return bool(largest > _LARGE or 0 < largest < 1 / _LARGE or differ)


def target_standardized(dataset: Dataset, name: str = "y") -> Dataset:
    """Return `dataset` with its numbers to predict at mean 0 and standard deviation 1.

    Both are those of the training part, with which the test part is moved. Gradient descent
    at a usual learning rate diverges on numbers of thousands.

    Parameters
    ----------
    dataset : Dataset
        With numbers to predict.
    name : str
        What they are called.

    Raises
    ------
    ArgumentError
        Where their variance overflows.

    Examples
    --------
    >>> from goodinit.datasets.arrays import undivided
    >>> prices = undivided("prices", [[0.0], [1.0]], [1000.5, 3000.5])
    >>> target_standardized(prices, "price").describe()
    'prices: 2 train and 0 test examples, 1 feature, a number to predict, price, standardised (1 is
    1,000, 0 is 2,000)'
    """
    y = dataset.y_train
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(y.mean()), float(y.std())
    if not 0 < deviation < np.inf:
        takes = "numbers to predict that differ, of a variance that a float64 can hold"
        raise bad_argument("y_train", float(np.abs(y).max()), takes)
    return replace(
        dataset,
        y_train=(y - mean) / deviation,
        y_test=(dataset.y_test - mean) / deviation,
        target_scale=TargetScale(printable(name), mean, deviation),
    )


def is_number(value: object, kind: type) -> bool:
    """Return whether `value` is of the numeric `kind` (`Real`, `Integral`); a bool is no number."""
    return isinstance(value, kind) and not isinstance(value, bool)
