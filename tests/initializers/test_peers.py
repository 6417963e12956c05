"""What the documentation of PyTorch, JAX, Keras and TensorFlow says of their initializers.

Fans of any shape, variances and bounds by mode and distribution, types, means and cuts, names. A
scale is compared to the last digits, through the standard draw that every scheme of a distribution
has from one seed; a law that no other test holds is tested at ``ALPHA`` from a fixed seed.
"""

from math import prod
from typing import Any

import numpy as np
import pytest
from scipy import stats

import goodinit as gi
from goodinit import initializers
from goodinit.errors import ArgumentError
from goodinit.initializers import read
from goodinit.initializers.scheme import Shape, Weights, draw_weights

ALPHA = 1e-3
# (outputs, inputs, *kernel), with fan_in and fan_out by hand.
FANS: dict[Shape, tuple[int, int]] = {
    (40, 30): (30, 40),
    (16, 8, 5): (40, 80),
    (12, 6, 3, 3): (54, 108),
    (6, 10, 3, 1, 2): (60, 36),
    (1, 50): (50, 1),
}
MODES = {
    "fan_in": lambda i, o: i,
    "fan_out": lambda i, o: o,
    "fan_avg": lambda i, o: (i + o) / 2,
    "fan_geo_avg": lambda i, o: np.sqrt(i * o),
}
# The bounds of the standard draw, and its scale for variance 1.
UNITS = {
    "normal": ("normal(1)", 1.0),
    "uniform": ("uniform(-1, 1)", np.sqrt(3)),
    "truncated_normal": ("truncated_normal(1)", 1 / 0.87962566103423978),
}
every_shape = pytest.mark.parametrize("shape", FANS, ids=str)


def draw(scheme: Any, shape: Any = (6, 4), **how: Any) -> Weights:
    return read(scheme)(np.random.default_rng(0), shape, **how)


def refusal(scheme: Any, shape: Any = (6, 4), **how: Any) -> str:
    with pytest.raises(ArgumentError) as caught:
        draw(scheme, shape, **how)
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    assert "lambda" not in said
    return said


def assert_scaled(weights: Weights, distribution: str, variance: float) -> None:
    unit, factor = UNITS[distribution]
    expected = np.sqrt(variance) * factor * draw(unit, weights.shape)
    np.testing.assert_allclose(weights, expected, rtol=1e-12, atol=1e-14 * np.abs(expected).max())


@every_shape
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("distribution", UNITS)
def test_variance_scaling_looks_at_the_fans_of_any_shape(
    distribution: str, mode: str, shape: Shape
) -> None:
    weights = draw(f"variance_scaling(1.7, {mode}, {distribution})", shape)
    assert_scaled(weights, distribution, 1.7 / MODES[mode](*FANS[shape]))


@every_shape
@pytest.mark.parametrize(
    ("name", "distribution", "scale", "mode"),
    [
        ("lecun_normal", "normal", 1, "fan_in"),
        ("lecun_uniform", "uniform", 1, "fan_in"),
        ("glorot_normal", "normal", 1, "fan_avg"),
        ("glorot_uniform", "uniform", 1, "fan_avg"),
        ("he_normal", "normal", 2, "fan_in"),
        ("he_uniform", "uniform", 2, "fan_in"),
        ("he_normal(mode=fan_out)", "normal", 2, "fan_out"),
        ("he_uniform(slope=0.2)", "uniform", 2 / 1.04, "fan_in"),
        ("he_normal(slope=-3, mode=fan_avg)", "normal", 0.2, "fan_avg"),
        ("he_normal(gain=1.5)", "normal", 2.25, "fan_in"),
        ("he_uniform(gain=tanh)", "uniform", 25 / 9, "fan_in"),
        ("glorot_normal(gain=3)", "normal", 9, "fan_avg"),
        ("glorot_uniform(gain=relu)", "uniform", 2, "fan_avg"),
    ],
)
def test_named_schemes_look_at_the_fans_of_any_shape(
    name: str, distribution: str, scale: float, mode: str, shape: Shape
) -> None:
    weights = draw(name, shape)
    assert_scaled(weights, distribution, scale / MODES[mode](*FANS[shape]))
    assert read(name).name == name


@every_shape
def test_the_fans_are_pytorchs(shape: Shape) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the other side, is not installed")
    theirs = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert theirs == FANS[shape] == initializers.draws.fans(shape)[::-1]


@pytest.mark.parametrize("slope", [0, 0.01, 0.2, 1, 5, -0.5, -1, np.sqrt(5)])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
def test_he_by_slope_and_mode_is_pytorchs_kaiming(slope: float, mode: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the other side, is not installed")
    theirs = torch.empty(300, 200, 2)
    generator = torch.Generator().manual_seed(0)
    torch.nn.init.kaiming_uniform_(theirs, a=slope, mode=mode, generator=generator)
    ours = draw(f"kaiming_uniform_(a={slope}, mode={mode})", (300, 200, 2))
    assert np.abs(ours).max() == pytest.approx(theirs.abs().max().item(), rel=1e-3)
    assert ours.std() == pytest.approx(theirs.std().item(), rel=0.01)


FAN_SCHEMES = ["he_normal", "glorot_uniform", "lecun_normal", "variance_scaling", "orthogonal"]
FAN_SCHEMES += ["delta_orthogonal", "dirac", "sparse(0.5)", "kaiming_normal_", "VarianceScaling"]


@pytest.mark.parametrize("scheme", FAN_SCHEMES)
@pytest.mark.parametrize("shape", [(), (5,)], ids=str)
def test_a_scheme_that_looks_at_fans_refuses_what_has_none(scheme: str, shape: Shape) -> None:
    said = refusal(scheme, shape)
    assert said.startswith(f"shape: got {shape}, takes two dimensions or more, (fan_out, fan_in")


@pytest.mark.parametrize(
    "scheme",
    ["zeros", "ones", "constant(3)", "normal(2)", "uniform(-1, 1)", "truncated_normal(1)"],
)
@pytest.mark.parametrize("shape", [(), 7, (7,), (2, 3, 4), [2, 3], (np.int64(2), 1, 1, 1, 1, 2)])
def test_what_looks_at_no_fan_takes_any_shape(scheme: str, shape: Any) -> None:
    expected = (7,) if shape == 7 else tuple(shape)
    assert draw(scheme, shape).shape == expected
    flat = draw(scheme, (prod(expected),))
    np.testing.assert_array_equal(draw(scheme, shape).ravel(), flat)


@pytest.mark.parametrize("scheme", ["he_normal", "orthogonal", "zeros", lambda rng, shape: 1 / 0])
@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (4, 2, 0), (0, 0)], ids=str)
def test_nothing_is_drawn_where_there_is_nothing_to_draw(scheme: Any, shape: Shape) -> None:
    assert draw(scheme, shape).shape == shape


@pytest.mark.parametrize("shape", [(2, -1), (2.0, 1), "23", None, (True, 2), -1, {2, 3}], ids=str)
def test_what_is_no_shape_is_refused(shape: Any) -> None:
    assert refusal("normal(1)", shape).startswith("shape: got ")


@pytest.mark.parametrize("scheme", ["he_normal", "uniform(-1, 1)", "orthogonal", "zeros", "dirac"])
@pytest.mark.parametrize("dtype", ["float16", np.float32, float, np.dtype("float64"), "longdouble"])
def test_draws_are_rounded_to_the_type_that_is_asked_for(scheme: str, dtype: Any) -> None:
    weights = draw(scheme, (8, 4, 3), dtype=dtype)
    assert weights.dtype == np.dtype(dtype)
    assert (weights == draw(scheme, (8, 4, 3)).astype(dtype)).all()


@pytest.mark.parametrize("dtype", ["int32", "complex64", bool, "float33", "str", object, [1]])
def test_other_types_are_refused(dtype: Any) -> None:
    assert refusal("he_normal", dtype=dtype).startswith("dtype: got ")


def test_weights_that_a_type_cannot_hold_are_refused() -> None:
    said = refusal("constant(1e6)", dtype="float16")
    assert said == (
        "initializer constant(value=1000000): got 'NaN or infinity', takes weights that float16 "
        "can hold"
    )


@pytest.mark.parametrize("mean", [-3.0, 0.0, 0.5, 100.0])
def test_a_normal_has_the_mean_and_deviation_that_it_is_given(mean: float) -> None:
    weights = draw(f"normal(2, mean={mean})", (100, 200))
    np.testing.assert_allclose(weights, mean + 2 * draw("normal(1)", (100, 200)), atol=1e-12)
    again = draw(f"random_normal(mean={mean}, stddev=2)", (100, 200))
    np.testing.assert_array_equal(weights, again)


# mean, std, low, high: bounds on either side, one side only, far out; PyTorch's and JAX's tests.
CUTS = [
    (0.0, 1.0, -2.0, 2.0),
    (0.5, 0.1, 0.35, 0.65),
    (1.0, 2.0, 0.0, 1.5),
    (0.0, 1.0, 3.0, 4.0),
    (0.0, 1.0, -4.0, -3.0),
    (0.0, 1.0, 9.0, 10.0),
    (-2.0, 0.01, -3.0, -1.0),
    (0.0, 1.0, -1e-3, 1e-3),
]


@pytest.mark.parametrize(("mean", "std", "low", "high"), CUTS)
def test_a_cut_normal_has_the_law_between_its_bounds(
    mean: float, std: float, low: float, high: float
) -> None:
    weights = draw(f"trunc_normal_({mean}, {std}, {low}, {high})", (200, 100))
    law = stats.truncnorm((low - mean) / std, (high - mean) / std, loc=mean, scale=std)
    assert low <= weights.min() < weights.max() <= high
    assert stats.kstest(weights.ravel(), law.cdf).pvalue > ALPHA


@pytest.mark.parametrize(
    ("spec", "low", "high"),
    [
        ("truncated_normal(3)", -6, 6),
        ("truncated_normal(3, 1)", -5, 7),
        ("truncated_normal(3, low=0)", 0, 6),
        ("TruncatedNormal", -0.1, 0.1),
        ("TruncatedNormal(mean=1, stddev=0.5)", 0, 2),
        ("trunc_normal_", -2, 2),
        ("random_uniform", -0.05, 0.05),
        ("RandomUniform(minval=1, maxval=2)", 1, 2),
        ("uniform_", 0, 1),
    ],
)
def test_the_bounds_are_those_of_the_peers(spec: str, low: float, high: float) -> None:
    weights = draw(spec, (200, 100))
    assert low <= weights.min() < low + 0.05 * (high - low)
    assert high - 0.05 * (high - low) < weights.max() <= high


@pytest.mark.parametrize(
    "spec",
    [
        "truncated_normal(1, low=2, high=2)",
        "truncated_normal(1, low=3)",
        "truncated_normal(1, low=40, high=41)",
        "truncated_normal(1e-300, 0, 1, 2)",
    ],
)
def test_bounds_that_nothing_lies_between_are_refused(spec: str) -> None:
    assert "low, high: got (" in refusal(spec)


@pytest.mark.parametrize("law", ["truncated_normal(2, low=-3, high=3)", "truncated_normal(2)"])
def test_theory_knows_the_variance_that_a_cut_leaves(law: str) -> None:
    from goodinit.theory.weights import law as law_of

    bound = 1.5 if "low" in law else 2
    expected, found = stats.truncnorm(-bound, bound, scale=2), law_of(read(law), (5, 4))
    assert found is not None
    assert found.variance == pytest.approx(expected.var(), rel=1e-9)
    assert found.kurtosis == pytest.approx(float(expected.stats("k")), abs=1e-3)
    assert law_of(read("normal(1, mean=2)"), (5, 4)) is None
    assert law_of(read("truncated_normal(1, low=-1, high=2)"), (5, 4)) is None


# --- Orthogonal, identity ---


@pytest.mark.parametrize("shape", [(5, 5), (3, 8), (8, 3), (4, 3, 5), (20, 2, 3, 3), (1, 1)])
@pytest.mark.parametrize("gain", [0.5, 1, "relu"])
def test_orthogonal_takes_any_shape_as_a_matrix_of_outputs_by_the_rest(
    gain: Any, shape: Shape
) -> None:
    matrix = draw(initializers.orthogonal(gain), shape).reshape(shape[0], -1)
    gram = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    square = 2.0 if gain == "relu" else gain**2
    np.testing.assert_allclose(gram, square * np.eye(len(gram)), atol=1e-12)


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 3), (4, 6, 3, 3), (5, 5, 2, 4), (6, 2, 1, 3, 5)])
def test_delta_orthogonal_keeps_what_passes_through_the_middle_of_the_kernel(shape: Shape) -> None:
    weights = draw("delta_orthogonal(2)", shape)
    taps: tuple[Any, ...] = tuple(side // 2 for side in shape[2:])
    middle = weights[(..., *taps)]
    gram = middle @ middle.T if shape[0] <= shape[1] else middle.T @ middle
    np.testing.assert_allclose(gram, 4 * np.eye(min(shape[:2])), atol=1e-12)
    assert np.square(weights).sum() == pytest.approx(np.square(middle).sum(), rel=1e-12)


@pytest.mark.parametrize("shape", [(4, 4, 3), (6, 2, 3, 3), (2, 6, 4, 2), (4, 4, 3, 5, 1)])
@pytest.mark.parametrize("groups", [1, 2])
def test_dirac_is_pytorchs(shape: Shape, groups: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the other side, is not installed")
    theirs = torch.nn.init.dirac_(torch.empty(shape), groups)
    np.testing.assert_array_equal(draw(f"dirac({groups})", shape), theirs.numpy())


def test_dirac_refuses_groups_that_do_not_share_the_outputs() -> None:
    assert "takes a number of outputs that 4 groups share" in refusal("dirac(4)", (6, 2, 3))
    assert "groups: got 0, takes whole numbers from 1" in refusal("dirac(0)")


@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2)])
def test_identity_is_pytorchs_and_keras(shape: Shape) -> None:
    np.testing.assert_array_equal(draw("eye_", shape), np.eye(shape[0], shape[1]))
    np.testing.assert_array_equal(draw("Identity(gain=3)", shape), 3 * np.eye(shape[0], shape[1]))


@pytest.mark.parametrize("shape", [(), (4,), (4, 4, 3)], ids=str)
def test_identity_is_for_matrices(shape: Shape) -> None:
    assert refusal("identity", shape).startswith(f"shape: got {shape}, takes two dimensions")


def test_sparse_takes_a_kernel_as_a_matrix_of_outputs_by_the_rest() -> None:
    weights = draw("sparse(0.75)", (6, 4, 3, 3))
    assert ((weights == 0).reshape(6, -1).sum(1) == 27).all()


# --- Arrays ---

WEIGHTS = [np.arange(6.0).reshape(3, 2), np.ones((1, 3))]


def test_an_array_is_a_scheme_that_draws_it() -> None:
    scheme = read(WEIGHTS[0])
    assert scheme.name == "array"
    drawn = scheme(np.random.default_rng(0), (3, 2), "float32")
    assert drawn.dtype == np.float32
    np.testing.assert_array_equal(drawn, WEIGHTS[0])
    drawn += 1
    np.testing.assert_array_equal(draw(scheme, (3, 2)), WEIGHTS[0])
    assert "takes weights of the shape that was asked for, (2, 3)" in refusal(scheme, (2, 3))


def test_arrays_are_the_weights_of_a_networks_layers() -> None:
    for first, second in zip(draw_weights(read(WEIGHTS), (2, 3, 1), seed=5), WEIGHTS, strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("given", "layers", "message"),
    [
        (WEIGHTS, (2, 3), "initializer: got '2 arrays of weights', takes as many as .* layers, 1"),
        (WEIGHTS[0], (2, 3, 1), "got '1 arrays of weights', takes as many as the network has"),
        (WEIGHTS[::-1], (2, 3, 1), r"arrays 1: got 'shape \(1, 3\)', takes weights of the shape"),
        ([np.full((3, 2), np.nan)], (2, 3), "got 'NaN or infinity', takes finite weights"),
        (np.full((3, 2), "a"), (2, 3), "takes arrays of numbers"),
    ],
)
def test_arrays_that_are_no_networks_weights_are_refused(
    given: Any, layers: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        draw_weights(read(given), layers, seed=0)


def test_a_network_is_compared_from_weights_that_are_given() -> None:
    how: dict[str, Any] = {"hidden": (3,), "iterations": 3, "seeds": 2}
    alone = gi.compare("circles", initializers=WEIGHTS, **how)
    assert list(alone.trials["initializer"]) == ["arrays", "arrays"]
    assert alone.trials["train_cost"].nunique() == 1  # one start, whatever the seed
    beside = gi.compare("circles", initializers=["zeros", WEIGHTS, [2 * w for w in WEIGHTS]], **how)
    assert set(beside.trials["initializer"]) == {"zeros", "arrays", "arrays-2"}
    with pytest.raises(ArgumentError, match="takes as many as the network has layers, 3"):
        gi.compare("circles", initializers=WEIGHTS, hidden=(3, 3), iterations=3, seeds=2)


@pytest.mark.parametrize("activation", ["mish", np.tanh, lambda z: z])
def test_a_comparison_refuses_activations_that_are_not_compiled(activation: Any) -> None:
    with pytest.raises(ArgumentError, match=r"^activation: got '.*', takes one that networks are"):
        gi.compare("circles", activation=activation, iterations=3, seeds=2)
