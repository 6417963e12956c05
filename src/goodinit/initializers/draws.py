"""The draws themselves: each takes a generator and ``shape = (fan_out, fan_in)``."""

from collections.abc import Callable

import numpy as np

from goodinit.initializers.scheme import Shape, Weights

# The standard deviation of a standard normal cut at ±2, sqrt(1 - 4 φ(2) / (2 Φ(2) - 1)).
TRUNCATED_STD = 0.8796256610342398

MODES: dict[str, Callable[[int, int], float]] = {
    "fan_in": lambda fan_out, fan_in: fan_in,
    "fan_out": lambda fan_out, fan_in: fan_out,
    "fan_avg": lambda fan_out, fan_in: (fan_in + fan_out) / 2,
}
DISTRIBUTIONS = ("normal", "uniform", "truncated_normal")


def constant(rng: np.random.Generator, shape: Shape, value: float) -> Weights:
    """Return the value everywhere."""
    return np.full(shape, value)


def normal(rng: np.random.Generator, shape: Shape, std: float) -> Weights:
    """Return draws of N(0, std²)."""
    return std * rng.standard_normal(shape)


def uniform(rng: np.random.Generator, shape: Shape, low: float, high: float) -> Weights:
    """Return draws of U[low, high)."""
    return low + (high - low) * rng.random(shape)


def truncated_normal(rng: np.random.Generator, shape: Shape, std: float) -> Weights:
    """Draw by inverting the distribution function, so that one weight costs one random number."""
    from scipy.special import ndtr, ndtri

    low = ndtr(-2.0)
    weights: Weights = std * ndtri(low + (1 - 2 * low) * rng.random(shape))
    return weights


def variance_scaling(
    rng: np.random.Generator, shape: Shape, scale: float, mode: str, distribution: str
) -> Weights:
    """Return draws of variance scale / fan."""
    std = np.sqrt(scale / MODES[mode](*shape))
    if distribution == "normal":
        return normal(rng, shape, std)
    if distribution == "uniform":
        return uniform(rng, shape, -np.sqrt(3) * std, np.sqrt(3) * std)
    return truncated_normal(rng, shape, std / TRUNCATED_STD)


def orthogonal(rng: np.random.Generator, shape: Shape, gain: float) -> Weights:
    """Draw from the Haar measure: QR of a Gaussian matrix, with the signs of R's diagonal."""
    q, r = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
    q *= np.where(np.diag(r) < 0, -1.0, 1.0)
    return gain * (q if shape[0] >= shape[1] else q.T)


def identity(rng: np.random.Generator, shape: Shape, gain: float) -> Weights:
    """Return gain × I, padded with zeros."""
    return gain * np.eye(*shape)


def sparse(rng: np.random.Generator, shape: Shape, sparsity: float, std: float) -> Weights:
    """Return draws of N(0, std²), with a share of each row set to zero."""
    weights = normal(rng, shape, std)
    silent = min(int(np.ceil(round(sparsity * shape[1], 9))), shape[1] - 1)
    order = np.argsort(rng.random(shape), axis=1)
    np.put_along_axis(weights, order[:, :silent], 0.0, axis=1)
    return weights
