"""What is wrong before any weight is: data, targets, loss, and a first cost far above guessing."""

from collections.abc import Iterator
from math import log
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from inspected import data, labels, mlp, sequence
from torch import Tensor, nn
from torch.nn import functional

from goodinit.torch import inspect
from goodinit.torch.inspecting.answers import answers


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    yield


def regression(n: int = 128) -> tuple[Tensor, Tensor]:
    x = torch.randn(n, 8)
    return x, x[:, :1].sin()


# --- Targets and loss ---


def test_outputs_and_targets_that_broadcast_are_said_and_the_weights_are_not_blamed() -> None:
    x, y = regression()

    def loss(out: Tensor, y: Tensor) -> Tensor:
        return (out - y).square().mean()

    assert labels(inspect(mlp(8, 16, 1), x, y[:, 0], loss)) == [("(loss)", "shapes broadcast")]
    assert inspect(mlp(8, 16, 1), x, y, loss).findings == ()
    squeezed = inspect(mlp(8, 16, 1), x, y[:, 0], lambda out, y: loss(out[:, 0], y))
    assert squeezed.findings == ()


@pytest.mark.parametrize("end", [nn.Softmax(-1), nn.LogSoftmax(-1), nn.Identity()])
def test_probabilities_are_no_logits_though_their_logarithms_are(end: nn.Module) -> None:
    x, y = data(64, 8)
    found = labels(inspect(sequence(mlp(8, 16, 3), end), x, y, functional.cross_entropy))
    said = [("(loss)", "probabilities as logits")] if isinstance(end, nn.Softmax) else []
    assert found == said


def test_sigmoids_before_a_loss_that_takes_logits() -> None:
    x, y = data(64, 8, classes=2)
    asked = x, y[:, None].float()
    model = sequence(mlp(8, 16, 1), nn.Sigmoid())
    with_logits = inspect(model, *asked, functional.binary_cross_entropy_with_logits)
    assert labels(with_logits) == [("(loss)", "probabilities as logits")]
    assert inspect(model, *asked, functional.binary_cross_entropy).findings == ()


def test_classes_of_a_binary_loss_are_zero_and_one() -> None:
    x, y = data(64, 8, classes=2)
    loss = functional.binary_cross_entropy_with_logits
    found = labels(inspect(mlp(8, 16, 1), x, 1.0 + y[:, None], loss))
    assert found == [("(targets)", "labels out of range")]


def test_targets_a_thousand_times_the_outputs() -> None:
    x, y = regression()
    assert labels(inspect(mlp(8, 16, 1), x, 1e4 * y)) == [("(targets)", "unscaled targets")]
    assert inspect(mlp(8, 16, 1), x, 10 * y).findings == ()


def test_one_class_alone_is_worth_knowing() -> None:
    x, y = data(64, 8)
    report = inspect(mlp(8, 16, 3), x, torch.zeros_like(y))
    report.assert_healthy()
    assert [one.label for one in report.remarks] == ["one class"]
    assert "Worth knowing" in str(report)


# --- The first cost ---


def test_a_rare_class_asks_for_a_bias_and_with_it_nothing_is_said() -> None:
    x, y = torch.randn(2000, 8), torch.zeros(2000, 1)
    y[::500] = 1
    loss, model = functional.binary_cross_entropy_with_logits, mlp(8, 16, 1)
    (finding,) = inspect(model, x, y, loss).findings
    assert (finding.layer, finding.label) == ("2", "output bias")
    assert finding.evidence["initial_ratio"] > 20
    assert "-6.2" in finding.remark
    nn.init.constant_(model[2].bias, -6.2)
    assert inspect(model, x, y, loss).findings == ()


def test_a_mean_of_a_thousand_asks_for_a_bias() -> None:
    x, y = regression()
    assert labels(inspect(mlp(8, 16, 1), x, 1000 + y)) == [("2", "output bias")]


def test_one_bias_of_forty_is_not_blamed_on_the_weights() -> None:
    model = mlp(8, 16, 3)
    model[2].bias.data[0] = 40
    assert labels(inspect(model, *data(64, 8))) == [("2", "output bias")]


def test_layers_that_are_only_together_too_large() -> None:
    model = mlp(32, 32, 32, 32, 10)
    for layer in model[::2]:
        nn.init.normal_(layer.weight, 0.0, 0.7)  # a gain of 4 each
    (finding,) = inspect(model, *data(256, 32, classes=10), cures=False).findings
    assert (finding.layer, finding.label) == ("0", "weights too large")
    assert "together by" in finding.reason
    assert finding.evidence["initial_ratio"] > 30


class Ratio(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = mlp(8, 32, 2)

    def forward(self, x: Tensor) -> Any:
        above, below = self.net(x).split(1, dim=1)
        return above / below


def test_a_few_outputs_of_thousands_point_to_a_divisor() -> None:
    found = [labels(inspect(Ratio(), *regression(1024))) for _ in range(5)]
    assert [("(outputs)", "outputs explode")] in found


def test_a_few_seeds_that_explode_are_not_outvoted() -> None:
    def build() -> Any:
        model = mlp(8, 32, 32, 3)
        if torch.initial_seed() % 4 == 0:
            for layer in model[::2]:
                layer.weight.data *= 20
        return model

    report = inspect(build, *data(64, 8), seeds=10, cures=False)
    assert {one.reason.rpartition(", in ")[2] for one in report.findings} == {"3 of 10 seeds"}


# --- The inputs ---


def test_raw_pixels_are_to_blame_and_not_the_weights_that_they_saturate() -> None:
    x = 255 * torch.rand(128, 64)
    model, y = mlp(64, 64, 64, 10, activation=nn.Tanh), torch.randint(10, (128,))
    first, *others = inspect(model, x, y).findings
    assert (first.layer, first.label) == ("(inputs)", "unscaled inputs")
    assert [one.cure for one in others] == [None] * len(others)
    assert inspect(model, (x - x.mean(0)) / x.std(0), y).findings == ()
    normed = sequence(nn.BatchNorm1d(64), *model)
    assert inspect(normed, x, y).findings == ()


def test_features_a_thousand_apart_are_said() -> None:
    x = torch.randn(128, 4) * torch.tensor([1e-3, 1.0, 1.0, 2.0])
    found = labels(inspect(mlp(4, 16, 3), x, torch.randint(3, (128,))))
    assert found == [("(inputs)", "unscaled inputs")]


# --- The best constant answer ---


def test_the_best_constant_is_the_mean_the_shares_or_what_a_search_finds() -> None:
    y = torch.tensor([1.0, 5.0] * 20)[:, None]
    found = answers(torch.zeros(40, 1), y, functional.mse_loss)
    assert found is not None
    assert (found.constant, found.best.item()) == pytest.approx((4.0, 3.0))
    found = answers(torch.zeros(40, 1), y, functional.smooth_l1_loss)
    assert found is not None
    assert found.constant == pytest.approx(1.5, rel=0.01)
    classes = torch.tensor([0] * 39 + [1])
    found = answers(torch.zeros(40, 2), classes, functional.cross_entropy)
    assert found is not None
    cost = -(39 * log(40 / 42) + log(2 / 42)) / 40  # each class seen once more
    assert found.constant == pytest.approx(cost, rel=1e-4)
    assert answers(torch.zeros(40, 2), classes, lambda out, y: out[999].sum()) is None
