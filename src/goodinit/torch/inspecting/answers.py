"""The first outputs beside the best constant answer: what each costs, and what lies between.

A constant answer says the same of every example: one number for each class, or for each coordinate
of an output where there are examples enough to tell them apart, else one for all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite, nan, prod

import torch
from torch import Tensor

from goodinit.torch.inspecting.guessing import class_axis, entropy
from goodinit.torch.inspecting.measuring import rms

_ENOUGH = 16  # examples for each number of a constant
_MOST = 2**22  # output numbers that are asked of
_STEPS = 30  # of LBFGS
_LEAST_SHARE = 1e-6
_NOTHING = 0.01  # of the classes' entropy: where a constant costs less, the loss isn't one of them

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class Answers:
    """What the first outputs cost, and what answers near them do.

    Attributes
    ----------
    first : float
        The first cost.
    constant : float
        That of the best constant answer.
    shifted : float
        That of the outputs, their means moved to where the best constant answer is.
    shift : float
        The furthest that such a mean is moved.
    best : Tensor
        The best constant answer.
    spread : float
        Root mean square of the outputs around their means.
    """

    first: float
    constant: float
    shifted: float
    shift: float
    best: Tensor
    spread: float

    @property
    def ratio(self) -> float:
        """The first cost, in costs of the best constant answer."""
        return _ratio(self.first, self.constant)

    @property
    def ratio_shifted(self) -> float:
        """The same of the outputs with their means moved."""
        return _ratio(self.shifted, self.constant)


def answers(outputs: Tensor, targets: Tensor, loss: Loss) -> Answers | None:
    """Return what outputs and answers near them cost; None where that can't be told.

    Parameters
    ----------
    outputs : Tensor, shape (examples, ...)
    targets : Tensor, shape (examples, ...)
    loss : callable

    Examples
    --------
    >>> y = torch.tensor([0.0, 0.0, 6.0, 6.0] * 8)[:, None]
    >>> found = answers(torch.zeros(32, 1), y, torch.nn.functional.mse_loss)
    >>> found.first, found.constant, found.shift
    (18.0, 9.0, 3.0)
    """
    if outputs.dim() == 0 or not outputs.numel() or outputs.numel() > _MOST:
        return None
    axes = _axes(outputs, targets)

    def cost(out: Tensor) -> float:
        with torch.no_grad():
            return float(loss(out, targets))

    try:
        first = cost(outputs)
        best, least = _best(outputs, targets, loss, axes)
        means = outputs.mean(axes, keepdim=True)
        shifted = cost(outputs - means + best)
    except Exception:  # a user's loss may refuse in any way what isn't said by the module itself
        return None
    if not 0 < least < inf or not isfinite(float(best.abs().max())):
        return None
    if class_axis(outputs, targets) is not None and least < _NOTHING * entropy(targets):
        return None
    moved = float((best - means).abs().max())
    return Answers(first, least, shifted, moved, best.detach(), rms(outputs - means))


def _axes(outputs: Tensor, targets: Tensor) -> list[int]:
    """Return the axes over which a constant is one number."""
    every = list(range(outputs.dim()))
    classes = class_axis(outputs, targets)
    if classes is not None:
        return [axis for axis in every if axis != classes]
    channels = every[1:2] if len(every) > 3 else every[-1:]  # of images, or of steps
    for kept in (every[1:], channels):
        numbers = prod(outputs.shape[axis] for axis in kept)
        if numbers * _ENOUGH <= outputs.numel():
            return [axis for axis in every if axis not in kept]
    return every


def _best(outputs: Tensor, targets: Tensor, loss: Loss, axes: list[int]) -> tuple[Tensor, float]:
    """Return the best constant answer that is found, and its cost."""

    def cost(constant: Tensor) -> Tensor:
        return loss(constant.expand(outputs.shape), targets)

    starts = _starts(outputs, targets, axes)
    with torch.no_grad():
        costs = [float(cost(start)) for start in starts]
    place = min(range(len(starts)), key=lambda i: costs[i] if isfinite(costs[i]) else inf)
    best, least = starts[place], costs[place]
    if class_axis(outputs, targets) is not None:
        return best, least  # a search would only fit these examples
    constant = best.clone().requires_grad_()
    search = torch.optim.LBFGS([constant], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def slope() -> Tensor:
        search.zero_grad()
        value = cost(constant)
        (constant.grad,) = torch.autograd.grad(value, [constant])
        return value.detach()

    search.step(slope)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        found = float(cost(constant))
    return (constant.detach(), found) if found < least else (best, least)


def _starts(outputs: Tensor, targets: Tensor, axes: list[int]) -> list[Tensor]:
    """Return constants to start from: zeros, and what the targets suggest, each seen once more."""
    like = outputs.mean(axes, keepdim=True)
    classes = class_axis(outputs, targets)
    shares = bool(((outputs >= 0) & (outputs <= 1)).all())
    starts = [torch.full_like(like, 0.5) if shares else torch.zeros_like(like)]
    if classes is not None:
        valid = targets[(targets >= 0) & (targets < outputs.shape[classes])].reshape(-1)
        counts = torch.bincount(valid, minlength=outputs.shape[classes]) + 1.0  # one more of each
        log = (counts / counts.sum()).log().to(outputs).reshape(like.shape)
        return [*starts, log, log.exp()] if shares else [*starts, log]
    if targets.numel() == outputs.numel():
        middle = targets.reshape(outputs.shape).to(outputs).mean(axes, keepdim=True)
        starts.append(middle)
        if bool(((targets >= 0) & (targets <= 1)).all()):
            starts.append(torch.logit(middle.clamp(_LEAST_SHARE, 1 - _LEAST_SHARE)))
    return starts


def _ratio(cost: float, of: float) -> float:
    ratio = cost / of if of > 0 else nan
    return ratio if isfinite(ratio) else inf
