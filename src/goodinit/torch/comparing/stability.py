"""How near a module's steps come to overshooting, as ``measuring.stability`` for our networks."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from goodinit.measuring.stability import PLAIN_LIMIT, WARM
from goodinit.torch.comparing.curvature import batch_sharpness, sharpness
from goodinit.torch.comparing.engines import Loss
from goodinit.torch.comparing.inputs import Inputs
from goodinit.torch.comparing.training import ModuleTraining

_STEPS = 10  # of Lanczos: it is asked whether sharpness goes over twice a limit
_EPSILON = 1e-8  # of PyTorch's adaptive optimizers
_FADING = {"adam": 0.999, "adamw": 0.999, "rmsprop": 0.99}  # of their mean squared gradients


class Bend(NamedTuple):
    """As ``measuring.stability.Bend``, of one module, at a learning rate of 1."""

    sharpness: float
    stability: float


UNKNOWN = Bend(float("nan"), float("nan"))


def bend_of(
    module: nn.Module,
    X: Inputs,
    y: Tensor,
    loss: Loss,
    training: ModuleTraining,
    *,
    squares: Sequence[Tensor],
    moment: int,
    batch: int,
) -> Bend:
    """Return how sharply a module's cost bends, and along its steps, in limits of stability.

    Parameters
    ----------
    module : Module
    X, y : Tensor
        Some of the training examples: what is asked costs some twelve passes of them on the way
        back, whatever the module.
    loss : callable
    training : ModuleTraining
    squares : sequence of Tensor
        The mean squared gradients that an adaptive optimizer has come to.
    moment : int
        The iterations made.
    batch : int
        Examples per update.

    Returns
    -------
    Bend
        NaN for an optimizer of the user's own, and the stability in an adaptive one's first steps
        but for the very first.
    """
    if not isinstance(training.optimizer, str):
        return UNKNOWN
    whole = sharpness(module, X, y, loss, _STEPS)
    sized = min(batch, len(X))
    fading = _FADING.get(training.optimizer)
    if fading is not None and moment < WARM:
        first = _first_step(training.optimizer, fading)
        steep = np.nan if moment else batch_sharpness(module, X, y, loss, sized, first)
        return Bend(whole, steep / PLAIN_LIMIT)
    steepest, step = whole, _times(torch.ones(()))
    if fading is not None:
        if not squares:
            return Bend(whole, float("nan"))
        inverse = 1 / _preconditioner(training, squares, moment, fading)
        steepest = sharpness(module, X, y, loss, _STEPS, scales=inverse.sqrt())
        step = _times(inverse)
    stable = steepest / training.stability_limit
    if sized < len(X):
        of = batch_sharpness(module, X, y, loss, sized, step)
        stable += float(np.fmax(of - steepest, 0.0)) / training.noise_limit
    return Bend(whole, stable)


def _times(inverse: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda gradient: inverse.to(gradient) * gradient


def _first_step(optimizer: str, fading: float) -> Callable[[Tensor], Tensor]:
    """Return the first step of a gradient: by its signs; RMSprop's is ten times as large."""
    seen = 1.0 if optimizer != "rmsprop" else (1 - fading) ** 0.5
    return lambda gradient: gradient / (seen * gradient.abs() + _EPSILON)


def _preconditioner(
    training: ModuleTraining, squares: Sequence[Tensor], steps: int, fading: float
) -> Tensor:
    """Return the diagonal of an adaptive optimizer's preconditioner after so many steps, (P,)."""
    root: Tensor = torch.cat([of.reshape(-1) for of in squares]).float().sqrt()
    if training.optimizer == "rmsprop":
        return root.add(_EPSILON)
    corrected: Tensor = root / float(1 - fading**steps) ** 0.5 + _EPSILON
    return corrected.mul(1 - training.momentum**steps)
