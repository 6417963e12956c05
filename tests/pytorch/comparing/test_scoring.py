"""Accuracy as the user means it, the cost of guessing, and how much of the data is measured."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import Tensor, nn
from torch.nn import functional

import goodinit.torch
from goodinit.evidence.pairs import weigh
from goodinit.torch.comparing.budget import rows_measured
from goodinit.torch.comparing.scoring import score_of
from goodinit.torch.inspecting.guessing import guess_cost

BCE, LOGITS = functional.binary_cross_entropy, functional.binary_cross_entropy_with_logits
YES = torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0, 1.0])
LOSSES: dict[str, tuple[Callable[[Any, Any], Tensor], Tensor, Tensor, tuple[str, float]]] = {
    "logits": (LOGITS, torch.randn(6, 1), YES[:, None], ("sign", 0.0)),
    "logits, whole": (
        lambda o, t: LOGITS(o[:, 0], t.float()),
        torch.randn(6, 1),
        YES.long(),
        ("sign", 0.0),
    ),
    "logits, weighted": (
        lambda o, t: LOGITS(o, t, pos_weight=torch.tensor(3.0)),
        torch.randn(6),
        YES,
        ("sign", 0.0),
    ),
    "shares": (BCE, torch.rand(6), YES, ("sign", 0.5)),
    "shares, whole": (lambda o, t: BCE(o, t.float()), torch.rand(6), YES.long(), ("sign", 0.5)),
    "shares, weighted": (
        lambda o, t: BCE(o, t, weight=1 + 2 * t),
        torch.rand(6),
        YES,
        ("sign", 0.5),
    ),
    "several labels": (LOGITS, torch.randn(3, 2), YES.reshape(3, 2), ("sign", 0.0)),
    "squares of whole targets": (
        lambda o, t: functional.mse_loss(o, t.float()),
        torch.randn(6),
        YES.long(),
        ("sign", 0.5),
    ),
    "margins": (functional.soft_margin_loss, torch.randn(6), 2 * YES - 1, ("sign", 0.0)),
    "hinge": (lambda o, t: (1 - o * t).relu().mean(), torch.randn(6), 2 * YES - 1, ("sign", 0.0)),
    "squares": (functional.mse_loss, torch.randn(6), YES, ("number", 0.0)),
    "Huber": (functional.huber_loss, torch.randn(6, 1), torch.randn(6, 1), ("number", 0.0)),
    "counts": (
        lambda o, t: functional.mse_loss(o, t.float()),
        torch.randn(6),
        torch.arange(6),
        ("number", 0.0),
    ),
    "log rates": (functional.poisson_nll_loss, torch.randn(6), torch.arange(6.0), ("none", 0.0)),
    "classes": (functional.cross_entropy, torch.randn(6, 3), YES.long(), ("class", 0.0)),
    "shares of classes": (
        functional.cross_entropy,
        torch.randn(6, 3),
        torch.randn(6, 3).softmax(1),
        ("most", 0.0),
    ),
    "mean and variance": (
        lambda o, t: functional.gaussian_nll_loss(o[:, 0], t, o[:, 1].exp()),
        torch.randn(6, 2),
        torch.randn(6),
        ("none", 0.0),
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_says_what_an_answer_is_right_by(name: str) -> None:
    loss, outputs, y, expected = LOSSES[name]
    found = score_of(outputs, y, loss)
    assert (found.kind, found.at) == expected


@pytest.mark.parametrize("shares", [False, True])
def test_a_binary_classifier_has_an_accuracy_and_no_r2_of_its_logits(shares: bool) -> None:
    def build() -> nn.Module:
        net = [nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1)]
        return nn.Sequential(*net, *([nn.Sigmoid()] if shares else []))

    x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    y = (x.sum(1, keepdim=True) > 0).float()
    result = goodinit.torch.compare(
        build,
        (x, y),
        initializers=["he_normal"],
        loss=BCE if shares else LOGITS,
        steps=200,
        seeds=2,
        optimizer="adam",
        record=2,
    )
    row = result.summary().iloc[0]
    assert row["train_accuracy"] > 0.95
    assert result.study.task == "multiclass"
    assert result.chance == pytest.approx(0.693, abs=0.03)


# --- What guessing costs ---


class Counted:
    """A loss that counts how many numbers it has been asked of."""

    def __init__(self, loss: Callable[[Any, Any], Tensor]) -> None:
        self.loss, self.numbers = loss, 0

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        self.numbers += outputs.numel()
        return self.loss(outputs, targets)


def test_guessing_words_costs_the_entropy_of_all_words_and_hardly_any_time() -> None:
    words = (5000 * torch.rand(200, 32, generator=torch.Generator().manual_seed(0)) ** 4).long()
    shares = torch.bincount(words.reshape(-1)).double() / words.numel()
    entropy = float(-torch.xlogy(shares, shares).sum())
    said = torch.randn(2, 32, 5000)
    loss = Counted(lambda o, t: functional.cross_entropy(o.transpose(1, 2), t))
    assert guess_cost(said, words, loss) == pytest.approx(entropy, rel=1e-5)
    assert loss.numbers < words.numel() * 5000 / 2  # that of one look at all examples
    shifted = Counted(
        lambda o, t: functional.cross_entropy(o[:, :-1].reshape(-1, 5000), t[:, 1:].reshape(-1))
    )
    assert guess_cost(said, words, shifted) == pytest.approx(entropy, rel=0.05)
    assert shifted.numbers < words.numel() * 5000 / 2


def test_targets_that_do_not_count_cost_nothing() -> None:
    y = torch.tensor([0, 1, 1, 1, -100, -100])
    expected = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    assert guess_cost(torch.zeros(6, 2), y, functional.cross_entropy) == pytest.approx(
        expected, rel=1e-4
    )
    padded = torch.tensor([[0, 1, 2, 2], [2, 0, 0, 2]])
    loss = nn.CrossEntropyLoss(ignore_index=0)
    of_classes = torch.zeros(2, 3, 4)
    assert guess_cost(of_classes, padded, loss) == pytest.approx(
        -(0.2 * np.log(0.2) + 0.8 * np.log(0.8)), rel=1e-4
    )


def test_losses_of_no_closed_form_are_searched() -> None:
    y = (torch.arange(400) % 50 == 0).float()[:, None]

    def focal(outputs: Tensor, wanted: Tensor) -> Tensor:
        cost = LOGITS(outputs, wanted, reduction="none")
        return ((1 - (-cost).exp()) ** 2 * cost).mean()

    constants = torch.linspace(-6, 0, 601)
    least = min(float(focal(one.expand(400, 1), y)) for one in constants)
    assert guess_cost(torch.zeros(4, 1), y, focal) == pytest.approx(least, rel=1e-3)
    half = guess_cost(torch.zeros(4, 1), y, lambda o, t: 0.5 * functional.mse_loss(o, t))
    assert half == pytest.approx(0.5 * 0.02 * 0.98, rel=1e-6)


# --- How much is measured ---


@pytest.mark.parametrize("n", [100, 1000, 10**5])
@pytest.mark.parametrize("updates", [10, 1000, 10**5])
@pytest.mark.parametrize("outputs", [10, 10**6])
def test_measuring_takes_no_longer_than_training(n: int, updates: int, outputs: int) -> None:
    batch, moments = 32, min(updates, 50) + 1
    rows = rows_measured(n, updates, batch, moments, outputs)
    passes = 2 * rows.ends + (moments - 2) * rows.between
    cheap = 2 * 1024 + moments * 128 if outputs == 10 else 0
    assert passes <= max(3 * updates * batch, (moments + 2) * 16) + cheap
    assert 0 < rows.between <= rows.ends <= n


class Passes(nn.Module):
    """Counts the examples that pass."""

    seen = 0

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Any:
        if x.dim() == 2 and not self.training:
            Passes.seen += len(x)
        return self.layer(x)


def test_of_many_examples_the_same_draw_is_measured_for_all() -> None:
    x = torch.randn(40_000, 4, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0).long()
    Passes.seen = 0
    result = goodinit.torch.compare(
        Passes, (x, y, x, y), initializers=["default"], steps=100, seeds=1, optimizer="adam"
    )
    assert Passes.seen < 3 * 3 * 100 * 32  # of all at all moments: four million
    row = result.summary().iloc[0]
    assert row["test_accuracy"] == pytest.approx(row["train_accuracy"], abs=0.05)


# --- What is no difference ---


def test_costs_that_are_rounding_beside_chance_are_alike() -> None:
    def found(a: float, b: float) -> Any:
        import pandas as pd

        rows = [
            {
                "initializer": name,
                "learning_rate": 0.1,
                "seed": seed,
                "train_cost": cost * (1 + seed),
                "test_cost": cost * (1 + seed),
                "test_accuracy": 1.0,
            }
            for name, cost in (("a", a), ("b", b))
            for seed in range(10)
        ]
        trials = pd.DataFrame(rows)
        curves = trials.assign(iteration=0)
        return weigh(trials, curves, chance=1.0).pair("train_cost", "a", "b")

    assert not found(1e-12, 1e-13)["told_apart"]
    assert found(1e-12, 1e-13)["a_beats_b"] == 0.5
    assert found(1e-3, 1e-4)["told_apart"]


def test_an_accuracy_that_nobody_means_is_left_out_of_the_table() -> None:
    x = torch.randn(100, 2, generator=torch.Generator().manual_seed(0))
    counts = torch.poisson(x[:, :1].exp(), generator=torch.Generator().manual_seed(1))
    result = goodinit.torch.compare(
        lambda: nn.Linear(2, 1),
        (x, counts),
        initializers=["default", "zeros"],
        loss=functional.poisson_nll_loss,
        steps=30,
        seeds=2,
        record=2,
    )
    assert result.summary()["train_accuracy"].isna().all()
    printed = str(result)
    assert "train accuracy" not in printed
    assert "Accuracy is" not in printed
    assert "R²" not in printed
    assert "final cost" in printed
    for _, figure in result.plots():
        figure.canvas.draw()
