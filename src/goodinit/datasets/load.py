"""Which source a user means: a name, arrays, a table file, a folder of images, or a data set."""

import os
from collections.abc import Callable
from numbers import Integral
from pathlib import Path
from typing import Any

from goodinit.datasets.arrays import divided, undivided
from goodinit.datasets.dataset import Dataset
from goodinit.datasets.images import read_folder
from goodinit.datasets.parts import TEST_FRACTION, check_split, is_number, split, standardized
from goodinit.datasets.real import REAL
from goodinit.datasets.synthetic import SYNTHETIC
from goodinit.datasets.tables import read_table
from goodinit.errors import bad_argument, bad_name

NAMES: dict[str, Callable[..., Dataset]] = {**SYNTHETIC, **REAL}


def load(
    data: Any,
    *,
    target: str | None = None,
    test_fraction: float = TEST_FRACTION,
    split_seed: int = 0,
    standardize: bool = False,
    image_size: int | tuple[int, int] | None = None,
) -> Dataset:
    """Return the data set that `data` means.

    Parameters
    ----------
    data : str, Path, tuple of arrays, or Dataset
        A name in `NAMES`; a table file or a folder of images (a name wins over a path: write
        ``./circles`` for a folder of that name); ``(X, y)`` or ``(X_train, y_train, X_test,
        y_test)`` with ``X`` of shape (n_samples, n_features) and ``y`` of shape (n_samples,); a
        `Dataset`, returned as it is. Labels that are strings, bools or few whole numbers are
        classes, other numbers are to be predicted: `goodinit.datasets.arrays.class_values` has
        the rule.
    target : str, optional
        The column of a table file to predict.
    test_fraction : float
        Where the data have no test part, the share of examples to set aside for it, in [0, 1).
        Circles, moons, blobs, spirals, xor, and arrays or archives in two parts bring their own
        test part: this and `split_seed` then change nothing.
    split_seed : int
        Which examples those are. The same seed sets aside the same ones.
    standardize : bool
        Whether features get mean 0 and standard deviation 1 over the training part.
    image_size : int or (height, width), optional
        What the images of a folder are resized to.

    Raises
    ------
    ArgumentError
        In one line, for whatever cannot be used.

    Examples
    --------
    >>> print(load("circles").describe())
    circles: 300 train and 100 test examples, 2 features, 2 classes
    >>> print(load(([[0.0], [1.0], [2.0], [3.0]], [1.5, 2.5, 3.0, 4.0])).describe())
    arrays: 3 train and 1 test examples, 1 feature, a number to predict
    >>> load("cirlces")
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: data: got 'cirlces', takes one of circles, moons, blobs, spirals,
    xor, digits, breast_cancer, wine, iris, a file or folder that exists (did you mean 'circles'?)
    """
    check_split(test_fraction, split_seed)
    size = _height_and_width(image_size)
    path = _path(data)
    _check_options(path, target, image_size)
    if path is not None:
        dataset = read_folder(path, size) if path.is_dir() else read_table(path, target)
    elif isinstance(data, str):
        parts = {"test_fraction": test_fraction, "split_seed": split_seed} if data in REAL else {}
        dataset = NAMES[data](**parts)
    else:
        dataset = _from_values(data)
    if len(dataset.X_test) == 0 and dataset is not data:
        dataset = split(dataset, test_fraction=test_fraction, split_seed=split_seed)
    return standardized(dataset) if standardize else dataset


def _path(data: object) -> Path | None:
    """Return the file or folder that `data` means, None where it means something else."""
    if not isinstance(data, str | Path) or data in NAMES:
        return None
    path = Path(data)
    if data != "" and _exists(path):
        return path
    files = "a file or folder that exists"
    if isinstance(data, Path) or path.suffix or {"/", os.sep} & set(data):
        raise bad_argument("data", data, f"{files}, or one of {', '.join(NAMES)}")
    raise bad_name("data", data, [*NAMES, files])


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long, a folder that may not be entered
        return False


def _check_options(path: Path | None, target: object, image_size: object) -> None:
    is_folder = path is not None and path.is_dir()
    if target is not None and (path is None or is_folder):
        raise bad_argument("target", target, "no value unless the data are a table file")
    if target is not None and not isinstance(target, str):
        raise bad_argument("target", target, "the name of a column")
    if image_size is not None and not is_folder:
        raise bad_argument(
            "image_size", image_size, "no value unless the data are a folder of images"
        )


def _from_values(data: Any) -> Dataset:
    match data:
        case Dataset():
            return data
        case (X, y) if isinstance(data, tuple):
            return undivided("arrays", X, y)
        case (X_train, y_train, X_test, y_test) if isinstance(data, tuple):
            return divided("arrays", X_train, y_train, X_test, y_test)
        case _:
            takes = "a name, a path, (X, y), (X_train, y_train, X_test, y_test), or a Dataset"
            raise bad_argument("data", data, takes)


def _height_and_width(image_size: Any) -> tuple[int, int] | None:
    if image_size is None:
        return None
    pair = image_size if isinstance(image_size, tuple) else (image_size, image_size)
    if len(pair) != 2 or not all(is_number(side, Integral) and side > 0 for side in pair):
        raise bad_argument("image_size", image_size, "a whole number above 0, or (height, width)")
    return int(pair[0]), int(pair[1])
