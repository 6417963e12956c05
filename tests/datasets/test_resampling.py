"""The same data on several splits: the first as without, each prepared by its own training part."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from goodinit import datasets
from goodinit.datasets import Dataset, load_splits
from goodinit.errors import ArgumentError

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((40, 3)), np.arange(40) % 2
TABLE = pd.DataFrame(
    {"a": RNG.normal(200, 50, 60), "kind": list("xyz") * 20, "b": RNG.normal(0, 3, 60)}
)
NUMBERS = RNG.normal(1e4, 3e3, 60)
NAMES = ("X_train", "y_train", "X_test", "y_test")


@pytest.mark.parametrize("data", ["circles", "blobs", "iris", "digits", (X, Y), (TABLE, NUMBERS)])
def test_split_0_is_the_one_without_and_split_k_that_of_the_next_seed(data: Any) -> None:
    found = load_splits(data, 3).datasets
    assert found[0].fingerprint == datasets.load(data).fingerprint
    assert len({one.fingerprint for one in found}) == 3
    if data not in ("circles", "blobs"):
        for k, one in enumerate(found):
            assert one.fingerprint == datasets.load(data, split_seed=k).fingerprint


@pytest.mark.parametrize("name", ["circles", "moons", "blobs", "spirals", "xor"])
def test_a_formula_is_drawn_afresh(name: str) -> None:
    found = load_splits(name, 6)
    assert found.fresh
    assert found.test_share == 0
    rows = np.concatenate([one.X_train for one in found.datasets])
    rows = np.concatenate([rows, *(one.X_test for one in found.datasets)])
    assert len(np.unique(rows, axis=0)) == 6 * 400  # no example comes again, in either part


def test_resampled_splits_share_their_examples() -> None:
    found = load_splits((X, Y), 8)
    assert not found.fresh
    assert found.test_share == 10 / 40
    whole = np.sort(X, axis=0)
    for one in found.datasets:
        both = np.concatenate([one.X_train, one.X_test])
        np.testing.assert_array_equal(np.sort(both, axis=0), whole)


def test_each_split_is_prepared_by_its_own_training_part() -> None:
    for one in load_splits((TABLE, NUMBERS), 4).datasets:
        scaled = one.X_train[:, [0, 1]]
        np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(scaled.std(axis=0), 1)
        assert one.target_scale is not None
        np.testing.assert_allclose([one.y_train.mean(), one.y_train.std()], [0, 1], atol=1e-12)


def refused(data: Any, splits: Any, **options: Any) -> str:
    with pytest.raises(ArgumentError) as caught:
        load_splits(data, splits, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_came_divided_is_not_divided_anew(tmp_path: Path) -> None:
    parts = X[:30], Y[:30], X[30:], Y[30:]
    arrays: dict[str, Any] = dict(zip(NAMES, parts, strict=True))
    np.savez(tmp_path / "four.npz", **arrays)
    frames = tuple(pd.DataFrame(of) if of.ndim == 2 else of for of in parts)
    for data in (parts, frames, tmp_path / "four.npz", Dataset("mine", *parts, ("a", "b"))):
        assert refused(data, 2).startswith("splits: got 2, takes 1 for data that come divided")
        assert len(load_splits(data, 1).datasets) == 1


def test_splits_that_cannot_be_are_refused() -> None:
    assert "takes whole numbers from 1" in refused("iris", 0)
    assert "takes whole numbers from 1" in refused("iris", 2.5)
    assert "held out" in refused("iris", 2, test_fraction=0)
    assert refused("iris", 3, split_seed=2**32 - 2).startswith("split_seed: got 4294967294")
    assert "memory" in refused("digits", 10**9)
    assert "few" in refused((X[:3], [0, 1, 1]), 2) or "classes" in refused((X[:3], [0, 1, 1]), 2)


def test_splits_that_hold_out_the_same_examples_are_refused() -> None:
    four = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([1.5, 2.5, 3.0, 4.0])
    for options in ({}, {"standardize": False}):  # scaled by sums in another order
        said = refused(four, 5, **options)  # of four examples one is held out
        assert "would hold out the same examples as split" in said
