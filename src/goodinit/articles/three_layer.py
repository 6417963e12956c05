"""What articles 000 to 003 import as ``init_utils``, and the functions that their readers write.

Examples are in columns and randomness is NumPy's global stream, as published. Every function takes
a network of any depth; the articles' own has three layers, ReLU, ReLU, sigmoid. Of what the same
course's next assignments import, ``load_2D_dataset`` is here; asking for the rest says what isn't.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import make_circles

from goodinit.articles import aliases, arguments, layers, neighbours
from goodinit.articles.layers import Array, Labels, Parameters, relu, sigmoid, update_parameters
from goodinit.articles.neighbours import load_2D_dataset
from goodinit.errors import bad_argument

__all__ = [
    "backward_propagation",
    "compute_loss",
    "forward_propagation",
    "initialize_parameters_he",
    "initialize_parameters_random",
    "initialize_parameters_xavier",
    "initialize_parameters_zeros",
    "load_2D_dataset",
    "load_dataset",
    "model",
    "plot_decision_boundary",
    "predict",
    "predict_dec",
    "relu",
    "sigmoid",
    "update_parameters",
]

SEED = 3
HIDDEN = "relu"
HIDDEN_DIMS = (10, 5)
LEARNING_RATE = 0.01
NUM_ITERATIONS = 15000

aliases.restore()


def __getattr__(name: str) -> NoReturn:
    """Say of the neighbouring assignments' names that they are not here."""
    neighbours.refuse(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def circles() -> tuple[Array, Labels, Array, Labels]:
    """Return the articles' two circles, and leave the global stream where they leave it.

    Returns
    -------
    train_X, train_Y, test_X, test_Y : array
        Of shapes (2, 300), (1, 300), (2, 100) and (1, 100): points with noise of standard
        deviation 0.05, drawn after seed 1 and seed 2; label 1 is the inner circle.

    Examples
    --------
    >>> [part.shape for part in circles()]
    [(2, 300), (1, 300), (2, 100), (1, 100)]
    """
    np.random.seed(1)
    train_X, train_Y = make_circles(n_samples=300, noise=0.05)
    np.random.seed(2)
    test_X, test_Y = make_circles(n_samples=100, noise=0.05)
    return train_X.T, train_Y.reshape(1, -1), test_X.T, test_Y.reshape(1, -1)


def load_dataset(is_plot: bool = True) -> tuple[Array, Labels, Array, Labels]:
    """Return the two circles as ``circles`` does, and draw the training points.

    Parameters
    ----------
    is_plot : bool
        Whether they are drawn.

    Examples
    --------
    >>> train_X, train_Y, test_X, test_Y = load_dataset()
    >>> int(train_Y.sum()), int(test_Y.sum())
    (150, 50)
    >>> plt.close()
    """
    train_X, train_Y, test_X, test_Y = circles()
    if is_plot:
        neighbours.scatter(train_X, train_Y)
    return train_X, train_Y, test_X, test_Y


def initialize_parameters_zeros(layers_dims: Sequence[int]) -> Parameters:
    """Return weights and biases of zero; the global stream is not touched (articles 000, 001).

    Parameters
    ----------
    layers_dims : sequence of int
        The sizes of the layers, the input first.

    Returns
    -------
    dict
        "W1", "b1", …, "WL", "bL": weights (units, units before) and biases (units, 1).

    Raises
    ------
    ArgumentError
        If there are fewer than two sizes, or one isn't a whole number above 0.

    Examples
    --------
    >>> initialize_parameters_zeros([3, 1])
    {'W1': array([[0., 0., 0.]]), 'b1': array([[0.]])}
    """
    return layers.zeros(layers_dims)


def initialize_parameters_random(layers_dims: Sequence[int], seed: int | None = SEED) -> Parameters:
    """Return weights from N(0, 10²) and biases of zero.

    Article 001 seeds with 3. With ``seed=None`` the global stream goes on from where it is, as in
    article 000. Parameters, returns and errors otherwise as ``initialize_parameters_zeros``.

    Examples
    --------
    >>> print(initialize_parameters_random([3, 2, 1])["W1"])
    [[ 17.88628473   4.36509851   0.96497468]
     [-18.63492703  -2.77388203  -3.54758979]]
    """
    return _drawn("random", layers_dims, seed)


def initialize_parameters_he(layers_dims: Sequence[int]) -> Parameters:
    """Return weights from N(0, 2/fan_in) after seed 3, and biases of zero (He et al., 2015).

    Parameters, returns and errors as ``initialize_parameters_zeros``.

    Examples
    --------
    >>> print(initialize_parameters_he([2, 4, 1])["W2"])
    [[-0.03098412 -0.33744411 -0.92904268  0.62552248]]
    """
    return _drawn("he", layers_dims, SEED)


def initialize_parameters_xavier(layers_dims: Sequence[int]) -> Parameters:
    """Return weights from N(0, 1/fan_in) after seed 3, and biases of zero.

    This is what article 001 calls Xavier; the literature calls it LeCun normal. Parameters, returns
    and errors as ``initialize_parameters_zeros``.

    Examples
    --------
    >>> print(initialize_parameters_xavier([4, 2])["b1"])
    [[0.]
     [0.]]
    """
    return _drawn("xavier", layers_dims, SEED)


def _drawn(initialization: str, layers_dims: Sequence[int], seed: int | None) -> Parameters:
    arguments.check_layers_dims(layers_dims)
    if seed is not None:
        np.random.seed(seed)
    return layers.normal(layers_dims, layers.STD[initialization])


INITIALIZERS: dict[str, Callable[[Sequence[int]], Parameters]] = {
    "zeros": initialize_parameters_zeros,
    "random": initialize_parameters_random,
    "he": initialize_parameters_he,
    "xavier": initialize_parameters_xavier,
}


def forward_propagation(X: Array, parameters: Parameters) -> tuple[Array, tuple[Array, ...]]:
    """Return the output of the network, and what the way back needs.

    Parameters
    ----------
    X : array, shape (features, examples)
    parameters : dict

    Returns
    -------
    a3 : array, shape (1, examples)
        The probability of class 1.
    cache : tuple of array
        z1, a1, W1, b1, z2, a2, W2, b2, z3, a3, W3, b3; four per layer at any depth.

    Raises
    ------
    ArgumentError
        If X and the first weights don't fit.

    Examples
    --------
    >>> a3, cache = forward_propagation(np.ones((2, 3)), initialize_parameters_zeros([2, 4, 1]))
    >>> a3, len(cache)
    (array([[0.5, 0.5, 0.5]]), 8)
    """
    z, a = layers.forward(X, parameters, HIDDEN)
    cache: list[Array] = []
    for layer in range(1, len(a)):
        cache += [z[layer - 1], a[layer], parameters[f"W{layer}"], parameters[f"b{layer}"]]
    return a[-1], tuple(cache)


def compute_loss(a3: Array, Y: Labels) -> float:
    """Return the cross-entropy of the probabilities a3 for labels Y, both (1, examples).

    ``inf`` where the true class has probability 0, without a warning.

    Raises
    ------
    ArgumentError
        If the shapes differ.

    Examples
    --------
    >>> print(compute_loss(np.array([[0.5, 0.5]]), np.array([[0, 1]])))
    0.6931471805599453
    >>> print(compute_loss(np.array([[0.5, 0.0]]), np.array([[0, 1]])))
    inf
    """
    return layers.cross_entropy(a3, Y)


def backward_propagation(X: Array, Y: Labels, cache: tuple[Array, ...]) -> dict[str, Array]:
    """Return the gradients of the mean cost.

    Parameters
    ----------
    X : array, shape (features, examples)
    Y : array, shape (1, examples)
        0 or 1.
    cache : tuple
        As ``forward_propagation`` returns it.

    Returns
    -------
    dict
        "dz3", "dW3", "db3", "da2", "dz2", …, "db1", each in the shape of what it belongs to.

    Raises
    ------
    ArgumentError
        If X or Y doesn't fit, or the cache isn't four arrays per layer.

    Examples
    --------
    >>> X, Y = np.ones((2, 3)), np.array([[0, 1, 1]])
    >>> a3, cache = forward_propagation(X, initialize_parameters_zeros([2, 4, 1]))
    >>> list(backward_propagation(X, Y, cache))
    ['dz2', 'dW2', 'db2', 'da1', 'dz1', 'dW1', 'db1']
    """
    arguments.check_examples(X, Y)
    if not cache or len(cache) % 4:
        raise bad_argument("cache", f"{len(cache)} arrays", "z, a, W, b of every layer")
    grads = layers.backward([X, *cache[1::4]], cache[2::4], Y, HIDDEN)
    published = {"dZ": "dz", "dA": "da"}
    return {published.get(name[:2], name[:2]) + name[2:]: grad for name, grad in grads.items()}


def predict_dec(parameters: Parameters, X: Array) -> NDArray[np.bool_]:
    """Return whether each example's probability is above one half, shape (1, examples).

    Raises
    ------
    ArgumentError
        If X and the first weights don't fit.

    Examples
    --------
    >>> predict_dec(initialize_parameters_zeros([2, 1]), np.ones((2, 3)))
    array([[False, False, False]])
    """
    a3, _ = forward_propagation(X, parameters)
    above: NDArray[np.bool_] = a3 > 0.5
    return above


def predict(X: Array, y: Labels, parameters: Parameters) -> Labels:
    """Print the accuracy on these examples, and return the predicted labels.

    Parameters
    ----------
    X : array, shape (features, examples)
    y : array, shape (1, examples)
        0 or 1.
    parameters : dict

    Returns
    -------
    array of int, shape (1, examples)

    Raises
    ------
    ArgumentError
        If the shapes don't fit.

    Examples
    --------
    >>> predict(np.ones((2, 2)), np.array([[0, 1]]), initialize_parameters_zeros([2, 1]))
    Accuracy: 0.5
    array([[0, 0]])
    """
    arguments.check_examples(X, y, labels="y")
    p = predict_dec(parameters, X).astype(np.int64)
    print("Accuracy: " + str(np.mean(p == y)))
    return p


def plot_decision_boundary(model: Callable[[Array], NDArray[Any]], X: Array, y: Labels) -> None:
    """Draw on the current axes what the model says of the plane, with the examples, and show it.

    Parameters
    ----------
    model : callable
        Points in rows, (points, 2), to one prediction each.
    X : array, shape (2, examples)
    y : array, shape (1, examples) or (examples,)

    Raises
    ------
    ArgumentError
        If the shapes don't fit.

    Examples
    --------
    >>> X, y = np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([[0, 1]])
    >>> plot_decision_boundary(lambda points: points[:, 0] > 0.5, X, y)
    >>> plt.close()
    """
    y = np.reshape(y, (1, -1)) if np.ndim(y) == 1 else y
    arguments.check_examples(X, y, labels="y")
    if X.shape[0] != 2:
        raise bad_argument("X", X.shape, "a shape (2, examples): a plane has two features")
    x1, x2 = (np.arange(row.min() - 1, row.max() + 1, 0.01) for row in X)
    grid_1, grid_2 = np.meshgrid(x1, x2)
    predicted = model(np.column_stack([grid_1.ravel(), grid_2.ravel()]))
    plt.contourf(grid_1, grid_2, predicted.reshape(grid_1.shape), cmap="Spectral")
    plt.ylabel("x2")
    plt.xlabel("x1")
    plt.scatter(X[0], X[1], c=y[0], cmap="Spectral")
    _show()


def model(  # noqa: PLR0917  (as published)
    X: Array,
    Y: Labels,
    learning_rate: float = LEARNING_RATE,
    num_iterations: int = NUM_ITERATIONS,
    print_cost: bool = True,
    initialization: str = "he",
    layers_dims: Sequence[int] | None = None,
) -> Parameters:
    """Train by gradient descent, print and draw the cost of every 1000th iteration.

    Parameters
    ----------
    X : array, shape (features, examples)
    Y : array, shape (1, examples)
        0 or 1.
    learning_rate : float
    num_iterations : int
    print_cost : bool
        Without it nothing is printed and the curve is empty, as published.
    initialization : {"zeros", "random", "he", "xavier"}
    layers_dims : sequence of int, optional
        Any depth, from the features to 1; the articles' features, 10, 5, 1 unless given.

    Returns
    -------
    dict
        The trained parameters.

    Raises
    ------
    ArgumentError
        If the initialization is unknown, a shape doesn't fit or a number is out of range.

    Examples
    --------
    >>> X, Y, _, _ = circles()
    >>> parameters = model(X, Y, num_iterations=1, initialization="zeros")
    Cost after iteration 0: 0.6931471805599453
    >>> plt.close()
    """
    arguments.check_examples(X, Y)
    arguments.check_name("initialization", initialization, INITIALIZERS)
    dims = [X.shape[0], *HIDDEN_DIMS, 1] if layers_dims is None else list(layers_dims)
    arguments.check_training(X, Y, dims, learning_rate, num_iterations)
    parameters = INITIALIZERS[initialization](dims)
    training = layers.descend(
        X, Y, parameters, hidden=HIDDEN, learning_rate=learning_rate, iterations=num_iterations
    )
    costs = []
    for i, cost in enumerate(training):
        if print_cost and i % 1000 == 0:
            print(f"Cost after iteration {i}: {cost}")
            costs.append(cost)
    _plot_costs(costs, learning_rate)
    return parameters


def _plot_costs(costs: list[float], learning_rate: float) -> None:
    plt.plot(costs)
    plt.ylabel("cost")
    plt.xlabel("iterations (per hundreds)")  # as published, though a point is 1000 iterations
    plt.title("Learning rate =" + str(learning_rate))
    _show()


def _show() -> None:
    # A notebook or a window shows the picture. Where there is neither, Matplotlib warns that it
    # can't, which whoever chose such a backend knows; the figure stays, to be saved.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*non-interactive", category=UserWarning)
        plt.show()
