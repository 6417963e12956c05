"""How a step of a forward pass is done once more, to numbers that stand in for its inputs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from goodinit.torch.initializing.fans import NORMS

Replay = Callable[[Mapping[int, Tensor]], object]
_NO_ELEMENTWISE = (nn.MultiheadAttention, nn.Softmax, nn.LogSoftmax, nn.Softmin, nn.Softmax2d)


class _Slot(NamedTuple):
    """Stands for the result of a step."""

    number: int


class _UnknownError(Exception):
    """An argument that can't be had again."""


def replay(
    kind: str,
    target: Any,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    number_of: Callable[[Any], int | None],
) -> Replay | None:
    """Return what calls a function again; None where an argument of it isn't known.

    Parameters
    ----------
    kind : str
        "call_method" where the target is the name of a method of the first argument.
    target : callable or str
    args, kwargs
        What it was called with: tensors, or the nodes of ``torch.fx`` that stand for them.
    number_of : callable
        The step that one of these comes from.
    """
    try:
        form = _formed((tuple(args), dict(kwargs)), number_of)
    except _UnknownError:
        return None

    def again(given: Mapping[int, Tensor]) -> object:
        arguments, named = _filled(form, given)
        if kind == "call_method":
            return getattr(arguments[0], target)(*arguments[1:], **named)
        return target(*arguments, **named)

    return again


def _formed(value: Any, number_of: Callable[[Any], int | None]) -> Any:
    if isinstance(value, tuple | list):
        return tuple(_formed(part, number_of) for part in value)
    if isinstance(value, dict):
        return {key: _formed(part, number_of) for key, part in value.items()}
    if isinstance(value, torch.fx.Node | Tensor):
        number = number_of(value)
        if number is not None:
            return _Slot(number)
        if isinstance(value, Tensor) and value.numel() == 1 and not value.is_meta:
            one = value.detach().cpu().reshape(())
            return one.double() if one.is_floating_point() else one
        raise _UnknownError
    return value


def _filled(form: Any, given: Mapping[int, Tensor]) -> Any:
    if isinstance(form, _Slot):
        return given[form.number].clone()  # it may be written into
    if isinstance(form, tuple):
        return tuple(_filled(part, given) for part in form)
    if isinstance(form, dict):
        return {key: _filled(part, given) for key, part in form.items()}
    return form


def replay_module(module: nn.Module, inputs: Sequence[int]) -> Replay | None:
    """Return what calls a module that has no part but its activation; None for others."""
    simple = len(inputs) == 1 and next(module.children(), None) is None
    if not simple or isinstance(module, (*NORMS, *_NO_ELEMENTWISE)):
        return None
    slope = _slope(module)
    if slope is not None:
        return lambda given: nn.functional.leaky_relu(given[inputs[0]], slope)
    if any(tensor.numel() > 1 for tensor in module.parameters()):
        return None
    held = {name: one.detach().double() for name, one in module.named_parameters()}
    return lambda given: torch.func.functional_call(module, held, (given[inputs[0]].clone(),))


def _slope(module: nn.Module) -> float | None:
    """Return the slope below 0 of what learns it, as it will be made again, or draws it."""
    if isinstance(module, nn.PReLU):
        return float(module.init)
    return (module.lower + module.upper) / 2 if isinstance(module, nn.RReLU) else None


def replay_function(function: Callable[[Tensor], Tensor], number: int) -> Replay:
    """Return what calls a function of one step again."""
    return lambda given: function(given[number].clone())
