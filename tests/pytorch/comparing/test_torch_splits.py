"""Modules over splits of the data: each split's own bits, kept, gone on with, and refused."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import nn
from torch.utils.data import TensorDataset

import goodinit as gi
from goodinit.datasets.resampling import load_splits
from goodinit.errors import ArgumentError
from goodinit.torch import compare
from goodinit.torch.comparing.comparing import plan
from goodinit.torch.comparing.study import ModuleStudy
from goodinit.torch.comparing.training import ModuleTraining

TABLES = ("trials", "curves", "signals", "sharpness")
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((60, 4)), np.arange(60) % 3


def build() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def over(splits: int = 3, data: Any = "iris", **changed: Any) -> gi.Comparison:
    quick: dict[str, Any] = {
        "initializers": ["default", "zeros"],
        "steps": 10,
        "record": 4,
        "seeds": 6,
    }
    return compare(build, data, splits=splits, **quick | changed)


def study(data: Any, splits: int = 3, rates: Any = 0.01) -> ModuleStudy:
    training = ModuleTraining(iterations=2, record=1)
    return plan(
        build,
        data,
        initializers="zeros",
        learning_rate=rates,
        seeds=splits,
        splits=splits,
        training=training,
    )


def assert_same(a: gi.Comparison, b: gi.Comparison) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(a, name), getattr(b, name), check_exact=True)


def test_each_split_has_the_bits_of_its_own_study() -> None:
    whole = over()
    assert whole.trials["split"].tolist() == [seed % 3 for seed in whole.trials["seed"]]
    for split, dataset in enumerate(load_splits("iris", 3).datasets):
        alone = over(1, dataset, seeds=[split, split + 3])
        for name in TABLES:
            table = getattr(whole, name).drop(columns="split", errors="ignore")
            own = table[table["seed"] % 3 == split].reset_index(drop=True)
            pd.testing.assert_frame_equal(own, getattr(alone, name), check_exact=True)


def test_evidence_is_over_the_splits() -> None:
    found = over(6)
    assert found.evidence.counting.what == "split"
    assert found.evidence.counting.test_share == pytest.approx(38 / 150)
    assert "over 6 splits of the same examples" in " ".join(found.warnings)
    assert "6 seeds over 6 splits" in found.study.describe()
    (alone,) = [line for line in over(1).warnings if "share one split" in line]
    assert "--splits 10, tells" in alone


def test_what_is_drawn_is_drawn_afresh_for_each_split() -> None:
    moons = compare(
        lambda: nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2)),
        "moons",
        splits=2,
        seeds=2,
        steps=2,
    )
    assert moons.study.test_share == 0
    assert "over 2 draws of the data" in " ".join(moons.warnings)


@pytest.mark.parametrize(
    "data",
    [(X, Y), (torch.from_numpy(X).float(), torch.from_numpy(Y))],
    ids=["arrays", "tensors"],
)
def test_examples_are_divided_anew(data: Any) -> None:
    work = study(data).work
    assert work is not None
    tests = [of.X_test for of in (work.examples, *work.others)]
    assert [len(of) for of in tests] == [15, 15, 15]
    rows = [{tuple(row) for row in of.numpy().round(5).tolist()} for of in tests]
    assert not rows[0] == rows[1] == rows[2]


def test_a_dataset_of_tensors_is_divided_as_its_tensors_are() -> None:
    tensors = torch.from_numpy(X).float(), torch.from_numpy(Y)
    assert study(TensorDataset(*tensors)).facts["splits"] == study(tensors).facts["splits"]


def test_each_split_sets_examples_aside_to_choose_a_rate_by() -> None:
    work = study("iris", rates=[0.01, 0.1]).work
    assert work is not None
    every = (work.examples, *work.others)
    assert [len(of.y_validation) for of in every if of.y_validation is not None] == [23] * 3


def test_threads_of_an_executor_measure_the_same() -> None:
    with ThreadPoolExecutor(2) as executor:
        assert_same(over(executor=executor), over())


@pytest.mark.parametrize("rates", [0.01, [0.01, 0.1]])
def test_a_kept_study_is_read_and_gone_on_with(rates: Any, tmp_path: Path) -> None:
    place = tmp_path / "study"
    first = over(out=place, learning_rate=rates)
    loaded = gi.load(place)
    assert_same(loaded, first)
    assert (loaded.study.splits, loaded.study.test_share) == (3, first.study.test_share)
    assert loaded.warnings == first.warnings
    assert_same(over(out=place, seeds=9, learning_rate=rates), over(seeds=9, learning_rate=rates))
    for splits in (1, 2):
        with pytest.raises(ArgumentError, match=f"splits 3 and not {splits}"):
            over(splits, out=place, learning_rate=rates)


def test_a_kept_study_of_several_rates_on_one_split_is_read(tmp_path: Path) -> None:
    first = over(1, out=tmp_path / "study", learning_rate=[0.01, 0.1])
    assert_same(gi.load(tmp_path / "study"), first)


def test_what_cannot_be_divided_is_refused() -> None:
    x, y = torch.from_numpy(X).float(), torch.from_numpy(Y)
    with pytest.raises(ArgumentError, match="splits: got 3, takes 1 for data that come divided"):
        over(data=(x, y, x, y))
    with pytest.raises(ArgumentError, match="seeds: got 2, takes at least 3, one for each"):
        over(seeds=2)
    kinds = ["a"] * 500 + ["b"] * 290 + ["c"] * 4 + ["d"] * 3 + ["e"] * 3
    rare = pd.DataFrame({"size": RNG.standard_normal(800), "kind": kinds, "y": np.arange(800) % 3})
    with pytest.raises(ArgumentError, match="other columns of a table"):
        over(6, rare, target="y")


def test_a_module_that_takes_rows_is_told_that_images_come_as_images() -> None:
    with pytest.raises(RuntimeError) as caught:
        compare(lambda: nn.Linear(64, 10), "digits", steps=2, seeds=1)
    assert caught.value.__notes__ == [
        "an example comes as an image of 1×8×8: nn.Flatten() makes a row of it"
    ]
