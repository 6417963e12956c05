"""Each layer's gradient in theory, and how far one network's strays from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma

from goodinit.theory.bands import Walk, quantiles
from goodinit.theory.gaussian import Array, Moments, mean, pairs
from goodinit.theory.meanfield import Layer, backward
from goodinit.theory.outputs import FirstAnswer

_ASKED = 6  # layers for which the spread of the answers is worked out; others lie between
_LEAST = 1e-9


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
) -> Gradients:
    """Return what theory says of every layer's weight gradient.

    Parameters
    ----------
    layers : sequence of Layer
    orthogonal : sequence of bool
    answer : FirstAnswer
    walk : Walk
    moments : Moments
    """
    deltas, slopes = backward(layers, answer.residuals, moments)
    counted = [layer.inputs / len(layer.inputs) ** 2 for layer in layers]
    squares = np.array([np.sum(w * d) for w, d in zip(counted, deltas, strict=True)])
    ends = _Ends(layers, slopes, counted, answer)
    noise = [
        _added(
            layers[place],
            layers[place + 1],
            orthogonal=orthogonal[place + 1],
            delta=deltas[place],
            counted=counted[place],
            moments=moments,
        )
        for place in range(len(layers) - 1)
    ]
    shapes = [1 / max(added, _LEAST) for added in noise]
    low, high = np.zeros(len(layers)), np.zeros(len(layers))
    for place in range(len(layers)):
        center, spread, follows = ends.at(place)
        pull = np.zeros(len(layers))
        pull[-1] += follows
        for k in range(place, len(layers) - 1):
            rows = np.abs(counted[place] * deltas[place]).sum(axis=1) + 1e-300
            pull[k] += float(np.average(moments.slope_follows(layers[k].q), weights=rows))
        if place:
            through = layers[place].gain * np.trace(layers[place].inputs)
            total = through + layers[place].bias * len(layers[place].q)
            pull[place] += total / through if through > 0 else 0.0
        above = shapes[place + 1 :]
        center += float(pull @ walk.mean) + sum(float(digamma(s) - np.log(s)) for s in above)
        variance = spread + float(pull @ walk.covariance @ pull)
        variance += sum(float(polygamma(1, s)) for s in above)
        own = noise[place] if place < len(noise) else 0.0
        low[place], high[place] = quantiles(center, float(np.sqrt(max(variance, 0.0))), own)
    with np.errstate(divide="ignore"):
        logs = np.log(squares)
    return Gradients(logs, logs + low, logs + high)


def _added(
    layer: Layer,
    above: Layer,
    *,
    orthogonal: bool,
    delta: Array,
    counted: Array,
    moments: Moments,
) -> float:
    """Return the relative variance that a layer's units add to the gradient on its way back."""
    slope = moments.slope(layer.q)
    if not slope.any():
        return 0.0
    derivative = moments.activation.slope
    fourth = pairs(lambda z: derivative(z) ** 2, layer.q, layer.c, step=True)
    np.fill_diagonal(fourth, mean(lambda z: derivative(z) ** 4, layer.q))
    rows = np.abs(counted * delta).sum(axis=1)
    total = float(rows.sum())
    if not 0 < total < np.inf:
        return 0.0
    rows = rows / total
    flips = float(rows @ (fourth - np.outer(slope, slope)) @ rows) / float(rows @ slope) ** 2
    product = delta @ counted
    trace = float(np.trace(product))
    alike = float(np.sum(product * product.T)) / trace**2 if trace > 0 else 1.0
    alike = min(max(alike, 0.0), 1.0)
    held = 2 * alike * min(1.0, layer.fan_out / above.fan_out) if orthogonal else 0.0
    return max(0.0, (1 + 2 * alike) * (1 + max(flips, 0.0)) - 1 - held) / layer.fan_out


class _Ends:
    """How the answers differ from network to network, as each layer's gradient sees it."""

    def __init__(
        self,
        layers: Sequence[Layer],
        slopes: Sequence[Array],
        counted: Sequence[Array],
        answer: FirstAnswer,
    ) -> None:
        depth = len(layers)
        self._asked = np.unique(np.linspace(0, depth - 1, min(depth, _ASKED)).round().astype(int))
        found = []
        for place in self._asked:
            weights = counted[place].copy()
            for slope in slopes[place:]:
                weights = weights * slope / max(float(np.abs(slope).max()), 1e-300)
            found.append(_spread(weights, answer))
        self._found = np.array(found)

    def at(self, place: int) -> tuple[float, float, float]:
        """Return mean and rest variance of the log relative to its mean, and how it follows."""
        mean, variance, follows = (
            float(np.interp(place, self._asked, column)) for column in self._found.T
        )
        return mean, variance, follows


def _spread(weights: Array, answer: FirstAnswer) -> tuple[float, float, float]:
    each, scale = answer.each, answer.scale
    turned = np.einsum("ij,sjo->sio", weights, each, optimize=True)
    totals = np.sum(each * turned, axis=(1, 2))
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
