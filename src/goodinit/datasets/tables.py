"""What a table file holds: CSV, Parquet, and NumPy archives without pickles."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets.arrays import divided, undivided
from goodinit.datasets.dataset import Dataset, as_features
from goodinit.datasets.files import LARGEST_BYTES, reading
from goodinit.errors import ArgumentError, bad_argument

if TYPE_CHECKING:
    import pandas as pd

TWO_PARTS = ("X_train", "y_train", "X_test", "y_test")
MOST_SHOWN = 8


def read_table(path: Path, target: str | None) -> Dataset:
    """Return the examples of a table file.

    Parameters
    ----------
    path : Path
        A ``.csv`` or ``.parquet`` table, a row per example; or an ``.npz`` archive of arrays ``X``
        and ``y``, or ``X_train``, ``y_train``, ``X_test`` and ``y_test``. A first CSV column
        without a name numbers the rows and is left out.
    target : str or None
        The column to predict; all others are features. In an archive, the array that stands for
        ``y``.

    Returns
    -------
    Dataset
        With a test part only where an archive has one.

    Raises
    ------
    ArgumentError
        Where the file is of another kind, can't be read or is damaged, holds pickled objects, or
        has no such target; where a feature isn't numeric, or a value is missing or infinite.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return _read_archive(path, target)
    frame = _read_frame(path, suffix)
    columns = [str(column) for column in frame.columns]
    frame = frame.set_axis(columns, axis=1)
    if target not in columns:
        raise _no_such("target", target, "the column to predict, one of", columns)
    features = frame.drop(columns=target)
    _check_frame(path.name, frame, features)
    names = list(features.columns)
    X = as_features(path.name, features.to_numpy(np.float64), columns=names)
    y_name = f"{path.name}, column {target!r}"
    return undivided(path.stem, X, frame[target].to_numpy(), y_name=y_name)


def _read_frame(path: Path, suffix: str) -> pd.DataFrame:
    import pandas as pd  # here, because it is slow to import

    if suffix == ".parquet":
        with reading(str(path), "a Parquet table"):
            return pd.read_parquet(path)
    if suffix != ".csv":
        takes = "a table (.csv, .parquet, .npz) or a folder of images"
        raise bad_argument("data", str(path), takes)
    with (
        reading(str(path), "a CSV table with a header"),
        # Rows longer than the header: pandas shifts the columns, or with index_col=False cuts the
        # rows and warns.
        warnings.catch_warnings(action="error", category=pd.errors.ParserWarning),
    ):
        frame = pd.read_csv(path, index_col=False, low_memory=False)
    return frame.drop(columns=[c for c in frame.columns[:1] if c == "Unnamed: 0"])


def _check_frame(shown: str, frame: pd.DataFrame, features: pd.DataFrame) -> None:
    from pandas.api.types import is_numeric_dtype  # here, because it is slow to import

    if frame.empty:
        raise bad_argument(f"shape of {shown}", frame.shape, "at least 1 row")
    other = [name for name, dtype in features.dtypes.items() if not is_numeric_dtype(dtype)]
    if other:
        takes = "numbers (turn these columns into numbers, or leave them out)"
        raise bad_argument(f"{shown}, columns", other, takes)
    missing = frame.isna().to_numpy()
    if missing.any():
        row, column = (int(i) for i in np.unravel_index(missing.argmax(), missing.shape))
        where = f"{shown}, row {row}, column {frame.columns[column]!r}"
        raise bad_argument(where, None, "a value (this one is missing)")


def _read_archive(path: Path, target: str | None) -> Dataset:
    with reading(str(path), "a NumPy archive of plain arrays"):
        _check_declared_size(path)
        with np.load(path, allow_pickle=False) as archive:
            held = list(archive.files)
            wanted = _arrays_wanted(path, held, target)
            arrays: list[NDArray[Any]] = [archive[name] for name in wanted]
    if len(wanted) == 4:
        return divided(path.stem, *arrays)
    return undivided(path.stem, *arrays, y_name=wanted[1])


def _check_declared_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        declared = sum(entry.file_size for entry in archive.infolist())
    if declared > LARGEST_BYTES:
        takes = f"arrays of at most {LARGEST_BYTES / 1e9:g} GB (these are {declared / 1e9:.0f} GB)"
        raise bad_argument("data", str(path), takes)


def _arrays_wanted(path: Path, held: Sequence[str], target: str | None) -> tuple[str, ...]:
    if target is not None and target not in held:
        raise _no_such("target", target, f"an array of {path.name}, one of", held)
    if target is None and set(TWO_PARTS) <= set(held):
        return TWO_PARTS
    wanted = ("X", "y" if target is None else target)
    if not set(wanted) <= set(held):
        both = "" if target else f", or {', '.join(TWO_PARTS)}"
        raise bad_argument(f"arrays of {path.name}", held, f"{' and '.join(wanted)}{both}")
    return wanted


def _no_such(argument: str, got: str | None, takes: str, names: Sequence[str]) -> ArgumentError:
    near = get_close_matches(got or "", names, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    more = ", …" if len(names) > MOST_SHOWN else ""
    shown = " ".join(", ".join(names[:MOST_SHOWN]).split())  # a name may hold a line break
    return bad_argument(argument, got, f"{takes} {shown}{more}{hint}")
