"""The same question on several splits: the data divided anew, or drawn anew, again and again."""

from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from goodinit import memory
from goodinit.datasets.dataset import Dataset
from goodinit.datasets.load import read
from goodinit.datasets.parts import TEST_FRACTION
from goodinit.errors import ArgumentError, bad_argument, whole

_SEEDS = 2**32  # of splits there are
_DIGITS = 9  # to which two splits' features are the same: scaling by a sum rounds
_PARTS = ("X_train", "y_train", "X_test", "y_test")


@dataclass(frozen=True, eq=False)
class Splits:
    """A data set, and the same data divided or drawn in other ways.

    Attributes
    ----------
    datasets : tuple of Dataset
        At least one; the first is what ``load`` returns.
    fresh : bool
        Whether each is drawn afresh. Otherwise all divide the same examples, and what one tests on
        others train on.
    """

    datasets: tuple[Dataset, ...]
    fresh: bool = False

    @property
    def test_share(self) -> float:
        """The part of the examples that each split tests on; 0 where it is drawn or the only one.

        Two of several splits of the same examples share about that part of their test examples, and
        the rest of their training examples.
        """
        first = self.datasets[0]
        if self.fresh or len(self.datasets) == 1:
            return 0.0
        return len(first.X_test) / (len(first.X_train) + len(first.held_out))


def load_splits(
    data: Any,
    splits: int = 1,
    *,
    test_fraction: float = TEST_FRACTION,
    split_seed: int = 0,
    **how: Any,
) -> Splits:
    """Return the data set that ``load`` returns, and as many others of the same data.

    Split k is divided by ``split_seed + k``, and filled, encoded and scaled by its own training
    part. Circles, moons, blobs, spirals and xor are drawn afresh for each.

    Parameters
    ----------
    data : str, Path, DataFrame, tuple of arrays, or Dataset
    splits : int
        How many, the first included.
    test_fraction, split_seed, **how
        As ``load`` takes them.

    Raises
    ------
    ArgumentError
        Where there is no test part to be divided anew, the data brought their own, two splits are
        the same, or all of them have no room in memory.

    Examples
    --------
    >>> found = load_splits("iris", 3)
    >>> [len(dataset.X_test) for dataset in found.datasets], round(found.test_share, 2)
    ([38, 38, 38], 0.25)
    """
    whole("splits", splits, at_least=1)
    source = read(data, test_fraction=test_fraction, split_seed=split_seed, **how)
    if splits > 1:
        if source.divided:
            raise already_divided(splits)
        if test_fraction == 0 and not source.fresh:
            raise bad_argument("splits", splits, "1 where no examples are held out to test on")
        if split_seed + splits > _SEEDS:
            takes = f"at most {_SEEDS - splits} with {splits} splits"
            raise bad_argument("split_seed", split_seed, takes)
    first = source.cut(0)
    _check_memory(first, splits)
    found = Splits((first, *(source.cut(k) for k in range(1, splits))), source.fresh)
    _check_differ(found.datasets)
    return found


def already_divided(splits: int) -> ArgumentError:
    """Return the error of data that brought their test part, and are to be divided anew."""
    takes = (
        "1 for data that come divided into train and test: give them as one (X, y), or one table, "
        "to have them divided anew"
    )
    return bad_argument("splits", splits, takes)


def _check_memory(first: Dataset, splits: int) -> None:
    needed = (splits - 1) * sum(getattr(first, part).nbytes for part in _PARTS)
    there = memory.available() if splits > 1 else inf
    if needed > there:
        takes = (
            f"fewer: the others take {memory.gigabytes(needed)} of memory, and there are "
            f"{memory.gigabytes(int(there))}"
        )
        raise bad_argument("splits", splits, takes)


def _check_differ(datasets: tuple[Dataset, ...]) -> None:
    """Raise ArgumentError where two splits hold the same examples out: they count once."""
    seen: dict[bytes, int] = {}
    for k, dataset in enumerate(datasets if len(datasets) > 1 else ()):
        key = _held_out(dataset)
        if key in seen:
            raise _same(len(datasets), seen[key], k)
        seen[key] = k


def _held_out(dataset: Dataset) -> bytes:
    """Return what tells one test part from another, whatever the order of its examples."""
    rows = np.column_stack([dataset.X_test, dataset.y_test]).round(_DIGITS) + 0.0  # no -0.0
    return np.ascontiguousarray(rows[np.lexsort(rows.T[::-1])]).tobytes()


def _same(splits: int, one: int, other: int) -> ArgumentError:
    takes = f"at most {other}: split {other} would hold out the same examples as split {one}"
    return bad_argument("splits", splits, takes)
