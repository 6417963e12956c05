"""Outputs, costs and gradients that are no numbers, and where the first of them comes from."""

from collections.abc import Mapping, Sequence
from math import isfinite

import torch
from torch import Tensor, nn

from goodinit.torch.inspecting.measuring import Call
from goodinit.torch.inspecting.passage import Finding

NO_NUMBERS = "no finite numbers"
_MOST_NAMED = 4


def came_to_be(calls: Sequence[Call]) -> Call | None:
    """Return the first call that says NaN, where nothing before it was too large to be a number."""
    broken = [one for one in calls if not isfinite(one.signals.get("preactivation_rms", 0.0))]
    return broken[0] if broken and broken[0].no_number else None


def find_no_numbers(
    module: nn.Module,
    calls: Sequence[Call],
    said: Sequence[Tensor],
    cost: Tensor | None,
    gradients: Mapping[int, Tensor | None],
) -> list[Finding]:
    """Return a finding where outputs are NaN, or the first cost or a gradient isn't finite.

    Infinite outputs may be meant, as those of what a mask leaves out.

    Parameters
    ----------
    module : Module
    calls : sequence of Call
    said : sequence of Tensor
        The outputs.
    cost : Tensor or None
        None where nobody has said what the outputs cost.
    gradients : mapping of int to Tensor or None
        How large that of each parameter is, by the parameter's id.
    """
    if any(bool(torch.isnan(one).any()) for one in said):
        first = came_to_be(calls)
        layer = "(outputs)" if first is None else first.layer
        reason = "the outputs are NaN" + ("" if first is None else f", from layer {layer} on")
        way = (
            "look for a row of a mask that leaves nothing, 0/0, or the logarithm of what is below 0"
        )
        return [Finding(layer, NO_NUMBERS, reason, remark=way)]
    if cost is None:
        return []
    if not isfinite(float(cost.detach())):
        reason = f"the first cost is {float(cost.detach()):g}"
        way = "look for the logarithm of 0: log_softmax and losses of logits have none"
        return [Finding("(loss)", NO_NUMBERS, reason, remark=way)]
    own = {id(one): name for name, one in module.named_parameters()}
    strange = {
        own[key]: key
        for key, size in gradients.items()
        if key in own and size is not None and not isfinite(float(size))
    }
    if not strange:
        return []
    keys = set(strange.values())
    last = [one for one in calls if any(id(weight) in keys for weight in one.weights)]
    layer = last[-1].layer if last else next(iter(strange)).rpartition(".")[0]
    some = ", ".join([*strange][-_MOST_NAMED:])
    reason = (
        f"the cost is finite, but the gradient of {len(strange)} parameters isn't, as of {some}"
    )
    way = (
        "look for a square root, a norm or a power at 0, also behind a where(): add a small number"
    )
    numbers = {"parameters": float(len(strange))}
    return [Finding(layer, NO_NUMBERS, reason, numbers, remark=way)]
