"""What "auto" gives to each layer by its place in the model."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from small_models import Block, Residual, mlp, normals, notes, rms
from torch import nn
from torch.nn import functional

from goodinit import gain
from goodinit.torch import initialize


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (nn.ReLU, "relu"),
        (nn.Tanh, "tanh"),
        (nn.GELU, "gelu"),
        (nn.SiLU, "silu"),
        (nn.SELU, "selu"),
        (nn.ELU, "elu"),
        (nn.Softplus, "softplus"),
        (lambda: nn.LeakyReLU(0.3), "leaky_relu(0.3)"),
        (nn.PReLU, "leaky_relu(0.25)"),
        (nn.Mish, "silu"),
        (nn.Sigmoid, "sigmoid"),
    ],
)
def test_auto_takes_the_gain_of_the_activation_that_follows(
    activation: Callable[[], nn.Module], name: str
) -> None:
    table = initialize(mlp(300, 300, 300, activation=activation), "auto")
    assert table["gain"][0] == pytest.approx(gain(name), rel=0.02)


def test_auto_finds_functions_methods_and_what_stands_between() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 8)
            self.norm = nn.LayerNorm(8)

        def forward(self, x: Any) -> Any:
            x = functional.leaky_relu(self.norm(self.a(x)), 0.2).view(x.shape[0], -1)
            return self.c(self.b(x).reshape(-1, 8).relu_())

    expected = {"a.weight": "leaky_relu(0.2)", "b.weight": "relu", "c.weight": "output"}
    for found in (notes(Model()), notes(Model(), inputs=normals(3, 4))):
        assert all(part in found[name] for name, part in expected.items())


def test_auto_gives_a_gated_layer_the_gain_of_its_own_way() -> None:
    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate, self.up, self.down = nn.Linear(4, 8), nn.Linear(4, 8), nn.Linear(8, 4)

        def forward(self, x: Any) -> Any:
            return self.down(functional.silu(self.gate(x)) * self.up(x))

    for found in (notes(Gated()), notes(Gated(), inputs=normals(3, 4))):
        assert "silu follows" in found["gate.weight"]
        assert found["up.weight"] == "gain 1"
        assert found["down.weight"] == "output: gain 0.1"


def test_auto_scales_residual_branches_by_their_number() -> None:
    model = Residual(256, 16)
    for more in ({}, {"inputs": normals(2, 256)}):
        table = initialize(model, "auto", **more).set_index("parameter")
        down = table.loc[[f"down.{i}.weight" for i in range(16)], "gain"]
        np.testing.assert_allclose(down, 1 / 4, rtol=0.03)
    assert 0.8 < rms(model(normals(100, 256))) < 1.6


def test_auto_scales_the_norm_that_ends_a_branch_but_no_shortcut() -> None:
    model = nn.Sequential(Block(3, 8), Block(8, 8), nn.Flatten(), nn.Linear(8 * 36, 2))
    for more in ({}, {"inputs": normals(2, 3, 6, 6)}):
        found = notes(model, **more)
        assert found["0.bn2.weight"] == found["1.bn2.weight"] == "ends a residual branch: 1/√2"
        assert found["0.conv2.weight"] == "gain 1"
        assert "relu follows" in found["0.shortcut.weight"]
        assert "relu follows" in found["1.conv1.weight"]
        assert model[0].bn2.weight[0].item() == pytest.approx(0.5**0.5)  # type: ignore[union-attr,index]


@pytest.mark.parametrize("norm_first", [False, True])
def test_auto_knows_pytorchs_transformer_with_and_without_inputs(norm_first: bool) -> None:
    layer = nn.TransformerEncoderLayer(32, 4, 64, activation="gelu", norm_first=norm_first)
    model = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    traced, watched = notes(model), notes(model, inputs=normals(5, 2, 32))
    assert traced == watched
    for block in range(3):
        assert "gelu follows" in traced[f"layers.{block}.linear1.weight"]
        for last in ("linear2", "self_attn.out_proj"):
            assert traced[f"layers.{block}.{last}.weight"] == "ends a residual branch: gain 1/√6"


def test_auto_says_where_it_only_supposes_the_order_and_sees_it_from_inputs() -> None:
    class Untraceable(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last, self.relu = nn.Linear(4, 8), nn.Linear(8, 2), nn.ReLU()

        def forward(self, x: Any) -> Any:
            if x.sum() > 1e9:
                return x
            return self.last(self.relu(self.first(x)))

    assert "by the order of registration" in notes(Untraceable())["first.weight"]
    watched = notes(Untraceable(), inputs=normals(3, 4))
    assert watched["first.weight"] == "gain 1.414, relu follows"
    assert watched["last.weight"] == "output: gain 0.1"


def test_auto_opens_the_forget_gate_and_makes_recurrent_weights_orthogonal_by_gate() -> None:
    model = nn.LSTM(10, 12, num_layers=2, bidirectional=True)
    initialize(model, "auto")
    state = model.state_dict()
    for name in ("l0", "l0_reverse", "l1", "l1_reverse"):
        for gate in state[f"weight_hh_{name}"].chunk(4):
            torch.testing.assert_close(gate @ gate.T, torch.eye(12), rtol=0, atol=1e-6)
        biases = state[f"bias_ih_{name}"] + state[f"bias_hh_{name}"]
        assert biases.tolist() == [0.0] * 12 + [1.0] * 12 + [0.0] * 24


def test_auto_gives_embeddings_rows_of_length_one_and_keeps_padding_zero() -> None:
    model = nn.Embedding(400, 256, padding_idx=7)
    initialize(model, "auto")
    lengths = model.weight.detach().norm(dim=1)
    assert float(lengths[7]) == 0
    assert float(lengths.sum()) / 399 == pytest.approx(1, abs=0.01)


def test_auto_does_not_look_past_the_branches_that_a_layer_feeds() -> None:
    model = nn.Sequential(nn.Linear(8, 8), Residual(8, 2), nn.Tanh(), nn.Linear(8, 2))
    for found in (notes(model), notes(model, inputs=normals(3, 8))):
        assert found["0.weight"] == "gain 1"
        assert found["1.up.0.weight"] == "gain 1.667, tanh follows"
        assert found["1.down.1.weight"] == "ends a residual branch: gain 1/√2"
