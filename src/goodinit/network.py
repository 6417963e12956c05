"""A fully connected network in plain NumPy: forward, cost, backward, update.

This is the oracle: every faster path is tested against it. Arrays may carry leading axes, so that
one call serves one network or a batch of them: weights are ``(..., fan_out, fan_in)``, biases
``(..., fan_out)``, examples ``(n_samples, n_features)`` and shared, everything computed from them
``(..., n_samples, units)``.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby, pairwise
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit import activations
from goodinit.errors import bad_argument, bad_name
from goodinit.initializers import Scheme, draw_weights
from goodinit.initializers.biases import ZEROS, Biases
from goodinit.initializers.scheme import draw_biases

Array = NDArray[np.floating]
Parameters = list[tuple[Array, Array]]  # one (weights, biases) per layer

_MOST_TOLD = 4  # equal layers in a row that a description lists one by one


@dataclass(frozen=True)
class Network:
    """What is trained.

    Attributes
    ----------
    layers : tuple of int
        Units per layer from the input to the output, at least two.
    activation : str
        Of the hidden layers, a spec of ``goodinit.activations``.
    output : {"sigmoid", "softmax", "linear"}
        With its cost: binary cross-entropy, cross-entropy, half the mean squared error.

    Raises
    ------
    ArgumentError
        Where a size, the activation or the output cannot be.

    Examples
    --------
    >>> print(Network((2, 10, 5, 1)))
    2-10-5-1, relu, sigmoid
    """

    layers: tuple[int, ...]
    activation: str = "relu"
    output: str = "sigmoid"

    def __post_init__(self) -> None:
        sizes: tuple[Any, ...] = tuple(self.layers) if isinstance(self.layers, Iterable) else ()
        if len(sizes) < 2 or any(
            isinstance(size, bool) or not isinstance(size, Integral) or size < 1 for size in sizes
        ):
            raise bad_argument("layers", self.layers, "two or more whole numbers above 0")
        object.__setattr__(self, "layers", tuple(map(int, sizes)))
        object.__setattr__(self, "activation", activations.named(self.activation).name)
        if self.output not in tuple(OUTPUTS):
            raise bad_name("output", str(self.output), OUTPUTS)

    def __str__(self) -> str:
        first, *hidden, last = self.layers
        runs = [(units, len(list(run))) for units, run in groupby(hidden)]
        told = [
            f"{units}×{n}" if n > _MOST_TOLD else "-".join([f"{units}"] * n) for units, n in runs
        ]
        return f"{'-'.join([str(first), *told, str(last)])}, {self.activation}, {self.output}"


@dataclass(frozen=True)
class Output:
    """A last layer's activation with the cost whose slope it simplifies to (activation - target)/n.

    Attributes
    ----------
    activation : callable
        Logits (..., n, units) to outputs of the same shape.
    costs : callable
        Logits (..., n, units) and targets (n, units) to the cost of each example, (..., n).
        Computed from the logits, so that a saturated output has a large cost and not an infinite
        one.
    turn : callable
        Outputs and a change of the logits, both (..., n, units), to the change of the outputs.
    classes : callable
        Logits (..., n, units) to the predicted class of each example, (..., n).
    """

    activation: Callable[[Array], Array]
    costs: Callable[[Array, Array], Array]
    turn: Callable[[Array, Array], Array]
    classes: Callable[[Array], NDArray[np.intp]]


def _binary_cross_entropy(logits: Array, targets: Array) -> Array:
    positive, rest = np.maximum(logits, 0), np.log1p(np.exp(-np.abs(logits)))
    costs: Array = np.sum(positive - logits * targets + rest, axis=-1)
    return costs


def _shifted(logits: Array) -> Array:
    shifted: Array = logits - logits.max(axis=-1, keepdims=True)
    return shifted


def _softmax(logits: Array) -> Array:
    odds = np.exp(_shifted(logits))
    probabilities: Array = odds / odds.sum(axis=-1, keepdims=True)
    return probabilities


def _cross_entropy(logits: Array, targets: Array) -> Array:
    shifted = _shifted(logits)
    costs: Array = np.log(np.exp(shifted).sum(axis=-1)) - np.sum(shifted * targets, axis=-1)
    return costs


def _half_squared_error(logits: Array, targets: Array) -> Array:
    costs: Array = 0.5 * np.sum((logits - targets) ** 2, axis=-1)
    return costs


def _softmax_turn(said: Array, moved: Array) -> Array:
    turned: Array = said * (moved - np.sum(said * moved, axis=-1, keepdims=True))
    return turned


OUTPUTS: dict[str, Output] = {
    "sigmoid": Output(
        activations.sigmoid,
        _binary_cross_entropy,
        lambda said, moved: said * (1 - said) * moved,
        lambda z: (z[..., 0] > 0).astype(np.intp),
    ),
    "softmax": Output(_softmax, _cross_entropy, _softmax_turn, lambda z: z.argmax(axis=-1)),
    "linear": Output(
        lambda z: z, _half_squared_error, lambda _, moved: moved, lambda z: z.argmax(axis=-1)
    ),
}


def initialize(
    network: Network,
    scheme: Scheme,
    seed: int,
    biases: Biases = ZEROS,
    y: NDArray[Any] | None = None,
) -> Parameters:
    """Return the network's weights and biases as they are drawn from the seed.

    Parameters
    ----------
    network : Network
    scheme : Scheme
    seed : int
    biases : Biases
        How biases start where the scheme draws none of its own.
    y : array, shape (n_samples,), optional
        The training targets; needed where biases start at their base rate.

    Examples
    --------
    >>> from goodinit.initializers import he_normal
    >>> [weights.shape for weights, _ in initialize(Network((2, 10, 1)), he_normal(), seed=0)]
    [(10, 2), (1, 10)]
    """
    drawn = draw_weights(scheme, network.layers, seed)
    beside = draw_biases(scheme, network.layers, seed, biases.scheme)
    if biases.at_base_rate and not scheme.bias_std and y is not None:
        beside[-1] = base_rate(network, y)
    return list(zip(drawn, beside, strict=True))


def base_rate(network: Network, y: NDArray[Any]) -> NDArray[np.float64]:
    """Return the logits of the best answer that doesn't look at the example, shape (outputs,).

    A class without examples counts as half an example: its logit stays finite.

    Examples
    --------
    >>> base_rate(Network((2, 1)), np.array([1, 1, 1, 0])).round(4)
    array([1.0986])
    """
    said = targets(network, y)
    if network.output == "linear":
        return np.asarray(said.mean(axis=0))
    least = 0.5 / len(said)
    shares = np.clip(said.mean(axis=0), least, 1 - least)
    return np.asarray(np.log(shares / (1 - shares) if network.output == "sigmoid" else shares))


def pack(parameters: Parameters) -> Array:
    """Return all parameters of each network in one row, (..., P), as ``unpack`` reads them."""
    lead = parameters[0][1].shape[:-1]
    return np.concatenate([part.reshape(*lead, -1) for layer in parameters for part in layer], -1)


def unpack(layers: tuple[int, ...], flat: Array) -> Parameters:
    """Return views of packed parameters, (..., P), as weights and biases per layer.

    Examples
    --------
    >>> unpack((2, 1), np.array([[1.0, 2.0, 3.0]]))
    [(array([[[1., 2.]]]), array([[3.]]))]
    """
    parameters: Parameters = []
    first = 0
    for fan_in, fan_out in pairwise(layers):
        middle = first + fan_out * fan_in
        last = middle + fan_out
        weights = flat[..., first:middle].reshape(*flat.shape[:-1], fan_out, fan_in)
        parameters.append((weights, flat[..., middle:last]))
        first = last
    return parameters


def targets(network: Network, y: NDArray[Any]) -> NDArray[np.float64]:
    """Return what the output layer should say, (n_samples, outputs).

    Parameters
    ----------
    network : Network
    y : array, shape (n_samples,)
        Class indices, or numbers for a linear output. Several classes become one-hot rows.

    Examples
    --------
    >>> targets(Network((2, 3), output="softmax"), np.array([2, 0]))
    array([[0., 0., 1.],
           [1., 0., 0.]])
    """
    if network.output == "softmax":
        one_hot: NDArray[np.float64] = np.eye(network.layers[-1])[y]
        return one_hot
    return np.asarray(y, dtype=np.float64)[:, np.newaxis]


def forward(
    network: Network, parameters: Parameters, X: Array, offset: Array | float = 0.0
) -> tuple[list[Array], list[Array]]:
    """Return every layer's pre-activations and activations.

    Parameters
    ----------
    network : Network
    parameters : Parameters
    X : array, shape (n_samples, n_features)
    offset : array, shape (..., n_samples, units), optional
        Added to the first pre-activations: what features that ``X`` leaves out contribute.

    Returns
    -------
    preactivations : list of array, shapes (..., n_samples, units)
        The last are the logits.
    inputs : list of array, shapes (..., n_samples, fan_in)
        What each layer was given: ``X``, then the hidden activations.

    Examples
    --------
    >>> layer = (np.array([[1.0, -1.0]]), np.array([0.5]))
    >>> preactivations, _ = forward(Network((2, 1)), [layer], np.array([[3.0, 1.0]]))
    >>> preactivations[-1]
    array([[2.5]])
    """
    hidden = activations.read(network.activation).function
    preactivations: list[Array] = []
    inputs = [X]
    for layer, (weights, biases) in enumerate(parameters):
        if layer:
            inputs.append(hidden(preactivations[-1]))
        z = inputs[-1] @ np.swapaxes(weights, -1, -2)
        z += biases[..., np.newaxis, :]
        if layer == 0 and not isinstance(offset, float):
            z += offset
        preactivations.append(z)
    return preactivations, inputs


def cost(network: Network, logits: Array, targets: Array) -> Array:
    """Return the mean cost over the examples, shape (...).

    Examples
    --------
    >>> float(cost(Network((2, 1)), np.array([[-1000.0]]), np.array([[1.0]])))
    1000.0
    """
    mean: Array = np.asarray(OUTPUTS[network.output].costs(logits, targets).mean(axis=-1))
    return mean


def score(network: Network, logits: Array, y: NDArray[Any]) -> Array:
    """Return the accuracy, or for a linear output the coefficient of determination R², shape (...).

    Logits that aren't finite answer nothing: such an example is wrong, such an R² minus infinity.

    Examples
    --------
    >>> float(score(Network((2, 1)), np.array([[3.0], [-1.0]]), np.array([1, 1])))
    0.5
    """
    if network.output == "linear":
        residual = np.sum((logits[..., 0] - y) ** 2, axis=-1)
        r2 = 1 - residual / np.sum((y - y.mean()) ** 2)
        return np.asarray(np.where(np.isnan(r2), -np.inf, r2))
    right = OUTPUTS[network.output].classes(logits) == y
    return np.asarray(np.mean(right & np.isfinite(logits).all(axis=-1), axis=-1))


def backward(network: Network, parameters: Parameters, X: Array, targets: Array) -> Parameters:
    """Return the gradient of the cost, in the shapes of the parameters.

    All three outputs pair with their cost so that d cost / d logits = (outputs - targets) / n.

    Parameters
    ----------
    network : Network
    parameters : Parameters
    X : array, shape (n_samples, n_features)
    targets : array, shape (n_samples, outputs)

    Examples
    --------
    >>> layer = (np.array([[0.0, 0.0]]), np.array([0.0]))
    >>> backward(Network((2, 1)), [layer], np.array([[3.0, 1.0]]), np.array([[1.0]]))
    [(array([[-1.5, -0.5]]), array([-0.5]))]
    """
    slope = activations.read(network.activation).slope
    preactivations, inputs = forward(network, parameters, X)
    delta = (OUTPUTS[network.output].activation(preactivations[-1]) - targets) / len(X)
    gradients: Parameters = []
    for layer in reversed(range(len(parameters))):
        gradients.append((np.swapaxes(delta, -1, -2) @ inputs[layer], delta.sum(axis=-2)))
        if layer:
            delta = (delta @ parameters[layer][0]) * slope(preactivations[layer - 1])
    return gradients[::-1]


def hessian_vector(
    network: Network, parameters: Parameters, X: Array, targets: Array, direction: Parameters
) -> Parameters:
    """Return the product of the cost's Hessian with a direction, in the shapes of the parameters.

    Every quantity of ``forward`` and ``backward`` is differentiated along the direction; at a kink
    of the activation the second derivative counts as 0.

    Parameters
    ----------
    network : Network
    parameters, direction : Parameters
    X : array, shape (n_samples, n_features)
    targets : array, shape (n_samples, outputs)

    References
    ----------
    Pearlmutter 1994, Fast exact multiplication by the Hessian.

    Examples
    --------
    >>> layer, along = (np.array([[0.0]]), np.array([0.0])), (np.array([[1.0]]), np.array([0.0]))
    >>> hessian_vector(Network((1, 1)), [layer], np.array([[2.0]]), np.array([[1.0]]), [along])
    [(array([[1.]]), array([0.5]))]
    """
    hidden = activations.read(network.activation)
    preactivations, inputs = forward(network, parameters, X)
    slopes = [hidden.slope(z) for z in preactivations[:-1]]
    moved_inputs = [np.zeros_like(X)]
    moved: list[Array] = []
    for layer, ((weights, _), (turn, shift)) in enumerate(zip(parameters, direction, strict=True)):
        if layer:
            moved_inputs.append(slopes[layer - 1] * moved[-1])
        moved.append(
            inputs[layer] @ np.swapaxes(turn, -1, -2)
            + moved_inputs[layer] @ np.swapaxes(weights, -1, -2)
            + shift[..., np.newaxis, :]
        )
    output = OUTPUTS[network.output]
    said = output.activation(preactivations[-1])
    delta = (said - targets) / len(X)
    moved_delta = output.turn(said, moved[-1]) / len(X)
    products: Parameters = []
    for layer in reversed(range(len(parameters))):
        products.append(
            (
                np.swapaxes(moved_delta, -1, -2) @ inputs[layer]
                + np.swapaxes(delta, -1, -2) @ moved_inputs[layer],
                moved_delta.sum(axis=-2),
            )
        )
        if layer:
            weights, turn = parameters[layer][0], direction[layer][0]
            below, curved = delta @ weights, hidden.curvature(preactivations[layer - 1])
            moved_delta = (moved_delta @ weights + delta @ turn) * slopes[layer - 1] + (
                below * curved * moved[layer - 1]
            )
            delta = below * slopes[layer - 1]
    return products[::-1]


def update(
    parameters: Parameters, gradients: Parameters, learning_rate: float | Array
) -> Parameters:
    """Return the parameters after one step of gradient descent.

    Parameters
    ----------
    parameters, gradients : Parameters
    learning_rate : float or array, shape (...)
        One for all networks of a batch, or one each.

    Examples
    --------
    >>> layer = (np.array([[1.0]]), np.array([0.0]))
    >>> slope = (np.array([[2.0]]), np.array([4.0]))
    >>> update([layer], [slope], learning_rate=0.1)
    [(array([[0.8]]), array([-0.4]))]
    """
    rate = np.asarray(learning_rate)[..., np.newaxis]
    return [
        (weights - rate[..., np.newaxis] * weight_slope, biases - rate * bias_slope)
        for (weights, biases), (weight_slope, bias_slope) in zip(parameters, gradients, strict=True)
    ]
