"""The gradients of a module's weights, each let go of as soon as it has been looked at.

All of them at once would take as much memory as the weights. What later questions need of each is
its root mean square: zero, or none, is a parameter that doesn't learn.
"""

from collections.abc import Mapping, Sequence
from math import isnan

import torch
from torch import Tensor

from goodinit.torch.inspecting.measuring import Call, rms
from goodinit.training.blas import one_blas_thread


def settle(
    calls: Sequence[Call], parameters: Sequence[Tensor], cost: Tensor, rate: float
) -> dict[int, Tensor | None]:
    """Let each call measure the gradients of its weights, and then its weights.

    Parameters
    ----------
    calls : sequence of Call
    parameters : sequence of Tensor
        Of the module.
    cost : Tensor
        One number.
    rate : float
        The learning rate.

    Returns
    -------
    dict of int to Tensor or None
        The root mean square of each tensor's gradient, by its id; None where it has none.
    """
    of = {id(one): one for call in calls for one in call.weights if one.requires_grad}
    of |= {id(one): one for one in parameters if one.requires_grad}
    sizes: dict[int, Tensor | None] = dict.fromkeys(of)
    if cost.requires_grad and (of or any(call.stepped is not None for call in calls)):
        _take(calls, of, cost, sizes)
    for call in calls:
        call.feel_steps(None)  # where none came, lets go of what waited for it
    pulls = (call.pull for call in calls if not isnan(call.pull))
    largest = max(pulls, default=0.0)
    with one_blas_thread:  # the matrices are small, and PyTorch's threads are awake
        for call in calls:
            call.settle(largest, rate)
    return sizes


def _take(
    calls: Sequence[Call], of: Mapping[int, Tensor], cost: Tensor, sizes: dict[int, Tensor | None]
) -> None:
    """Go back once, and look at each gradient as it comes."""
    users: dict[int, list[Call]] = {}
    for call in calls:
        for weight in call.weights:
            users.setdefault(id(weight), []).append(call)
    waiting: dict[int, dict[int, Tensor]] = {}

    def take(key: int, gradient: Tensor) -> None:
        dense = gradient.detach().to_dense()
        sizes[key] = torch.tensor(rms(dense))
        for call in users.get(key, ()):
            known = waiting.setdefault(call.index, {})
            known[key] = dense
            if all(id(weight) in known for weight in call.weights):
                call.feel_weights([known[id(weight)] for weight in call.weights])
                del waiting[call.index]

    def hooked(key: int, gradient: Tensor | None) -> Tensor | None:
        if gradient is None:  # as functions of the user's own give it
            return None
        take(key, gradient)
        sparse = gradient.layout is not torch.strided
        return gradient if sparse else gradient.new_zeros(()).expand_as(gradient)

    # Of a weight that is made of others the gradient goes on to them, and stays as it is.
    leaves = [key for key, one in of.items() if one.is_leaf]
    hooks = [
        of[key].register_hook(lambda gradient, key=key: hooked(key, gradient))  # type: ignore[no-untyped-call]
        for key in leaves
    ]
    stepped = [(call, call.stepped) for call in calls if call.stepped is not None]
    asked = [*of.values(), *(one for _, one in stepped)]
    try:
        given = torch.autograd.grad(cost, asked, allow_unused=True)
    finally:
        for hook in hooks:
            hook.remove()
    for (call, _), one in zip(stepped, given[len(of) :], strict=True):
        call.feel_steps(one)
    for key, one in zip(of, given, strict=False):
        if one is not None and sizes[key] is None:
            take(key, one)
