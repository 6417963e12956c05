"""Presets against what Keras, Flax, transformers, SIREN's and CleanRL's code document."""

from collections.abc import Callable
from math import log, sqrt
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from small_models import normals
from torch import nn

from goodinit.errors import ArgumentError
from goodinit.torch import compare, initialize


def drawn(model: nn.Module, scheme: str, **how: Any) -> dict[str, torch.Tensor]:
    initialize(model, scheme, **how)
    return {name: tensor.detach().double() for name, tensor in model.named_parameters()}


def assert_uniform(tensor: torch.Tensor, bound: float) -> None:
    """Within the bound, near it, and of the standard deviation bound/√3."""
    assert tensor.abs().max() <= bound * (1 + 1e-6)
    assert tensor.abs().max() > 0.97 * bound
    assert tensor.std().item() == pytest.approx(bound / sqrt(3), rel=0.06)


def assert_orthogonal(tensor: torch.Tensor, gain: float) -> None:
    matrix = tensor.reshape(len(tensor), -1)
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    torch.testing.assert_close(gram, gain**2 * torch.eye(len(gram)).double(), atol=1e-5, rtol=0)


class Tokens(nn.Module):
    """Embeds, reads on, answers."""

    def __init__(self, reader: Callable[..., nn.Module] = nn.LSTM) -> None:
        super().__init__()
        self.embed, self.read, self.out = nn.Embedding(80, 30), reader(30, 40), nn.Linear(40, 5)

    def forward(self, x: Any) -> Any:
        return self.out(self.read(self.embed(x))[0])


# --- Keras ---


@pytest.mark.parametrize(
    ("layer", "fans"),
    [
        (nn.Linear(60, 40), 100),
        (nn.Conv2d(8, 16, 3), 9 * (8 + 16)),
        (nn.Conv2d(8, 16, (1, 5), stride=2), 5 * (8 + 16)),
        (nn.Conv1d(16, 32, 3, groups=4), 3 * (4 + 32)),
        (nn.ConvTranspose2d(16, 8, 4, stride=2), 16 * (16 + 8)),
        (nn.Conv2d(64, 64, 3, groups=64), 9 * (1 + 64)),
    ],
    ids=str,
)
def test_keras_kernels_are_glorot_uniform(layer: nn.Module, fans: int) -> None:
    weights = drawn(layer, "keras")
    assert_uniform(weights["weight"], sqrt(6 / fans))
    assert not weights["bias"].any()


def test_keras_recurrent_layers() -> None:
    weights = drawn(Tokens(), "keras")
    assert_uniform(weights["embed.weight"], 0.05)
    assert_uniform(weights["read.weight_ih_l0"], sqrt(6 / (30 + 160)))  # gates are one kernel
    assert_orthogonal(weights["read.weight_hh_l0"], 1)
    gates = (weights["read.bias_ih_l0"] + weights["read.bias_hh_l0"]).view(4, 40)
    assert gates.mean(1).tolist() == [0, 1, 0, 0]  # input, forget, cell, output
    assert_uniform(weights["out.weight"], sqrt(6 / 45))


# --- Flax ---


@pytest.mark.parametrize(
    ("layer", "fan_in"),
    [
        (nn.Linear(60, 40), 60),
        (nn.Conv2d(8, 16, 3), 72),
        (nn.Conv1d(16, 64, 3, groups=4), 12),
        (nn.ConvTranspose2d(16, 8, 4, stride=2), 256),
    ],
    ids=str,
)
def test_flax_kernels_are_lecun_normal_cut_at_two_deviations(layer: nn.Module, fan_in: int) -> None:
    weights = drawn(layer, "flax")
    std = sqrt(1 / fan_in)
    assert weights["weight"].std().item() == pytest.approx(std, rel=0.06)
    assert 1.8 < weights["weight"].abs().max() * 0.87962566103423978 / std <= 2
    assert not weights["bias"].any()


@pytest.mark.parametrize(("reader", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_flax_recurrent_layers(reader: Callable[..., nn.Module], gates: int) -> None:
    weights = drawn(Tokens(reader), "flax")
    assert weights["embed.weight"].std().item() == pytest.approx(sqrt(1 / 30), rel=0.05)
    assert weights["embed.weight"].abs().max() > 3 * sqrt(1 / 30)  # a whole normal
    assert weights["read.weight_ih_l0"].std().item() == pytest.approx(sqrt(1 / 30), rel=0.06)
    for gate in weights["read.weight_hh_l0"].chunk(gates):
        assert_orthogonal(gate, 1)
    assert not weights["read.bias_ih_l0"].any()


# --- GPT-2 ---


class GPT(nn.Module):
    """Blocks of two residual branches each, without the names of transformers' code."""

    def __init__(self, blocks: int = 3, width: int = 64) -> None:
        super().__init__()
        self.embed = nn.Embedding(90, width)
        self.positions = nn.Parameter(torch.zeros(12, width))
        self.ups = nn.ModuleList(nn.Linear(width, 4 * width) for _ in range(2 * blocks))
        self.downs = nn.ModuleList(nn.Linear(4 * width, width) for _ in range(2 * blocks))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 90, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x: Any) -> Any:
        x = self.embed(x) + self.positions
        for up, down in zip(self.ups, self.downs, strict=True):
            x = x + down(nn.functional.gelu(up(x)))
        return self.head(self.norm(x))


@pytest.mark.parametrize("inputs", [None, torch.zeros(1, 12, dtype=torch.long)], ids=type)
def test_gpt2_divides_what_ends_a_branch_by_the_root_of_their_number(inputs: Any) -> None:
    weights = drawn(GPT(), "gpt2", inputs=inputs)
    for name, tensor in weights.items():
        if tensor.dim() > 1:
            std = 0.02 / sqrt(6) if "downs" in name else 0.02
            assert tensor.std().item() == pytest.approx(std, rel=0.06), name
    assert not weights["ups.0.bias"].any()
    assert (weights["norm.weight"] == 1).all()


@pytest.mark.parametrize("seen", [False, True])
def test_gpt2_draws_a_gpt2_as_transformers_does(seen: bool) -> None:
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    shape: dict[str, Any] = {"n_layer": 2, "n_embd": 48, "n_head": 2, "vocab_size": 70}
    shape |= {"n_positions": 16, "bos_token_id": 0, "eos_token_id": 0}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**shape))
    theirs = {name: p.detach().std().item() for name, p in model.named_parameters() if p.dim() > 1}
    inputs = {"input_ids": torch.zeros(1, 16, dtype=torch.long)} if seen else None
    ours = drawn(model, "gpt2", inputs=inputs)
    for name, std in theirs.items():
        assert ours[name].std().item() == pytest.approx(std, rel=0.1), name


# --- SIREN ---


@pytest.mark.parametrize(("scheme", "w0"), [("siren", 30), ("siren(w0=12)", 12)])
def test_siren(scheme: str, w0: float) -> None:
    model = nn.Sequential(nn.Linear(50, 96), nn.Linear(96, 96), nn.Linear(96, 30))
    weights = drawn(model, scheme)
    assert_uniform(weights["0.weight"], 1 / 50)
    for name in ("1.weight", "2.weight"):
        assert_uniform(weights[name], sqrt(6 / 96) / w0)
    for name, fan_in in (("0.bias", 50), ("1.bias", 96), ("2.bias", 96)):
        assert weights[name].abs().max() <= 1 / sqrt(fan_in)
        assert weights[name].std() > 0.4 / sqrt(fan_in)


def test_the_first_layer_of_a_siren_is_the_one_that_is_called_first() -> None:
    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.second, self.first = nn.Linear(64, 64), nn.Linear(64, 64)

        def forward(self, x: Any) -> Any:
            return self.second(torch.sin(30 * self.first(x)))

    weights = drawn(Backwards(), "siren")
    assert_uniform(weights["first.weight"], 1 / 64)
    assert_uniform(weights["second.weight"], sqrt(6 / 64) / 30)


# --- Reinforcement learning ---


class ActorCritic(nn.Module):
    """A body with two heads, of so many actions."""

    def __init__(self, actions: int, names: tuple[str, str] = ("first", "second")) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 32), nn.Tanh()
        )
        self.names = names
        for name, outputs in zip(names, (actions, 1), strict=True):
            setattr(self, name, nn.Linear(32, outputs))

    def forward(self, x: Any) -> Any:
        x = self.body(x)
        return tuple(getattr(self, name)(x) for name in self.names)


@pytest.mark.parametrize(
    ("model", "policy", "value"),
    [
        (ActorCritic(4), "first", "second"),
        (ActorCritic(1, ("actor", "critic")), "actor", "critic"),
        (ActorCritic(1, ("pi_head", "value_head")), "pi_head", "value_head"),
    ],
    ids=["by outputs", "by name", "by part of the name"],
)
def test_rl_heads_have_gains_of_their_own(model: nn.Module, policy: str, value: str) -> None:
    for inputs in (None, normals(2, 3, 5, 5)):
        weights = drawn(model, "rl", inputs=inputs)
        assert_orthogonal(weights["body.0.weight"], sqrt(2))
        assert_orthogonal(weights["body.3.weight"], sqrt(2))
        assert_orthogonal(weights[f"{policy}.weight"], 0.01)
        assert_orthogonal(weights[f"{value}.weight"], 1)
        assert not any(tensor.any() for name, tensor in weights.items() if "bias" in name)


# --- Prior ---


@pytest.mark.parametrize(
    ("outputs", "targets", "biases"),
    [
        (3, [0, 0, 1, 2], np.log([0.5, 0.25, 0.25])),
        (3, [[0, 0], [1, -100]], np.log([2 / 3, 1 / 3, 1 / 6])),  # segmentation; none of class 2
        (1, [1, 1, 1, 0], [log(3)]),
        (1, [1.0, 1.0, 1.0, 0.0], [log(3)]),
        (1, [2.0, 4.0], [3]),
        (2, [[0.0, 5.0], [1.0, 7.0]], [0.5, 6]),
        (2, [[0.0, 1.0], [0.0, 0.0], [0.0, 1.0]], [log(1 / 5), log(2)]),
    ],
)
def test_prior_sets_the_last_biases_to_the_best_answer_without_inputs(
    outputs: int, targets: Any, biases: Any
) -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, outputs))
    before = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    weights = drawn(model, "prior", targets=targets)
    np.testing.assert_allclose(weights.pop("2.bias"), biases, rtol=1e-6)
    for name, tensor in weights.items():
        torch.testing.assert_close(tensor.float(), before[name], rtol=0, atol=0)


def test_prior_starts_a_detector_at_its_rate() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 20, 3))
    assert drawn(model, "prior(base_rate=0.01)")["2.bias"].tolist() == pytest.approx(
        [-4.595] * 20, abs=1e-3
    )
    assert torch.sigmoid(model(torch.zeros(1, 3, 9, 9))).mean().item() < 0.05


@pytest.mark.parametrize(
    ("scheme", "how", "message"),
    [
        ("prior", {}, "scheme: got 'prior', takes one of targets and a rate"),
        ("prior(0.1)", {"targets": [0]}, "takes one of targets and a rate"),
        ("prior(1)", {}, "base_rate: got 1, takes a number between 0 and 1"),
        ("prior", {"targets": [0, 3]}, "targets: got 'classes to 3', takes classes from 0 to 2"),
        ("prior", {"targets": [0.5, 1.0]}, "targets: got 'numbers of shape .*, takes targets"),
        ("prior", {"targets": "rates"}, "targets: got 'rates', takes targets: classes"),
        ("prior", {"targets": []}, "targets: got "),
        ("siren(w0=0)", {}, "w0: got 0, takes a number above 0"),
        ("siren(30, 1)", {}, r"takes siren\(w0\)"),
        ("keras(1)", {}, r"scheme: got 'keras\(1\)', takes keras\(\)"),
        ("kears", {}, "did you mean 'keras'"),
    ],
)
def test_what_a_preset_cannot_use_is_refused_in_one_line(
    scheme: str, how: dict[str, Any], message: str
) -> None:
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))
    with pytest.raises(ArgumentError, match=message) as caught:
        initialize(model, scheme, **how)
    assert len(str(caught.value).splitlines()) == 1


def test_prior_needs_a_last_bias() -> None:
    with pytest.raises(ArgumentError, match="takes a model whose output layer has a bias"):
        initialize(nn.Sequential(nn.Linear(3, 2, bias=False)), "prior(base_rate=0.1)")


# --- Anywhere ---


@pytest.mark.parametrize("scheme", ["keras", "flax", "gpt2", "siren", "rl"])
def test_a_preset_draws_by_the_seed_alone_and_says_what(scheme: str) -> None:
    first, again, other = (drawn(Tokens(), scheme, seed=seed) for seed in (3, 3, 4))
    for name, tensor in first.items():
        assert (tensor == again[name]).all()
    assert (first["out.weight"] != other["out.weight"]).any()
    table = initialize(Tokens(), scheme).set_index("parameter")
    assert table.loc["out.weight", "scheme"] == scheme
    assert table.loc["out.weight", "note"]


def test_a_preset_goes_to_some_layers_by_a_rule() -> None:
    model = Tokens()
    table = initialize(model, "zeros", rules={"embed": "keras", nn.LSTM: "flax"})
    assert table["scheme"].tolist()[:3] == ["keras", "flax", "flax"]
    assert_uniform(model.embed.weight.detach().double(), 0.05)
    assert not model.out.weight.any()


@pytest.mark.parametrize(
    "scheme", ["auto", "he_normal", "orthogonal", "default", "keras", "flax", "gpt2", "siren", "rl"]
)
@pytest.mark.filterwarnings("ignore:Initializing zero-element")  # PyTorch, of its own layers
def test_where_there_is_nothing_to_draw_nothing_is_drawn(scheme: str) -> None:
    for model in (nn.Linear(4, 0), nn.Linear(0, 4), nn.Conv2d(3, 0, 3), nn.Embedding(0, 4)):
        initialize(model, scheme)
        assert all(bool(tensor.isfinite().all()) for tensor in model.parameters())


def build() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))


def test_presets_are_compared_on_a_module() -> None:
    names = ["default", "keras", "flax", "gpt2", "siren(w0=2)", "rl", "prior", "HeNormal"]
    result = compare(build, "moons", initializers=names, steps=3, seeds=2)
    shown = [*names[:-1], "he_normal"]
    assert sorted(result.summary()["initializer"]) == sorted(shown)
    first = result.curves[result.curves["iteration"] == 0].set_index("initializer")["train_cost"]
    assert first["prior"].mean() < first["default"].mean()


@pytest.mark.parametrize("spec", ["siren(w0=0)", "keras(2)", "prior(base_rate=2)", np.ones((2, 2))])
def test_a_comparison_refuses_what_a_preset_cannot_use_before_any_work(spec: Any) -> None:
    with pytest.raises(ArgumentError, match="initializers"):
        compare(build, "moons", initializers=["default", spec], steps=3, seeds=2)
