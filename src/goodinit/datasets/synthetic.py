"""Data sets drawn from a formula: two features, 300 examples to train on and 100 to test on.

Each takes ``split``, the number of the draw: 0 is the articles', any other is drawn afresh.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets.dataset import Dataset

N_TRAIN, TRAIN_SEED = 300, 1
N_TEST, TEST_SEED = 100, 2

Draw = Callable[[int, int], tuple[NDArray[np.float64], NDArray[Any]]]


def circles(*, split: int = 0) -> Dataset:
    """Return the articles' two circles, one inside the other.

    What scikit-learn's ``make_circles`` draws with noise 0.05, 300 examples from seed 1 and 100
    from seed 2: the articles' ``load_dataset()``, bit for bit (there in columns, here in rows).
    The global random stream is left alone.

    Examples
    --------
    >>> print(circles().describe())
    circles: 300 train and 100 test examples, 2 features, 2 classes
    """

    def draw(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
        outer, inner = (
            np.linspace(0, 2 * np.pi, size, endpoint=False) for size in (n // 2, n - n // 2)
        )
        return _shuffled(seed, 0.05, _on_circle(1.0, outer), _on_circle(1.0, inner) * 0.8)

    return _drawn("circles", draw, ("outer", "inner"), split)


def moons(*, split: int = 0) -> Dataset:
    """Return two interleaved half circles: what ``sklearn.datasets.make_moons`` draws, noise 0.1.

    Examples
    --------
    >>> moons().classes
    ('upper', 'lower')
    """

    def draw(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
        upper, lower = (np.linspace(0, np.pi, size) for size in (n // 2, n - n // 2))
        below = np.column_stack([1 - np.cos(lower), 1 - np.sin(lower) - 0.5])
        return _shuffled(seed, 0.1, _on_circle(1.0, upper), below)

    return _drawn("moons", draw, ("upper", "lower"), split)


def blobs(*, split: int = 0) -> Dataset:
    """Return three round clouds, N(centre, 0.5²), whose centres lie 2√3 ≈ 3.5 apart on a circle.

    Examples
    --------
    >>> blobs().task
    'multiclass'
    """

    def draw(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
        rng = np.random.default_rng(seed)
        y = _balanced(rng, n, 3)
        return _on_circle(2.0, 2 * np.pi * y / 3) + rng.normal(0, 0.5, (n, 2)), y

    return _drawn("blobs", draw, ("0", "1", "2"), split)


def spirals(*, split: int = 0) -> Dataset:
    """Return three arms, radius 0.1 to 1, one turn per unit of radius, with noise N(0, 0.03²).

    Examples
    --------
    >>> spirals().task
    'multiclass'
    """

    def draw(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
        rng = np.random.default_rng(seed)
        y = _balanced(rng, n, 3)
        radius = rng.uniform(0.1, 1, n)
        X = _on_circle(radius, 2 * np.pi * (radius + y / 3))
        return X + rng.normal(0, 0.03, (n, 2)), y

    return _drawn("spirals", draw, ("0", "1", "2"), split)


def xor(*, split: int = 0) -> Dataset:
    """Return points of the square [-1, 1]², labelled by whether their coordinates' signs differ.

    Each coordinate is at least 0.05 from 0.

    Examples
    --------
    >>> import numpy as np
    >>> data = xor()
    >>> bool(np.all((data.X_train.prod(axis=1) < 0) == data.y_train))
    True
    """

    def draw(n: int, seed: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
        rng = np.random.default_rng(seed)
        y = _balanced(rng, n, 2)
        sign = rng.choice([-1.0, 1.0], n)
        signs = np.column_stack([sign, np.where(y == 1, -sign, sign)])
        return signs * rng.uniform(0.05, 1, (n, 2)), y

    return _drawn("xor", draw, ("same sign", "different signs"), split)


SYNTHETIC: dict[str, Callable[..., Dataset]] = {
    function.__name__: function for function in (circles, moons, blobs, spirals, xor)
}


def _drawn(name: str, draw: Draw, classes: tuple[str, ...], split: int) -> Dataset:
    """Return a draw of which no other one shares a seed; split 0 is the articles'."""
    train, test = (seed + 2 * split for seed in (TRAIN_SEED, TEST_SEED))
    return Dataset(name, *draw(N_TRAIN, train), *draw(N_TEST, test), classes)


def _shuffled(
    seed: int, noise: float, *classes: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Return points of classes in a random order, with noise.

    As scikit-learn does it, from the same stream: importing it takes longer than all that is drawn.
    """
    rng = np.random.RandomState(seed)  # the stream of what was published
    order = np.arange(sum(map(len, classes)))
    rng.shuffle(order)
    X = np.concatenate(classes)[order]
    y = np.repeat(np.arange(len(classes)), [len(points) for points in classes])[order]
    return X + rng.normal(scale=noise, size=X.shape), y


def _balanced(rng: np.random.Generator, n: int, n_classes: int) -> NDArray[np.int64]:
    return rng.permutation(np.arange(n) % n_classes)


def _on_circle(
    radius: float | NDArray[np.float64], angle: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
