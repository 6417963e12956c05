"""The gain of each activation: closed forms, what it preserves, and over how many layers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from goodinit import activations, gain
from goodinit.errors import ArgumentError
from goodinit.initializers import draw_weights, variance_scaling

CONVENTIONS = {"tanh": 5 / 3, "sigmoid": 1.0}  # as PyTorch has them; they preserve nothing exactly
PRESERVING = [*(name for name in activations.NAMES if name not in CONVENTIONS), "leaky_relu(0.3)"]


def next_second_moment(activation: str, moment: float) -> float:
    """Return gain² E[f(z)²], z ~ N(0, moment): one layer on, in infinite width.

    Integrated on both sides of the kink, without the quadrature that ``gain`` uses.
    """
    function, std = activations.read(activation).function, np.sqrt(moment)

    def integrand(z: float) -> float:
        return float(function(np.array(std * z)) ** 2 * stats.norm.pdf(z))

    halves = [integrate.quad(integrand, *ends, epsabs=1e-13)[0] for ends in ((-39, 0), (0, 39))]
    return float(gain(activation) ** 2 * sum(halves))


@pytest.mark.parametrize(
    ("activation", "value"),
    [
        ("linear", 1.0),
        ("relu", np.sqrt(2)),
        ("leaky_relu", np.sqrt(2 / (1 + 0.01**2))),
        ("leaky_relu(0.2)", np.sqrt(2 / (1 + 0.2**2))),
        ("leaky_relu(0)", np.sqrt(2)),
        ("selu", 1.0),
        # E[elu(z)²] = 1 + e² Φ(-2) - 2 √e Φ(-1)
        (
            "elu",
            (1 + np.exp(2) * stats.norm.cdf(-2) - 2 * np.exp(0.5) * stats.norm.cdf(-1)) ** -0.5,
        ),
        # E[gelu(z)²] = 1/3 + 1/(2 π √3), from Φ(z)² integrated by parts
        ("gelu", (1 / 3 + 1 / (2 * np.pi * np.sqrt(3))) ** -0.5),
        *CONVENTIONS.items(),
    ],
)
def test_closed_forms_and_conventions(activation: str, value: float) -> None:
    assert gain(activation) == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize("activation", PRESERVING)
def test_the_second_moment_is_preserved(activation: str) -> None:
    """To 1e-6 by contract; measured 1e-14 at most, the tolerance of the integral here included."""
    assert next_second_moment(activation, 1.0) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize(("activation", "factor"), [("tanh", 1.0953), ("sigmoid", 0.2934)])
def test_a_convention_does_not_preserve_the_second_moment(activation: str, factor: float) -> None:
    assert next_second_moment(activation, 1.0) == pytest.approx(factor, abs=1e-4)


@pytest.mark.parametrize(
    ("activation", "response"),
    [
        ("linear", 1.0),
        ("relu", 1.0),
        ("leaky_relu", 1.0),
        ("selu", 0.7826),
        ("elu", 0.8910),
        ("softplus", 0.4921),
        ("gelu", 1.1441),
        ("silu", 1.1726),
    ],
)
def test_how_a_small_excess_of_the_second_moment_goes_on(activation: str, response: float) -> None:
    """Dies out for elu and selu, stays for relu, grows by 14 % a layer for gelu, 17 % for silu."""
    above, below = (next_second_moment(activation, moment) for moment in (1.001, 0.999))
    assert (above - below) / 0.002 == pytest.approx(response, abs=1e-4)


def rms_after_twenty_layers(activation: str, scale: float) -> float:
    """Return that of the pre-activations at N(0, scale/fan_in), 1024 wide, from inputs of RMS 1."""
    function, width = activations.read(activation).function, 1024
    preactivations = np.random.default_rng(99).standard_normal((16, width))
    scheme = variance_scaling(scale, "fan_in", "normal")
    for weights in draw_weights(scheme, (width,) * 21, seed=0):
        preactivations = function(preactivations) @ weights.T
    return float(np.sqrt(np.mean(preactivations**2)))


@pytest.mark.parametrize(
    ("activation", "factor"),
    [("relu", 1.5), ("selu", 1.1), ("elu", 1.2), ("gelu", 3.0), ("silu", 4.0)],
)
def test_twenty_layers_keep_the_scale_of_their_pre_activations(
    activation: str, factor: float
) -> None:
    """Within the factor: gelu and silu amplify what a finite width leaves over, as said above."""
    assert 1 / factor < rms_after_twenty_layers(activation, gain(activation) ** 2) < factor


@pytest.mark.parametrize(("scale", "left"), [(1.0, 2.0**-10), (4.0, 2.0**10)])
def test_a_relu_network_off_its_gain_loses_or_explodes_by_two_every_two_layers(
    scale: float, left: float
) -> None:
    assert left / 1.5 < rms_after_twenty_layers("relu", scale) < left * 1.5


@pytest.mark.parametrize(
    ("activation", "value"),
    [
        ("leaky_relu(1)", 1.0),  # the identity
        ("leaky_relu(-1)", 1.0),  # the absolute value
        ("leaky_relu(2)", np.sqrt(2 / 5)),
        ("leaky_relu(-0.5)", np.sqrt(2 / 1.25)),
        ("leaky_relu(1e200)", np.sqrt(2) * 1e-200),
        ("identity", 1.0),
        ("swish", gain("silu")),
        ("celu", gain("elu")),
        *(
            (f"conv{transposed}{rank}d", 1.0)
            for transposed in ("", "_transpose")
            for rank in (1, 2, 3)
        ),
        # E[min(max(z, 0), 6)²] = 1/2 less what lies beyond 6
        ("relu6", np.sqrt(2.0)),
        # E[clip(z, -1, 1)²] = 1 - 2 φ(1)
        ("hardtanh", (1 - 2 * stats.norm.pdf(1)) ** -0.5),
        # E[z² ; |z| > 1/2] = 2 (Φ(-1/2) + φ(1/2)/2)
        ("hardshrink", (2 * (stats.norm.cdf(-0.5) + 0.5 * stats.norm.pdf(0.5))) ** -0.5),
        # E[sin²] = (1 - e⁻²)/2
        ("sin", (0.5 * (1 - np.exp(-2))) ** -0.5),
    ],
)
def test_gains_by_hand(activation: str, value: float) -> None:
    assert gain(activation) == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize("activation", [*activations.KNOWN[len(activations.NAMES) :]])
def test_every_further_activation_keeps_the_second_moment_as_pytorch_has_it(
    activation: str,
) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the other side, is not installed")
    functional = torch.nn.functional
    function = torch.sin if activation == "sin" else getattr(functional, activation)
    z = torch.linspace(-12, 12, 1_200_001, dtype=torch.float64)
    density = torch.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    moment = torch.trapezoid(function(z) ** 2 * density, z).item()
    assert gain(activation) == pytest.approx(moment**-0.5, rel=1e-5)
    own = activations.read(activation).function(z.numpy())
    np.testing.assert_allclose(own, function(z).numpy(), rtol=1e-12, atol=1e-12)


def test_a_gated_unit_keeps_the_second_moment() -> None:
    rng = np.random.default_rng(0)
    z, gate = rng.standard_normal((2, 1_000_000))
    moment = np.mean((z * activations.sigmoid(gate)) ** 2)
    assert gain("glu") == pytest.approx(moment**-0.5, rel=0.005)
    assert gain("prelu") == pytest.approx(gain("leaky_relu(0.25)"), rel=1e-12)


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (np.abs, 1.0),
        (np.square, 3**-0.5),  # E[z⁴] = 3
        (lambda z: np.maximum(z, 0) ** 3, 7.5**-0.5),  # E[z⁶]/2 = 15/2
        (lambda z: 0 * z + 2, 0.5),
        (activations.read("gelu"), gain("gelu")),
        (activations.read("tanh"), 5 / 3),
        (np.tanh, 1.5925),  # without a convention
    ],
)
def test_any_function_has_a_gain(function: Any, value: float) -> None:
    assert gain(function) == pytest.approx(value, rel=1e-4)


def test_a_function_of_tensors_has_a_gain() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    assert gain(torch.nn.Mish()) == pytest.approx(gain("mish"), rel=1e-12)
    assert gain(torch.relu) == pytest.approx(np.sqrt(2), rel=1e-12)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (np.zeros_like, "got 'zeros_like', takes one whose mean square under N"),
        (lambda z: np.exp(z**4), "got 'lambda', takes one whose mean square under N"),
        (np.log, "takes an elementwise function of arrays that returns finite numbers"),
        (np.sum, "takes an elementwise function of arrays"),
        (lambda z: z.nothing, "got .lambda, which raises AttributeError: .*, takes a function of"),
    ],
)
def test_a_function_without_a_gain_is_refused_in_one_line(function: Any, message: str) -> None:
    with np.errstate(all="ignore"), pytest.raises(ArgumentError, match=message) as caught:
        gain(function)
    assert str(caught.value).startswith("activation: ")
    assert len(str(caught.value).splitlines()) == 1


@given(st.floats(0, 1, exclude_max=True))
def test_the_gain_of_leaky_relu_lies_between_those_of_relu_and_linear(slope: float) -> None:
    assert 1 <= gain(f"leaky_relu({slope!r})") <= gain("relu")


@pytest.mark.parametrize(
    ("activation", "differs"),
    [("linear", 1), ("relu", 1), ("leaky_relu", 1), ("tanh", 1), ("sigmoid", 1), ("selu", 4 / 3)],
)
def test_gains_beside_pytorchs(activation: str, differs: float) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the other side, is not installed")
    theirs = torch.nn.init.calculate_gain(activation)
    assert gain(activation) == pytest.approx(differs * theirs, rel=1e-12)


@pytest.mark.parametrize(
    "activation",
    ["gleu", "tanh(2)", "leaky_relu(steep)", "leaky_relu(1e999)", "", None, ["relu"], 5],
)
def test_there_is_no_gain_without_an_activation(activation: str) -> None:
    with pytest.raises(ArgumentError, match=r"^activation") as caught:
        gain(activation)
    assert len(str(caught.value).splitlines()) == 1
