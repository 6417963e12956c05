"""How one set of examples becomes a training and a test part, and how features are scaled."""

from dataclasses import replace
from math import ceil
from numbers import Integral, Real

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets.dataset import Dataset
from goodinit.errors import ArgumentError, bad_argument

TEST_FRACTION = 0.25


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
    train, test = _split_rows(dataset, test_fraction, split_seed)
    X, y = dataset.X_train, dataset.y_train
    return replace(dataset, X_train=X[train], y_train=y[train], X_test=X[test], y_test=y[test])


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


def _split_rows(
    dataset: Dataset, test_fraction: float, split_seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    from sklearn.model_selection import train_test_split  # here, because it is slow to import

    n = len(dataset.y_train)
    n_test = ceil(test_fraction * n)
    labels = None if dataset.classes is None else dataset.y_train
    counts = np.array([n]) if labels is None else np.unique(labels, return_counts=True)[1]
    if counts.min() < 2 or not len(counts) <= n_test <= n - len(counts):
        raise _too_few(dataset, test_fraction, counts)
    train, test = train_test_split(
        np.arange(n), test_size=float(test_fraction), random_state=int(split_seed), stratify=labels
    )
    if labels is not None and len(np.unique(labels[train])) < len(counts):
        raise _too_few(dataset, test_fraction, counts)
    return train, test


def _too_few(dataset: Dataset, test_fraction: float, counts: NDArray[np.int64]) -> ArgumentError:
    n = len(dataset.y_train)
    takes = "0, or a fraction that leaves examples for both parts"
    if dataset.classes is None:
        return bad_argument("test_fraction", test_fraction, f"{takes} ({n} in all)")
    smallest = f"{len(counts)} classes, the smallest with {counts.min()} of {n} examples"
    counted = all(name.lstrip("-").isdecimal() for name in dataset.classes)
    rule = (
        "; whole numbers count as classes: to predict them, give them a fraction or pass a Dataset "
        "with classes=None"
    )
    return bad_argument(
        "test_fraction",
        test_fraction,
        f"{takes} in every class ({smallest}{rule if counted else ''})",
    )


def is_number(value: object, kind: type) -> bool:
    """Return whether `value` is of the numeric `kind` (`Real`, `Integral`); a bool is no number."""
    return isinstance(value, kind) and not isinstance(value, bool)
