"""What healthy modules do that looks like a fault, each beside what is one."""

import math
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from inspected import data, labels, mlp, row
from torch import Tensor, nn
from torch.nn import functional

from goodinit.torch import inspect


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


class Coupling(nn.Module):
    """Half of the numbers decide how the others are scaled and moved (Dinh et al. 2017)."""

    def __init__(self, first: int) -> None:
        super().__init__()
        self.kept, self.inner = nn.Buffer((torch.arange(4) % 2 == first).float()), mlp(4, 64, 64, 8)
        nn.init.zeros_(self.inner[-1].weight)
        nn.init.zeros_(self.inner[-1].bias)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        scale, shift = self.inner(x * self.kept).chunk(2, 1)
        scale, shift = torch.tanh(scale) * (1 - self.kept), shift * (1 - self.kept)
        return x * scale.exp() + shift, scale.sum(1)


class Flow(nn.Module):
    """Six couplings, and the likelihood of what goes in."""

    def __init__(self) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(Coupling(i % 2) for i in range(6))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        stretched = torch.zeros(len(x))
        for coupling in self.couplings:
            x, more = coupling(x)
            stretched = stretched + more
        return {"loss": (x.square().sum(1) / 2 - stretched).mean()}


def test_a_scale_that_each_block_takes_up_anew_is_no_decay() -> None:
    assert inspect(Flow(), torch.randn(128, 4)).findings == ()


class Modulated(nn.Module):
    """A head that is zero, behind a modulation that is zero as well (Peebles and Xie 2023)."""

    def __init__(self, *, skip: bool) -> None:
        super().__init__()
        self.body, self.modulation, self.head = mlp(8, 32, 32), nn.Linear(4, 64), nn.Linear(32, 3)
        self.offset = float(skip)
        for layer in (self.modulation, self.head):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Any:
        scale, shift = self.modulation(condition).chunk(2, -1)
        return self.head((self.offset + scale) * self.body(x) + shift)


def test_zeros_that_wait_for_one_step_of_others_are_on_purpose() -> None:
    inputs, targets = (torch.randn(40, 8), torch.randn(40, 4)), torch.randint(3, (40,))
    assert inspect(Modulated(skip=True), inputs, targets).findings == ()
    asleep = inspect(Modulated(skip=False), inputs, targets, cures=False).findings
    assert {one.label for one in asleep} & {"fails to break symmetry", "vanishing gradients"}


class Heads(nn.Module):
    def __init__(self, layers: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 64), nn.LayerNorm(64))
        self.one, self.other = (mlp(*[64] * layers, 3) for _ in range(2))
        for layer in (*self.one, *self.other):
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, 0.0, 0.02)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        seen = self.body(x)
        return self.one(seen), self.other(seen)


def test_small_layers_side_by_side_do_not_add_up() -> None:
    assert inspect(Heads(3), torch.randn(40, 8)).findings == ()
    deeper = inspect(Heads(5), torch.randn(40, 8), cures=False)
    assert {label for _, label in labels(deeper)} <= {"weights too small", "vanishing gradients"}
    assert deeper.findings


class Gated(nn.Module):
    """A gate by hand, clipped around a half, of a signal that is small."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.gate = nn.ModuleList(nn.Linear(8, 16) for _ in range(2)), mlp(16, 4, 16)
        self.head = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Any:
        small, large = 1e-3 * self.body[0](x), self.body[1](x)
        gate = (0.2 * self.gate(small) + 0.5).clamp(0, 1)
        return self.head(small + gate * large)


def test_a_number_that_is_added_is_no_work_of_weights() -> None:
    model = Gated()
    nn.init.zeros_(model.gate[-1].bias)
    assert inspect(model, *data(40, 8)).findings == ()


class Routed(nn.Module):
    """Four experts, of which a softmax chooses one for each example."""

    def __init__(self) -> None:
        super().__init__()
        self.router = nn.Linear(32, 4, bias=False)
        nn.init.normal_(self.router.weight)
        self.experts = nn.ModuleList(mlp(32, 64, 32) for _ in range(4))
        self.head = nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Any:
        sure, chosen = torch.softmax(4 * self.router(x), -1).max(-1)
        said = torch.stack([expert(x) for expert in self.experts], 1)
        return self.head(x + sure[:, None] * said[torch.arange(len(x)), chosen])


def test_a_router_may_be_sure_whom_to_ask() -> None:
    assert inspect(Routed(), *data(64, 32)).findings == ()


def _margin(cosines: Tensor, classes: Tensor) -> Tensor:
    """Return the loss of Deng et al. 2019, an angle added to that of the right class."""
    angle = torch.acos(cosines.clamp(-1 + 1e-6, 1 - 1e-6))
    right = functional.one_hot(classes, cosines.shape[1]).bool()
    return functional.cross_entropy(6 * torch.where(right, (angle + 0.3).cos(), cosines), classes)


class Angles(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.classes = mlp(32, 64, 16), nn.Parameter(torch.randn(20, 16))

    def forward(self, x: Tensor) -> Any:
        seen = functional.normalize(self.body(x), dim=1)
        return functional.linear(seen, functional.normalize(self.classes, dim=1))


def test_a_loss_that_a_constant_cheats_has_no_best_constant_answer() -> None:
    x, y = data(64, 32, classes=20)
    assert inspect(Angles(), x, y, _margin).findings == ()


class Spoken(nn.Module):
    """Words and sounds, of which a batch may have none."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.sounds, self.head = nn.Embedding(9, 8), nn.Embedding(9, 8), mlp(8, 16, 3)

    def forward(self, words: Tensor) -> Any:
        sounds = self.sounds(words[:, :0])
        return self.head(torch.cat([self.words(words), sounds], 1).mean(1))


def test_a_layer_that_is_given_nothing_is_left_alone() -> None:
    report = inspect(Spoken(), torch.randint(9, (16, 5)), torch.randint(3, (16,)))
    assert report.findings == ()
    assert math.isnan(row(report, "sounds")["distinct_units"])


class Standardised(nn.Module):
    """A layer whose weights are standardised before they are used (Qiao et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(48, 64))

    def forward(self, x: Tensor) -> Any:
        centred = self.weight - self.weight.mean(1, keepdim=True)
        return functional.linear(x, centred / centred.square().mean(1, keepdim=True).sqrt())


def test_weights_whose_size_is_nothing_are_not_too_large() -> None:
    x = torch.randn(64, 64)
    assert inspect(nn.Sequential(nn.Linear(64, 64), nn.ReLU(), Standardised()), x).findings == ()
    scaled = nn.utils.parametrizations.weight_norm(nn.Linear(64, 48))
    nn.init.constant_(scaled.parametrizations.weight.original0, 30.0)  # a size of its own
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), scaled)
    assert labels(inspect(model, x, cures=False)) == [("2", "weights too large")]


class Picks(nn.Module):
    """A score for each of six places, of which some are no choice."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp(8, 32, 1)

    def forward(self, x: Tensor) -> Any:
        return self.inner(x)[..., 0].masked_fill(torch.arange(6) > 3, -math.inf)


def test_places_that_are_masked_in_the_outputs_are_no_fault() -> None:
    x, y = torch.randn(32, 6, 8), torch.randint(4, (32,))
    assert inspect(Picks(), x, y).findings == inspect(Picks(), x).findings == ()


def test_a_margin_that_is_met_has_no_gradient_and_is_no_fault() -> None:
    x, y = torch.randn(64, 8), torch.ones(64, 1)
    met = inspect(
        mlp(8, 32, 1), x, y, lambda out, wanted: functional.relu(-9 - wanted * out).mean()
    )
    assert met.findings == ()


def test_what_a_loss_or_a_frozen_helper_has_of_its_own_is_not_missing() -> None:
    """Where neither is a part of the module."""
    own, helper = nn.Linear(8, 3), mlp(8, 16, 8).requires_grad_(False)
    model = mlp(8, 16, 8)
    model.helper = [helper]

    def loss(out: Tensor, wanted: Tensor) -> Tensor:
        return functional.cross_entropy(own(out), wanted)

    assert inspect(model, torch.randn(64, 8), torch.randint(3, (64,)), loss).findings == ()
