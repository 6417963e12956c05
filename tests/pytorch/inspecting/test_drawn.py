"""The numbers that parameters start from: copies, outliers, never drawn, and what wasn't seen."""

from collections.abc import Iterator

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from inspected import data, mlp, sequence
from torch import nn

from goodinit.torch import inspect


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    yield


def test_layers_that_were_copied_are_a_remark() -> None:
    one, other = nn.Linear(8, 8), nn.Linear(8, 8)
    model = sequence(one, nn.ReLU(), other, nn.ReLU(), nn.Linear(8, 3))
    assert inspect(model, *data(40, 8)).remarks == ()
    other.load_state_dict(one.state_dict())
    report = inspect(model, *data(40, 8))
    report.assert_healthy()
    assert [(remark.layer, remark.label) for remark in report.remarks] == [("2", "copies")]


@pytest.mark.parametrize("number", [float("nan"), 1e20])
def test_weights_that_were_never_written_come_first(number: float) -> None:
    model = mlp(8, 16, 3)
    model[0].weight.data[0, 0] = number
    first = inspect(model, *data(40, 8), cures=False).findings[0]
    assert (first.layer, first.label) == ("0", "never initialized")


def test_a_number_far_out_is_a_remark() -> None:
    model = mlp(64, 64, 3)
    assert inspect(model, *data(40, 64)).remarks == ()
    model[0].weight.data[0, 0] = 4.0
    (remark,) = inspect(model, *data(40, 64)).remarks
    assert (remark.layer, remark.label) == ("0", "outliers")
    assert remark.evidence["far"] == 1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_runs_out_of_sight_is_not_called_healthy() -> None:
    traced = torch.jit.trace(mlp(8, *[8] * 20, 3), torch.randn(4, 8))  # type: ignore[no-untyped-call]
    report = inspect(traced, *data(40, 8), cures=False)
    assert [remark.label for remark in report.remarks] == ["not looked at"]
    assert "42 of 42 parameters, 100% of all numbers" in report.remarks[0].reason
    assert "Nothing is wrong with these layers" not in str(report)
    assert inspect(mlp(8, 16, 3), *data(40, 8)).remarks == ()
