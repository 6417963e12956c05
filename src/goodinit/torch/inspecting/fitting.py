"""Outputs that don't fit the loss or the targets: no log-probabilities, out of reach, constant."""

from collections.abc import Callable
from math import inf

import torch
from torch import Tensor

from goodinit.evidence.causes import shown
from goodinit.torch.inspecting.guessing import class_axis
from goodinit.torch.inspecting.passage import Finding

Loss = Callable[[Tensor, Tensor], Tensor]
LOSS = "(loss)"

_SAME = 1e-4  # relative
_ONE = 1e-3  # how far from one what sums to it may be
_ADDED = 8.0  # to all outputs
_NOTHING = 1e-3  # of the cost of a constant, which outputs cost that are the targets
_OUT_OF_REACH = 0.1  # of the cost of a constant, which the nearest outputs in reach still have
# What the last function of a module can say, by the name of its step back.
_RANGES = {
    "Relu": (0.0, inf), "Softplus": (0.0, inf), "Exp": (0.0, inf), "Sigmoid": (0.0, 1.0),
    "Softmax": (0.0, 1.0), "Tanh": (-1.0, 1.0),
}  # fmt: skip
_FORMS = ("View", "UnsafeView", "ReshapeAlias", "Squeeze", "Unsqueeze", "Permute", "Transpose",
          "T", "Clone", "Select", "Slice", "Alias", "Expand")  # fmt: skip


def _cost(loss: Loss, said: Tensor, targets: Tensor) -> float:
    with torch.no_grad():
        return float(loss(said, targets))


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= _SAME * max(abs(one), abs(other))


def sums_to_one(said: Tensor, axis: int) -> bool:
    """Return whether numbers along an axis are shares of one whole."""
    whole = (said >= 0).all() and ((said.sum(axis) - 1).abs() <= _ONE).all()
    return said.shape[axis] > 1 and bool(whole)


def not_logarithms(said: Tensor, targets: Tensor, loss: Loss) -> Finding | None:
    """Find a loss that takes log-probabilities, of outputs that are none.

    It falls with whatever is added to all outputs: nothing keeps them from growing forever.
    """
    axis = class_axis(said, targets)
    if axis is None or not bool((said > 0).any()):
        return None
    try:
        none, some, more = (
            _cost(loss, torch.full_like(said, times * _ADDED), targets) for times in (0, 1, 2)
        )
    except Exception:  # a user's loss may refuse in any way what isn't said by the module itself
        return None
    fallen = none - some
    if not (fallen > 0 and _close(none - more, 2 * fallen)):
        return None
    what = "probabilities" if sums_to_one(said, axis) else "no logarithms of probabilities"
    reason = f"the outputs are {what}, and the loss takes log-probabilities: it has no least cost"
    way = "end with log_softmax, or take cross_entropy of logits"
    return Finding(LOSS, "not log-probabilities", reason, {"slope": fallen / _ADDED}, remark=way)


def over_examples(said: Tensor, targets: Tensor, loss: Loss) -> Finding | None:
    """Find a softmax that ran over the examples, and not over the classes of each."""
    axis = class_axis(said, targets)
    if axis is None or len(said) < 2:
        return None
    for shares in (said, said.exp()):
        if sums_to_one(shares, 0) and not sums_to_one(shares, axis):
            reason = "the outputs of each class sum to one over the examples of the batch"
            way = f"let the softmax run over the classes: dim={axis}"
            numbers = {"examples": float(len(said))}
            return Finding(LOSS, "softmax over examples", reason, numbers, remark=way)
    return None


def out_of_reach(last: str | None) -> Callable[[Tensor, Tensor, Loss], Finding | None]:
    """Return what finds targets that the last function can't say, as a ReLU none below zero.

    Parameters
    ----------
    last : str or None
        What ``last_function`` returns.
    """
    least, most = _RANGES.get(last or "", (-inf, inf))

    def look(said: Tensor, targets: Tensor, loss: Loss) -> Finding | None:
        wanted = targets.float()
        low, high = float(wanted.min()), float(wanted.max())
        if said.numel() != targets.numel() or (low >= least and high <= most):
            return None
        like = wanted.reshape(said.shape).to(said)
        try:
            nearest = _cost(loss, like.clamp(least, most), targets)
            exact = _cost(loss, like, targets)
            middle = like.mean().clamp(least, most).expand_as(like)
            constant = _cost(loss, middle, targets)
        except Exception:  # as above
            return None
        wanted_so = abs(exact) <= _NOTHING * constant
        if not wanted_so or not nearest >= _OUT_OF_REACH * constant:
            return None
        reason = (
            f"targets from {shown(low)} to {shown(high)}, and the last function says "
            f"{shown(least)} to {shown(most)}: {shown(100 * nearest / constant)}% of a constant "
            "answer's cost is out of reach"
        )
        way = f"leave {last.lower() if last else 'it'} out at the end, or scale the targets"
        numbers = {"least": low, "most": high, "left": nearest / constant}
        return Finding(LOSS, "targets out of reach", reason, numbers, remark=way)

    return look


def last_function(said: Tensor) -> str | None:
    """Return the name of what made a tensor, but for its shape, as autograd has it.

    Examples
    --------
    >>> last_function(torch.ones(3, 1, requires_grad=True).tanh().squeeze(1))
    'Tanh'
    """
    step = said.grad_fn
    while step is not None:
        name = step.name().removesuffix("Backward0").removesuffix("Backward1")
        if name not in _FORMS or not step.next_functions:
            return name
        step = step.next_functions[0][0]
    return None


def as_logits(said: Tensor, targets: Tensor, loss: Loss, *, squashed: bool) -> tuple[Tensor, Loss]:
    """Return outputs as what a softmax or sigmoid made them of, and the loss of that.

    Others stay as they are. What a bias adds, and weights multiply, is before such a function.
    """
    over = [axis for axis in range(1, said.dim()) if squashed and sums_to_one(said, axis)]
    if over:
        tiny = torch.finfo(said.dtype).tiny
        return said.clamp_min(tiny).log(), lambda z, y: loss(torch.softmax(z, over[0]), y)
    classes = class_axis(said, targets)
    if classes is not None and sums_to_one(said.exp(), classes):
        return said, lambda z, y: loss(torch.log_softmax(z, classes), y)
    inside = bool(((said >= 0) & (said <= 1)).all() and (said != said.flatten()[:1]).any())
    if squashed and classes is None and inside:
        eps = torch.finfo(said.dtype).eps
        return torch.logit(said, eps), lambda z, y: loss(torch.sigmoid(z), y)
    return said, loss
