"""What a module is asked: its inputs, its targets and its loss, however they come in a batch."""

import inspect as signatures
from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from goodinit.errors import bad_argument
from goodinit.torch.inspecting.costs import OWN, Loss, named_loss, own_loss
from goodinit.torch.inspecting.nested import copied, leaves

_TARGETS = ("labels", "label", "targets", "target", "y")  # what a batch's own are called
_BATCHES = ("batch", "data", "batched_inputs")  # what a forward calls a batch that it takes whole
_TAKES = "a tensor, a tuple or dict of tensors, or an iterable of batches"


def call(module: nn.Module, inputs: Any) -> Any:
    """Return what a module says: a dict goes in by name, a tuple by place."""
    if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
        module = module.module  # what it spreads over devices would be out of sight
    args, named = arguments(inputs)
    return module(*args, **named)


def arguments(inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return inputs as what goes in by place, and by name."""
    if isinstance(inputs, Mapping):
        return (), {**inputs}
    plain = isinstance(inputs, tuple) and not hasattr(inputs, "_fields")
    return (tuple(inputs) if plain else (inputs,)), {}


class Question(NamedTuple):
    """What a module is asked: a batch, its cost, and the learning rate that steps would have.

    Attributes
    ----------
    inputs, targets : Any
    loss : callable, "model" or None
    learning_rate : float
    inside : bool
        Whether targets are among the inputs, so that the module can say its own loss.
    call : callable
        Of the module and the inputs; returns the outputs.
    """

    inputs: Any
    targets: Any
    loss: Loss | str | None
    learning_rate: float
    inside: bool = False
    call: Callable[[nn.Module, Any], Any] = call


def its_own(outputs: Any, asked: Question) -> Tensor | None:
    """Return the loss that a module says itself, where it is that which counts."""
    if isinstance(asked.loss, str) or (asked.loss is None and asked.inside):
        return own_loss(outputs)
    return named_loss(outputs) if asked.loss is None and asked.targets is None else None


def own_question(asked: Question) -> Question:
    """Return the question with tensors of its own: the module may write into them."""
    return asked._replace(inputs=copied(asked.inputs), targets=copied(asked.targets))


def first_batch(inputs: Any) -> tuple[Any, bool]:
    """Return the inputs, or the first of several batches, and whether it is one as loaders yield.

    Raises
    ------
    ArgumentError
        Where it is neither, or no batch comes.
    """
    if isinstance(inputs, Tensor | tuple | Mapping):
        return inputs, False
    if isinstance(inputs, list) and inputs and all(isinstance(part, Tensor) for part in inputs):
        return inputs, True  # next(iter(loader))
    if isinstance(inputs, Iterable) and not isinstance(inputs, str | bytes | np.ndarray):
        for batch in inputs:
            return batch, True
        raise bad_argument("inputs", "no batch", _TAKES)
    if leaves(inputs, objects=True) and not isinstance(inputs, nn.Module):
        return inputs, False
    raise bad_argument("inputs", inputs, _TAKES)


def ask(
    module: nn.Module,
    batch: Any,
    targets: Any,
    loss: Loss | str | None,
    learning_rate: float,
    *,
    loaded: bool,
) -> Question:
    """Return the question that a batch is for this module.

    Parameters
    ----------
    module : Module
        Whose ``forward`` says how many inputs it takes, and what they are called.
    batch, targets, loss : Any
        As ``goodinit.torch.inspect`` takes them.
    learning_rate : float
    loaded : bool
        Whether the batch is one as loaders yield, which may hold targets, and more than is needed.

    Raises
    ------
    ArgumentError
        Where they don't go together.
    """
    takes = _Takes.of(module)
    found = targets
    if isinstance(batch, Mapping):
        inputs, found = _by_name(takes, batch, targets, loaded=loaded)
    elif loaded and isinstance(batch, list | tuple) and not hasattr(batch, "_fields"):
        inputs, found = _by_place(takes, list(batch), targets)
    else:
        inputs = batch
    inside = targets is None and takes.targets_inside(inputs)
    question = Question(inputs, found, loss, learning_rate, inside)
    _check(question)
    return question


class _Takes(NamedTuple):
    """How many inputs a module's forward takes by place, and what they are called."""

    least: int
    most: float
    names: tuple[str, ...]
    any_name: bool

    @classmethod
    def of(cls, module: nn.Module) -> "_Takes":
        if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            return cls.of(module.module)
        module = getattr(module, "_orig_mod", module)  # one that torch.compile wraps
        try:
            given = list(signatures.signature(module.forward).parameters.values())
        except (TypeError, ValueError):
            return cls(1, 1, (), any_name=True)
        kinds = {one.kind for one in given}
        by_place = [one for one in given if one.kind <= one.POSITIONAL_OR_KEYWORD]
        least = sum(one.default is one.empty for one in by_place)
        most = inf if signatures.Parameter.VAR_POSITIONAL in kinds else len(by_place)
        hidden = (signatures.Parameter.VAR_POSITIONAL, signatures.Parameter.VAR_KEYWORD)
        names = tuple(one.name for one in given if one.kind not in hidden)
        return cls(least, most, names, signatures.Parameter.VAR_KEYWORD in kinds)

    def targets_inside(self, inputs: Any) -> bool:
        """Return whether inputs hold what the module calls its targets."""
        if isinstance(inputs, Mapping):
            return any(inputs.get(name) is not None for name in _TARGETS)
        count = len(inputs) if isinstance(inputs, tuple) else 1
        return any(name in _TARGETS for name in self.names[:count])


def _by_place(takes: _Takes, parts: list[Any], targets: Any) -> tuple[Any, Any]:
    """Return inputs and targets of a batch's parts: the last is a target where one is left over."""
    count = len(parts)
    if targets is None and count > 1 and takes.least < count <= takes.most + 1:
        *parts, targets = parts
    elif count > max(1, takes.most):
        inputs = "1 input" if takes.most == 1 else f"{takes.most:.0f} inputs"
        wanted = f"batches of inputs, or of inputs and targets, for a module of {inputs}"
        raise bad_argument("inputs", f"batches of {count}", wanted)
    if len(parts) > 1:
        return tuple(parts), targets
    first = parts[0]
    return tuple(first) if isinstance(first, list) else first, targets


def _by_name(
    takes: _Takes, batch: Mapping[str, Any], targets: Any, *, loaded: bool
) -> tuple[Any, Any]:
    """Return inputs and targets of a batch with names, of which the module may know some."""
    labels = [name for name in _TARGETS if name in batch]
    if targets is None and labels:
        targets = batch[labels[0]]
    if takes.any_name:
        return batch, targets
    taken = {name: part for name, part in batch.items() if name in takes.names}
    unknown = [name for name in batch if name not in taken and name not in labels]
    if not taken:
        alone = len(unknown) == 1 and takes.names[:1] != () and takes.names[0] not in _BATCHES
        return (batch[unknown[0]] if alone else (batch,)), targets
    if unknown and not loaded:
        raise bad_argument("inputs", unknown[0], f"the names {', '.join(takes.names)}")
    return taken, targets


def _check(asked: Question) -> None:
    tensors = leaves(asked.inputs, objects=True)
    if not tensors:
        raise bad_argument("inputs", asked.inputs, "at least one tensor")
    for tensor in tensors:
        if tensor.is_nested:
            raise bad_argument("inputs", "a nested tensor", "one that is padded: to_padded_tensor")
        if tensor.numel() == 0:
            raise bad_argument("inputs", f"a tensor of shape {tuple(tensor.shape)}", "examples")
        dense = tensor.layout is torch.strided and not tensor.is_meta
        if dense and tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise bad_argument("inputs", "NaN or infinity", "finite numbers")
        if tensor.is_meta:
            raise bad_argument("inputs", "a tensor on the meta device", "numbers")
    targets, loss = asked.targets, asked.loss
    if isinstance(loss, str) and loss == OWN:
        return
    if loss is not None and not callable(loss):
        raise bad_argument("loss", loss, f"a function of outputs and targets, or {OWN!r}")
    if loss is not None and targets is None:
        raise bad_argument("loss", loss, "targets beside it")
    if targets is not None and loss is None and not asked.inside:
        kind = targets.dtype if isinstance(targets, Tensor) else type(targets).__name__
        if not isinstance(targets, Tensor) or targets.is_complex() or targets.dtype == torch.bool:
            raise bad_argument("targets", str(kind), "whole numbers or floats, or else a loss")
