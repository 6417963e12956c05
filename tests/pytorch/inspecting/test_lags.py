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
