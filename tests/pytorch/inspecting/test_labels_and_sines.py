"""Labels that no class has, logits that aren't, and sines whose waves don't suit the inputs."""

import math
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from inspected import labels, mlp, sequence
from torch import Tensor, nn
from torch.nn import functional

from goodinit.torch import inspect

RANGE = ("(targets)", "labels out of range")
SINES = "sine bandwidth"


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    yield


def negative_log(out: Tensor, y: Tensor) -> Tensor:
    return -functional.log_softmax(out, 1)[torch.arange(len(y)), y].mean()


@pytest.mark.parametrize("loss", [None, nn.CrossEntropyLoss(), nn.NLLLoss(), nn.MultiMarginLoss()])
@pytest.mark.parametrize("wrong", [5, -1])
def test_a_label_that_no_class_has_is_a_finding_and_no_index_error(loss: Any, wrong: int) -> None:
    x, y = torch.randn(40, 8), torch.randint(5, (40,))
    y[3] = wrong
    report = inspect(mlp(8, 16, 5), x, y, loss)
    assert labels(report) == [RANGE]
    assert report.findings[0].reason.startswith(f"labels {wrong} for 5 classes")


def test_places_that_do_not_count_are_no_labels() -> None:
    x, y = torch.randn(4, 3, 8, 8), torch.randint(5, (4, 8, 8))
    y[:, :2] = -100
    model = sequence(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 5, 1))
    assert inspect(model, x, y).findings == ()
    y[:, :2] = 255
    assert labels(inspect(model, x, y)) == [RANGE]
    assert inspect(model, x, y, nn.CrossEntropyLoss(ignore_index=255)).findings == ()


def test_a_loss_that_reads_the_label_minus_one_from_the_end_is_said() -> None:
    x, y = torch.randn(40, 8), torch.randint(5, (40,)) - 1
    (finding,) = inspect(mlp(8, 16, 5), x, y, negative_log).findings
    assert finding.reason.endswith("and are read from the end")


@pytest.mark.parametrize(
    "loss",
    [
        nn.CrossEntropyLoss(label_smoothing=0.1),
        nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0])),
    ],
)
def test_probabilities_are_no_logits_of_weighted_or_smoothed_losses(loss: Any) -> None:
    x, y = torch.randn(60, 8), torch.randint(3, (60,))
    model = sequence(*mlp(8, 16, 3), nn.Softmax(1))
    assert labels(inspect(model, x, y, loss)) == [("(loss)", "probabilities as logits")]


def test_probabilities_are_no_logits_of_a_binary_loss_with_weights() -> None:
    x, y = torch.randn(60, 8), torch.randint(2, (60, 3)).float()
    loss = nn.BCEWithLogitsLoss(pos_weight=torch.full((3,), 4.0))
    model = sequence(*mlp(8, 16, 3), nn.Sigmoid())
    assert labels(inspect(model, x, y, loss)) == [("(loss)", "probabilities as logits")]
    assert inspect(model, x, y, nn.BCELoss()).findings == ()
    assert inspect(model, x, y, nn.MSELoss()).findings == ()


def test_logits_that_happen_to_lie_between_zero_and_one_are_logits() -> None:
    model = mlp(8, 16, 1)
    nn.init.normal_(model[2].weight, std=0.01)
    nn.init.constant_(model[2].bias, 0.5)
    x, y = torch.randn(60, 8), torch.randint(2, (60, 1)).float()
    assert inspect(model, x, y, nn.BCEWithLogitsLoss()).findings == ()


def test_a_parameter_that_is_no_number_is_said_alone() -> None:
    model = mlp(8, 16, 16, 3)
    model[2].weight.data[0, 0] = math.nan
    report = inspect(model, torch.randn(40, 8), torch.randint(3, (40,)))
    assert labels(report) == [("2", "never initialized")]


class Sine(nn.Module):
    def __init__(self, fan_in: int, fan_out: int, w0: float, bound: float) -> None:
        super().__init__()
        self.linear, self.w0 = nn.Linear(fan_in, fan_out), w0
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x: Tensor) -> Any:
        return torch.sin(self.w0 * self.linear(x))


def of_sines(w0: float) -> Any:
    """Return a network of sines as Sitzmann et al. 2020 draw it, for a first w0."""
    inner = (Sine(64, 64, 30, math.sqrt(6 / 64) / 30) for _ in range(2))
    return sequence(Sine(2, 64, w0, 1 / 2), *inner, nn.Linear(64, 1))


def picture(side: int = 32) -> tuple[Tensor, Tensor]:
    line = torch.linspace(-1, 1, side)
    x = torch.cartesian_prod(line, line)
    return x, torch.sin(9 * x[:, :1]) * torch.cos(7 * x[:, 1:])


def test_a_first_layer_of_sines_needs_waves_of_a_length_that_the_inputs_show() -> None:
    x, y = picture()
    assert inspect(of_sines(30), x, y).findings == ()
    assert inspect(of_sines(10), x, y).findings == ()
    for w0, harm in ((0.03, "a straight line"), (3000, "nothing in common")):
        (finding,) = inspect(of_sines(w0), x, y, cures=False).findings
        assert (finding.layer, finding.label) == ("0.linear", SINES)
        assert harm in finding.reason


def test_coordinates_in_pixels_are_unscaled_inputs_of_sines() -> None:
    x, y = picture()
    report = inspect(of_sines(30), 16 * (x + 1), y)
    assert labels(report)[:1] == [("(inputs)", "unscaled inputs")]
