"""How a table becomes features: filled, encoded and scaled by what the training part shows."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from goodinit import memory
from goodinit.datasets import saying
from goodinit.datasets.arrays import labelled, numbered
from goodinit.datasets.cells import read_column
from goodinit.datasets.columns import Columns, understand
from goodinit.datasets.dataset import Dataset, as_labels, check_varied
from goodinit.datasets.files import most_bytes
from goodinit.datasets.frames import Source
from goodinit.datasets.parts import needs_scaling, split_rows
from goodinit.datasets.saying import MOST_CATEGORIES, RAREST
from goodinit.datasets.tables import Table
from goodinit.datasets.written import MISSING as MISSING_WORDS
from goodinit.errors import bad_argument, no_such, printable

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.compose import ColumnTransformer

_BYTES = 8  # of a number
_UNNAMED = re.compile(r"Unnamed: [1-9]\d*")  # what pandas calls a column without a name
_LEAST_SPREAD = 20  # rows from which on it can be told that a column gives the target away

MISSING = ("fill", "error")
MISSING_LABELS = MISSING_WORDS - {"none"}


@dataclass(frozen=True)
class Choice:
    """What the user asked of a table's columns.

    Attributes
    ----------
    target : str or None
    columns, drop : sequence of str, optional
        The features, or the columns that are none.
    missing : {"fill", "error"}
    standardize : bool, optional
        Where not given, what the columns need.
    task : {"classification", "regression"}, optional
    """

    target: str | None = None
    columns: Sequence[str] | None = None
    drop: Sequence[str] | None = None
    missing: str = "fill"
    standardize: bool | None = None
    task: str | None = None


def prepared(source: Source, choice: Choice, *, test_fraction: float, split_seed: int) -> Dataset:
    """Return a table as a data set, by a ``ColumnTransformer`` fitted on its training part.

    Numbers are filled by the median, with an indicator beside, and scaled; dates become days since
    1970; categories one column each, missing ones a category of their own, all rare ones one; what
    is constant, empty, a text or an identifier is left out. ``Dataset.preparation`` says all of it.

    Parameters
    ----------
    source : Source
    choice : Choice
    test_fraction, split_seed
        As ``load`` takes them.

    Raises
    ------
    ArgumentError
        Where a column that is named isn't there, the target stands in the table twice, nothing is
        left to learn from, or, by ``missing="error"``, a value is missing.
    """
    table, labels = source.table, source.labels
    features, y, target = _divide(table, choice, labels)
    name = f"{table.shown}, column {target!r}" if labels is None else target
    values, known = _targets(name, y, table.where)
    notes = list(table.notes)
    if not known.all():
        if choice.missing == "error" or not known.any():
            raise _missing(table, int(known.argmin()), target)
        notes.append(
            f"{saying.count(int((~known).sum()), 'row')} without {printable(target)} left out"
        )
    check_varied(name, values)
    y_all, classes = labelled(values, choice.task, name)
    found = understand(features.loc[known], wanted=choice.columns or ())
    _check_values(table, choice, found, np.flatnonzero(known))
    if source.n_train is None:
        train, test = split_rows(y_all, classes, test_fraction, split_seed)
    else:
        train, test = np.split(np.arange(known.sum()), [int(known[: source.n_train].sum())])
    X_train, X_test, made = _fitted(table, choice, found, train, test)
    if classes:
        notes += saying.giveaways(found, y_all, len(classes))
    return Dataset(
        printable(table.name),
        X_train,
        y_all[train],
        X_test,
        y_all[test],
        classes,
        preparation=(*made, *notes),
    )


def _divide(
    table: Table, choice: Choice, labels: pd.Series[Any] | None
) -> tuple[pd.DataFrame, pd.Series[Any], str]:
    """Return the features that are wanted, what is to be predicted, and its name."""
    frame, names = table.frame, list(table.frame.columns)
    target = _as_written(choice.target, names)
    if frame.empty and labels is None:
        raise bad_argument(f"shape of {table.shown}", frame.shape, "at least 1 row")
    if labels is None and target not in names:
        takes = "the column to predict, one of"
        no_names = all(map(numbered, names)) or any(map(_UNNAMED.fullmatch, names))
        hint = " (the first line is read as the columns' names)" if names and no_names else ""
        raise no_such("target", target, takes, names, hint)
    chosen, drop = (
        [_as_written(name, names) for name in asked or ()]
        for asked in (choice.columns, choice.drop)
    )
    for argument, asked in (("columns", chosen), ("drop", drop)):
        for name in asked:
            if name not in names:
                raise no_such(argument, name, "columns of the table, such as", names)
    if target is not None and target in drop:
        raise bad_argument("drop", target, "columns other than the target")
    wanted = [name for name in dict.fromkeys(chosen or names) if name not in (target, *drop)]
    if not wanted:
        raise bad_argument(
            f"shape of {table.shown}", (len(frame), 0), "at least 1 column of features"
        )
    features = frame[wanted]
    if labels is not None:
        return features, labels, str(labels.name or "y")
    assert target is not None  # noqa: S101  # it is one of the names
    _check_alone(table, features, target)
    return features, frame[target], target


def _as_written(name: Any, names: Sequence[str]) -> Any:
    """Return a name as the table writes it: an accented letter is one character there, or two."""
    if not isinstance(name, str) or name in names:
        return name
    wanted = normalize("NFC", name)
    return next((known for known in names if normalize("NFC", known) == wanted), name)


def _check_alone(table: Table, features: pd.DataFrame, target: str) -> None:
    """Raise ArgumentError where a second column has the target's name, or its values."""
    again = [name for name in features if _same_name(str(name), target)]
    y = table.frame[target]
    if not again and len(y) >= _LEAST_SPREAD:
        again = [name for name in features if features[name].equals(y)]
    if again:
        takes = (
            f"one column of the target, {printable(target)!r} (this one has its "
            f"{'name' if _same_name(str(again[0]), target) else 'values'}: --drop leaves it out)"
        )
        raise bad_argument(f"{table.shown}, columns", str(again[0]), takes)


def _same_name(name: str, target: str) -> bool:
    """Return whether a name is the target's with the number that pandas gives to a second one."""
    stem, dot, number = name.rpartition(".")
    return bool(dot) and stem == target and number.isdecimal()


def _fitted(
    table: Table,
    choice: Choice,
    found: Columns,
    train_rows: NDArray[np.int64],
    test_rows: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    """Return the features of both parts, and what was made of the columns."""
    import pandas as pd  # here, because it is slow to import

    for name, column in list(found.kept.items()):
        seen = column.values.iloc[train_rows]
        if seen.isna().all():
            found.leave_out(name, "as empty")
        elif seen.nunique(dropna=False) == 1:
            found.leave_out(name, "as constant")
    if not found.kept:
        takes = f"a column to learn from ({'; '.join(saying.left_out(found))})"
        raise bad_argument(f"{table.shown}, columns", [], takes)
    values = pd.DataFrame({name: column.values for name, column in found.kept.items()})
    values = values.reset_index(drop=True)
    train, test = values.iloc[train_rows], values.iloc[test_rows]
    numbers, categories = found.numbers, found.categories
    _check_memory(table, values, numbers, categories)
    amounts = [name for name in numbers if found.kept[name].kind != "boolean"]
    scaled = choice.standardize
    if scaled is None:
        scaled = bool(amounts) and needs_scaling(train[amounts].to_numpy(), mixed=True)
    transformer = _transformer(numbers, categories, scaled=scaled)
    with (
        np.errstate(over="ignore", invalid="ignore"),
        warnings.catch_warnings(action="ignore", category=UserWarning),  # a new category is rare
    ):
        X_train = transformer.fit_transform(train)
        X_test = transformer.transform(test) if len(test) else X_train[:0]
    if not np.isfinite(X_train).all() or not np.isfinite(X_test).all():
        largest = float(values[numbers].abs().max().max())
        takes = "features of a variance that a float64 can hold"
        raise bad_argument("largest value in X_train", largest, takes)
    encoded = sum(name.startswith("categories") for name in transformer.get_feature_names_out())
    made = saying.prepared(found, train, encoded=encoded)
    return X_train, X_test, [*made, *(["standardised"] if scaled else [])]


def _transformer(numbers: list[str], categories: list[str], *, scaled: bool) -> ColumnTransformer:
    """Return what fills, encodes and scales, to be fitted."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import MissingIndicator, SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    filled: Any = SimpleImputer(strategy="median")
    if scaled:
        filled = make_pipeline(filled, StandardScaler())
    encoded = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="(missing)"),
        OneHotEncoder(
            drop="if_binary",
            handle_unknown="infrequent_if_exist",
            max_categories=MOST_CATEGORIES,
            min_frequency=RAREST,
            sparse_output=False,
        ),
    )
    return ColumnTransformer(
        [
            ("numbers", filled, numbers),
            ("missing", MissingIndicator(error_on_new=False), numbers),
            ("categories", encoded, categories),
        ],
        sparse_threshold=0,
    )


def _check_values(table: Table, choice: Choice, found: Columns, known: NDArray[np.int64]) -> None:
    """Raise ArgumentError for an infinity, and for a missing value where none may be."""
    for name, column in found.kept.items():
        if column.kind != "category":
            infinite = np.isinf(column.values.to_numpy(np.float64))
            if infinite.any():
                row = int(infinite.argmax())
                where = f"{table.shown}, {table.where(int(known[row]))}, column {name!r}"
                raise bad_argument(where, float(column.values.iloc[row]), "a finite number")
        missing = column.values.isna().to_numpy()
        if choice.missing == "error" and missing.any():
            raise _missing(table, int(known[missing.argmax()]), name)


def _missing(table: Table, row: int, column: str) -> Exception:
    raw = table.frame[column].iloc[row] if column in table.frame else None
    got = raw if isinstance(raw, str) else None
    return bad_argument(
        f"{table.shown}, {table.where(row)}, column {column!r}",
        got,
        "a value (this one is missing)" if got is None else "a number (it would count as missing)",
    )


def _check_memory(
    table: Table, values: pd.DataFrame, numbers: Sequence[str], categories: Sequence[str]
) -> None:
    encoded = sum(min(MOST_CATEGORIES, values[name].nunique() + 1) for name in categories)
    width, most = 2 * len(numbers) + encoded, most_bytes()
    needed = _BYTES * width * len(values)
    if needed > most:
        takes = (
            f"a table whose features fit into {memory.gigabytes(most)} ({len(values):,} rows of "
            f"{width:,} take {memory.gigabytes(needed)})"
        )
        raise bad_argument("data", table.shown, takes)


def _targets(
    name: str, y: pd.Series[Any], where: Callable[[int], str]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the labels that are there, and in which rows; strings lose the blanks around them."""
    if hasattr(y, "cat"):
        y = y.astype(y.cat.categories.dtype)
    column = read_column(y)
    if isinstance(column, str) or column.kind == "date":
        what = "dates" if not isinstance(column, str) else column.removeprefix("as ")
        raise bad_argument(name, what, "strings, bools or numbers")
    known = y.notna().to_numpy()
    if column.kind == "category" or column.odd:  # a class may be called None
        text = y.astype(object).map(lambda label: str(label).strip(), na_action="ignore")
        said = text.map(lambda label: str(label).lower() not in MISSING_LABELS)
        known = known & said.to_numpy(bool)
        values = text[known].to_numpy(dtype=np.str_)
    else:
        known = known & column.values.notna().to_numpy()
        floats = column.values[known].to_numpy(np.float64)
        values = floats.astype(bool) if column.kind == "boolean" else floats
    rows = np.flatnonzero(known)
    return as_labels(name, values, lambda row: where(int(rows[row]))), known
