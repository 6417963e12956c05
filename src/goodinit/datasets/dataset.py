"""What a data set is: a training part and a test part that have been checked against each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from goodinit.errors import bad_argument


class TargetScale(NamedTuple):
    """What a standardised number to predict is in the user's own units.

    Attributes
    ----------
    name : str
    mean : float
        What 0 stands for.
    deviation : float
        What 1 stands for, above 0.
    """

    name: str
    mean: float
    deviation: float


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples to train and to test on, checked when it is made.

    Numbers of any real type are taken for ``X`` and become float64.

    Parameters
    ----------
    name : str
        What the data are called in tables and pictures.
    X_train : array, shape (n_train, n_features)
        At least one row and one column of finite numbers.
    y_train : array, shape (n_train,)
        Class indices 0..C-1 (int64), at least two of them; or, where `classes` is None, the numbers
        to predict (float64).
    X_test : array, shape (n_test, n_features)
        As many features as `X_train`; `n_test` may be 0.
    y_test : array, shape (n_test,)
        As `y_train`. No class that `y_train` lacks.
    classes : tuple of str, or None
        The class names in the order of their indices. None: `y` is a number to predict.
    image_shape : (height, width, channels), optional
        Where a row is an image, how its features fold into one.
    preparation : tuple of str
        What was made of the user's columns before these features, in phrases.
    target_scale : TargetScale, optional
        Where numbers to predict are standardised, what they were.
    X_validation, y_validation : array, optional
        As `X_test`, `y_test`: by these a learning rate is chosen; see ``parts.with_validation``.

    Raises
    ------
    ArgumentError
        Naming the array, and the row and column where there is one, that doesn't fit.

    Examples
    --------
    >>> import numpy as np
    >>> data = Dataset("line", np.eye(2), np.array([0, 1]), np.eye(2), np.array([0, 1]), ("a", "b"))
    >>> data.task, data.n_features
    ('binary', 2)
    >>> print(data.describe())
    line: 2 train and 2 test examples, 2 features, 2 classes
    """

    name: str
    X_train: NDArray[np.float64]
    y_train: NDArray[Any]
    X_test: NDArray[np.float64]
    y_test: NDArray[Any]
    classes: tuple[str, ...] | None
    image_shape: tuple[int, int, int] | None = None
    preparation: tuple[str, ...] = ()
    target_scale: TargetScale | None = None
    X_validation: NDArray[np.float64] | None = None
    y_validation: NDArray[Any] | None = None

    def __post_init__(self) -> None:
        checked = {
            "X_train": as_features("X_train", self.X_train),
            "X_test": as_features("X_test", self.X_test, fewest=0),
            "y_train": _as_targets("y_train", self.y_train, self.classes),
            "y_test": _as_targets("y_test", self.y_test, self.classes),
        }
        for name, array in checked.items():
            object.__setattr__(self, name, array)
        check_lengths("X_train", self.X_train, "y_train", self.y_train)
        check_lengths("X_test", self.X_test, "y_test", self.y_test)
        check_parts_match(self.X_train, self.X_test)
        self._check_validation()
        _check_targets(self.y_train, self.y_test, self.classes)
        shape = self.image_shape
        if shape is not None and (len(shape) != 3 or prod(shape) != self.n_features):
            takes = f"(height, width, channels) of {self.n_features} values, as many as features"
            raise bad_argument("image_shape", shape, takes)

    def _check_validation(self) -> None:
        if self.X_validation is None or self.y_validation is None:
            return
        X = as_features("X_validation", self.X_validation)
        y = _as_targets("y_validation", self.y_validation, self.classes)
        check_lengths("X_validation", X, "y_validation", y)
        check_parts_match(self.X_train, X, "X_validation")
        object.__setattr__(self, "X_validation", X)
        object.__setattr__(self, "y_validation", y)

    @cached_property
    def held_out(self) -> NDArray[np.float64]:
        """The test examples, and below them those for validation."""
        if self.X_validation is None:
            return self.X_test
        return np.concatenate([self.X_test, self.X_validation])

    @property
    def task(self) -> Literal["binary", "multiclass", "regression"]:
        """What there is to learn: one of two classes, one of several, or a number."""
        if self.classes is None:
            return "regression"
        return "binary" if len(self.classes) == 2 else "multiclass"

    @property
    def n_features(self) -> int:
        """The number of columns of `X_train`."""
        return int(self.X_train.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """What tells these examples from any others: a checksum of arrays, types and classes.

        The arrays are what became of the user's columns, so that the preparation is covered.
        """
        found = sha256()
        parts = [self.X_train, self.y_train, self.X_test, self.y_test]
        if self.X_validation is not None and self.y_validation is not None:
            parts += [self.X_validation, self.y_validation]
        for array in parts:
            found.update(f"{array.dtype.str} {array.shape}".encode())
            found.update(np.ascontiguousarray(array).data)
        found.update(repr(self.classes).encode())
        if self.target_scale is not None:
            found.update(repr(tuple(self.target_scale)).encode())
        return found.hexdigest()[:16]

    def describe(self) -> str:
        """Return one line: the name, how many examples and features, what there is to learn."""
        features = f"{self.n_features} feature{'s' if self.n_features > 1 else ''}"
        target = "a number to predict" if self.classes is None else f"{len(self.classes)} classes"
        validation = "" if self.X_validation is None else f", {len(self.X_validation)} validation"
        return (
            f"{self.name}: {len(self.X_train)} train{validation} and {len(self.X_test)} test "
            f"examples, "
            f"{features}{self._made}, {target}{self._scaled}"
        )

    @property
    def prepared(self) -> str:
        """What was made of the user's columns, to stand behind what they are called."""
        number = ", a number to predict" if self._scaled else ""
        return f"{self._made}{number}{self._scaled}"

    @property
    def _made(self) -> str:
        return f" ({'; '.join(self.preparation)})" if self.preparation else ""

    @property
    def _scaled(self) -> str:
        if self.target_scale is None:
            return ""
        name, mean, deviation = self.target_scale
        return f", {name}, standardised (1 is {plain(deviation)}, 0 is {plain(mean)})"


def as_features(
    argument: str, X: ArrayLike, *, columns: Sequence[str] | None = None, fewest: int = 1
) -> NDArray[np.float64]:
    """Return `X` as a float64 array (n_samples, n_features) of finite numbers.

    Parameters
    ----------
    argument : str
        What the user calls `X`.
    X : array-like
        Numbers or bools in rows and columns.
    columns : sequence of str, optional
        The columns' names, for the message; without them, a column is named by its index.
    fewest : int
        The fewest rows accepted.

    Raises
    ------
    ArgumentError
        Where `X` is ragged, has another number of dimensions, is empty, isn't made of real numbers,
        or holds NaN or an infinity (the first one is named by row and column, from 0).

    Examples
    --------
    >>> as_features("X", [[0, 1], [2, float("nan")]])
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: X, row 1, column 1: got nan, takes a finite number
    """
    array = _as_array(argument, X)
    if array.ndim != 2:
        raise bad_argument(f"shape of {argument}", array.shape, "(n_samples, n_features)")
    if array.shape[0] < fewest or array.shape[1] < 1:
        takes = f"at least {fewest} row{'s' if fewest != 1 else ''} and 1 column"
        raise bad_argument(f"shape of {argument}", array.shape, takes)
    if array.dtype.kind not in "biuf":
        raise bad_argument(f"type of {argument}", str(array.dtype), "real numbers")
    array = _as_float64(array)
    finite = np.isfinite(array)
    if not finite.all():
        row, column = (int(i) for i in np.unravel_index(finite.argmin(), finite.shape))
        where = repr(columns[column]) if columns else column
        raise bad_argument(
            f"{argument}, row {row}, column {where}", float(array[row, column]), "a finite number"
        )
    return array


def as_labels(
    argument: str, y: ArrayLike, place: Callable[[int], str] = "row {}".format
) -> NDArray[Any]:
    """Return `y` as an array (n_samples,) of strings, bools, or finite numbers.

    Parameters
    ----------
    argument : str
        What the user calls `y`.
    y : array-like
    place : callable
        From a row, counted from 0, to how the message calls it.

    Raises
    ------
    ArgumentError
        Where `y` has another number of dimensions, mixes types, is of another type, or holds NaN or
        an infinity (the first one is named by its row, from 0).

    Examples
    --------
    >>> as_labels("y", ["cat", "dog"])
    array(['cat', 'dog'], dtype='<U3')
    """
    array = _as_array(argument, y)
    if array.ndim != 1:
        raise bad_argument(f"shape of {argument}", array.shape, "(n_samples,)")
    if array.dtype.kind == "O":  # how pandas hands over strings
        for row, label in enumerate(array):
            if not isinstance(label, str):
                takes = "a string (labels are all strings, all bools or all numbers)"
                raise bad_argument(f"{argument}, {place(row)}", label, takes)
    if array.dtype.kind in "OT":
        array = array.astype(np.str_)
    if array.dtype.kind not in "biufU":
        raise bad_argument(f"type of {argument}", str(array.dtype), "strings, bools or numbers")
    if array.dtype.kind == "f":
        array = _as_float64(array)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        row = int(np.isfinite(array).argmin())
        raise bad_argument(f"{argument}, {place(row)}", float(array[row]), "a finite number")
    return array


def check_lengths(X_name: str, X: NDArray[Any], y_name: str, y: NDArray[Any]) -> None:
    """Raise ArgumentError unless `y` has one label for each row of `X`."""
    if len(X) != len(y):
        raise bad_argument(
            f"length of {y_name}", len(y), f"{len(X)}, one label for each row of {X_name}"
        )


def check_parts_match(
    X_train: NDArray[Any], X_test: NDArray[Any], argument: str = "X_test"
) -> None:
    """Raise ArgumentError unless both parts have the same features."""
    if X_test.shape[1] != X_train.shape[1]:
        takes = f"(n_test, {X_train.shape[1]}), as many features as X_train"
        raise bad_argument(f"shape of {argument}", X_test.shape, takes)


def check_varied(argument: str, labels: NDArray[Any]) -> None:
    """Raise ArgumentError unless two labels differ: with one, there is nothing to learn."""
    values = np.unique(labels)
    if len(values) < 2:
        takes = "at least two classes, or two different numbers to predict"
        raise bad_argument(argument, values.tolist(), takes)


def _as_array(argument: str, value: ArrayLike) -> NDArray[Any]:
    if hasattr(value, "toarray"):  # NumPy would take a sparse matrix for a single object
        raise bad_argument(argument, "a sparse matrix", "a dense one: its toarray()")
    if np.ma.is_masked(value):
        raise bad_argument(argument, "masked values", "values that are all there")
    try:
        return np.asarray(value)
    except ValueError:  # what NumPy raises for rows of different lengths
        raise bad_argument(argument, value, "an array with rows of one length") from None


def _as_float64(array: NDArray[Any]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):  # a long double beyond float64 is refused as an infinity
        return array.astype(np.float64, copy=False)


def _as_targets(argument: str, y: ArrayLike, classes: tuple[str, ...] | None) -> NDArray[Any]:
    labels = as_labels(argument, y)
    if classes is None:
        if labels.dtype.kind not in "iuf":
            raise bad_argument(f"type of {argument}", str(labels.dtype), "numbers to predict")
        return labels.astype(np.float64, copy=False)
    if labels.size and labels.dtype.kind not in "iu":
        raise bad_argument(f"type of {argument}", str(labels.dtype), "class indices (integers)")
    outside = (labels < 0) | (labels >= len(classes))
    if outside.any():
        row = int(outside.argmax())
        takes = f"a class index from 0 to {len(classes) - 1}"
        raise bad_argument(f"{argument}, row {row}", int(labels[row]), takes)
    return labels.astype(np.int64, copy=False)


def _check_targets(
    y_train: NDArray[Any], y_test: NDArray[Any], classes: tuple[str, ...] | None
) -> None:
    if classes is not None and len(set(classes)) < max(2, len(classes)):
        raise bad_argument("classes", classes, "two or more different names")
    check_varied("y_train", y_train)
    unseen = [] if classes is None else np.setdiff1d(y_test, y_train).tolist()
    if unseen:
        raise bad_argument("classes in y_test", unseen, "only classes that y_train has too")


def plain(value: float) -> str:
    """Return a number as one writes it by hand.

    Examples
    --------
    >>> plain(79_442.5), plain(0.123456)
    ('79,442', '0.1235')
    """
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"


def chance_cost(dataset: Dataset) -> float:
    """Return the training cost of the best answer that doesn't look at the example.

    The entropy of the class frequencies; for a number to predict, half its variance.

    Examples
    --------
    >>> from goodinit.datasets import circles
    >>> round(chance_cost(circles()), 4)
    0.6931
    """
    if dataset.classes is None:
        return float(0.5 * dataset.y_train.var())
    shares = np.bincount(dataset.y_train) / len(dataset.y_train)
    return float(-np.sum(shares[shares > 0] * np.log(shares[shares > 0])))
