"""Weights that goodinit draws for a module against those that PyTorch draws, and their fans.

The Kolmogorov-Smirnov tests draw once, from fixed seeds. Each would refuse equal distributions with
probability ``ALPHA`` = 1e-3 if its seeds were drawn anew; there are about 170, so a change of the
streams alone fails one in at most one of six attempts.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import nn
from torch.nn import init

from goodinit.torch import initialize

ALPHA = 1e-3
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(100, 250),
    "conv1d": lambda: nn.Conv1d(40, 60, 7),
    "conv2d": lambda: nn.Conv2d(24, 40, (3, 5)),
    "conv3d": lambda: nn.Conv3d(8, 20, 4, dilation=2),
    "bilinear": lambda: nn.Bilinear(20, 20, 50),
}
# Of these the fan_in that PyTorch counts is the true one, the fan_out isn't.
GROUPED: dict[str, Callable[[], nn.Module]] = {
    "grouped": lambda: nn.Conv2d(32, 64, 3, groups=4),
    "depthwise": lambda: nn.Conv2d(500, 1000, 5, groups=500),
    "strided": lambda: nn.Conv2d(24, 40, 4, stride=2),
}
FAN_IN: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "kaiming_normal": ("he_normal", lambda w: init.kaiming_normal_(w, nonlinearity="relu")),
    "kaiming_uniform": ("he_uniform", lambda w: init.kaiming_uniform_(w, nonlinearity="relu")),
    "kaiming_normal, linear": (
        "lecun_normal",
        lambda w: init.kaiming_normal_(w, nonlinearity="linear"),
    ),
    "kaiming_uniform, linear": (
        "lecun_uniform",
        lambda w: init.kaiming_uniform_(w, nonlinearity="linear"),
    ),
    "normal": ("normal(std=0.3)", lambda w: init.normal_(w, std=0.3)),
    "uniform": ("uniform(-1, 3)", lambda w: init.uniform_(w, -1, 3)),
    "trunc_normal": (
        "truncated_normal(std=0.02)",
        lambda w: init.trunc_normal_(w, std=0.02, a=-0.04, b=0.04),
    ),
}
FAN_OUT: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "xavier_normal": ("glorot_normal", init.xavier_normal_),
    "xavier_uniform": ("glorot_uniform", init.xavier_uniform_),
    "kaiming_normal, fan_out": (
        "variance_scaling(2, fan_out, normal)",
        lambda w: init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu"),
    ),
    "kaiming_uniform, fan_out": (
        "variance_scaling(2, fan_out, uniform)",
        lambda w: init.kaiming_uniform_(w, mode="fan_out", nonlinearity="relu"),
    ),
}
SPECS: dict[str, Callable[[Any], Any]] = {
    "torch.xavier_normal(gain=2)": lambda w: init.xavier_normal_(w, gain=2),
    "torch.xavier_uniform(gain=0.5)": lambda w: init.xavier_uniform_(w, gain=0.5),
    "torch.kaiming_normal(0.2, fan_out)": lambda w: init.kaiming_normal_(w, 0.2, "fan_out"),
    "torch.kaiming_uniform(nonlinearity=tanh)": lambda w: init.kaiming_uniform_(
        w, nonlinearity="tanh"
    ),
    "torch.normal(1, 2)": lambda w: init.normal_(w, 1, 2),
    "torch.uniform(-2, b=1)": lambda w: init.uniform_(w, -2, 1),
    "torch.trunc_normal(std=0.5, a=-1)": lambda w: init.trunc_normal_(w, std=0.5, a=-1),
    "torch.orthogonal(gain=3)": lambda w: init.orthogonal_(w, gain=3),
}
ALL = {**LAYERS, **GROUPED}


def weights_of(module: nn.Module) -> Any:
    return next(module.parameters()).detach()


def ours(module: nn.Module, scheme: str) -> Any:
    initialize(module, scheme, seed=1)
    return weights_of(module).numpy().ravel().copy()


def theirs(module: nn.Module, function: Callable[[Any], Any]) -> Any:
    torch.manual_seed(2)
    with torch.no_grad():
        return function(torch.empty_like(weights_of(module))).numpy().ravel()


def assert_same_distribution(one: Any, other: Any) -> None:
    assert stats.ks_2samp(one, other, method="asymp").pvalue > ALPHA


@pytest.mark.parametrize("name", FAN_IN)
@pytest.mark.parametrize("layer", ALL)
def test_where_fan_in_rules_every_layer_is_drawn_as_by_pytorch(layer: str, name: str) -> None:
    scheme, function = FAN_IN[name]
    module = ALL[layer]()
    assert_same_distribution(ours(module, scheme), theirs(module, function))


@pytest.mark.parametrize("name", FAN_OUT)
@pytest.mark.parametrize("layer", LAYERS)
def test_where_fan_out_counts_plain_layers_are_drawn_as_by_pytorch(layer: str, name: str) -> None:
    scheme, function = FAN_OUT[name]
    module = LAYERS[layer]()
    assert_same_distribution(ours(module, scheme), theirs(module, function))


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("layer", ALL)
def test_a_function_of_pytorch_is_that_function(layer: str, spec: str) -> None:
    module = ALL[layer]()
    assert_same_distribution(ours(module, spec), theirs(module, SPECS[spec]))


@pytest.mark.parametrize("layer", ["linear", "conv2d"])
def test_constants_are_the_same(layer: str) -> None:
    module = LAYERS[layer]()
    for scheme in ("constant(0.5)", "torch.constant(0.5)"):
        np.testing.assert_array_equal(
            ours(module, scheme), theirs(module, lambda w: init.constant_(w, 0.5))
        )
    for name, function in {"zeros": init.zeros_, "ones": init.ones_}.items():
        for scheme in (name, f"torch.{name}"):
            np.testing.assert_array_equal(ours(module, scheme), theirs(module, function))


def test_the_identity_is_eye_of_a_linear_layer_and_dirac_of_a_convolution() -> None:
    linear, convolution = nn.Linear(6, 4), nn.Conv2d(6, 4, 3, bias=False)
    for scheme in ("identity", "torch.eye"):
        np.testing.assert_array_equal(ours(linear, scheme), theirs(linear, init.eye_))
    for scheme in ("identity", "torch.dirac"):
        np.testing.assert_array_equal(ours(convolution, scheme), theirs(convolution, init.dirac_))


def test_orthogonal_weights_of_a_linear_layer_are_distributed_as_pytorchs() -> None:
    module = nn.Linear(120, 300)
    assert_same_distribution(ours(module, "orthogonal"), theirs(module, init.orthogonal_))


def test_sparse_weights_differ_from_pytorchs_in_which_are_zero_only() -> None:
    module = nn.Linear(200, 300)
    one = ours(module, "sparse(0.4, 0.1)").reshape(300, 200)
    by_pytorch = theirs(module, lambda w: init.sparse_(w, 0.4, 0.1))
    for drawn in (by_pytorch, ours(module, "torch.sparse(0.4, 0.1)")):
        other = drawn.reshape(300, 200)
        assert (one == 0).mean() == (other == 0).mean() == 0.4
        assert_same_distribution(one[one != 0], other[other != 0])
        assert set((one == 0).sum(axis=1)) == {80}  # ours by unit, theirs by input
        assert set((other == 0).sum(axis=0)) == {120}


MODULES: dict[str, Callable[[], nn.Module]] = {
    **ALL,
    "transposed": lambda: nn.ConvTranspose2d(24, 40, 4, stride=2),
    "embedding": lambda: nn.Embedding(100, 60),
    "attention": lambda: nn.MultiheadAttention(64, 4),
    "lstm": lambda: nn.LSTM(30, 40),
    "gru": lambda: nn.GRU(30, 40),
}


@pytest.mark.parametrize("name", MODULES)
def test_default_is_what_the_module_does_when_it_is_made(name: str) -> None:
    module = MODULES[name]()
    torch.manual_seed(2)
    fresh = MODULES[name]().state_dict()
    table = initialize(module, "default", seed=1)
    assert set(table["scheme"]) == {"default"}
    for key, values in module.state_dict().items():
        assert_same_distribution(values.numpy().ravel(), fresh[key].numpy().ravel())


# Fans ---------------------------------------------------------------------------------------------


def fans(module: nn.Module) -> tuple[float, float]:
    row = initialize(module, "he_normal").iloc[0]
    return row["fan_in"], row["fan_out"]


def fans_of_pytorch(module: nn.Module) -> Any:
    return init._calculate_fan_in_and_fan_out(weights_of(module))


@pytest.mark.parametrize("layer", LAYERS)
def test_plain_layers_have_the_fans_that_pytorch_counts(layer: str) -> None:
    assert fans(LAYERS[layer]()) == fans_of_pytorch(LAYERS[layer]())


@pytest.mark.parametrize(
    ("module", "true", "by_pytorch"),
    [
        (nn.Conv2d(32, 64, 3, groups=4), (8 * 9, 16 * 9), (8 * 9, 64 * 9)),
        (nn.Conv2d(32, 32, 3, groups=32), (9, 9), (9, 32 * 9)),
        (nn.Conv2d(32, 64, 4, stride=2), (32 * 16, 64 * 4), (32 * 16, 64 * 16)),
        (nn.Conv2d(32, 64, 1, stride=2), (32, 64), (32, 64)),
        (nn.ConvTranspose1d(32, 64, 3), (32 * 3, 64 * 3), (64 * 3, 32 * 3)),
        (nn.ConvTranspose2d(32, 64, 4, stride=2), (32 * 4, 64 * 16), (64 * 16, 32 * 16)),
        (nn.ConvTranspose3d(32, 64, 2, stride=2, groups=4), (8, 16 * 8), (16 * 8, 32 * 8)),
        (nn.Bilinear(20, 30, 50), (600, 50 * 25), (600, 50 * 30)),
        (nn.Embedding(100, 64), (1, 64), (64, 100)),
        (nn.EmbeddingBag(100, 64), (1, 64), (64, 100)),
        (nn.MultiheadAttention(64, 4), (64, 64), (64, 3 * 64)),
        (nn.LSTM(30, 40), (30, 40), (30, 4 * 40)),
        (nn.GRU(30, 40), (30, 40), (30, 3 * 40)),
        (nn.LSTMCell(30, 40), (30, 40), (30, 4 * 40)),
        (nn.RNN(30, 40), (30, 40), (30, 40)),
    ],
    ids=str,
)
def test_fans_are_those_of_the_connections(
    module: nn.Module, true: tuple[float, float], by_pytorch: tuple[int, int]
) -> None:
    assert fans(module) == true
    assert fans_of_pytorch(module) == by_pytorch


def rms(tensor: Any) -> float:
    return float(tensor.double().square().mean().sqrt())


@given(
    per_group=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    window=st.tuples(st.integers(1, 5), st.integers(1, 3)),
    groups=st.sampled_from([1, 2, 4]),
    transposed=st.booleans(),
)
def test_fans_count_the_connections_of_any_convolution(
    per_group: tuple[int, int], window: tuple[int, int], groups: int, transposed: bool
) -> None:
    """With weights 1, an output is the number of its inputs, a gradient that of the outputs."""
    (inputs, outputs), (kernel, stride) = per_group, window
    kernel = max(kernel, stride)
    kind = nn.ConvTranspose1d if transposed else nn.Conv1d
    module = kind(groups * inputs, groups * outputs, kernel, stride, groups=groups, bias=False)
    table = initialize(module, "ones")
    length = 60 * stride + (0 if transposed else kernel - stride)
    x = torch.ones(1, groups * inputs, length, requires_grad=True)
    y = module(x)
    y.sum().backward()
    assert x.grad is not None
    edge = 3 * kernel  # whole periods of the stride, away from the borders
    inner_y = y[..., edge : edge + 12 * stride].mean()
    inner_x = x.grad[..., edge : edge + 12 * stride].mean()
    assert float(inner_y.detach()) == pytest.approx(table["fan_in"][0], rel=1e-5)
    assert float(inner_x) == pytest.approx(table["fan_out"][0], rel=1e-5)


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (nn.Linear(300, 200), (500, 300)),
        (nn.Conv2d(64, 32, 3, padding=1, padding_mode="circular"), (8, 64, 24, 24)),
        (nn.Conv2d(64, 64, 3, padding=1, padding_mode="circular", groups=8), (8, 64, 24, 24)),
        (nn.ConvTranspose2d(64, 16, 2, stride=2), (8, 64, 24, 24)),
        (nn.ConvTranspose2d(64, 16, 4, stride=2, padding=1, groups=4), (8, 64, 48, 48)),
        (nn.Bilinear(20, 30, 50), (4000,)),
    ],
    ids=str,
)
def test_lecun_keeps_the_scale_of_every_layer_and_pytorch_that_of_some(
    module: nn.Module, shape: tuple[int, ...]
) -> None:
    initialize(module, "lecun_normal", seed=3)
    rng = torch.Generator().manual_seed(4)
    sizes = [(*shape, 20), (*shape, 30)] if isinstance(module, nn.Bilinear) else [shape]
    inputs = [torch.randn(size, generator=rng) for size in sizes]
    with torch.no_grad():
        kept = rms(module(*inputs))
        init.kaiming_normal_(weights_of(module), nonlinearity="linear", generator=rng)
        by_pytorch = rms(module(*inputs))
    assert kept == pytest.approx(1, abs=0.06)
    fan_in, by_its_count = fans(module)[0], fans_of_pytorch(module)[0]
    assert by_pytorch == pytest.approx((fan_in / by_its_count) ** 0.5, rel=0.06)
