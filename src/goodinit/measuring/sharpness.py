"""How sharply the cost bends at a network: as a whole, and as mini-batches meet it."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from goodinit.network import Array, Network, Parameters, backward, hessian_vector, pack, unpack
from goodinit.training import hessian
from goodinit.training.problem import in_numbers

_STEPS = 30
_EXHAUSTED = 1e-10
_LOOK = 4  # steps
_MOST_BYTES = 2**28  # of Lanczos vectors held at once
_SEED = 0  # of the first Lanczos vector and of the batches, the same for every network
_BATCHES = 32


def sharpness(
    network: Network,
    parameters: Parameters,
    X: Array,
    targets: Array,
    steps: int = _STEPS,
    *,
    scales: Array | None = None,
    tolerance: float = 0.0,
) -> NDArray[np.float64]:
    """Return the algebraically largest eigenvalue of each network's Hessian, shape (K,).

    Lanczos' method with full reorthogonalisation, for all networks of the batch at once. The
    largest eigenvalues of such Hessians stand far apart from the rest, so that few steps suffice;
    power iteration could end on a negative one of larger size. Gradient descent at learning rate η
    is unstable where η × sharpness / 2 is above 1.

    Parameters
    ----------
    network : Network
    parameters : Parameters
        Of K networks, weights (K, fan_out, fan_in).
    X : array, shape (n_samples, n_features)
    targets : array, shape (n_samples, outputs)
    steps : int
        Hessian-vector products at most; never more than there are parameters.
    scales : array, shape (K, P), optional
        Of a diagonal S: the eigenvalue is that of SHS, which is that of P⁻¹H for the preconditioner
        P = S⁻².
    tolerance : float
        A network's steps end, at one of every ``_LOOK``, where what is found lies no further from
        an eigenvalue than this share of it.

    Returns
    -------
    array, shape (K,)
        NaN for a network that isn't finite.

    References
    ----------
    Cohen et al. 2021, Gradient descent on neural networks typically occurs at the edge of
    stability. Preconditioned: Cohen et al. 2022, Adaptive gradient methods at the edge of
    stability.

    Examples
    --------
    For one weight w, one example x and a linear output, the Hessian is [[x², x], [x, 1]]:

    >>> one = [(np.zeros((1, 1, 1)), np.zeros((1, 1)))]
    >>> sharpness(Network((1, 1), output="linear"), one, np.array([[2.0]]), np.array([[1.0]]))
    array([5.])
    """
    flat = pack(parameters)
    K, P = flat.shape
    steps = min(steps, P)
    most = max(1, _MOST_BYTES // (flat.itemsize * P * (steps + 1)))
    if most < K:
        parts = [
            [(w[i : i + most], b[i : i + most]) for w, b in parameters] for i in range(0, K, most)
        ]
        of = [None if scales is None else scales[i : i + most] for i in range(0, K, most)]
        pairs = zip(parts, of, strict=True)
        return np.concatenate(
            [
                sharpness(network, part, X, targets, steps, scales=s, tolerance=tolerance)
                for part, s in pairs
            ]
        )
    columns = [np.array(examples.T, np.float64, order="C") for examples in (X, targets)]
    multiply = hessian.multiplier(in_numbers(network), flat, *columns)
    start = np.random.default_rng(_SEED).standard_normal(P)
    basis = np.zeros((K, steps + 1, P))
    basis[:, 0] = start / np.linalg.norm(start)
    diagonal, beside = np.zeros((K, steps)), np.zeros((K, steps))
    largest, going = np.full(K, np.nan), np.asarray(np.isfinite(flat).all(axis=1))
    with np.errstate(all="ignore"):  # networks that aren't finite are left out at the end
        for step in range(steps):
            along = np.ascontiguousarray(basis[:, step])
            scaled = along if scales is None else scales * along
            product = multiply(scaled, going)
            product = product if scales is None else scales * product
            known = basis[:, : step + 1]
            overlaps = np.zeros((K, step + 1, 1))
            for _ in range(2):  # twice is enough (Parlett)
                overlap = known @ product[:, :, np.newaxis]
                product = product - (np.swapaxes(known, 1, 2) @ overlap)[:, :, 0]
                overlaps += overlap
            diagonal[:, step] = overlaps[:, -1, 0]
            length = np.linalg.norm(product, axis=1)
            # Where the Krylov space is exhausted, what is left is rounding.
            going_on = length > _EXHAUSTED * np.abs(diagonal[:, : step + 1]).max(axis=1)
            beside[:, step] = np.where(going_on, length, 0.0)
            scale = np.where(going_on, 1 / np.where(length == 0, 1, length), 0.0)
            basis[:, step + 1] = product * scale[:, np.newaxis]
            made = step + 1
            if made == steps or made % _LOOK == 0:
                sound = np.isfinite(diagonal).all(axis=1) & np.isfinite(beside).all(axis=1)
                largest[going & ~sound] = np.nan
                going &= sound
                found, away = _largest_eigenvalues(diagonal[going, :made], beside[going, :made])
                largest[going] = found
                going[going] = away > tolerance * np.abs(found)
                if not going.any():
                    break
    return largest


def batch_sharpness(
    network: Network,
    parameters: Parameters,
    X: Array,
    targets: Array,
    batch_size: int,
    *,
    step: Callable[[Array], Array] = lambda gradient: gradient,
) -> NDArray[np.float64]:
    """Return how sharply each batch's cost bends along the step that it asks for, shape (K,).

    The mean of sᵀHs over the mean of gᵀs, where g and H are gradient and Hessian of a batch's cost
    and s is the optimizer's step, over some batches, the same for every network. Where it is 2 over
    the learning rate, such a step leaves its batch's cost where it was, to second order.

    Parameters
    ----------
    network, parameters, X, targets
        As in ``sharpness``.
    batch_size : int
        At most the number of examples.
    step : callable
        Gradients (K, P) to steps (K, P), before the learning rate.

    References
    ----------
    Andreyev and Beneventano 2024, Edge of stochastic stability.

    Examples
    --------
    Of one weight, no batch of one example bends more than along its gradient, by x² + 1:

    >>> one = [(np.zeros((1, 1, 1)), np.zeros((1, 1)))]
    >>> X, targets = np.array([[2.0], [-2.0]]), np.array([[1.0], [1.0]])
    >>> batch_sharpness(Network((1, 1), output="linear"), one, X, targets, batch_size=1)
    array([5.])
    """
    order = np.random.default_rng(_SEED).permutation(len(X))
    count = min(len(X) // batch_size, _BATCHES)
    bends, slopes = 0.0, 0.0
    with np.errstate(all="ignore"):  # of networks that aren't finite it is NaN
        for batch in np.split(order[: count * batch_size], count):
            gradient = pack(backward(network, parameters, X[batch], targets[batch]))
            along = step(gradient)
            moved = unpack(network.layers, along)
            bent = pack(hessian_vector(network, parameters, X[batch], targets[batch], moved))
            bends = bends + np.sum(along * bent, axis=1)
            slopes = slopes + np.sum(along * gradient, axis=1)
        found = np.asarray(bends) / slopes
    return np.where(np.isfinite(found), found, np.nan)


def _largest_eigenvalues(
    diagonal: NDArray[np.float64], beside: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest eigenvalue of each symmetric tridiagonal matrix, and its residual.

    That is how far it is at most from an eigenvalue of what the matrix was taken from, where the
    last of `beside` leads out of the matrix.
    """
    matrices = np.zeros((*diagonal.shape, diagonal.shape[1]))
    i = np.arange(diagonal.shape[1])
    matrices[:, i, i] = diagonal
    matrices[:, i[1:], i[:-1]] = beside[:, :-1]
    values, vectors = np.linalg.eigh(matrices)
    return values[:, -1], np.abs(beside[:, -1] * vectors[:, -1, -1])
