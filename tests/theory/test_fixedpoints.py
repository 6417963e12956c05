"""Fixed points and depth scales: closed forms, published values, a Monte Carlo written here."""

import numpy as np
import pytest

import goodinit as gi
from goodinit.theory import edge_of_chaos, fixed_point


@pytest.mark.parametrize(("gain", "bias"), [(2.5, 0.05), (1.3, 0.05), (1.76, 0.3)])
def test_tanh_settles_where_a_million_samples_do(gain: float, bias: float) -> None:
    x, other = np.random.default_rng(1).standard_normal((2, 1_000_000))
    q, c = 1.0, 0.5
    for _ in range(60):
        first = np.tanh(np.sqrt(q) * x)
        second = np.tanh(np.sqrt(q) * (c * x + np.sqrt(1 - c * c) * other))
        total = gain * np.mean(first**2) + bias
        c = min(1.0, (gain * np.mean(first * second) + bias) / total)
        q = total
    chi = gain * np.mean((1 - np.tanh(np.sqrt(q) * x) ** 2) ** 2)
    found = fixed_point("tanh", gain, bias)
    assert found.length == pytest.approx(q, rel=1e-2)  # five standard errors, about
    assert found.correlation == pytest.approx(c, abs=1e-2)
    assert found.chi == pytest.approx(chi, rel=1e-2)


def test_the_edge_of_chaos_lies_where_it_was_published() -> None:
    assert edge_of_chaos("tanh", 0.05) == pytest.approx(1.76, abs=0.005)
    assert edge_of_chaos("tanh") == pytest.approx(1.0, abs=0.01)
    assert edge_of_chaos("relu") == pytest.approx(2.0)
    assert edge_of_chaos("linear") == pytest.approx(1.0)


@pytest.mark.parametrize(("gain", "length"), [(1.9, 0.0), (2.1, np.inf)])
def test_relu_vanishes_or_explodes_off_he(gain: float, length: float) -> None:
    found = fixed_point("relu", gain)
    assert found.length == length
    assert found.chi == pytest.approx(gain / 2)
    assert found.signal_depth == pytest.approx(1 / abs(np.log(gain / 2)))


def test_he_keeps_every_length_of_relu() -> None:
    found = fixed_point("relu", 2.0)
    assert np.isnan(found.length)
    assert (found.chi, found.correlation) == pytest.approx((1.0, 1.0))
    assert found.correlation_depth == np.inf


def test_depth_scales_are_rates_of_approach() -> None:
    found = fixed_point("tanh", 1.3, 0.05)
    q, c = 1.0, 0.2
    x, w = np.polynomial.hermite_e.hermegauss(80)
    w = w / w.sum()
    lengths, correlations = [], []
    for _ in range(60):
        first = np.tanh(np.sqrt(q) * x)
        inner = c * x[:, None] + np.sqrt(1 - c * c) * x
        second = np.tanh(np.sqrt(q) * inner) @ w
        total = 1.3 * w @ first**2 + 0.05
        c = min(1.0, float((1.3 * w @ (first * second) + 0.05) / total))
        q = float(total)
        lengths.append(abs(q - found.length))
        correlations.append(1 - c)
    assert lengths[12] / lengths[8] == pytest.approx(np.exp(-4 / found.signal_depth), rel=0.02)
    late = correlations[44] / correlations[40]
    assert late == pytest.approx(np.exp(-4 / found.correlation_depth), rel=0.02)


def test_chaos_parts_inputs() -> None:
    found = fixed_point("tanh", 4.0, 0.05)
    assert found.chi > 1
    assert 0 < found.correlation < 0.5


def test_without_weights_only_biases_are_left() -> None:
    found = fixed_point("tanh", 0.0, 0.3)
    assert (found.length, found.correlation, found.chi) == (0.3, 1.0, 0.0)


@pytest.mark.parametrize("name", ["gelu", "mish", "softshrink", "silu"])
def test_what_is_straight_far_from_zero_explodes_as_relu_does(name: str) -> None:
    gain = 5.0 if name != "softshrink" else 2.5
    found = fixed_point(name, gain, 0.05)
    assert found.length == np.inf
    assert found.chi == pytest.approx(0.5 * gain if name != "softshrink" else gain, rel=1e-3)


def test_bends_away_from_zero_have_a_fixed_point() -> None:
    found = fixed_point("relu6", 4.0)
    assert np.isfinite(found.length)
    assert 0 < found.correlation < 1 < found.chi


@pytest.mark.parametrize("function", [np.square, np.exp, np.zeros_like])
def test_what_explodes_or_vanishes_at_once_is_told_without_warning(function: object) -> None:
    found = gi.predict("circles", "he_normal", hidden=(6,) * 12, activation=function, draws=0)
    assert found.layers["preactivation_rms"].notna().all()
    assert found.fixed_point is not None
    assert len(found.jacobian) == 2
    assert found.sentences()
