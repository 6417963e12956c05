"""The draws themselves: each takes a generator and a shape, (fan_out, fan_in) or a kernel's."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from goodinit.errors import bad_argument
from goodinit.initializers.scheme import Shape, Weights

# The standard deviation of a standard normal cut at ±2, sqrt(1 - 4 φ(2) / (2 Φ(2) - 1)).
TRUNCATED_STD = 0.8796256610342398

MODES: dict[str, Callable[[float, float], float]] = {
    "fan_in": lambda fan_out, fan_in: fan_in,
    "fan_out": lambda fan_out, fan_in: fan_out,
    "fan_avg": lambda fan_out, fan_in: (fan_in + fan_out) / 2,
    "fan_geo_avg": lambda fan_out, fan_in: np.sqrt(fan_in * fan_out),
}
DISTRIBUTIONS = ("normal", "uniform", "truncated_normal")


def fans(shape: Shape) -> tuple[int, int]:
    """Return (fan_out, fan_in): outputs and inputs, each times the size of the kernel.

    Raises
    ------
    ArgumentError
        Where there are fewer than two dimensions.

    Examples
    --------
    >>> fans((8, 4)), fans((8, 4, 3, 3))
    ((8, 4), (72, 36))
    """
    kernel = prod(_two_or_more(shape)[2:])
    return shape[0] * kernel, shape[1] * kernel


def _two_or_more(shape: Shape) -> Shape:
    if len(shape) < 2:
        takes = (
            "two dimensions or more, (fan_out, fan_in, *kernel); what has no fans, such as biases, "
            "takes zeros or normal(std=0.01)"
        )
        raise bad_argument("shape", shape, takes)
    return shape


def _rows(shape: Shape) -> tuple[int, int]:
    """Return the shape as a matrix, outputs first."""
    return _two_or_more(shape)[0], prod(shape[1:])


def constant(rng: np.random.Generator, shape: Shape, value: float) -> Weights:
    """Return the value everywhere."""
    return np.full(shape, value)


def normal(rng: np.random.Generator, shape: Shape, std: float, mean: float = 0.0) -> Weights:
    """Return draws of N(mean, std²)."""
    return mean + std * rng.standard_normal(shape)


def uniform(rng: np.random.Generator, shape: Shape, low: float, high: float) -> Weights:
    """Return draws of U[low, high)."""
    return low + (high - low) * rng.random(shape)


def truncated_normal(
    rng: np.random.Generator,
    shape: Shape,
    std: float,
    *,
    mean: float = 0.0,
    low: float | None = None,
    high: float | None = None,
) -> Weights:
    """Draw by inverting the distribution function, so that one weight costs one random number."""
    from scipy.special import ndtr, ndtri

    begin, end = cut(std, mean, low, high)
    side = -1 if begin > 0 else 1  # far above 0 there are no digits left below 1
    first, last = ndtr(min(side * begin, side * end)), ndtr(max(side * begin, side * end))
    width = 1 - 2 * first if begin == -end else last - first
    standard = side * ndtri(first + width * rng.random(shape))
    weights: Weights = mean + std * np.clip(standard, begin, end)
    return weights


def cut(std: float, mean: float, low: float | None, high: float | None) -> tuple[float, float]:
    """Return the bounds in standard deviations from the mean; by default two of them."""
    begin = -2.0 if low is None else (low - mean) / std
    return begin, 2.0 if high is None else (high - mean) / std


def variance_scaling(
    rng: np.random.Generator, shape: Shape, scale: float, mode: str, distribution: str
) -> Weights:
    """Return draws of variance scale / fan."""
    std = np.sqrt(scale / MODES[mode](*fans(shape)))
    if distribution == "normal":
        return normal(rng, shape, std)
    if distribution == "uniform":
        return uniform(rng, shape, -np.sqrt(3) * std, np.sqrt(3) * std)
    return truncated_normal(rng, shape, std / TRUNCATED_STD)


def orthogonal(rng: np.random.Generator, shape: Shape, gain: float) -> Weights:
    """Draw from the Haar measure: QR of a Gaussian matrix, with the signs of R's diagonal."""
    rows, columns = _rows(shape)
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    weights: Weights = gain * (q if rows >= columns else q.T)
    return weights.reshape(shape)


def delta_orthogonal(rng: np.random.Generator, shape: Shape, gain: float) -> Weights:
    """Return zeros around an orthogonal matrix in the middle of the kernel."""
    weights = np.zeros(_two_or_more(shape))
    weights[(..., *_middle(shape))] = orthogonal(rng, shape[:2], gain)
    return weights


def _middle(shape: Shape) -> tuple[Any, ...]:
    return tuple(side // 2 for side in shape[2:])


def dirac(rng: np.random.Generator, shape: Shape, groups: int) -> Weights:
    """Return what passes each group's inputs on through the middle of the kernel."""
    outputs, inputs = _two_or_more(shape)[:2]
    if outputs % groups:
        raise bad_argument("shape", shape, f"a number of outputs that {groups} groups share")
    weights, kept = np.zeros(shape), np.arange(outputs) % (outputs // groups)
    units = np.flatnonzero(kept < inputs)
    weights[(units, kept[units], *_middle(shape))] = 1.0
    return weights


def identity(rng: np.random.Generator, shape: Shape, gain: float) -> Weights:
    """Return gain × I, padded with zeros."""
    if len(shape) != 2:
        raise bad_argument("shape", shape, "two dimensions; of a kernel, dirac is the identity")
    return gain * np.eye(*shape)


def sparse(rng: np.random.Generator, shape: Shape, sparsity: float, std: float) -> Weights:
    """Return draws of N(0, std²), with a share of each row set to zero."""
    rows, columns = _rows(shape)
    weights = normal(rng, (rows, columns), std)
    silent = min(int(np.ceil(round(sparsity * columns, 9))), columns - 1)
    order = np.argsort(rng.random((rows, columns)), axis=1)
    np.put_along_axis(weights, order[:, :silent], 0.0, axis=1)
    return weights.reshape(shape)
