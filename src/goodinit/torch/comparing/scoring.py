"""How well modules do on examples: their cost, and the share of right answers or R²."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from goodinit.torch.comparing.engines import Batch, Engine, measuring

AT_ONCE = 1024  # examples that are measured in one call, at most

Floats = NDArray[np.float64]


def evaluate(engine: Engine, X: Tensor, y: Tensor, *, by_batch: bool) -> tuple[Floats, Floats]:
    """Return the cost and the accuracy of each of an engine's models, shape (K,).

    Parameters
    ----------
    engine : Alone or Stack
    X, y : Tensor
        Examples along the first axis; NaN is returned where there are none.
    by_batch : bool
        Whether batch normalization goes by these examples, or by its running statistics.

    Examples
    --------
    >>> import torch
    >>> from goodinit.torch.comparing.engines import Alone, Task
    >>> task = Task(torch.nn.CrossEntropyLoss(), torch.optim.SGD)
    >>> evaluate(Alone([torch.nn.Identity()], task), 1000 * torch.eye(2), torch.tensor([0, 0]),
    ...          by_batch=False)
    (array([500.]), array([0.5]))
    """
    K = len(engine.models)
    if not len(X):
        return np.full(K, np.nan), np.full(K, np.nan)
    pieces = -(-len(X) // AT_ONCE)  # of one size, since batch normalization takes none of one
    cost, points = np.zeros(K), np.zeros(K)
    with measuring(engine, by_batch=by_batch):
        for some, wanted in zip(X.tensor_split(pieces), y.tensor_split(pieces), strict=True):
            losses, outputs = engine(Batch(some, wanted).copied())
            cost += losses.double().cpu().numpy() * (len(some) / len(X))
            points += np.nan if outputs is None else _points(outputs, wanted)
    return cost, _r2(points, y) if y.is_floating_point() else points / y.numel()


def _r2(residuals: Floats, y: Tensor) -> Floats:
    """Return R² of sums of squared residuals; minus infinity where they aren't finite."""
    total = float(((y.double() - y.double().mean(0)) ** 2).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = 1 - residuals / total
    return np.where(np.isnan(r2) & ~np.isnan(residuals), -np.inf, r2)


def _points(outputs: Tensor, y: Tensor) -> Floats:
    """Return how many answers are right, or the squared residuals, of outputs (K, n, ...).

    NaN where the outputs are neither classes nor numbers for these targets. Outputs that aren't
    finite answer nothing.
    """
    K = len(outputs)
    if outputs.is_complex() or outputs.dim() < 2:
        return np.full(K, np.nan)
    if y.is_floating_point():
        if outputs[0].numel() != y.numel():
            return np.full(K, np.nan)
        residuals = outputs.reshape(K, *y.shape).double() - y.double()
        squares: Floats = (residuals**2).flatten(1).sum(1).nan_to_num(nan=np.inf).cpu().numpy()
        return squares
    right = _right(outputs, y)
    if right is None:
        return np.full(K, np.nan)
    counts: Floats = right.flatten(1).sum(1).double().cpu().numpy()
    return counts


def _right(outputs: Tensor, y: Tensor) -> Tensor | None:
    """Return which answers are right, shape (K, *y.shape): by a logit's sign or the largest one."""
    if outputs[0].numel() == y.numel():
        logits = outputs.reshape(len(outputs), *y.shape)
        return ((logits > 0) == (y > 0)) & logits.isfinite()
    for axis in (2, -1):
        classes = outputs.movedim(axis, -1) if outputs.dim() > 2 else outputs
        if classes.shape[1:-1] == y.shape:
            return (classes.argmax(-1) == y) & classes.isfinite().all(-1)
    return None
