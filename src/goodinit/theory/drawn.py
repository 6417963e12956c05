"""The band where no formula holds: networks are drawn, and looked at, on some examples.

A network much deeper than a hundredth or so of its width strays by more than the first order in
1/width can say.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit import network as oracle
from goodinit.activations import Activation
from goodinit.initializers import Scheme, normal
from goodinit.initializers.scheme import generator
from goodinit.network import Network
from goodinit.theory.bands import INSIDE
from goodinit.theory.examples import Examples
from goodinit.theory.gaussian import Array
from goodinit.theory.weights import law

LEAST = 19  # networks, of which one is beyond each end of a band of 90 %

_BUDGET = 1_500_000_000  # multiplications, about
_FEWEST = 48  # networks, for a band that is right within 4 %
_ENOUGH = 96  # within 3 %
_BATCH = 2_000_000  # activations at a time
_POOL = 16_000_000  # weights of one shape
_WIDEST = 60.0  # the logarithm of a scale that float32 holds with room to spare
_BEYOND = 1e4  # logarithms whose powers are 0 or infinite
_LEAST = 0.1  # of a gradient, that is left where examples are made up for
_NORMAL = 1e-2  # the excess kurtosis of a weighted sum up to which it is as good as normal
_NOTHING = 1e-12  # of the largest: squares of examples along an axis that rounding alone leaves
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


def _how_many(sizes: Sequence[int], examples: int, most: int) -> int:
    """Return how many networks are drawn: as many as asked, fewer where they are large."""
    each = sum(a * b for a, b in pairwise(sizes)) * (3 * examples + 10)
    return min(most, max(_FEWEST, int(_BUDGET / each)))


def costly(sizes: Sequence[int], examples: int) -> bool:
    """Return whether so many examples are too many for the networks that a band likes."""
    return _how_many(sizes, examples, _ENOUGH) < _ENOUGH


def draw(
    network: Network,
    *,
    activation: Activation,
    scheme: Scheme,
    bias_std: float,
    examples: Examples,
    most: int,
    reach: float,
    own: Array,
) -> Drawn:
    """Return what so many networks look like on these examples.

    Layers of one shape take their weights from one pool of draws, each in an order of its own.

    Parameters
    ----------
    network, activation, scheme, bias_std
    examples : Examples
    own : array, shape (layers,)
        How often an example's product with itself counts in a gradient's sum over pairs.
    most : int
        How many networks are drawn; fewer where they are large.
    reach : float
        The largest absolute logarithm of a mean square that theory expects.
    """
    features, first = network.layers[0], _law_in_the_span(scheme, network.layers, examples.X)
    if first is not None:
        examples = replace(examples, X=_in_the_span(examples.X))
    sizes = [examples.X.shape[1], *network.layers[1:]]
    count = _how_many(sizes, len(examples.X), most)
    kind = np.float32 if reach < _WIDEST else np.float64
    schemes = [first or scheme, *[scheme] * (len(sizes) - 2)]
    layers = _Layers(sizes, schemes, bias_std, count, kind)
    batch = max(1, _BATCH // (len(examples.X) * sum(sizes)))
    parts = [slice(at, min(at + batch, count)) for at in range(0, count, batch)]
    found = [_look(network, activation, layers, part, (examples, own)) for part in parts]
    with np.errstate(divide="ignore"):
        lengths, squares = (np.concatenate(part) for part in zip(*found, strict=True))
        squares[:, 0] += np.log(sizes[0] / features)  # outside the span a gradient is 0
        return Drawn(lengths, squares)


def _law_in_the_span(scheme: Scheme, layers: Sequence[int], X: Array) -> Scheme | None:
    """Return what the first weights are along axes of the examples' span.

    None where these are not fewer than the features, or the weights along them not as good as
    normal: a weight there is a sum over all features, each of them of independent weights.
    """
    shape = layers[1], layers[0]
    known = law(scheme, shape) if len(X) < X.shape[1] else None
    if known is None or known.variance == 0 or known.orthogonal or known.measured:
        return None
    scheme = normal(std=np.sqrt(known.variance))
    if known.kurtosis == 0:
        return scheme
    # Along an axis the excess is a weight's times Σ v⁴: small where no few features carry it all.
    squares, axes = np.linalg.eigh(X @ X.T)
    seen = squares > _NOTHING * squares[-1]
    features = X.T @ (axes[:, seen] / np.sqrt(squares[seen]))
    excess = abs(known.kurtosis) * np.max(np.sum(features**4, axis=0), initial=0.0)
    return scheme if excess <= _NORMAL else None


def _in_the_span(X: Array) -> NDArray[np.float64]:
    """Return examples along axes of their span, as many as there are examples."""
    squares, axes = np.linalg.eigh(X @ X.T)
    return np.asarray(axes * np.sqrt(np.maximum(squares, 0.0)), dtype=np.float64)


class _Layers:
    """The weights and biases of all networks, by layer."""

    def __init__(
        self,
        sizes: Sequence[int],
        schemes: Sequence[Scheme],
        bias_std: float,
        count: int,
        kind: type[np.floating],
    ) -> None:
        shapes = [(fan_out, fan_in) for fan_in, fan_out in pairwise(sizes)]
        rng = generator(_SEEDS, 0)
        self._pools: dict[tuple[tuple[int, int], bool], Array] = {}
        # Layers of one shape share draws, but for a first one whose scheme is its own.
        self._keys = [
            (shape, scheme is schemes[-1]) for shape, scheme in zip(shapes, schemes, strict=True)
        ]
        for key, scheme in zip(self._keys, schemes, strict=True):
            if key in self._pools:
                continue
            shape = key[0]
            room = _POOL // (shape[0] * shape[1])
            many = count if key == self._keys[0] else min(count, max(_FEWEST, room))
            pool = np.empty((many, *shape), kind)
            for place in range(many):
                pool[place] = scheme.draw(rng, shape)
            self._pools[key] = pool
        self.count = len(shapes)
        self._order = [rng.permutation(count) % len(self._pools[key]) for key in self._keys]
        self._biases = [
            (bias_std * rng.standard_normal((count, 1, shape[0]))).astype(kind) if bias_std else 0
            for shape in shapes
        ]
        self.kind = kind

    def weights(self, layer: int, which: slice) -> Array:
        """Return the weights of some networks, shape (networks, fan_out, fan_in)."""
        return np.asarray(self._pools[self._keys[layer]][self._order[layer][which]])

    def biases(self, layer: int, which: slice) -> Any:
        """Return their biases, shape (networks, 1, fan_out)."""
        of = self._biases[layer]
        return of if isinstance(of, int) else of[which]


def _look(
    network: Network,
    activation: Activation,
    layers: _Layers,
    which: slice,
    seen: tuple[Examples, Array],
) -> tuple[Array, Array]:
    """Return the logarithms of the mean squares of pre-activations and of gradients, by layer."""
    (examples, own), kind, many = seen, layers.kind, which.stop - which.start
    X = examples.X.astype(kind)
    inputs, lengths, slopes = [np.broadcast_to(X, (many, *X.shape))], [], []
    z = X
    for place in range(layers.count):
        z = inputs[-1] @ np.swapaxes(layers.weights(place, which), 1, 2)
        z += layers.biases(place, which)
        lengths.append(np.log(_mean_square(z)))
        if place < layers.count - 1:
            slopes.append(activation.slope(z).astype(kind, copy=False))
            inputs.append(activation.function(z).astype(kind, copy=False))
    said = oracle.OUTPUTS[network.output].activation(z.astype(float))
    delta = (said - oracle.targets(network, examples.y)) / len(X)
    scale, squares = np.zeros(many), []
    for place in reversed(range(layers.count)):
        length = _mean_square(delta)
        length[length == 0] = 1.0
        delta = (delta / np.sqrt(length)[:, np.newaxis, np.newaxis]).astype(kind)
        scale += np.log(length)
        squares.append(scale + np.log(_gradient(delta, inputs[place], float(own[place]))))
        if place:
            delta = (delta @ layers.weights(place, which)) * slopes[place - 1]
    return np.stack(lengths, axis=1), np.stack(squares[::-1], axis=1)


def _mean_square(of: Array) -> Array:
    total: Array = np.einsum("nij,nij->n", of, of)
    return np.asarray(total.astype(float) / (of.shape[1] * of.shape[2]))


def _gradient(delta: Array, inputs: Array, own: float) -> Array:
    """Return the mean square of one weight's gradient; ``own`` as in ``draw``."""
    gradient = np.swapaxes(delta, 1, 2) @ inputs
    found = _mean_square(gradient)
    if own == 1:
        return found
    each = np.einsum("nij,nij->ni", delta, delta) * np.einsum("nij,nij->ni", inputs, inputs)
    selves = each.sum(axis=1, dtype=float) / (delta.shape[2] * inputs.shape[2])
    return np.asarray(np.maximum(found + (own - 1) * selves, _LEAST * found))


def band(logs: Array) -> tuple[Array, Array]:
    """Return the ends, shape (layers,), between which 90 % of further networks lie.

    Order statistics at (n + 1) p, so that a further draw lies between them with that probability.
    """
    tails = (0.5 * (1 - INSIDE), 0.5 * (1 + INSIDE))
    finite = np.clip(np.where(np.isnan(logs), np.inf, logs), -_BEYOND, _BEYOND)
    low, high = np.quantile(finite, tails, axis=0, method="weibull")
    return low, high
