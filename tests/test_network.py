"""The network against finite differences, autograd, closed forms, and itself in a batch."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import special

from goodinit import activations
from goodinit.errors import ArgumentError
from goodinit.initializers import read
from goodinit.network import (
    OUTPUTS,
    Network,
    Parameters,
    backward,
    cost,
    forward,
    initialize,
    score,
    targets,
    update,
)

Array = NDArray[np.float64]

ACTIVATIONS = [*activations.NAMES, "leaky_relu(0.3)"]
KINKED = (
    "relu",
    "leaky_relu",
    "elu",
    "selu",
)  # elu's curvature jumps, which is a kink of its slope


@dataclass(frozen=True)
class Case:
    """A network at some point of its training, with examples."""

    network: Network
    parameters: Parameters
    X: Array
    y: NDArray[Any]

    @property
    def targets(self) -> Array:
        return targets(self.network, self.y)

    def cost(self, parameters: Parameters) -> float:
        preactivations, _ = forward(self.network, parameters, self.X)
        return float(cost(self.network, preactivations[-1], self.targets))

    def gradient(self) -> Parameters:
        return backward(self.network, self.parameters, self.X, self.targets)


def case(network: Network, n_samples: int, seed: int) -> Case:
    """Return the network with weights and biases of pre-activations near 1, and random examples."""
    rng = np.random.default_rng(seed)
    parameters: Parameters = [
        (weights, 0.3 * rng.standard_normal(len(weights)))
        for weights, _ in initialize(network, read("he_normal"), seed)
    ]
    classes = {"sigmoid": 2, "softmax": network.layers[-1]}.get(network.output)
    y = rng.integers(classes, size=n_samples) if classes else rng.standard_normal(n_samples)
    return Case(network, parameters, rng.standard_normal((n_samples, network.layers[0])), y)


@st.composite
def networks(draw: st.DrawFn) -> Network:
    widths = st.integers(1, 6)
    output = draw(st.sampled_from(list(OUTPUTS)))
    hidden = draw(st.lists(widths, max_size=3))
    outputs = draw(widths) if output == "softmax" else 1
    activation = draw(st.sampled_from(ACTIVATIONS))
    return Network((draw(widths), *hidden, outputs), activation, output)


cases = st.builds(case, networks(), st.integers(1, 8), st.integers(0, 2**32 - 1))


def flat(parameters: Parameters) -> Array:
    return np.concatenate([part.ravel() for layer in parameters for part in layer])


def moved(parameters: Parameters, direction: Array, step: float) -> Parameters:
    """Return the parameters a step away; the direction lists them as ``flat`` does."""
    parts = iter(
        np.split(direction, np.cumsum([p.size for layer in parameters for p in layer])[:-1])
    )
    return [
        (w + step * next(parts).reshape(w.shape), b + step * next(parts).reshape(b.shape))
        for w, b in parameters
    ]


def nearest_kink(case: Case) -> float:
    """Return the distance of the closest hidden pre-activation to 0; ∞ where nothing is kinked."""
    preactivations, _ = forward(case.network, case.parameters, case.X)
    hidden = [np.abs(z).min() for z in preactivations[:-1]]
    kinked = case.network.activation.partition("(")[0] in KINKED
    return float(min(hidden)) if kinked and hidden else np.inf


@given(cases)
def test_every_gradient_is_the_central_difference(case: Case) -> None:
    """Entry by entry: off by step² of the third derivative, and by rounding over the step."""
    assume(nearest_kink(case) > 1e-3)  # no step of 1e-5 carries a pre-activation over it
    gradient, step = flat(case.gradient()), 1e-5
    differences = [
        (
            case.cost(moved(case.parameters, axis, step))
            - case.cost(moved(case.parameters, axis, -step))
        )
        / (2 * step)
        for axis in np.eye(gradient.size)
    ]
    tolerance = 1e-8 * (1 + case.cost(case.parameters) + np.abs(gradient).max())
    np.testing.assert_allclose(gradient, differences, rtol=1e-6, atol=tolerance)


def torch_cost(torch: Any, case: Case, layers: list[tuple[Any, Any]]) -> Any:
    """Return PyTorch's own cost of the same network, its activations and losses included."""
    functional = torch.nn.functional
    hidden = {
        "leaky_relu": lambda z: functional.leaky_relu(z, 0.01),
        "leaky_relu(0.3)": lambda z: functional.leaky_relu(z, 0.3),
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "linear": lambda z: z,
    }.get(case.network.activation) or getattr(functional, case.network.activation)
    z = torch.tensor(case.X)
    for number, (weights, biases) in enumerate(layers):
        z = functional.linear(hidden(z) if number else z, weights, biases)
    wanted = torch.tensor(case.targets)
    return {
        "sigmoid": lambda: functional.binary_cross_entropy_with_logits(z, wanted),
        "softmax": lambda: functional.cross_entropy(z, wanted),
        "linear": lambda: functional.mse_loss(z, wanted) / 2,
    }[case.network.output]()


@given(cases)
def test_cost_and_gradients_are_pytorchs(case: Case) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the other side, is not installed")
    layers = [
        tuple(torch.tensor(part, requires_grad=True) for part in layer) for layer in case.parameters
    ]
    theirs = torch_cost(torch, case, layers)
    theirs.backward()
    assert case.cost(case.parameters) == pytest.approx(theirs.item(), rel=1e-12, abs=1e-14)
    gradients = [part.grad.numpy().ravel() for layer in layers for part in layer]
    np.testing.assert_allclose(
        flat(case.gradient()), np.concatenate(gradients), rtol=1e-9, atol=1e-12
    )


def test_forward_is_the_formula_written_out() -> None:
    (W1, b1), (W2, b2), (W3, b3) = layers = case(
        Network((3, 4, 2, 1), "tanh"), 5, seed=0
    ).parameters
    X = np.random.default_rng(1).standard_normal((5, 3))
    preactivations, inputs = forward(Network((3, 4, 2, 1), "tanh"), layers, X)
    A1 = np.tanh(X @ W1.T + b1)
    A2 = np.tanh(A1 @ W2.T + b2)
    for ours, written in zip(inputs, [X, A1, A2], strict=True):
        np.testing.assert_allclose(ours, written, rtol=1e-15)
    np.testing.assert_allclose(preactivations[-1], A2 @ W3.T + b3, rtol=1e-15)


logits = st.floats(-1e4, 1e4)
LARGE = np.array([-1e4, -800.0, -40.0, 0.0, 40.0, 800.0, 1e4])


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_a_saturated_sigmoid_costs_its_logit(target: float) -> None:
    """Where the articles print inf: -log(sigmoid(z)) is -z to the last digit from z = -40 on."""
    costs = OUTPUTS["sigmoid"].costs(LARGE[:, np.newaxis], np.full((7, 1), target))
    wrong_by = np.maximum(0, LARGE if target == 0 else -LARGE)
    np.testing.assert_allclose(costs[LARGE != 0], wrong_by[LARGE != 0], rtol=1e-15, atol=1e-17)
    assert costs[LARGE == 0] == np.log(2)


def test_a_saturated_softmax_costs_the_gap_to_the_winner() -> None:
    z = np.stack([LARGE, -LARGE], axis=1)
    costs = OUTPUTS["softmax"].costs(z, np.array([[1.0, 0.0]]))
    np.testing.assert_allclose(
        costs, np.maximum(0, -2 * LARGE) + (LARGE == 0) * np.log(2), atol=1e-17
    )
    assert np.isfinite(OUTPUTS["softmax"].activation(z)).all()


def test_a_squared_error_of_a_large_logit_is_finite() -> None:
    assert cost(Network((1, 1), output="linear"), np.array([[1e4]]), np.array([[-1e4]])) == 2e8


@given(st.lists(st.tuples(st.floats(-15, 15), st.booleans()), min_size=1, max_size=8))
def test_binary_cross_entropy_is_the_textbook_formula(examples: list[tuple[float, bool]]) -> None:
    z, y = np.array(examples).T
    p = special.expit(z)
    textbook = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    ours = cost(Network((1, 1)), z[:, np.newaxis], y[:, np.newaxis])
    assert ours == pytest.approx(textbook, rel=1e-9)  # 1 - p loses seven digits at z = 15


rows = st.integers(1, 6).flatmap(
    lambda k: st.tuples(st.lists(st.floats(-15, 15), min_size=k, max_size=k), st.integers(0, k - 1))
)


@given(rows)
def test_cross_entropy_is_the_textbook_formula(row: tuple[list[float], int]) -> None:
    z, label = np.array([row[0]]), row[1]
    network = Network((1, z.shape[1]), output="softmax")
    p = np.exp(z) / np.exp(z).sum()
    ours = cost(network, z, targets(network, np.array([label])))
    assert ours == pytest.approx(-np.log(p[0, label]), rel=1e-12, abs=1e-14)
    np.testing.assert_allclose(OUTPUTS["softmax"].activation(z), p, rtol=1e-13)


@given(rows, logits)
def test_softmax_does_not_see_a_shift_of_all_logits(
    row: tuple[list[float], int], by: float
) -> None:
    z, softmax = np.array([row[0]]), OUTPUTS["softmax"]
    wanted = np.eye(z.shape[1])[[row[1]]]
    rounding = 1e-15 * (20 + abs(by))  # of z + by; the functions of it are no worse
    np.testing.assert_allclose(softmax.activation(z + by), softmax.activation(z), rtol=8 * rounding)
    np.testing.assert_allclose(
        softmax.costs(z + by, wanted), softmax.costs(z, wanted), atol=8 * rounding
    )


@given(st.floats(-30, 30), st.booleans())
def test_a_softmax_of_two_is_a_sigmoid_of_the_gap(z: float, positive: bool) -> None:
    pair = np.array([[0.0, z]])
    assert OUTPUTS["softmax"].activation(pair)[0, 1] == pytest.approx(special.expit(z), rel=1e-14)
    two = OUTPUTS["softmax"].costs(pair, np.eye(2)[[int(positive)]])
    one = OUTPUTS["sigmoid"].costs(np.array([[z]]), np.array([[float(positive)]]))
    np.testing.assert_allclose(two, one, rtol=1e-12, atol=1e-15)


@given(networks(), st.integers(1, 8), st.integers(1, 5), st.integers(0, 2**16))
def test_a_stacked_batch_is_each_network_alone(
    network: Network, n_samples: int, batch: int, seed: int
) -> None:
    """Bit for bit: NumPy's matmul calls BLAS once per network, whatever axes stand before."""
    alone = [case(network, n_samples, seed + number) for number in range(batch)]
    X, y, wanted = alone[0].X, alone[0].y, alone[0].targets
    stacked: Parameters = [
        (np.stack([w for w, _ in layer]), np.stack([b for _, b in layer]))
        for layer in zip(*(one.parameters for one in alone), strict=True)
    ]
    rates = np.linspace(0.1, 0.5, batch)
    logits = forward(network, stacked, X)[0][-1]
    stepped = update(stacked, backward(network, stacked, X, wanted), rates)
    for number, one in enumerate(alone):
        own = forward(network, one.parameters, X)[0][-1]
        assert (logits[number] == own).all()
        assert cost(network, logits, wanted)[number] == cost(network, own, wanted)
        if np.ptp(y) > 0:  # R² of equal targets is no number
            assert score(network, logits, y)[number] == score(network, own, y)
        gradient = backward(network, one.parameters, X, wanted)
        step = update(one.parameters, gradient, rates[number])
        for (weights, biases), (own_weights, own_biases) in zip(stepped, step, strict=True):
            assert (weights[number] == own_weights).all()
            assert (biases[number] == own_biases).all()


def close(one: Any, other: Any) -> None:
    np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-13)


@given(cases, st.randoms(use_true_random=False))
def test_permuting_examples_changes_nothing_but_rounding(case: Case, random: Any) -> None:
    order = random.sample(range(len(case.X)), len(case.X))
    shuffled = Case(case.network, case.parameters, case.X[order], case.y[order])
    assert shuffled.cost(case.parameters) == pytest.approx(case.cost(case.parameters), rel=1e-13)
    np.testing.assert_allclose(flat(shuffled.gradient()), flat(case.gradient()), rtol=0, atol=1e-13)


@pytest.mark.parametrize("spec", ["zeros", "ones", "constant(0.5)"])
@given(networks(), st.integers(0, 2**16))
def test_equal_units_stay_equal_through_every_update(
    spec: str, network: Network, seed: int
) -> None:
    """However long it trains, a layer of any width is one unit: its rows and columns are copies."""
    examples = case(network, 6, seed)
    parameters = initialize(network, read(spec), seed)
    for _ in range(5):
        gradient = backward(network, parameters, examples.X, examples.targets)
        rate = 0.1 / (1 + np.abs(flat(gradient)).sum())  # small enough for none to diverge
        parameters = update(parameters, gradient, rate)
    for (weights, biases), (outgoing, _) in pairwise(parameters):
        close(weights, weights[:1].repeat(len(weights), axis=0))
        close(biases, biases[:1].repeat(len(biases)))
        close(outgoing, outgoing[:, :1].repeat(len(biases), axis=1))


@pytest.mark.parametrize("activation", ["relu", "tanh", "elu", "gelu", "silu", "linear"])
def test_zeros_teach_only_the_last_bias_where_the_activation_of_zero_is_zero(
    activation: str,
) -> None:
    network = Network((3, 5, 4, 1), activation)
    examples = case(network, 7, seed=0)
    gradient = backward(
        network, initialize(network, read("zeros"), 0), examples.X, examples.targets
    )
    *rest, last = flat(gradient)
    assert not np.any(rest)
    assert last == pytest.approx(0.5 - examples.y.mean())


def test_a_model_without_hidden_units_is_logistic_regression_and_learns_from_zeros() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 2))
    y = (X @ [2.0, -1.0] > 0).astype(float)
    network = Network((2, 1))
    parameters = initialize(network, read("zeros"), 0)
    for _ in range(200):
        parameters = update(parameters, backward(network, parameters, X, y[:, np.newaxis]), 1.0)
    assert score(network, forward(network, parameters, X)[0][-1], y) > 0.98


@given(cases)
def test_a_small_step_lowers_the_cost_by_the_rate_times_the_squared_gradient(case: Case) -> None:
    assume(nearest_kink(case) > 1e-3)
    gradient = case.gradient()
    slope = float(np.sum(flat(gradient) ** 2))
    assume(1e-4 < slope < 1e4)
    rate = 1e-6 / max(1, slope)
    fallen = case.cost(case.parameters) - case.cost(update(case.parameters, gradient, rate))
    assert fallen > 0
    assert fallen == pytest.approx(rate * slope, rel=0.01, abs=1e-14 * case.cost(case.parameters))


def test_the_targets_of_classes_are_one_hot_and_of_numbers_the_numbers() -> None:
    y = np.array([2, 0, 1, 2])
    assert (targets(Network((2, 3), output="softmax"), y) == np.eye(3)[y]).all()
    assert targets(Network((2, 1)), np.array([1, 0])).tolist() == [[1.0], [0.0]]
    assert targets(Network((2, 1), output="linear"), np.array([1.5])).tolist() == [[1.5]]


def test_initialize_has_the_schemes_weights_and_biases_of_zero() -> None:
    parameters = initialize(Network((3, 4, 2)), read("ones"), seed=0)
    assert [(w.shape, b.shape) for w, b in parameters] == [((4, 3), (4,)), ((2, 4), (2,))]
    assert all((w == 1).all() and (b == 0).all() for w, b in parameters)


@pytest.mark.parametrize(
    ("output", "logits", "y", "value"),
    [
        ("sigmoid", [[3.0], [-1.0], [0.1], [-0.1]], [1, 0, 0, 0], 0.75),
        ("sigmoid", [[0.0]], [0], 1.0),  # a probability of exactly 1/2 is class 0
        ("softmax", [[0, 1, 2], [2, 1, 0], [0, 2, 1]], [2, 0, 2], 2 / 3),
        ("softmax", [[1e4, -1e4]], [0], 1.0),
        ("linear", [[1.0], [2.0], [3.0]], [1.0, 2.0, 3.0], 1.0),
        ("linear", [[2.0], [2.0], [2.0]], [1.0, 2.0, 3.0], 0.0),  # the mean explains nothing
        ("linear", [[3.0], [2.0], [1.0]], [1.0, 2.0, 3.0], -3.0),
    ],
)
def test_score_is_accuracy_or_r_squared(
    output: str, logits: list[list[float]], y: list[float], value: float
) -> None:
    network = Network((1, len(logits[0])), output=output)
    assert score(network, np.array(logits, dtype=float), np.array(y)) == pytest.approx(value)


def test_a_network_says_what_it_is() -> None:
    assert str(Network((2, 10, 5, 1))) == "2-10-5-1, relu, sigmoid"
    assert (
        str(Network((4, 3), "leaky_relu(slope=0.2)", "softmax")) == "4-3, leaky_relu(0.2), softmax"
    )
    assert Network(layers=np.array([2, 3])).layers == Network([2, 3]).layers == (2, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": (2,)}, r"layers: got \(2,\), takes two or more whole numbers above 0"),
        ({"layers": ()}, r"layers: got \(\), takes two or more"),
        ({"layers": (2, 0, 1)}, r"layers: got \(2, 0, 1\), takes two or more"),
        ({"layers": (2, -3, 1)}, r"layers: got \(2, -3, 1\), takes two or more"),
        ({"layers": (2, 1.0)}, r"layers: got \(2, 1.0\), takes two or more"),
        ({"layers": (2, True)}, r"layers: got \(2, True\), takes two or more"),
        ({"layers": ("2", "1")}, "takes two or more whole numbers above 0"),
        ({"layers": "2,1"}, "layers: got '2,1', takes two or more"),
        ({"layers": 5}, "layers: got 5, takes two or more"),
        ({"layers": None}, "layers: got None, takes two or more"),
        ({"layers": ((2, 3), 1)}, "takes two or more whole numbers above 0"),
        ({"activation": "rleu"}, "activation: got 'rleu', takes one of .*did you mean 'relu'"),
        ({"activation": "leaky_relu(steep)"}, "slope: got 'steep', takes a finite number"),
        ({"activation": None}, "activation: got None, takes one of"),
        ({"output": "sofmax"}, "output: got 'sofmax', takes one of .*did you mean 'softmax'"),
        ({"output": None}, "output: got 'None', takes one of sigmoid, softmax, linear"),
        ({"output": ["sigmoid"]}, "output: got .*, takes one of sigmoid, softmax, linear"),
    ],
    ids=str,
)
def test_what_is_no_network_is_refused_in_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        Network(**{"layers": (2, 1), **arguments})
    assert len(str(caught.value).splitlines()) == 1


def test_many_equal_layers_are_told_in_few_words() -> None:
    assert str(Network((64, *[64] * 30, 10))) == "64-64×30-10, relu, sigmoid"
    assert str(Network((2, 5, 5, 5, 7, 1))) == "2-5-5-5-7-1, relu, sigmoid"
