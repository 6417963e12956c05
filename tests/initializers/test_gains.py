"""The gain of each activation: closed forms, what it preserves, and over how many layers."""

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


@pytest.mark.parametrize("activation", ["gleu", "tanh(2)", "leaky_relu(1)", "", None, ["relu"], 5])
def test_there_is_no_gain_without_an_activation(activation: str) -> None:
    with pytest.raises(ArgumentError, match=r"^activation") as caught:
        gain(activation)
    assert len(str(caught.value).splitlines()) == 1
