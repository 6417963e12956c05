"""What training examples have against being learned, before any layer is looked at."""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets import Dataset

# Columns beyond these are not compared with each other: pictures, whose pixels repeat anyway.
_MOST_COMPARED = 2000


@dataclass(frozen=True)
class Examples:
    """Facts of a training part.

    Attributes
    ----------
    input_rms : float
        Root mean square of all inputs; 1 where they are standardised.
    scales : float
        Largest RMS of a feature over that of the feature a quarter up from the smallest, features
        that are 0 throughout left out.
    target_rms : float, optional
        Root mean square of the numbers to predict; None for classes.
    floor : float
        The least training cost of any function: above 0 where equal inputs have several targets.
    contradicted : int
        Examples whose inputs stand there with another target too.
    constant : tuple of int
        Features, from 1 on, of one value that isn't 0: they act as biases.
    repeated : tuple of (int, int)
        Features, from 1 on, that repeat an earlier one, which comes second.
    """

    input_rms: float
    scales: float
    target_rms: float | None
    floor: float
    contradicted: int
    constant: tuple[int, ...]
    repeated: tuple[tuple[int, int], ...]


def look_at(dataset: Dataset) -> Examples:
    """Return what a data set's training part is like.

    Examples
    --------
    Two features, the second a thousand times the first, and labels that contradict each other:

    >>> X, y = np.array([[1.0, 1e3], [1.0, 1e3], [-1.0, 1e3]]), np.array([0, 1, 1])
    >>> found = look_at(Dataset("three", X, y, X[:0], y[:0], ("a", "b")))
    >>> round(found.scales), found.contradicted, found.constant, round(found.floor, 3)
    (1000, 2, (2,), 0.462)
    """
    X, y = dataset.X_train, dataset.y_train
    with np.errstate(over="ignore"):
        squares = np.mean(X**2, axis=0)
        each = np.sort(np.sqrt(squares[squares > 0]))
        rms = float(np.sqrt(squares.mean()))
        target = float(np.sqrt(np.mean(y**2))) if dataset.classes is None else None
    still = (X[:1] == X).all(axis=0)
    floor, contradicted = _contradictions(X, y, regression=dataset.classes is None)
    return Examples(
        rms,
        float(each[-1] / each[(len(each) - 1) // 4]) if each.size else 1.0,
        target,
        floor,
        contradicted,
        tuple(int(i) + 1 for i in np.flatnonzero(still & (X[0] != 0))),
        _repeated(X, still),
    )


def _contradictions(
    X: NDArray[np.float64], y: NDArray[np.float64], *, regression: bool
) -> tuple[float, int]:
    """Return the least cost of any function, and how many examples stand against each other."""
    seen: dict[bytes, int] = {}  # adding 0 makes one zero of both
    inputs = (blake2b((row + 0.0).tobytes()).digest() for row in X)
    groups = np.array([seen.setdefault(each, len(seen)) for each in inputs])
    count = len(seen)
    size = np.bincount(groups, minlength=count)
    if count == len(X):
        return 0.0, 0
    if regression:
        means = np.bincount(groups, weights=y, minlength=count) / size
        apart = y - means[groups]
        varied = np.bincount(groups, weights=np.abs(apart), minlength=count) > 0
        return float(0.5 * np.mean(apart**2)), int(size[varied].sum())
    (_, kinds), labels = np.unique(y, return_inverse=True), np.asarray(y)
    counts = np.zeros((count, int(kinds.max()) + 1))
    np.add.at(counts, (groups, kinds), 1)
    shares = counts / size[:, np.newaxis]
    entropy = -np.sum(shares * np.log(shares, out=np.zeros_like(shares), where=shares > 0), axis=1)
    return float(np.sum(entropy * size) / len(labels)), int(size[entropy > 0].sum())


def _repeated(X: NDArray[np.float64], still: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    if X.shape[1] > _MOST_COMPARED:
        return ()
    moving = np.flatnonzero(~still)
    _, first, which = np.unique(X[:, moving], axis=1, return_index=True, return_inverse=True)
    earlier = first[which.ravel()]
    return tuple(
        (int(moving[i]) + 1, int(moving[of]) + 1) for i, of in enumerate(earlier) if of != i
    )


def warnings(examples: Examples, n_train: int) -> tuple[str, ...]:
    """Return what there is to say of the examples, whatever becomes of the networks.

    Parameters
    ----------
    examples : Examples
    n_train : int
        How many there are.
    """
    said = []
    if examples.contradicted:
        said.append(
            f"{examples.contradicted:,} of {n_train:,} training examples stand there with the same "
            f"inputs and another target: no function gets below a training cost of "
            f"{examples.floor:.3g}."
        )
    if examples.constant:
        said.append(
            f"{_features(examples.constant)} the same value in every training example, and act"
            f"{'' if len(examples.constant) > 1 else 's'} as a bias: leave out what is constant."
        )
    if examples.repeated:
        few = ", ".join(f"{copy} repeats {of}" for copy, of in examples.repeated[:3])
        more = f" and {len(examples.repeated) - 3} more" if len(examples.repeated) > 3 else ""
        said.append(f"Some features stand there twice: feature {few}{more}.")
    return tuple(said)


def _features(places: tuple[int, ...]) -> str:
    if len(places) == 1:
        return f"Feature {places[0]} has"
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return f"Features {', '.join(map(str, places[:3]))}{more} have"
