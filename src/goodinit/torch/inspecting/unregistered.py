"""Parameters that outputs are made of, and that the module doesn't know: no optimizer sees them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor, nn

from goodinit.evidence.causes import shown
from goodinit.torch.inspecting.measuring import Call
from goodinit.torch.inspecting.nested import leaves
from goodinit.torch.inspecting.passage import Finding

UNREGISTERED = "not registered"
_MOST_NAMED = 4
_SAME = 1e-3  # relative


def find_unregistered(
    module: nn.Module,
    said: Sequence[Tensor],
    inputs: Sequence[Tensor],
    again: Callable[[], Sequence[Tensor]],
    calls: Sequence[Call],
) -> list[Finding]:
    """Return a finding where gradients go to what is no parameter of the module.

    Layers in a plain list are such, layers made anew in each forward pass, and tensors that ask for
    a gradient but are no ``Parameter``. Of those last, what a forward pass makes for itself, as
    coordinates to derive by, is none: it is another one in each pass.

    Parameters
    ----------
    module : Module
    said : sequence of Tensor
        Its outputs.
    inputs : sequence of Tensor
    again : callable
        Calls the module once more; returns the outputs.
    calls : sequence of Call
        Those of the first time.
    """
    known = {id(one) for one in (*module.parameters(), *module.buffers(), *inputs)}
    found = [one for one in _ends(said) if id(one) not in known]
    if not found:
        return []
    lasting = {id(one) for one in _ends(again())}
    found = [one for one in found if isinstance(one, nn.Parameter) or id(one) in lasting]
    if not found:
        return []
    names = _names(module, found)
    some = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
    made = sum(id(one) not in lasting for one in found)
    numbers = {"tensors": float(len(found)), "numbers": float(sum(one.numel() for one in found))}
    what = f"{shown(numbers['tensors'])} tensors of {shown(numbers['numbers'])} numbers"
    where = " that each forward pass makes anew" if made == len(found) else f" ({some})"
    reason = (
        f"{what}{where} get a gradient, but the module doesn't have them among its parameters: no "
        "optimizer moves them"
    )
    way = "make layers once, in __init__, and keep them as attributes, or in a ModuleList"
    of = {id(one) for one in found}
    using = (call.layer for call in calls if any(id(one) in of for one in call.weights))
    layer = names[0] if names else next(using, "")
    return [Finding(layer, UNREGISTERED, reason, numbers, remark=way)]


def of_any_size(call: Call) -> bool:
    """Return whether a layer's weights stay the same where the parameter that they are of grows.

    So it is with cosines, and with weights that are standardised before they are used.
    """
    if call.incoming is None or any(one.is_leaf or one.is_complex() for one in call.weights):
        return False
    lengths = call.incoming(call.weights).detach().float().norm(dim=1)
    alike = bool((lengths - lengths.mean()).abs().max() <= _SAME * lengths.mean())
    return alike and len(_ends(call.weights)) == 1  # a second one is a scale of its own


def _ends(said: Sequence[Tensor]) -> list[Tensor]:
    """Return the tensors that gradients of outputs end in, each once."""
    waiting = [one.grad_fn for one in said if one.grad_fn is not None]
    seen, found = {*waiting}, {}
    while waiting:
        step = waiting.pop()
        leaf = getattr(step, "variable", None)
        if isinstance(leaf, Tensor):
            found[id(leaf)] = leaf
        for before, _ in step.next_functions:
            if before is not None and before not in seen:
                seen.add(before)
                waiting.append(before)
    return list(found.values())


def _names(module: nn.Module, found: Sequence[Tensor]) -> list[str]:
    """Return where in the module each is kept, if anywhere: the attribute, or the layer's too."""
    wanted = {id(one) for one in found}
    return list(
        dict.fromkeys(
            f"{name}.{key}" if name else key
            for name, part in module.named_modules()
            for key, value in vars(part).items()
            if key not in ("_modules", "_parameters", "_buffers")
            and any(id(one) in wanted for one in _held(value))
        )
    )


def _held(value: Any) -> Iterator[Tensor]:
    if isinstance(value, nn.Module):
        yield from value.parameters()
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _held(one)
    elif isinstance(value, dict):
        for one in value.values():
            yield from _held(one)
    else:
        yield from leaves(value)
