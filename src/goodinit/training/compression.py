"""Lossless input compression: training in the span of the examples where features outnumber them.

Let X be the training examples, (n, d) with d > n, and Xᵀ = QR its thin QR decomposition: Q is
(d, n) with orthonormal columns, and X = RᵀQᵀ. The network meets X only in the product XW₁ᵀ =
Rᵀ(W₁Q)ᵀ, so it is the network with inputs Rᵀ, (n, n), and first weights V = W₁Q. The gradient with
respect to W₁ is δᵀX = (δᵀRᵀ)Qᵀ: it lies in the span of the examples, and its coordinates there,
δᵀRᵀ, are the gradient with respect to V. Gradient descent on V is therefore gradient descent on
W₁, d/n times smaller, and so are momentum and mini-batches, which add multiples of such gradients.

The part of W₁ outside the span, W⊥ = W₁ - VQᵀ, feels no gradient. Weight decay shrinks it, by one
factor s that depends on the learning rate and the iteration alone. So nothing is lost: at any
moment W₁ = VQᵀ + s W⊥, and what it makes of unseen examples X' is X'W₁ᵀ = (X'Q)Vᵀ + s X'W⊥ᵀ.

Adam divides by the size of each coordinate of the gradient, which depends on the axes that are
used, and is the one rule here for which this does not hold.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit.datasets import Dataset
from goodinit.study.grid import Training
from goodinit.training.blas import one_blas_thread

Array = NDArray[np.floating[Any]]

_NEARLY_ORTHONORMAL = 0.01


@dataclass(frozen=True)
class Span:
    """The training examples' span, and the examples in its coordinates.

    Attributes
    ----------
    basis : array, shape (n_features, n_train)
        Q, with orthonormal columns.
    X_train : array, shape (n_train, n_train)
        Rᵀ, the training examples in that basis.
    X_test : array, shape (n_held_out, n_train)
        The part of ``Dataset.held_out`` that lies in the span.
    """

    basis: Array
    X_train: Array
    X_test: Array


def applies(dataset: Dataset, training: Training) -> bool:
    """Return whether compression is exact for this training, and makes it smaller."""
    return len(dataset.X_train) < dataset.n_features and training.optimizer != "adam"


def span(dataset: Dataset) -> Span:
    """Return the span of the training examples.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((3, 50))
    >>> y = np.array([0, 1, 0])
    >>> found = span(Dataset("few", X, y, X, y, ("a", "b")))
    >>> found.X_train.shape, np.allclose(found.X_train @ found.basis.T, X)
    ((3, 3), True)
    """
    # On two threads the last bits differ, and on a busy machine it takes several times as long.
    with one_blas_thread:
        basis, X_train = _factors(dataset.X_train)
        return Span(basis, X_train, dataset.held_out @ basis)


def _factors(X: Array) -> tuple[Array, Array]:
    """Return Q and Rᵀ, by products of examples alone, several times as fast as reflections.

    Cholesky's factor of the examples' products is their triangle, twice (CholeskyQR2): what the
    first leaves of orthogonality the second mends to rounding, unless examples nearly depend on
    each other.
    """
    rows, triangle = X, np.eye(len(X))
    for first in (True, False):
        products = rows @ rows.T
        if not first and not np.abs(products - np.eye(len(X))).max() < _NEARLY_ORTHONORMAL:
            break
        try:
            factor = np.linalg.cholesky(products)
            rows = np.linalg.inv(factor) @ rows
        except np.linalg.LinAlgError:
            break
        triangle = triangle @ factor
    else:
        return rows.T, triangle
    basis, right = np.linalg.qr(X.T)
    return basis, np.ascontiguousarray(right.T)


def project(weights: Array, found: Span) -> Array:
    """Return V, the first weights in the span, (..., fan_out, n_train)."""
    projected: Array = weights @ found.basis
    return projected


def unseen(weights: Array, inside: Array, dataset: Dataset, found: Span) -> Array:
    """Return X'W⊥ᵀ, what the weights outside the span make of the held-out examples.

    `inside` is V. Shape (n_held_out, fan_out).
    """
    outside: Array = dataset.held_out @ weights.T - found.X_test @ inside.T
    return outside


def outside(weights: Array, inside: Array) -> Array:
    """Return W⊥ in axes of its own, (fan_out, fan_out): its units' lengths and angles are the same.

    Examples
    --------
    >>> outside(np.array([[3.0, 4.0, 2.0]]), inside=np.array([[2.0]])).round(4)
    array([[5.]])
    """
    products = weights @ weights.T
    lengths = np.sqrt(np.diagonal(products))[:, np.newaxis]
    scale = np.where(lengths > 0, lengths, 1.0)
    shares = (products - inside @ inside.T) / scale / scale.T
    if not np.isfinite(shares).all():
        return np.full_like(products, np.nan)
    squares, axes = np.linalg.eigh(shares)
    rotated: Array = scale * axes * np.sqrt(np.maximum(squares, 0.0))
    return rotated


def restore(trained: Array, initial: Array, found: Span, shrinkage: float) -> Array:
    """Return W₁ after training, (fan_out, n_features).

    Parameters
    ----------
    trained : array, shape (fan_out, n_train)
        V after training.
    initial : array, shape (fan_out, n_features)
        W₁ before training.
    found : Span
    shrinkage : float
        As ``shrinkage`` returns it; 1 without weight decay.
    """
    inside = trained - shrinkage * project(initial, found)
    restored: Array = shrinkage * initial + inside @ found.basis.T
    return restored


@np.errstate(all="ignore")  # where it overflows, so do the trial's weights, and it is marked
def shrinkage(
    training: Training, learning_rates: NDArray[np.float64], moments: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return s, the factor by which weight decay has shrunk what no gradient reaches.

    Parameters
    ----------
    training : Training
        Its optimizer, momentum and weight decay.
    learning_rates : array, shape (trials,)
    moments : tuple of int
        The iterations at which s is wanted, ascending.

    Returns
    -------
    array, shape (moments, trials)

    Examples
    --------
    >>> shrinkage(Training(weight_decay=0.5), np.array([0.1]), (0, 1, 2)).round(4).tolist()
    [[1.0], [0.95], [0.9025]]
    """
    scale, velocity = np.ones_like(learning_rates), np.zeros_like(learning_rates)
    if not training.weight_decay:
        return np.ones((len(moments), len(learning_rates)))
    inertia = 0.0 if training.optimizer == "gradient_descent" else training.momentum
    ahead = inertia if training.optimizer == "nesterov" else 0.0
    rows = {}
    for iteration in range(moments[-1] + 1):
        if iteration in moments:
            rows[iteration] = scale
        slope = training.weight_decay * scale
        velocity = inertia * velocity + slope
        step = slope + ahead * velocity if ahead else velocity
        scale = scale - learning_rates * step
    return np.array([rows[moment] for moment in moments])
