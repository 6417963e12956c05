"""The few examples that stand for a data set: scales, correlations and classes like all of it."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets import Dataset

Examples = tuple[NDArray[np.float64], NDArray[Any]]

MOST = 100
_LOOKED_AT = 2000  # examples among which they are chosen


def representatives(data: Dataset) -> Examples:
    """Return inputs (m, n_features) and targets (m,) that stand for the training examples.

    All of them up to 100, else 100 chosen by herding (Welling 2009; Chen, Welling and Smola 2010),
    so that their mean in a feature space comes as near to that of all as it can; then scaled by one
    factor, so that their mean square is that of all.

    Examples
    --------
    >>> from goodinit.datasets import load
    >>> X, y = representatives(load("digits"))
    >>> print(X.shape, f"{np.mean(X**2) / np.mean(load('digits').X_train ** 2):.6f}")
    (100, 64) 1.000000
    """
    X, y = data.X_train, data.y_train
    if len(X) <= MOST:
        return X, y
    order = np.lexsort((np.sum(X**2, axis=1), y))
    places = np.linspace(0, len(X) - 1, min(len(X), _LOOKED_AT)).astype(int)
    looked = order[places]
    chosen = looked[_herd(_likeness(X[looked], y[looked], data.classes is not None))]
    square = float(np.mean(X[chosen] ** 2))
    scale = np.sqrt(np.mean(X**2) / square) if square > 0 else 1.0
    return scale * X[chosen], y[chosen]


def _likeness(X: NDArray[np.float64], y: NDArray[Any], classes: bool) -> NDArray[np.float64]:
    """Return a kernel of inputs, larger where targets agree; classes come one after another."""
    length = float(np.mean(np.sum(X**2, axis=1))) or 1.0
    inputs = X @ X.T
    inputs /= length
    np.exp(np.clip(inputs, -30, 30, out=inputs), out=inputs)
    if not classes:
        spread = (y - y.mean()) / (y.std() or 1.0)
        inputs *= 2 + np.clip(np.outer(spread, spread), -1, None)
        return inputs
    starts = np.flatnonzero(np.concatenate([[True], y[1:] != y[:-1]]))
    for first, end in pairwise([*starts, len(y)]):
        inputs[first:end, first:end] *= 1 + len(starts)
    return inputs


def _herd(kernel: NDArray[np.float64]) -> list[int]:
    mean, own = kernel.mean(axis=1), 0.5 * np.diag(kernel)
    chosen: list[int] = []
    total = np.zeros(len(kernel))
    for count in range(1, MOST + 1):
        score = count * mean - total - own
        score[chosen] = -np.inf
        best = int(np.argmax(score))
        chosen.append(best)
        total += kernel[best]
    return chosen
