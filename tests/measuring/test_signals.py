"""Signals: what theory says of the layers of a network, and what the Hessian says of the cost."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import goodinit as gi
from goodinit import initializers
from goodinit.datasets.dataset import chance_cost
from goodinit.measuring import signals
from goodinit.measuring.sharpness import sharpness
from goodinit.network import (
    Network,
    Parameters,
    backward,
    cost,
    forward,
    hessian_vector,
    initialize,
    pack,
    targets,
    unpack,
)

ACTIVATIONS = ["relu", "tanh", "sigmoid", "elu", "selu", "gelu", "silu", "softplus", "linear"]
OUTPUTS = {"sigmoid": 1, "softmax": 3, "linear": 1}


def batch(network: Network, scheme: str, seeds: range) -> Parameters:
    """Return networks of several seeds, stacked."""
    drawn = [initialize(network, initializers.read(scheme), seed) for seed in seeds]
    return [
        (np.stack([w for w, _ in layer]), np.stack([b for _, b in layer]))
        for layer in zip(*drawn, strict=True)
    ]


def measured(network: Network, parameters: Parameters, n: int = 40) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, network.layers[0]))
    y = rng.integers(max(network.layers[-1], 2), size=n)
    rates = np.full(len(parameters[0][0]), 0.1)
    return signals.measure(network, parameters, X, targets(network, y), rates).layers


def depth_factors(scheme: str, activation: str, depth: int, width: int = 512) -> np.ndarray:
    """Return by how much each hidden layer multiplies the mean square of the pre-activations."""
    network = Network((width, *[width] * depth, 1), activation)
    found = measured(network, batch(network, scheme, range(2)), n=60)
    squares = (found["preactivation_rms"][:, :-1] ** 2).mean(axis=0)
    factors: np.ndarray = squares[1:] / squares[:-1]
    return factors


@pytest.mark.slow
def test_he_keeps_the_second_moment_of_a_relu_network_over_50_layers() -> None:
    factors = depth_factors("he_normal", "relu", 50)
    assert np.exp(np.log(factors).mean()) == pytest.approx(1.0, abs=0.03)


@pytest.mark.slow
def test_lecun_halves_the_second_moment_of_a_relu_network_at_each_layer() -> None:
    factors = depth_factors("lecun_normal", "relu", 50)
    assert np.exp(np.log(factors).mean()) == pytest.approx(0.5, abs=0.02)


@pytest.mark.slow
def test_tanh_forgets_its_input_below_a_gain_of_one_and_keeps_a_scale_above() -> None:
    fading = depth_factors("variance_scaling(0.64, fan_in, normal)", "tanh", 30)
    kept = depth_factors("variance_scaling(2.25, fan_in, normal)", "tanh", 30)
    # Near zero tanh is the identity, so the factor tends to the weight variance times fan-in.
    assert fading[-1] == pytest.approx(0.64, abs=0.03)
    assert kept[-5:].mean() == pytest.approx(1.0, abs=0.02)


def test_glorot_lies_between_keeping_the_forward_and_the_backward_scale() -> None:
    network = Network((400, 100, 400, 100, 10), "linear", "linear")
    forward_scale, backward_scale = {}, {}
    for mode in ("fan_in", "fan_avg", "fan_out"):
        parameters = batch(network, f"variance_scaling(1, {mode}, normal)", range(4))
        found = measured(network, parameters)
        forward_scale[mode] = (found["preactivation_rms"][:, 2]).mean()
        backward_scale[mode] = (found["gradient_rms"][:, 0]).mean()
    assert forward_scale["fan_in"] == pytest.approx(1.0, abs=0.05)
    for scale in (forward_scale, backward_scale):
        low, high = sorted((scale["fan_in"], scale["fan_out"]))
        assert low < scale["fan_avg"] < high


def test_equal_units_are_one_although_rounding_leaves_different_noise_of_them() -> None:
    """A product's last bits follow from where in a matrix it stands, on some processors."""
    weights, biases = np.array([[[1.0, 0, 0], [0, 1e-4, 0], [0, 1e-4, 0]]]), np.zeros((1, 3))
    said = np.array([[[1.0, 1e-17, -3e-17], [-1.0, -2e-17, 1e-17]]])
    assert signals._distinct(weights, biases, said) == 2
    assert signals._distinct(weights, biases, said * [1, 1e7, 1e7]) == 3


def test_zeros_and_constants_have_one_distinct_unit_and_random_weights_all() -> None:
    network = Network((3, 10, 5, 1), "tanh")
    for scheme, expected in (("zeros", [1, 1, 1]), ("ones", [1, 1, 1]), ("he", [10, 5, 1])):
        found = measured(network, batch(network, scheme, range(3)))
        assert found["distinct_units"].tolist() == [expected] * 3


@given(st.integers(1, 8), st.integers(0, 7), st.floats(0.1, 100.0))
def test_units_are_the_same_only_where_weights_and_activations_coincide(
    units: int, copies: int, scale: float
) -> None:
    network = Network((4, units + copies, 1), "relu")
    ((weights, biases), last) = batch(network, "he", range(2))
    weights[:, units:] = weights[:, :1]
    found = measured(network, [(scale * weights, biases), last])
    assert (found["distinct_units"][:, 0] == units).all()


def test_a_unit_is_dead_where_no_example_answers_it() -> None:
    network = Network((2, 4, 1), "relu")
    parameters = batch(network, "he", range(1))
    parameters[0][1][0] = [-100.0, -100.0, -100.0, 100.0]
    found = measured(network, parameters)
    assert found["dead_fraction"][0, 0] == 0.75
    assert found["saturated_fraction"][0, 0] == 0
    assert np.isnan(found["dead_fraction"][0, 1])


def test_a_unit_is_saturated_where_almost_all_examples_lie_on_its_flat_ends() -> None:
    network = Network((2, 4, 1), "tanh")
    parameters = batch(network, "he", range(1))
    parameters[0][1][0] = [100.0, -100.0, 0.0, 0.0]
    found = measured(network, parameters)
    assert found["saturated_fraction"][0, 0] == 0.5
    assert found["dead_fraction"][0, 0] == 0


def test_effective_rank_counts_directions() -> None:
    network = Network((6, 6, 1), "linear", "linear")
    X = np.eye(6)
    identity: Parameters = [
        (np.eye(6)[np.newaxis], np.zeros((1, 6))),
        (np.ones((1, 1, 6)), np.zeros((1, 1))),
    ]
    found = signals.measure(network, identity, X, np.zeros((6, 1)), np.array([0.1]))
    assert found.layers["effective_rank"][0] == pytest.approx([6, 1], abs=1e-5)
    one: Parameters = [(np.ones((1, 6, 6)), np.zeros((1, 6))), identity[1]]
    found = signals.measure(network, one, X, np.zeros((6, 1)), np.array([0.1]))
    assert found.layers["effective_rank"][0, 0] == pytest.approx(1, abs=1e-5)


def test_gradients_and_updates_are_those_of_the_cost() -> None:
    network = Network((3, 4, 1), "silu")
    parameters = batch(network, "he", range(2))
    X, T = np.random.default_rng(1).standard_normal((20, 3)), np.ones((20, 1))
    found = signals.measure(network, parameters, X, T, np.array([0.1, 10.0])).layers
    slopes = backward(network, parameters, X, T)
    for layer in range(2):
        rms = np.sqrt((slopes[layer][0] ** 2).mean(axis=(1, 2)))
        size = np.sqrt((parameters[layer][0] ** 2).mean(axis=(1, 2)))
        np.testing.assert_allclose(found["gradient_rms"][:, layer], rms)
        np.testing.assert_allclose(found["gradient_to_weight"][:, layer], rms / size)
        np.testing.assert_allclose(
            found["update_to_weight"][:, layer], np.array([0.1, 10.0]) * rms / size
        )


def test_chance_is_the_entropy_of_the_classes_or_half_the_variance() -> None:
    assert chance_cost(gi.datasets.circles()) == pytest.approx(np.log(2))
    X = np.arange(20.0).reshape(10, 2)
    three = gi.datasets.load((X, [0, 0, 0, 0, 0, 1, 1, 1, 2, 2]), test_fraction=0)
    shares = np.array([0.5, 0.3, 0.2])
    assert chance_cost(three) == pytest.approx(-(shares * np.log(shares)).sum())
    numbers = gi.datasets.load((X, np.arange(10) + 0.5), test_fraction=0, standardize=False)
    assert chance_cost(numbers) == pytest.approx(np.var(np.arange(10)) / 2)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_hessian_vector_product_is_the_slope_of_the_gradient(
    activation: str, output: str
) -> None:
    network = Network((3, 5, 4, OUTPUTS[output]), activation, output)
    parameters = batch(network, "he", range(2))
    rng = np.random.default_rng(5)
    # Random biases, so that no unit sits at the kink, as one without input would.
    parameters = [(w, rng.standard_normal(b.shape)) for w, b in parameters]
    X = rng.standard_normal((12, 3))
    T = targets(network, rng.integers(max(OUTPUTS[output], 2), size=12))
    flat = pack(parameters)
    along = rng.standard_normal(flat.shape)
    step = 1e-6
    there, back = (
        pack(backward(network, unpack(network.layers, flat + s * along), X, T))
        for s in (step, -step)
    )
    product = pack(hessian_vector(network, parameters, X, T, unpack(network.layers, along)))
    np.testing.assert_allclose(product, (there - back) / (2 * step), rtol=2e-5, atol=2e-7)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("activation", ["relu", "tanh", "silu"])
def test_sharpness_is_the_largest_eigenvalue_of_the_whole_hessian(
    activation: str, output: str
) -> None:
    network = Network((3, 6, 4, OUTPUTS[output]), activation, output)
    parameters = batch(network, "normal(std=0.8)", range(6))
    rng = np.random.default_rng(2)
    X = rng.standard_normal((15, 3))
    T = targets(network, rng.integers(max(OUTPUTS[output], 2), size=15))
    size = pack(parameters).shape[1]
    columns = [
        pack(
            hessian_vector(network, parameters, X, T, unpack(network.layers, np.tile(row, (6, 1))))
        )
        for row in np.eye(size)
    ]
    hessians = np.stack(columns, axis=-1)
    np.testing.assert_allclose(hessians, np.swapaxes(hessians, 1, 2), atol=1e-12)
    eigenvalues = np.linalg.eigvalsh(hessians)
    found = sharpness(network, parameters, X, T)
    np.testing.assert_allclose(found, eigenvalues[:, -1], rtol=1e-6)


def test_sharpness_is_the_largest_eigenvalue_also_where_a_negative_one_is_larger_in_size() -> None:
    # One linear unit after another, far from the target: a saddle with eigenvalues ± of one size.
    network = Network((1, 1, 1), "linear", "linear")
    flat = np.array([[0.1, 0.0, 0.1, 0.0]])
    X, T = np.array([[1.0]]), np.array([[10.0]])
    parameters = unpack(network.layers, flat)
    columns = [
        pack(hessian_vector(network, parameters, X, T, unpack(network.layers, row[np.newaxis])))[0]
        for row in np.eye(4)
    ]
    eigenvalues = np.linalg.eigvalsh(np.array(columns))
    assert eigenvalues[0] < 0
    assert sharpness(network, parameters, X, T)[0] == pytest.approx(eigenvalues[-1], rel=1e-9)


def test_sharpness_of_a_network_is_the_same_alone_and_among_others() -> None:
    network = Network((3, 6, 4, 1), "tanh")
    parameters = batch(network, "he", range(9))
    rng = np.random.default_rng(2)
    X, T = rng.standard_normal((15, 3)), rng.integers(2, size=(15, 1)).astype(float)
    together = sharpness(network, parameters, X, T)
    for i in range(9):
        alone = sharpness(network, [(w[i : i + 1], b[i : i + 1]) for w, b in parameters], X, T)
        assert alone[0] == together[i]


def test_sharpness_does_not_depend_on_how_many_vectors_fit_into_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = Network((3, 6, 4, 1), "tanh")
    parameters = batch(network, "he", range(7))
    rng = np.random.default_rng(2)
    X, T = rng.standard_normal((15, 3)), rng.integers(2, size=(15, 1)).astype(float)
    together = sharpness(network, parameters, X, T)
    monkeypatch.setattr("goodinit.measuring.sharpness._MOST_BYTES", 40_000)
    np.testing.assert_array_equal(sharpness(network, parameters, X, T), together)


@pytest.mark.parametrize("hidden", [(6, 4), (60, 40)])
def test_steps_that_end_early_find_what_all_find_and_the_same_alone(
    hidden: tuple[int, ...],
) -> None:
    network = Network((3, *hidden, 1), "tanh")
    parameters = batch(network, "he", range(9))
    rng = np.random.default_rng(2)
    X, T = rng.standard_normal((15, 3)), rng.integers(2, size=(15, 1)).astype(float)
    exact = sharpness(network, parameters, X, T)
    early = sharpness(network, parameters, X, T, tolerance=0.01)
    assert (early != exact).any()
    np.testing.assert_allclose(early, exact, rtol=0.01)
    for i in range(9):
        one = [(w[i : i + 1], b[i : i + 1]) for w, b in parameters]
        assert sharpness(network, one, X, T, tolerance=0.01)[0] == early[i]


def test_sharpness_of_a_network_that_is_not_finite_is_nan_and_harms_no_other() -> None:
    network = Network((3, 4, 1))
    parameters = batch(network, "he", range(3))
    rng = np.random.default_rng(2)
    X, T = rng.standard_normal((15, 3)), rng.integers(2, size=(15, 1)).astype(float)
    before = sharpness(network, parameters, X, T)
    parameters[0][0][1, 0, 0] = np.inf
    after = sharpness(network, parameters, X, T)
    assert np.isnan(after[1])
    assert (after[[0, 2]] == before[[0, 2]]).all()


def test_hessians_and_gradients_agree_with_autograd() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the other side, is not installed")
    network = Network((3, 5, 1), "tanh")
    parameters = [(w[0], b[0]) for w, b in batch(network, "he", range(1))]
    rng = np.random.default_rng(3)
    X, T = rng.standard_normal((10, 3)), rng.integers(2, size=(10, 1)).astype(float)

    def torch_cost(flat: Any) -> Any:
        w1, b1 = flat[:15].reshape(5, 3), flat[15:20]
        w2, b2 = flat[20:25].reshape(1, 5), flat[25:]
        logits = torch.tanh(torch.tensor(X) @ w1.T + b1) @ w2.T + b2
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor(T))

    flat = torch.tensor(pack(parameters))
    assert float(torch_cost(flat)) == pytest.approx(
        float(cost(network, forward(network, parameters, X)[0][-1], T)), rel=1e-12
    )
    hessian = torch.autograd.functional.hessian(torch_cost, flat).numpy()
    found = sharpness(network, [(w[np.newaxis], b[np.newaxis]) for w, b in parameters], X, T)
    assert found[0] == pytest.approx(np.linalg.eigvalsh(hessian)[-1], rel=1e-9)


def test_a_comparison_carries_signals_and_sharpness_of_every_trial() -> None:
    result = gi.compare("circles", initializers=["zeros", "he"], iterations=50, seeds=3)
    assert list(result.signals.columns[:5]) == [
        "initializer",
        "learning_rate",
        "seed",
        "moment",
        "layer",
    ]
    assert len(result.signals) == 6 * 2 * 3
    at_start = result.signals.query("initializer == 'zeros' and moment == 'start' and layer == 1")
    assert (at_start["distinct_units"] == 1).all()
    counted = result.sharpness.groupby(["initializer", "seed"]).size()
    assert counted.nunique() == 1
    assert counted.iloc[0] >= 8
    limit = result.sharpness["learning_rate"] * result.sharpness["sharpness"] / 2
    np.testing.assert_allclose(result.sharpness["stability"], limit)
