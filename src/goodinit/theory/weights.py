"""What theory needs to know of an initializer: the variance of its weights, and their kind."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import erf, exp, pi, sqrt
from typing import Any

import numpy as np

from goodinit.initializers import TRUNCATED_STD, Scheme
from goodinit.initializers import draws as drawing
from goodinit.initializers.scheme import Arrays, Shape, generator

_LEAST_MEASURED = 4096  # weights of a callable that are looked at
_FAR = 5.0  # standard errors that a mean may lie from 0
_SAME = 1e-6


@dataclass(frozen=True)
class Law:
    """How the weights of one layer are distributed.

    Attributes
    ----------
    variance : float
        Of each weight; the mean is 0.
    orthogonal : bool
        Whether rows (or columns) are orthogonal and of one length.
    kurtosis : float
        Excess kurtosis of a weight: 0 for a normal, -1.2 for a uniform distribution.
    measured : bool
        Whether it was measured on draws, which say nothing of how weights hang together.
    """

    variance: float
    orthogonal: bool = False
    kurtosis: float = 0.0
    measured: bool = False


_KURTOSIS = {"normal": 0.0, "uniform": -1.2, "truncated_normal": -0.634}


def _constant(shape: Shape, value: float) -> Law | None:
    return Law(0.0) if value == 0 else None


def _uniform(shape: Shape, low: float, high: float) -> Law | None:
    if abs(low + high) > _SAME * (high - low):
        return None  # their mean isn't 0
    return Law((high - low) * (high - low) / 12, kurtosis=_KURTOSIS["uniform"])


def _normal(shape: Shape, std: float, mean: float) -> Law | None:
    return None if mean else Law(std * std)


def _cut(
    shape: Shape, std: float, mean: float, low: float | None, high: float | None
) -> Law | None:
    begin, end = drawing.cut(std, mean, low, high)
    if mean or abs(begin + end) > _SAME * (end - begin):
        return None  # their mean isn't 0
    if end == 2:
        return Law(
            TRUNCATED_STD * std * TRUNCATED_STD * std, kurtosis=_KURTOSIS["truncated_normal"]
        )
    inside = erf(end / sqrt(2))
    edge = 2 * exp(-0.5 * end * end) / sqrt(2 * pi) / inside
    square = 1 - end * edge
    return Law(std * std * square, kurtosis=(3 * square - end**3 * edge) / square**2 - 3)


def _scaled(shape: Shape, scale: float, mode: str, distribution: str) -> Law:
    return Law(scale / drawing.MODES[mode](*drawing.fans(shape)), kurtosis=_KURTOSIS[distribution])


def _sparse(shape: Shape, sparsity: float, std: float) -> Law:
    silent = min(int(np.ceil(round(sparsity * shape[1], 9))), shape[1] - 1)
    share = 1 - silent / shape[1]
    return Law(share * std * std, kurtosis=3 / share - 3)


_LAWS: Mapping[Callable[..., Any], Callable[..., Law | None]] = {
    drawing.constant: _constant,
    drawing.normal: _normal,
    drawing.uniform: _uniform,
    drawing.truncated_normal: _cut,
    drawing.variance_scaling: _scaled,
    drawing.orthogonal: lambda shape, gain: Law(gain * gain / max(shape), orthogonal=True),
    drawing.delta_orthogonal: lambda shape, gain: Law(gain * gain / max(shape), orthogonal=True),
    drawing.dirac: lambda shape, groups: None,
    drawing.identity: lambda shape, gain: None,
    drawing.sparse: _sparse,
}


def law(scheme: Scheme, shape: Shape) -> Law | None:
    """Return the law of a layer's weights; None where they have no mean of 0 or no variance.

    Of a callable of the user's own it is measured, on draws from seed 0.

    Parameters
    ----------
    scheme : Scheme
    shape : (fan_out, fan_in)

    Examples
    --------
    >>> from goodinit.initializers import he_normal, ones, orthogonal
    >>> law(he_normal(), (10, 50)).variance
    0.04
    >>> law(orthogonal(), (10, 40)).variance, law(ones(), (10, 40))
    (0.025, None)
    """
    draw = scheme.draw
    if isinstance(draw, Arrays):
        return None  # nothing is random
    if isinstance(draw, partial) and draw.func in _LAWS:
        known = _LAWS[draw.func](shape, *draw.args, **draw.keywords)
        return known if known is None or np.isfinite(known.variance) else None
    return _measured(scheme, shape)


def _measured(scheme: Scheme, shape: Shape) -> Law | None:
    fan_out, fan_in = shape
    times = max(2, -(-_LEAST_MEASURED // (fan_out * fan_in)))
    drawn = np.stack([scheme(generator(0, i), shape) for i in range(times)])
    if not drawn.any():
        return Law(0.0)
    if (drawn == drawn[0]).all():
        return None  # nothing is random
    variance = float(np.mean(drawn**2))
    gram = drawn @ np.swapaxes(drawn, 1, 2) if fan_out <= fan_in else None
    gram = np.swapaxes(drawn, 1, 2) @ drawn if gram is None else gram
    expected = variance * max(shape) * np.eye(min(shape))
    if min(shape) > 1 and np.abs(gram - expected).max() < _SAME * variance * max(shape):
        return Law(variance, orthogonal=True, measured=True)
    if abs(drawn.mean()) > _FAR * np.sqrt(variance / drawn.size):
        return None
    units = drawn.mean(axis=(0, 2)) if times * fan_in > 1 else drawn.mean(axis=0)
    if np.abs(units).max() > 2 * _FAR * np.sqrt(variance / (times * fan_in)):
        return None
    kurtosis = float(np.mean(drawn**4)) / variance**2 - 3
    return Law(variance, kurtosis=kurtosis, measured=True)
