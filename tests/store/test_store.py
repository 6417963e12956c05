"""The study folder: what it holds, how it is gone on with, and what it survives."""

import json
import os
import re
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import goodinit as gi
from goodinit import initializers
from goodinit.datasets import Dataset
from goodinit.errors import ArgumentError
from goodinit.initializers import Scheme
from goodinit.measuring.signals import LAYER_SIGNALS
from goodinit.running import batches
from goodinit.study.grid import Study
from goodinit.study.trials import Trial
from studies import TABLES, assert_same, by, refusal, small, snapshot

KEYS = ["initializer", "learning_rate", "seed"]
MEASURES = ["train_cost", "test_cost", "train_accuracy", "test_accuracy"]
COLUMNS = {
    "trials": [*KEYS, "initial_cost", *MEASURES, "diverged"],
    "curves": [*KEYS, "iteration", *MEASURES],
    "signals": [*KEYS, "moment", "layer", *LAYER_SIGNALS],
    "sharpness": [*KEYS, "iteration", "sharpness", "stability"],
}


def images() -> Dataset:
    rng = np.random.default_rng(3)
    X, y = rng.random((12, 48)), np.arange(12) % 2
    return Dataset("squares", X[:8], y[:8], X[8:], y[8:], ("dark", "light"), (4, 4, 3))


def line() -> tuple[Any, Any]:
    X = np.random.default_rng(0).standard_normal((40, 3))
    return X, X @ np.array([1.0, -2.0, 0.5])


def without_test() -> Dataset:
    data = gi.datasets.circles()
    return gi.datasets.load((data.X_train, data.y_train), test_fraction=0)


def wide() -> Dataset:
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((14, 60)), np.arange(14) % 2
    return Dataset("wide", X[:10], y[:10], X[10:], y[10:], ("a", "b"))


KINDS: dict[str, Callable[[], dict[str, Any]]] = {
    "two classes": lambda: {"data": "circles"},
    "three classes": lambda: {"data": "iris"},
    "a number to predict": lambda: {"data": line()},
    "images": lambda: {"data": images()},
    "several learning rates": lambda: {"data": "moons", "learning_rate": [0.1, 0.01, 1e-3]},
    "no test part": lambda: {"data": without_test()},
    "mini-batches in float32": lambda: {
        "data": "wine",
        "batch_size": 7,
        "optimizer": "adam",
        "dtype": "float32",
        "keep_networks": True,
    },
    "diverged trials": lambda: {"data": "circles", "initializers": ["normal(1e200)", "zeros"]},
    "more features than examples": lambda: {"data": wide(), "keep_networks": True},
}


# What a folder holds


def test_pandas_reads_each_table_in_one_line(kept: Path, whole: gi.Comparison) -> None:
    for name in TABLES:
        table = pd.read_parquet(kept / name)
        assert list(table.columns) == COLUMNS[name]
        expected = getattr(whole, name)[COLUMNS[name]]  # theory's columns are not kept
        assert (table.dtypes == expected.dtypes).all()
        pd.testing.assert_frame_equal(table, expected, check_exact=True)


def test_a_folder_holds_a_description_the_data_and_a_file_per_part_and_table(kept: Path) -> None:
    names = {path.name for path in kept.iterdir()}
    assert names == {"study.json", "data.npz", ".lock", "networks", *TABLES}
    for name in TABLES:
        files = sorted(path.name for path in (kept / name).iterdir())
        assert [re.sub("-[0-9a-f]{16}", "", file) for file in files] == [
            f"{part:06d}.parquet" for part in range(4)
        ]


def test_the_description_says_in_plain_json_what_was_run(kept: Path) -> None:
    said = json.loads((kept / "study.json").read_text(encoding="utf-8"))
    assert said["data"]["name"] == "circles"
    assert said["data"]["fingerprint"] == gi.datasets.circles().fingerprint
    assert said["network"]["layers"] == [2, 10, 5, 1]
    assert said["training"]["iterations"] == 20
    assert list(said["initializers"]) == ["zeros", "he_normal"]
    assert said["seeds"] == [0, 1, 2, 3]
    assert {"goodinit", "numpy", "numba"} <= set(said["versions"][0])


def test_kept_networks_are_read_by_numpy_alone_and_without_pickle(
    kept: Path, whole: gi.Comparison
) -> None:
    rows = 0
    for path in sorted((kept / "networks").iterdir()):
        with np.load(path, allow_pickle=False) as arrays:
            shapes = {name: arrays[name].shape[1:] for name in arrays.files}
            assert shapes == {
                **dict.fromkeys(KEYS, ()),
                **{"weight_1": (10, 2), "weight_2": (5, 10), "weight_3": (1, 5)},
                **{"bias_1": (10,), "bias_2": (5,), "bias_3": (1,)},
            }
            for row, key in enumerate(zip(*(arrays[name].tolist() for name in KEYS), strict=True)):
                trial = Trial(*key)
                for layer, (weights, biases) in enumerate(whole.networks[trial], start=1):
                    np.testing.assert_array_equal(arrays[f"weight_{layer}"][row], weights)
                    np.testing.assert_array_equal(arrays[f"bias_{layer}"][row], biases)
                rows += 1
    assert rows == len(whole.trials)


def test_networks_of_many_features_are_kept_on_request_only(tmp_path: Path) -> None:
    assert len(small("iris", out=tmp_path / "without").networks) == 0
    assert not (tmp_path / "without" / "networks").exists()
    small("iris", out=tmp_path / "with", keep_networks=True)
    networks = gi.load(tmp_path / "with").networks
    assert len(networks) == 8
    weights, biases = networks[Trial("he_normal", 0.01, 3)][0]
    assert weights.shape == (10, 4)
    assert biases.shape == (10,)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_loaded_is_what_was_measured_to_the_last_bit(kind: str, tmp_path: Path) -> None:
    arguments = KINDS[kind]()
    measured = small(**arguments)
    ran = small(**arguments, out=tmp_path / "study")
    loaded = gi.load(tmp_path / "study")
    assert_same(ran, measured)
    assert_same(loaded, measured)
    assert loaded.study.as_dict() == measured.study.as_dict()
    assert isinstance(loaded.study, Study)
    assert isinstance(measured.study, Study)
    assert loaded.study.dataset.image_shape == measured.study.dataset.image_shape
    assert loaded.warnings == measured.warnings
    assert not loaded.interrupted


def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small()
    assert list(tmp_path.iterdir()) == []


# Going on


def test_a_finished_study_answers_without_any_training(
    folder: Path, whole: gi.Comparison, trained: list[Trial]
) -> None:
    before = snapshot(folder)
    assert_same(small(out=folder), whole)
    assert trained == []
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    ("changed", "new"),
    [
        ({"seeds": 7}, 3 * 2),
        ({"seeds": [9, 2]}, 2),
        ({"initializers": ["zeros", "lecun_normal", "he_normal", "orthogonal"]}, 4 * 2),
        ({"learning_rate": [0.01, 0.1]}, 4 * 2),
        ({"seeds": 5, "initializers": "glorot_normal", "learning_rate": [0.5, 0.01]}, 10),
        ({"seeds": 2, "initializers": "he_normal"}, 0),
    ],
)
def test_more_of_anything_trains_only_what_is_missing(
    folder: Path,
    trained: list[Trial],
    changed: dict[str, Any],
    new: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the data that the folder began with: of them nothing was set aside."""
    result = small(out=folder, **changed)
    assert len(trained) == len(set(trained)) == new
    trained.clear()
    monkeypatch.setattr("goodinit.study.grid.with_validation", lambda dataset, _: dataset)
    assert_same(result, small(**changed))
    trained.clear()
    small(out=folder)
    assert trained == []


def test_an_extended_folder_is_loaded_with_all_that_it_was_asked_for(folder: Path) -> None:
    small(out=folder, seeds=6)
    assert gi.load(folder).study.seeds == tuple(range(6))
    small(out=folder, seeds=2, initializers="orthogonal")
    loaded = gi.load(folder)
    assert loaded.study.as_dict()["initializers"] == ["zeros", "he_normal", "orthogonal"]
    assert loaded.study.seeds == (0, 1)  # those that have everything
    assert loaded.interrupted


def test_the_size_of_the_batches_may_change_between_runs(
    tmp_path: Path, whole: gi.Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    for size, seeds in [(1, 1), (3, 3), (5, 4)]:
        monkeypatch.setattr(batches, "_batches", by(size))
        result = small(out=tmp_path / "study", seeds=seeds)
    assert_same(result, whole)
    assert_same(gi.load(tmp_path / "study"), whole)


def test_progress_begins_where_the_study_stopped(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    small(out=folder, seeds=6, progress=lambda done, total: seen.append((done, total)))
    assert min(done for done, _ in seen) > 8 * 20  # what was kept counts as done
    assert seen[-1] == (12 * 20, 12 * 20)


def test_a_callable_is_gone_on_with_when_it_is_given_again(
    tmp_path: Path, trained: list[Trial]
) -> None:
    def mine(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
        return 0.3 * rng.standard_normal(shape)

    first = small(out=tmp_path, initializers=["zeros", mine], seeds=2)
    assert_same(gi.load(tmp_path), first)  # the callable itself isn't kept, and isn't needed
    small(out=tmp_path, initializers=["zeros", mine], seeds=3)
    assert len(trained) == 4 + 2


# What is refused


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"data": "moons"}, ["moons: 300 train", "circles: 300 train"]),
        ({"hidden": (4,)}, ["2-4-1", "2-10-5-1", "layers [2, 10, 5, 1] and not [2, 4, 1]"]),
        ({"activation": "tanh"}, ["activation relu and not tanh"]),
        ({"iterations": 30}, ["20 iterations", "30 iterations", "iterations 20 and not 30"]),
        ({"optimizer": "adam"}, ["optimizer gradient_descent and not adam"]),
        ({"batch_size": 8}, ["batch_size None and not 8"]),
        ({"record": 5}, ["record 4 and not 5"]),
        ({"dtype": "float32"}, ["dtype float64 and not float32"]),
        ({"weight_decay": 0.1}, ["weight_decay 0.0 and not 0.1"]),
    ],
)
def test_another_study_in_the_folder_is_refused_with_both_descriptions(
    folder: Path, changed: dict[str, Any], says: list[str]
) -> None:
    before = snapshot(folder)
    line = refusal(**{"data": "circles", "out": folder} | changed)
    assert line.startswith("out: got ")
    for part in says:
        assert part in line
    assert snapshot(folder) == before


def test_data_that_differ_in_one_bit_are_other_data(folder: Path) -> None:
    data = gi.datasets.circles()
    X = data.X_train.copy()
    X[7, 1] = np.nextafter(X[7, 1], 1)
    other = Dataset(data.name, X, data.y_train, data.X_test, data.y_test, data.classes)
    assert "data " in refusal(other, out=folder)


def test_an_initializer_of_the_same_name_with_another_draw_is_refused(tmp_path: Path) -> None:
    def drawing(scale: float) -> Scheme:
        return Scheme("mine", initializers.normal(scale).draw)

    small(out=tmp_path, initializers=drawing(0.1))
    before = snapshot(tmp_path)
    line = refusal(out=tmp_path, initializers=drawing(0.2))
    assert "initializer mine" in line
    assert snapshot(tmp_path) == before


def test_a_folder_with_networks_and_one_without_are_not_mixed(tmp_path: Path) -> None:
    small("iris", out=tmp_path)
    assert "keep_networks False and not True" in refusal("iris", out=tmp_path, keep_networks=True)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("kept")
    assert "out: got" in refusal(out=place)
    assert "out: got" in refusal(out=place / "below")
    assert place.read_text() == "kept"
    with pytest.raises(ArgumentError, match="folder: got"):
        gi.load(place)


def test_a_folder_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text('{"subject": "birds"}')
    assert "format 1 (this is someone else's)" in refusal(out=tmp_path)
    assert [path.name for path in tmp_path.glob("[a-z]*")] == ["study.json"]
    assert (tmp_path / "study.json").read_text() == '{"subject": "birds"}'


def test_a_read_only_folder_is_refused_in_one_line() -> None:
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        place.chmod(0o555)
        if os.geteuid() == 0:  # who may write anywhere
            os.seteuid(65534)
            stack.callback(os.seteuid, 0)
        assert "Permission denied" in refusal(out=place / "study")
        assert "Permission denied" in refusal(out=place)
        assert list(place.iterdir()) == []


@pytest.mark.parametrize("place", ["nowhere", "."])
def test_a_folder_without_a_study_cannot_be_loaded(place: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"takes a folder with a study \(study\.json\)"):
        gi.load(tmp_path / place)
    assert list(tmp_path.iterdir()) == []


# Saving what is in memory


def test_what_is_saved_is_loaded_and_gone_on_with(
    tmp_path: Path, whole: gi.Comparison, trained: list[Trial]
) -> None:
    whole.save(tmp_path / "study")
    assert_same(gi.load(tmp_path / "study"), whole)
    before = snapshot(tmp_path / "study")
    whole.save(tmp_path / "study")
    assert snapshot(tmp_path / "study") == before
    small(out=tmp_path / "study", seeds=5)
    assert len(trained) == 2


def test_saving_adds_only_the_trials_that_the_folder_lacks(
    tmp_path: Path, whole: gi.Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_batches", by(3))
    small(out=tmp_path / "study", seeds=[1, 3])
    small().save(tmp_path / "study")
    loaded = gi.load(tmp_path / "study")
    assert sorted(loaded.study.seeds) == [0, 1, 2, 3]
    assert_same(gi.Comparison(whole.study, loaded.parts), whole)
    stored = pd.read_parquet(tmp_path / "study" / "trials")
    assert len(stored) == len(whole.trials)
    assert not stored.duplicated(KEYS).any()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_saved_of_any_data_is_what_was_measured(kind: str, tmp_path: Path) -> None:
    measured = small(**KINDS[kind]())
    measured.save(tmp_path / "study")
    loaded = gi.load(tmp_path / "study")
    assert_same(loaded, measured)
    assert loaded.notes == ()


def test_another_study_is_not_saved_over_a_kept_one(folder: Path) -> None:
    before = snapshot(folder)
    with pytest.raises(ArgumentError, match="iterations 20 and not 10"):
        small(iterations=10).save(folder)
    assert snapshot(folder) == before


def test_a_loaded_study_can_be_saved_elsewhere(
    folder: Path, tmp_path: Path, whole: gi.Comparison
) -> None:
    gi.load(folder).save(tmp_path / "copy")
    assert_same(gi.load(tmp_path / "copy"), whole)


def test_kept_networks_of_many_features_are_not_drawn(tmp_path: Path) -> None:
    result = small("iris", keep_networks=True)
    assert "boundaries" not in [name for name, _ in result.plots()]
