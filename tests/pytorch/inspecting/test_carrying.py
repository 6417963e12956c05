"""How far a signal, a difference and a gradient carry in a module, and what theory expects."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import Tensor, nn

import goodinit as gi
from goodinit.torch import inspect
from goodinit.torch.inspecting.carrying import tell


def plain(
    depth: int, width: int, activation: type[nn.Module], gain: float, bias: float
) -> nn.Module:
    """Return a network of plain layers, the weights N(0, gain²/fan_in), the biases N(0, bias)."""
    torch.manual_seed(0)
    parts: list[nn.Module] = []
    for place in range(depth):
        layer = nn.Linear(20 if place == 0 else width, width)
        nn.init.normal_(layer.weight, std=gain / layer.in_features**0.5)
        nn.init.normal_(layer.bias, std=bias**0.5)
        parts += [layer, activation()]
    return nn.Sequential(*parts, nn.Linear(width, 5))


def test_one_random_vector_tells_the_norm_of_the_whole_jacobian() -> None:
    model = plain(3, 60, nn.Tanh, 1.2, 0.1)
    x = torch.randn(40, 20)
    table = inspect(model, x).stations
    hidden = {name: part for name, part in model.named_children() if isinstance(part, nn.Linear)}
    for row, name in enumerate(hidden):
        parts = list(model.children())
        z = nn.Sequential(*parts[: int(name) + 1])(x)
        rest = nn.Sequential(*parts[int(name) + 1 :])
        slopes = torch.func.vmap(torch.func.jacrev(rest))(z)
        exact = float(slopes.detach().square().sum() / (len(x) * 5))
        assert table["jacobian"][row] == pytest.approx(exact, rel=0.2)
    assert table["jacobian"].iloc[-1] == pytest.approx(1.0)


def test_theory_stands_beside_each_plain_layer_as_predict_has_it() -> None:
    model = plain(6, 100, nn.Tanh, 1.0, 0.0)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((32, 20))
    table = inspect(model, torch.tensor(X, dtype=torch.float32)).stations.iloc[:-1]
    data = gi.datasets.load((X, np.arange(32) % 5, X, np.arange(32) % 5))
    found = gi.predict(data, "lecun_normal", hidden=(100,) * 6, activation="tanh", draws=0).layers
    theirs = found.iloc[:-1]
    # The weights that were drawn have a mean square of their own, 1 or 2 % from that of the scheme.
    assert table["expected_rms"].to_numpy() == pytest.approx(
        theirs["preactivation_rms"].to_numpy(), rel=0.05
    )
    width = table["high"] / table["low"]
    assert width.to_numpy() == pytest.approx((theirs["high"] / theirs["low"]).to_numpy(), rel=0.02)
    assert (table["low"] < table["rms"]).mean() > 0.6
    assert (table["rms"] < table["high"]).mean() > 0.6


class Own(nn.Module):
    """An activation that no list knows."""

    def forward(self, z: Tensor) -> Tensor:
        return nn.functional.leaky_relu(z, 0.3)


def test_an_activation_is_what_it_does_whatever_it_is_called() -> None:
    table = inspect(plain(8, 200, Own, (2 / 1.09) ** 0.5, 0.0), torch.randn(32, 20)).stations
    assert table["expected_rms"].iloc[:8].to_numpy() == pytest.approx((2 / 1.09) ** 0.5, rel=0.03)


@pytest.mark.parametrize("between", [nn.BatchNorm1d(30), nn.Dropout(0.5), nn.LayerNorm(30)])
def test_behind_what_theory_does_not_know_it_is_silent(between: nn.Module) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 30), nn.ReLU(), between, nn.Linear(30, 30), nn.ReLU())
    table = inspect(nn.Sequential(*model, nn.Linear(30, 4)), torch.randn(64, 20)).stations
    assert np.isfinite(table["expected_rms"][0])
    assert table["expected_rms"].iloc[1:].isna().all()


def test_tanh_below_its_critical_gain_forgets_a_difference_at_the_rate_of_theory() -> None:
    report = inspect(plain(30, 300, nn.Tanh, 1.0, 0.05), torch.randn(32, 20), cures=False)
    gap = 1 - report.stations["correlation"].iloc[:30].to_numpy()
    slope = np.polyfit(np.arange(12, 30), np.log(gap[12:]), 1)[0]
    data = gi.datasets.load((np.eye(20), np.arange(20) % 2, np.eye(20), np.arange(20) % 2))
    theory = gi.predict(
        data, "lecun_normal", hidden=(300,) * 3, activation="tanh", bias_std=0.05**0.5
    )
    assert -1 / slope == pytest.approx(theory.correlation_depth, rel=0.25)
    assert "of a difference between two inputs" in report.depth
    assert "the gradient shrinks" in report.depth
    assert report.depth in " ".join(str(report).split())
    assert report.as_dict()["depth"] == report.depth
    assert len(report.as_dict()["stations"]) == 31


class Block(nn.Module):
    """A residual block whose branch is one map of every token."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.map = nn.Linear(64, 64, bias=False)
        nn.init.normal_(self.map.weight, std=scale / 8)

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(x, self.map(x))


def test_a_linear_residual_stream_has_the_exponents_that_arithmetic_gives() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(*(Block(1.0) for _ in range(6)))
    table = inspect(model, torch.randn(8, 12, 64), cures=False).stations
    assert list(table["type"]) == ["sum"] * 6
    # Each sum adds as much again: squares double forward and back, and angles stay what they are.
    assert table["gradient_exponent"].iloc[1:].to_numpy() == pytest.approx(np.log(2), abs=0.25)
    assert table["angle_exponent"].iloc[1:].to_numpy() == pytest.approx(0.0, abs=0.05)
    assert table["jacobian"].iloc[0] == pytest.approx(2.0**5, rel=0.5)


def test_what_is_inside_a_branch_is_no_station() -> None:
    torch.manual_seed(0)
    table = inspect(nn.Sequential(nn.Linear(64, 64), Block(0.1), Block(0.1)), torch.randn(9, 64))
    assert list(table.stations["type"]) == ["Linear", "sum", "sum"]
    assert table.depth == ""  # too shallow to speak of


def test_a_module_without_gradients_or_calls_has_no_numbers_and_raises_nothing() -> None:
    frozen = plain(5, 10, nn.ReLU, 1.4, 0.0).requires_grad_(False)
    report = inspect(frozen, torch.randn(6, 20))
    assert report.stations["jacobian"].isna().all()
    assert "gradient" not in report.depth
    assert inspect(nn.ReLU(), torch.randn(6, 20)).stations.empty


def test_a_user_s_module_is_as_it_was_and_its_random_numbers_too() -> None:
    model, x = plain(5, 10, nn.ReLU, 1.4, 0.0), torch.randn(6, 20)
    before = [parameter.clone() for parameter in model.parameters()]
    state = torch.get_rng_state()
    inspect(model, x)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in model.parameters())


def stations(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {"seed": 0, "layer": list("abcdefgh"), "rms": 1.0, "correlation": 0.5, "jacobian": 1.0}
    ).assign(**columns)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"rms": [1.0, 0.3, 0.25, 0.25, 0.26, 0.24, 0.25, 0.25]}, "the signal shrinks 4 times; "),
        ({"rms": 2.0 ** np.arange(8)}, "the signal grows 128 times (a factor of e every 1.4); "),
        ({"rms": [1, 1, 1e20, *[np.inf] * 5]}, "the signal overflows after 3 of them; "),
        ({"rms": [1.0, 0.1, *[0.0] * 6]}, "the signal is gone after 2 of them; "),
        ({"jacobian": [0.0] * 3 + [1.0] * 5}, "the gradient is gone after 5 of them on its way"),
        ({"correlation": 1 - 1e-3 * 2.0 ** np.arange(8)}, "inputs grows 128 times (a factor of e"),
        ({"correlation": [0.5, *[1.0] * 7]}, "two inputs is gone after 1 of them; "),
    ],
)
def test_the_sentence_of_depth_says_what_happened_and_a_rate_only_where_it_is_steady(
    columns: dict[str, Any], said: str
) -> None:
    told = tell(stations(**columns))
    assert said in told
    assert "inf" not in told
    assert "nan" not in told


class Placed(nn.Module):
    """Tokens and what stands for their places, through residual maps of every token."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(50, 64), nn.Embedding(12, 64)
        self.blocks = nn.Sequential(*(Block(1.0) for _ in range(4)))

    def forward(self, x: Tensor) -> Tensor:
        said: Tensor = self.blocks(self.tokens(x) + self.places(torch.arange(12)))
        return said


def test_adding_places_to_tokens_is_no_block() -> None:
    torch.manual_seed(0)
    table = inspect(Placed(), torch.randint(0, 50, (8, 12)), cures=False).stations
    blocks = table[table["layer"].str.startswith("blocks")]
    assert blocks["angle_exponent"].notna().all()
    assert table.drop(blocks.index)["angle_exponent"].isna().all()
