"""What the best constant answer costs: the least that an answer can that doesn't see its example.

Most losses are a cross-entropy, a binary one or a squared error, by whatever name: asked of a few
random outputs they give the same numbers, and then the best constant is known in closed form. Of
others it is searched for, on no more numbers than that takes a second or two.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from math import isnan, nan, prod
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

Loss = Callable[[Any, Any], Tensor]
Answer = Callable[[Tensor], Tensor]

_FEW = 64  # examples on which losses are compared
_SEARCHED = 2**18  # output numbers of which a search makes use
_EVALUATED = 2**22  # those that a single look may take
_COMPARED = 2**20  # those on which losses are compared
_MOST_STEPS = 500  # of LBFGS
_ROUNDING = 1e-3  # of what sums to one
_SAME = 1e-4  # relative, of single precision
_ABSENT = 1e-3  # examples that a class without any counts as, in a search
_IGNORED = (-100, 0)  # what targets that don't count are, in PyTorch and where texts are padded


def guess_cost(outputs: Tensor, y: Tensor, loss: Loss) -> float:
    """Return the loss of the best constant answer of the kind that some outputs are.

    One number for each coordinate of an output, the same for all examples, and of classes for all
    places too: the entropy of the classes for cross-entropy, the variance for squared errors. Where
    outputs are probabilities, or their logarithms, so is the answer.

    Parameters
    ----------
    outputs : Tensor, shape (few, ...)
        What a module says to some examples, to show their kind.
    y : Tensor, shape (examples, ...)
    loss : callable
        Of outputs and targets; returns the mean over the examples.

    Returns
    -------
    float
        NaN where the outputs aren't of one example each, or no constant is best.

    Examples
    --------
    >>> y = torch.tensor([0, 0, 1, 1])
    >>> round(guess_cost(torch.zeros(2, 2), y, torch.nn.CrossEntropyLoss()), 6)
    0.693147
    """
    if not outputs.is_floating_point() or outputs.dim() == 0 or not len(y):
        return nan
    answers = _answers(outputs)
    for known_of in (_entropy, _binary_entropy, _variance):
        for known, answer in product(known_of(outputs, y), answers):
            factor = _factor(known, outputs, y, loss, answer)
            if factor > 0:
                return factor * known.least
    for dtype in (torch.float64, outputs.dtype):  # a loss with weights may not take float64
        for answer in answers:
            found = _searched(outputs.to(dtype), y, loss, answer)
            if not isnan(found):
                return found
    return nan


def class_axis(outputs: Tensor, y: Tensor) -> int | None:
    """Return along which axis outputs have a number for each class of whole targets, if any."""
    if y.is_floating_point() or outputs.dim() < 2:
        return None
    shape, wanted = list(outputs.shape[1:]), list(y.shape[1:])
    for axis in (1, outputs.dim() - 1):
        if shape[axis - 1] > 1 and shape[: axis - 1] + shape[axis:] == wanted:
            return axis
    return None


# --- What is known in closed form ---


class _Known(NamedTuple):
    """A loss of outputs (logits, where it is of classes) and targets, and its least."""

    loss: Loss
    least: float
    near: bool = False  # whether it is asked of outputs near the targets, and as they are


def _entropy(outputs: Tensor, y: Tensor) -> list[_Known]:
    axis = class_axis(outputs, y)
    if axis is None:
        return []

    def cost(out: Tensor, wanted: Tensor, ignored: int) -> Tensor:
        return functional.cross_entropy(out.movedim(axis, 1), wanted.long(), ignore_index=ignored)

    return [
        _Known(partial(cost, ignored=ignored), _of_shares(_counts(y[y != ignored])))
        for ignored in _IGNORED
        if ignored < 0 or bool((y == ignored).any())
    ]


def _counts(y: Tensor) -> Tensor:
    valid = y[y >= 0].reshape(-1).long()
    return torch.bincount(valid).double() if len(valid) else torch.ones(1, dtype=torch.float64)


def entropy(y: Tensor) -> float:
    """Return the entropy of whole targets' classes, in nats."""
    return _of_shares(_counts(y))


def _of_shares(counts: Tensor) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * shares.log()).sum())


def _like(outputs: Tensor, y: Tensor) -> Tensor | None:
    """Return targets in the shape of outputs, where they have as many numbers."""
    shape = outputs.shape[1:]
    return y.reshape(len(y), *shape).double() if prod(shape) == y[0].numel() else None


def _binary_entropy(outputs: Tensor, y: Tensor) -> list[_Known]:
    wanted = _like(outputs, y)
    if wanted is None or not bool(((wanted == 0) | (wanted == 1)).all()):
        return []
    share = wanted.mean(0)

    def entropy(out: Tensor, targets: Tensor) -> Tensor:
        like = targets.reshape(out.shape).to(out)
        return functional.binary_cross_entropy_with_logits(out, like)

    least = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share)).mean()
    return [_Known(entropy, float(least))]


def _variance(outputs: Tensor, y: Tensor) -> list[_Known]:
    wanted = _like(outputs, y)
    if wanted is None:
        return []

    def squares(out: Tensor, targets: Tensor) -> Tensor:
        return functional.mse_loss(out, targets.reshape(out.shape).to(out))

    return [_Known(squares, float(wanted.var(0, correction=0).mean()), near=True)]


def _factor(known: _Known, outputs: Tensor, y: Tensor, loss: Loss, answer: Answer) -> float:
    """Return how many times a known loss a loss is; NaN where it isn't one number everywhere."""
    some = y[_few(outputs, y)]
    source = torch.Generator().manual_seed(0)
    shape = (len(some), *outputs.shape[1:])
    shift = some.reshape(shape) if known.near else 0
    ratios = []
    try:
        with torch.no_grad():
            for scale in (0.5, 3.0):
                drawn = torch.randn(shape, generator=source).to(outputs)
                numbers = scale * drawn + shift
                given = numbers if known.near else answer(numbers)
                ratios.append(float(loss(given, some)) / float(known.loss(numbers, some)))
    except Exception:  # the loss may refuse such outputs in any way
        return nan
    same = all(abs(ratio - ratios[0]) <= _SAME * abs(ratios[0]) for ratio in ratios)
    return ratios[0] if same else nan


def _few(outputs: Tensor, y: Tensor) -> Tensor:
    """Return some places among the examples, the first of each class among them."""
    most = max(1, min(_FEW, _COMPARED // max(1, outputs[0].numel())))
    places = torch.arange(len(y))[:most]
    if y.dim() == 1 and not y.is_floating_point():
        classes, kinds = torch.unique(y, return_inverse=True)
        first = torch.full((len(classes),), len(y)).scatter_reduce(
            0, kinds.cpu(), torch.arange(len(y)), "amin"
        )
        places = torch.unique(torch.cat([first[: most // 2 + 1], places]))[:most]
    return places.to(y.device)


# --- What is searched for ---


def _answers(outputs: Tensor) -> list[Answer]:
    """Return what makes answers like the outputs of any numbers; the first that works counts."""
    outputs = outputs.detach().double()
    if outputs.dim() > 1 and outputs.shape[1] > 1:
        among = {
            torch.softmax: outputs.sum(1) if bool((outputs >= 0).all()) else None,
            torch.log_softmax: outputs.exp().sum(1),
        }
        for function, totals in among.items():
            if totals is not None and bool(((totals - 1).abs() < _ROUNDING).all()):
                return [partial(function, dim=1)]
    shares = bool(((outputs >= 0) & (outputs <= 1)).all())
    return [torch.clone, torch.sigmoid] if shares else [torch.clone]


def _searched(outputs: Tensor, y: Tensor, loss: Loss, answer: Answer) -> float:
    """Return the least cost found of constants, made answers: by a search where it is cheap."""
    size = max(1, outputs[0].numel())
    search = size * min(len(y), 8) <= _SEARCHED
    rows = max(1, min(len(y), (_SEARCHED if search else _EVALUATED) // size))
    some = y[torch.linspace(0, len(y) - 1, rows).long().to(y.device)]
    some = some.to(outputs.dtype) if some.is_floating_point() else some
    shape = torch.Size([len(some), *outputs.shape[1:]])

    def cost(constant: Tensor) -> Tensor:
        return loss(answer(constant).expand(shape), some)

    return _least(cost, _starts(outputs, y), _MOST_STEPS if search else 0)


def _starts(outputs: Tensor, y: Tensor) -> list[Tensor]:
    """Return constants to start from, (1, ...): zeros, the classes' shares, the targets' middle."""
    axis = class_axis(outputs, y)
    if axis is not None:
        shape = [1] * outputs.dim()
        shape[axis] = classes = outputs.shape[axis]
        counts = _counts(y)[:classes]
        counts = functional.pad(counts, (0, classes - len(counts))) + _ABSENT
        logs = (counts / counts.sum()).log().reshape(shape)
        return [outputs.new_zeros(shape), logs.to(outputs)]
    starts = [outputs.new_zeros(1, *outputs.shape[1:])]
    like = _like(outputs, y) if y.is_floating_point() else None
    if like is not None:
        middles = (like.mean(0, keepdim=True), like.median(0, keepdim=True).values)
        starts += [middle.to(outputs) for middle in middles]
    return starts


def _least(cost: Callable[[Tensor], Tensor], starts: Sequence[Tensor], steps: int) -> float:
    """Return the least cost that LBFGS finds; NaN where it knows no bound, or cannot be had."""
    seen: list[tuple[float, float]] = []  # cost and slope

    def slope(constant: Tensor) -> Tensor:
        value = cost(constant)
        (constant.grad,) = torch.autograd.grad(value, [constant])
        value = value.detach()
        seen.append((float(value), float(constant.grad.abs().max())))
        return value

    try:
        with torch.inference_mode(False), torch.enable_grad():
            if not steps:
                with torch.no_grad():
                    return min(float(cost(start)) for start in starts)
            constants = [start.clone().requires_grad_() for start in starts]
            constant = min(constants, key=lambda one: float(slope(one)))
            search = torch.optim.LBFGS(
                [constant],
                max_iter=steps,
                tolerance_grad=1e-10,
                tolerance_change=1e-14,
                line_search_fn="strong_wolfe",
            )
            seen.clear()
            search.step(lambda: slope(constant))  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError):  # this loss doesn't take these answers
        return nan
    least, steep = min(seen)
    falling = least < seen[0][0] and steep > seen[0][1] / 2
    return nan if falling else least
