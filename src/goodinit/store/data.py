"""The examples that a study was run on, as they lie in its folder: a file for each split."""

from collections.abc import Mapping
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import numpy as np

from goodinit.datasets import Dataset
from goodinit.datasets.dataset import TargetScale
from goodinit.datasets.resampling import Splits
from goodinit.errors import ArgumentError, bad_argument
from goodinit.store.parts import as_npz, set_aside, write_whole
from goodinit.store.written import DESCRIPTION

_ARRAYS = ("X_train", "y_train", "X_test", "y_test", "X_validation", "y_validation")


def data_file(place: Path, split: int = 0) -> Path:
    """Return the file of a split: ``data.npz``, and for others ``data-1.npz``, ...

    Examples
    --------
    >>> data_file(Path(), 0).name, data_file(Path(), 3).name
    ('data.npz', 'data-3.npz')
    """
    return place / (f"data-{split}.npz" if split else "data.npz")


def data_files(place: Path) -> list[Path]:
    """Return the files of all splits that are there."""
    every = (data_file(place, split) for split in count())
    return list(takewhile(Path.is_file, every))


def keep_data(place: Path, splits: Splits) -> None:
    """Write the examples of each split, unless they are there."""
    for split, dataset in enumerate(splits.datasets):
        path = data_file(place, split)
        if not _holds(path, dataset):
            arrays = {name: of for name in _ARRAYS if (of := getattr(dataset, name)) is not None}
            set_aside(place, path)
            write_whole(path, as_npz(arrays))


def read_data(place: Path, described: Mapping[str, Any]) -> Splits:
    """Return the examples that a description speaks of, of every split.

    Raises
    ------
    ArgumentError
        Where they are not what the study was run on.
    """
    first, more = described["data"], described.get("splits", {"fresh": False, "others": []})
    # Of what was prepared, each split has its own; the rest is the same for all.
    own = ("preparation", "target_scale", "fingerprint")
    same = {name: of for name, of in first.items() if name not in own}
    every = (first, *(same | other for other in more["others"]))
    read = (_read(data_file(place, split), said) for split, said in enumerate(every))
    return Splits(tuple(read), more["fresh"])


def splits_apart(
    known: Mapping[str, Any], asked: Mapping[str, Any]
) -> dict[str, tuple[object, object]]:
    """Return in what the splits of two studies, as they are described, may be told apart."""
    prints = [
        [other["fingerprint"] for other in of.get("splits", {"others": []})["others"]]
        for of in (known, asked)
    ]
    pairs: dict[str, tuple[object, object]] = {
        "splits": (1 + len(prints[0]), 1 + len(prints[1])),
    }
    if len(prints[0]) == len(prints[1]):
        pairs |= {
            f"data of split {k}": both for k, both in enumerate(zip(*prints, strict=True), start=1)
        }
    return pairs


def _read(path: Path, said: Mapping[str, Any]) -> Dataset:
    """Return the data of a split, or raise ArgumentError where they aren't what is said of them."""
    takes = (
        f"the data that the study was run on, with the classes and scale that {DESCRIPTION} "
        "has for them (give them to `compare` again to restore them)"
    )
    classes, shape, scale = (said.get(key) for key in ("classes", "image_shape", "target_scale"))
    try:
        if path.exists() and not path.is_file():
            raise ValueError("this is no plain file")
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            parts = {part: arrays[part] for part in _ARRAYS if part in arrays}
        if lacking := [part for part in _ARRAYS[:4] if part not in parts]:
            raise ValueError(f"it lacks {', '.join(lacking)}")
        data = Dataset(
            said["name"],
            **parts,
            classes=classes and tuple(classes),
            image_shape=shape and tuple(shape),
            preparation=tuple(said.get("preparation", ())),
            target_scale=scale and TargetScale(**scale),
        )
    except Exception as error:  # an archive is damaged in as many ways as it has bytes
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise bad_argument("folder", path, f"{takes}: {why}") from None
    if data.fingerprint != said["fingerprint"]:
        told = f"fingerprint {data.fingerprint} and not {said['fingerprint']}"
        raise bad_argument("folder", path, f"{takes}: {told}")
    return data


def _holds(path: Path, dataset: Dataset) -> bool:
    """Return whether a file holds just that data set."""
    scale = dataset.target_scale
    said = {
        "name": dataset.name,
        "classes": dataset.classes,
        "image_shape": dataset.image_shape,
        "target_scale": None if scale is None else scale._asdict(),
        "fingerprint": dataset.fingerprint,
    }
    try:
        _read(path, said)
    except ArgumentError:
        return False
    return True
