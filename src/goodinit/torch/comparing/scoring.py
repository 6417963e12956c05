"""How well modules do on examples: their cost, and the share of right answers or R²."""

from collections.abc import Callable, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from goodinit.torch.comparing.engines import Batch, Engine, Loss, measuring
from goodinit.torch.comparing.inputs import Inputs
from goodinit.torch.inspecting.guessing import class_axis

AT_ONCE = 1024  # examples that are measured in one call, at most

Floats = NDArray[np.float64]

_BESIDE = 0.1  # spreads of the targets, beside which a loss of numbers is larger
_WHOLE = 1e-3  # what shares may miss of one, and two losses of each other


class Score(NamedTuple):
    """What an answer is right by.

    Attributes
    ----------
    kind : str
        "class": the largest output is at the target; "most": it is where the target's largest is;
        "sign": outputs above ``at`` say yes; "number": R²; "none": nothing that has a name.
    axis : int
        Of an output's classes.
    at : float
        Between no and yes.
    """

    kind: str
    axis: int = 1
    at: float = 0.0


NONE, NUMBER = Score("none"), Score("number")


def score_of(outputs: Tensor | None, y: Tensor, loss: Loss) -> Score:
    """Return what answers are right by, as whoever chose this loss means it.

    The loss itself is asked, since targets alone don't say: it is least at the targets where they
    are numbers to be met, it takes no notice of what is added to all classes where the largest
    counts, and yes costs as much as no where an answer is undecided.

    Parameters
    ----------
    outputs : Tensor or None, shape (few, ...)
        What a module says to the first of the examples; None where that is no tensor.
    y : Tensor, shape (examples, ...)
    loss : callable
        Of outputs and targets.

    Examples
    --------
    >>> from torch.nn import functional
    >>> y = torch.tensor([0.0, 1.0, 1.0])
    >>> score_of(torch.zeros(3), y, functional.binary_cross_entropy_with_logits)
    Score(kind='sign', axis=1, at=0.0)
    >>> score_of(torch.ones(3) / 2, y, functional.binary_cross_entropy)
    Score(kind='sign', axis=1, at=0.5)
    >>> score_of(torch.zeros(3), y, functional.mse_loss).kind
    'number'
    """
    if outputs is None or outputs.is_complex() or outputs.dim() < 1 or not len(y):
        return NONE
    axis = class_axis(outputs, y)
    if axis is not None:
        return Score("class", axis)
    some = y[: len(outputs)]
    if outputs.numel() != some.numel():
        return NONE
    if y.is_floating_point() and _are_shares(outputs, y) and _only_differences(outputs, some, loss):
        return Score("most")
    signs = bool((y.abs() == 1).all()) and bool((y < 0).any())
    yes_or_no = signs or bool(((y == 0) | (y == 1)).all())
    certain = yes_or_no and (signs or not y.is_floating_point())
    if not certain and _least_at(outputs, some, y, loss):
        return NUMBER
    at = _undecided(outputs, some, -1.0 if signs else 0.0, loss) if yes_or_no else 0.0
    return Score("sign", at=at) if yes_or_no else NONE


def _cost(loss: Loss, outputs: Tensor, wanted: Tensor) -> float:
    """Return a cost, NaN where the loss refuses the outputs."""
    try:
        with torch.no_grad():
            return float(loss(outputs, wanted))
    except Exception:  # a user's loss may refuse in any way
        return float("nan")


def _are_shares(outputs: Tensor, y: Tensor) -> bool:
    """Return whether targets are shares of classes, which lie along axis 1."""
    classes = y.dim() > 1 and y.shape[1] > 1 and y.shape[1:] == outputs.shape[1:]
    return classes and bool((y >= 0).all() and ((y.sum(1) - 1).abs() < _WHOLE).all())


def _only_differences(outputs: Tensor, some: Tensor, loss: Loss) -> bool:
    """Return whether a loss takes classes: by their differences alone, or as shares of one."""
    moved = outputs + torch.arange(len(outputs)).to(outputs).reshape(-1, *[1] * (outputs.dim() - 1))
    plain, shifted = _cost(loss, outputs, some), _cost(loss, moved, some)
    if abs(plain - shifted) <= _WHOLE * abs(plain):
        return True
    totals = (outputs.exp() if bool((outputs <= 0).all()) else outputs).sum(1)
    return bool(((totals - 1).abs() < _WHOLE).all())


def _least_at(outputs: Tensor, some: Tensor, y: Tensor, loss: Loss) -> bool:
    """Return whether a loss is least where outputs are the targets, small ones and large ones."""
    like = some.reshape(outputs.shape).to(outputs)
    beside = _BESIDE * (float(y.double().std(correction=0)) or 1.0)
    least, large = _cost(loss, like, some), (like > like.mean()).to(outputs)
    return all(
        least <= _cost(loss, like + step * some_of, some)
        for step, some_of in product((beside, -beside), (large, 1 - large))
    )


def _undecided(outputs: Tensor, some: Tensor, no: float, loss: Loss) -> float:
    """Return the output that costs as much for yes as for no: of logits 0, of shares a half."""
    for at in (0.0, 0.5):
        said = torch.full_like(outputs, at)
        costs = [_cost(loss, said, torch.full_like(some, answer)) for answer in (1, no)]
        if abs(costs[0] - costs[1]) <= _WHOLE * abs(costs[0]):
            return at
    shares = not np.isfinite(_cost(loss, torch.full_like(outputs, -1.0), some))
    return 0.5 if shares else 0.0


def evaluate(
    engine: Engine, X: Inputs, y: Tensor, *, by_batch: bool, score: Score | None = None
) -> tuple[Floats, Floats]:
    """Return the cost and the accuracy of each of an engine's models, shape (K,).

    Parameters
    ----------
    engine : Alone or Stack
    X, y : Tensor
        Examples along the first axis; NaN is returned where there are none.
    by_batch : bool
        Whether batch normalization goes by these examples, or by its running statistics.
    score : Score, optional
        What answers are right by; found by the first model's outputs where it isn't given.

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
    cost, points, asked = np.zeros(K), np.zeros(K), 0
    with measuring(engine, by_batch=by_batch):
        for some, wanted in zip(X.tensor_split(pieces), y.tensor_split(pieces), strict=True):
            losses, outputs = engine(Batch(some, wanted).copied())
            cost += losses.double().cpu().numpy() * (len(some) / len(X))
            if score is None:
                score = score_of(None if outputs is None else outputs[0], y, engine.task.loss)
            if outputs is None or score.kind == NONE.kind:
                points += np.nan
                continue
            found, of = _POINTS[score.kind](outputs, wanted, score)
            points, asked = points + found.flatten(1).double().sum(1).cpu().numpy(), asked + of
    return cost, _r2(points, y) if score == NUMBER else points / max(asked, 1)


def _r2(residuals: Floats, y: Tensor) -> Floats:
    """Return R² of sums of squared residuals; minus infinity where they aren't finite."""
    total = float(((y.double() - y.double().mean(0)) ** 2).sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = 1 - residuals / total
    return np.where(np.isnan(r2) & ~np.isnan(residuals), -np.inf, r2)


def _class(outputs: Tensor, y: Tensor, score: Score) -> tuple[Tensor, int]:
    last = outputs.movedim(score.axis + 1, -1)
    counted = y >= 0  # others don't count: -100 is PyTorch's own word for them
    return _surest(last) & (last.argmax(-1) == y) & counted, int(counted.sum())


def _most(outputs: Tensor, y: Tensor, score: Score) -> tuple[Tensor, int]:
    wanted = y.argmax(1)
    right = outputs.argmax(2) == wanted
    return _surest(outputs.movedim(2, -1)) & right, wanted.numel()


def _surest(last: Tensor) -> Tensor:
    """Return whether classes along the last axis are numbers: others answer nothing."""
    return last.isfinite().all(-1)


def _sign(outputs: Tensor, y: Tensor, score: Score) -> tuple[Tensor, int]:
    said = outputs.reshape(len(outputs), *y.shape)
    return ((said > score.at) == (y > 0)) & said.isfinite(), y.numel()


def _number(outputs: Tensor, y: Tensor, score: Score) -> tuple[Tensor, int]:
    residuals = outputs.reshape(len(outputs), *y.shape).double() - y.double()
    return (residuals**2).nan_to_num(nan=np.inf), y.numel()


# How many points answers get, of outputs (K, n, ...), and of how many; of numbers, their squared
# residuals.
_POINTS: Mapping[str, Callable[[Tensor, Tensor, Score], tuple[Tensor, int]]] = {
    "class": _class,
    "most": _most,
    "sign": _sign,
    "number": _number,
}
