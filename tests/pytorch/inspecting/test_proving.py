"""A cure is printed where training is better with it: by numbers that the proof never saw."""

import re
from collections.abc import Callable, Iterator
from math import nan
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

import goodinit.torch
from goodinit.torch import inspect
from goodinit.torch.inspecting import proving
from goodinit.torch.inspecting.asking import Question
from goodinit.torch.inspecting.cures import NO_BETTER
from goodinit.torch.inspecting.proving import NO_COST, NOT_ASKED, Proof

Batch = tuple[Tensor, Tensor]


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    yield


def digits() -> tuple[Batch, Batch]:
    """Return a batch for the proof, and one that it doesn't see."""
    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))
    X = torch.tensor((x - x.mean()) / x.std(), dtype=torch.float32)[order]
    labels = torch.tensor(y)[order]
    return (X[:256], labels[:256]), (X[256:768], labels[256:768])


def plain(activation: type, depth: int, std: float | None = None) -> nn.Sequential:
    parts: list[nn.Module] = []
    for fan_in in (64, *(48,) * (depth - 1)):
        layer = nn.Linear(fan_in, 48)
        if std is not None:
            nn.init.normal_(layer.weight, std=std)
        parts += [layer, activation()]
    return nn.Sequential(*parts, nn.Linear(48, 10))


def closed_by_a_bias() -> nn.Sequential:
    model = plain(nn.ReLU, 3)
    nn.init.constant_([*model[2].parameters()][1], -50)
    return model


FAULTY: dict[str, Callable[[], nn.Sequential]] = {
    "twenty ReLU layers as PyTorch draws them": lambda: plain(nn.ReLU, 20),
    "tanh flat from the start": lambda: plain(nn.Tanh, 4, 3.0),
    "zeros": lambda: plain(nn.ReLU, 3, 0.0),
    "ReLUs closed by a bias": closed_by_a_bias,
}


def lowest(model: nn.Module, batch: Batch, seed: int) -> float:
    """Return the lowest cost that 100 steps in batches of 64 reach at one of three rates."""
    ends = []
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for rate in (3e-4, 1e-3, 3e-3):
        model.load_state_dict(start)
        optimizer = torch.optim.Adam(model.parameters(), lr=rate)
        torch.manual_seed(seed)
        costs = []
        for _ in range(100):
            rows = torch.randint(len(batch[0]), (64,))
            cost = nn.functional.cross_entropy(model(batch[0][rows]), batch[1][rows])
            optimizer.zero_grad()
            cost.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            costs.append(cost.item())
        ends.append(sum(costs[-10:]) / 10)
    return min(ends)


@pytest.mark.parametrize("name", FAULTY)
def test_what_is_printed_trains_better_for_longer_on_other_rows(name: str) -> None:
    seen, other = digits()
    model = FAULTY[name]()
    found = inspect(model, *seen).findings
    cures = {one.cure for one in found if one.cure}
    assert cures
    assert not any(one.remark for one in found if one.cure)
    without = lowest(model, other, seed=5)
    for cure in cures:
        torch.manual_seed(0)
        mended = FAULTY[name]()
        names = {"model": mended, "inputs": seen[0], "goodinit": goodinit, "torch": torch}
        exec(cure, names)  # noqa: S102  # of our own writing, and of this test's own modules
        assert lowest(mended, other, seed=5) < 0.9 * without


def spoiled(how: Callable[[nn.Sequential], None]) -> tuple[str, str]:
    """Return in what a healthy network, once spoiled, begins and ends worse than it was."""
    model, (batch, _) = plain(nn.ReLU, 3, 0.2), digits()
    proof = Proof(model, Question(*batch, None, nan))
    assert (proof.first, proof.before) == (proof.first, Proof(model, proof.asked).before)
    assert (proof.begins_worse(), proof.ends_worse()) == ("", "")
    with torch.no_grad():
        how(model)
    return proof.begins_worse(), proof.ends_worse()


def last_layer_large(model: nn.Sequential) -> None:
    next(model[6].parameters()).mul_(200)


def layers_zero(model: nn.Sequential) -> None:
    for parameter in model.parameters():
        parameter.zero_()


def test_a_cure_that_begins_worse_or_learns_nothing_is_told_from_one_that_does_no_harm() -> None:
    begins, _ = spoiled(last_layer_large)
    assert begins.startswith("the first cost is ")
    begins, ends = spoiled(layers_zero)
    assert begins == ""  # it guesses, as it did: only its training shows the harm
    assert re.match(r"in \d+ steps of Adam the cost falls to 2\.[23]\d? with it, to 0\.", ends)


def test_an_initialization_that_trains_worse_is_named_and_not_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (batch, _), model = digits(), closed_by_a_bias()
    assert all(one.cure for one in inspect(model, *batch).findings)
    worse = "in 21 steps of Adam the cost falls to 9 with it, to 1 without"
    monkeypatch.setattr(Proof, "ends_worse", lambda proof: worse)
    for one in inspect(model, *batch).findings:
        assert one.cure is None
        assert one.remark.startswith(f"{NO_BETTER}goodinit.torch.initialize(model, ")
        assert worse in one.remark
    assert all(one.cure for one in inspect(model, *batch, cures="quick").findings)
    assert not any(one.cure for one in inspect(model, *batch, cures="none").findings)


def test_a_draw_of_the_whole_module_leaves_a_bias_that_was_set_on_purpose() -> None:
    batch, _ = digits()
    model = plain(nn.ReLU, 20)
    head = model[len(model) - 1]
    nn.init.constant_(head.get_parameter("bias"), -4.6)
    for cures in ("quick", "proved"):
        (found,) = inspect(model, *batch, cures=cures).findings
        assert found.cure == 'goodinit.torch.initialize(model, "auto", inputs=inputs)'
    names = {"model": model, "inputs": batch[0], "goodinit": goodinit}
    exec(str(found.cure), names)  # noqa: S102  # of our own writing
    assert head.get_parameter("bias").tolist() == pytest.approx([-4.6] * 10)


def test_the_work_of_recurrent_layers_counts_where_rows_are_chosen() -> None:
    layer, x = nn.LSTM(8, 16, batch_first=True), torch.randn(4, 10, 8)
    asked = Question(x, None, None, nan)
    work = proving._arithmetic(asked, lambda own: layer(own.inputs)[0].sum())
    assert work == 3 * 2 * 40 * (64 * 8 + 64 * 16)  # forward and back, of every step and row


def test_what_has_nothing_to_be_trained_by_is_said() -> None:
    (x, _), _ = digits()
    for cures, why in (("proved", NO_COST), ("quick", NOT_ASKED)):
        (found,) = inspect(closed_by_a_bias(), x, cures=cures).findings
        assert found.cure
        assert found.remark == why


def test_a_module_whose_steps_raise_gets_a_cure_that_is_said_to_be_unproved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raises(*_: Any) -> None:
        raise RuntimeError("out of rows")

    monkeypatch.setattr(proving, "train", raises)
    (batch, _), model = digits(), closed_by_a_bias()
    for one in inspect(model, *batch).findings:
        assert one.cure
        assert one.remark == f"{NOT_ASKED}: a step of it raises RuntimeError"


def test_a_proof_leaves_no_trace_and_says_the_same_each_time() -> None:
    (batch, _), model = digits(), plain(nn.ReLU, 20)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    found = [str(inspect(model, *batch)) for _ in range(2)]
    assert found[0] == found[1]
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
