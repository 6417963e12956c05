"""What a batch of inputs shows of a model, without a trace, and how weights follow from it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from math import isfinite
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.overrides import TorchFunctionMode

from goodinit.errors import ArgumentError, bad_argument
from goodinit.torch.initializing.fans import RECURRENT, Parameter
from goodinit.torch.initializing.uses import Known, use_of

TOLERANCE = 0.01
TRIES = 10  # Mishkin and Matas 2016 stop after as many
STRAY = 1.25  # more than what a batch of a few examples brings

Aims = Sequence[tuple[Parameter, float]]


@contextmanager
def restored(model: nn.Module) -> Iterator[None]:
    """Give the buffers their values back at the end."""
    before = [
        (module._buffers, name, buffer, buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for holder, name, buffer, values in before:
                holder[name] = buffer
                buffer.copy_(values)


@contextmanager
def _without_chance(model: nn.Module) -> Iterator[None]:
    """Put the model in evaluation mode, its batch normalizations in training mode, and back."""
    modes = {module: module.training for module in model.modules()}
    for module in modes:
        module.training = isinstance(module, _NormBase)
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


def tensors(value: object) -> list[Tensor]:
    """Return the tensors in nested tuples, lists and mappings, in their order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for part in value for tensor in tensors(part)]
    return []


def run(model: nn.Module, inputs: object) -> object:
    """Return what the model returns for the inputs, in the mode that it is in.

    Gradients are off, and buffers and the states of the random generators are as before.

    Parameters
    ----------
    model : Module
    inputs : Tensor, tuple or list of arguments, or mapping of keyword arguments

    Raises
    ------
    ArgumentError
        Where the model doesn't take them.
    """
    args = inputs if isinstance(inputs, list | tuple) else (inputs,)
    args, kwargs = ((), inputs) if isinstance(inputs, Mapping) else (args, {})
    on = {tensor.device for tensor in model.parameters() if tensor.device.type != "cpu"}
    kind = next(iter(on)).type if on else "cuda"
    with (
        torch.no_grad(),
        restored(model),
        torch.random.fork_rng(list(on), device_type=kind),
    ):
        torch.manual_seed(0)
        try:
            return model(*args, **kwargs)
        except ArgumentError:
            raise
        except Exception as error:  # a model of the user's own may raise anything
            takes = "a tensor, tuple of arguments or mapping of keywords that the model takes"
            raise bad_argument("inputs", f"{type(error).__name__}: {error}", takes) from error


def scale_in_order(model: nn.Module, weights: list[Parameter], inputs: object) -> dict[str, str]:
    """Scale each layer's weights so that its outputs have variance 1, first layer first.

    Every layer is called again after its weights were divided by the standard deviation of its
    outputs, until the variance is within ``TOLERANCE`` of 1, and only then the next one runs: one
    pass through the model serves them all. A layer that is called twice is scaled on its first
    call. Of attention it is the weight of the last projection that is scaled; recurrent layers,
    whose outputs are bounded, stay as they are.

    Parameters
    ----------
    model : Module
    weights : list of Parameter
        The layers' weights, orthogonal (Mishkin and Matas 2016).
    inputs : object
        As for ``run``. Dropout is off, and batch normalizations take the batch's own statistics.

    Returns
    -------
    dict
        What was done, by the name of the weight.

    Raises
    ------
    ArgumentError
        Where a layer puts out a constant or what isn't finite on these inputs.
    """
    return _in_order(model, [(weight, 1.0) for weight in weights], inputs, _scaled)


def settle_in_order(model: nn.Module, aims: Aims, inputs: object) -> dict[str, str]:
    """Scale each layer's weights so that its outputs have the root mean square that is aimed at.

    As ``scale_in_order``, but once each, which is enough for maps without biases. A layer stays as
    it is where its outputs are within ``STRAY`` of that, or zero, or not finite.
    """
    return _in_order(model, aims, inputs, _settled)


_Call = tuple[nn.Module, tuple[object, ...], dict[str, object], object]


def _in_order(
    model: nn.Module,
    aims: Aims,
    inputs: object,
    act: Callable[[_Call, Parameter, float], tuple[object, str]],
) -> dict[str, str]:
    """Do something to each layer at its first call, in one pass; return what was done, by name."""
    modules = dict(model.named_modules())
    notes: dict[str, str] = {}
    with ExitStack() as hooks:
        foreign = [(weight, aim) for weight, aim in aims if weight.foreign]
        if foreign:
            hooks.enter_context(_Functions(model, foreign, notes))
        for weight, aim in aims:
            holder = None if weight.foreign else _measured_at(weight, modules)
            if holder is None:
                continue

            def scale(  # noqa: PLR0917
                module: nn.Module,
                args: tuple[object, ...],
                kwargs: dict[str, object],
                output: object,
                weight: Parameter = weight,
                aim: float = aim,
            ) -> object:
                if weight.name in notes:
                    return output
                output, notes[weight.name] = act((module, args, kwargs, output), weight, aim)
                return output

            handle = holder.register_forward_hook(scale, with_kwargs=True)
            hooks.callback(handle.remove)
        hooks.enter_context(_without_chance(model))
        run(model, inputs)
    return notes


class _Functions(TorchFunctionMode):
    """Settles the weights that functions are called with, each at its first call."""

    def __init__(self, model: nn.Module, aims: Aims, notes: dict[str, str]) -> None:
        super().__init__()
        self.known, self.notes = Known(model), notes
        self.aims = {id(weight.tensor): (weight, aim) for weight, aim in aims}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        named = kwargs or {}
        result = func(*args, **named)
        with torch._C.DisableTorchFunction():
            uses = use_of(getattr(func, "__name__", ""), args, named, self.known)
            if any(use.kind == "added" and bool(tensor.any()) for tensor, use in uses):
                return result
            for tensor, use in uses:
                weight, aim = self.aims.get(id(tensor), (None, 0.0))
                if weight is None or use.kind != "product" or weight.name in self.notes:
                    continue
                self.notes[weight.name] = note = _stray(result, weight, aim)
                result = func(*args, **named) if note else result
        return result


def _measured_at(weight: Parameter, modules: dict[str, nn.Module]) -> nn.Module | None:
    """Return the module whose output is proportional to the weight, None where there is none."""
    parent = modules.get(weight.layer.rpartition(".")[0])
    if isinstance(parent, nn.MultiheadAttention):  # it uses its projection without calling it
        return parent
    fixed = isinstance(weight.module, (nn.MultiheadAttention, *RECURRENT))
    return None if fixed else weight.module


def _settled(call: _Call, weight: Parameter, aim: float) -> tuple[object, str]:
    module, args, kwargs, output = call
    bias = getattr(module, "bias", None)
    if isinstance(bias, Tensor) and bias.any():  # set on purpose: not the weights' to make up for
        return output, ""
    note = _stray(output, weight, aim)
    return (module.forward(*args, **kwargs) if note else output), note


def _stray(output: object, weight: Parameter, aim: float) -> str:
    """Scale weights whose outputs stray from what is aimed at; return what was done."""
    size = float(tensors(output)[0].double().square().mean().sqrt())
    if not isfinite(size) or size == 0 or 1 / STRAY < size / aim < STRAY:
        return ""
    _divide(weight, size / aim)
    return f"times {aim / size:.3g}, for the spread of its outputs on the inputs"


def _scaled(call: _Call, weight: Parameter, _: float) -> tuple[object, str]:
    module, args, kwargs, output = call
    found = variance = _variance(output, weight)
    tries = 0
    while abs(variance - 1) > TOLERANCE and tries < TRIES:
        _divide(weight, variance**0.5)
        output = module.forward(*args, **kwargs)
        variance = _variance(output, weight)
        tries += 1
    return output, f"output variance {found:.3g}, now {variance:.3g}"


def _variance(output: object, weight: Parameter) -> float:
    variance = float(tensors(output)[0].double().var(correction=0))
    if not isfinite(variance) or variance == 0:
        raise bad_argument(
            "inputs",
            f"a batch on which the outputs of {weight.layer} have variance {variance:g}",
            "inputs on which the outputs of every layer vary, and are finite",
        )
    return variance


def _divide(weight: Parameter, by: float) -> None:
    if weight.parametrized:
        setattr(weight.module, weight.leaf, weight.tensor / by)
    else:
        weight.tensor.div_(by)
