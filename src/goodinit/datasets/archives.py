"""What a NumPy archive holds: plain arrays, never pickles."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets.arrays import divided, undivided
from goodinit.datasets.dataset import Dataset
from goodinit.datasets.files import check_size, reading
from goodinit.errors import bad_argument, no_such

TWO_PARTS = ("X_train", "y_train", "X_test", "y_test")


def read_archive(path: Path, target: str | None, task: str | None = None) -> Dataset:
    """Return the examples of an ``.npz`` archive.

    Parameters
    ----------
    path : Path
        Arrays ``X`` and ``y``, or ``X_train``, ``y_train``, ``X_test`` and ``y_test``.
    target : str or None
        The array that stands for ``y``.
    task : {"classification", "regression"}, optional
        What there is to learn, where the labels themselves don't say it.

    Returns
    -------
    Dataset
        With a test part only where the archive has one.

    Raises
    ------
    ArgumentError
        Where the archive is damaged, holds pickled objects, unpacks to more than memory allows, or
        has no such array.
    """
    with reading(str(path), "a NumPy archive of plain arrays"):
        with zipfile.ZipFile(path) as archive:
            declared = sum(entry.file_size for entry in archive.infolist())
        check_size(str(path), declared, "arrays")
        with np.load(path, allow_pickle=False) as arrays:
            held = list(arrays.files)
            wanted = _arrays_wanted(path, held, target)
            found: list[NDArray[Any]] = [arrays[name] for name in wanted]
    if len(wanted) == 4:
        return divided(path.stem, *found, task=task)
    return undivided(path.stem, *found, y_name=wanted[1], task=task)


def _arrays_wanted(path: Path, held: Sequence[str], target: str | None) -> tuple[str, ...]:
    if target is not None and target not in held:
        raise no_such("target", target, f"an array of {path.name}, one of", held)
    if target is None and set(TWO_PARTS) <= set(held):
        return TWO_PARTS
    wanted = ("X", "y" if target is None else target)
    if not set(wanted) <= set(held):
        both = "" if target else f", or {', '.join(TWO_PARTS)}"
        raise bad_argument(f"arrays of {path.name}", held, f"{' and '.join(wanted)}{both}")
    return wanted
