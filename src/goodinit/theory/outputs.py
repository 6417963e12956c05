"""The first cost and what it sends back, where logits are Gaussian: integrated on a fixed grid.

The grid is quasi-random (Sobol points through the normal quantile, each with its negative): one
network gives one grid, whatever the seed.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from goodinit import network as oracle
from goodinit.network import Network
from goodinit.theory.gaussian import Array
from goodinit.theory.sobol import sobol

_DIMENSIONS = 24  # directions of the logits' kernel that are integrated; the others are filled up
_JITTER = 1e-12


@dataclass(frozen=True)
class FirstAnswer:
    """What networks answer before training.

    Attributes
    ----------
    costs : array, shape (points,)
        The cost, at each point of the grid: all of one weight.
    scale : array, shape (points,)
        The logarithm of the kernel's factor there.
    residuals : array, shape (m, m)
        E[δ_i · δ_j], δ the slope of an example's cost with respect to its logits, of one unit.
    each : array of float32, shape (points, m, outputs)
        Those slopes themselves.
    """

    costs: Array
    scale: Array
    residuals: Array
    each: Array


@lru_cache(maxsize=8)
def _normals(dimensions: int) -> Array:
    half = ndtri(np.clip(sobol(dimensions + 1), 1e-9, 1 - 1e-9))
    half = half - half.mean(axis=0)
    half = half / np.sqrt(np.mean(half**2, axis=0))
    return np.concatenate([half, -half])


@lru_cache(maxsize=2)
def _noise(shape: tuple[int, ...]) -> Array:
    return np.random.default_rng(1).standard_normal(shape)


def first_answer(
    network: Network, kernel: Array, y: NDArray[Any], spread: tuple[float, float] = (0.0, 0.0)
) -> FirstAnswer:
    """Return the first cost and its slopes where each logit is Gaussian with the kernel given.

    Parameters
    ----------
    network : Network
        For its output.
    kernel : array, shape (m, m)
        E[z_i z_j] of the logits; outputs are independent of each other.
    y : array, shape (m,)
    spread : (mean, standard deviation)
        Of the logarithm of a factor of the kernel by which one network differs from another.
    """
    m, outputs = len(kernel), network.layers[-1]
    values, vectors = np.linalg.eigh(kernel)
    root = vectors * np.sqrt(np.maximum(values, 0))
    main = min(m, max(1, _DIMENSIONS // outputs))
    leading = root[:, ::-1][:, :main]
    grid = _normals(main * outputs)
    draws = grid[:, 1:].reshape(len(grid), main, outputs)
    logits = leading @ draws  # (points, m, outputs)
    rest = np.maximum(np.diag(kernel) - np.sum(leading**2, axis=1), 0)
    if rest.max() > _JITTER * max(float(np.diag(kernel).max()), 1e-300):
        logits += np.sqrt(rest)[:, np.newaxis] * _noise(logits.shape)
    mean, deviation = spread
    scale = mean + deviation * grid[:, 0]
    logits *= np.exp(0.5 * scale)[:, np.newaxis, np.newaxis]
    said = oracle.targets(network, y)
    each = oracle.OUTPUTS[network.output].activation(logits) - said
    costs = oracle.cost(network, logits, said)
    flat = np.moveaxis(each, 1, 0).reshape(m, -1)
    residuals = flat @ flat.T / flat.shape[1]
    return FirstAnswer(np.asarray(costs, dtype=float), scale, residuals, each.astype(np.float32))
