"""Quasi-random points in a cube: scrambled Sobol points, those of ``scipy.stats.qmc``.

They are made here because ``scipy.stats`` takes longer to import than a small study's theory takes.
"""

import numpy as np
from numpy.typing import NDArray

COUNT = 256
_BITS = 30  # of a coordinate
# Joe and Kuo 2008, Constructing Sobol sequences with better two-dimensional projections: of each
# dimension the first eight direction numbers, a byte each.
_NUMBERS = np.frombuffer(
    bytes.fromhex(
        "0101010101010101 0103050f113355ff 010303091d1747c5 010301051f1d5193 0101010b1f373d9d"
        "0101030319092bfb 0103050d0b251fe3 010105051109092d 0101050505353571 0101070b1325455b"
        "01010501011b4f23 010101030b2b4b2b 010305051f237133 01030309073121a3 0101010f15154d9d"
        "0103010d1b312385 0101010f07057b67 0103010f0d191b6d 01010505133d57bb 0103070b170f6741"
        "0103070d0d0f4551 0101030d07233f71 0103050901193589 0103010d09236b39 010301051b3d1f95"
    ),
    np.uint8,
).reshape(-1, 8)


def sobol(dimensions: int) -> NDArray[np.float64]:
    """Return the first ``COUNT`` points, shape (COUNT, dimensions), in the half-open unit cube.

    References
    ----------
    Matoušek 1998, On the L2-discrepancy for anchored boxes, for the scrambling: a random triangular
    matrix for each dimension's bits, and a random shift.

    Examples
    --------
    Each half of an axis holds half of the points:

    >>> (sobol(3) < 0.5).sum(axis=0)
    array([128, 128, 128])
    """
    if dimensions > len(_NUMBERS):
        from scipy.stats import qmc

        return np.asarray(qmc.Sobol(dimensions, rng=np.random.default_rng(0)).random(COUNT))
    rng = np.random.default_rng(0).spawn(1)[0]
    powers = 2 ** np.arange(_BITS, dtype=np.uint32)
    shift = rng.integers(2, size=(dimensions, _BITS), dtype=np.uint32) @ powers
    triangles = rng.integers(2, size=(dimensions, _BITS, _BITS), dtype=np.uint32)
    triangles = np.tril(triangles, -1) + np.eye(_BITS, dtype=np.uint32)
    # Highest bit first: a direction's number j begins j bits below the point.
    eight = np.arange(7, -1, -1, dtype=np.uint32)
    bits = ((_NUMBERS[:dimensions] << eight)[:, :, np.newaxis] >> eight) & 1
    directions = np.einsum("dpk,djk->djp", triangles[:, :, :8], bits) % 2 @ powers[::-1]
    # Point i differs from the one before in the direction of the lowest bit of i (a Gray code).
    lowest = [(i & -i).bit_length() - 1 for i in range(1, COUNT)]
    steps = np.concatenate([shift[:, np.newaxis], directions[:, lowest]], axis=1)
    points: NDArray[np.float64] = np.bitwise_xor.accumulate(steps, axis=1).T / 2**_BITS
    return points
