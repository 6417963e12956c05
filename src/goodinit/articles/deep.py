"""What article 004 imports, and the functions that it writes: L layers, cats and dogs.

Examples are in columns and randomness is NumPy's global stream, as published.
"""

from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np

from goodinit.articles import aliases, arguments, layers
from goodinit.articles.layers import Array, Labels, Parameters, update_parameters
from goodinit.articles.photographs import load_dataset_catvsdog, plot_samples

__all__ = [
    "L_model_backward",
    "L_model_forward",
    "accuracy",
    "compute_cost",
    "initialize_parameters_he_xavier",
    "initialize_parameters_random",
    "initialize_parameters_zeros",
    "load_dataset_catvsdog",
    "model",
    "plot_samples",
    "update_parameters",
]

SEED = 1
LEARNING_RATE = 0.01
NUM_ITERATIONS = 1000

aliases.restore()

Cache = tuple[tuple[Array, Array, Array], Array]


def initialize_parameters_zeros(layers_dims: Sequence[int]) -> Parameters:
    """Return weights and biases of zero; the global stream is left at seed 1, as published.

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
    arguments.check_layers_dims(layers_dims)
    np.random.seed(SEED)
    return layers.zeros(layers_dims)


def initialize_parameters_random(layers_dims: Sequence[int]) -> Parameters:
    """Return weights from N(0, 10²) after seed 1, and biases of zero.

    Parameters, returns and errors as ``initialize_parameters_zeros``.

    Examples
    --------
    >>> print(initialize_parameters_random([2, 1])["W1"])
    [[16.24345364 -6.11756414]]
    """
    return _drawn("random", layers_dims)


def initialize_parameters_he_xavier(
    layers_dims: Sequence[int], initialization_method: str = "he"
) -> Parameters:
    """Return normal weights after seed 1, and biases of zero.

    The variance is 2/fan_in for "he" and 1/fan_in for "xavier", which is the article's word; the
    literature calls the second one LeCun normal. Parameters, returns and errors otherwise as
    ``initialize_parameters_zeros``.

    Examples
    --------
    >>> print(initialize_parameters_he_xavier([2, 1])["W1"])
    [[ 1.62434536 -0.61175641]]
    """
    arguments.check_name("initialization_method", initialization_method, ["he", "xavier"])
    return _drawn(initialization_method, layers_dims)


def _drawn(initialization: str, layers_dims: Sequence[int]) -> Parameters:
    arguments.check_layers_dims(layers_dims)
    np.random.seed(SEED)
    return layers.normal(layers_dims, layers.STD[initialization])


INITIALIZERS: dict[str, Callable[[Sequence[int]], Parameters]] = {
    "zeros": initialize_parameters_zeros,
    "random": initialize_parameters_random,
    "he": initialize_parameters_he_xavier,
    "xavier": lambda layers_dims: initialize_parameters_he_xavier(layers_dims, "xavier"),
}


def L_model_forward(
    X: Array, parameters: Parameters, hidden_layers_activation_fn: str = "relu"
) -> tuple[Array, list[Cache]]:
    """Return the output of the network, and what the way back needs.

    Parameters
    ----------
    X : array, shape (features, examples)
    parameters : dict
    hidden_layers_activation_fn : {"relu", "tanh", "sigmoid"}

    Returns
    -------
    AL : array, shape (1, examples)
        The probability of class 1.
    caches : list
        ((A before, W, b), Z) of every layer.

    Raises
    ------
    ArgumentError
        If the activation is unknown, or X and the first weights don't fit.

    Examples
    --------
    >>> AL, caches = L_model_forward(np.ones((2, 3)), initialize_parameters_zeros([2, 4, 1]))
    >>> AL, len(caches)
    (array([[0.5, 0.5, 0.5]]), 2)
    """
    Z, A = layers.forward(X, parameters, hidden_layers_activation_fn)
    caches = [
        ((A[layer - 1], parameters[f"W{layer}"], parameters[f"b{layer}"]), Z[layer - 1])
        for layer in range(1, len(A))
    ]
    return A[-1], caches


def compute_cost(AL: Array, Y: Labels) -> float:
    """Return the cross-entropy of the probabilities AL for labels Y, both (1, examples).

    ``inf`` where the true class has probability 0, without a warning.

    Raises
    ------
    ArgumentError
        If the shapes differ.

    Examples
    --------
    >>> print(compute_cost(np.array([[0.5, 0.5]]), np.array([[0, 1]])))
    0.6931471805599453
    """
    return layers.cross_entropy(AL, Y)


@layers.quiet
def L_model_backward(
    AL: Array,
    Y: Labels,
    caches: list[Cache],
    hidden_layers_activation_fn: str = "relu",
) -> dict[str, Array]:
    """Return the gradients of the cost.

    Parameters
    ----------
    AL : array, shape (1, examples)
        As ``L_model_forward`` returns it.
    Y : array, shape (1, examples)
        0 or 1.
    caches : list
        As ``L_model_forward`` returns them.
    hidden_layers_activation_fn : {"relu", "tanh", "sigmoid"}

    Returns
    -------
    dict
        "dWl" and "dbl" of the mean cost for every layer l, and "dA0" (the input) to "dA(L-1)", in
        whose columns stands the gradient of that one example's cost.

    Raises
    ------
    ArgumentError
        If the activation is unknown, or the labels don't fit.

    Examples
    --------
    >>> X, Y = np.ones((2, 3)), np.array([[0, 1, 1]])
    >>> AL, caches = L_model_forward(X, initialize_parameters_zeros([2, 4, 1]))
    >>> sorted(L_model_backward(AL, Y, caches))
    ['dA0', 'dA1', 'dW1', 'dW2', 'db1', 'db2']
    """
    inputs, weights = [cache[0][0] for cache in caches], [cache[0][1] for cache in caches]
    grads = layers.backward([*inputs, AL], weights, Y, hidden_layers_activation_fn)
    grads["dA0"] = np.dot(weights[0].T, grads["dZ1"])
    examples = AL.shape[1]
    return {
        name: grad * examples if name.startswith("dA") else grad
        for name, grad in grads.items()
        if not name.startswith("dZ")
    }


def accuracy_rate(
    X: Array, parameters: Parameters, Y: Labels, activation_fn: str = "relu"
) -> float:
    """Return the share of examples whose class is predicted, 0 to 1; arguments as ``accuracy``.

    Examples
    --------
    >>> accuracy_rate(np.ones((2, 2)), initialize_parameters_zeros([2, 1]), np.array([[0, 1]]))
    0.5
    """
    arguments.check_name("activation_fn", activation_fn, layers.ACTIVATIONS)
    arguments.check_examples(X, Y)
    AL, _ = L_model_forward(X, parameters, activation_fn)
    return float(np.mean((AL >= 0.5) == Y))


def accuracy(X: Array, parameters: Parameters, Y: Labels, activation_fn: str = "relu") -> str:
    """Return a sentence with the percentage of examples whose class is predicted.

    Parameters
    ----------
    X : array, shape (features, examples)
    parameters : dict
    Y : array, shape (1, examples)
        0 or 1; a probability of one half predicts 1.
    activation_fn : {"relu", "tanh", "sigmoid"}

    Raises
    ------
    ArgumentError
        If the activation is unknown, or the shapes don't fit.

    Examples
    --------
    >>> accuracy(np.ones((2, 2)), initialize_parameters_zeros([2, 1]), np.array([[0, 1]]))
    'The accuracy rate is: 50.00%.'
    """
    return f"The accuracy rate is: {accuracy_rate(X, parameters, Y, activation_fn) * 100:.2f}%."


def model(  # noqa: PLR0917  (as published)
    X: Array,
    Y: Labels,
    layers_dims: Sequence[int],
    learning_rate: float = LEARNING_RATE,
    num_iterations: int = NUM_ITERATIONS,
    print_cost: bool = True,
    hidden_layers_activation_fn: str = "relu",
    initialization_method: str = "he",
) -> Parameters:
    """Train by gradient descent, print the cost of every 100th iteration and draw the curve.

    Parameters
    ----------
    X : array, shape (features, examples)
    Y : array, shape (1, examples)
        0 or 1.
    layers_dims : sequence of int
        The sizes of the layers, from the features to 1.
    learning_rate : float
    num_iterations : int
    print_cost : bool
    hidden_layers_activation_fn : {"relu", "tanh", "sigmoid"}
    initialization_method : {"zeros", "random", "he", "xavier"}

    Returns
    -------
    dict
        The trained parameters.

    Raises
    ------
    ArgumentError
        If a name is unknown, a shape doesn't fit or a number is out of range.

    Examples
    --------
    >>> X, Y = np.ones((2, 2)), np.array([[0, 1]])
    >>> parameters = model(X, Y, [2, 1], num_iterations=100, initialization_method="zeros")
    The cost after 100 iterations is: 0.6931471805599453
    >>> plt.close()
    """
    arguments.check_name("initialization_method", initialization_method, INITIALIZERS)
    arguments.check_name(
        "hidden_layers_activation_fn", hidden_layers_activation_fn, layers.ACTIVATIONS
    )
    arguments.check_training(X, Y, layers_dims, learning_rate, num_iterations)
    parameters = INITIALIZERS[initialization_method](layers_dims)
    training = layers.descend(
        X,
        Y,
        parameters,
        hidden=hidden_layers_activation_fn,
        learning_rate=learning_rate,
        iterations=num_iterations,
    )
    cost_list = []
    for i, cost in enumerate(training):
        if print_cost and (i + 1) % 100 == 0:
            print(f"The cost after {i + 1} iterations is: {cost}")
        if i % 100 == 0:
            cost_list.append(cost)
    _plot_costs(cost_list, learning_rate, initialization_method)
    return parameters


def _plot_costs(costs: list[float], learning_rate: float, initialization_method: str) -> None:
    plt.figure(figsize=(12, 8))
    plt.plot(costs)
    plt.xlabel("Iterations (per hundreds)", fontsize=14)
    plt.ylabel("Cost", fontsize=14)
    plt.title(
        f"Cost curve: learning rate = {learning_rate} and {initialization_method} "
        "initialization method",
        y=1.05,
        fontsize=16,
    )
