"""The data of the zoo: small, so that forty seeds of each network train in seconds."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets import Dataset, load

Array = NDArray[np.float64]


def _part(name: str, n: int) -> Dataset:
    whole = load(name)
    return Dataset(
        name, whole.X_train[:n], whole.y_train[:n], whole.X_test, whole.y_test, whole.classes
    )


def _made(name: str, draw: Callable[[np.random.Generator, int], tuple[Array, Array]]) -> Dataset:
    rng = np.random.default_rng(0)
    classes = None if name in ("wave", "steep", "large") else ("no", "yes")
    return Dataset(name, *draw(rng, 100), *draw(rng, 50), classes)


def _wave(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    X = rng.uniform(-2, 2, (n, 2))
    return X, np.sin(2 * X[:, 0]) + X[:, 1]


def _steep(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """A line whose inputs are far from standardised."""
    X = rng.normal(0, 10, (n, 3))
    return X, X @ np.array([1.0, -2.0, 0.5])


def _noisy(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Two classes that overlap so far that the best answer has nine tenths of the cost of chance.

    Half of the labels are drawn from the sign of the first of two features, half by lot.
    """
    X = rng.normal(0, 1, (4 * n, 2))
    said, lot = X[:, 0] > 0, rng.random(4 * n) < 0.5
    return X, np.where(rng.random(4 * n) < 0.65, said, lot).astype(np.int64)


def _positive(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Two classes of positive features, the last of which is always one: it acts as a bias."""
    X = np.column_stack([rng.uniform(0, 1, (n, 2)), np.ones(n)])
    return X, (np.abs(X[:, 0] - X[:, 1]) > 0.3).astype(np.int64)


def _unscaled(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Two classes inside and outside of a circle, a thousand times as far out as usual."""
    X = 1000 * rng.normal(0, 1, (n, 2))
    return X, (np.hypot(*X.T) > 1000).astype(np.int64)


def _apart(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Two classes inside and outside of a circle, one of whose axes is a thousand times longer."""
    X = rng.normal(0, 1, (n, 2))
    return X * [1, 1000], (np.hypot(*X.T) > 1).astype(np.int64)


def _large(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Numbers to predict that are thousands of times the outputs of a fresh network."""
    X, y = _wave(rng, n)
    return X, 5000 * y


def _contradicting(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Ten points, whose label is drawn by lot each time that one of them comes."""
    X = rng.normal(0, 1, (10, 2))
    return np.resize(X, (4 * n, 2)), (rng.random(4 * n) < 0.5).astype(np.int64)


_DRAWN = {
    "wave": _wave,
    "steep": _steep,
    "noisy": _noisy,
    "positive": _positive,
    "unscaled": _unscaled,
    "apart": _apart,
    "large": _large,
    "contradicting": _contradicting,
}


@cache
def data(name: str) -> Dataset:
    """Return the data set of a case."""
    return _made(name, _DRAWN[name]) if name in _DRAWN else _part(name, 100)
