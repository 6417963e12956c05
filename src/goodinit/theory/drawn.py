"""The band where no formula holds: networks are drawn, and looked at, on a few examples.

A network much deeper than a hundredth or so of its width strays by more than the first order in
1/width can say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit import network as oracle
from goodinit.activations import Activation
from goodinit.initializers import Scheme
from goodinit.initializers.scheme import generator
from goodinit.network import Network
from goodinit.theory.bands import INSIDE
from goodinit.theory.gaussian import Array

_BUDGET = 4_000_000_000  # multiplications, about
_FEWEST = 60
_BATCH = 2_000_000  # weights at a time
_BEYOND = 1e4  # logarithms whose powers are 0 or infinite
_SEEDS = 2**31  # from here on, so that no network that is predicted was drawn for it


@dataclass(frozen=True)
class Drawn:
    """Logarithms of mean squares in networks drawn, shape (networks, layers).

    Attributes
    ----------
    preactivations, gradients : array
    """

    preactivations: Array
    gradients: Array


def how_many(sizes: Sequence[int], examples: int, most: int) -> int:
    """Return how many networks are drawn: as many as asked, fewer where they are large."""
    each = sum(a * b for a, b in pairwise(sizes)) * (3 * examples + 30)
    return min(most, max(_FEWEST, int(_BUDGET / each)))


def draw(
    network: Network,
    *,
    activation: Activation,
    scheme: Scheme,
    bias_std: float,
    X: Array,
    y: NDArray[Any],
    count: int,
) -> Drawn:
    """Return what so many networks look like on these examples."""
    sizes = network.layers
    batch = max(1, _BATCH // sum(a * b for a, b in pairwise(sizes)))
    found = [
        _look(network, activation, _weights(scheme, sizes, bias_std, seeds), X, y)
        for first in range(0, count, batch)
        for seeds in [range(first, min(first + batch, count))]
    ]
    with np.errstate(divide="ignore"):
        return Drawn(*(np.log(np.concatenate(part)) for part in zip(*found, strict=True)))


def _weights(
    scheme: Scheme, sizes: Sequence[int], bias_std: float, seeds: range
) -> list[tuple[Array, Array]]:
    parameters: list[tuple[Array, Array]] = []
    for place, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        rngs = [generator(_SEEDS + seed, place) for seed in seeds]
        weights = np.stack([scheme(rng, (fan_out, fan_in)) for rng in rngs])
        biases = bias_std * np.stack([rng.standard_normal(fan_out) for rng in rngs])
        parameters.append((weights, biases))
    return parameters


def _look(
    network: Network,
    activation: Activation,
    parameters: list[tuple[Array, Array]],
    X: Array,
    y: NDArray[Any],
) -> tuple[Array, Array]:
    inputs, lengths, slopes = [X[np.newaxis]], [], []
    z = X
    for weights, biases in parameters:
        z = inputs[-1] @ np.swapaxes(weights, 1, 2) + biases[:, np.newaxis]
        lengths.append(np.mean(z**2, axis=(1, 2)))
        slopes.append(activation.slope(z))
        inputs.append(activation.function(z))
    delta = oracle.OUTPUTS[network.output].activation(z) - oracle.targets(network, y)
    delta = delta / len(X)
    squares = []
    for place in reversed(range(len(parameters))):
        gradient = np.swapaxes(delta, 1, 2) @ inputs[place]
        squares.append(np.mean(gradient**2, axis=(1, 2)))
        if place:
            delta = (delta @ parameters[place][0]) * slopes[place - 1]
    return np.stack(lengths, axis=1), np.stack(squares[::-1], axis=1)


def band(logs: Array) -> tuple[Array, Array]:
    """Return the ends, shape (layers,), between which 90 % of further networks lie.

    Order statistics at (n + 1) p, so that a further draw lies between them with that probability.
    """
    tails = (0.5 * (1 - INSIDE), 0.5 * (1 + INSIDE))
    finite = np.clip(np.where(np.isnan(logs), np.inf, logs), -_BEYOND, _BEYOND)
    low, high = np.quantile(finite, tails, axis=0, method="weibull")
    return low, high
