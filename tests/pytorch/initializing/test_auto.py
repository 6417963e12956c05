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

from goodinit.torch import initialize


@pytest.mark.parametrize(
    ("activation", "spread", "gain"),
    [
        (nn.ReLU, 1, 2**0.5),
        (lambda: nn.LeakyReLU(0.3), 1, (2 / 1.09) ** 0.5),
        (lambda: nn.LeakyReLU(2.0), 1, (2 / 5) ** 0.5),
        (nn.SELU, 1, 1),
        (nn.ELU, 1, 1.245),
        # where the second moment is 1, so that an excess grows less with depth
        (nn.GELU, 1.468, 1.468),
        (nn.SiLU, 1.559, 1.559),
        (nn.Mish, 1.451, 1.451),
        # near the edge of chaos, which keeps the gradient
        (nn.Tanh, 0.5, 0.5 / 0.417),
        # rows that sum to 0 read what varies only
        (nn.Sigmoid, 1, 1 / 0.208),
        (nn.Softplus, 1, 1 / 0.521),
        # of no name that goodinit.activations knows
        (nn.Tanhshrink, 1.665, 1.665),
        (nn.Hardsigmoid, 1, 1 / 0.166),
    ],
)
def test_the_gain_of_an_activation_goes_to_the_layer_that_reads_it(
    activation: Callable[[], nn.Module], spread: float, gain: float
) -> None:
    for more in ({}, {"inputs": normals(2, 300)}):
        table = initialize(mlp(300, 300, 300, 10, activation=activation), "auto", **more)
        assert table["gain"][[0, 2]].tolist() == pytest.approx([spread, gain], rel=0.01)


def test_what_no_table_knows_is_measured() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = (nn.Linear(64, 64) for _ in range(3))
            self.d = nn.Linear(64, 2)

        def forward(self, x: Any) -> Any:
            x = torch.relu(self.a(x)) ** 3
            x = self.b(x)
            x = self.c(x * torch.sigmoid(x))
            return self.d(x.clamp(min=0))

    for found in (notes(Model()), notes(Model(), inputs=normals(3, 64))):
        assert "reads relu then pow" in found["b.weight"]  # E[relu(z)^6] = 7.5
        assert found["b.weight"].startswith("gain 0.57")  # 1.559 / sqrt(7.5)
        assert found["c.weight"] == "gain 1, reads sigmoid then mul"
        assert "reads clamp" in found["d.weight"]


@pytest.mark.parametrize("activation", [nn.Tanh, nn.SELU, nn.Sigmoid])
def test_twenty_layers_keep_signal_and_gradient(activation: Callable[[], nn.Module]) -> None:
    model = mlp(*[256] * 22, activation=activation)
    initialize(model, "auto")
    layers = [module for module in model if isinstance(module, nn.Linear)]
    seen: list[Any] = []

    def look(module: nn.Module, given: Any, out: Any) -> None:
        out.retain_grad()
        seen.append(out)

    for layer in layers[:-1]:
        layer.register_forward_hook(look)
    model(normals(64, 256)).square().sum().backward()
    assert rms(seen[-1]) / rms(seen[0]) == pytest.approx(1, rel=0.3)
    assert rms(seen[0].grad) / rms(seen[-1].grad) == pytest.approx(1, rel=0.6)


class Turned(nn.Module):
    """A layer whose weights are (inputs, outputs), as GPT-2's Conv1D."""

    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(0.02 * torch.randn(fan_in, fan_out))
        self.bias = nn.Parameter(torch.ones(fan_out))

    def forward(self, x: Any) -> Any:
        return torch.addmm(self.bias, x, self.weight)


class Foreign(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.turned = nn.ModuleList([Turned(64, 192), Turned(192, 64)])
        self.experts = nn.Parameter(torch.randn(4, 64, 32))
        self.heads = nn.Parameter(torch.randn(32, 5, 7))
        self.capsules = nn.Parameter(torch.randn(1, 35, 3, 16, 8))

    def forward(self, x: Any) -> Any:
        x = self.turned[1](torch.relu(self.turned[0](x)))
        x = x @ self.experts[1]
        x = torch.einsum("nd,dhk->nhk", x, self.heads).flatten(1)
        return self.capsules @ x.reshape(-1, 35, 1, 1, 1).expand(-1, -1, -1, 8, -1)


def test_fans_come_from_use_where_pytorch_brings_no_layer() -> None:
    model = Foreign()
    table = initialize(model, "he_normal", inputs=normals(5, 64)).set_index("parameter")
    assert table.loc[["turned.0.weight", "turned.1.weight"], "fan_in"].tolist() == [64, 192]
    assert table.loc[["experts", "heads", "capsules"], "fan_in"].tolist() == [64, 32, 8]
    assert table.loc[["experts", "heads", "capsules"], "fan_out"].tolist() == [32, 35, 16]
    gains = table.loc[["turned.0.weight", "turned.1.weight", "experts", "capsules"], "gain"]
    np.testing.assert_allclose(gains, 2**0.5, rtol=0.05)
    assert float(model.turned[0].bias.detach().abs().max()) == 0  # type: ignore[operator]


def test_auto_knows_where_a_foreign_layer_stands() -> None:
    found = notes(Foreign(), inputs=normals(5, 64))
    assert found["turned.1.weight"] == "gain 1.414, reads relu"
    assert "output" in found["capsules"]
    model = Foreign()
    initialize(model, "keep", rules={"turned.*": "auto"}, inputs=normals(5, 64))
    for layer in model.turned:
        assert float(layer.bias.detach().abs().max()) == 0  # type: ignore[operator]
        gain = float(layer.weight.detach().std()) * layer.weight.shape[0] ** 0.5  # type: ignore[operator,index]
        assert 0.9 < gain < 1.5


def test_a_share_that_is_left_is_said_aloud() -> None:
    with pytest.warns(UserWarning, match=r"99% of all numbers were left as they were: experts"):
        initialize(Foreign(), "auto")


def test_auto_finds_functions_methods_and_what_stands_between() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 8)
            self.norm = nn.LayerNorm(8)

        def forward(self, x: Any) -> Any:
            x = functional.leaky_relu(self.norm(self.a(x)), 0.2).view(x.shape[0], -1)
            return self.c(self.b(x).reshape(-1, 8).relu_())

    expected = {"b.weight": "leaky_relu(0.2)", "c.weight": "reads relu, output"}
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
        assert found["gate.weight"] == found["up.weight"] == "gain 1"
        assert "reads silu then mul, output: spread 0.3" in found["down.weight"]


def test_auto_scales_residual_branches_by_their_number() -> None:
    model = Residual(256, 16)
    for more in ({}, {"inputs": normals(2, 256)}):
        table = initialize(model, "auto", **more).set_index("parameter")
        down = table.loc[[f"down.{i}.weight" for i in range(16)], "gain"]
        np.testing.assert_allclose(down, 0.25 / 0.417, rtol=0.03)
    assert 0.8 < rms(model(normals(100, 256))) < 1.6


def test_auto_leaves_norms_that_end_branches_at_one() -> None:
    model = nn.Sequential(Block(3, 8), Block(8, 8), nn.Flatten(), nn.Linear(8 * 36, 2))
    nn.init.constant_(model[0].bn2.weight, 7)  # type: ignore[union-attr,arg-type]
    for more in ({}, {"inputs": normals(2, 3, 6, 6)}):
        found = notes(model, **more)
        assert found["0.conv1.weight"] == "gain 1"
        assert found["0.conv2.weight"] == found["1.conv1.weight"] == "gain 1.414, reads relu"
        for block in (0, 1):
            assert model.get_parameter(f"{block}.bn2.weight").tolist() == [1] * 8


@pytest.mark.parametrize("norm_first", [False, True])
def test_auto_knows_pytorchs_transformer_with_and_without_inputs(norm_first: bool) -> None:
    layer = nn.TransformerEncoderLayer(32, 4, 64, activation="gelu", norm_first=norm_first)
    model = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
    traced, watched = notes(model), notes(model, inputs=normals(5, 2, 32))
    assert traced == watched
    for block in range(3):
        assert "reads gelu" in traced[f"layers.{block}.linear2.weight"]
        for last in ("linear2", "self_attn.out_proj"):
            found = traced[f"layers.{block}.{last}.weight"]
            assert found.endswith("ends a residual branch: spread 1/√6")


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
    assert watched["first.weight"] == "gain 1"
    assert watched["last.weight"] == "gain 0.4243, reads relu, output: spread 0.3"


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
        assert found["1.up.0.weight"] == "gain 0.5, for a spread of 0.5"
        assert found["1.down.1.weight"].endswith("ends a residual branch: spread 1/√2")


class Plain(nn.Module):
    """Four layers with one function between them."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(256, 256) for _ in range(3))
        self.out, self.function = nn.Linear(256, 2), function

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = self.function(layer(x))
        return self.out(x)


class Learned(nn.Module):
    """Swish with a slope that is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.ones(1))

    def forward(self, x: Any) -> Any:
        return x * torch.sigmoid(self.beta * x)


class Untraceable(nn.Module):
    """ReLU² with a question that no trace can answer."""

    def forward(self, x: Any) -> Any:
        return torch.relu(x) ** 2 if x.isfinite().all() else x


@pytest.mark.parametrize(
    "function",
    [
        lambda x: torch.relu(x) ** 3,
        lambda x: x * torch.sigmoid(x),
        lambda x: x.clamp(min=0),
        torch.sin,
        lambda x: torch.sin(30 * x),
        lambda x: torch.where(x > 0, x, 0.1 * x),
        lambda x: torch.relu(x) + 0.1 * x,
        lambda x: torch.maximum(x, 0.3 * x),
        nn.PReLU(init=1.0),
        nn.PReLU(init=-2.0),
        nn.RReLU(),
        nn.LeakyReLU(-0.5),
        Learned(),
        Untraceable(),
    ],
)
@pytest.mark.parametrize("seen", [False, True])
def test_a_layer_gets_what_keeps_its_spread_whatever_function_it_reads(
    function: Callable[[Any], Any], seen: bool
) -> None:
    model, inputs = Plain(function), normals(500, 256)
    table = initialize(model, "auto", inputs=inputs if seen else None).set_index("parameter")
    assert "supposed" not in str(table.loc["layers.1.weight", "note"])
    with torch.no_grad():
        first = model.layers[0](inputs)
        second = model.layers[1](model.function(first))
    assert second.square().mean() == pytest.approx(first.square().mean().item(), rel=0.15)


def test_a_thousand_residual_blocks_are_read() -> None:
    table = initialize(Residual(4, 1000), "auto", inputs=normals(2, 4))
    assert table["note"].str.contains("1/√1000").sum() == 1000


@pytest.mark.parametrize("function", [lambda x: x * x.softmax(-1), lambda x: x.cumsum(-1)])
@pytest.mark.parametrize("seen", [False, True])
def test_what_looks_at_more_than_one_number_is_said_to_be_unknown(
    function: Callable[[Any], Any], seen: bool
) -> None:
    table = initialize(Plain(function), "auto", inputs=normals(2, 256) if seen else None)
    assert "what it reads is supposed to have spread 1" in table["note"][2]


# Biases on purpose --------------------------------------------------------------------------------


class Detector(nn.Module):
    """A head at its rate, a gate that starts closed, a step size, and layers without purpose."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.gate, self.step, self.head = (nn.Linear(16, 16) for _ in range(4))
        self.classes = nn.Linear(16, 20)

    def forward(self, x: Any) -> Any:
        x = torch.relu(self.body(x))
        x = x * torch.sigmoid(self.gate(x)) * functional.softplus(self.step(x))
        return self.classes(self.head(x))


def test_biases_that_were_set_on_purpose_stay_and_auto_says_so() -> None:
    model = Detector()
    steps = torch.linspace(-6.9, -2.3, 16)
    with torch.no_grad():
        model.gate.bias.fill_(-2)
        model.step.bias.copy_(steps)
        model.classes.bias.fill_(-4.595)
        model.body.bias.fill_(0.1)  # a ReLU follows
    said = initialize(model, "auto").set_index("parameter")["note"]
    assert said["gate.bias"] == "left alone: set on purpose, -2"
    assert said["step.bias"] == "left alone: set on purpose, -6.9 to -2.3"
    assert said["classes.bias"] == "left alone: set on purpose, -4.59"
    assert (model.classes.bias == -4.595).all()
    torch.testing.assert_close(model.step.bias.detach(), steps, rtol=0, atol=0)
    assert not model.body.bias.any()
    assert not model.head.bias.any()  # as PyTorch drew it
    initialize(model, "auto", rules={"gate.bias": "zeros"})
    assert not model.gate.bias.any()
    initialize(model, "he_normal")
    assert not any(getattr(model, name).bias.any() for name in ("gate", "step", "classes"))


def test_biases_that_pytorch_drew_or_training_moved_become_zero() -> None:
    model = nn.Sequential(nn.Linear(16, 64), nn.Tanh(), nn.Linear(64, 32), nn.Tanh())
    biases = [tensor for name, tensor in model.named_parameters() if "bias" in name]
    with torch.no_grad():
        biases[0].add_(normals(64))  # some beyond what PyTorch draws, some not
    initialize(model, "auto")
    assert not any(bias.any() for bias in biases)


@pytest.mark.parametrize("activation", [nn.SiLU, nn.GELU])
def test_inputs_settle_what_strays_with_depth(activation: Callable[[], nn.Module]) -> None:
    sizes = [64, *[64] * 40, 10]
    x = normals(256, 64)
    strays = {}
    for given in (None, x):
        model = mlp(*sizes, activation=activation)
        initialize(model, "auto", inputs=given)
        scales = [z.square().mean().sqrt().item() for z in _linear_outputs(model, x)]
        strays[given is None] = max(scales[:-1]) / min(scales[:-1])
    assert strays[False] < 1.25**2 < strays[True]


def test_a_bias_that_was_kept_is_not_made_up_for_by_the_weights() -> None:
    model = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 20))
    nn.init.constant_(model[2].bias, -4.6)  # type: ignore[arg-type]
    table = initialize(model, "auto", inputs=normals(256, 64)).set_index("parameter")
    assert table.loc["2.bias", "scheme"] == "keep"
    assert table.loc["2.weight", "gain"] == pytest.approx(0.72, rel=0.05)


def _linear_outputs(model: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
    seen = []
    for layer in model:  # type: ignore[attr-defined]
        x = layer(x)
        if isinstance(layer, nn.Linear):
            seen.append(x.detach())
    return seen
