"""How each function that makes a layer is seen: what is its weight, and what are its units."""

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import Any

import torch
from torch import Tensor

from goodinit.evidence.causes import value
from goodinit.torch.inspecting.flows import tensors
from goodinit.torch.inspecting.functions import (
    ADDED_PRODUCTS,
    BOUNDED,
    GATES,
    NORMS,
    OVER_LAST_AXIS,
    TRANSPOSED,
)
from goodinit.torch.inspecting.measuring import fits, rms, rows
from goodinit.torch.inspecting.sight import Named, Seer
from goodinit.torch.inspecting.sines import waves


def see_layer(tracer: Seer, name: str, func: Any, args: Any, kwargs: Named) -> Any:
    """See a linear map or a convolution: its second argument is the weight."""
    x, weight = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "weight")
    if not tracer.origins.is_weight(weight) or weight.dim() < 2:
        return tracer.see_other(name, func, args, kwargs)
    groups = argument(args, kwargs, 6, "groups", 1) if name in TRANSPOSED else 1
    call = tracer.called(
        "linear",
        (weight,),
        bias=argument(args, kwargs, 2, "bias"),
        incoming=partial(_transposed_rows, groups=groups) if name in TRANSPOSED else by_rows,
        axis=-1 if name == "linear" else 1 - weight.dim(),
        input_rms=rms(x),
    )
    return tracer.passed(call, func(*args, **kwargs), x)


def see_product(tracer: Seer, name: str, func: Any, args: Any, kwargs: Named) -> Any:
    """See a matrix product, to which something may be added: a layer where one is a weight."""
    pair = args[1:3] if name in ADDED_PRODUCTS else args[:2]
    both = [tracer.origins.is_weight(tensor) for tensor in pair]
    if sum(both) != 1:
        return tracer.see_other(name, func, args, kwargs)
    left = both[0]
    weight, x = pair[1 - left], pair[int(left)]
    added = args[0] if name in ADDED_PRODUCTS and args[0].dim() == 1 else None
    matrix = weight.dim() == 2
    call = tracer.called(
        "linear",
        (weight,),
        bias=added if not left else None,
        incoming=(by_rows if left else _by_columns) if matrix else None,
        axis=-2 if left and x.dim() > 1 else -1,
        input_rms=rms(x),
    )
    return tracer.passed(call, func(*args, **kwargs), x)


def see_sum_of_products(tracer: Seer, name: str, func: Any, args: Any, kwargs: Named) -> Any:
    """See an ``einsum`` or a bilinear map, a layer where one of its operands is a weight.

    Which axis the units of an ``einsum`` are on is not asked: they count as on the last.
    """
    operands = tensors([*args, *kwargs.values()])
    weights = [one for one in operands if tracer.origins.is_weight(one) and one.dim() > 1]
    inputs = [one for one in operands if not tracer.origins.is_weight(one)]
    if len(weights) != 1 or not inputs:
        return tracer.see_other(name, func, args, kwargs)
    call = tracer.called(
        "linear",
        weights,
        bias=argument(args, kwargs, 3, "bias") if name == "bilinear" else None,
        incoming=by_rows if name == "bilinear" else None,
        input_rms=prod(map(rms, inputs)),
    )
    return tracer.passed(call, func(*args, **kwargs), *inputs)


def see_embedding(tracer: Seer, name: str, func: Any, args: Any, kwargs: Named) -> Any:
    """See an embedding: its input has no scale."""
    weight = argument(args, kwargs, 1, "weight")
    if not tracer.origins.is_weight(weight):
        return tracer.see_other(name, func, args, kwargs)
    call = tracer.called("embedding", (weight,), incoming=_by_columns)
    return tracer.passed(call, func(*args, **kwargs), fed_by=[argument(args, kwargs, 0, "input")])


def see_norm(tracer: Seer, name: str, func: Any, args: Any, kwargs: Named) -> Any:
    """See a normalisation: it sets the scale anew, if its input is large enough for that."""
    x = argument(args, kwargs, 0, "input")
    weight = argument(args, kwargs, NORMS[name], "weight") if NORMS[name] > 0 else None
    before = tracer.origins.of(x)
    if before is None:
        return tracer.see_other(name, func, args, kwargs)
    fed = rms(x)
    out = func(*args, **kwargs)
    size = 1.0 if weight is None else rms(weight)
    frozen = name == "batch_norm" and not argument(args, kwargs, 5, "training", False)
    sets = not frozen and (size == 0 or rms(out) > value("small_gain") * size)
    call = None
    if weight is not None and tracer.origins.is_weight(weight):
        axis = -1 if name in OVER_LAST_AXIS else 1 - x.dim()
        # Where its input is so small that it can't, it is at least not too large itself.
        scale = 1.0 if sets else max(fed, rms(out) / size)
        call = tracer.called("norm", (weight,), axis=axis, fed=fed, input_rms=scale)
    if not sets:
        return tracer.passed(call, out, x)
    tracer.ends.append(before.every)
    return tracer.passed(call, out, fed_by=[x])


def see_activation(tracer: Seer, name: str, func: Any, args: Any, kwargs: Named) -> Any:
    """See an activation: it belongs to the layer whose output it is given."""
    x = argument(args, kwargs, 0, "input")
    flow = tracer.origins.of(x)
    if flow is None:
        return tracer.see_other(name, func, args, kwargs)
    plain = name.rstrip("_")
    call = flow.call if flow.call is not None and fits(flow.call, x) else None
    if call is None or flow.activated:
        out = func(*args, **kwargs)
    else:
        before = rows(x, call.axis)
        out = func(*args, **kwargs)
        call.activate(plain, partial(_again, func, args, kwargs), before, out)
        if plain == "sin" and call.before < 1 << tracer.inputs:  # of the inputs themselves
            call.waves = waves(x.detach().movedim(call.axis, -1).reshape(-1, call.units))
    some = 0 if plain in BOUNDED else flow.some
    gate = plain in GATES
    tracer.origins.mark(out, flow._replace(some=some, activated=True, scale=False, gate=gate))
    return out


def argument(args: Sequence[Any], kwargs: Named, place: int, name: str, default: Any = None) -> Any:
    """Return a function's argument, given by place or by name."""
    return args[place] if len(args) > place else kwargs.get(name, default)


def by_rows(weights: Sequence[Tensor]) -> Tensor:
    """Bring weights, of several layers one below the other, to a row per unit."""
    flat = [weight.detach().flatten(1) for weight in weights]
    return torch.cat(flat) if len(flat) > 1 else flat[0]


def _by_columns(weights: Sequence[Tensor]) -> Tensor:
    return weights[0].detach().T


def _transposed_rows(weights: Sequence[Tensor], groups: int) -> Tensor:
    """Bring (inputs, outputs of a group, kernel) to a row per output."""
    weight = weights[0].detach()
    grouped = weight.reshape(groups, -1, weight.shape[1], weight[0, 0].numel())
    return grouped.transpose(1, 2).reshape(groups * weight.shape[1], -1)


def _again(func: Any, args: Any, kwargs: Named, z: Tensor) -> Tensor:
    """Call an activation once more on something else; on a line, a weight per channel is one."""
    others = [arg.detach().to(z) if isinstance(arg, Tensor) else arg for arg in args[1:]]
    if z.dim() == 1:
        others = [arg.mean().reshape(1) if isinstance(arg, Tensor) else arg for arg in others]
    out: Tensor = func(z, *others, **{key: v for key, v in kwargs.items() if key != "input"})
    return out
