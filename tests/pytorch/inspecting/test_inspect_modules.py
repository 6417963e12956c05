"""Inspection of each kind of module: its layers, their names and order, units and gains."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from inspected import Tied, data, labels, mlp, row, sequence
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, rnn

from goodinit.measuring.signals import LAYER_SIGNALS
from goodinit.torch import inspect


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    yield


WAYS: dict[str, Callable[[Tensor, Tensor, Tensor], Any]] = {
    "operator": lambda x, w, b: x @ w + b,
    "addmm": lambda x, w, b: torch.addmm(b, x, w),
    "einsum": lambda x, w, b: torch.einsum("ni,io->no", x, w) + b,
}


class ByHand(nn.Module):
    """The same network as two linear layers with a ReLU, of raw parameters and functions."""

    def __init__(self, twin: Any, way: str) -> None:
        super().__init__()
        self.way: Any = WAYS[way]
        self.first = nn.Parameter(twin[0].weight.detach().T.clone())
        self.shift = nn.Parameter(twin[0].bias.detach().clone())
        self.head = twin[2]

    def forward(self, x: Tensor) -> Any:
        return self.head(self.way(x, self.first, self.shift).relu_())


@pytest.mark.parametrize("way", WAYS)
def test_functions_and_raw_parameters_are_seen_as_modules_are(way: str) -> None:
    twin = mlp(8, 16, 3)
    asked = data(40, 8)
    hand, modules = inspect(ByHand(twin, way), *asked).layers, inspect(twin, *asked).layers
    assert hand["layer"].tolist() == ["", "head"]
    assert hand["activation"].tolist() == ["relu", "linear"]
    names = [name for name in LAYER_SIGNALS if (way, name) != ("einsum", "distinct_units")]
    np.testing.assert_allclose(hand[names], modules[names], rtol=1e-5, atol=1e-7)


class Mixing(nn.Module):
    """A layer whose weight stands on the left, and mixes places."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(32, 16) / 4)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Any:
        return self.head(torch.relu(self.weight @ x).mean(1))


def test_a_weight_may_stand_on_either_side() -> None:
    found = row(inspect(Mixing(), data(10, 16, 8)[0]), "")
    assert found["units"] == found["distinct_units"] == 32
    assert found["activation"] == "relu"
    assert found["gain"] == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize(
    ("layer", "shape", "units", "gain"),
    [
        (nn.Conv1d(64, 32, 3), (8, 64, 40), 32, 1.0),
        (nn.Conv2d(64, 32, 3), (8, 64, 12, 12), 32, 1.0),
        (nn.Conv3d(64, 32, 3), (8, 64, 6, 6, 6), 32, 1.0),
        (nn.Conv2d(64, 32, 3, groups=4), (8, 64, 12, 12), 32, 1.0),
        (nn.Conv2d(64, 64, 3, groups=64), (8, 64, 12, 12), 64, 1.0),
        (nn.ConvTranspose2d(64, 32, 2, 2), (8, 64, 8, 8), 32, 1.0),
        (nn.ConvTranspose2d(64, 32, 2, 2, groups=4), (8, 64, 8, 8), 32, 1.0),
        (nn.Linear(64, 32), (50, 64), 32, 1.0),
    ],
)
def test_a_layer_has_its_units_and_its_gain(
    layer: Any, shape: tuple[int, ...], units: int, gain: float
) -> None:
    x, _ = data(*shape)
    fan_in = layer.weight[0].numel()
    if isinstance(layer, nn.ConvTranspose2d):
        fan_in = layer.in_channels // layer.groups
    nn.init.normal_(layer.weight, 0.0, fan_in**-0.5)
    nn.init.zeros_(layer.bias)
    found = row(inspect(sequence(layer), x), "0")
    assert found["units"] == units
    assert found["distinct_units"] == units
    assert found["gain"] == pytest.approx(gain, rel=0.1)


def test_a_bilinear_map_is_a_layer_of_two_inputs() -> None:
    layer, (x, _) = nn.Bilinear(16, 16, 8, bias=False), data(50, 16)
    nn.init.normal_(layer.weight, 0.0, 1 / 16)
    found = row(inspect(layer, (x, x.roll(1, 0))), "")
    assert found["distinct_units"] == found["units"] == 8
    assert found["gain"] == pytest.approx(1.0, rel=0.2)


def test_repeated_units_count_once_in_every_kind_of_layer() -> None:
    layers: list[Any] = [nn.Linear(6, 8), nn.Conv2d(6, 8, 3)]
    layers += [nn.ConvTranspose2d(6, 8, 3, groups=2)]
    for layer, shape in zip(layers, ((20, 6), (4, 6, 5, 5), (4, 6, 5, 5)), strict=True):
        with torch.no_grad():
            if isinstance(layer, nn.ConvTranspose2d):
                layer.weight[:, 1::2] = layer.weight[:, ::2]
            else:
                layer.weight[1::2] = layer.weight[::2]
            layer.bias[1::2] = layer.bias[::2]
        assert row(inspect(sequence(layer), data(*shape)[0]), "0")["distinct_units"] == 4


def test_large_layers_are_sampled_and_the_sample_says_as_much() -> None:
    model = sequence(nn.Linear(50, 600), nn.ReLU(), nn.Linear(600, 3))
    with torch.no_grad():
        model[0].weight[300:] = model[0].weight[:300]
        model[0].bias[300:] = model[0].bias[:300]
        model[0].bias[::3] = -100
    x = torch.randn(5000, 50)
    found = row(inspect(model, x), "0")
    z = model[0](x).detach().double()
    assert found["preactivation_rms"] == pytest.approx(float(z.square().mean().sqrt()), rel=1e-5)
    assert found["dead_fraction"] == pytest.approx(1 / 3)
    assert 300 <= found["distinct_units"] < 600


def test_a_unit_that_one_example_of_many_activates_is_not_dead() -> None:
    model = sequence(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 3))
    nn.init.ones_(model[0].weight)
    nn.init.constant_(model[0].bias, -1.0)
    x = torch.zeros(100_000, 1)
    assert row(inspect(model, x), "0")["dead_fraction"] == 1
    x[77_777] = 2.0
    assert row(inspect(model, x), "0")["dead_fraction"] == 0


def test_normalisations_are_layers_and_take_a_wrong_scale_away() -> None:
    model = sequence(nn.Linear(8, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 3))
    model[0].weight.data *= 1000
    report = inspect(model, *data(40, 8))
    assert report.layers["layer"].tolist() == ["0", "1", "3"]
    assert row(report, "1")["gain"] == pytest.approx(1.0, rel=1e-3)
    assert row(report, "1")["activation"] == "relu"
    assert report.findings == ()
    model[1] = nn.Identity()
    assert labels(inspect(model, *data(40, 8))) == [("0", "weights too large")]


class RootMeanSquare(nn.Module):
    """A normalisation by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(16))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6))


def test_a_normalisation_by_hand_takes_a_wrong_scale_away() -> None:
    for factor in (0.01, 1000):
        model = sequence(nn.Linear(8, 16), RootMeanSquare(), nn.ReLU(), nn.Linear(16, 3))
        model[0].weight.data *= factor
        model[0].bias.data *= factor
        assert inspect(model, *data(40, 8)).findings == ()


def test_embeddings_and_integer_inputs() -> None:
    model = sequence(nn.Embedding(20, 16), nn.Flatten(), nn.Linear(64, 3))
    words = torch.randint(20, (30, 4))
    report = inspect(model, words, data(30, 1)[1])
    assert row(report, "0")["units"] == 16
    assert row(report, "0")["gain"] == pytest.approx(1.0, rel=0.1)
    assert row(report, "0")["gradient_rms"] > 0


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
def test_a_recurrent_layer_shows_what_its_gates_are_given(kind: Any, both_ways: bool) -> None:
    layer = kind(8, 16, 2, batch_first=True, bidirectional=both_ways)
    cell = {nn.RNN: nn.RNNCell, nn.GRU: nn.GRUCell, nn.LSTM: nn.LSTMCell}[kind](8, 16)
    for name, parameter in cell.named_parameters():
        parameter.data = layer.get_parameter(f"{name}_l0").data
    report = inspect(layer, data(10, 1, 8)[0])
    assert report.layers["units"].tolist() == [32 if both_ways else 16]
    assert report.layers["distinct_units"].tolist() == [32 if both_ways else 16]
    assert report.findings == ()
    with torch.no_grad():
        if kind is nn.LSTM:
            layer.bias_ih_l1[16:32] = -20  # the forget gate, shut
        else:
            layer.weight_ih_l1.mul_(10_000)
    assert inspect(layer, data(10, 5, 8)[0]).layers["saturated_fraction"].isna().all()  # an output
    model = sequence(layer, Last(), nn.Linear(32 if both_ways else 16, 2))
    if kind is not nn.GRU:
        assert labels(inspect(model, data(10, 5, 8)[0])) == [("0", "saturated")]


class Last(nn.Module):
    """The last step of a sequence."""

    def forward(self, x: tuple[Tensor, Any]) -> Tensor:
        return x[0][:, -1]


def test_a_recurrent_cell_shows_the_same_as_its_layer_of_one_step() -> None:
    layer, cell = nn.GRU(8, 16, batch_first=True), nn.GRUCell(8, 16)
    for name, parameter in cell.named_parameters():
        parameter.data = layer.get_parameter(f"{name}_l0").data
    x, _ = data(10, 1, 8)
    one, other = inspect(layer, x).layers.iloc[0], inspect(cell, x[:, 0]).layers.iloc[0]
    for name in ("gain", "preactivation_rms", "preactivation_mean", "distinct_units"):
        assert one[name] == pytest.approx(other[name], rel=1e-5)


def test_packed_sequences_are_looked_at_by_what_the_layer_says() -> None:
    x, _ = data(2, 5, 8)
    report = inspect(nn.GRU(8, 16), rnn.pack_sequence([x[0], x[1, :3]]))
    assert report.layers["units"].tolist() == [16]


class Reads(nn.Module):
    """Attention, by PyTorch's own layer or by hand, then a head."""

    def __init__(self, by_hand: bool = False) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 2, batch_first=True)
        self.head = nn.Linear(16, 3)
        self.by_hand = by_hand

    def forward(self, x: Tensor) -> Any:
        if not self.by_hand:
            return self.head(self.attention(x, x, x, need_weights=False)[0].mean(1))
        into, out = self.attention, self.attention.out_proj
        parts = functional.linear(x, into.in_proj_weight, into.in_proj_bias).chunk(3, -1)
        query, key, seen = (p.reshape(*p.shape[:2], 2, 8).transpose(1, 2) for p in parts)
        weights = torch.softmax(query @ key.transpose(-1, -2) / 8**0.5, -1)
        read = (weights @ seen).transpose(1, 2).flatten(2)
        return self.head(functional.linear(read, out.weight, out.bias).mean(1))


@pytest.mark.parametrize("training", [True, False])
def test_pytorchs_attention_is_two_layers_as_it_is_by_hand(training: bool) -> None:
    asked = data(12, 7, 16)
    one = Reads().train(training)
    other = Reads(by_hand=True)
    other.load_state_dict(one.state_dict())
    same, hand = inspect(one, *asked), inspect(other, *asked)
    names = ["attention", "attention.out_proj", "head"]
    assert same.layers["layer"].tolist() == hand.layers["layer"].tolist() == names
    numbers = ["gain", *(name for name in LAYER_SIGNALS if name != "effective_rank")]
    np.testing.assert_allclose(same.layers[numbers], hand.layers[numbers], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("by_hand", [False, True])
def test_attention_that_sees_one_place_alone_is_saturated(by_hand: bool) -> None:
    model = Reads(by_hand)
    asked = data(12, 7, 16)
    assert inspect(model, *asked).findings == ()
    with torch.no_grad():
        model.attention.in_proj_weight[:32] *= 30
    (finding,) = inspect(model, *asked).findings
    assert (finding.layer, finding.label) == ("attention", "saturated")
    assert "softmax" in finding.reason
    assert finding.evidence["share"] > 80


def test_a_layer_used_twice_has_a_row_for_each_call_and_one_gradient() -> None:
    body = nn.Linear(8, 8)
    report = inspect(sequence(body, nn.Tanh(), body, nn.Tanh(), nn.Linear(8, 3)), *data(20, 8))
    assert report.layers["layer"].tolist() == ["0", "0", "4"]
    assert report.layers["call"].tolist() == [1, 2, 1]
    assert report.layers["gradient_rms"].iloc[0] == report.layers["gradient_rms"].iloc[1]


def test_tied_weights_are_named_by_who_uses_them() -> None:
    report = inspect(Tied(), torch.randint(20, (6, 5)))
    assert report.layers["layer"].tolist() == ["tokens", "head"]


def test_frozen_weights_have_no_gradient_and_are_looked_at_all_the_same() -> None:
    model = mlp(8, 16, 16, 3)
    model[0].requires_grad_(False)
    report = inspect(model, *data(20, 8))
    assert report.layers["gradient_rms"].isna().tolist() == [True, False, False]
    assert inspect(model.requires_grad_(False), *data(20, 8)).layers["gradient_rms"].isna().all()


def test_a_parametrized_weight_is_the_one_that_is_used() -> None:
    layer = parametrizations.spectral_norm(nn.Linear(8, 16))
    model = sequence(parametrizations.weight_norm(nn.Linear(8, 8)), layer)
    report = inspect(model, data(20, 8)[0])
    assert report.layers["layer"].tolist() == ["0", "1"]
    largest = float(torch.linalg.matrix_norm(model[1].weight.detach(), 2))
    assert row(report, "1")["weight_rms"] < largest * 16**-0.5


def test_half_precision_and_mixed_precision() -> None:
    model = mlp(8, 16, 3)
    x, _ = data(20, 8)
    full = inspect(model, x).layers[["preactivation_rms", "activation_rms", "gradient_rms"]]

    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, x: Tensor) -> Any:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.inner(x)

    mixed = inspect(Mixed(), x).layers[full.columns]
    half = inspect(model.to(torch.bfloat16), x.bfloat16()).layers[full.columns]
    np.testing.assert_allclose(mixed, full, rtol=0.03)
    np.testing.assert_allclose(half, full, rtol=0.03)


def test_compiled_and_wrapped_modules_keep_the_names_that_they_have() -> None:
    asked = data(20, 8)
    compiled: Any = torch.compile(mlp(8, 16, 3), backend="eager")
    names = inspect(compiled, *asked).layers["layer"].tolist()
    assert names == ["_orig_mod.0", "_orig_mod.2"]
    wrapped = nn.DataParallel(mlp(8, 16, 3))
    assert inspect(wrapped, *asked).layers["layer"].tolist() == ["module.0", "module.2"]
