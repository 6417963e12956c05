"""The few examples that stand for a data set: scales, correlations and classes like all of it."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets import Dataset

MOST, FEW = 100, 32
_LOOKED_AT = 2000  # examples among which they are chosen


@dataclass(frozen=True, eq=False)
class Examples:
    """Some examples that stand for a data set.

    Attributes
    ----------
    X : array, shape (m, n_features)
    y : array, shape (m,)
    of : int
        How many there are in all.
    own : float
        How often an example's product with itself counts in a sum over pairs, so that the sum is
        that of all, were all weights 0: 1 where these are all, less where many more would each
        count less.
    few : Examples, optional
        The first of them, which stand for all too, a little worse.
    """

    X: NDArray[np.float64]
    y: NDArray[Any]
    of: int
    own: float = 1.0
    few: "Examples | None" = None


def representatives(data: Dataset, most: int = MOST) -> Examples:
    """Return the examples that stand for the training examples.

    All of them up to ``most``, else as many chosen by herding (Welling 2009; Chen, Welling and
    Smola 2010), so that their mean in a feature space comes as near to that of all as it can; then
    scaled by one factor, so that their mean square is that of all.

    Examples
    --------
    >>> from goodinit.datasets import load
    >>> few = representatives(load("digits"))
    >>> all_of_them = load("digits").X_train
    >>> print(few.X.shape, f"{np.mean(few.X**2) / np.mean(all_of_them**2):.6f}")
    (100, 64) 1.000000
    """
    X, y = data.X_train, data.y_train
    if len(X) <= most:
        return Examples(X, y, len(X))
    order = np.lexsort((np.sum(X**2, axis=1), y))
    places = np.linspace(0, len(X) - 1, min(len(X), _LOOKED_AT)).astype(int)
    looked = order[places]
    classes = data.classes is not None
    chosen = looked[_herd(_likeness(X[looked], y[looked], classes), most)]
    few = _standing(data, chosen[:FEW]) if most > FEW else None
    return _standing(data, chosen, few)


def _standing(data: Dataset, chosen: NDArray[np.int64], few: Examples | None = None) -> Examples:
    """Return examples that are chosen, scaled by one factor to the mean square of all."""
    X, y = data.X_train, data.y_train
    square = float(np.mean(X[chosen] ** 2))
    own = np.sqrt(np.mean(X**2) / square) * X[chosen] if square > 0 else X[chosen]
    away = _away(y, data.classes is not None)
    return Examples(own, y[chosen], len(X), _own(X, away, own, away[chosen]), few)


def _away(y: NDArray[Any], classes: bool) -> NDArray[np.float64]:
    """Return how far targets are from what a network of zeros answers, shape (n, outputs)."""
    if not classes:
        return np.asarray(y, dtype=float)[:, np.newaxis]
    kinds = np.unique(y)
    return np.asarray((y[:, np.newaxis] == kinds) - 1 / len(kinds))


def _own(
    X: NDArray[np.float64],
    away: NDArray[np.float64],
    few: NDArray[np.float64],
    few_away: NDArray[np.float64],
) -> float:
    """Return what makes the square of few's first gradient that of all, were all weights 0."""
    one = float(np.mean(np.sum(X**2, axis=1)))  # what a bias' input counts beside the features
    whole = np.sum((X.T @ away / len(X)) ** 2) + one * np.sum(away.mean(axis=0) ** 2)
    some = np.sum((few.T @ few_away / len(few)) ** 2) + one * np.sum(few_away.mean(axis=0) ** 2)
    squares = (np.sum(few**2, axis=1) + one) * np.sum(few_away**2, axis=1)
    selves = float(squares.sum()) / len(few) ** 2
    return float(np.clip(1 + (whole - some) / selves, 0, 1)) if selves > 0 else 1.0


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


def _herd(kernel: NDArray[np.float64], most: int) -> list[int]:
    mean, own = kernel.mean(axis=1), 0.5 * np.diag(kernel)
    chosen: list[int] = []
    total = np.zeros(len(kernel))
    for count in range(1, most + 1):
        score = count * mean - total - own
        score[chosen] = -np.inf
        best = int(np.argmax(score))
        chosen.append(best)
        total += kernel[best]
    return chosen
