"""What a recurrent layer does inside: its gates, of which PyTorch's functions give no account."""

from collections.abc import Iterator, Sequence
from functools import partial
from math import inf, nan
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from goodinit.measuring.signals import FLAT_SLOPE
from goodinit.torch.inspecting.flows import tensors
from goodinit.torch.inspecting.measuring import Call, mean, rms
from goodinit.torch.inspecting.sight import Named, Seer

_MOST_STATES = 2**18  # of all gates, that are looked at


class _Gate(NamedTuple):
    """A gate's activation, and the sign of the end at which it lets nothing through."""

    function: str
    shut: int = 0


_Seen = tuple[_Gate, Tensor]
_SHUT = _Gate("sigmoid", -1)
_GATES = {
    "lstm": (_SHUT, _SHUT, _Gate("tanh"), _SHUT),  # input, forget, candidate, output
    # reset, which may be as it likes, update, candidate
    "gru": (_Gate("any"), _Gate("sigmoid", 1), _Gate("tanh")),
    "rnn_tanh": (_Gate("tanh"),),
    "rnn_relu": (_Gate("relu"),),
}
LAYERS = frozenset(_GATES)
CELLS = frozenset(f"{name}_cell" for name in _GATES)
# Beyond these the slope is below FLAT_SLOPE of the largest.
_FLAT_AT = {
    "sigmoid": float(torch.special.logit(torch.tensor((1 + (1 - FLAT_SLOPE) ** 0.5) / 2))),
    "tanh": float(torch.atanh(torch.tensor((1 - FLAT_SLOPE) ** 0.5))),
    "relu": inf,
    "any": inf,
}


def see_recurrent(tracer: Seer, name: str, func: Any, args: Any, kwargs: Named) -> Any:
    """See a recurrent layer or cell: its pre-activations are those of its gates.

    Where they can't be told, as of packed sequences and projected states, its output counts.
    """
    x, states, *others = args
    packed = name in LAYERS and isinstance(others[1], list | tuple)
    if packed:
        states = others.pop(0)
    weights = others[:4] if name in CELLS else others[0]
    weights = [weight for weight in weights if weight is not None]
    matrices = [weight for weight in weights if weight.dim() == 2]
    plain = len(matrices[0]) == len(matrices[-1])  # no projections
    asked = _asked(x) if name in LAYERS and not packed else x
    out = func(asked, *args[1:], **kwargs)
    ways = tensors(out)[0].shape[-1] // matrices[1].shape[1]
    incoming = partial(_by_unit, ways=ways) if plain else None
    call = tracer.called("recurrent", matrices, input_rms=rms(x), incoming=incoming)
    if call is not None:
        tracer.watch(call, tensors(out)[0])
        if name in LAYERS and not packed and asked.requires_grad:
            call.stepped, call.step_axis = asked, int(bool(args[-1]) and x.dim() == 3)
        with torch.no_grad():
            if name in CELLS:
                _look_at(call, [_cell_gates(name, x, states, weights)])
            elif plain and not packed:
                _look_at(call, list(_layer_gates(name, func, args)))
    before = states if isinstance(states, Tensor) else states[0]
    tracer.come_from(call, out, tracer.origins.of_each([x, before]))
    return out


def _asked(x: Tensor) -> Tensor:
    """Return an input that has a gradient, step by step."""
    return x if x.requires_grad or not torch.is_grad_enabled() else x.detach().requires_grad_()


def _by_unit(weights: Sequence[Tensor], ways: int) -> Tensor:
    """Bring the last layer's weights, of all gates one below the other, to a row per unit."""
    size = weights[-1].shape[1]
    units = [w.detach().reshape(-1, size, w.shape[1]).transpose(0, 1).flatten(1) for w in weights]
    last = units[-2 * ways :]
    return torch.cat([torch.cat(last[at : at + 2], 1) for at in range(0, 2 * ways, 2)])


def _layer_gates(name: str, func: Any, args: Any) -> Iterator[list[_Seen]]:
    """Run the layers one by one on the first examples; yield what the gates of each are given."""
    x, states, weights, biased, layers, _, _, both_ways, batch_first = args
    x = x.detach().unsqueeze(0 if batch_first else 1) if x.dim() == 2 else x.detach()
    x = x if batch_first else x.transpose(0, 1)
    begun = states if isinstance(states, tuple) else (states,)
    begun = tuple(h.unsqueeze(1) if h.dim() == 2 else h for h in begun)
    few = max(1, _MOST_STATES // (x.shape[1] * len(weights[0])))
    x, ways, each = x[:few], 2 if both_ways else 1, 4 if biased else 2
    for layer in range(layers):
        part = slice(ways * layer, ways * (layer + 1))
        own = weights[each * part.start : each * part.stop]
        first = tuple(h[part, :few].contiguous() for h in begun)
        given = first if isinstance(states, tuple) else first[0]
        out = func(x, given, own, biased, 1, 0.0, False, both_ways, True)[0]
        for way, said in enumerate(out.chunk(ways, -1)):
            start = first[0][way].unsqueeze(1)
            before = torch.cat([said[:, 1:], start] if way else [start, said[:, :-1]], 1)
            yield _gates(name, x, before, own[each * way : each * (way + 1)])
        x = out


def _cell_gates(name: str, x: Tensor, states: Any, weights: Any) -> list[_Seen]:
    before = states if isinstance(states, Tensor) else states[0]
    return _gates(name.removesuffix("_cell"), x, before, weights)


def _gates(name: str, x: Tensor, before: Tensor, weights: Any) -> list[_Seen]:
    """Return each gate with its pre-activations."""
    into, again, *biases = weights
    one, other = biases or (None, None)
    given, kept = functional.linear(x, into, one), functional.linear(before, again, other)
    parts = [(given + kept).chunk(len(_GATES[name]), -1)]
    if name == "gru":
        reset, update, _ = parts[0]
        candidate = given.chunk(3, -1)[2] + torch.sigmoid(reset) * kept.chunk(3, -1)[2]
        parts = [(reset, update, candidate)]
    return list(zip(_GATES[name], parts[0], strict=True))


def _look_at(call: Call, layers: Sequence[list[_Seen]]) -> None:
    """Measure all gates; keep the smallest gain of a layer, the largest share of flat states."""
    every = [z for gates in layers for _, z in gates]
    call.signals["preactivation_rms"] = rms(*every)
    call.signals["preactivation_mean"] = mean(torch.cat([z.flatten() for z in every]))
    call.signals["saturated_fraction"] = max(_flat(*seen) for gates in layers for seen in gates)
    scales = [rms(*(z for _, z in gates)) for gates in layers]
    call.gain = call.passes = min(scales) / call.input_rms if call.input_rms else nan


def _flat(gate: _Gate, z: Tensor) -> float:
    """Return the share of a gate's states that are saturated; for one that may stay open, shut."""
    at = gate.shut * z if gate.shut else z.abs()
    return float((at > _FLAT_AT[gate.function]).double().mean())
