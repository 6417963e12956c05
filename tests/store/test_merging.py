"""Studies of two machines become the one that a single machine would have kept."""

from pathlib import Path

import numpy as np
import pytest

import goodinit as gi
from goodinit.errors import ArgumentError
from goodinit.measuring.tables import seconds_of
from goodinit.store.merging import merge
from studies import assert_same, small, snapshot


def test_two_machines_seeds_are_one_study(tmp_path: Path, whole: gi.Comparison) -> None:
    small(out=tmp_path / "a", seeds=[0, 1, 2])
    small(out=tmp_path / "b", seeds=[2, 3])  # one of them is in both
    before = snapshot(tmp_path)
    merge([tmp_path / "a", tmp_path / "b"], tmp_path / "all" / "of")
    loaded = gi.load(tmp_path / "all" / "of")
    assert_same(loaded, whole)
    assert loaded.notes == ()
    assert seconds_of(loaded.parts) == pytest.approx(
        _seconds(tmp_path / "a") + 0.5 * _seconds(tmp_path / "b"), abs=0.01
    )
    assert before.items() <= snapshot(tmp_path).items()


def _seconds(folder: Path) -> float:
    known = seconds_of(gi.load(folder).parts)
    assert known is not None
    return known


def test_a_merged_study_goes_on(tmp_path: Path, trained: list[object]) -> None:
    def mine(rng: np.random.Generator, shape: tuple[int, int]) -> object:
        return 0.3 * rng.standard_normal(shape)

    small(out=tmp_path / "a", initializers=["zeros", mine], seeds=2)
    small(out=tmp_path / "b", initializers=["zeros", "he_normal"], seeds=2)
    trained.clear()
    merge([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    loaded = gi.load(tmp_path / "c")
    assert list(loaded.trials["initializer"].unique()) == ["zeros", "mine", "he_normal"]
    small(out=tmp_path / "c", initializers=["zeros", mine, "he_normal"], seeds=3)
    assert len(trained) == 3


def test_other_studies_and_other_places_are_refused(folder: Path, tmp_path: Path) -> None:
    small(iterations=10, out=tmp_path / "other", seeds=2)
    before = snapshot(tmp_path)
    for folders, out, says in [
        ([folder, tmp_path / "other"], "new", "iterations 20 and not 10"),
        ([folder, tmp_path], "new", "a folder with a study"),
        ([folder], "new", "at least two studies"),
        ([folder, folder], "study", "a new or empty folder"),
    ]:
        with pytest.raises(ArgumentError, match=says):
            merge(folders, tmp_path / out)
    assert snapshot(tmp_path) == before
    assert not (tmp_path / "new").exists()
