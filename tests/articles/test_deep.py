"""Article 004: its functions at any depth, its printed lines, its photographs and pictures."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from goodinit.articles.deep import (
    L_model_backward,
    L_model_forward,
    accuracy,
    compute_cost,
    initialize_parameters_he_xavier,
    initialize_parameters_random,
    initialize_parameters_zeros,
    load_dataset_catvsdog,
    model,
    plot_samples,
    update_parameters,
)
from goodinit.articles.published import Run, figures
from goodinit.errors import ArgumentError

Array = NDArray[np.float64]
Parameters = dict[str, Array]

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "cats_vs_dogs"
needs_photographs = pytest.mark.skipif(
    not PHOTOGRAPHS.is_dir(), reason="the photographs of article 004 are not here"
)
DIMS = st.lists(st.integers(1, 6), min_size=1, max_size=4).map(lambda sizes: [*sizes, 1])
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    plt.switch_backend("agg")
    yield
    plt.close("all")


def some_network(dims: list[int], seed: int) -> tuple[Array, Array, Parameters]:
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(dims[0], 7)), rng.integers(0, 2, size=(1, 7)).astype(float)
    parameters = {}
    for layer in range(1, len(dims)):
        std = dims[layer - 1] ** -0.5  # keeps the output from saturating
        parameters[f"W{layer}"] = rng.normal(0, std, size=(dims[layer], dims[layer - 1]))
        parameters[f"b{layer}"] = rng.normal(size=(dims[layer], 1))
    return X, Y, parameters


@pytest.fixture(scope="module")
def photographs() -> tuple[Array, Array]:
    X, Y = load_dataset_catvsdog(PHOTOGRAPHS)
    return X / 255, Y


@needs_photographs
def test_the_photographs_are_a_column_each_and_cats_are_ones() -> None:
    X, Y = load_dataset_catvsdog(str(PHOTOGRAPHS))
    assert X.dtype == np.uint8
    assert (X.shape, X.min(), X.max()) == ((67500, 100), 0, 255)
    assert (Y.shape, Y.sum()) == ((1, 100), 50)
    names = sorted(path.name for path in PHOTOGRAPHS.glob("*.jpg"))
    for example in (np.argmax(Y), np.argmin(Y), 99):
        with Image.open(PHOTOGRAPHS / names[example]) as picture:
            np.testing.assert_array_equal(X[:, example].reshape(150, 150, 3), np.asarray(picture))
        assert names[example].startswith("cat" if Y[0, example] else "dog")


@needs_photographs
@pytest.mark.parametrize(("initialization", "relative"), [("zeros", 0), ("random", 1e-11)])
def test_the_first_published_cost_on_the_photographs(
    initialization: str,
    relative: float,
    photographs: tuple[Array, Array],
    capsys: pytest.CaptureFixture[str],
) -> None:
    X, Y = photographs
    model(
        X,
        Y,
        [X.shape[0], 5, 5, 1],
        num_iterations=100,
        hidden_layers_activation_fn="tanh",
        initialization_method=initialization,
    )
    run = Run("cats_vs_dogs", initialization)
    (expected,) = [
        f.value for f in figures() if f.run == run and f.quantity == "cost at iteration 99"
    ]
    printed = capsys.readouterr().out
    cost = float(printed.removeprefix("The cost after 100 iterations is: "))
    assert cost == pytest.approx(expected, rel=relative, abs=0)


def jpeg(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (4, 4)) -> None:
    Image.new("RGB", size, colour).save(path, quality=95)


def test_a_folder_is_read_in_the_order_of_names_and_only_its_jpegs(tmp_path: Path) -> None:
    jpeg(tmp_path / "dog.1.jpg", (0, 0, 254))
    jpeg(tmp_path / "cat.2.jpg", (0, 254, 0))
    jpeg(tmp_path / "cat.1.jpg", (254, 0, 0))
    (tmp_path / "README.md").write_text("not a picture")
    X, Y = load_dataset_catvsdog(tmp_path)
    assert Y.tolist() == [[1, 1, 0]]
    first_pixels = X[:3].T
    np.testing.assert_allclose(first_pixels, [[254, 0, 0], [0, 254, 0], [0, 0, 254]], atol=2)


def test_the_two_samples_are_the_first_cat_and_the_first_dog() -> None:
    X, Y = np.zeros((2 * 2 * 3, 3), np.uint8), np.array([[0, 1, 1]])
    X[:, 1] = np.arange(12)
    plot_samples(X, Y)
    cat, dog = plt.gcf().axes
    np.testing.assert_array_equal(cat.images[0].get_array(), np.arange(12).reshape(2, 2, 3))
    np.testing.assert_array_equal(dog.images[0].get_array(), np.zeros((2, 2, 3)))
    assert not cat.axison
    assert not dog.axison


@pytest.mark.parametrize(
    ("initialize", "std"),
    [
        (initialize_parameters_random, 10),
        (initialize_parameters_he_xavier, np.sqrt(2 / 50)),
        (lambda dims: initialize_parameters_he_xavier(dims, "xavier"), np.sqrt(1 / 50)),
    ],
)
def test_weights_are_the_draw_after_seed_1_times_the_published_scale(
    initialize: Any, std: float
) -> None:
    parameters = initialize([50, 4, 1])
    draw = np.random.RandomState(1).randn(4, 50)
    np.testing.assert_array_equal(parameters["W1"], draw * std)
    assert [parameters[name].shape for name in ("b1", "W2", "b2")] == [(4, 1), (1, 4), (1, 1)]
    assert not parameters["b1"].any()


def test_zeros_keep_all_units_of_a_layer_identical() -> None:
    X, Y, _ = some_network([3, 1], seed=0)
    for hidden in ("relu", "tanh", "sigmoid"):
        parameters = model(
            X,
            Y,
            [3, 5, 4, 1],
            num_iterations=200,
            hidden_layers_activation_fn=hidden,
            initialization_method="zeros",
            print_cost=False,
        )
        for name in ("W1", "b1", "W2", "b2"):
            assert np.ptp(parameters[name], axis=0).max() == 0
    assert all(not array.any() for array in initialize_parameters_zeros([3, 2, 1]).values())


def test_the_caches_and_the_gradients_have_the_published_names_and_shapes() -> None:
    X, Y, parameters = some_network([3, 5, 4, 1], seed=0)
    AL, caches = L_model_forward(X, parameters, "tanh")
    (A_before, W, b), Z = caches[1]
    assert W is parameters["W2"]
    assert b is parameters["b2"]
    np.testing.assert_array_equal(Z, np.dot(W, A_before) + b)
    assert caches[0][0][0] is X
    grads = L_model_backward(AL, Y, caches, "tanh")
    assert set(grads) == {f"d{name}" for name in (*parameters, "A0", "A1", "A2")}
    assert grads["dA0"].shape == X.shape
    assert grads["dA2"].shape == (4, 7)


@settings(derandomize=True, max_examples=40, deadline=None)  # a seed could sit on ReLU's kink
@given(DIMS, SEEDS, st.sampled_from(["relu", "tanh", "sigmoid"]))
def test_gradients_are_those_of_finite_differences(dims: list[int], seed: int, hidden: str) -> None:
    X, Y, parameters = some_network(dims, seed)
    grads = L_model_backward(*_outputs(X, Y, parameters, hidden))
    step = 1e-6

    def cost(X: Array, parameters: Parameters) -> float:
        return compute_cost(L_model_forward(X, parameters, hidden)[0], Y)

    for name, array in parameters.items():
        slopes = np.empty_like(array)
        for entry in np.ndindex(array.shape):
            shift = np.zeros_like(array)
            shift[entry] = step
            up, down = (parameters | {name: array + sign * shift} for sign in (1, -1))
            slopes[entry] = (cost(X, up) - cost(X, down)) / (2 * step)
        np.testing.assert_allclose(grads[f"d{name}"], slopes, rtol=1e-4, atol=1e-7)
    # An example's own cost is its share of the mean times the number of examples.
    shift = np.zeros_like(X)
    shift[0, 0] = step
    slope = 7 * (cost(X + shift, parameters) - cost(X - shift, parameters)) / (2 * step)
    assert grads["dA0"][0, 0] == pytest.approx(slope, rel=1e-4, abs=1e-6)


def _outputs(X: Array, Y: Array, parameters: Parameters, hidden: str) -> tuple[Any, ...]:
    AL, caches = L_model_forward(X, parameters, hidden)
    return AL, Y, caches, hidden


@pytest.mark.parametrize("hidden", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("dims", [[3, 1], [3, 5, 5, 1], [3, 4, 4, 4, 4, 1]])
def test_model_is_the_articles_loop_of_its_own_functions(
    dims: list[int], hidden: str, capsys: pytest.CaptureFixture[str]
) -> None:
    X, Y, _ = some_network([3, 1], seed=1)
    parameters = initialize_parameters_he_xavier(dims, "xavier")
    lines = []
    for i in range(200):
        AL, caches = L_model_forward(X, parameters, hidden)
        cost = compute_cost(AL, Y)
        grads = L_model_backward(AL, Y, caches, hidden)
        parameters = update_parameters(parameters, grads, 0.05)
        if (i + 1) % 100 == 0:
            lines.append(f"The cost after {i + 1} iterations is: {cost}")
    trained = model(X, Y, dims, 0.05, 200, True, hidden, "xavier")
    assert capsys.readouterr().out.splitlines() == lines
    for name, array in parameters.items():
        np.testing.assert_array_equal(trained[name], array)


def test_the_cost_curve_has_every_hundredth_cost() -> None:
    X, Y, _ = some_network([3, 1], seed=0)
    model(X, Y, [3, 2, 1], num_iterations=301, print_cost=False)
    (axes,) = plt.gcf().axes
    assert plt.gcf().get_size_inches().tolist() == [12, 8]
    assert axes.get_title() == "Cost curve: learning rate = 0.01 and he initialization method"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Iterations (per hundreds)", "Cost")
    costs = np.asarray(axes.lines[0].get_ydata())
    start = initialize_parameters_he_xavier([3, 2, 1])
    assert costs.shape == (4,)
    assert costs[0] == compute_cost(L_model_forward(X, start)[0], Y)


def test_accuracy_says_the_percentage_and_counts_one_half_as_a_cat() -> None:
    X = np.array([[-2.0, -1.0, 0.0, 3.0]])
    parameters = {"W1": np.array([[1.0]]), "b1": np.array([[0.0]])}
    Y = np.array([[0, 1, 1, 1]])
    assert accuracy(X, parameters, Y) == "The accuracy rate is: 75.00%."
    assert accuracy(X, parameters, Y, "tanh") == "The accuracy rate is: 75.00%."


def test_a_saturated_output_gives_a_cost_and_gradients_without_nan() -> None:
    X, Y = np.array([[-1e4, 1e4, 1e4]]), np.array([[0, 1, 0]])
    parameters = {"W1": np.array([[1.0]]), "b1": np.array([[0.0]])}
    AL, caches = L_model_forward(X, parameters)
    assert compute_cost(AL, Y) == np.inf
    grads = L_model_backward(AL, Y, caches)
    assert grads["dW1"] == pytest.approx(np.array([[1e4 / 3]]))


X, Y = np.ones((12, 2)), np.array([[0, 1]])
ZEROS = initialize_parameters_zeros([12, 1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: model(X, Y, [12, 1], initialization_method="xaver"), r"got 'xaver', .*'xavier'"),
        (lambda: model(X, Y, [12, 1], hidden_layers_activation_fn="tan"), r"got 'tan', .*'tanh'"),
        (lambda: model(X, Y, [3, 1]), r"layers_dims: got \[3, 1\], .*12 features to 1 output"),
        (lambda: model(X, Y.T, [12, 1]), r"Y: got \(2, 1\), takes the shape \(1, 2\)"),
        (lambda: initialize_parameters_he_xavier([2, 1], "random"), "one of he, xavier"),
        (lambda: L_model_forward(X, ZEROS, "gelu"), "hidden_layers_activation_fn: got 'gelu'"),
        (lambda: L_model_forward(X[:3], ZEROS), r"X: got \(3, 2\), takes a shape \(12, examples"),
        (lambda: accuracy(X, ZEROS, Y, "tanx"), "^activation_fn: got 'tanx', .*'tanh'"),
        (lambda: accuracy(X, ZEROS, Y[0]), r"Y: got \(2,\)"),
        (lambda: plot_samples(X[:5], Y), r"X: got \(5, 2\), takes a shape \(side · side · 3"),
    ],
)
def test_a_wrong_argument_is_named_in_one_line(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message) as raised:
        call()
    assert "\n" not in str(raised.value)
    assert not plt.get_fignums()


def test_a_folder_that_is_not_cats_and_dogs_is_named(tmp_path: Path) -> None:
    def refused(message: str) -> None:
        with pytest.raises(ArgumentError, match=message):
            load_dataset_catvsdog(tmp_path)

    with pytest.raises(ArgumentError, match=re.escape("takes a folder of JPEG photographs")):
        load_dataset_catvsdog(tmp_path / "missing")
    refused(r"a folder with \*\.jpg in it")
    jpeg(tmp_path / "cat.1.jpg", (1, 2, 3))
    jpeg(tmp_path / "dog.1.jpg", (1, 2, 3), size=(5, 4))
    refused(r"pictures of one size, as cat\.1\.jpg")
    (tmp_path / "dog.1.jpg").write_bytes((tmp_path / "cat.1.jpg").read_bytes()[:200])
    refused("JPEG photographs that can be read")
    (tmp_path / "dog.1.jpg").rename(tmp_path / "horse.1.jpg")
    refused('names that begin with "cat" or "dog"')
