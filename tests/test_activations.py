"""What each activation does to a pre-activation, against closed forms and finite differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from goodinit.activations import (
    KNOWN,
    NAMES,
    SELU_ALPHA,
    SELU_SCALE,
    Activation,
    leaky_relu,
    read,
    trained,
)
from goodinit.errors import ArgumentError

Array = NDArray[np.floating]

ALL = [*NAMES, "leaky_relu(0.3)", "leaky_relu(0)"]
KINKED = ("relu", "leaky_relu", "elu", "selu")  # at 0; elu's slope is continuous, not smooth
LARGEST = np.finfo(np.float64).max

# As each paper writes it, in other words than the code's wherever there are other words.
CLOSED_FORMS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda z: (z + np.abs(z)) / 2,
    "leaky_relu": lambda z: np.maximum(0.01 * z, z),
    "leaky_relu(0.3)": lambda z: np.maximum(0.3 * z, z),
    "leaky_relu(0)": lambda z: (z + np.abs(z)) / 2,
    "tanh": lambda z: 2 * special.expit(2 * z) - 1,
    "sigmoid": special.expit,
    "elu": lambda z: np.where(z >= 0, z, np.exp(np.minimum(z, 0)) - 1),
    "selu": lambda z: (
        1.0507009873554805
        * np.where(z >= 0, z, 1.6732632423543772 * (np.exp(np.minimum(z, 0)) - 1))
    ),
    "gelu": lambda z: z * (1 + special.erf(z / np.sqrt(2))) / 2,
    "silu": lambda z: z * special.expit(z),
    "softplus": lambda z: np.logaddexp(0, z),
    "linear": lambda z: z,
}
LIMITS: dict[str, tuple[float, float]] = {  # at -∞ and ∞
    "tanh": (-1, 1),
    "sigmoid": (0, 1),
    "elu": (-1, np.inf),
    "selu": (-SELU_SCALE * SELU_ALPHA, np.inf),
    "relu": (0, np.inf),
    "softplus": (0, np.inf),
    "leaky_relu": (-np.inf, np.inf),
    "leaky_relu(0.3)": (-np.inf, np.inf),
    "linear": (-np.inf, np.inf),
}
NO_LIMIT = ("gelu", "silu", "leaky_relu(0)")  # computed as 0 × -∞ at -∞

activation_specs = st.sampled_from(ALL)
moderate = st.floats(-30, 30)


@pytest.mark.parametrize("spec", ALL)
def test_the_values_are_those_of_the_closed_form(spec: str) -> None:
    z = np.concatenate([np.linspace(-40, 40, 4001), [-1e-300, 0.0, 1e-300]])
    np.testing.assert_allclose(
        read(spec).function(z), CLOSED_FORMS[spec](z), rtol=1e-13, atol=1e-15
    )


@given(activation_specs, moderate)
def test_the_slope_is_the_derivative(spec: str, z: float) -> None:
    activation, step = read(spec), 1e-5
    assume(abs(z) > step or spec.partition("(")[0] not in KINKED)
    right, left = activation.function(np.array([z + step, z - step]))
    # A central difference is off by step²/6 of the third derivative and by rounding over 2 step.
    tolerance = step**2 + 4 * np.finfo(float).eps * (1 + abs(z)) / step
    assert activation.slope(np.array(z)) == pytest.approx(
        (right - left) / (2 * step), abs=tolerance
    )


@pytest.mark.parametrize(
    ("spec", "from_the_left"),
    [
        ("relu", 0.0),
        ("leaky_relu", 0.01),
        ("leaky_relu(0.3)", 0.3),
        ("elu", 1.0),
        ("selu", SELU_SCALE * SELU_ALPHA),
    ],
)
def test_at_the_kink_the_slope_is_the_one_from_the_left(spec: str, from_the_left: float) -> None:
    assert read(spec).slope(np.array([0.0, -0.0])).tolist() == [from_the_left, from_the_left]


@pytest.mark.parametrize("spec", ALL)
@pytest.mark.parametrize("z", [1e4, 1e30, LARGEST / 2])
def test_huge_pre_activations_give_finite_values_and_slopes(spec: str, z: float) -> None:
    """Values without a warning; gelu's slope squares z, which overflows on its way to exp(-∞)."""
    ends = np.array([-z, z])
    values = read(spec).function(ends)
    with np.errstate(over="ignore" if spec == "gelu" else "raise"):
        slopes = read(spec).slope(ends)
    assert np.isfinite(values).all()
    assert np.isfinite(slopes).all()
    left, right = LIMITS.get(spec, (0, np.inf))
    line = SELU_SCALE * z if spec == "selu" else z
    assert values[1] == (line if np.isinf(right) else right)
    if np.isfinite(left):
        assert values[0] == left


@pytest.mark.parametrize("spec", LIMITS)
def test_infinite_pre_activations_give_the_limits(spec: str) -> None:
    values = read(spec).function(np.array([-np.inf, np.inf]))
    assert tuple(values) == LIMITS[spec]


@pytest.mark.parametrize("spec", NO_LIMIT)
def test_where_minus_infinity_is_multiplied_by_zero_it_is_a_nan(spec: str) -> None:
    with np.errstate(invalid="ignore"):
        values = read(spec).function(np.array([-np.inf, np.inf]))
    assert np.isnan(values[0])
    assert values[1] == np.inf


@pytest.mark.parametrize("spec", ALL)
def test_a_nan_stays_a_nan(spec: str) -> None:
    assert np.isnan(read(spec).function(np.array([np.nan]))).all()


@pytest.mark.parametrize("spec", ALL)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 1, 3)])
def test_shapes_are_kept(spec: str, shape: tuple[int, ...]) -> None:
    z = np.ones(shape)
    assert np.shape(read(spec).function(z)) == shape
    assert np.shape(read(spec).slope(z)) == shape


@pytest.mark.parametrize("spec", ALL)
def test_float32_keeps_its_digits_and_its_type(spec: str) -> None:
    z = np.linspace(-8, 8, 1001, dtype=np.float32)
    single, exact = read(spec).function(z), read(spec).function(z.astype(np.float64))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(
        read(spec).slope(z), read(spec).slope(z.astype(np.float64)), rtol=2e-6, atol=1e-6
    )


def test_selu_has_the_fixed_point_that_its_constants_are_made_for() -> None:
    """Mean 0 and variance 1 of N(0, 1) stay (Klambauer et al. 2017), to the digits of float64."""
    floor = SELU_SCALE * SELU_ALPHA
    below = np.exp(0.5) * special.ndtr(-1.0)
    mean = SELU_SCALE / np.sqrt(2 * np.pi) + floor * (below - 0.5)
    second = SELU_SCALE**2 / 2 + floor**2 * (np.exp(2) * special.ndtr(-2.0) - 2 * below + 0.5)
    assert mean == pytest.approx(0, abs=1e-15)
    assert second == pytest.approx(1, abs=1e-15)


@given(st.floats(-3, 3), moderate)
def test_leaky_relu_has_the_slope_that_its_spec_says(slope: float, z: float) -> None:
    activation = read(f"leaky_relu({slope!r})")
    assert activation.function(np.array(z)) == (z if z > 0 else slope * z)
    assert activation.slope(np.array(z)) == (1 if z > 0 else slope)
    assert activation.parameter == slope


@given(st.floats(allow_nan=False, allow_infinity=False) | st.just(0.01) | st.just(0))
def test_an_activations_name_reads_back_as_itself(slope: float) -> None:
    activation = leaky_relu(slope)
    again = read(activation.name)
    assert (again.name, again.parameter) == (activation.name, activation.parameter)
    assert str(activation) == activation.name


def test_one_leaky_relu_has_one_name() -> None:
    assert {read(f"leaky_relu{how}").name for how in ("", "()", "(0.01)", "(slope=1e-2)")} == {
        "leaky_relu"
    }
    assert read("leaky_relu(0)").name == read("leaky_relu(0.0)").name


@pytest.mark.parametrize("spec", NAMES)
def test_names_are_specs(spec: str) -> None:
    activation = read(spec)
    assert isinstance(activation, Activation)
    assert activation.name == spec


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("rleu", "activation: got 'rleu', takes one of relu, .*did you mean 'relu'"),
        ("ReLU", "activation: got 'ReLU', takes one of relu, .*did you mean 'relu'"),
        ("relu(1)", r"activation: got 'relu\(1\)', takes relu\(\)"),
        ("leaky_relu(1e999)", r"activation 'leaky_relu\(1e999\)': slope: got inf, takes a finite"),
        ("leaky_relu(steep)", "slope: got 'steep', takes a finite number"),
        ("leaky_relu(0.1, 0.2)", r"takes leaky_relu\(slope\)"),
        ("leaky_relu(alpha=0.1)", r"takes leaky_relu\(slope\)"),
        ("np.tanh", "activation: got 'np.tanh', takes a name with literal arguments"),
        ("", "activation: got '', takes a name"),
        (None, "activation: got None, takes one of relu"),
        (5, "activation: got 5, takes one of relu, "),
        (["relu"], r"activation: got \['relu'\], takes one of relu"),
    ],
)
def test_a_wrong_activation_is_refused_in_one_line(spec: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        read(spec)
    assert len(str(caught.value).splitlines()) == 1


def test_a_slope_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ArgumentError, match="slope: got nan, takes a finite number"):
        leaky_relu(float("nan"))


@pytest.mark.parametrize(
    ("spec", "got"),
    [
        ("mish", "'mish'"),
        (np.tanh, "'the function tanh'"),
        (lambda z: z, "'the function lambda'"),
        (read("relu"), "'the function relu'"),
    ],
)
def test_networks_are_trained_with_what_is_compiled_and_the_line_says_so(
    spec: Any, got: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        trained(spec)
    said = str(caught.value)
    assert said.startswith(f"activation: got {got}, takes one that networks are trained with, relu")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("spec", ALL)
def test_what_is_compiled_is_trained_with(spec: str) -> None:
    assert trained(spec).name == read(spec).name


@pytest.mark.parametrize("spec", KNOWN)
def test_every_activation_has_the_slope_of_its_values(spec: str) -> None:
    activation, z = read(spec), np.linspace(-8, 8, 100) + 0.013
    step = 1e-6
    found = (activation.function(z + step) - activation.function(z - step)) / (2 * step)
    np.testing.assert_allclose(activation.slope(z), found, atol=1e-8)
