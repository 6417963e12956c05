"""The public check of Yang et al. 2022: changes grow with width in standard MLPs, not under μP."""

from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import nn

from goodinit.errors import ArgumentError
from goodinit.torch import scale
from goodinit.torch.scaling.slopes import exponent

WIDTHS = (64, 128, 256, 512)
BASE = 64


def mlp(width: int) -> nn.Sequential:
    model = nn.Sequential(
        nn.Linear(64, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 10)
    )
    for layer in (part for part in model if isinstance(part, nn.Linear)):
        nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
        nn.init.zeros_(layer.bias)
    return model


def mup(width: int) -> nn.Sequential:
    """Return the same in μP: the output's weights are smaller by another √width (table 3 there)."""
    model = mlp(width)
    last = [part for part in model if isinstance(part, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.mul_((BASE / width) ** 0.5)
    return model


def adam(model: nn.Module) -> torch.optim.Optimizer:
    """Return Adam with μP's rates: input weights and biases 1, others as 1 / fan_in."""
    groups = [
        {"params": [p], "lr": 0.001 * (BASE / p.shape[1] if p.dim() == 2 and i else 1.0)}
        for i, p in enumerate(model.parameters())
    ]
    return torch.optim.Adam(groups)


def test_standard_mlps_change_more_the_wider_they_are() -> None:
    found = scale(mlp, "digits", widths=WIDTHS, seeds=3, steps=3)
    row: dict[Any, Any] = found.layers.set_index("layer").to_dict("index")
    assert [of["verdict"] for of in row.values()] == ["carries over", "grows", "grows"]
    assert row["2"]["own"] == pytest.approx(1.0, abs=0.15)  # Adam moves each weight alike
    assert row["4"]["change_low"] > 0.5
    assert "this learning rate won't carry over" in found.sentences[1]
    assert "μP" in found.sentences[1]


def test_mup_keeps_every_change() -> None:
    found = scale(mup, "digits", widths=WIDTHS, seeds=3, steps=3, optimizer=adam)
    changes = found.layers.set_index("layer")["change"]
    assert changes.abs().max() < 0.3
    start = found.layers.set_index("layer")["start"]
    assert start["0"] == pytest.approx(0, abs=0.05)
    assert start["4"] == pytest.approx(-0.5, abs=0.15)


def test_the_two_parts_make_the_change() -> None:
    def one(width: int) -> nn.Module:
        return nn.Sequential(nn.Linear(64, width), nn.Linear(width, 10))

    found = scale(one, "digits", widths=(16, 32, 64), seeds=2, steps=1, optimizer="sgd")
    first = found.measured[found.measured["layer"] == "0"]
    assert np.array(first["passed"]) == pytest.approx(0)
    assert np.array(first["own"]) == pytest.approx(np.array(first["change"]))
    assert found.layers["passed"].isna()[0]


def test_depth_is_an_axis_too_and_pictures_and_json_hold_it() -> None:
    def deep(depth: int) -> nn.Module:
        hidden: list[nn.Module] = []
        for _ in range(depth):
            hidden += [nn.Linear(32, 32), nn.Tanh()]
        return nn.Sequential(nn.Linear(64, 32), nn.Tanh(), *hidden)

    inputs, targets = torch.randn(20, 64), torch.randn(20, 32)
    found = scale(deep, (inputs, targets), depths=(1, 2, 4), seeds=2, steps=1)
    assert found.axis == "depth"
    assert list(found.layers["layer"]) == ["0", "2"]
    said: dict[str, Any] = found.as_dict()
    assert said["sizes"] == [1, 2, 4]
    assert len(found.plot().axes) >= 4


def test_global_generators_are_left_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    scale(mlp, "digits", widths=(4, 8, 16), seeds=1, steps=1)
    assert torch.equal(before, torch.get_rng_state())


def test_the_same_call_is_the_same() -> None:
    first, second = (
        scale(mlp, "digits", widths=(4, 8, 16), seeds=2, steps=1).measured for _ in range(2)
    )
    assert first.equals(second)


def test_scales_that_vanish_have_no_exponent() -> None:
    assert np.isnan(exponent(np.array([1.0, 2.0]), np.zeros((2, 2)))).all()


class Loud(nn.Sequential):
    """Diverges from a width of 16 on."""

    def __init__(self, width: int) -> None:
        first = nn.Linear(64, width)
        super().__init__(first, nn.Linear(width, 10))
        if width >= 16:
            nn.init.constant_(first.weight, 3e38)


def still(width: int) -> nn.Module:
    model = nn.Sequential(nn.Linear(64, width), nn.Linear(width, 10))
    for parameter in model[0].parameters():
        parameter.requires_grad = False
    return model


def test_what_diverges_or_stands_still_is_said_in_words() -> None:
    short: dict[str, Any] = {"widths": (4, 8, 16, 32), "steps": 1, "seeds": 2}
    loud, quiet = (scale(build, "digits", **short) for build in (Loud, still))
    assert loud.sentences[1] == "1: its output's change diverges at width 16 and 32: no slope"
    assert quiet.sentences[0] == "0: its output's change is zero at every width: no slope"
    assert loud.layers["verdict"].tolist() == ["diverges", "diverges"]
    row = loud.as_dict()["layers"][1]
    assert (row["change"], row["change_none"]) == (None, "diverges at width 16 and 32")
    for found, words in ((loud, "1: diverges at width 16 and 32"), (quiet, "0: is zero at every")):
        assert "nan" not in str(found)
        texts = [text.get_text() for axes in found.plot().axes for text in axes.texts]
        assert any(words in text for text in texts)


def test_one_seed_has_no_interval_and_that_is_said() -> None:
    found = scale(mlp, "digits", widths=(4, 8, 16), steps=1, seeds=1)
    assert all("in one seed, which gives no interval" in said for said in found.sentences)
    assert "nan" not in str(found)


def test_what_writes_over_an_output_changes_no_measurement() -> None:
    def build(width: int, *, inplace: bool) -> nn.Module:
        return nn.Sequential(nn.Linear(64, width), nn.ReLU(inplace=inplace), nn.Linear(width, 10))

    short: dict[str, Any] = {"widths": (4, 8, 16), "steps": 2, "seeds": 1}
    one, other = (
        scale(partial(build, inplace=inplace), "digits", **short).measured
        for inplace in (True, False)
    )
    assert one.equals(other)


class Attending(nn.Module):
    """Attention and recurrence, which give more than one value and have weights of their own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.zeros(width))
        self.embed = nn.Linear(8, width)
        self.attend = nn.MultiheadAttention(width, 2, batch_first=True)
        self.recur = nn.LSTM(width, width, batch_first=True)
        self.head = nn.Linear(width, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = self.embed(x.view(-1, 8, 8)) + self.start
        seen, _ = self.attend(query=tokens, key=tokens, value=tokens)
        said: torch.Tensor = self.head(self.recur(seen)[0][:, -1])
        return said


def test_attention_and_recurrence_are_layers_too() -> None:
    found = scale(Attending, "digits", widths=(4, 8, 16), steps=1, seeds=1)
    assert list(found.layers["layer"]) == ["embed", "attend", "recur", "head"]
    assert (found.measured[["change", "own"]] > 0).all(axis=None)


@pytest.mark.parametrize(
    ("argument", "given"),
    [
        ("widths", {"widths": (64, 128)}),
        ("depths", {"widths": (1, 2, 3), "depths": (1, 2, 3)}),
        ("steps", {"steps": 0}),
        ("optimizer", {"optimizer": "adan"}),
        ("learning_rate", {"learning_rate": 0}),
    ],
)
def test_wrong_arguments_are_named(argument: str, given: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=f"^{argument}"):
        scale(mlp, "digits", **given)


def fails(_: int) -> nn.Module:
    raise KeyError("no such size")


@pytest.mark.parametrize(
    ("argument", "build", "given"),
    [
        ("build", 3, {}),
        ("build", fails, {}),
        ("build", lambda _: 3, {}),
        ("build", lambda width: nn.Linear(7, width), {}),
        ("optimizer", mlp, {"optimizer": lambda _: 5}),
        ("data", mlp, {"data": (torch.full((4, 64), torch.nan), torch.tensor([0, 1, 2, 3]))}),
    ],
)
def test_what_cannot_be_scaled_is_said_in_a_line(
    argument: str, build: Any, given: dict[str, Any]
) -> None:
    with pytest.raises(ArgumentError, match=f"^{argument}") as said:
        scale(build, **{"data": "digits", "widths": (2, 4, 8), "steps": 1, "seeds": 1, **given})
    assert "\n" not in str(said.value)
