"""Which source a user means: a name, arrays, a frame, a table, a folder of images, a data set."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

from goodinit.datasets.archives import read_archive
from goodinit.datasets.arrays import divided, undivided
from goodinit.datasets.dataset import Dataset
from goodinit.datasets.files import check_readable, why_missing
from goodinit.datasets.frames import Source, as_source
from goodinit.datasets.images import read_folder
from goodinit.datasets.parts import (
    TEST_FRACTION,
    check_split,
    is_number,
    needs_scaling,
    split,
    standardized,
    target_standardized,
)
from goodinit.datasets.preparing import MISSING, Choice, prepared
from goodinit.datasets.real import REAL
from goodinit.datasets.synthetic import SYNTHETIC
from goodinit.datasets.tables import column_name, read_table
from goodinit.errors import bad_argument, bad_name

NAMES: dict[str, Callable[..., Dataset]] = {**SYNTHETIC, **REAL}
TASKS = ("classification", "regression")


def load(
    data: Any,
    *,
    target: str | None = None,
    columns: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    missing: str = "fill",
    task: str | None = None,
    test_fraction: float = TEST_FRACTION,
    split_seed: int = 0,
    standardize: bool | None = None,
    image_size: int | tuple[int, int] | None = None,
) -> Dataset:
    """Return the data set that `data` means.

    Parameters
    ----------
    data : str, Path, DataFrame, tuple of arrays, or Dataset
        A name in `NAMES`; a table file or a folder of images (a name wins over a path: write
        ``./circles`` for a folder of that name); a pandas or Polars frame; ``(X, y)`` or
        ``(X_train, y_train, X_test, y_test)`` with ``X`` of shape (n_samples, n_features), an array
        or a frame, and ``y`` of shape (n_samples,); a `Dataset`, returned as it is. Labels that are
        strings, bools or few whole numbers are classes, other numbers are to be predicted:
        `goodinit.datasets.arrays.class_values` has the rule. What is made of a table's columns:
        `goodinit.datasets.preparing.prepared`.
    target : str, optional
        The column of a table to predict.
    columns, drop : str or sequence of str, optional
        The columns of a table to learn from, all where not given; or those not to learn from.
    missing : {"fill", "error"}
        Whether missing values of a table are filled, or refused.
    task : {"classification", "regression"}, optional
        What there is to learn, where the labels' own rule guesses wrong.
    test_fraction : float
        Where the data have no test part, the share of examples to set aside for it, in [0, 1).
        Circles, moons, blobs, spirals, xor, and arrays or archives in two parts bring their own
        test part: this and `split_seed` then change nothing.
    split_seed : int
        Which examples those are. The same seed sets aside the same ones.
    standardize : bool, optional
        Whether features, and numbers to predict, get mean 0 and standard deviation 1 over the
        training part. Where not given: numbers to predict do; features of a table, of arrays and
        archives do where their size asks for it
        (`goodinit.datasets.parts.needs_scaling`); named sets, images and a `Dataset` don't.
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
    arrays: 3 train and 1 test examples, 1 feature, a number to predict, y, standardised (1 is
    1.027, 0 is 2.667)
    >>> load("cirlces")
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: data: got 'cirlces', takes one of circles, moons, blobs, spirals,
    xor, digits, breast_cancer, wine, iris, a file or folder that exists (did you mean 'circles'?)
    """
    return read(
        data,
        target=target,
        columns=columns,
        drop=drop,
        missing=missing,
        task=task,
        test_fraction=test_fraction,
        split_seed=split_seed,
        standardize=standardize,
        image_size=image_size,
    ).cut(0)


class Read(NamedTuple):
    """Data that were read, to be divided into a training and a test part, once or several times.

    Attributes
    ----------
    cut : callable
        From the number of the split, from 0, to its data set, prepared by its own training part.
    divided : bool
        Whether the data brought their division with them.
    fresh : bool
        Whether each split is drawn afresh, rather than from the same examples.
    """

    cut: Callable[[int], Dataset]
    divided: bool = False
    fresh: bool = False


def read(
    data: Any,
    *,
    target: str | None = None,
    columns: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    missing: str = "fill",
    task: str | None = None,
    test_fraction: float = TEST_FRACTION,
    split_seed: int = 0,
    standardize: bool | None = None,
    image_size: int | tuple[int, int] | None = None,
) -> Read:
    """Return data that were read, before they are divided; the arguments are those of ``load``."""
    check_split(test_fraction, split_seed)
    size = _height_and_width(image_size)
    left, learned = _names("drop", drop), _names("columns", columns)
    choice = Choice(column_name(target), learned, left, missing, standardize, task)
    _check_words(choice)
    path = _path(data)
    kind = _kind(path)
    source = Source(read_table(path)) if path and kind == "table" else as_source(data)
    if source is None and path is None:
        _check_kind(data)
    _check_options(choice, image_size, "table" if source else kind)

    def parts(split: int) -> dict[str, Any]:
        return {"test_fraction": test_fraction, "split_seed": split_seed + split}

    if source is not None:
        name = str(source.labels.name) if source.labels is not None else target or "y"
        return Read(
            lambda k: _scaled_target(prepared(source, choice, **parts(k)), standardize, name),
            divided=source.n_train is not None,
        )
    arrays = kind == "archive" or isinstance(data, tuple)
    if path is None and isinstance(data, str):
        fresh = data in SYNTHETIC
        return Read(
            lambda k: _scaled(
                NAMES[data](**({"split": k} if fresh else parts(k))), standardize, arrays=False
            ),
            fresh=fresh,
        )
    if path is not None:
        whole = read_folder(path, size) if kind == "folder" else read_archive(path, target, task)
    else:
        whole = _from_values(data, task)
    given = whole is data
    divided = given or len(whole.X_test) > 0

    def cut(k: int) -> Dataset:
        dataset = whole if divided else split(whole, **parts(k))
        dataset = _scaled(dataset, standardize, arrays=arrays)
        return (
            dataset
            if given and not standardize
            else _scaled_target(dataset, standardize, target or "y")
        )

    return Read(cut, divided)


def _scaled(dataset: Dataset, standardize: bool | None, *, arrays: bool) -> Dataset:
    """Return a data set with its features scaled: where that was asked, or plain arrays need it."""
    wanted = arrays and needs_scaling(dataset.X_train, mixed=False)
    if not (wanted if standardize is None else standardize):
        return dataset
    return replace(standardized(dataset), preparation=(*dataset.preparation, "standardised"))


def _scaled_target(dataset: Dataset, standardize: bool | None, name: str) -> Dataset:
    """Return a data set with its numbers to predict scaled, unless that was refused."""
    if dataset.classes is None and standardize is not False:
        return target_standardized(dataset, name)
    return dataset


def _path(data: object) -> Path | None:
    """Return the file or folder that `data` means, None where it means something else."""
    if not isinstance(data, str | Path) or data in NAMES:
        return None
    path = Path(data)
    if data != "" and _exists(path):
        check_readable(path)
        return path
    files = "a file or folder that exists"
    address = isinstance(data, str) and "://" in data
    why = " (this is an address: fetch the file first)" if address else why_missing(path)
    if isinstance(data, Path) or path.suffix or why or {"/", os.sep} & set(data):
        raise bad_argument("data", data, f"{files}, or one of {', '.join(NAMES)}{why}")
    raise bad_name("data", data, [*NAMES, files])


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name too long, a folder that may not be entered
        return False


def _kind(path: Path | None) -> str:
    """Return what a path is to be read as, "" where there is none."""
    if path is None:
        return ""
    if path.is_dir():
        return "folder"
    return "archive" if path.suffix.lower() == ".npz" else "table"


def _names(argument: str, names: str | Sequence[str] | None) -> list[str] | None:
    """Return the columns' names that were given, one or several."""
    if names is None:
        return None
    several = [names] if isinstance(names, str) else list(map(column_name, names))
    if not several or not all(isinstance(name, str) for name in several):
        raise bad_argument(argument, names, "names of columns")
    return several


def _check_words(choice: Choice) -> None:
    if choice.target is not None and not isinstance(choice.target, str):
        raise bad_argument("target", choice.target, "the name of a column")
    if choice.missing not in MISSING:
        raise bad_name("missing", str(choice.missing), MISSING)
    if choice.task is not None and choice.task not in TASKS:
        raise bad_name("task", str(choice.task), TASKS)
    if choice.standardize not in (None, True, False):
        raise bad_argument("standardize", choice.standardize, "True or False")


def _check_options(choice: Choice, image_size: object, kind: str) -> None:
    """Raise ArgumentError for an option that says nothing of such data."""
    if choice.target is not None and kind not in ("table", "archive"):
        raise bad_argument("target", choice.target, "no value unless the data are a table")
    for argument, value in (("columns", choice.columns), ("drop", choice.drop)):
        if value is not None and kind != "table":
            raise bad_argument(argument, value, "no value unless the data are a table")
    if choice.missing != MISSING[0] and kind != "table":
        raise bad_argument("missing", choice.missing, "no value unless the data are a table")
    if image_size is not None and kind != "folder":
        raise bad_argument(
            "image_size", image_size, "no value unless the data are a folder of images"
        )


def _from_values(data: Any, task: str | None) -> Dataset:
    match data:
        case Dataset():
            return data
        case (X, y) if isinstance(data, tuple):
            return undivided("arrays", X, y, task=task)
        case _:
            return divided("arrays", *data, task=task)


def _check_kind(data: Any) -> None:
    """Raise ArgumentError for what is no kind of data that is known."""
    parts = isinstance(data, tuple) and len(data) in (2, 4)
    if not (parts or isinstance(data, str | Dataset)):
        takes = (
            "a name, a path, a DataFrame, (X, y), (X_train, y_train, X_test, y_test), or a Dataset"
        )
        raise bad_argument("data", data, takes)


def _height_and_width(image_size: Any) -> tuple[int, int] | None:
    if image_size is None:
        return None
    pair = image_size if isinstance(image_size, tuple) else (image_size, image_size)
    if len(pair) != 2 or not all(is_number(side, Integral) and side > 0 for side in pair):
        raise bad_argument("image_size", image_size, "a whole number above 0, or (height, width)")
    return int(pair[0]), int(pair[1])
