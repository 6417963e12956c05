"""How large what each layer reads is, told without data: numbers that stand in for signals.

A layer's output is taken for normal numbers of a known spread, a normalization's and the model's
input for standard normal ones; what lies between two layers is done to them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn

from goodinit.torch.initializing.fans import EMBEDDINGS, NORMS
from goodinit.torch.initializing.steps import ATTENTION, Graph, Step

_COUNT = 4096
_FLATTEST = 1.035  # by how much a layer may multiply the gradient's square, for the signal to stay
_SPREADS = tuple(step / 20 for step in range(20, 4, -1))
_FAR = 60.0  # where a function that has bounds has reached them
_AMPLIFIES = 1.02  # by which power an excess of the second moment may grow
# What leaves the numbers as they are, but for their order.
_TEXT = """
    view viewas reshape reshapeas flatten unflatten transpose permute movedim swapaxes
    contiguous squeeze unsqueeze expand expandas dropout dropout1d dropout2d dropout3d
    alphadropout to float half double clone identity getitem chunk split unbind getattr
    detach repeat repeatinterleave typeas cat concat stack get t mean sum adaptiveavgpool1d
    adaptiveavgpool2d adaptiveavgpool3d avgpool1d avgpool2d avgpool3d maxpool1d maxpool2d
    maxpool3d upsample interpolate pad roll flip rearrange indexselect gather select narrow
    zeropad2d pixelshuffle cpu cuda
"""
_FORMS = frozenset(_TEXT.split())
_SUMS = frozenset({"add", "iadd", "radd", "sub", "isub"})
_TIMES = frozenset({"mul", "imul", "rmul", "div", "idiv", "truediv", "multiply", "divide"})
_MASKS = frozenset({"maskedfill", "where", "softmax", ATTENTION})
_SOFTENS = 1.25  # times as far as scores should spread, before a softmax of them


class Read(NamedTuple):
    """What a layer reads.

    Attributes
    ----------
    bends : tuple of str
        What was done to it since the last layer, normalization or sum, in order.
    moment, variance : float
        Of its numbers: the mean of their squares, and that without the mean's square.
    known : bool
        Whether all of it could be done.
    """

    bends: tuple[str, ...] = ()
    moment: float = 1.0
    variance: float = 1.0
    known: bool = True

    @property
    def off_centre(self) -> bool:
        """Whether its mean says more than what varies, as after a sigmoid."""
        return self.moment > 2 * self.variance

    @property
    def size(self) -> float:
        """What a layer's output is proportional to; one that is off centre has rows of sum 0."""
        return sqrt(self.variance if self.off_centre else self.moment)


@dataclass(frozen=True)
class _Numbers:
    values: Tensor
    sources: frozenset[int] = frozenset()
    bends: tuple[str, ...] = ()
    known: bool = True


@cache
def standard_normal() -> Tensor:
    """Return the quantiles of N(0, 1), of variance 1."""
    shares = (torch.arange(_COUNT, dtype=torch.float64) + 0.5) / _COUNT
    quantiles = torch.special.ndtri(shares)
    standard: Tensor = quantiles / quantiles.square().mean().sqrt()
    return standard


class Reading:
    """Does a graph's steps to numbers.

    Parameters
    ----------
    graph : Graph
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.spreads: dict[int, float] = {}
        self._found: dict[int, _Numbers] = {}
        for number, step in enumerate(graph.steps):
            if isinstance(step.module, EMBEDDINGS):
                self.spreads[number] = self._of_rows(step.module)

    def spread(self, reader: int) -> None:
        """Choose the spread of the layer that another one reads, if it reads but one."""
        before = self._into(reader)
        sources = before.sources
        if not before.bends or not before.known or len(sources) != 1:
            return
        (source,) = sources
        if self.graph.steps[source].layer and source not in self.spreads:
            self.spreads[source] = best_spread(lambda z: self._with(source, z, reader))
            self._found.clear()

    def _of_rows(self, embedding: nn.Embedding | nn.EmbeddingBag) -> float:
        """Return the spread of rows of length 1, or of what makes a layer that shares them 1."""
        layers = (
            number
            for number, step in enumerate(self.graph.steps)
            if isinstance(step.module, nn.Linear) and step.module.weight is embedding.weight
        )
        size = next((self.read(number).size for number in layers), 1.0)
        self._found.clear()
        return 1 / (size * sqrt(max(embedding.embedding_dim, 1)))

    def temper(self, softmax: int) -> None:
        """Shrink the spread of the queries whose products with keys are too large for a softmax."""
        scale, number = 1.0, softmax
        step = self.graph.steps[number]
        while not step.factor:
            if not step.inputs or step.layer:
                return
            if step.operation in _TIMES:
                scale *= self._ratio(step)
            elif step.operation not in _FORMS | _SUMS | _MASKS:
                return
            number = max(step.inputs, key=lambda one: self.graph.steps[one].depth)
            step = self.graph.steps[number]
        if len(step.inputs) < 2:
            return
        queries, keys = (self._of(one) for one in step.inputs[:2])
        sizes = [_moments(one.values)[0] ** 0.5 for one in (queries, keys)]
        size = scale * step.factor * sizes[0] * sizes[1]
        own = [one for one in queries.sources if self.graph.steps[one].layer]
        if size > _SOFTENS and len(own) == 1 and queries.sources.isdisjoint(keys.sources):
            self.spreads[own[0]] = self.spreads.get(own[0], 1.0) / size
            self._found.clear()

    def _ratio(self, step: Step) -> float:
        """Return by what a step multiplies its one input; 1 where that isn't known."""
        known = _called(step, {one: standard_normal() for one in step.inputs[:1]})
        alone = known is not None and len(step.inputs) == 1
        return _moments(known)[0] ** 0.5 if known is not None and alone else 1.0

    def read(self, reader: int) -> Read:
        """Return what a layer reads."""
        before = self._into(reader)
        moment, variance = _moments(before.values)
        if not 0 < variance < float("inf"):
            return Read(before.bends, known=False)
        return Read(before.bends, moment, variance, before.known)

    def _with(self, source: int, values: Tensor, reader: int) -> Tensor:
        self._found = {source: _Numbers(values, frozenset({source}))}
        found = self._into(reader).values
        self._found = {}
        return found

    def _into(self, reader: int) -> _Numbers:
        inputs = self.graph.steps[reader].inputs
        return self._of(inputs[0]) if inputs else self._fresh(reader)

    def _of(self, number: int) -> _Numbers:
        if number not in self._found:
            self._found[number] = self._made(number, self.graph.steps[number])
        return self._found[number]

    def _fresh(self, number: int, known: bool = True) -> _Numbers:
        order = torch.randperm(_COUNT, generator=torch.Generator().manual_seed(number))
        values = standard_normal()[order] * self.spreads.get(number, 1.0)
        return _Numbers(values, frozenset({number}), known=known)

    def _made(self, number: int, step: Step) -> _Numbers:
        if step.layer or isinstance(step.module, NORMS) or not step.inputs:
            return self._fresh(number)
        if step.operation in _FORMS:
            return self._of(step.inputs[0])
        adds = step.operation in _SUMS and len(step.inputs) > 1
        if adds and not self._as_deep(step):
            return self._fresh(number)
        given = {one: self._of(one) for one in step.inputs}
        if adds and not _of_one_source(given):
            return self._fresh(number)
        done = _gated(step, given) if step.operation == "glu" else _done(step, given)
        if done is None:
            return self._fresh(number, known=False)
        before = next(iter(given.values())).values
        same = len(given) == 1 and done.dtype == before.dtype and torch.equal(done, before)
        name = step.activation or step.operation.strip("_")
        bends = tuple(bend for one in given.values() for bend in one.bends)
        return _Numbers(
            done,
            frozenset[int]().union(*(one.sources for one in given.values())),
            tuple(dict.fromkeys((*bends, *(() if same else (name,))))),
            all(one.known for one in given.values()),
        )

    def _as_deep(self, step: Step) -> bool:
        """Return whether as many layers stand before each of a step's inputs."""
        steps = [self.graph.steps[one] for one in step.inputs]
        return len({one.depth + one.layer for one in steps}) == 1


def _of_one_source(given: dict[int, _Numbers]) -> bool:
    """Return whether all of a sum's parts are functions of one layer's output, as x + relu(x)."""
    return len(frozenset[int]().union(*(one.sources for one in given.values()))) == 1


def _done(step: Step, given: dict[int, _Numbers]) -> Tensor | None:
    """Return what a step makes of each number; None where it looks at more than one at a time."""
    values = {number: one.values for number, one in given.items()}
    result = _called(step, values)
    some = _called(step, {number: one[::2] for number, one in values.items()})
    if result is None or some is None or not torch.equal(result[::2], some):
        return None  # a softmax, a sum, something drawn
    return result if bool(result.isfinite().all()) else None


def _called(step: Step, values: dict[int, Tensor]) -> Tensor | None:
    if step.replay is None:
        return None
    try:
        result = step.replay(values)
    except Exception:  # a function may refuse a line of numbers in any way
        return None
    size = len(next(iter(values.values())))
    if not isinstance(result, Tensor) or result.shape != (size,) or result.is_complex():
        return None
    return result.double() if result.is_floating_point() else result


def _gated(step: Step, given: dict[int, _Numbers]) -> Tensor:
    """Return what a gated unit makes: one half of its input, weighed by the other's sigmoid."""
    values = next(iter(given.values())).values
    other = values[torch.randperm(_COUNT, generator=torch.Generator().manual_seed(0))]
    return values * torch.sigmoid(other)


def _moments(values: Tensor) -> tuple[float, float]:
    values = values.detach().double()
    return float(values.square().mean()), float(values.var(correction=0))


# --- The spread before a function ---

Function = Callable[[Tensor], Tensor]


def best_spread(function: Function) -> float:
    """Return the standard deviation at which a function should be fed, layer upon layer.

    - A bounded one: the largest up to 1 at which a layer of the right gain keeps the gradient to
      3.5 %. For tanh 0.5; farther out the gradient grows, and nearer to 0 it is all but linear.
    - One under which an excess grows with depth, as gelu and silu near 0: where its second moment
      is 1, if an excess grows less there.
    - Others: 1.

    Examples
    --------
    >>> best_spread(torch.tanh), best_spread(torch.relu)
    (0.5, 1.0)
    >>> round(best_spread(torch.nn.functional.silu), 2)
    1.56
    """
    far = function(torch.linspace(-_FAR, _FAR, _COUNT, dtype=torch.float64))
    if float(far.abs().max()) < _FAR / 4:
        near = (s for s in _SPREADS if _gradient(function, s) <= _FLATTEST)
        return next(near, _SPREADS[-1])
    if _growth(function, 1.0) <= _AMPLIFIES:
        return 1.0
    fixed = _where_one(function)
    if fixed is None or _growth(function, fixed) >= _growth(function, 1.0):
        return 1.0
    return fixed


def _size(function: Function, spread: float) -> float:
    moment, variance = _moments(function(spread * standard_normal()))
    return Read((), moment, variance).size ** 2


def _gradient(function: Function, spread: float) -> float:
    """Return the factor of the gradient's square over a layer that keeps the signal's."""
    z = (spread * standard_normal()).requires_grad_()
    with torch.enable_grad():
        (slopes,) = torch.autograd.grad(function(z).sum(), z)
    size = _size(function, spread)
    return spread**2 * float(slopes.square().mean()) / size if size else float("inf")


def _growth(function: Function, spread: float) -> float:
    """Return by which power an excess of the second moment goes on."""
    above, below = (_size(function, spread * by) for by in (1.01, 1 / 1.01))
    ratio = torch.log(torch.tensor(above / below)) if above > 0 < below else torch.tensor(0.0)
    return float(ratio) / (4 * float(torch.log(torch.tensor(1.01))))


def _where_one(function: Function) -> float | None:
    low, high = 0.25, 4.0
    if not _size(function, low) < 1 < _size(function, high):
        return None
    for _ in range(40):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _size(function, middle) < 1 else (low, middle)
    return round(low, 6)
