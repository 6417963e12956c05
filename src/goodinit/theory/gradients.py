"""Each layer's gradient in theory, and how far one network's strays from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma

from goodinit.theory.bands import NONE, Walk, quantiles
from goodinit.theory.gaussian import Array, Moments
from goodinit.theory.meanfield import Layer, backward
from goodinit.theory.outputs import FirstAnswer

_NOTHING = 1e-300
_EVERY = 2  # point of the answers' grid: a band needs no more
_ASKED = 6  # layers for which the spread of the answers is worked out; others lie between
_LEAST = 1e-9  # a variance below which nothing follows it


@dataclass(frozen=True)
class Gradients:
    """Mean square of one weight's gradient by layer, and the ends of its band, all logarithms."""

    log_square: Array
    low: Array
    high: Array


def gradients(
    layers: Sequence[Layer],
    *,
    orthogonal: Sequence[bool],
    answer: FirstAnswer,
    walk: Walk,
    moments: Moments,
    own: float = 1.0,
) -> Gradients:
    """Return what theory says of every layer's weight gradient.

    Parameters
    ----------
    layers : sequence of Layer
    orthogonal : sequence of bool
    answer : FirstAnswer
    walk : Walk
    moments : Moments
    own : float
        How much an example's product with itself counts; see ``Examples``.
    """
    deltas, slopes = backward(layers, answer.residuals)
    each = np.where(np.eye(len(layers[0].inputs), dtype=bool), own, 1.0) / len(layers[0].q) ** 2
    counted = [layer.inputs * each for layer in layers]
    squares = np.array([max(np.sum(w * d), 0.0) for w, d in zip(counted, deltas, strict=True)])
    rows = np.array(
        [np.abs(w * d).sum(axis=1) + _NOTHING for w, d in zip(counted, deltas, strict=True)]
    )
    noise = np.array(
        [
            _added(
                layers[place],
                layers[place + 1],
                orthogonal=orthogonal[place + 1],
                delta=deltas[place],
                counted=counted[place],
            )
            for place in range(len(layers) - 1)
        ]
        + [0.0]
    )
    shapes = 1 / np.maximum(noise, NONE)
    center, variance, follows = _ends(layers, slopes, counted, answer)
    pull = _pull(layers, rows, follows, moments)
    center = center + pull @ walk.mean + _above(digamma(shapes) - np.log(shapes))
    variance = variance + np.einsum("ik,kl,il->i", pull, walk.covariance, pull)
    variance = variance + _above(polygamma(1, shapes))
    low, high = quantiles(center, np.sqrt(np.maximum(variance, 0.0)), noise)
    with np.errstate(divide="ignore"):
        logs = np.log(squares)
    return Gradients(logs, logs + low, logs + high)


def _above(each: Array) -> Array:
    """Return for each layer the sum over the layers above it."""
    return np.asarray(each[::-1].cumsum()[::-1] - each)


def _pull(layers: Sequence[Layer], rows: Array, follows: Array, moments: Moments) -> Array:
    """Return how each layer's gradient (rows) follows each layer's scale (columns), in logarithms.

    Through the slopes of its own layer and those above, through its input, and through the answers.
    """
    flat = np.array([moments.slope_follows(layer.q) for layer in layers])
    pull = np.triu((rows / rows.sum(axis=1, keepdims=True)) @ flat.T)
    pull[:, -1] = 0.0  # no activation follows
    for place, layer in enumerate(layers[1:], start=1):
        through = layer.gain * np.trace(layer.inputs)
        total = through + layer.bias * len(layer.q)
        pull[place, place] += total / through if through > 0 else 0.0
    pull[:, -1] += follows
    return np.asarray(pull)


def _added(
    layer: Layer,
    above: Layer,
    *,
    orthogonal: bool,
    delta: Array,
    counted: Array,
) -> float:
    """Return the relative variance that a layer's units add to the gradient on its way back."""
    slope = np.diag(layer.pairs.slopes)
    if not slope.any():
        return 0.0
    rows = np.abs(counted * delta).sum(axis=1)
    total = float(rows.sum())
    if not 0 < total < np.inf:
        return 0.0
    rows = rows / total
    mean = float(rows @ slope)
    flips = float(rows @ layer.pairs.squared_slopes @ rows) / mean**2 - 1
    product = delta @ counted
    trace = float(np.trace(product))
    alike = float(np.sum(product * product.T)) / trace**2 if trace > 0 else 1.0
    alike = min(max(alike, 0.0), 1.0)
    held = 2 * alike * min(1.0, layer.fan_out / above.fan_out) if orthogonal else 0.0
    return max(0.0, (1 + 2 * alike) * (1 + max(flips, 0.0)) - 1 - held) / layer.fan_out


def _ends(
    layers: Sequence[Layer],
    slopes: Sequence[Array],
    counted: Sequence[Array],
    answer: FirstAnswer,
) -> tuple[Array, Array, Array]:
    """Return how the answers differ from network to network, as each layer's gradient sees it.

    The mean of its logarithm, the variance, and how it follows the answers' scale.
    """
    depth = len(layers)
    asked = np.unique(np.linspace(0, depth - 1, min(depth, _ASKED)).round().astype(int))
    found = []
    for place in asked:
        weights = counted[place].copy()
        for slope in slopes[place:]:
            weights *= slope
            weights /= max(float(np.abs(weights).max()), _NOTHING)
        found.append(_spread(weights, answer))
    mean, variance, follows = (
        np.interp(np.arange(depth), asked, column) for column in np.array(found).T
    )
    return mean, variance, follows


def _spread(weights: Array, answer: FirstAnswer) -> tuple[float, float, float]:
    each, scale = answer.each[::_EVERY], answer.scale[::_EVERY]
    turned = weights.astype(each.dtype) @ each  # (points, m, outputs)
    totals = np.sum(each * turned, axis=(1, 2), dtype=float)
    middle = float(totals.mean())
    if not middle > 0:
        return 0.0, 0.0, 0.0
    logs = np.log(np.maximum(totals / middle, 1e-12))
    away = scale - scale.mean()
    varies = float(np.mean(away**2))
    follows = float(np.mean(away * logs)) / varies if varies > _LEAST else 0.0
    rest = logs - follows * away
    center = float(rest.mean()) - follows * float(scale.mean())
    return center, float(rest.var()), follows
