"""The kernel's exponential and activations: their error in last places, and what extremes become.

Errors are measured against the extended precision that NumPy offers on x86.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from goodinit import activations
from goodinit.activations import SELU_ALPHA, SELU_SCALE
from goodinit.training import elementwise, jit
from goodinit.training.elementwise import Activation

Array = NDArray[Any]
Wide = np.longdouble

needs_wider_floats = pytest.mark.skipif(
    bool(np.finfo(Wide).eps > 1e-18), reason="no float here is wider than the one to be measured"
)


def _exponentials(x: Array) -> None:
    exp = elementwise.exp
    for i in range(x.size):
        x[i] = exp(x[i])


_exp_all = jit.entry(_exponentials, "exp")


def exp(x: Array) -> Array:
    found = np.array(x, dtype=np.float64)
    _exp_all(found)
    return found


def activate(activation: Activation, z: Any, parameter: float, dtype: Any = float) -> Array:
    """Return the kernel's values and slopes, two rows."""
    values = np.array(z, dtype=dtype, ndmin=2)
    slopes = np.empty_like(values)
    name = values.dtype.name
    pointer = ctypes.POINTER(ctypes.c_double if name == "float64" else ctypes.c_float)
    arrays = [array.ctypes.data_as(pointer) for array in (values, slopes)]
    elementwise.activate(activation, name).ctypes(*arrays, values.size, parameter)
    return np.concatenate([values, slopes])


def last_places(found: Array, true: Array) -> float:
    """Return the largest error, in units of the last place of the float64 nearest to the truth."""
    return float(np.max(np.abs(found - true) / np.spacing(np.abs(true).astype(np.float64))))


# ------------------------------------------------------------------------------- the exponential


@needs_wider_floats
def test_the_exponential_is_within_one_last_place_over_its_whole_range() -> None:
    x = np.concatenate([np.linspace(-708.39, 709.78, 1_000_001), np.linspace(-1e-3, 1e-3, 10_001)])
    assert last_places(exp(x), np.exp(x.astype(Wide))) < 1


@given(st.floats(-708.39, 709.78))
def test_the_exponential_is_numpys_to_two_last_places(x: float) -> None:
    assert exp(np.array([x]))[0] == pytest.approx(np.exp(x), rel=2 * 2**-52)


def test_the_exponential_goes_gradually_to_zero() -> None:
    """Below -708.4 a result has fewer digits, the last of which is 5e-324."""
    x = np.linspace(-746, -708, 10_001)
    assert np.abs(exp(x) - np.exp(x)).max() <= 5e-324


def test_the_exponential_of_special_values_is_exact() -> None:
    np.testing.assert_array_equal(exp(np.array([0.0, -0.0, 5e-324, -5e-324])), 1)
    np.testing.assert_array_equal(exp(np.array([709.79, 1e308, np.inf])), np.inf)
    np.testing.assert_array_equal(exp(np.array([-745.2, -746.5, -1e308, -np.inf])), 0)
    assert np.isnan(exp(np.array([np.nan])))


def test_the_exponential_never_falls() -> None:
    grid = exp(np.linspace(-750, 715, 2_000_001))
    assert np.all(grid[1:] >= grid[:-1])


# ------------------------------------------------------------------- the activations and slopes


def wide_sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def wide_normal_cdf(z: Array) -> Array:
    u = np.abs(z)
    tail = special.erfcx((u / np.sqrt(Wide(2))).astype(np.float64)) / 2 * np.exp(-u * u / 2)
    cdf: Array = np.where(z < 0, tail, 1 - tail)
    return cdf


def wide_elu(z: Array, alpha: float, scale: float) -> tuple[Array, Array]:
    below = np.minimum(z, 0)
    return (
        Wide(scale) * np.where(z > 0, z, Wide(alpha) * np.expm1(below)),
        Wide(scale) * np.where(z > 0, 1, Wide(alpha) * np.exp(below)),
    )


def wide_gelu(z: Array) -> tuple[Array, Array]:
    cdf = wide_normal_cdf(z)
    return z * cdf, cdf + z * np.exp(-z * z / 2) / np.sqrt(2 * Wide(np.pi))


TRUTH: dict[Activation, Callable[[Array], tuple[Array, Array]]] = {
    Activation.TANH: lambda z: (np.tanh(z), 1 / np.cosh(z) ** 2),
    Activation.SIGMOID: lambda z: (wide_sigmoid(z), wide_sigmoid(z) * wide_sigmoid(-z)),
    Activation.ELU: lambda z: wide_elu(z, 1.0, 1.0),
    Activation.SELU: lambda z: wide_elu(z, SELU_ALPHA, SELU_SCALE),
    Activation.SILU: lambda z: (
        z * wide_sigmoid(z),
        wide_sigmoid(z) * (1 + z * wide_sigmoid(-z)),
    ),
    Activation.SOFTPLUS: lambda z: (np.logaddexp(z, 0), wide_sigmoid(z)),
}

# From tiny to large, and densely where the functions bend.
SIZES = np.logspace(-300, np.log10(700), 20_001)
RANGE = np.concatenate([-SIZES, SIZES, np.linspace(-36, 36, 100_001)])


@needs_wider_floats
@pytest.mark.parametrize(
    ("activation", "places"),
    [
        (Activation.TANH, 3),
        (Activation.SIGMOID, 2),
        (Activation.ELU, 1.5),
        (Activation.SELU, 3.5),
        (Activation.SILU, 2.5),
        (Activation.SOFTPLUS, 3.5),
    ],
)
def test_an_activation_is_right_to_its_last_places(activation: Activation, places: float) -> None:
    true, _ = TRUTH[activation](RANGE.astype(Wide))
    normal = np.abs(true) >= np.finfo(np.float64).tiny
    found = activate(activation, RANGE, parameter=1.0)[0]
    assert last_places(found[normal], true[normal]) < places
    assert np.abs(found - true)[~normal].max(initial=0) <= 3 * 5e-324


@needs_wider_floats
@pytest.mark.parametrize(
    ("activation", "units"),
    [
        (Activation.TANH, 6),
        (Activation.SIGMOID, 2),
        (Activation.ELU, 2),
        (Activation.SELU, 5),
        (Activation.SILU, 40),  # 1 - s loses digits, and is multiplied by z
        (Activation.SOFTPLUS, 2),
    ],
)
def test_a_slope_is_right_to_some_roundings_of_one(activation: Activation, units: float) -> None:
    _, true = TRUTH[activation](RANGE.astype(Wide))
    slopes = activate(activation, RANGE, parameter=1.0)[1]
    assert np.abs(slopes - true).max() < units * 2**-53


@needs_wider_floats
def test_gelu_is_right_to_its_polynomial_and_to_what_squaring_z_loses() -> None:
    """The tail is exp(-z²/2): a rounding of z² is z²/2 roundings of the result."""
    z = RANGE[np.abs(RANGE) < 37]
    value, slope = wide_gelu(z.astype(Wide))
    found = activate(Activation.GELU, z, parameter=0.0)
    normal = np.abs(value) >= np.finfo(np.float64).tiny
    places = np.abs(found[0] - value)[normal] / np.spacing(np.abs(value[normal]).astype(np.float64))
    assert np.all(places < 45 + np.where(z < 0, z * z / 2, 0)[normal])
    assert np.abs(found[1] - slope).max() < 25 * 2**-53


# Each with its name in the plain network, and its parameter: the slope of leaky ReLU, ELU's α.
every_activation = pytest.mark.parametrize(
    ("activation", "spec", "parameter"),
    [
        *[(one, one.name.lower(), 1.0) for one in Activation if one is not Activation.LEAKY_RELU],
        *[(Activation.LEAKY_RELU, f"leaky_relu({slope})", slope) for slope in (0.0, 0.01, 0.3)],
    ],
)


@every_activation
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40))
def test_activations_and_slopes_are_those_of_the_plain_network(
    activation: Activation, spec: str, parameter: float, z: list[float]
) -> None:
    plain = activations.read(spec)
    found = activate(activation, z, parameter)
    np.testing.assert_allclose(found[0], plain.function(np.array(z)), rtol=3e-13, atol=1e-300)
    np.testing.assert_allclose(found[1], plain.slope(np.array(z)), rtol=1e-13, atol=1e-14)


EXTREMES = np.array([0.0, -0.0, 5e-324, -5e-324, 1e-310, -1e-310, 1e308, -1e308, np.inf, -np.inf])


@every_activation
def test_extremes_and_kinks_are_those_of_the_plain_network(
    activation: Activation, spec: str, parameter: float
) -> None:
    """At a kink the slope is the one from the left, and -∞ times 0 is no number."""
    plain = activations.read(spec)
    found = activate(activation, EXTREMES, parameter)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(found[0], plain.function(EXTREMES), rtol=4e-15, atol=1e-323)
        np.testing.assert_allclose(found[1], plain.slope(EXTREMES), rtol=4e-15, atol=1e-323)


@every_activation
def test_nan_stays_nan_and_in_its_place(
    activation: Activation, spec: str, parameter: float
) -> None:
    """Among numbers, since they share a vector."""
    z = np.linspace(-2, 2, 33)
    alone = activate(activation, z, parameter)
    z[7] = np.nan
    found = activate(activation, z, parameter)
    assert np.isnan(found[0, 7]), spec
    np.testing.assert_array_equal(np.delete(found, 7, axis=1), np.delete(alone, 7, axis=1))


@every_activation
def test_a_value_is_the_same_bits_wherever_it_stands(
    activation: Activation, spec: str, parameter: float
) -> None:
    """In the middle of a vector or in the rest after the last whole one."""
    z = np.random.default_rng(0).normal(size=37)
    whole = activate(activation, z, parameter)
    for first, last in [(0, 1), (3, 12), (20, 37)]:
        part = activate(activation, z[first:last], parameter)
        np.testing.assert_array_equal(part, whole[:, first:last], err_msg=spec)


@every_activation
def test_float32_is_the_float64_function_rounded_once(
    activation: Activation, spec: str, parameter: float
) -> None:
    z = np.linspace(-20, 20, 4_001).astype(np.float32)
    narrow = activate(activation, z, parameter, np.float32)
    np.testing.assert_array_equal(
        narrow, activate(activation, z, parameter).astype(np.float32), err_msg=spec
    )


def test_tanh_and_sigmoid_stay_within_their_bounds() -> None:
    z = np.linspace(-800, 800, 200_001)
    assert np.abs(activate(Activation.TANH, z, 0.0)[0]).max() == 1
    sigmoid, slope = activate(Activation.SIGMOID, z, 0.0)
    assert (sigmoid.min(), sigmoid.max()) == (0, 1)
    assert (slope.min(), slope.max()) == (0, 0.25)
