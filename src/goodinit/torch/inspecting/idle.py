"""Trainable parameters that no gradient reaches, and what has to be drawn so that one does.

A gradient of zero is no fault in itself: at the end of a branch of zeros it is there after one
step. So everything that does get a gradient is moved a little, and then looked at again.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from goodinit.evidence.causes import CAUSES, value
from goodinit.torch.inspecting.flows import Origins
from goodinit.torch.inspecting.measuring import Call, rms
from goodinit.torch.inspecting.passage import Finding, tell

_ROUNDS = 4  # of zeros, one behind the other, that may come alive one by one
_MOVED = 0.1  # of a parameter's own size, or of what its fan-in asks for
_MOST_NAMED = 4

Gradients = Sequence[Tensor | None]
Run = Callable[[], Tensor]


class Idle(NamedTuple):
    """What is known of parameters without a gradient.

    Attributes
    ----------
    found : list of Finding
    woken : frozenset of str
        Layers that have no gradient yet, but do once all others have moved a little.
    asleep : tuple of str
        Layers of which no parameter ever gets one, though none of the findings says why.
    """

    found: list[Finding]
    woken: frozenset[str]
    asleep: tuple[str, ...]


class _Idle(NamedTuple):
    """Parameters without a gradient, by name: cut off from the cost, or such that it is zero."""

    cut: dict[str, Tensor]
    zero: dict[str, Tensor]


def find_idle(
    module: nn.Module,
    origins: Origins,
    gradients: Mapping[int, Tensor | None],
    cost: Run,
    said: Run,
) -> Idle:
    """Return a finding for each place where parameters never get a gradient, and who gets one late.

    The module's parameters are moved meanwhile: who calls puts them back.

    Parameters
    ----------
    module : Module
    origins : Origins
        Of its forward pass: which parameters that made use of, and of what it made steps.
    gradients : mapping of int to Tensor or None
        Of the trainable parameters, by their ids.
    cost, said : callable
        Run the module anew; return the cost, and a number that all outputs have a part in.
    """
    every = {n: p for n, p in module.named_parameters() if id(p) in origins.used}
    own = {n: p for n, p in every.items() if p.requires_grad}
    idle = _idle(own, [gradients.get(id(p)) for p in own.values()])
    flat = {n: p for n, p in idle.zero.items() if _layer(n) in origins.flat}
    found = _cut_off({**idle.cut, **flat}, said)
    after_one, zero = _still(idle.zero, own, cost)
    woken = frozenset(_layer(name) for name in idle.zero if name not in after_one)
    known = [tell(one, "alone", {}) for one in _layers(zero) if one in origins.alone]
    known = known or _both_zero(zero, own, cost) or _behind_frozen(zero, every, cost)
    alive = {_owner(n) for n, p in own.items() if _any(gradients.get(id(p)))}
    matrices = [] if known else [_owner(name) for name, p in zero.items() if p.dim() > 1]
    asleep = tuple(dict.fromkeys(one for one in matrices if one not in alive))
    return Idle([*found, *known], woken, asleep)


def all_frozen(module: nn.Module) -> list[Finding]:
    """Find that no parameter asks for a gradient."""
    every = [*module.parameters()]
    if not every or any(one.requires_grad for one in every):
        return []
    told = tell("", "all frozen", {"count": float(len(every))})
    return [_with_way(told, "thaw what shall learn: requires_grad_(True)")]


def flat_end(asleep: Sequence[str], calls: Sequence[Call], passed: Sequence[Call]) -> list[Finding]:
    """Find that no gradient reaches layers which all must pass: what comes behind them is flat.

    Parameters
    ----------
    asleep : sequence of str
        Layers of which no parameter ever gets a gradient.
    calls, passed : sequence of Call
        All of them in forward order, and those around which nothing leads.
    """
    shut = [layer for layer in dict.fromkeys(call.layer for call in passed) if layer in asleep]
    enough = [call for call in passed if call.states >= value("fewest_states")]
    if not shut or not any(call.layer == shut[-1] for call in enough):
        return []  # a few units may be silent by chance
    dead = [call for call in calls if call.layer in asleep and call.signals["dead_fraction"] == 1]
    if dead:
        return [tell(dead[0].layer, "dead", {"share": 100.0}, {"when": "at the start"})]
    numbers = {"count": float(len(shut))}
    told = tell(shut[-1], "flat end", numbers, {"names": _few(shut)})
    return [_with_way(told, "look at what stands behind it, and begin where that has a slope")]


def _idle(own: Mapping[str, Tensor], gradients: Gradients) -> _Idle:
    """Return which parameters have no gradient; a bias only where its layer has none at all."""
    found = dict(zip(own, gradients, strict=True))
    alive = {_layer(name) for name, gradient in found.items() if _any(gradient)}
    still = {n: p for n, p in own.items() if not _any(found[n])}
    matter = {n: p for n, p in still.items() if p.dim() > 1 or _layer(n) not in alive}
    cut = {name: p for name, p in matter.items() if found[name] is None}
    return _Idle(cut, {name: p for name, p in matter.items() if name not in cut})


def _any(gradient: Tensor | None) -> bool:
    if gradient is None:
        return False
    given = gradient._values() if gradient.is_sparse else gradient
    return bool(given.detach().any())


def _layer(name: str) -> str:
    """Return what a parameter's layer is called; a parameter by hand is one of itself."""
    parent, _, leaf = name.rpartition(".")
    return parent if leaf in ("weight", "bias") else name


def _owner(name: str) -> str:
    """Return the module whose own a parameter is, parametrized or not."""
    owner, made_of_others, _ = name.partition(".parametrizations.")
    return owner if made_of_others else name.rpartition(".")[0]


def _cut_off(cut: Mapping[str, Tensor], said: Run) -> list[Finding]:
    """Find what the outputs depend on, but with no slope; what none depends on is no fault."""
    found = _grad(said, cut)
    without = {n: p for (n, p), g in zip(cut.items(), found, strict=True) if not _any(g)}
    return _told("cut off", [name for name in without if _matters({name: cut[name]}, said)])


def _matters(some: Mapping[str, Tensor], said: Run) -> bool:
    """Return whether the outputs change with some parameters, which they don't write themselves."""
    before = {name: parameter.detach().clone() for name, parameter in some.items()}
    with torch.no_grad():
        torch.manual_seed(0)
        one = float(said())
        written = any(not torch.equal(before[name], p.detach()) for name, p in some.items())
        _move(some, 1.0)
        torch.manual_seed(0)
        other = float(said())
        for name, parameter in some.items():
            parameter.data.copy_(before[name])  # autograd keeps its count
    return one != other and not written


def _grad(run: Run, of: Mapping[str, Tensor]) -> Gradients:
    if not of:
        return []
    with torch.enable_grad():
        value = run()
        if not value.requires_grad:
            return [None] * len(of)
        return torch.autograd.grad(value, list(of.values()), allow_unused=True)


def _never(zero: Mapping[str, Tensor], own: Mapping[str, Tensor], cost: Run) -> dict[str, Tensor]:
    """Return those whose gradient stays zero while all others move."""
    return _still(zero, own, cost)[1]


def _still(
    zero: Mapping[str, Tensor], own: Mapping[str, Tensor], cost: Run
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return those whose gradient is zero once all others have moved, and which stays so."""
    rounds = [dict(zero)]
    if not zero:
        return rounds[0], rounds[0]
    before = {name: p.detach().clone() for name, p in own.items()}
    for _ in range(_ROUNDS):
        left = rounds[-1]
        _move({name: p for name, p in own.items() if name not in left})
        gradients = _grad(cost, left)
        rounds.append(
            {n: p for (n, p), g in zip(left.items(), gradients, strict=True) if not _any(g)}
        )
        if len(rounds[-1]) in (0, len(left)):
            break
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.data.copy_(before[name])  # autograd keeps its count
    return rounds[1], rounds[-1]


def _move(some: Mapping[str, Tensor], by: float = _MOVED) -> None:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in some.values():
            drawn = torch.randn(parameter.shape, generator=generator).to(parameter)
            size = rms(parameter) or float(parameter.shape[-1] if parameter.dim() else 1) ** -0.5
            parameter.data.add_(by * size * drawn)


def _both_zero(never: Mapping[str, Tensor], own: Mapping[str, Tensor], cost: Run) -> list[Finding]:
    """Find zeros that keep each other from moving, and which of them to draw.

    What has no gradient for another reason, as where a batch has one place only, stays unsaid.
    """
    zeros = {n: p for n, p in never.items() if _multiplies(n, p) and not p.detach().any()}
    groups: dict[str, list[str]] = {}
    for name in zeros:
        groups.setdefault(_layer(name).rpartition(".")[0], []).append(name)
    pairs = [names for names in groups.values() if len(names) > 1]
    _move({names[0]: own[names[0]] for names in pairs})
    left = _never({name: own[name] for names in pairs for name in names}, own, cost)
    mended = [names for names in pairs if not any(name in left for name in names)]
    mended = mended or _partners(zeros, cost)
    places: dict[str, list[list[str]]] = {}
    for names in mended:
        places.setdefault(re.sub(r"\d+", "*", names[0]), []).append(names)
    return [_zeros_told(alike) for alike in places.values()]


def _multiplies(name: str, parameter: Tensor) -> bool:
    """Return whether a parameter is a matrix, or a factor by hand: of others layers are judged."""
    return parameter.dim() > 1 or name.rpartition(".")[2] not in ("weight", "bias")


def _partners(zeros: Mapping[str, Tensor], cost: Run) -> list[list[str]]:
    """Return zeros of which the first, once it is drawn, wakes the others, wherever they are."""
    for name in list(zeros)[:_MOST_NAMED]:
        before = zeros[name].detach().clone()
        _move({name: zeros[name]})
        others = {other: p for other, p in zeros.items() if other != name}
        gradients = _grad(cost, others)
        zeros[name].data.copy_(before)
        awake = [other for other, given in zip(others, gradients, strict=True) if _any(given)]
        if awake:
            return [[name, *awake]]
    return []


def _behind_frozen(
    never: Mapping[str, Tensor], every: Mapping[str, Tensor], cost: Run
) -> list[Finding]:
    """Find zeros that may not move, and so keep from moving what feeds them or what they feed."""
    frozen = {n: p for n, p in every.items() if not p.requires_grad and not p.detach().any()}
    zeros = {name: p for name, p in frozen.items() if _multiplies(name, p)}
    if not never or not zeros:
        return []
    before = {name: p.detach().clone() for name, p in zeros.items()}
    _move(zeros)
    gradients = _grad(cost, never)
    for name, parameter in zeros.items():
        parameter.data.copy_(before[name])
    alive = [name for name, gradient in zip(never, gradients, strict=True) if _any(gradient)]
    layers = _some(alive)
    if not layers:
        return []
    shut = _some(list(zeros))
    reason = f"no gradient ever reaches {layers}: {shut} is all zero, and frozen"
    numbers = {"count": float(len(set(map(_layer, alive))))}
    way = f"draw {shut}, or freeze what is behind it too: requires_grad_(False)"
    return [Finding(_layer(alive[0]), CAUSES["cut off"].label, reason, numbers, remark=way)]


def _zeros_told(places: Sequence[Sequence[str]]) -> Finding:
    first, *others = places[0]
    beside = ", ".join(map(_layer, others))
    more = f"; so in {len(places) - 1} more places" if len(places) > 1 else ""
    words = {"drawn": _layer(first), "others": beside, "more": more}
    told = tell(_layer(first), "both zero", {"places": float(len(places))}, words)
    return _with_way(told, f"draw {_layer(first)}; {beside} may stay zero")


def _told(cause: str, names: Sequence[str]) -> list[Finding]:
    if not names:
        return []
    numbers = {"count": float(len(set(map(_layer, names))))}
    told = tell(_layer(names[0]), cause, numbers, {"names": _some(names)})
    return [_with_way(told, "let a slope through, or freeze them: requires_grad_(False)")]


def _some(names: Sequence[str]) -> str:
    """Return the layers of some parameters, the first of them by name."""
    return _few(_layers(names))


def _layers(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(map(_layer, names)))


def _few(layers: Sequence[str]) -> str:
    more = f" and {len(layers) - _MOST_NAMED} more" if len(layers) > _MOST_NAMED else ""
    return f"{', '.join(layers[:_MOST_NAMED])}{more}"


def _with_way(one: Finding, way: str) -> Finding:
    return Finding(one.layer, one.label, one.reason, one.evidence, remark=way)
