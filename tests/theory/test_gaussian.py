"""Expectations under Gaussian pre-activations: closed forms, and sums over drawn pairs."""

import numpy as np
import pytest

from goodinit import activations
from goodinit.errors import ArgumentError
from goodinit.theory.gaussian import mean, moments, pairs


def relu_kernel(c: float) -> float:
    """E[relu(x) relu(y)] of two standard normals of correlation c (Cho and Saul 2009)."""
    return float((np.sqrt(1 - c * c) + c * (np.pi - np.arccos(c))) / (2 * np.pi))


def two(c: float) -> np.ndarray:
    return np.array([[1.0, c], [c, 1.0]])


@pytest.mark.parametrize("c", [-1.0, -0.7, 0.0, 0.3, 0.99, 1 - 1e-7, 1.0])
def test_relu_has_the_arc_cosine_kernels(c: float) -> None:
    relu = activations.read("relu")
    q = np.array([2.0, 3.0])
    value = pairs(relu.function, q, two(c))[0, 1]
    slope = pairs(relu.slope, q, two(c), step=True)[0, 1]
    assert value == pytest.approx(np.sqrt(6) * relu_kernel(c), abs=1e-11)
    assert slope == pytest.approx((np.pi - np.arccos(c)) / (2 * np.pi), abs=1e-11)


@pytest.mark.parametrize("name", activations.NAMES)
def test_every_activation_agrees_with_a_million_drawn_pairs(name: str) -> None:
    activation = activations.read(name)
    rng = np.random.default_rng(0)
    c, q = 0.6, np.array([1.0, 4.0])
    x, other = rng.standard_normal((2, 1_000_000))
    y = c * x + np.sqrt(1 - c * c) * other
    for function, step in ((activation.function, False), (activation.slope, True)):
        drawn = function(x) * function(2 * y)
        error = drawn.std() / 1000
        assert abs(pairs(function, q, two(c), step=step)[0, 1] - drawn.mean()) < 5 * error + 1e-9


@pytest.mark.parametrize("name", activations.NAMES)
def test_tables_say_what_quadrature_says(name: str) -> None:
    activation = activations.read(name)
    q = np.array([1e-8, 0.03, 1.0, 70.0, 1e6])
    table = moments(activation)
    assert table.square(q) == pytest.approx(mean(lambda z: activation.function(z) ** 2, q), 1e-6)
    assert table.slope(q) == pytest.approx(mean(lambda z: activation.slope(z) ** 2, q), rel=1e-5)


def test_what_is_beyond_the_tables_goes_on_as_it_went() -> None:
    relu = moments(activations.read("relu"))
    assert relu.square(np.array([1e-40, 1e40])) == pytest.approx([5e-41, 5e39])
    assert relu.square(np.zeros(1)) == 0.0
    assert moments(activations.read("sigmoid")).square(np.zeros(1)) == pytest.approx(0.25)


def test_a_callable_is_differentiated() -> None:
    own = activations.read(np.tanh)
    z = np.linspace(-3, 3, 13)
    assert own.slope(z) == pytest.approx(1 - np.tanh(z) ** 2, abs=1e-9)


@pytest.mark.parametrize("wrong", [lambda z: z.sum(), lambda z: z / 0 * 0, lambda _: 1 / 0, "tnh"])
def test_what_is_no_activation_is_refused(wrong: object) -> None:
    with np.errstate(all="ignore"), pytest.raises(ArgumentError, match=r"^activation"):
        activations.read(wrong)
