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
_LEFT = 0.05  # of a sum, at least, that is left where it is that of more examples
_LEAST = 1e-9  # a variance below which nothing follows it


@dataclass(frozen=True)
class Sums:
    """Sums over pairs of examples by layer, and the part of the pairs of one with itself."""

    count: int
    whole: Array
    selves: Array

    def taken(self, own: Array) -> float:
        """Return the largest part of a sum that goes where own products count so often."""
        return float(np.max((1 - own) * self.selves / np.maximum(self.whole, _NOTHING)))


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
    sums: Sums,
    own: Array,
    count: float = 1.0,
    band: bool = True,
) -> Gradients:
    """Return what theory says of every layer's weight gradient.

    Parameters
    ----------
    layers : sequence of Layer
    orthogonal : sequence of bool
    answer : FirstAnswer
    walk : Walk
    moments : Moments
    sums : Sums
        As ``pair_sums`` returns them.
    own : array, shape (layers,)
        How often an example's product with itself counts; see ``owns``.
    count : float
        The same for the band, which is more even where less cancels.
    band : bool
        Whether the band is asked for, which takes most of the time; else it is NaN.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(np.maximum(sums.whole - (1 - own) * sums.selves, 0.0))
    if not band:
        return Gradients(logs, np.full_like(logs, np.nan), np.full_like(logs, np.nan))
    deltas, slopes = backward(layers, answer.residuals)
    each = np.where(np.eye(sums.count, dtype=bool), count, 1.0) / sums.count**2
    counted = [layer.inputs * each for layer in layers]
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
    return Gradients(logs, logs + low, logs + high)


def pair_sums(layers: Sequence[Layer], answer: FirstAnswer) -> Sums:
    """Return each layer's sum over pairs of examples of E[δᵢ δⱼ] E[aᵢ aⱼ] / n²."""
    deltas, _ = backward(layers, answer.residuals)
    products = [layer.inputs * delta for layer, delta in zip(layers, deltas, strict=True)]
    n = len(layers[0].q)
    return Sums(
        n,
        np.array([float(of.sum()) for of in products]) / n**2,
        np.array([float(np.trace(of)) for of in products]) / n**2,
    )


def owns(some: Sums, few: Sums, own: float, of: int) -> tuple[Array, Array]:
    """Return how often products of an example with itself count, so that sums are those of all.

    What a sum over m examples has too much goes like 1 / m where errors cancel and examples are
    much alike to a network, as to deep ones: two such sums tell that of all. It is no more than
    what is right were all weights 0.

    Parameters
    ----------
    some, few : Sums
    own : float
        ``Examples.own`` of some.
    of : int
        How many examples there are in all.

    Returns
    -------
    (array, array)
        For some and for few, by layer, between 0 and 1.
    """
    slope = np.maximum(few.whole - some.whole, 0) / (1 / few.count - 1 / some.count)
    excess = np.maximum(slope * (1 / some.count - 1 / of), (1 - own) * some.selves)
    whole = np.maximum(some.whole - excess, _LEFT * some.whole)
    first, second = (_own(one, whole) for one in (some, few))
    return first, second


def _own(some: Sums, whole: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = 1 - (some.whole - whole) / some.selves
    return np.clip(np.where(np.isfinite(found), found, 1.0), 0.0, 1.0)


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
