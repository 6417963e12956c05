"""How a tensor came to be: through which calls of layers, and on how many ways."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from goodinit.torch.inspecting.measuring import Call

Way = int  # a set of calls: a bit for each index


class Flow(NamedTuple):
    """How a tensor came to be.

    Attributes
    ----------
    every, some : Way
        The calls on every way to it, and on some way, since a normalisation last set its scale.
    call : Call or None
        The call whose output or activation it is, but for its shape.
    activated : bool
        Whether it is that call's activation already.
    scale : bool
        Whether it says how large something is: who divides by it normalises.
    gate : bool
        Whether it is between 0 and 1, and only weighs what it is multiplied with.
    feeds : Way
        The inputs and calls that it is made of with no other call between; see ``bit``.
    made : Way
        The calls of whose outputs it is made by elementwise arithmetic and shapes alone.
    width : int
        Of products of two signals: how many numbers each is a sum of; 0 once that was scaled.
    """

    every: Way = 0
    some: Way = 0
    call: Call | None = None
    activated: bool = False
    scale: bool = False
    gate: bool = False
    feeds: Way = 0
    made: Way = 0
    width: int = 0


class Origins:
    """Knows how each tensor came to be that a module has made so far, and whose its weights are."""

    def __init__(self, model: nn.Module) -> None:
        self._owners: dict[int, list[nn.Module]] = {}
        self._parameters = {id(one): name for name, one in model.named_parameters()}
        for module in model.modules():
            for parameter in module._parameters.values():
                if parameter is not None:
                    self._owners.setdefault(id(parameter), []).append(module)
        self.used: set[int] = set()  # the ids of the parameters that anything was made of
        self.flat: set[str] = set()  # the layers of whose outputs a step was made, as by rounding
        self.alone: set[str] = set()  # the layers whose one unit a softmax ran over
        self._flows: Any = WeakTensorKeyDictionary()
        self._made_of_weights: Any = WeakTensorKeyDictionary()

    def mark(self, out: Any, flow: Flow) -> None:
        """Say how a function's results came to be."""
        for tensor in tensors(out):
            self._flows[tensor] = flow

    def name(self, tensor: Tensor) -> str | None:
        """Return what a parameter is called; None for any other tensor."""
        return self._parameters.get(id(tensor))

    def use(self, operands: Sequence[Tensor]) -> None:
        """Take note of which parameters are among a function's operands."""
        for tensor in operands:
            base = tensor._base if tensor._is_view() else None
            self.used |= {id(one) for one in (tensor, base)} & self._owners.keys()

    def mark_weights(self, out: Any) -> None:
        """Say that a function's results are made of weights alone."""
        for tensor in tensors(out):
            self._made_of_weights[tensor] = True

    def of(self, tensor: Any) -> Flow | None:
        """Return how a tensor came to be; None for weights, constants and what is no tensor."""
        if not isinstance(tensor, Tensor) or self.is_weight(tensor):
            return None
        found: Flow | None = self._flows.get(tensor)
        return Flow() if found is None and tensor.grad_fn is not None else found

    def of_each(self, values: Sequence[Any]) -> list[Flow]:
        """Return how those tensors came to be of which that is known."""
        return [flow for flow in map(self.of, values) if flow is not None]

    def knows(self, tensor: Tensor) -> bool:
        """Return whether it was seen how a tensor came to be."""
        return tensor in self._flows

    def is_weight(self, tensor: Any) -> bool:
        """Return whether a tensor is a parameter of the module, or made of parameters alone."""
        if not isinstance(tensor, Tensor):
            return False
        return bool(self._owners_of(tensor)) or tensor in self._made_of_weights

    def owner(self, weight: Tensor, calling: Sequence[nn.Module]) -> nn.Module | None:
        """Return the module whose weight it is: of several that share it, who calls right now."""
        owners = self._owners_of(weight)
        inside = [module for module in reversed(calling) if not owners or module in owners]
        return next(iter((*inside, *owners)), None)

    def _owners_of(self, tensor: Tensor) -> list[nn.Module]:
        base = tensor._base if tensor._is_view() else None
        return self._owners.get(id(tensor), self._owners.get(id(base), []))


def joined(flows: Sequence[Flow]) -> Flow:
    """Return what comes of flows that meet: the calls that all came through, and that any did."""
    if not flows:
        return Flow()
    every, (some, feeds, made) = flows[0].every, (0, 0, 0)
    for flow in flows:
        every, some = every & flow.every, some | flow.some
        feeds, made = feeds | flow.feeds, made | flow.made
    return Flow(every, some, feeds=feeds, made=made)


def tensors(values: Any) -> list[Tensor]:
    """Return the tensors among a function's arguments or results."""
    if isinstance(values, Tensor):
        return [values]
    if isinstance(values, list | tuple):
        return [tensor for value in values for tensor in tensors(value)]
    return []


def floats(values: Any) -> list[Tensor]:
    """Return those of them that hold real or complex numbers, and not whole ones."""
    found = tensors(values)
    return [tensor for tensor in found if tensor.is_floating_point() or tensor.is_complex()]
