"""Kernels of two examples: closed forms beside series, and fifty layers beside quadrature."""

from collections.abc import Callable

import numpy as np
import pytest

import goodinit as gi
from goodinit import activations
from goodinit.theory.gaussian import mean, moments, pairs
from goodinit.theory.pairing import Pairs

Q = np.array([0.3, 1.0, 1.7])
C = np.array([[1.0, -0.4, 0.9], [-0.4, 1.0, 0.2], [0.9, 0.2, 1.0]])


def of(name: str) -> Pairs:
    return Pairs(moments(activations.read(name)), Q, C)


@pytest.mark.parametrize("name", ["relu", "leaky_relu(0.2)", "leaky_relu(-1)", "linear"])
def test_closed_forms_are_what_the_series_say(name: str) -> None:
    found, activation = of(name), activations.read(name)
    assert found.moments.bend is not None
    f, slope = activation.function, activation.slope
    square = mean(lambda z: f(z) ** 2, Q)
    assert found.values == pytest.approx(pairs(f, Q, C), abs=1e-9)
    assert found.slopes == pytest.approx(pairs(slope, Q, C, step=True), abs=1e-9)
    fourth = pairs(lambda z: f(z) ** 2, Q, C) / square.mean() ** 2
    assert found.squares == pytest.approx(fourth, abs=1e-6)
    fourth = pairs(lambda z: slope(z) ** 2, Q, C, step=True)
    assert found.squared_slopes == pytest.approx(fourth, abs=1e-9)


@pytest.mark.parametrize("name", ["tanh", "selu", "gelu", "hardtanh", "softplus"])
def test_what_bends_elsewhere_has_no_closed_form(name: str) -> None:
    assert of(name).moments.bend is None


def by_quadrature(
    function: Callable[[np.ndarray], np.ndarray],
    X: np.ndarray,
    gain: float,
    bias: float,
    depth: int,
) -> tuple[list[float], list[float]]:
    """Return RMS and mean correlation by layer, by 400 × 400 points of a rectangle."""
    x, w = np.polynomial.legendre.leggauss(400)
    x, w = 10 * x, 10 * w * np.exp(-50 * x * x) / np.sqrt(2 * np.pi)
    kernel = gain * X @ X.T / X.shape[1] + bias
    lengths, correlations = [], []
    for _ in range(depth):
        root = np.sqrt(np.diag(kernel))
        c = kernel / np.outer(root, root)
        lengths.append(float(np.sqrt(np.mean(np.diag(kernel)))))
        correlations.append(float((c.sum() - len(c)) / (len(c) * (len(c) - 1))))
        kernel = np.empty_like(c)
        for i in range(len(c)):
            first = function(root[i] * x)
            for j in range(len(c)):
                turned = c[i, j] * x[:, None] + np.sqrt(max(0.0, 1 - c[i, j] ** 2)) * x
                second = function(root[j] * turned) @ w
                kernel[i, j] = gain * np.sum(w * first * second) + bias
    return lengths, correlations


@pytest.mark.parametrize(
    ("name", "gain", "depth"), [("tanh", 1.5, 50), ("sigmoid", 2.0, 50), ("gelu", 2.0, 12)]
)
def test_deep_networks_are_what_finer_quadrature_says(name: str, gain: float, depth: int) -> None:
    X = np.array([[1.0, 0.2, -0.5], [0.1, 1.1, 0.4], [0.9, 0.4, -0.6]])
    y = [0.0, 1.0, 1.0]
    scheme = f"variance_scaling({gain}, fan_in, normal)"
    found = gi.predict((X, y, X, y), scheme, hidden=(9,) * depth, activation=name, bias_std=0.2)
    lengths, correlations = by_quadrature(
        activations.read(name).function, X, gain, 0.2**2, depth + 1
    )
    assert found.preactivation_rms == pytest.approx(lengths, rel=1e-6)
    assert found._forward[-1].c.sum() == pytest.approx(3 + 6 * correlations[-1], rel=1e-6)
