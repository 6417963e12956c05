"""What initialize does to a PyTorch module: its scale, its seeds, and what it leaves alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed")

import torch
from small_models import Block, Residual, Tied, assert_equal, mlp, normals, notes, rms, values
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize

from goodinit.torch import initialize

# Scale --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["he_normal", "he_uniform", "auto", "orthogonal(1.4142)"])
def test_scale_survives_thirty_relu_layers(scheme: str) -> None:
    model = mlp(*[256] * 31)
    initialize(model, scheme, seed=1)
    hidden = model[:-1]  # without the output layer, which auto makes small
    assert 0.5 < rms(hidden(normals(256, 256))) < 2


@pytest.mark.parametrize(
    ("scheme", "below"), [("default", 1e-10), ("lecun_normal", 1e-3), ("xavier_normal", 1e-3)]
)
def test_scale_dies_in_thirty_relu_layers_where_the_gain_is_too_small(
    scheme: str, below: float
) -> None:
    model = mlp(*[256] * 31)
    initialize(model, scheme, rules={"*.bias": "zeros"})
    assert rms(model[:-1](normals(256, 256))) < below


@given(
    fan_in=st.integers(1, 40),
    fan_out=st.integers(1, 40),
    scheme=st.sampled_from(["he_normal", "lecun_uniform", "auto", "orthogonal", "default"]),
    seed=st.integers(0, 2**40),
)
def test_the_table_says_what_is_there(fan_in: int, fan_out: int, scheme: str, seed: int) -> None:
    layer = nn.Linear(fan_in, fan_out)
    table = initialize(nn.Sequential(layer, nn.ReLU()), scheme, seed=seed)
    weight = layer.weight.detach().double().numpy()
    assert table["shape"].tolist() == [(fan_out, fan_in), (fan_out,)]
    assert table["std"][0] == pytest.approx(weight.std(), abs=1e-12)
    assert table["gain"][0] == pytest.approx(weight.std() * fan_in**0.5, abs=1e-12)
    assert table[["fan_in", "fan_out"]].iloc[0].tolist() == [fan_in, fan_out]


@given(
    outputs=st.integers(1, 30),
    inputs=st.integers(1, 30),
    scale=st.sampled_from([0.5, 1.0, 3.0]),
)
def test_orthogonal_weights_are_orthogonal(outputs: int, inputs: int, scale: float) -> None:
    model = nn.Linear(inputs, outputs, dtype=torch.float64)
    initialize(model, f"orthogonal(gain={scale})")
    weight = model.weight.detach().numpy()
    product = weight @ weight.T if outputs <= inputs else weight.T @ weight
    np.testing.assert_allclose(product, scale**2 * np.eye(min(outputs, inputs)), atol=1e-12)


@pytest.mark.parametrize("scheme", ["orthogonal", "delta_orthogonal"])
@pytest.mark.parametrize("groups", [1, 4])
def test_delta_orthogonal_convolutions_keep_the_norm_of_every_position(
    groups: int, scheme: str
) -> None:
    model = nn.Conv2d(16, 32, 3, padding=1, groups=groups)
    initialize(model, scheme)
    x = normals(4, 16, 9, 9)
    torch.testing.assert_close(model(x).norm(dim=1), x.norm(dim=1), rtol=1e-6, atol=1e-6)


def test_a_hundred_delta_orthogonal_convolutions_keep_the_norm() -> None:
    model = nn.Sequential(*[nn.Conv1d(8, 8, 5, padding=2) for _ in range(100)])
    initialize(model, "orthogonal")
    x = normals(2, 8, 20)
    torch.testing.assert_close(model(x).norm(), x.norm(), rtol=1e-5, atol=0)


def test_a_transposed_delta_orthogonal_convolution_repeats_what_it_enlarges() -> None:
    model = nn.ConvTranspose2d(6, 6, 4, stride=2, padding=1)
    initialize(model, "orthogonal")
    x = normals(2, 6, 5, 5)
    norms = functional.interpolate(x.norm(dim=1, keepdim=True), scale_factor=2.0)
    torch.testing.assert_close(model(x).norm(dim=1, keepdim=True), norms, rtol=1e-5, atol=1e-6)


def test_pytorchs_orthogonal_of_a_convolution_is_over_the_whole_kernel() -> None:
    model = nn.Conv2d(4, 8, 3)
    initialize(model, "torch.orthogonal")
    rows = model.weight.detach().flatten(1)
    torch.testing.assert_close(rows @ rows.T, torch.eye(8), rtol=0, atol=1e-6)


# Layer-sequential unit variance -------------------------------------------------------------------


def outputs_of(model: nn.Module, inputs: Any, kinds: tuple[type[nn.Module], ...]) -> list[Any]:
    found: list[Any] = []
    handles = [
        module.register_forward_hook(lambda _, __, output: found.append(output))
        for module in model.modules()
        if isinstance(module, kinds)
    ]
    with torch.no_grad():
        model(inputs)
    for handle in handles:
        handle.remove()
    return found


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (mlp(*[40] * 12), 3 * normals(200, 40) + 1),
        (mlp(*[40] * 12, activation=nn.Tanh), normals(200, 40)),
        (nn.Sequential(Block(3, 8), nn.ConvTranspose2d(8, 4, 2), Block(4, 4)), normals(9, 3, 8, 8)),
        (Residual(30, 4), normals(100, 30)),
    ],
    ids=["relu", "tanh", "resnet", "residual"],
)
def test_lsuv_brings_the_variance_of_every_layers_outputs_to_one(
    model: nn.Module, inputs: Any
) -> None:
    table = initialize(model, "lsuv", inputs=inputs)
    layers = outputs_of(model, inputs, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))
    assert len(layers) == (table["scheme"] == "lsuv").sum()
    for output in layers:
        assert float(output.double().var(correction=0)) == pytest.approx(1, abs=0.0101)


def test_lsuv_scales_attention_at_its_end_and_turns_dropout_off_for_it() -> None:
    layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.5, batch_first=True)
    initialize(layer, "lsuv", inputs=normals(20, 7, 32))
    assert all(module.training for module in layer.modules())
    (attended, _), *others = outputs_of(
        layer.train().eval(), normals(20, 7, 32), (nn.MultiheadAttention, nn.Linear)
    )
    for output in (attended, *others):
        assert float(output.var()) == pytest.approx(1, abs=0.02)


def test_lsuv_for_some_layers_leaves_the_others_as_they_are_drawn() -> None:
    model = mlp(20, 30, 30, 5)
    table = initialize(model, "lsuv", inputs=normals(50, 20), rules={"4": "zeros"})
    assert table["scheme"].tolist() == ["lsuv", "zeros", "lsuv", "zeros", "zeros", "zeros"]
    assert rms(model[4].weight) == 0


# What is left alone -------------------------------------------------------------------------------


def test_biases_are_zero_norms_neutral_and_running_statistics_forgotten() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.PReLU())
    for tensor in model.parameters():
        nn.init.constant_(tensor, 5.0)
    model(normals(4, 3, 8, 8) + 9)
    initialize(model, "he_normal")
    state = {name: tensor.unique().tolist() for name, tensor in model.state_dict().items()}
    del state["0.weight"]
    assert state == {
        "0.bias": [0.0],
        "1.weight": [1.0],
        "1.bias": [0.0],
        "1.running_mean": [0.0],
        "1.running_var": [1.0],
        "1.num_batches_tracked": [0],
        "2.weight": [1.0],
        "2.bias": [0.0],
        "3.weight": [0.25],
    }


@pytest.mark.parametrize("scheme", ["he_normal", "auto", "default", "lsuv", "torch.xavier_normal"])
def test_frozen_parameters_and_those_of_unknown_modules_are_left_alone(scheme: str) -> None:
    model = Tied()
    model.body.requires_grad_(requires_grad=False)
    before = values(model)
    found = notes(model, scheme, inputs=torch.arange(12).reshape(3, 4))
    after = values(model)
    for name in ("body.weight", "body.bias", "position"):
        assert torch.equal(before[name], after[name])
    assert found["body.weight"] == found["body.bias"] == "left alone: frozen"
    assert found["position"].startswith("left alone: ")
    assert [name for name, tensor in model.named_parameters() if not tensor.requires_grad] == [
        "body.weight",
        "body.bias",
    ]


def test_tied_weights_are_drawn_once_by_the_layer_that_computes_with_them() -> None:
    model = Tied()
    table = initialize(model, "lecun_normal").set_index("parameter")
    row: Any = table.loc["embedding.weight"]
    assert (row["fan_in"], row["fan_out"], row["note"]) == (16, 50, "also head.weight")
    assert row["gain"] == pytest.approx(1, abs=0.08)
    assert "head.weight" not in table.index
    assert model.head.weight is model.embedding.weight


@pytest.mark.parametrize("wrapper", [parametrizations.weight_norm, parametrizations.orthogonal])
def test_parametrized_weights_are_set_through_their_parametrization(
    wrapper: Callable[[nn.Module], nn.Module],
) -> None:
    model = nn.Sequential(wrapper(nn.Linear(40, 40)), nn.ReLU())
    plain = mlp(40, 40)
    table = initialize(model, "orthogonal", seed=2)
    initialize(plain, "orthogonal", seed=2)
    names = table.set_index("parameter")["note"]
    assert names["0.weight"] == "set through its parametrization"
    assert parametrize.is_parametrized(model[0])
    by_bias_first = initialize(model, "he_normal", seed=2)
    assert by_bias_first["parameter"].tolist() == ["0.bias", "0.weight"]


def test_weight_norm_holds_exactly_the_weights_that_are_drawn() -> None:
    model = parametrizations.weight_norm(nn.Linear(30, 20, bias=False))
    plain = nn.Linear(30, 20, bias=False)
    for scheme in ("he_normal", "default", "torch.normal"):
        initialize(model, scheme)
        initialize(plain, scheme)
        torch.testing.assert_close(model.weight, plain.weight)


def test_the_module_is_the_same_object_with_hooks_mode_and_gradients_as_before() -> None:
    block = Block(3, 4)
    model = nn.Sequential(block, nn.Dropout(0.5)).eval()
    block.bn1.train()
    tensors = [id(tensor) for tensor in (*model.parameters(), *model.buffers())]
    modes = [module.training for module in model.modules()]
    for scheme in ("auto", "lsuv", "default", "he_normal"):
        initialize(model, scheme, inputs=normals(3, 3, 8, 8))
        assert tensors == [id(tensor) for tensor in (*model.parameters(), *model.buffers())]
        assert modes == [module.training for module in model.modules()]
        assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())
        assert all(tensor.requires_grad for tensor in model.parameters())
        assert all(tensor.grad is None and tensor.is_leaf for tensor in model.parameters())
        assert block.bn2.state_dict()["running_var"].unique().tolist() == [1.0]


# Randomness ---------------------------------------------------------------------------------------

SCHEMES = ["he_normal", "orthogonal", "auto", "default", "lsuv", "torch.trunc_normal(std=0.1)"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_seed_alone_decides_and_pytorchs_generator_stays(scheme: str) -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.Dropout(0.5), nn.GELU(), nn.Linear(5, 4))
    drawn = []
    for seed, state in ((3, 10), (3, 11), (4, 10)):
        torch.manual_seed(state)
        before = torch.get_rng_state()
        initialize(model, scheme, seed=seed, inputs=normals(9, 6))
        assert torch.equal(before, torch.get_rng_state())
        drawn.append(values(model))
    assert_equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0]["0.weight"], drawn[2]["0.weight"])


def test_schemes_of_one_distribution_are_compared_in_pairs() -> None:
    small, large = nn.Conv2d(3, 8, 3), nn.Conv2d(3, 8, 3)
    initialize(small, "lecun_normal", seed=5)
    initialize(large, "he_normal", seed=5)
    torch.testing.assert_close(small.weight * 2**0.5, large.weight)


def test_freezing_a_layer_does_not_change_what_others_get() -> None:
    model, part = mlp(4, 5, 6), mlp(4, 5, 6)
    part[0].requires_grad_(requires_grad=False)
    initialize(model, "he_normal")
    initialize(part, "he_normal")
    assert torch.equal(values(model)["2.weight"], values(part)["2.weight"])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("scheme", ["he_normal", "orthogonal", "auto", "torch.xavier_uniform"])
def test_every_floating_type_gets_the_same_values_rounded(scheme: str, dtype: Any) -> None:
    model, single = nn.Linear(20, 20, dtype=dtype), nn.Linear(20, 20)
    initialize(model, scheme)
    initialize(single, scheme)
    assert model.weight.dtype == dtype
    if scheme != "torch.xavier_uniform":  # PyTorch's generator gives each type its own stream
        torch.testing.assert_close(model.weight.float(), single.weight, rtol=0.01, atol=1e-3)


def test_a_compiled_module_is_initialized_as_the_module_in_it() -> None:
    model: Any = torch.compile(mlp(4, 5, 6), backend="eager")
    plain = mlp(4, 5, 6)
    table = initialize(model, "auto")
    assert table.equals(initialize(plain, "auto"))
