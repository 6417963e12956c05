"""What happens in a module while it is called: which layers, in which order, on which ways.

A ``TorchFunctionMode`` sees each function of PyTorch as the module calls it, whether by way of a
submodule or by hand; hooks could see submodules only, and what lies below this level no longer
knows that an attention is one. Hooks on the modules say who calls, and are taken away again.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import nan
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from goodinit.evidence.causes import value
from goodinit.torch.inspecting.flows import Flow, Origins, Way, floats, joined, tensors
from goodinit.torch.inspecting.functions import (
    FACTORS,
    FORMS,
    JOINS,
    OF_THE_FIRST,
    PRODUCTS,
    READS,
    ROUTES,
    SCALES,
    SHAPES,
    STEPS,
    SUMS,
)
from goodinit.torch.inspecting.likeness import between_examples, between_tokens
from goodinit.torch.inspecting.measuring import Call, fits, rms
from goodinit.torch.inspecting.sight import Sight

MOST_CALLS = 64  # of one layer, that are looked at
_DROWNED = 20.0  # times smaller than positions: words of 0.02 beside 1 take many times the steps
_DATA = Tensor.data.__get__  # type: ignore[attr-defined]
_STANDS_FOR_INFINITY = 1e30  # as in a mask, or where a running maximum begins


class Tracer(TorchFunctionMode):
    """Sees the functions that a module calls, and measures the layers as they pass.

    Attributes
    ----------
    calls : list of Call
        In forward order.
    ends : list of Way
        The calls on every way to where a scale is set anew, ways meet, or the module ends.
    every_exit, some_exit : Way
        The calls on every way to an output, and on some way.
    exits : Way
        What feeds the outputs, as ``Ways`` has it.
    inputs : int
        How many inputs the module was given.
    products : dict of str to list of float
        For each parameter that something was multiplied with, the norms of the products'
        gradients, in the order of the products.
    later : dict of str to list of float
        The same of each layer's calls beyond those that are looked at.
    origins : Origins
    """

    def __init__(self, model: nn.Module, sights: Mapping[str, Sight]) -> None:
        super().__init__()
        self._sights = sights
        self.calls: list[Call] = []
        self.ends: list[Way] = []
        self.every_exit: Way = 0
        self.some_exit: Way = 0
        self.exits: Way = 0
        self.products: dict[str, list[float]] = {}
        self.later: dict[str, list[float]] = {}
        self._beyond: str | None = None  # the layer whose call isn't looked at
        self.inputs = 0
        self.origins = Origins(model)
        self._names = {module: name for name, module in model.named_modules()}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._calling: list[nn.Module] = []
        self._called_before: list[int] = []  # by each of those that are calling
        self._hooks: list[Any] = []

    def __enter__(self) -> "Tracer":
        for module in self._names:  # asked of their class, since scripted modules refuse for theirs
            self._hooks += [
                nn.Module.register_forward_pre_hook(module, self._enter_module, prepend=True),
                nn.Module.register_forward_hook(module, self._leave_module),
            ]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()

    def _enter_module(self, module: nn.Module, inputs: Any) -> None:
        self._calling.append(module)
        self._called_before.append(len(self.calls))

    def _leave_module(self, module: nn.Module, inputs: Any, output: Any) -> None:
        with torch._C.DisableTorchFunction():
            self._see_as_a_whole(module, inputs, output)
        while module in self._calling:  # those inside that raised, and were caught, go as well
            self._calling.pop()
            self._called_before.pop()

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "")
        out = self._sights.get(name, Tracer.see_other)(self, name, func, args, kwargs or {})
        read = name in READS or func == _DATA
        made = name != "__get__" and name not in FORMS and any(one.numel() for one in floats(out))
        if read or made:
            self.origins.use(tensors([*args, *(kwargs or {}).values()]))
        return out

    def begin(self, inputs: Sequence[Tensor]) -> None:
        """Take note of the module's inputs."""
        self.inputs = len(inputs)
        for i, given in enumerate(inputs):
            self.origins.mark(given, Flow(feeds=1 << i))

    def end(self, outputs: Sequence[Tensor]) -> None:
        """Take note of the module's outputs."""
        for flow in self.origins.of_each(outputs):
            self.ends.append(flow.every)
            self.every_exit |= flow.every
            self.some_exit |= flow.some
            self.exits |= flow.feeds
            for call in self.among(flow.made):
                call.output = True

    def among(self, way: Way) -> Iterator[Call]:
        """Yield the calls on a way, in forward order."""
        while way:
            lowest = way & -way
            yield self.calls[lowest.bit_length() - 1]
            way ^= lowest

    def called(
        self,
        kind: str,
        weights: Sequence[Tensor] = (),
        owner: nn.Module | None = None,
        **known: Any,
    ) -> Call | None:
        """Return a new call of the layer that owns these weights; None where it had enough.

        A sum, which has none, goes by the name of the module that calls.
        """
        if weights and owner is None:
            owner = self.origins.owner(weights[0], self._calling)
        elif owner is None and self._calling:
            owner = self._calling[-1]
        if owner is None:
            return None
        layer = self._names[owner]
        self._counts[layer, kind] += 1
        number = self._counts[layer, kind]
        if number > MOST_CALLS:
            self._beyond = layer if kind in ("linear", "recurrent") else None
            return None
        place = len(self.calls)
        call = Call(layer, type(owner).__name__, kind, place, number, tuple(weights), **known)
        self.calls.append(call)
        return call

    def passed(self, call: Call | None, out: Any, *inputs: Any, fed_by: Any = ()) -> Any:
        """Return a call's results, measured; each of its inputs is a way to them."""
        if call is not None:
            self.watch(call, tensors(out)[0])
        self.come_from(call, out, self.origins.of_each(inputs), self.origins.of_each(fed_by))
        return out

    def watch(self, call: Call, z: Tensor) -> None:
        """Measure a call's output, and its gradient when that comes."""
        call.take(z)
        call.alike, call.tokens_alike = between_examples(z), between_tokens(z)
        if z.requires_grad:
            z.register_hook(call.feel)  # type: ignore[no-untyped-call]

    def come_from(
        self, call: Call | None, out: Any, flows: Sequence[Flow], fed_by: Sequence[Flow] = ()
    ) -> None:
        """Say that results came through a call, and before it on those ways.

        What else it was fed by sets no scale: words, what is normalised, what an attention asks.
        """
        came = joined(flows)
        whole = joined([*flows, *fed_by])
        if call is None:
            beyond, self._beyond = self._beyond, None
            if beyond is not None:
                self._feel(self.later, beyond, tensors(out)[0])
            self.origins.mark(out, came._replace(feeds=whole.feeds, made=whole.made))
            return
        call.through, call.after, call.before = came.every, came.some, whole.feeds
        own = 1 << call.index
        made = whole.made if call.kind == "sum" else own
        seen = Flow(came.every | own, came.some | own, call, feeds=own << self.inputs, made=made)
        self.origins.mark(out, seen)

    def _see_as_a_whole(self, module: nn.Module, inputs: Any, output: Any) -> None:
        """Measure a module that did its work out of sight, as a scripted one does."""
        weights = [weight for weight in module.parameters() if weight.dim() > 1]
        seen = not isinstance(output, Tensor) or self.origins.knows(output)
        if seen or not weights or self.origins.is_weight(output):
            return
        if self._called_before[-1] == len(self.calls):
            call = self.called(
                "linear", weights, module, input_rms=rms(*floats(inputs)), whole=True
            )
            self.passed(call, output, *tensors(inputs))

    def see_other(self, name: str, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """See a function that is no layer of itself: where ways lead on, meet or end."""
        operands = tensors([*args, *kwargs.values()])
        operands = operands[:1] if name in OF_THE_FIRST else operands
        flows = self.origins.of_each(() if name in FORMS else operands)
        weights = not flows and any(map(self.origins.is_weight, operands))
        if name in ROUTES and flows and flows[0].gate and flows[0].call is not None:
            flows[0].call.softmax = 0.0  # of a router: it may well be sure whom to ask
        if name in STEPS and flows:
            self.origins.flat |= {call.layer for call in self.among(joined(flows).some)}
        if name in SUMS and len(operands) == len(flows) == 2:
            self._see_drowning(operands, flows)
        elif name in SUMS and "sub" not in name and len(operands) == 2 and len(flows) == 1:
            self._see_added_weights(*operands)  # a difference is how far apart they are
        out = func(*args, **kwargs)
        results = floats(out)
        if name in FACTORS and len(operands) == 2 and len(flows) == 1 and results:
            self._see_product(operands, results[0])
        if weights:
            self.origins.mark_weights(results)
        elif flows and results and name in JOINS and len({flow.feeds for flow in flows}) > 1:
            self._join(name, flows, results)
        elif flows and results:
            number = name in SUMS and not any(map(self.origins.is_weight, operands))
            self._follow(name, flows, results, _width(name, operands, flows), number=number)
        return out

    def _join(self, name: str, flows: list[Flow], results: list[Tensor]) -> None:
        self.ends += [flow.every for flow in flows]
        call = self.called("sum") if name in SUMS else None
        if call is not None:
            self.watch(call, results[0])
        self.come_from(call, results, flows)

    def _follow(
        self, name: str, flows: list[Flow], results: list[Tensor], width: int, *, number: bool
    ) -> None:
        every = some = 0
        for flow in [flow for flow in flows if not flow.gate] or flows:
            every, some = every | flow.every, some | flow.some
        whole = joined(flows)
        made = 0 if name in PRODUCTS else whole.made
        scales = [flow.scale for flow in flows]
        if name in FACTORS and any(scales) and not all(scales):
            self.ends.append(every)
            self.origins.mark(results, Flow(feeds=whole.feeds, made=made))
            return
        first, alone, affine = flows[0], len(flows) == 1, name in SUMS or name in FACTORS
        call = first.call if alone and (affine or name in SHAPES) else None
        # What a mere number or a mask adds is no work of weights.
        measured = call is None or call.kind == "sum" or first.activated or number
        if call is not None and affine and not measured and fits(call, results[0]):
            self.watch(call, results[0])  # a bias or a factor, given by hand
        seen = Flow(every, some, call, first.activated, any(scales) or name in SCALES)
        gate = alone and first.gate
        seen = seen._replace(gate=gate, feeds=whole.feeds, made=made, width=width)
        self.origins.mark(results, seen)

    def _see_drowning(self, operands: list[Tensor], flows: list[Flow]) -> None:
        """Look for a layer whose large weights make its output drown what it is added to."""
        for one, other in ((0, 1), (1, 0)):
            again = flows[one].call
            if again is not None and again.number > 1 and again.kind != "sum":
                again.beside = rms(operands[other])
            own = self.among(flows[one].some & ~flows[other].some)
            large = [call for call in own if call.gain >= value("large_gain") > call.drowns]
            beside = rms(operands[other]) if large else 0.0
            for call in large:
                call.drowns = rms(operands[one]) / beside if beside else 0.0

    def _see_product(self, operands: Sequence[Tensor], out: Tensor) -> None:
        """Take note of what a parameter is multiplied with, as a state is again and again."""
        names = [name for one in operands if (name := self.origins.name(one)) is not None]
        if names:
            self._feel(self.products, names[0], out)

    @staticmethod
    def _feel(norms_of: dict[str, list[float]], name: str, out: Tensor) -> None:
        """Keep the norm of the gradient of one more result of that name, when it comes."""
        if not out.requires_grad:
            return
        norms = norms_of.setdefault(name, [])
        place = len(norms)
        norms.append(nan)

        def feel(gradient: Tensor | None) -> None:
            norms[place] = nan if gradient is None else float(gradient.detach().norm())

        out.register_hook(feel)  # type: ignore[no-untyped-call]

    def _see_added_weights(self, one: Tensor, other: Tensor) -> None:
        """Look for weights, as of positions, that drown what they are added to, in every place."""
        weights, beside = (one, other) if self.origins.is_weight(one) else (other, one)
        several = sum(size > 1 for size in weights.shape) > 1
        learned = torch.is_grad_enabled() and self.origins.is_weight(weights)
        if not (several and learned):
            return
        size, other_size = rms(weights), rms(beside)
        least = value("large_gain") * max(1.0, other_size)
        if not min(least, _DROWNED * other_size) <= size < _STANDS_FOR_INFINITY or not other_size:
            return
        call = self.called("embedding", (weights,), input_rms=min(1.0, other_size))
        if call is not None:
            call.take(weights)
            call.drowns = size / other_size


def _width(name: str, operands: Sequence[Tensor], flows: Sequence[Flow]) -> int:
    """Return of how many numbers the logits of an attention are sums; 0 where they are scaled."""
    if name in PRODUCTS and len(operands) == len(flows) == 2:
        return int(operands[0].shape[-1])
    return flows[0].width if len(flows) == 1 and name not in FACTORS else 0
