"""Articles 000 to 003: a notebook written for them runs, prints and draws as published."""

import re
from collections.abc import Iterator
from itertools import pairwise
from math import exp
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from goodinit.articles import three_layer
from goodinit.articles.published import Run, Value, figures
from goodinit.articles.three_layer import (
    backward_propagation,
    compute_loss,
    forward_propagation,
    initialize_parameters_he,
    initialize_parameters_random,
    initialize_parameters_xavier,
    initialize_parameters_zeros,
    load_dataset,
    model,
    plot_decision_boundary,
    predict,
    predict_dec,
    relu,
    sigmoid,
    update_parameters,
)
from goodinit.errors import ArgumentError

Array = NDArray[np.float64]
Parameters = dict[str, Array]

DIMS = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(lambda sizes: [*sizes, 1])
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def closed_figures(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    plt.switch_backend("agg")
    monkeypatch.setenv("DISPLAY", ":0")  # with a display, Agg warns when asked to show a figure
    yield
    plt.close("all")


def published(article: str, run: Run, quantity: str) -> Value:
    matching = [f for f in figures() if (f.article, f.run, f.quantity) == (article, run, quantity)]
    return matching[-1].value


def some_network(dims: list[int], seed: int) -> tuple[Array, NDArray[np.int64], Parameters]:
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(dims[0], 7)), rng.integers(0, 2, size=(1, 7))
    parameters = {}
    for layer in range(1, len(dims)):
        std = dims[layer - 1] ** -0.5  # keeps the output from saturating
        parameters[f"W{layer}"] = rng.normal(0, std, size=(dims[layer], dims[layer - 1]))
        parameters[f"b{layer}"] = rng.normal(size=(dims[layer], 1))
    return X, Y, parameters


def notebook_model(X: Array, Y: Any, initialization: str) -> Parameters:
    """Article 001's first cell, as its readers complete it, on what they wrote after it."""
    costs = []
    layers_dims = [X.shape[0], 10, 5, 1]
    initialize = {
        "zeros": initialize_parameters_zeros,
        "random": initialize_parameters_random,
        "he": initialize_parameters_he,
    }
    parameters = initialize[initialization](layers_dims)
    for i in range(15000):
        a3, cache = forward_propagation(X, parameters)
        cost = compute_loss(a3, Y)
        grads = backward_propagation(X, Y, cache)
        parameters = update_parameters(parameters, grads, 0.01)
        if i % 1000 == 0:
            print(f"Cost after iteration {i}: {cost}")
            costs.append(cost)
    plt.plot(costs)
    return parameters


@pytest.mark.parametrize("initialization", ["zeros", "random", "he"])
def test_the_notebook_of_article_001_runs_with_its_import_lines_changed(
    initialization: str, capsys: pytest.CaptureFixture[str]
) -> None:
    train_X, train_Y, test_X, test_Y = load_dataset()
    own = notebook_model(train_X, train_Y, initialization)
    own_lines = capsys.readouterr().out.splitlines()

    parameters = model(train_X, train_Y, initialization=initialization)
    lines = capsys.readouterr().out.splitlines()
    print("On the train set:")
    predictions_train = predict(train_X, train_Y, parameters)
    print("On the test set:")
    predictions_test = predict(test_X, test_Y, parameters)
    accuracies = capsys.readouterr().out.splitlines()
    print("predictions_train = " + str(predictions_train))
    plt.title(f"Model with {initialization} initialization")
    axes = plt.gca()
    axes.set_xlim(-1.5, 1.5)
    axes.set_ylim(-1.5, 1.5)
    plot_decision_boundary(lambda x: predict_dec(parameters, x.T), train_X, train_Y)

    assert lines == own_lines
    assert all(np.array_equal(parameters[name], own[name]) for name in own)
    assert [line.split(":")[0] for line in lines] == [
        f"Cost after iteration {i}" for i in range(0, 15000, 1000)
    ]
    assert predictions_train.shape == (1, 300)
    assert predictions_test.shape == (1, 100)
    assert predictions_train.dtype == np.int64
    test_accuracy = published("003", Run("circles", initialization), "test accuracy")
    assert accuracies[2:] == ["On the test set:", f"Accuracy: {test_accuracy}"]
    train_accuracy = published("001", Run("circles", initialization), "train accuracy")
    assert accuracies[0] == "On the train set:"
    assert float(accuracies[1].removeprefix("Accuracy: ")) == pytest.approx(
        train_accuracy, abs=0.005
    )


def printed_costs(text: str) -> dict[int, float]:
    found = re.findall(r"^Cost after iteration (\d+): (\S+)$", text, re.MULTILINE)
    return {int(i): float(cost) for i, cost in found}


def test_he_agrees_with_the_published_costs_to_thirteen_digits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    X, Y, _, _ = three_layer.circles()
    model(X, Y)
    costs = printed_costs(capsys.readouterr().out)
    run = Run("circles", "he")
    for i in (0, 1000):
        assert format(costs[i], ".12g") == str(published("000", run, f"cost at iteration {i}"))
    assert costs[14000] == pytest.approx(
        published("003", run, "cost at iteration 14000"), rel=1e-13
    )


def test_large_random_weights_first_cost_inf_as_published(
    capsys: pytest.CaptureFixture[str],
) -> None:
    X, Y, _, _ = three_layer.circles()
    model(X, Y, num_iterations=1, initialization="random")
    assert capsys.readouterr().out == "Cost after iteration 0: inf\n"


def test_zeros_keep_all_units_of_a_layer_identical() -> None:
    X, Y, _, _ = three_layer.circles()
    parameters = model(X, Y, num_iterations=500, initialization="zeros", print_cost=False)
    for name in ("W1", "b1", "W2", "b2"):
        assert np.ptp(parameters[name], axis=0).max() == 0
    assert compute_loss(forward_propagation(X, parameters)[0], Y) == pytest.approx(
        np.log(2), rel=1e-15
    )


@pytest.mark.parametrize(
    ("dims", "initialize"),
    [
        ([3, 2, 1], initialize_parameters_zeros),
        ([3, 2, 1], initialize_parameters_random),
        ([2, 4, 1], initialize_parameters_he),
    ],
)
def test_the_weights_that_article_001_expects(dims: list[int], initialize: Any) -> None:
    run = Run(f"weights {dims}", initialize.__name__.removeprefix("initialize_parameters_"))
    parameters = initialize(dims)
    assert list(parameters) == ["W1", "b1", "W2", "b2"]
    for name, array in parameters.items():
        expected = np.array(published("001", run, name))
        np.testing.assert_array_equal(np.round(array, 8), expected)


def test_without_a_seed_the_global_stream_goes_on_as_in_article_000() -> None:
    three_layer.circles()
    expected = 10 * np.random.randn(10, 2)
    three_layer.circles()
    initialize_parameters_zeros([2, 10, 5, 1])  # which draws nothing
    unseeded = initialize_parameters_random([2, 10, 5, 1], seed=None)
    np.testing.assert_array_equal(unseeded["W1"], expected)
    seeded = initialize_parameters_random([2, 10, 5, 1])
    assert not np.array_equal(seeded["W1"], expected)
    np.testing.assert_array_equal(initialize_parameters_random([2, 10, 5, 1])["W3"], seeded["W3"])


def test_he_and_xavier_scale_the_same_draw() -> None:
    he, xavier = initialize_parameters_he([9, 4, 1]), initialize_parameters_xavier([9, 4, 1])
    np.testing.assert_allclose(he["W1"], np.sqrt(2) * xavier["W1"], rtol=1e-15)
    random = initialize_parameters_random([9, 4, 1])
    np.testing.assert_allclose(random["W1"], 30 * xavier["W1"], rtol=1e-15)


def test_sigmoid_and_relu_at_their_ends() -> None:
    z = np.array([-1e4, -1.0, 0.0, 1.0, 1e4])
    np.testing.assert_allclose(sigmoid(z), [0, 1 / (1 + exp(1)), 0.5, 1 / (1 + exp(-1)), 1])
    np.testing.assert_array_equal(relu(z), [0, 0, 0, 1, 1e4])


def test_a_certain_and_right_example_costs_nothing() -> None:
    assert compute_loss(np.array([[0.0, 1.0]]), np.array([[0, 1]])) == 0
    assert compute_loss(np.array([[1.0, 1.0]]), np.array([[0, 1]])) == np.inf


def test_the_cache_and_the_gradients_have_the_published_names_and_shapes() -> None:
    X, Y, parameters = some_network([2, 10, 5, 1], seed=0)
    a3, cache = forward_propagation(X, parameters)
    z1, a1, W1, b1, z2, a2, W2, b2, z3, last, W3, b3 = cache
    assert [z1.shape, z2.shape, z3.shape] == [(10, 7), (5, 7), (1, 7)]
    np.testing.assert_array_equal(a1, np.maximum(0, np.dot(W1, X) + b1))
    np.testing.assert_array_equal(a2, np.maximum(0, np.dot(W2, a1) + b2))
    np.testing.assert_array_equal(z3, np.dot(W3, a2) + b3)
    assert last is a3
    grads = backward_propagation(X, Y, cache)
    assert set(grads) == {
        *("dz3", "dW3", "db3", "da2", "dz2", "dW2", "db2", "da1", "dz1", "dW1", "db1")
    }
    np.testing.assert_array_equal(grads["dz3"], 1.0 / 7 * (a3 - Y))
    assert grads["da1"].shape == a1.shape


@settings(derandomize=True, max_examples=30, deadline=None)  # a seed could sit on ReLU's kink
@given(DIMS, SEEDS)
def test_gradients_are_those_of_finite_differences(dims: list[int], seed: int) -> None:
    X, Y, parameters = some_network(dims, seed)
    grads = backward_propagation(X, Y, forward_propagation(X, parameters)[1])
    step = 1e-6
    for name, array in parameters.items():
        slopes = np.empty_like(array)
        for entry in np.ndindex(array.shape):
            sides = []
            for sign in (1, -1):
                moved = array.copy()
                moved[entry] += sign * step
                sides.append(compute_loss(forward_propagation(X, parameters | {name: moved})[0], Y))
            slopes[entry] = (sides[0] - sides[1]) / (2 * step)
        np.testing.assert_allclose(grads[f"d{name}"], slopes, rtol=1e-4, atol=1e-7)


@settings(max_examples=30, deadline=None)
@given(DIMS, SEEDS)
def test_one_update_is_the_published_step_at_any_depth(dims: list[int], seed: int) -> None:
    X, Y, parameters = some_network(dims, seed)
    before = dict(parameters)
    _, cache = forward_propagation(X, parameters)
    assert len(cache) == 4 * (len(dims) - 1)
    grads = backward_propagation(X, Y, cache)
    assert update_parameters(parameters, grads, 0.3) is parameters
    for name, array in before.items():
        np.testing.assert_array_equal(parameters[name], array - 0.3 * grads[f"d{name}"])


@pytest.mark.parametrize("dims", [[2, 1], [2, 4, 1], [2, 6, 5, 4, 3, 1]])
def test_model_trains_any_depth(dims: list[int], capsys: pytest.CaptureFixture[str]) -> None:
    X, Y, _, _ = three_layer.circles()
    parameters = model(X, Y, 0.1, 1001, True, "xavier", layers_dims=dims)
    costs = printed_costs(capsys.readouterr().out)
    assert [parameters[f"W{i + 1}"].shape for i in range(len(dims) - 1)] == [
        (units, fan_in) for fan_in, units in pairwise(dims)
    ]
    assert costs[1000] < costs[0]


def test_model_draws_the_cost_curve_and_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    X, Y, _, _ = three_layer.circles()
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gca()))
    model(X, Y, num_iterations=2001, initialization="zeros")
    (axes,) = shown
    assert axes.get_title() == "Learning rate =0.01"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("iterations (per hundreds)", "cost")
    costs = np.asarray(axes.lines[0].get_ydata(), dtype=float)
    np.testing.assert_allclose(costs, [np.log(2)] * 3, rtol=1e-14)


def test_model_without_print_cost_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    X, Y, _, _ = three_layer.circles()
    model(X, Y, num_iterations=1, print_cost=False)
    assert capsys.readouterr().out == ""


def test_load_dataset_draws_the_training_points() -> None:
    train_X, train_Y, test_X, test_Y = load_dataset()
    assert [train_X.shape, train_Y.shape, test_X.shape, test_Y.shape] == [
        *((2, 300), (1, 300), (2, 100), (1, 100))
    ]
    (points,) = plt.gca().collections
    np.testing.assert_array_equal(points.get_offsets(), train_X.T)
    radius = np.hypot(*train_X)
    assert radius[train_Y[0] == 1].mean() == pytest.approx(0.8, abs=0.01)
    assert radius[train_Y[0] == 0].mean() == pytest.approx(1.0, abs=0.01)


def test_the_decision_boundary_covers_the_data_and_one_more_on_every_side() -> None:
    X, Y = np.array([[0.0, 2.0], [0.0, 1.0]]), np.array([[0, 1]])
    seen = []

    def halves(points: Array) -> NDArray[np.bool_]:
        seen.append(points)
        return (points[:, 0] > 1)[None]

    plot_decision_boundary(halves, X, Y)
    np.testing.assert_allclose(seen[0].min(axis=0), [-1, -1])
    np.testing.assert_allclose(seen[0].max(axis=0), [3, 2], atol=0.011)
    assert (plt.gca().get_xlabel(), plt.gca().get_ylabel()) == ("x1", "x2")


X, Y = np.ones((2, 3)), np.array([[0, 1, 1]])
ZEROS = initialize_parameters_zeros([2, 4, 1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: model(X, Y, initialization="hee"), r"initialization: got 'hee', .*mean 'he'"),
        (lambda: model(X.T, Y), r"Y: got \(1, 3\), takes the shape \(1, 2\)"),
        (lambda: model(X[0], Y), r"X: got \(3,\), takes an array \(features, examples\)"),
        (lambda: model(X, Y, layers_dims=[3, 1]), r"layers_dims: got \[3, 1\], .*X's 2 features"),
        (lambda: model(X, Y, layers_dims=[2, 0, 1]), r"layers_dims: got .* above 0"),
        (lambda: model(X, Y, learning_rate=0), "learning_rate: got 0, takes a number above 0"),
        (lambda: model(X, Y, num_iterations=-1), "num_iterations: got -1"),
        (lambda: initialize_parameters_he([2]), r"layers_dims: got \[2\]"),
        (lambda: initialize_parameters_random([2, -1]), r"layers_dims: got \[2, -1\]"),
        (lambda: forward_propagation(X.T, ZEROS), r"X: got \(3, 2\), takes a shape \(2, examples"),
        (lambda: compute_loss(np.ones((1, 2)), Y), r"Y: got \(1, 3\), takes the shape \(1, 2\)"),
        (lambda: backward_propagation(X, Y, (X, X)), "cache: got '2 arrays'"),
        (lambda: predict(X, Y[0], ZEROS), r"y: got \(3,\), takes the shape \(1, 3\)"),
        (lambda: plot_decision_boundary(np.ravel, np.ones((3, 3)), Y), r"X: got \(3, 3\)"),
    ],
)
def test_a_wrong_argument_is_named_in_one_line(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("X", "Y", "says"),
    [
        (np.full((2, 4), np.nan), np.ones((1, 4)), "X: got 'NaN, infinity or no number'"),
        ([[1.0], [2.0]], np.ones((1, 1)), "X: got [[1.0], [2.0]], takes an array"),
        (np.ones((2, 4)), np.full((1, 4), 5), "Y: got [5], takes labels that are 0 or 1"),
        (np.ones((2, 2)), np.array([["a", "b"]]), "Y: got ['a', 'b']"),
    ],
)
def test_what_the_course_would_train_on_in_silence_is_refused(X: Any, Y: Any, says: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        three_layer.model(X, Y, num_iterations=1)
    assert says in str(caught.value)


@pytest.mark.parametrize("wrong", [None, 3, [True, 1], [2], [2, 0], "2,1"])
def test_sizes_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match="layers_dims: got"):
        three_layer.initialize_parameters_he(wrong)


def test_both_modules_are_there_after_importing_goodinit() -> None:
    import goodinit as gi

    assert gi.articles.three_layer is three_layer
    assert gi.articles.deep.__name__ == "goodinit.articles.deep"
