"""How sharply a module's cost bends along an optimizer's steps, against our own networks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import nn

import goodinit.torch
from goodinit import network as oracle
from goodinit.measuring import sharpness as ours
from goodinit.network import Network
from goodinit.torch.comparing.curvature import batch_sharpness, sharpness
from goodinit.torch.comparing.stability import bend_of
from goodinit.torch.comparing.training import ModuleTraining

CE = nn.CrossEntropyLoss()


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()


def twins() -> tuple[nn.Sequential, Network, oracle.Parameters, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    module = mlp()
    layers = [part for part in module if isinstance(part, nn.Linear)]
    parameters = [
        (of.weight.detach().numpy()[None], of.bias.detach().numpy()[None]) for of in layers
    ]
    X, y = torch.randn(24, 3, dtype=torch.float64), torch.arange(24) % 2
    return module, Network((3, 5, 2), "tanh", "softmax"), parameters, X, y


def flat_of(parameters: oracle.Parameters) -> np.ndarray:
    """Return parameters as PyTorch orders them: each layer's weights, then its biases."""
    return np.concatenate([array[0].ravel() for layer in parameters for array in layer])


def test_a_modules_preconditioned_and_batch_sharpness_are_those_of_our_own_networks() -> None:
    module, net, parameters, X, y = twins()
    targets = oracle.targets(net, y.numpy())
    scale = 1.0 + torch.rand(32, dtype=torch.float64)
    packed = oracle.pack(parameters)
    np.testing.assert_array_equal(packed[0], flat_of(parameters))  # the same order in both
    expected = ours.sharpness(
        net, parameters, X.numpy(), targets, 32, scales=scale.numpy()[np.newaxis]
    )
    assert sharpness(module, X, y, CE, 32, scales=scale) == pytest.approx(expected[0], rel=1e-6)
    expected = ours.batch_sharpness(net, parameters, X.numpy(), targets, batch_size=6)
    assert batch_sharpness(module, X, y, CE, 6) == pytest.approx(expected[0], rel=1e-9)
    assert all(p.grad is None for p in module.parameters())


@pytest.mark.parametrize(("optimizer", "times"), [("adam", 1.0), ("rmsprop", 10.0)])
def test_an_adaptive_optimizers_first_step_goes_by_the_signs(optimizer: str, times: float) -> None:
    module, _, _, X, y = twins()
    how = ModuleTraining(optimizer=optimizer, batch_size=None)
    found = bend_of(module, X, y, CE, how, squares=[], moment=0, batch=24)
    by_signs = batch_sharpness(module, X, y, CE, 24, torch.sign)
    assert found.stability == pytest.approx(times * by_signs / 2, rel=1e-3)
    assert np.isnan(bend_of(module, X, y, CE, how, squares=[], moment=3, batch=24).stability)


def test_an_optimizer_of_the_users_own_is_not_judged() -> None:
    module, _, _, X, y = twins()
    how = ModuleTraining(optimizer=lambda leaves: torch.optim.Adam(leaves, lr=0.1))
    assert np.isnan(bend_of(module, X, y, CE, how, squares=[], moment=0, batch=24)).all()


def build() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 10), nn.ReLU(), nn.Linear(10, 5), nn.ReLU(), nn.Linear(5, 2))


@pytest.mark.parametrize(
    ("optimizer", "fine", "wild"),
    [("adam", 0.01, 3.0), ("rmsprop", 0.003, 3.0), ("sgd", 0.1, 30.0)],
)
def test_wild_rates_are_called_that_and_those_that_train_are_not(
    optimizer: str, fine: float, wild: float
) -> None:
    labels = []
    for rate in (fine, wild):
        result = goodinit.torch.compare(
            build,
            "moons",
            initializers="he_normal",
            optimizer=optimizer,
            learning_rate=rate,
            steps=300,
            seeds=6,
            record=20,
        )
        labels.append(result.verdicts[0].label)
    assert labels[0] == "recommended"
    assert labels[1] == "learning rate too high"


def stability_of(together: Callable[[], nn.Module]) -> np.ndarray:
    result = goodinit.torch.compare(
        together,
        "moons",
        initializers="he_normal",
        optimizer="adam",
        learning_rate=0.01,
        steps=60,
        seeds=2,
        record=6,
    )
    return result.sharpness["stability"].to_numpy()


class OneByOne(nn.Sequential):
    """What uses random numbers is trained alone."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        torch.rand(1)
        return super().forward(inputs)  # type: ignore[no-any-return,no-untyped-call]


def test_what_adam_remembers_is_the_same_alone_as_together() -> None:
    alone = stability_of(lambda: OneByOne(*build()))
    together = stability_of(build)
    assert np.isfinite(together).sum() >= 6
    np.testing.assert_allclose(alone, together, rtol=1e-3)


def test_a_learning_rate_is_chosen_on_examples_set_aside_and_the_headline_says_so() -> None:
    result = goodinit.torch.compare(
        build,
        "moons",
        initializers=["he_normal", "default"],
        learning_rate=[0.001, 0.3],
        steps=60,
        seeds=6,
        record=6,
    )
    assert "240 train, 60 validation and 100 test examples" in result.study.headline
    assert {"validation_cost", "validation_accuracy"} <= set(result.trials)
    assert result.evidence.rates == {"he_normal": 0.3, "default": 0.3}
    assert any("validation" in said and "on 60 examples" in said for said in result.warnings)


def test_tensors_are_set_aside_too_and_nothing_is_where_there_is_one_rate() -> None:
    X = torch.randn(80, 2)
    y = (X[:, 0] > 0).long()
    several = goodinit.torch.compare(
        build, (X, y), initializers="default", learning_rate=[0.1, 0.2], steps=5, seeds=2, record=1
    )
    assert "48 train, 12 validation and 20 test examples" in several.study.headline
    one = goodinit.torch.compare(
        build, (X, y), initializers="default", learning_rate=0.1, steps=5, seeds=2, record=1
    )
    assert "60 train and 20 test examples" in one.study.headline
    assert "validation_cost" not in one.trials


def test_the_headline_says_what_was_made_of_a_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = [f"{a},{b},{100 * a + b}" for a, b in rng.normal(size=(60, 2))]
    table = tmp_path / "table.csv"
    table.write_text("a,b,price\n" + "\n".join(rows))
    result = goodinit.torch.compare(
        lambda: nn.Linear(2, 1), table, target="price", initializers="default", steps=3, seeds=1
    )
    assert "a number to predict, price, standardised (1 is" in result.study.headline
