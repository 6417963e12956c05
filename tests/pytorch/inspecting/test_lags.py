"""Gradients over time: of recurrent layers, cells in a loop, and recurrences by hand."""

from collections.abc import Iterator
from math import log
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from inspected import labels
from torch import Tensor, nn

from goodinit.torch import inspect


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    yield


class Remembers(nn.Module):
    """Says at the end, or at each step, what came at the first."""

    def __init__(self, kind: Any, every: bool = False) -> None:
        super().__init__()
        self.layer, self.head, self.every = kind(1, 32, batch_first=True), nn.Linear(32, 1), every

    def forward(self, x: Tensor) -> Any:
        states = self.layer(x)[0]
        return self.head(states if self.every else states[:, -1])


def asked(steps: int) -> tuple[Tensor, Tensor]:
    x = torch.randn(32, steps, 1)
    return x, x[:, 0]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_the_first_of_a_hundred_steps_gets_no_gradient(kind: Any) -> None:
    found = inspect(Remembers(kind), *asked(100), cures=False)
    assert labels(found) == [("layer", "vanishing gradients")]
    assert found.findings[0].evidence["ratio"] < 1e-15
    assert inspect(Remembers(kind), *asked(16)).findings == ()


def test_forget_gates_that_start_open_keep_it() -> None:
    model = Remembers(nn.LSTM)
    model.layer.bias_ih_l0.data[32:64] += log(99)
    assert inspect(model, *asked(100)).findings == ()


def test_where_each_step_has_a_cost_none_goes_without() -> None:
    x, _ = asked(100)
    assert inspect(Remembers(nn.LSTM, every=True), x, x).findings == ()


class ByHand(nn.Module):
    """h = relu(W x + u * h), as independently recurrent networks have it (Li et al. 2018)."""

    def __init__(self, u: float) -> None:
        super().__init__()
        self.into, self.head = nn.Linear(1, 32), nn.Linear(32, 1)
        self.u = nn.Parameter(torch.full((32,), u))

    def forward(self, x: Tensor) -> Any:
        h = x.new_zeros(len(x), 32)
        for step in self.into(x).unbind(1):
            h = torch.relu(step + self.u * h)
        return self.head(h)


def test_a_recurrence_by_hand_forgets_or_explodes() -> None:
    assert ("u", "vanishing gradients") in labels(inspect(ByHand(0.3), *asked(60)))
    assert ("u", "exploding gradients") in labels(inspect(ByHand(1.3), *asked(60), cures=False))
    assert inspect(ByHand(0.98), *asked(60)).findings == ()


def test_cells_in_a_loop_are_looked_at_as_layers_are() -> None:
    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.head = nn.GRUCell(1, 32), nn.Linear(32, 1)

        def forward(self, x: Tensor) -> Any:
            h = x.new_zeros(len(x), 32)
            for step in x.unbind(1):
                h = self.cell(step, h)
            return self.head(h)

    assert labels(inspect(Loop(), *asked(60), cures=False)) == [("cell", "vanishing gradients")]


class Equilibrium(nn.Module):
    """h = tanh(W h + U x), on and on (Bai et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.again, self.head = nn.Linear(8, 32), nn.Linear(32, 32), nn.Linear(32, 3)
        nn.init.normal_(self.again.weight, std=0.5 * 32**-0.5)

    def forward(self, x: Tensor) -> Any:
        given = self.into(x)
        h = torch.zeros_like(given)
        for _ in range(40):
            h = torch.tanh(self.again(h) + given)
        return self.head(h)


def test_an_equilibrium_is_given_its_input_at_each_step_and_forgets_nothing() -> None:
    x, y = torch.randn(64, 8), torch.randint(3, (64,))
    assert inspect(Equilibrium(), x, y).findings == ()


class GatesByHand(nn.Module):
    def __init__(self, open_by: float) -> None:
        super().__init__()
        self.into, self.again = nn.Linear(1, 128), nn.Linear(32, 128, bias=False)
        self.head = nn.Linear(32, 1)
        nn.init.constant_(self.into.bias[32:64], open_by)

    def forward(self, x: Tensor) -> Any:
        h = c = x.new_zeros(len(x), 32)
        for step in x.unbind(1):
            i, f, g, o = (self.into(step) + self.again(h)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
        return self.head(h)


def test_gates_by_hand_that_start_shut_forget_beyond_what_numbers_hold() -> None:
    found = labels(inspect(GatesByHand(-5.0), *asked(100), cures=False))
    assert ("again", "vanishing gradients") in found
    assert inspect(GatesByHand(4.0), *asked(100), cures=False).findings == ()
