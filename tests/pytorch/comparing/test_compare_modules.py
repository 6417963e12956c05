"""Comparing initializers on a module: the same result, evidence and store as our own networks."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import goodinit as gi
from goodinit.errors import ArgumentError
from goodinit.study.trials import Trial
from goodinit.torch import compare

TABLES = ("trials", "curves", "signals", "sharpness")
QUICK: dict[str, Any] = {"steps": 12, "record": 4, "seeds": 3}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def build() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 2))


def noisy() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Dropout(0.5), nn.Linear(12, 2))


def thirty_layers() -> nn.Module:
    hidden = [part for _ in range(29) for part in (nn.Linear(32, 32), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), *hidden, nn.Linear(32, 10))


def assert_same(a: gi.Comparison, b: gi.Comparison) -> None:
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(a, name), getattr(b, name), check_exact=True)


@pytest.fixture(scope="module")
def result() -> gi.Comparison:
    return compare(
        build,
        "moons",
        initializers=["default", "zeros", "he_normal"],
        steps=300,
        seeds=10,
        learning_rate=0.1,
    )


def test_the_tables_are_those_of_our_own_networks(result: gi.Comparison) -> None:
    ours = gi.compare("moons", initializers="he", iterations=5, seeds=1)
    assert list(result.trials) == list(ours.trials)
    assert list(result.curves) == list(ours.curves)
    assert list(result.sharpness) == list(ours.sharpness)
    assert set(result.signals) >= set(ours._signals)  # of modules theory says nothing
    assert list(result.summary()) == list(ours.summary())
    assert len(result.trials) == 30


def test_zeros_fail_to_break_symmetry_and_the_others_learn(result: gi.Comparison) -> None:
    verdicts = {verdict.initializer: verdict for verdict in result.verdicts}
    assert verdicts["zeros"].label == "fails to break symmetry"
    assert "1 distinct of 12 units in layer 0" in verdicts["zeros"].reason
    row = result.summary().set_index("initializer")
    assert row["train_accuracy"]["he_normal"] > 0.85
    assert result.evidence.pair("train_cost", "zeros", "he_normal")["told_apart"]


def test_chance_is_the_entropy_of_the_classes(result: gi.Comparison) -> None:
    assert result.chance == pytest.approx(np.log(2), rel=1e-6)


@pytest.mark.parametrize(
    "loss", [nn.MSELoss(), lambda said, _: (said**2).mean() - 5], ids=["no cost", "below zero"]
)
def test_guessing_that_costs_nothing_or_less_leaves_a_result_that_is_true(loss: Any) -> None:
    X = torch.randn(40, 2, generator=torch.Generator().manual_seed(0))
    result = compare(
        lambda: nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)),
        (X, torch.zeros(40, 1)),
        initializers=["default", "he_normal"],
        loss=loss,
        steps=50,
        record=2,
        seeds=6,
    )
    assert np.isnan(result.study.chance)
    assert {verdict.label for verdict in result.verdicts}.isdisjoint({"does not learn"})
    assert "no number" not in str(result)
    assert result.summary()["fails"].eq(0).all()


def test_the_pictures_are_drawn(result: gi.Comparison) -> None:
    assert [name for name, _ in result.plots()] == ["costs", "signals", "accuracy"]


def test_default_is_the_modules_own_initialization(result: gi.Comparison) -> None:
    torch.manual_seed(4)
    module = build()
    data = gi.datasets.load("moons")
    X, y = torch.from_numpy(data.X_train).float(), torch.from_numpy(data.y_train)
    cost = float(nn.functional.cross_entropy(module(X), y).detach())
    row = result.trials.query("initializer == 'default' and seed == 4")
    assert row["initial_cost"].item() == pytest.approx(cost, rel=1e-6)


@pytest.mark.parametrize("factory", [build, noisy])
def test_a_trial_is_the_same_alone_or_among_others(factory: Any) -> None:
    among = compare(factory, "moons", initializers=["default", "he"], **QUICK)
    alone = compare(factory, "moons", initializers=["he"], **(QUICK | {"seeds": [2]}))
    chosen = among.trials.query("initializer == 'he_normal' and seed == 2").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.trials, chosen, rtol=1e-4)


@pytest.mark.parametrize("factory", [build, noisy])
def test_the_generators_of_the_user_stay_as_they_were(factory: Any) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    compare(factory, "moons", initializers=["default"], **QUICK)
    assert torch.equal(torch.rand(3), expected)


def test_initializers_may_come_from_elsewhere() -> None:
    def halves(module: nn.Module) -> None:
        for parameter in module.parameters():
            nn.init.constant_(parameter, 0.5)

    def drawn(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
        return rng.standard_normal(shape)

    asked = [halves, drawn, "torch.xavier_uniform(gain=2)", "auto", "lsuv", gi.initializers.zeros()]
    found = compare(build, "moons", initializers=asked, **QUICK)
    names = ["halves", "drawn", "torch.xavier_uniform(gain=2)", "auto", "lsuv", "zeros"]
    assert list(found.trials["initializer"][:6]) == names


def test_a_study_goes_on_in_its_folder_to_the_same_bits(tmp_path: Path) -> None:
    words: dict[str, Any] = {"initializers": ["default", "he"], **QUICK}
    whole = compare(build, "moons", **words)
    compare(build, "moons", **(words | {"seeds": 1}), out=tmp_path / "study")
    went_on = compare(build, "moons", **words, out=tmp_path / "study")
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(whole, name), getattr(went_on, name), rtol=1e-4)
    assert_same(gi.load(tmp_path / "study"), went_on)
    shown = gi.load(tmp_path / "study")
    assert [v.label for v in shown.verdicts] == [v.label for v in went_on.verdicts]


def test_another_module_in_the_folder_is_refused(tmp_path: Path) -> None:
    compare(build, "moons", initializers=["default"], **QUICK, out=tmp_path / "study")
    with pytest.raises(ArgumentError, match="module build and not noisy"):
        compare(noisy, "moons", initializers=["default"], **QUICK, out=tmp_path / "study")
    with pytest.raises(ArgumentError, match="kind module and not network"):
        gi.compare("moons", iterations=12, seeds=1, out=tmp_path / "study")


def test_executors_change_no_number() -> None:
    words: dict[str, Any] = {"initializers": ["default", "he"], **QUICK}
    here = compare(noisy, "moons", **words)
    with ThreadPoolExecutor(2) as pool:
        assert_same(compare(noisy, "moons", **words, executor=pool), here)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert_same(compare(noisy, "moons", **words, executor=pool), here)


def gentle(parameters: list[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.05, momentum=0.5)


def test_an_optimizer_of_ones_own_is_kept_by_its_name(tmp_path: Path) -> None:
    words: dict[str, Any] = {"initializers": ["he"], "optimizer": gentle, **QUICK}
    found = compare(build, "moons", **words, out=tmp_path / "study")
    shown = gi.load(tmp_path / "study")
    assert_same(shown, found)
    assert shown.study.describe() == found.study.describe()
    assert "gentle" in shown.study.describe()


def test_networks_are_kept_on_request(tmp_path: Path) -> None:
    words: dict[str, Any] = {"initializers": ["zeros"], **QUICK, "keep_networks": True}
    found = compare(build, "moons", **words, out=tmp_path / "study")
    kept = found.networks[Trial("zeros", 0.01, 1)]
    assert {name: of.shape for name, of in kept.items()} == {
        "0.weight": (12, 2),
        "0.bias": (12,),
        "2.weight": (2, 12),
        "2.bias": (2,),
    }


def data_of(kind: str) -> Any:
    X, y = torch.randn(40, 2, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 2
    return {
        "tensors": (X, y),
        "four tensors": (X[:30], y[:30], X[30:], y[30:]),
        "arrays": (X.numpy(), y.numpy()),
        "dataset": TensorDataset(X, y),
        "loader": DataLoader(TensorDataset(X, y), batch_size=8),
    }[kind]


@pytest.mark.parametrize("kind", ["tensors", "four tensors", "arrays", "dataset", "loader"])
def test_data_come_in_many_shapes(kind: str) -> None:
    found = compare(build, data_of(kind), initializers=["default"], **QUICK)
    assert found.trials["test_accuracy"].between(0, 1).all()


def test_a_number_to_predict_is_scored_by_r2() -> None:
    X = torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    y = X @ torch.tensor([[1.0], [-2.0], [0.5]])
    found = compare(
        lambda: nn.Linear(3, 1),
        (X, y),
        initializers=["default"],
        steps=400,
        seeds=2,
        learning_rate=0.1,
    )
    assert (found.trials["test_accuracy"] > 0.99).all()
    assert found.chance == pytest.approx(float(y[torch.randperm(200)].var()), rel=0.2)


def test_xavier_stalls_in_thirty_relu_layers_where_he_converges() -> None:
    found = compare(
        thirty_layers,
        "digits",
        initializers=["glorot_normal", "he_normal"],
        optimizer="momentum",
        learning_rate=0.01,
        steps=400,
        seeds=2,
        record=4,
    )
    costs = found.trials.groupby("initializer")["train_cost"].median()
    assert costs["glorot_normal"] == pytest.approx(np.log(10), abs=0.01)
    assert costs["he_normal"] < 0.8 * np.log(10)
    verdicts = {verdict.initializer: verdict.label for verdict in found.verdicts}
    assert verdicts["glorot_normal"] == "vanishing gradients"


def test_lazy_layers_are_given_their_shapes_before_they_are_drawn() -> None:
    def lazy() -> nn.Module:
        return nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(2))

    found = compare(lazy, "moons", **(QUICK | {"initializers": ["default", "he_normal"]}))
    assert found.trials["train_cost"].notna().all()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"model_factory": build()}, "model_factory: got Sequential"),
        ({"model_factory": lambda: 3}, "model_factory: got 3, takes a function that returns a"),
        ({"model_factory": nn.Flatten}, "got 'Flatten', takes .* with trainable parameters"),
        ({"model_factory": lambda: nn.Linear(2, 2, device="meta")}, "on the meta device"),
        ({"initializers": "he_norml"}, "he_norml"),
        ({"initializers": ["he", "he_normal"]}, "initializers: got 'he_normal twice'"),
        ({"steps": 0}, "steps: got 0"),
        ({"seeds": 0}, "seeds: got 0"),
        ({"learning_rate": -1}, "learning_rate: got -1"),
        ({"optimizer": "sdg"}, "optimizer: got 'sdg'"),
        ({"loss": 3}, "loss: got 3"),
        ({"data": "moon"}, "did you mean 'moons'"),
        ({"data": (torch.ones(3, 2), torch.ones(2))}, "data: got '3 inputs and 2 targets'"),
        ({"data": (torch.full((3, 2), torch.nan), torch.ones(3))}, "data: got 'NaN or infinity'"),
        ({"executor": 3}, "executor: got 3"),
    ],
)
def test_bad_arguments_are_named(changed: dict[str, Any], says: str) -> None:
    words: dict[str, Any] = {"model_factory": build, "data": "moons", **QUICK}
    with pytest.raises(ArgumentError, match=says) as caught:
        compare(**(words | changed))
    assert "\n" not in str(caught.value)
