"""How far a network of finite width may stray from theory: the band in which 90 % of draws lie.

A layer's kernel is a mean over its units, so log scale walks at random with depth: each layer adds
the logarithm of a Gamma variable whose relative variance is that mean's. For ReLU that is about
5/n a layer (Hanin and Rolnick 2018, corollary 3 has the log-normal law); for other activations the
walk is drawn back, or pushed on, as the length map says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.special import digamma, gammainc, ndtri, polygamma

from goodinit.theory.gaussian import Array, Moments
from goodinit.theory.meanfield import Layer
from goodinit.theory.roots import root

INSIDE = 0.90
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(15)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_FINE, _FINE_WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
_FINE_WEIGHTS = _FINE_WEIGHTS / _FINE_WEIGHTS.sum()
_TAIL = 0.5 * (1 - INSIDE)
_SKEWED = 0.3  # beyond which Cornish and Fisher's quantiles are off by more than 1 % of the width
_LEAST = 1e-9
NONE = 1e-18  # a relative variance that is none


@dataclass(frozen=True)
class Walk:
    """The logarithm of each layer's scale, relative to infinite width.

    Attributes
    ----------
    mean : array, shape (layers,)
    covariance : array, shape (layers, layers)
    last : array, shape (layers,)
        The relative variance that a layer's own units add where its scale is measured on them.
    """

    mean: Array
    covariance: Array
    last: Array

    @property
    def deviation(self) -> Array:
        """Standard deviation of each layer's logarithm."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def walk(layers: Sequence[Layer], orthogonal: Sequence[bool], moments: Moments) -> Walk:
    """Return how the scale of the pre-activations strays, layer by layer."""
    depth = len(layers)
    means, covariance = np.zeros(depth), np.zeros((depth, depth))
    last = np.array([_own(layer, whole) for layer, whole in zip(layers, orthogonal, strict=True)])
    for place, (layer, above) in enumerate(pairwise(layers)):
        share = _share(above, moments.square(layer.q))
        added = _added(layer, orthogonal[place], moments)
        center, variance, follows = _passed(
            layer, moments, share, means[place], covariance[place, place]
        )
        shape = 1 / max(added, NONE)
        means[place + 1] = center + share * (digamma(shape) - np.log(shape))
        covariance[place + 1, : place + 1] = follows * covariance[place, : place + 1]
        covariance[: place + 1, place + 1] = covariance[place + 1, : place + 1]
        covariance[place + 1, place + 1] = variance + share**2 * polygamma(1, shape)
    return Walk(means, covariance, last)


def _share(above: Layer, square: Array) -> float:
    """Return the part of a layer's length that comes through its weights, not its biases."""
    through = float(above.gain * square.mean())
    total = through + above.bias
    return through / total if total > 0 else 0.0


def _passed(
    layer: Layer, moments: Moments, share: float, center: float, variance: float
) -> tuple[float, float, float]:
    """Return mean and variance of the next logarithm, and how it follows this one."""
    steps = center + np.sqrt(variance) * _NODES
    now = moments.square(layer.q)
    square = moments.square(layer.q[:, np.newaxis] * np.exp(steps)).mean(axis=0)
    through = share * square / max(float(now.mean()), 1e-300) + (1 - share)
    values = np.log(np.maximum(through, 1e-300))
    middle = float(_WEIGHTS @ values)
    spread = float(_WEIGHTS @ (values - middle) ** 2)
    if variance < _LEAST:
        follows = share * float(np.average(moments.square_follows(layer.q), weights=now + 1e-300))
    else:
        follows = float(_WEIGHTS @ ((values - middle) * _NODES)) / float(np.sqrt(variance))
    return middle, spread, follows


def _own(layer: Layer, orthogonal: bool) -> float:
    """Return the relative variance of the mean square of one layer's own pre-activations."""
    total = float(np.square(layer.q.mean()))
    if total == 0:
        return 0.0
    alike = float(np.mean(layer.kernel**2)) / total
    return 2 * _loose(layer, orthogonal) * alike / layer.fan_out


def _loose(layer: Layer, orthogonal: bool) -> float:
    """Return 1 for independent weights; less where orthogonal ones hold the length."""
    if not orthogonal or layer.bias > 0:
        return 1.0
    return max(0.0, 1 - layer.fan_out / layer.fan_in)


def _added(layer: Layer, orthogonal: bool, moments: Moments) -> float:
    """Return the relative variance that a layer's units add to the next layer's kernel."""
    square = moments.square(layer.q)
    if not square.any():
        return 0.0
    added = float(np.mean(layer.pairs.squares)) - 1
    loose = _loose(layer, orthogonal)
    if loose < 1:  # |z|² is held, and what of φ² follows it is held with it
        held = square / square.mean() * moments.square_follows(layer.q)  # Cov(φ², z²/q) / 2
        added -= 2 * (1 - loose) * float(np.mean(np.outer(held, held) * layer.c**2))
    return max(added, 0.0) / layer.fan_out


def quantiles(center: Array, deviation: Array, own: Array) -> tuple[Array, Array]:
    """Return the ends of the band of log scale: of a Gaussian plus the log of a Gamma variable.

    Parameters
    ----------
    center, deviation : array
        Of the Gaussian.
    own : array
        The relative variance of the Gamma variable, whose mean is 1.

    Returns
    -------
    low, high : array
        NaN where a number isn't finite.

    Examples
    --------
    One unit, of known variance, squared: χ² with one degree of freedom.

    >>> low, high = quantiles(np.zeros(1), np.zeros(1), np.full(1, 2.0))
    >>> print(f"{np.exp(low[0]):.5f} {np.exp(high[0]):.2f}")
    0.00393 3.84
    """
    with np.errstate(all="ignore"):  # a signal that explodes has no band
        low, high = (_quantile(p, center, deviation, own) for p in (_TAIL, 1 - _TAIL))
    return low, high


def _quantile(p: float, center: Array, deviation: Array, own: Array) -> Array:
    """Return a quantile: of little skew by its cumulants, else by Newton's steps."""
    shape = 1 / np.maximum(own, NONE)
    cumulants = [polygamma(order, shape) for order in (1, 2, 3)]
    variance = deviation**2 + cumulants[0]
    spread = np.sqrt(variance)
    skew, tailed = cumulants[1] / spread**3, cumulants[2] / variance**2
    z = float(ndtri(p))
    steps = z + skew * (z * z - 1) / 6 + tailed * (z**3 - 3 * z) / 24
    steps = steps - skew**2 * (2 * z**3 - 5 * z) / 36  # Cornish and Fisher 1938
    found = center + digamma(shape) - np.log(shape) + spread * steps
    for place in np.flatnonzero(np.abs(skew) > _SKEWED):
        found[place] = _solved(p, found[place], center[place], deviation[place], shape[place])
    return np.asarray(found)


def _solved(p: float, start: float, center: float, deviation: float, shape: float) -> float:
    at = center + deviation * _FINE

    def excess(x: float) -> float:
        return float(_FINE_WEIGHTS @ gammainc(shape, shape * np.exp(np.minimum(x - at, 300)))) - p

    width = 0.5 + deviation + 1 / shape
    low, high = start - width, start + width
    while excess(low) > 0:
        low -= width
    while excess(high) < 0:
        high += width
    return root(excess, low, high, to=1e-10)
