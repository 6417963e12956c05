"""What is true of every data set that goodinit loads, and of the lines that refuse the others."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    make_circles,
    make_moons,
)
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import goodinit.datasets as gd
from goodinit.errors import ArgumentError

X10 = np.arange(20.0).reshape(10, 2)
Y10 = np.array([0, 1] * 5)


def refusal(data: Any, **options: Any) -> str:
    with pytest.raises(ArgumentError) as caught:
        gd.load(data, **options)
    line = str(caught.value)
    assert "\n" not in line
    return line


# --- named data sets


def test_circles_are_the_articles_bit_for_bit_and_leave_the_global_stream_alone() -> None:
    saved = np.random.get_state()
    try:
        np.random.seed(1)
        train = make_circles(n_samples=300, noise=0.05)
        np.random.seed(2)
        test = make_circles(n_samples=100, noise=0.05)
        before = np.random.get_state()[1].tobytes()  # type: ignore[index]
        data = gd.circles()
        assert np.random.get_state()[1].tobytes() == before  # type: ignore[index]
    finally:
        np.random.set_state(saved)
    for made, published in zip(
        (data.X_train, data.y_train, data.X_test, data.y_test), (*train, *test), strict=True
    ):
        np.testing.assert_array_equal(made, published)


def test_moons_are_what_scikit_learn_draws_bit_for_bit() -> None:
    data = gd.moons()
    for (X, y), seed, n in (
        ((data.X_train, data.y_train), 1, 300),
        ((data.X_test, data.y_test), 2, 100),
    ):
        drawn, classes = make_moons(n, noise=0.1, random_state=seed)
        np.testing.assert_array_equal(X, drawn)
        np.testing.assert_array_equal(y, classes)


@pytest.mark.parametrize("name", ["circles", "moons", "blobs", "spirals", "xor"])
def test_drawn_sets_have_300_and_100_examples_in_equal_classes_and_never_change(name: str) -> None:
    data, again = gd.load(name), gd.NAMES[name]()
    assert data.X_train.shape == (300, 2)
    assert data.X_test.shape == (100, 2)
    for y in (data.y_train, data.y_test):
        counts = np.bincount(y)
        assert len(counts) == len(data.classes or ())
        assert np.ptp(counts) <= 1
    np.testing.assert_array_equal(data.X_train, again.X_train)
    assert not np.array_equal(data.X_train[:100], data.X_test)


@pytest.mark.parametrize(
    ("name", "n_examples", "n_features", "n_classes"),
    [
        ("digits", 1797, 64, 10),
        ("breast_cancer", 569, 30, 2),
        ("wine", 178, 13, 3),
        ("iris", 150, 4, 3),
    ],
)
def test_real_sets_are_whole_and_stratified(
    name: str, n_examples: int, n_features: int, n_classes: int
) -> None:
    data = gd.load(name)
    assert len(data.X_train) + len(data.X_test) == n_examples
    assert data.n_features == n_features
    assert data.task == ("binary" if n_classes == 2 else "multiclass")
    in_train, in_test = np.bincount(data.y_train), np.bincount(data.y_test)
    np.testing.assert_allclose(
        in_test, (in_train + in_test) * len(data.y_test) / n_examples, atol=1
    )


def test_digits_are_eight_by_eight_pixels_between_0_and_1() -> None:
    data = gd.digits(test_fraction=0)
    assert data.image_shape == (8, 8, 1)
    np.testing.assert_array_equal(data.X_train, load_digits().data / 16)
    assert data.X_train.max() == 1


def test_measured_features_are_standardised_on_the_training_part_as_scikit_learn_does_it() -> None:
    whole = load_breast_cancer()
    X_train, X_test, _, _ = train_test_split(
        whole.data, whole.target, test_size=0.4, random_state=3, stratify=whole.target
    )
    scaler = StandardScaler().fit(X_train)
    data = gd.load("breast_cancer", test_fraction=0.4, split_seed=3)
    np.testing.assert_allclose(data.X_train, scaler.transform(X_train), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(data.X_test, scaler.transform(X_test), rtol=1e-9, atol=1e-12)


# --- arrays


@pytest.mark.parametrize(
    ("labels", "classes", "task"),
    [
        ([3, 7] * 5, ("3", "7"), "binary"),
        ([-1.0, 1.0] * 5, ("-1", "1"), "binary"),
        ([True, False] * 5, ("False", "True"), "binary"),
        (["dog", "cat"] * 5, ("cat", "dog"), "binary"),
        (pd.Series(["dog", "cat"] * 5), ("cat", "dog"), "binary"),
        (pd.Series(["dog", "cat"] * 5, dtype="category"), ("cat", "dog"), "binary"),
        ([2, 10] * 4 + [1, 1], ("1", "2", "10"), "multiclass"),
        ([0.5, 1.0] * 5, None, "regression"),
    ],
)
def test_labels_say_what_there_is_to_learn(
    labels: Any, classes: tuple[str, ...] | None, task: str
) -> None:
    data = gd.load((X10, labels), test_fraction=0)
    assert data.classes == classes
    assert data.task == task
    assert data.y_train.dtype == (np.float64 if classes is None else np.int64)


def test_class_indices_point_at_the_names_of_the_labels() -> None:
    labels = ["dog", "cat", "emu", "cat", "dog", "emu", "dog", "cat", "emu", "emu"]
    data = gd.load((X10, labels, X10[:3], ["emu", "emu", "cat"]))
    assert data.classes == ("cat", "dog", "emu")
    assert [data.classes[i] for i in data.y_train] == labels
    assert [data.classes[i] for i in data.y_test] == ["emu", "emu", "cat"]


def test_whole_numbers_with_many_values_and_few_examples_each_are_to_be_predicted() -> None:
    X, y = load_diabetes(return_X_y=True)
    assert (y == np.round(y)).all()
    assert gd.load((X, y)).task == "regression"
    ages = np.repeat(np.arange(40), 5)
    assert gd.load((ages[:, None], ages)).task == "multiclass"


def test_any_real_type_becomes_float64_and_float64_is_not_copied() -> None:
    for dtype in (bool, np.uint8, np.int64, np.float32):
        X = (X10 % 3).astype(dtype)
        data = gd.load((X, Y10), test_fraction=0)
        assert data.X_train.dtype == np.float64
        np.testing.assert_array_equal(data.X_train, X)
    assert gd.load((X10, Y10), test_fraction=0, standardize=False).X_train is X10


def test_a_dataset_is_returned_as_it_is() -> None:
    whole = gd.load((X10, Y10), test_fraction=0, standardize=False)
    assert gd.load(whole) is whole
    assert gd.load(whole, standardize=True).X_train.mean() == 0
    numbers = gd.load((X10, X10[:, 0] / 3), test_fraction=0, standardize=False)
    assert gd.load(numbers) is numbers
    assert gd.load(numbers, standardize=True).target_scale is not None


def test_standardising_uses_the_training_part_only_and_keeps_constant_features_at_0() -> None:
    X_train = np.array([[0.0, 0.1, 1.0], [4.0, 0.1, 1.0], [2.0, 0.1, 1.0]])
    X_test = np.array([[6.0, 0.1, 3.0]])
    data = gd.load((X_train, [0, 1, 0], X_test, [1]), standardize=True)
    step = np.sqrt(1.5)
    np.testing.assert_allclose(data.X_train[:, 0], [-step, step, 0])
    np.testing.assert_allclose(data.X_test[0, 0], 2 * step)
    assert (data.X_train[:, 1:] == 0).all()
    assert data.X_test[0, 1:].tolist() == [0, 2]


def test_numbers_to_predict_are_standardised_on_the_training_part_unless_told_not_to() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.normal(180_000, 80_000, 40)
    data, raw = gd.load((X, y)), gd.load((X, y), standardize=False)
    assert raw.target_scale is None
    mean, deviation = raw.y_train.mean(), raw.y_train.std()
    assert data.target_scale == ("y", mean, deviation)
    np.testing.assert_allclose(data.y_train, (raw.y_train - mean) / deviation)
    np.testing.assert_allclose(data.y_test, (raw.y_test - mean) / deviation)
    assert "a number to predict, y, standardised (1 is " in data.describe()
    assert data.fingerprint != replace(data, target_scale=None).fingerprint


@pytest.mark.parametrize(
    ("X", "scaled"),
    [
        (X10 / 10, False),
        (X10 * 10, True),
        (X10 / 1e4, True),
        (np.column_stack([X10[:, 0] / 20, X10[:, 0] / 1e4]), False),
    ],
    ids=["near 1", "large", "tiny", "of mixed scales"],
)
def test_arrays_are_standardised_where_their_size_asks_for_it(X: Any, scaled: bool) -> None:
    data = gd.load((X, Y10), test_fraction=0)
    assert (data.preparation == ("standardised",)) == scaled
    np.testing.assert_array_equal(data.X_train == X, not scaled)
    np.testing.assert_array_equal(gd.load((X, Y10), test_fraction=0, standardize=False).X_train, X)


def test_the_articles_circles_are_never_scaled_unasked() -> None:
    assert gd.load("circles").preparation == ()
    np.testing.assert_array_equal(gd.load("circles").X_train, gd.circles().X_train)
    assert gd.load("circles", standardize=True).preparation == ("standardised",)


def test_the_task_can_be_said_where_the_labels_rule_guesses_wrong() -> None:
    ages = np.tile(np.arange(4), 5)
    X = np.random.default_rng(0).normal(size=(20, 2))
    assert gd.load((X, ages)).task == "multiclass"
    assert gd.load((X, ages), task="regression").task == "regression"
    assert gd.load((X, ages / 2), task="classification").classes == ("0", "0.5", "1", "1.5")
    assert "strings" in refusal((X, list("ab") * 10), task="regression")
    assert "did you mean 'regression'?" in refusal((X, ages), task="regresion")


@given(
    counts=st.lists(st.integers(4, 30), min_size=2, max_size=4),
    test_fraction=st.floats(0.25, 0.75),
    split_seed=st.integers(0, 2**32 - 1),
)
def test_a_split_keeps_every_example_once_and_every_class_its_share(
    counts: list[int], test_fraction: float, split_seed: int
) -> None:
    y = np.repeat(np.arange(len(counts)), counts)
    X = np.column_stack([np.arange(len(y)), y]).astype(np.float64)
    n_test = np.ceil(test_fraction * len(y))
    assume(len(counts) <= n_test <= len(y) - len(counts))
    how: Any = {"test_fraction": test_fraction, "split_seed": split_seed, "standardize": False}
    data, again = (gd.load((X, y), **how) for _ in range(2))
    both = np.concatenate([data.X_train, data.X_test])
    np.testing.assert_array_equal(np.sort(both[:, 0]), X[:, 0])
    np.testing.assert_array_equal(np.concatenate([data.y_train, data.y_test]), both[:, 1])
    assert (np.abs(np.bincount(data.y_test) - test_fraction * np.array(counts)) < 2).all()
    np.testing.assert_array_equal(data.X_test, again.X_test)


@given(n=st.integers(4, 60), test_fraction=st.floats(0.0, 0.5), split_seed=st.integers(0, 99))
def test_a_split_of_numbers_to_predict_keeps_every_example_once(
    n: int, test_fraction: float, split_seed: int
) -> None:
    y = np.arange(n) + 0.5
    how: Any = {"test_fraction": test_fraction, "split_seed": split_seed, "standardize": False}
    data = gd.load((y[:, None], y), **how)
    assert len(data.y_test) == np.ceil(test_fraction * n)
    np.testing.assert_array_equal(np.sort(np.concatenate([data.y_train, data.y_test])), y)
    np.testing.assert_array_equal(data.X_test[:, 0], data.y_test)


def test_another_seed_makes_another_split_of_the_size_and_examples_of_scikit_learn() -> None:
    zero, one = (gd.load((X10, Y10), split_seed=seed, standardize=False).X_test for seed in (0, 1))
    assert not np.array_equal(zero, one)
    theirs = train_test_split(X10, Y10, test_size=0.25, random_state=1, stratify=Y10)[1]
    np.testing.assert_array_equal(one, theirs)


# --- what is refused


def with_value(array: NDArray[Any], where: Any, value: Any) -> NDArray[Any]:
    changed = array.astype(np.result_type(array, type(value)))
    changed[where] = value
    return changed


HUGE = np.longdouble("1e4000")

BAD_DATA: dict[str, tuple[Any, dict[str, Any], str]] = {
    "nearest name": ("cirlces", {}, "data: got 'cirlces', takes one of circles, moons"),
    "capital": ("Circles", {}, "(did you mean 'circles'?)"),
    "both said": ("nonsense", {}, "iris, a file or folder that exists"),
    "no such file": ("nope.csv", {}, "data: got 'nope.csv', takes a file or folder that exists"),
    "no such folder": ("./nope", {}, "data: got './nope', takes a file or folder that exists"),
    "no such path": (Path("nope"), {}, "data: got 'nope', takes a file or folder that exists"),
    "empty string": ("", {}, "data: got ''"),
    "null byte": ("a\0b", {}, "data: got 'a\\x00b'"),
    "name too long": ("x" * 9999, {}, "data: got 'xxx"),
    "none": (None, {}, "data: got None, takes a name, a path, a DataFrame"),
    "number": (5, {}, "data: got 5"),
    "bytes": (b"circles", {}, "data: got b'circles'"),
    "list": ([X10, Y10], {}, "data: got [array("),
    "triple": ((1, 2, 3), {}, "data: got (1, 2, 3)"),
    "ragged": (([[1], [1, 2]], [0, 1]), {}, "X: got [[1], [1, 2]]"),
    "ragged labels": ((X10, [[1], [1, 2]]), {}, "y: got [[1], [1, 2]]"),
    "one dimension": ((X10[:, 0], Y10), {}, "shape of X: got (10,)"),
    "three dimensions": ((X10[None], Y10), {}, "shape of X: got (1, 10, 2)"),
    "labels in columns": ((X10, X10), {}, "shape of y: got (10, 2)"),
    "no rows": ((X10[:0], []), {}, "shape of X: got (0, 2)"),
    "no columns": ((X10[:, :0], Y10), {}, "shape of X: got (10, 0)"),
    "no training rows": ((X10[:0], [], X10, Y10), {}, "shape of X_train: got (0, 2)"),
    "objects": ((X10.astype(object), Y10), {}, "type of X: got 'object'"),
    "strings": ((X10.astype(str), Y10), {}, "type of X: got '<U"),
    "complex": ((X10 * 1j, Y10), {}, "type of X: got 'complex128'"),
    "dates": ((X10, Y10.astype("M8[s]")), {}, "type of y: got 'datetime64[s]'"),
    "nan": ((with_value(X10, (3, 1), np.nan), Y10), {}, "X, row 3, column 1: got nan"),
    "infinite": (
        (X10, Y10, with_value(X10, (0, 1), -np.inf), Y10),
        {},
        "X_test, row 0, column 1: g",
    ),
    "beyond float64": ((np.full((10, 2), HUGE), Y10), {}, "X, row 0, column 0: got inf"),
    "label beyond float64": ((X10, np.full(10, HUGE)), {}, "y, row 0: got inf"),
    "infinite label": ((X10, with_value(Y10, 2, np.inf)), {}, "y, row 2: got inf"),
    "missing label": ((X10, ["a", None] * 5), {}, "y, row 1: got None, takes a string"),
    "too few labels": ((X10, Y10[:8]), {}, "length of y: got 8, takes 10"),
    "test labels": ((X10, Y10, X10, Y10[1:]), {}, "length of y_test: got 9, takes 10"),
    "one class": ((X10, ["a"] * 10), {}, "y: got ['a'], takes at least two classes"),
    "one number": ((X10, [0.5] * 10), {}, "y: got [0.5], takes at least two classes"),
    "more test features": (
        (X10[:, :1], Y10, X10, Y10),
        {},
        "shape of X_test: got (10, 2), takes (n",
    ),
    "unseen class": ((X10, Y10, X10, Y10 * 2), {}, "classes in y_test: got [2]"),
    "fractional class": ((X10, Y10, X10, Y10 / 2), {}, "classes in y_test: got [0.5]"),
    "other labels": ((X10, Y10, X10, Y10.astype(str)), {}, "type of y_test: got '<U"),
    "string for number": ((X10, X10[:, 0] / 3, X10, ["a"] * 10), {}, "type of y_test: got '<U1'"),
    "lonely class": ((X10, [0] * 9 + [1]), {}, "test_fraction: got 0.25, takes 0, since"),
    "whole numbers": (
        (X10, np.arange(10)),
        {},
        "whole numbers count as classes: to predict them, say",
    ),
    "thin class": ((X10, [0] * 8 + [1] * 2), {"test_fraction": 0.8}, "smallest with 2 of 10"),
    "no room to train": ((X10, Y10), {"test_fraction": 0.95}, "test_fraction: got 0.95"),
    "no room to test": ((X10, Y10), {"test_fraction": 0.01}, "test_fraction: got 0.01"),
    "one number left": ((X10, X10[:, 0] / 3), {"test_fraction": 0.99}, "(10 in all)"),
    "overflow": (
        (X10 * 1e200, Y10),
        {"standardize": True},
        "largest value in X_train: got 1.9e+201",
    ),
}


@pytest.mark.parametrize(("data", "options", "says"), BAD_DATA.values(), ids=BAD_DATA.keys())
def test_bad_data_are_refused_in_one_line(data: Any, options: dict[str, Any], says: str) -> None:
    line = refusal(data, **options)
    assert says in line, line


@pytest.mark.parametrize(
    ("option", "value"),
    [("test_fraction", value) for value in (-0.1, 1, 1.5, np.nan, "0.5", None, True)]
    + [("split_seed", value) for value in (-1, 1.5, 2**32, "0", None, True)]
    + [("image_size", value) for value in (0, -1, 2.5, "8", True, (8,), (8, 0), (8, 8, 3), 8)]
    + [("target", "y"), ("columns", ["a"]), ("drop", ["a"])],
)
def test_bad_options_are_refused_whatever_the_data(option: str, value: Any) -> None:
    assert f"{option}: got {value!r}, takes " in refusal("circles", **{option: value})
    assert f"{option}: got {value!r}, takes " in refusal((X10, Y10), **{option: value})


GOOD: dict[str, Any] = {
    "name": "good",
    "X_train": X10,
    "y_train": Y10,
    "X_test": X10,
    "y_test": Y10,
    "classes": ("a", "b"),
}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"y_train": Y10 + 1}, "y_train, row 1: got 2, takes a class index from 0 to 1"),
        ({"y_test": Y10 - 1}, "y_test, row 0: got -1"),
        ({"y_train": Y10 / 1}, "type of y_train: got 'float64', takes class indices"),
        ({"y_train": Y10 * 0}, "y_train: got [0], takes at least two classes"),
        ({"y_train": Y10.astype(str), "classes": None}, "type of y_train: got '<U"),
        ({"y_test": Y10 * 2, "classes": ("a", "b", "c")}, "classes in y_test: got [2]"),
        ({"classes": ("a", "a")}, "classes: got ('a', 'a')"),
        ({"X_test": X10[:, :1]}, "shape of X_test: got (10, 1)"),
        ({"X_test": X10[:9]}, "length of y_test: got 10, takes 9"),
        ({"image_shape": (1, 1, 3)}, "image_shape: got (1, 1, 3)"),
    ],
)
def test_a_dataset_made_by_hand_is_checked(changes: dict[str, Any], says: str) -> None:
    assert gd.Dataset(**GOOD).task == "binary"
    with pytest.raises(ArgumentError) as caught:
        gd.Dataset(**(GOOD | changes))
    assert says in str(caught.value)


def test_a_dataset_made_by_hand_decides_that_whole_numbers_are_to_be_predicted() -> None:
    data = gd.Dataset(**(GOOD | {"classes": None}))
    assert data.task == "regression"
    assert data.y_train.dtype == np.float64
    assert data.describe() == (
        "good: 10 train and 10 test examples, 2 features, a number to predict"
    )


def test_only_classes_that_are_whole_numbers_are_explained_by_the_rule_for_them() -> None:
    assert "whole numbers" not in refusal((X10, list("abcdefghij")))


def test_importing_the_package_loads_none_of_the_slow_libraries() -> None:
    code = "import goodinit.datasets, sys; print({'sklearn', 'pandas', 'PIL'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert ran.stdout.strip() == "set()"
