"""What runs modules: one as it is, or several of one architecture stacked, where that agrees."""

import copy
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.batchnorm import _NormBase
from torch.optim import Optimizer

from goodinit.torch.comparing.inputs import Inputs, given, say
from goodinit.torch.inspecting.asking import arguments
from goodinit.torch.state import generators_as_they_were, modules_as_they_were

Loss = Callable[[Any, Tensor], Tensor]  # of outputs and targets: the mean over the batch
MakeOptimizer = Callable[[list[Tensor]], Optimizer]

_LARGEST_TOGETHER = 2**19  # bytes that a step of one model keeps; larger ones gain nothing together
_MOST_TOGETHER = 2**28  # bytes that all models of a stack keep
_LANES = 16  # of a stack, filled or not: the last bits of a product follow from how many there are

# Their update of a number depends on that number's gradients alone.
_ELEMENTWISE = (
    *(torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.NAdam, torch.optim.RAdam),
    *(torch.optim.Adamax, torch.optim.Adagrad, torch.optim.Adadelta, torch.optim.RMSprop),
    *(torch.optim.ASGD, torch.optim.Rprop),
)


class Task(NamedTuple):
    """What is minimised, and by what."""

    loss: Loss
    optimizer: MakeOptimizer


class Batch(NamedTuple):
    """Examples for all models, (n, ...), or ``several``: for each its own, (K, n, ...)."""

    X: Inputs
    y: Tensor
    several: bool = False

    def copied(self) -> "Batch":
        """Return a copy, into which a module may write."""
        return self._replace(X=self.X.clone(), y=self.y.clone())


class Alone:
    """One module, as it is."""

    def __init__(self, models: Sequence[nn.Module], task: Task) -> None:
        (self.module,), self.models, self.task = models, models, task
        self.parameters = list(self.module.parameters())
        self.leaves = [leaf for leaf in self.parameters if leaf.requires_grad]

    @property
    def buffers(self) -> list[Tensor]:
        """The buffers, each with a leading axis."""
        return [buffer[None] for buffer in self.module.buffers()]

    def optimizer(self) -> Optimizer:
        """Return what updates the leaves."""
        return self.task.optimizer(list(self.leaves))

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Return the loss, shape (1,), and the outputs, shape (1, ...), if they are a tensor."""
        X, y = (batch.X[0], batch.y[0]) if batch.several else (batch.X, batch.y)
        outputs = say(self.module, X)
        loss = self.task.loss(outputs, y).reshape(1)
        return loss, outputs[None] if isinstance(outputs, Tensor) else None

    def says(self, batch: Batch) -> Tensor | None:
        """Return the outputs, shape (n, ...), if they are a tensor; the loss isn't asked."""
        outputs = say(self.module, batch.X)
        return outputs if isinstance(outputs, Tensor) else None

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Put everything back after the block."""
        with modules_as_they_were(self.module):
            yield

    def load(self) -> None:
        """Leave the model as it is: it is what is trained."""


class Stack:
    """Models of one architecture, their parameters and buffers stacked; a copy runs them all.

    There are always as many lanes, so that a model's numbers are the same to the last bit in any
    company: those that models don't fill repeat the last one, and are not trained.
    """

    def __init__(self, models: Sequence[nn.Module], task: Task, lanes: int) -> None:
        self.models, self.task = models, task
        self.module = copy.deepcopy(models[0])
        self._filled = [*range(len(models)), *[len(models) - 1] * (lanes - len(models))]
        first = dict(models[0].named_parameters())
        parameters = [dict(model.named_parameters()) for model in models]
        buffers = [dict(model.named_buffers()) for model in models]
        self._parameters = {
            name: torch.stack([parameters[i][name].detach() for i in self._filled])
            for name in first
        }
        self._buffers = {
            name: torch.stack([buffers[i][name].detach() for i in self._filled])
            for name in buffers[0]
        }
        for name, one in first.items():
            self._parameters[name].requires_grad_(one.requires_grad)
        self.parameters = list(self._parameters.values())
        self.leaves = [leaf for leaf in self.parameters if leaf.requires_grad]
        self._places = _places(self.module)

    def optimizer(self) -> Optimizer:
        """Return what updates the leaves: the first model's optimizer, moved to the stack."""
        first = Alone(self.models[:1], self.task)
        made = first.optimizer()
        hooked = made._optimizer_step_pre_hooks or made._optimizer_step_post_hooks
        if type(made) not in _ELEMENTWISE or "step" in vars(made) or hooked:
            raise TypeError("this optimizer may look at more than one number at a time")
        place = {id(leaf): stacked for leaf, stacked in zip(first.leaves, self.leaves, strict=True)}
        groups = [
            {**group, "params": [place[id(leaf)] for leaf in group["params"]]}
            for group in made.param_groups
        ]
        moved: Any = type(made)  # whose settings are all in the groups
        return cast(Optimizer, moved(groups))

    @property
    def buffers(self) -> list[Tensor]:
        """The buffers, each with a leading axis."""
        return list(self._buffers.values())

    def __call__(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """Return the losses, shape (K,), and the outputs, shape (K, ...), if they are tensors."""
        axis = 0 if batch.several else None
        X, y = (batch.X[self._filled], batch.y[self._filled]) if batch.several else batch[:2]
        buffers = {name: buffer.clone() for name, buffer in self._buffers.items()}
        run = vmap(self._one, in_dims=(0, 0, axis, axis))
        with sdpa_kernel(SDPBackend.MATH):  # vmap would run the fused attention one by one
            losses, outputs, buffers = run(self._parameters, buffers, given(X), y)
        self._buffers = {name: buffer.detach() for name, buffer in buffers.items()}
        count = len(self.models)
        return losses[:count], outputs[0][:count] if outputs else None

    def _one(self, parameters: Any, buffers: Any, X: Any, y: Tensor) -> Any:
        known = {**parameters, **buffers}
        state = {place: known[name] for place, name in self._places.items()}
        args, named = arguments(X)
        outputs = functional_call(self.module, state, args, named, tie_weights=False)
        loss = self.task.loss(outputs, y).reshape(())
        # functional_call leaves the buffers' new values in the state.
        buffers = {name: state[name] for name in buffers}
        return loss, [outputs] if isinstance(outputs, Tensor) else [], buffers

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Put everything back after the block."""
        kept = self._buffers
        with modules_as_they_were(self.module):
            try:
                yield
            finally:
                self._buffers = kept

    @torch.no_grad()
    def load(self) -> None:
        """Write the parameters and buffers of this moment into the models."""
        stacked = {**self._parameters, **self._buffers}
        for i, model in enumerate(self.models):
            for name, tensor in (*model.named_parameters(), *model.named_buffers()):
                tensor.copy_(stacked[name][i])


def _places(module: nn.Module) -> dict[str, str]:
    """Return the name of the tensor at each place: a shared one has one name and several places.

    functional_call would tie them itself, but leaves its own tensors in a module of two names.
    """
    tensors = (*module.named_parameters(), *module.named_buffers())
    names = {id(tensor): name for name, tensor in tensors}
    return {
        f"{path}.{leaf}".lstrip("."): names[id(tensor)]
        for path, part in module.named_modules()
        for leaf, tensor in (*part._parameters.items(), *part._buffers.items())
        if tensor is not None
    }


Engine = Alone | Stack


@contextmanager
def measuring(engine: Engine, *, by_batch: bool) -> Iterator[None]:
    """Let the engine be asked without a trace, without gradients, and with nothing random.

    Parameters
    ----------
    engine : Alone or Stack
    by_batch : bool
        Whether batch normalization goes by the batch, or by its running statistics.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    # PyTorch's own layers have another way without gradients, which vmap doesn't know.
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), generators_as_they_were(), engine.untouched():
            without_chance(engine.module, by_batch=by_batch)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def without_chance(module: nn.Module, *, by_batch: bool) -> None:
    """Put a module in evaluation mode, all but its batch normalizations where they go by batch."""
    for part in module.modules():
        part.training = by_batch and part.training and isinstance(part, _NormBase)


def lanes_for(models: Sequence[nn.Module], task: Task, batch: Batch, measured: int) -> int:
    """Return how many lanes a stack of such models has, by what a step of the first one keeps.

    It doesn't follow from how many models there are.

    Parameters
    ----------
    models : sequence of Module
        In training mode.
    task : Task
    batch : Batch
        The first that the first model trains on.
    measured : int
        How many examples are measured at a time.
    """
    # Where an embedding has a padding_idx, vmap gives it a wrong gradient.
    padded = any(getattr(m, "padding_idx", None) is not None for m in models[0].modules())
    if padded or any(_kinds(m) != _kinds(models[0]) for m in models):
        return 1
    sizes: list[int] = []

    def keep(tensor: Tensor) -> Tensor:
        sizes.append(tensor.numel() * tensor.element_size())
        return tensor

    engine, before = Alone(models[:1], task), _generators()
    with generators_as_they_were(), engine.untouched():
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            engine(batch)
        random_inside = _generators() != before
    size, examples = sum(sizes), batch.X.shape[int(batch.several)]
    if random_inside or size > _LARGEST_TOGETHER:
        return 1
    most = max(1, int(_MOST_TOGETHER / (1 + size * max(1, measured / examples))))
    return min(_LANES, most)


def _kinds(model: nn.Module) -> list[Any]:
    tensors = (*model.named_parameters(), *model.named_buffers())
    return [type(model), *((name, t.shape, t.dtype, t.requires_grad) for name, t in tensors)]


def _generators() -> Any:
    _, keys, *rest = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().tolist(), np.asarray(keys).tolist(), rest, random.getstate()


def stacked(models: Sequence[nn.Module], task: Task, batch: Batch, lanes: int) -> Stack | None:
    """Return the models stacked, where that gives each the same numbers as alone; else None.

    Compared are loss, gradients and buffers on a batch, and the loss of measuring it.
    """
    of_each = [
        batch._replace(X=batch.X[i : i + 1], y=batch.y[i : i + 1]) if batch.several else batch
        for i in range(len(models))
    ]
    alone = [_glance(Alone([m], task), own) for m, own in zip(models, of_each, strict=True)]
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="There is a performance drop")
            stack = Stack(models, task, lanes)
            stack.optimizer()
            together = _glance(stack, batch)
    except Exception:  # vmap refuses in many ways, and so do modules that look at their tensors
        return None
    agree = all(_agree(one, together, i) for i, one in enumerate(alone))
    return stack if agree else None


class _Glance(NamedTuple):
    losses: Tensor  # (K,)
    measured: list[Tensor]  # (K,)
    gradients: Sequence[Tensor | None]  # (K, ...)
    buffers: list[Tensor]  # (K, ...)


def _glance(engine: Engine, batch: Batch) -> _Glance:
    """Return what an engine finds on a batch, without a trace."""
    with generators_as_they_were(), engine.untouched():
        losses, _ = engine(batch.copied())
        found = torch.autograd.grad(losses.sum(), engine.leaves, allow_unused=True)
        buffers = [buffer.clone() for buffer in engine.buffers]
    measured = []
    for by_batch in (True, False):
        with measuring(engine, by_batch=by_batch):
            measured.append(engine(batch.copied())[0])
    sized = isinstance(engine, Alone)
    gradients = [g[None] if sized and g is not None else g for g in found]
    return _Glance(losses.detach(), measured, gradients, buffers)


def _agree(alone: _Glance, together: _Glance, place: int) -> bool:
    """Return whether a model has the same numbers alone as in its place of a stack."""
    if not bool(alone.losses.isfinite().all()):
        return True
    pairs = list(zip(alone.gradients, together.gradients, strict=True))
    if any(
        (one is None) != (other is None) or (one is not None and one.is_sparse)
        for one, other in pairs
    ):
        return False
    found = [(one, other) for one, other in pairs if one is not None and other is not None]
    largest = max((float(one.abs().max()) for one, _ in found if one.numel()), default=0.0)
    if not np.isfinite(largest):
        return True
    outside = [
        *((alone.losses, together.losses),),
        *zip(alone.measured, together.measured, strict=True),
        *zip(alone.buffers, together.buffers, strict=True),
    ]
    return all(_close(one[0], other[place], largest) for one, other in found) and all(
        _close(one[0], other[place]) for one, other in outside
    )


def _close(one: Tensor, other: Tensor, scale: float | None = None) -> bool:
    """Return whether two tensors are the same but for rounding, of numbers of that scale."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if not one.is_floating_point():
        return bool(torch.equal(one, other))
    size = float(one.abs().max()) if scale is None and one.numel() else scale or 0.0
    rounding = torch.finfo(one.dtype).eps ** 0.5 * size
    return bool(torch.allclose(one, other, rtol=0, atol=rounding, equal_nan=True))
