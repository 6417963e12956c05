"""Whether a module learns at least as well after a cure: both are trained for a short while.

Both take the same steps of Adam, some at each of a few rising rates, and see the same rows and the
same random numbers; the lowest cost after any of the rates counts. Every second row is held out.
Those rows decide too where either side says more of them than a constant does, as otherwise the
batch holds nothing that can be learned but itself. How many rows and steps follows from a step's
arithmetic, not from a clock.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite, prod
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from goodinit.torch.inspecting.asking import Question, its_own, own_question
from goodinit.torch.inspecting.costs import chance, said_by, usual_loss
from goodinit.torch.inspecting.nested import leaves, mapped
from goodinit.torch.state import modules_as_they_were

Shape = Sequence[int]

PROVED, QUICK, NONE = "proved", "quick", "none"  # what of cures is wanted
NOT_ASKED = "not proved by training"
NO_COST = f"{NOT_ASKED}: there are no targets, and the module says no loss"

RATES = (1e-3, 3e-3, 1e-2)  # from Adam's default to what small networks like
STEPS, LEAST_STEPS = 7, 4  # at each of them

_ARITHMETIC = 1.5e9  # floating-point operations of a training: some tenths of a second
_FEWEST_SPLIT, _FEWEST_ROWS = 8, 4
_LAST = 3  # costs whose mean is where a training ends
_BEGINS = 1.25  # times the first cost, or that of a constant answer: what counts as no worse
_AS_LOW = 0.02  # of the smaller first cost: by which an end may be higher and count as no higher
_LEARNED = 0.9  # of what a constant answer costs: below it something was learned of rows held out


class Course(NamedTuple):
    """A short training: its first and its lowest cost, on its rows and on those held out."""

    first: float
    least: float
    held_first: float = inf
    held_least: float = inf


@dataclass(frozen=True)
class Proof:
    """What trains a module where it is, for a while, and compares it with how it was found.

    What is cached must be asked first while the module is as it was found.

    Attributes
    ----------
    model : Module
        As it was found, when ``first`` is asked.
    asked : Question
    """

    model: nn.Module
    asked: Question

    @cached_property
    def first(self) -> float:
        """The first cost of the module as it was found, on the whole batch."""
        return self._first()

    @cached_property
    def before(self) -> Course:
        """Its training."""
        return self._trained()

    def begins_worse(self) -> str:
        """Return in what the first cost is worse than before; nothing where it isn't."""
        return begins_worse(self._first(), self.first, self.constant)

    def ends_worse(self) -> str:
        """Return in what its training is worse than before; nothing where it isn't.

        It ends with the first rate after which it isn't, as ends only become lower.
        """
        steps = len(RATES) * self._rows.steps

        def worse(after: Course) -> str:
            return ends_worse(after, self.before, steps, self.constant)

        return worse(self._trained(lambda so_far: not worse(so_far)))

    @cached_property
    def constant(self) -> float:
        """What a constant answer costs; NaN where that can't be told."""
        with modules_as_they_were(*self._watched):
            return constant_cost(self.model, self.asked)

    @cached_property
    def _rows(self) -> "Rows":
        with modules_as_they_were(*self._watched):
            return rows_of(self.asked, self._cost)

    def _first(self) -> float:
        with modules_as_they_were(*self._watched), torch.no_grad():
            torch.manual_seed(0)
            return float(self._cost(self.asked))

    @property
    def _watched(self) -> list[nn.Module]:
        loss = self.asked.loss
        return [self.model, loss] if isinstance(loss, nn.Module) else [self.model]

    def _cost(self, asked: Question) -> Tensor:
        return cost(self.model, asked)

    def _trained(self, enough: Callable[[Course], bool] = lambda so_far: False) -> Course:
        rows = self._rows
        with modules_as_they_were(*self._watched):
            return train(self.model, rows, self._cost, enough)


def proof_of(module: nn.Module, asked: Question, *, wanted: bool) -> tuple[Proof | None, str]:
    """Return what proves a module's cures, or why nothing does."""
    if not wanted:
        return None, NOT_ASKED
    if asked.targets is None and not asked.inside and asked.loss is None:
        own = own_question(asked)
        with modules_as_they_were(module), torch.no_grad():
            if its_own(own.call(module, own.inputs), own) is None:
                return None, NO_COST
    return Proof(module, asked), ""


class Rows(NamedTuple):
    """The rows to train on, those held out (if any), and how many steps to take at each rate."""

    seen: Question
    held: Question | None
    steps: int


# --- What it costs ---


def cost(module: nn.Module, asked: Question) -> Tensor:
    """Return the cost of a batch, one number with its graph.

    Raises
    ------
    ValueError
        Where there is none to train by.
    """
    own = own_question(asked)
    outputs = own.call(module, own.inputs)
    told = its_own(outputs, own)
    if told is not None:
        return told.reshape(())
    if own.targets is None:
        raise ValueError("no targets")
    if own.loss is not None and not isinstance(own.loss, str):
        return own.loss(outputs, own.targets).reshape(())
    first = said_by(outputs)[0]
    return usual_loss(first, own.targets)(first, own.targets).reshape(())


def constant_cost(module: nn.Module, asked: Question) -> float:
    """Return what a constant answer costs, as far as that is known; NaN otherwise."""
    own = own_question(asked)
    with torch.no_grad():
        outputs = own.call(module, own.inputs)
        if own.targets is None or its_own(outputs, own) is not None or isinstance(own.loss, str):
            return float("nan")
        if own.loss is not None:
            return chance(outputs, own.targets, own.loss)
        first = said_by(outputs)[0]
        return chance(first, own.targets, usual_loss(first, own.targets))


# --- Which rows, and how many steps ---


def rows_of(asked: Question, cost: Callable[[Question], Tensor]) -> Rows:
    """Return every second row to train on and the others to look at, as many as a step may take.

    Where the parts of a batch aren't rows of one number of examples, it is trained on whole.

    Parameters
    ----------
    asked : Question
    cost : callable
        Of a question; run once or twice, to see whether the module takes some rows alone.
    """
    count = _examples(asked)
    split = count >= _FEWEST_SPLIT
    seen, held = (_some(asked, slice(i, None, 2)) for i in (0, 1)) if split else (asked, None)
    try:
        work = _arithmetic(seen, cost)
        if held is not None:
            with torch.no_grad():
                cost(held)
    except Exception:  # what a module makes of fewer rows is its own affair
        if not split:
            raise
        seen, held, work = asked, None, _arithmetic(asked, cost)
    rows = count // 2 if held is not None else count
    fitting = int(_ARITHMETIC * rows / max(len(RATES) * STEPS * work, 1.0))
    if held is not None and fitting < rows:
        fewer = slice(0, max(_FEWEST_ROWS, fitting))
        seen, held = _some(seen, fewer), _some(held, fewer)
        work *= min(1.0, fewer.stop / rows)
    steps = int(_ARITHMETIC / max(len(RATES) * work, 1.0))
    return Rows(seen, held, min(STEPS, max(LEAST_STEPS, steps)))


def _arithmetic(asked: Question, cost: Callable[[Question], Tensor]) -> float:
    """Return how many operations the products of a step are, forward and back."""
    more = {torch.ops.aten.mkldnn_rnn_layer: _of_recurrence}
    with torch.enable_grad(), FlopCounterMode(display=False, custom_mapping=more) as counter:
        cost(asked)
    return 3.0 * float(counter.get_total_flops())


def _of_recurrence(states: Shape, inner: Shape, recurrent: Shape, *_: Any, **__: Any) -> int:
    """Return how many operations a recurrent layer's products are, which PyTorch doesn't count."""
    return 2 * prod(states[:-1]) * (prod(inner) + prod(recurrent))


def _examples(asked: Question) -> int:
    """Return how many rows all parts of a batch have; 0 where they don't have the same."""
    parts = [asked.inputs, asked.targets]
    tensors = leaves(parts)
    if len(tensors) != len(leaves(parts, objects=True)):
        return 0
    counts = {len(one) if one.dim() else 0 for one in tensors if one.layout is torch.strided}
    return counts.pop() if len(counts) == 1 else 0


def _some(asked: Question, rows: slice) -> Question:
    inputs, targets = (mapped(lambda x: x[rows], part) for part in (asked.inputs, asked.targets))
    return asked._replace(inputs=inputs, targets=targets)


# --- A training ---


def train(
    model: nn.Module,
    rows: Rows,
    cost: Callable[[Question], Tensor],
    enough: Callable[[Course], bool],
) -> Course:
    """Train a module where it is, and return where that began and what it reached.

    After each of the rates ``enough`` says of the course so far whether it may end.
    """
    own = [tensor for tensor in model.parameters() if tensor.requires_grad]
    fused = all(tensor.is_floating_point() and tensor.is_cpu for tensor in own)
    optimizer = torch.optim.Adam(own, fused=fused or None)
    torch.manual_seed(0)
    held, ends = [_number(cost, rows.held)], list[float]()
    value = cost(rows.seen)
    costs = [float(value.detach())]
    for rate in RATES:
        optimizer.param_groups[0]["lr"] = rate
        for _ in range(rows.steps):
            _step(optimizer, own, value)
            value = cost(rows.seen)
            costs.append(float(value.detach()))
        ends.append(fmean(costs[-_LAST:]))
        held.append(_number(cost, rows.held))
        course = Course(costs[0], _least(ends), held[0], _least(held[1:]))
        if not isfinite(ends[-1]) or enough(course):
            break
    return course


def _number(cost: Callable[[Question], Tensor], rows: Question | None) -> float:
    if rows is None:
        return inf
    with torch.no_grad():
        return float(cost(rows))


def _step(optimizer: torch.optim.Optimizer, own: Sequence[Tensor], value: Tensor) -> None:
    gradients = torch.autograd.grad(value, own, allow_unused=True)
    for tensor, gradient in zip(own, gradients, strict=True):
        sparse = gradient is not None and gradient.is_sparse
        tensor.grad = gradient.to_dense() if sparse else gradient
    optimizer.step()


def _least(costs: Sequence[float]) -> float:
    return min((one for one in costs if isfinite(one)), default=inf)


# --- What is worse ---


def begins_worse(first: float, before: float, constant: float) -> str:
    """Return in what a first cost is worse than another; nothing where it isn't.

    Examples
    --------
    >>> begins_worse(398.0, 1.86, 2.0)
    'the first cost is 398 with it, 1.86 without'
    >>> begins_worse(2.5, 2.303, 2.303)
    ''
    """
    if not isfinite(before):
        return "" if isfinite(first) else "the first cost is no number with it either"
    allowed = max(_BEGINS * abs(one) for one in (before, constant) if isfinite(one))
    if isfinite(first) and first <= max(allowed, before):
        return ""
    return f"the first cost is {first:.3g} with it, {before:.3g} without"


def ends_worse(after: Course, before: Course, steps: int, constant: float) -> str:
    """Return in what a short training is worse than another; nothing where it isn't.

    Parameters
    ----------
    after, before : Course
    steps : int
        How many each took.
    constant : float
        What a constant answer costs, NaN where that isn't known.

    Examples
    --------
    >>> ends_worse(Course(2.3, 1.9), Course(2.3, 2.3), 24, 2.303)
    ''
    >>> ends_worse(Course(11.0, 3.9), Course(11.0, 1.5), 24, 5.3)
    'in 24 steps of Adam the cost falls to 3.9 with it, to 1.5 without'
    """
    firsts = [after.first, before.first]
    if not after.least <= before.least + _room(firsts, [after.least, before.least]):
        return _told("the cost", after.least, before.least, steps)
    firsts, lasts = [after.held_first, before.held_first], [after.held_least, before.held_least]
    known = [number for number in (*firsts, constant) if isfinite(number)]
    learned = bool(known) and min(lasts) < min(known) - (1 - _LEARNED) * abs(min(known))
    if learned and not lasts[0] <= lasts[1] + _room(firsts, lasts):
        return _told("the cost of rows held out", lasts[0], lasts[1], steps)
    return ""


def _told(what: str, with_it: float, without: float, steps: int) -> str:
    return (
        f"in {steps} steps of Adam {what} falls to {with_it:.3g} with it, to {without:.3g} without"
    )


def _room(firsts: Sequence[float], lasts: Sequence[float]) -> float:
    """Return by how much an end may be higher and count as no higher."""
    known = [number for number in firsts if isfinite(number)]
    if not known:
        return 0.0
    fallen = min(known) - min(lasts)
    return _AS_LOW * max(abs(min(known)), fallen if isfinite(fallen) else 0.0)
