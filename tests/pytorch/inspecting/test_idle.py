"""Parameters that never get a gradient: which, where, and what has to be drawn."""

from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from inspected import data, labels, mlp, sequence
from torch import Tensor, nn

from goodinit.torch import inspect


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    yield


class Adapted(nn.Module):
    """A frozen layer, and beside it the product of two factors."""

    def __init__(self, *drawn: str) -> None:
        super().__init__()
        self.base = nn.Linear(8, 8).requires_grad_(False)
        self.down, self.up = nn.Parameter(torch.zeros(8, 2)), nn.Parameter(torch.zeros(2, 8))
        for name in drawn:
            nn.init.normal_(self.get_parameter(name))

    def forward(self, x: Tensor) -> Any:
        return self.base(x) + x @ self.down @ self.up


@pytest.mark.parametrize("drawn", ["down", "up"])
def test_one_factor_of_zeros_comes_alive(drawn: str) -> None:
    model = sequence(Adapted(drawn), nn.ReLU(), Adapted(drawn), nn.ReLU(), nn.Linear(8, 3))
    assert inspect(model, *data(40, 8)).findings == ()


def test_two_factors_of_zeros_never_do_and_what_to_draw_is_said() -> None:
    model = sequence(Adapted(), nn.ReLU(), Adapted(), nn.ReLU(), nn.Linear(8, 3))
    (finding,) = inspect(model, *data(40, 8)).findings
    assert (finding.layer, finding.label) == ("0.down", "vanishing gradients")
    assert finding.evidence == {"places": 2.0}
    assert finding.remark == "draw 0.down; 0.up may stay zero"
    assert finding.cure is None


def test_a_branch_of_three_zeros_never_comes_alive_either() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate, self.head = mlp(8, 8, 8, activation=nn.SiLU), nn.Linear(8, 3)
            for layer in (self.gate[0], self.gate[2]):
                nn.init.zeros_(layer.weight)
                nn.init.zeros_(layer.bias)
            self.gate[0].bias = self.gate[2].bias = None

        def forward(self, x: Tensor) -> Any:
            return self.head(x + self.gate(x) * x)

    model = Scaled()
    found = inspect(model, *data(40, 8)).findings
    assert [fnmatch(one.layer, "gate.*") for one in found] == [True]
    nn.init.normal_(model.gate[0].weight)
    assert inspect(model, *data(40, 8)).findings == ()


class Gated(nn.Module):
    """A branch behind a number that it is multiplied with."""

    def __init__(self, gate: float, *, trained: bool = True) -> None:
        super().__init__()
        self.branch, self.head = mlp(8, 8, 8), nn.Linear(8, 3)
        self.gate = nn.Parameter(torch.full((1,), gate), requires_grad=trained)

    def forward(self, x: Tensor) -> Any:
        return self.head(x + self.gate * self.branch(x))


def test_a_gate_and_what_it_lets_through_may_not_both_be_zero() -> None:
    assert inspect(Gated(0.0), *data(40, 8)).findings == ()
    model = Gated(0.0)
    nn.init.zeros_(model.branch[2].weight)
    nn.init.zeros_(model.branch[2].bias)
    (finding,) = inspect(model, *data(40, 8)).findings
    assert finding.remark == "draw gate; branch.2 may stay zero"


def test_what_lies_behind_a_frozen_zero_never_learns() -> None:
    assert inspect(Gated(0.5, trained=False), *data(40, 8)).findings == ()
    (finding,) = inspect(Gated(0.0, trained=False), *data(40, 8)).findings
    assert (finding.layer, finding.label) == ("branch.0", "vanishing gradients")
    assert finding.reason.endswith("branch.0, branch.2: gate is all zero, and frozen")


class Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.round()

    @staticmethod
    def backward(ctx: Any, *gradient: Tensor) -> None:
        return None


class Cut(nn.Module):
    def __init__(self, way: str) -> None:
        super().__init__()
        self.below, self.head, self.way = nn.Linear(8, 8), nn.Linear(8, 3), way

    def forward(self, x: Tensor) -> Any:
        if self.way == "no_grad":
            with torch.no_grad():
                return self.head(self.below(x))
        below: Any = self.below(x)
        if self.way == "unused":
            return self.head(x)
        return self.head(below.detach() if self.way == "detach" else Rounded.apply(below))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("way", ["detach", "round"])
def test_what_lies_below_a_cut_is_named(way: str) -> None:
    (finding,) = inspect(Cut(way), *data(40, 8)).findings
    assert (finding.layer, finding.label) == ("below", "vanishing gradients")
    assert "no gradient reaches below" in finding.reason


def test_a_whole_module_under_no_grad_is_said() -> None:
    assert ("below", "vanishing gradients") in labels(inspect(Cut("no_grad"), data(40, 8)[0]))


def test_what_no_output_depends_on_is_no_fault() -> None:
    assert inspect(Cut("unused"), *data(40, 8)).findings == ()


def test_the_module_is_afterwards_as_it_was() -> None:
    model = sequence(Adapted(), nn.ReLU(), nn.Linear(8, 3))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    inspect(model, *data(40, 8))
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
