"""The mathematics that the articles share: a network with examples in columns, trained in full.

``parameters`` maps "W1", "b1", …, "WL", "bL" to weights (units, units before) and biases
(units, 1). The hidden layers have one activation, the output is a sigmoid, the cost cross-entropy.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodinit.articles.arguments import check_input, check_labels, check_layers_dims, check_name

Array = NDArray[np.float64]
Labels = NDArray[Any]  # 0 or 1, of any number type
Parameters = dict[str, Array]

# Weights as large as the articles' saturate the sigmoid: exp overflows to inf and log(0) is -inf.
# Both carry the right limit on, so neither is worth a warning on the reader's screen.
quiet = np.errstate(over="ignore", divide="ignore", invalid="ignore")


@quiet
def sigmoid(x: Array) -> Array:
    """Return 1/(1 + exp(-x)) of every entry, in the shape of x.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    y: Array = 1 / (1 + np.exp(-x))
    return y


def relu(x: Array) -> Array:
    """Return max(0, x) of every entry, in the shape of x.

    Examples
    --------
    >>> relu(np.array([-2.0, 3.0]))
    array([0., 3.])
    """
    y: Array = np.maximum(0, x)
    return y


class Activation(NamedTuple):
    """A hidden layer's activation, and its slope written in the activation's own value."""

    function: Callable[[Array], Array]
    slope: Callable[[Array], NDArray[Any]]


ACTIVATIONS = {
    "relu": Activation(relu, lambda a: a > 0),
    "tanh": Activation(np.tanh, lambda a: 1 - np.square(a)),
    "sigmoid": Activation(sigmoid, lambda a: a * (1 - a)),
}


def zeros(layers_dims: Sequence[int]) -> Parameters:
    """Return parameters that are all zero, for layers of these sizes, the input first.

    Raises
    ------
    ArgumentError
        If there are fewer than two sizes, or one isn't a whole number above 0.

    Examples
    --------
    >>> zeros([2, 1])
    {'W1': array([[0., 0.]]), 'b1': array([[0.]])}
    """
    return _filled(layers_dims, lambda units, fan_in: np.zeros((units, fan_in)))


def normal(layers_dims: Sequence[int], std: Callable[[int], float]) -> Parameters:
    """Return normal weights from NumPy's global stream, layer by layer, and biases of zero.

    Parameters
    ----------
    layers_dims : sequence of int
        The sizes of the layers, the input first.
    std : callable
        The standard deviation of a layer's weights from its fan-in.

    Raises
    ------
    ArgumentError
        As ``zeros``.

    Examples
    --------
    >>> np.random.seed(3)
    >>> print(normal([3, 2, 1], STD["random"])["W2"])
    [[-0.82741481 -6.27000677]]
    """
    return _filled(layers_dims, lambda units, fan_in: np.random.randn(units, fan_in) * std(fan_in))


STD: dict[str, Callable[[int], float]] = {
    "random": lambda fan_in: 10,
    "he": lambda fan_in: float(np.sqrt(2 / fan_in)),
    "xavier": lambda fan_in: float(np.sqrt(1 / fan_in)),
}


def _filled(layers_dims: Sequence[int], weights: Callable[[int, int], Array]) -> Parameters:
    check_layers_dims(layers_dims)
    parameters = {}
    for layer in range(1, len(layers_dims)):
        units, fan_in = layers_dims[layer], layers_dims[layer - 1]
        parameters[f"W{layer}"] = weights(units, fan_in)
        parameters[f"b{layer}"] = np.zeros((units, 1))
    return parameters


@quiet
def forward(X: Array, parameters: Parameters, hidden: str) -> tuple[list[Array], list[Array]]:
    """Return every layer's pre-activations, and the activations from the input on.

    Parameters
    ----------
    X : array, shape (features, examples)
    parameters : dict
    hidden : {"relu", "tanh", "sigmoid"}
        The hidden layers' activation.

    Returns
    -------
    list of array
        Z1, …, ZL, each (units, examples).
    list of array
        X, A1, …, AL; the last, (1, examples), is the probability of class 1.

    Raises
    ------
    ArgumentError
        If the activation is unknown, or X and the first weights don't fit.

    Examples
    --------
    >>> Z, A = forward(np.zeros((2, 3)), zeros([2, 4, 1]), "relu")
    >>> [z.shape for z in Z], A[-1]
    ([(4, 3), (1, 3)], array([[0.5, 0.5, 0.5]]))
    """
    check_name("hidden_layers_activation_fn", hidden, ACTIVATIONS)
    depth = len(parameters) // 2
    check_input(X, parameters["W1"])
    Z, A = [], [X]
    for layer in range(1, depth + 1):
        Z.append(np.dot(parameters[f"W{layer}"], A[-1]) + parameters[f"b{layer}"])
        activation = sigmoid if layer == depth else ACTIVATIONS[hidden].function
        A.append(activation(Z[-1]))
    return Z, A


@quiet
def cross_entropy(AL: Array, Y: Labels) -> float:
    """Return the mean of -log(probability of the true class) over the examples.

    A probability of exactly 0 for the true class makes it inf. An example that is right with a
    probability of exactly 1 costs 0, as in the course, whose sum skips 0·log 0.

    Parameters
    ----------
    AL : array, shape (1, examples)
        The probability of class 1.
    Y : array, shape (1, examples)
        0 or 1.

    Raises
    ------
    ArgumentError
        If the shapes differ.

    Examples
    --------
    >>> f"{cross_entropy(np.array([[0.5, 1.0]]), np.array([[1, 1]])):.4f}"
    '0.3466'
    """
    check_labels(Y, AL)
    costs = np.multiply(-np.log(AL), Y) + np.multiply(-np.log(1 - AL), 1 - Y)
    cost: float = 1.0 / Y.shape[1] * np.nansum(costs)
    return cost


@quiet
def backward(
    activations: Sequence[Array], weights: Sequence[Array], Y: Labels, hidden: str
) -> dict[str, Array]:
    """Return the gradients of the mean cost, from the output layer back.

    Parameters
    ----------
    activations : sequence of array
        X, A1, …, AL as ``forward`` returns them.
    weights : sequence of array
        W1, …, WL.
    Y : array, shape (1, examples)
        0 or 1.
    hidden : {"relu", "tanh", "sigmoid"}

    Returns
    -------
    dict
        "dZl", "dWl", "dbl" for every layer l, and "dAl" for the hidden ones, each in the shape of
        what it is the gradient of.

    Raises
    ------
    ArgumentError
        If the activation is unknown, or the labels don't fit.

    Examples
    --------
    >>> X, Y, parameters = np.ones((2, 4)), np.ones((1, 4)), zeros([2, 1])
    >>> backward(forward(X, parameters, "relu")[1], [parameters["W1"]], Y, "relu")["dW1"]
    array([[-0.5, -0.5]])
    """
    check_name("hidden_layers_activation_fn", hidden, ACTIVATIONS)
    check_labels(Y, activations[-1])
    grads = {}
    # Sigmoid and cross-entropy together: the quotient AL(1 - AL) cancels, so no 0/0 where the
    # sigmoid saturates.
    dZ = 1.0 / Y.shape[1] * (activations[-1] - Y)
    for layer in range(len(weights), 0, -1):
        before = activations[layer - 1]
        grads[f"dZ{layer}"] = dZ
        grads[f"dW{layer}"] = np.dot(dZ, before.T)
        grads[f"db{layer}"] = np.sum(dZ, axis=1, keepdims=True)
        if layer > 1:
            grads[f"dA{layer - 1}"] = np.dot(weights[layer - 1].T, dZ)
            dZ = np.multiply(grads[f"dA{layer - 1}"], ACTIVATIONS[hidden].slope(before))
    return grads


@quiet
def update_parameters(
    parameters: Parameters, grads: dict[str, Array], learning_rate: float
) -> Parameters:
    """Take one step of gradient descent: the same dictionary, with new arrays in it.

    Parameters
    ----------
    parameters : dict
        "W1", "b1", …, "WL", "bL"; changed.
    grads : dict
        "dW1", "db1", …, "dWL", "dbL"; others are ignored.
    learning_rate : float

    Returns
    -------
    dict
        ``parameters``.

    Examples
    --------
    >>> grads = {"dW1": np.array([[1.0, 2.0]]), "db1": np.array([[4.0]])}
    >>> update_parameters(zeros([2, 1]), grads, 0.5)
    {'W1': array([[-0.5, -1. ]]), 'b1': array([[-2.]])}
    """
    for name in parameters:
        parameters[name] = parameters[name] - learning_rate * grads[f"d{name}"]
    return parameters


def descend(
    X: Array,
    Y: Labels,
    parameters: Parameters,
    *,
    hidden: str,
    learning_rate: float,
    iterations: int,
) -> Iterator[float]:
    """Train the parameters in place, and yield each iteration's cost before its update.

    Each update is done by the time its cost is yielded.

    Examples
    --------
    >>> X, Y, parameters = np.ones((2, 4)), np.ones((1, 4)), zeros([2, 1])
    >>> [f"{cost:.4f}" for cost in descend(
    ...     X, Y, parameters, hidden="relu", learning_rate=0.1, iterations=3)]
    ['0.6931', '0.6210', '0.5591']
    """
    depth = len(parameters) // 2
    for _ in range(iterations):
        _, A = forward(X, parameters, hidden)
        cost = cross_entropy(A[-1], Y)
        grads = backward(A, [parameters[f"W{layer + 1}"] for layer in range(depth)], Y, hidden)
        update_parameters(parameters, grads, learning_rate)
        yield cost
