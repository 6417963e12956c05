"""What theory predicts of whole networks: closed forms, drawn networks, and where it is silent."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import goodinit as gi
from goodinit import initializers, network, theory
from goodinit.datasets import load
from goodinit.errors import ArgumentError
from goodinit.initializers import registry
from goodinit.theory.bands import quantiles
from goodinit.theory.examples import Examples
from goodinit.theory.predict import of_network
from goodinit.theory.weights import law


def predicted(initializer: Any, hidden: Any, activation: Any = "relu", **more: Any) -> Any:
    return gi.predict("digits", initializer, hidden=hidden, activation=activation, **more)


def drawn(found: Any, data: str, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pre-activation RMS, gradient RMS (networks, layers) and cost of networks drawn."""
    dataset, net = load(data), found.network
    y = network.targets(net, dataset.y_train)
    lengths, slopes, costs = [], [], []
    for seed in range(count):
        parameters = network.initialize(net, found.scheme, seed)
        z, _ = network.forward(net, parameters, dataset.X_train)
        back = network.backward(net, parameters, dataset.X_train, y)
        lengths.append([np.sqrt(np.mean(of**2)) for of in z])
        slopes.append([np.sqrt(np.mean(of**2)) for of, _ in back])
        costs.append(float(network.cost(net, z[-1], y)))
    return np.array(lengths), np.array(slopes), np.array(costs)


def test_he_keeps_the_scale_of_relu_and_lecun_halves_its_square() -> None:
    rms = float(np.sqrt(np.mean(load("digits").X_train ** 2)))
    he = predicted("he_normal", (50,) * 8, draws=0).layers["preactivation_rms"]
    lecun = predicted("lecun_normal", (50,) * 8, draws=0).layers["preactivation_rms"]
    assert he.to_numpy() == pytest.approx(np.full(9, np.sqrt(2) * rms))
    assert lecun.to_numpy() == pytest.approx(rms * 2.0 ** (-np.arange(9) / 2))


def test_correlations_of_relu_follow_the_arc_cosine_map() -> None:
    X = np.array([[1.0, 0.0], [0.6, 0.8]])
    found = gi.predict((X, [0.0, 1.0], X, [0.0, 1.0]), "he_normal", hidden=(9,) * 5, draws=0)
    c = 0.6
    for seen in found.layers["correlation"]:
        assert seen == pytest.approx(c, abs=1e-10)
        c = (np.sqrt(1 - c * c) + c * (np.pi - np.arccos(c))) / np.pi


def test_the_gradient_of_a_model_without_hidden_layers_at_zero_is_exact() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 3)), rng.integers(0, 2, 40).astype(bool)
    found = gi.predict((X, y, X, y), "zeros", hidden=())
    slope = np.mean((0.5 - y)[:, np.newaxis] * X, axis=0)
    row = found.layers.iloc[0]
    assert row["gradient_rms"] == pytest.approx(np.sqrt(np.mean(slope**2)))
    assert row["gradient_low"] == pytest.approx(row["gradient_high"])
    assert found.initial_cost == pytest.approx(np.log(2))


@pytest.mark.parametrize(("activation", "passed"), [("relu", 0.5), ("linear", 1.0)])
@pytest.mark.parametrize("gain", [1.0, 1.7, 2.5])
def test_gradients_of_one_input_have_a_closed_form(
    activation: str, passed: float, gain: float
) -> None:
    # Half of ReLU's squares and slopes pass; of linear ones all: δ² = χ^(layers above) δ_L², and
    # a² = χ^(layers below) x², so that a layer's gradient is the same wherever it stands.
    X, y = np.array([[0.6, -0.8, 1.1, 0.3]] * 2), [0.7, 0.9]
    scheme = f"variance_scaling({gain}, fan_in, normal)"
    found = gi.predict((X, y, X, y), scheme, hidden=(50,) * 6, activation=activation, draws=0)
    chi, square = gain * passed, float(np.mean(X**2))
    q = gain * square * chi ** np.arange(7)
    assert found.chi == pytest.approx(chi)
    assert found.preactivation_rms**2 == pytest.approx(q)
    # E[(z - y₁)(z - y₂)] of targets whose mean is 0, as they are standardized.
    last = float(found.gradient_rms[-1] ** 2)
    residual = float(found._answer.residuals.mean()) if found._answer else np.nan
    assert residual == pytest.approx(q[-1], rel=0.15)
    assert last == pytest.approx(residual * square * chi**6)
    hidden = residual * gain / 50 * passed * square * chi**5  # one output, of 50 inputs
    assert found.gradient_rms[:-1] ** 2 == pytest.approx(np.full(6, hidden))


def test_saturation_lowers_chi() -> None:
    assert predicted("variance_scaling(1.44, fan_in, normal)", (40,) * 3, "tanh").chi < 1.44


@pytest.mark.slow
def test_networks_drawn_lie_in_the_bands_where_formulas_hold() -> None:
    for scheme, activation in (("he_normal", "relu"), ("lecun_normal", "tanh")):
        found = predicted(scheme, (256, 256), activation)
        assert set(found.bands.values()) == {"formula"}
        lengths, slopes, costs = drawn(found, "digits", 60)
        table = found.layers
        inside = (lengths >= table["low"].to_numpy()) & (lengths <= table["high"].to_numpy())
        back = (slopes >= table["gradient_low"].to_numpy()) & (
            slopes <= table["gradient_high"].to_numpy()
        )
        # 90 % of 60 networks, whose layers go together: a standard error of 4 %
        assert 0.78 < inside.mean() < 0.99
        assert 0.75 < back.mean() < 0.99
        assert found.initial_cost == pytest.approx(costs.mean(), rel=0.03)


def test_networks_drawn_lie_in_the_bands_where_others_were_drawn() -> None:
    found = gi.predict("circles", "he_normal", hidden=(16,) * 20)
    assert set(found.bands.values()) == {"draws"}
    lengths, slopes, _ = drawn(found, "circles", 80)
    table = found.layers
    inside = (lengths >= table["low"].to_numpy()) & (lengths <= table["high"].to_numpy())
    back = (slopes >= table["gradient_low"].to_numpy()) & (
        slopes <= table["gradient_high"].to_numpy()
    )
    assert 0.78 < inside.mean() < 0.99
    assert 0.75 < back.mean() < 0.99


@pytest.mark.parametrize("initializer", ["he_normal", "glorot_uniform"])
@pytest.mark.parametrize("hidden", [(5, 5), (40, 40)])
def test_networks_drawn_in_the_span_of_few_examples_are_those_of_all_features(
    initializer: str, hidden: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first layer of 2,000 independent weights is normal along each of 40 axes."""
    rng = np.random.default_rng(0)
    X = rng.random((40, 2000)) - 0.3
    data = X, X[:, :50].mean(axis=1) > 0.2
    found = []
    for features in (True, False):
        if features:
            monkeypatch.setattr(theory.drawn, "_law_in_the_span", lambda *_: None)
        else:
            monkeypatch.undo()
        seen = gi.predict(data, initializer, hidden=hidden, activation="tanh")._drawn
        found.append(np.concatenate([seen.preactivations, seen.gradients], axis=1))
    one, other = (of.mean(axis=0) for of in found)
    error = np.sqrt(sum(of.var(axis=0) / len(of) for of in found))
    assert np.abs(one - other).max() < 4 * error.max()
    ratio = found[1].std(axis=0) / found[0].std(axis=0)
    assert 0.6 < ratio.min() < ratio.max() < 1.6


def test_uniform_weights_are_not_taken_for_normal_where_few_features_carry_the_examples() -> None:
    """An example of one feature sees one weight, however many others there are."""
    dense = np.random.default_rng(0).random((12, 1500)) - 0.3
    for scheme, X, normal in (
        ("he_uniform", dense, True),
        ("he_uniform", np.eye(12, 1500), False),
        ("he_uniform", dense * [1000.0, *[1.0] * 1499], False),
        ("he_normal", np.eye(12, 1500), True),
    ):
        of = theory.drawn._law_in_the_span(registry.read(scheme), [1500, 6, 1], X)
        assert (of is not None) == normal


def test_a_relu_layer_adds_about_five_over_its_width_to_the_logarithm() -> None:
    # Hanin and Rolnick 2018, of one input
    X = np.ones((1, 4))
    data = (np.vstack([X, X]), [0.0, 1.0], X, [0.0])
    found = gi.predict(data, "he_normal", hidden=(500,) * 20, draws=0)
    assert np.diff(found._walk.deviation**2)[:19] == pytest.approx(np.full(19, 5 / 500), rel=0.02)


def test_orthogonal_weights_hold_the_length_of_linear_networks() -> None:
    found = predicted("orthogonal", (64,) * 10, "linear")
    table = found.layers.iloc[:-1]
    assert table["low"].to_numpy() == pytest.approx(table["preactivation_rms"].to_numpy(), rel=1e-3)
    assert table["high"].to_numpy() == pytest.approx(
        table["preactivation_rms"].to_numpy(), rel=1e-3
    )
    assert found.jacobian == pytest.approx((1.0, 0.0), abs=1e-9)


def test_independent_weights_spread_the_jacobian() -> None:
    mean, variance = predicted("lecun_normal", (64,) * 11, "linear").jacobian
    assert (mean, variance) == pytest.approx((1.0, 10.0))  # Pennington et al. 2017: L μ₂ / μ₁²


@pytest.mark.parametrize("hidden", [(1,) * 4, (3, 2), (10, 5)])
def test_relu_networks_are_born_dead_as_often_as_counted(hidden: tuple[int, ...]) -> None:
    found = predicted("he_normal", hidden, draws=0)
    alive = np.prod([1 - 0.5**units for units in hidden])
    X = load("digits").X_train[:1]
    dead = 0
    for seed in range(2000):
        parameters = network.initialize(found.network, found.scheme, seed)
        _, inputs = network.forward(found.network, parameters, X)
        dead += not inputs[-1].any()
    assert found.born_dead == pytest.approx(1 - alive)
    assert dead / 2000 == pytest.approx(found.born_dead, abs=0.035)  # three standard errors


def test_other_activations_are_not_born_dead() -> None:
    assert predicted("he_normal", (1, 1), "leaky_relu", draws=0).born_dead == 0


def test_inputs_look_alike_after_as_many_layers_as_their_correlation_needs() -> None:
    scheme = "variance_scaling(1.2, fan_in, normal)"
    found = predicted(scheme, (50,) * 60, "tanh", bias_std=0.3, draws=0)
    after = found.alike_after()
    seen = found.layers["correlation"].to_numpy()
    assert seen[after - 1] >= 0.99 > seen[after - 2]
    shorter = predicted(scheme, (50,) * 3, "tanh", bias_std=0.3, draws=0)
    assert shorter.alike_after() == pytest.approx(after, abs=1)
    assert f"alike after about {after} such layers; there are 60" in found.sentences()[0]


def test_a_callable_is_what_its_function_is() -> None:
    def own(z: np.ndarray) -> np.ndarray:
        return np.asarray(np.tanh(z))

    named, called = (predicted("he_normal", (20, 20), a, draws=0) for a in ("tanh", own))
    assert called.layers.to_numpy() == pytest.approx(named.layers.to_numpy(), rel=1e-6)


DEGENERATE = [
    ("zeros", (10, 5), "relu"),
    ("he_normal", (), "relu"),
    ("he_normal", (1,) * 10, "relu"),
    ("normal(std=10)", (50,) * 100, "relu"),
    ("normal(std=10)", (1,) * 3, "tanh"),
    pytest.param("lecun_normal", (8,) * 300, "relu", marks=pytest.mark.slow),
    ("normal(std=1e-200)", (5, 5), "softplus"),
]


@pytest.mark.parametrize(("scheme", "hidden", "activation"), DEGENERATE)
def test_degenerate_networks_give_what_is_true(scheme: str, hidden: Any, activation: str) -> None:
    found = predicted(scheme, hidden, activation, draws=60)
    table = found.layers
    assert len(table) == len(hidden) + 1
    assert not table[["preactivation_rms", "low", "high"]].isna().any(axis=None)
    assert (table["low"] <= table["high"]).all()
    assert not np.isnan(found.initial_cost)
    assert all(sentence.startswith("theory") for sentence in found.sentences())


def test_zeros_are_nothing_everywhere() -> None:
    found = predicted("zeros", (10, 5))
    assert (found.layers[["preactivation_rms", "low", "high", "gradient_rms"]] == 0).all(axis=None)
    assert found.initial_cost == pytest.approx(np.log(10), rel=1e-3)
    assert found.born_dead == 1


@pytest.mark.parametrize("scheme", ["ones", "identity", "constant(0.1)", "uniform(0, 1)"])
def test_theory_is_silent_where_weights_are_not_random_around_zero(scheme: str) -> None:
    found = predicted(scheme, (10, 5))
    assert found.layers.drop(columns="layer").isna().all(axis=None)
    assert np.isnan([found.chi, found.initial_cost, found.born_dead]).all()
    assert "theory is silent" in found.sentences()[0]
    assert set(found.bands.values()) == {"none"}


@pytest.mark.parametrize("name", [n for n in initializers.SCHEMES if n.startswith(("he", "gl"))])
def test_a_callable_of_ones_own_is_measured(name: str) -> None:
    scheme = initializers.SCHEMES[name]()

    def own(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return scheme(rng, shape)

    for shape in pairwise((64, 30, 30, 1)):
        measured = law(initializers.read(own), shape)
        known = law(scheme, shape)
        assert measured is not None
        assert known is not None
        assert measured.variance == pytest.approx(known.variance, rel=0.1)
        assert not measured.orthogonal


def test_orthogonal_weights_are_known_again() -> None:
    orthogonal = initializers.orthogonal(gain=2)
    measured = law(initializers.read(lambda rng, shape: orthogonal(rng, shape) / 1), (20, 30))
    assert measured is not None
    assert measured.orthogonal
    assert measured.variance == pytest.approx(4 / 30)
    assert law(initializers.read(lambda rng, shape: rng.random(shape)), (9, 9)) is None
    assert law(initializers.read(lambda rng, shape: np.eye(*shape)), (9, 9)) is None


def test_one_unit_squared_is_chi_square() -> None:
    low, high = (float(end[0]) for end in quantiles(np.zeros(1), np.zeros(1), np.full(1, 2.0)))
    assert (np.exp(low), np.exp(high)) == pytest.approx((0.00393, 3.841), rel=1e-3)


@pytest.mark.parametrize(
    ("argument", "given"),
    [
        ("hidden", {"hidden": (3, 0)}),
        ("hidden", {"hidden": "10"}),
        ("activation", {"activation": "rulu"}),
        ("bias_std", {"bias_std": -1}),
        ("bias_std", {"bias_std": 1e200}),
        ("draws", {"draws": -1}),
        ("draws", {"draws": 5}),
    ],
)
def test_wrong_arguments_are_named(argument: str, given: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=f"^{argument}"):
        gi.predict("circles", "he_normal", **given)


def test_the_same_prediction_twice_is_the_same() -> None:
    first, second = (gi.predict("circles", "he_normal", hidden=(8,) * 9).layers for _ in range(2))
    assert first.equals(second)


def test_biases_are_given_as_in_a_comparison() -> None:
    asked: dict[str, Any] = {"hidden": (32, 32), "activation": "tanh", "draws": 0}
    said = gi.predict("moons", "lecun_normal", bias="normal(std=0.5)", **asked)
    same = gi.predict("moons", "lecun_normal", bias_std=0.5, **asked)
    np.testing.assert_array_equal(said.layers, same.layers)
    none = gi.predict("moons", "lecun_normal", **asked)
    assert (said.layers["preactivation_rms"] > none.layers["preactivation_rms"]).all()
    own = gi.predict("moons", "lecun_normal + bias(std=0.5)", bias="normal(std=9)", **asked)
    np.testing.assert_array_equal(own.layers, same.layers)


def test_theory_is_silent_of_biases_that_it_does_not_know() -> None:
    for spec in ("uniform(0, 1)", "constant(1)", "prior"):
        said = gi.predict("moons", "he_normal", bias=spec, draws=0)
        assert "zero and Gaussian biases alone" in " ".join(said.sentences())
    with pytest.raises(ArgumentError, match="bias_std"):
        gi.predict("moons", "he_normal", bias="normal(std=1)", bias_std=1.0)


@pytest.mark.parametrize(
    ("activation", "scheme"), [("relu", "he_normal"), ("selu", "lecun_normal")]
)
def test_a_hundred_examples_give_the_gradient_of_all_in_deep_networks(
    activation: str, scheme: str
) -> None:
    digits = load("digits")
    X, y = digits.X_train[:400], digits.y_train[:400]
    known = load((X, y, digits.X_test, digits.y_test))
    asked: dict[str, Any] = {"hidden": (30,) * 15, "activation": activation, "draws": 0}
    some = of_network(known, scheme, **asked)
    every = of_network(known, scheme, **asked, examples=Examples(X, y, len(X)))
    plain = Examples(some._examples.X, some._examples.y, len(X))
    without = of_network(known, scheme, **asked, examples=plain)
    away, before = (np.log(one.gradient_rms / every.gradient_rms) for one in (some, without))
    assert np.abs(away).max() < 0.02
    assert before.max() > 0.05
