"""What is wrong with a module's layers: the rules of ``evidence.causes``, asked of one moment."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf, prod

from goodinit.evidence.causes import CAUSES, Numbers, shown, value
from goodinit.torch.inspecting.beginning import BIAS, LARGE
from goodinit.torch.inspecting.depth import chains, fades, grows
from goodinit.torch.inspecting.drawn import UNDRAWN
from goodinit.torch.inspecting.finite import came_to_be
from goodinit.torch.inspecting.functions import SIZES
from goodinit.torch.inspecting.measuring import Call
from goodinit.torch.inspecting.passage import Finding, Passage, tell

# Their gain isn't meant to be one: an embedding's input has no scale, a gate's is halved anyway.
_ANY_SCALE = ("embedding", "recurrent")


_OVERFLOWS = 1e10  # an input of which a layer may make numbers too large for its precision
_Seen = tuple[str, Numbers, dict[str, str]]  # which of CAUSES, its numbers, and words for it


def _few(count: float, call: Call) -> bool:
    return count <= value("duplicates") * call.units


def _symmetry(call: Call, seen: Passage) -> _Seen | None:
    """Find units that are one; where weights are all zero, those that a step won't part either.

    Zeros where a sum leads around them are there on purpose, as at the end of residual branches;
    and so are those that wait for others, which a step draws apart.
    """
    if call.units < 2 or call.kind == "norm" or not _few(call.signals["distinct_units"], call):
        return None
    alone = seen.every_exit >> call.index & 1
    if call.without_weights and not (alone and _few(call.distinct_after, call)):
        return None
    if _waits(call, seen):
        return None
    numbers = {key: call.signals[key] for key in ("units", "distinct_units")}
    return "symmetry", numbers, {"when": ""}


def _waits(call: Call, seen: Passage) -> bool:
    return call.without_weights and call.layer in seen.woken


def _large(call: Call, seen: Passage) -> _Seen | None:
    """Find a layer that multiplies its input so much that an output, or a sum, shows it."""
    if not call.passes >= value("large_gain") or call.any_size:
        return None
    if call.passes == inf and call.input_rms > _OVERFLOWS:
        return None  # what came before it made it so
    numbers = {"gain": call.passes, "initial_ratio": seen.ratio}
    if seen.some_exit >> call.index & 1 and not seen.ratio < value("above_chance"):
        told = "the first cost is {initial_ratio} times that of guessing"
        plain = "the outputs are {initial_ratio} times as large as they should be"
        return "large", numbers, {"harm": told if seen.costed else plain}
    if call.drowns >= value("large_gain"):
        numbers = {"gain": call.passes, "drowns": call.drowns}
        return "large", numbers, {"harm": "is {drowns} times as large as what it is added to"}
    return None


def _saturated(call: Call, seen: Passage) -> _Seen | None:
    """Find an activation, a gate or a softmax that lies where it is flat."""
    units = 0.0 if call.activation in SIZES else call.signals["saturated_fraction"]
    shares = (
        ("gate" if call.kind == "recurrent" else "saturated", units, "saturated"),
        ("states", call.flat, "flat_states"),
        ("softmax", call.softmax, "one_hot"),
    )
    for cause, share, limit in shares:
        if share >= value(limit):
            width = float(call.softmax_width) if cause == "softmax" else 0.0
            numbers = {"width": width} if width else {}
            return cause, {**numbers, "share": 100 * share}, {"when": "at the start"}
    return None


def _dead(call: Call, seen: Passage) -> _Seen | None:
    share = call.signals["dead_fraction"]
    if call.fed == 0 or call.states < value("fewest_states") or not share >= value("dead"):
        return None
    return "dead", {"share": 100 * share}, {"when": "at the start"}


def _small(call: Call, seen: Passage) -> _Seen | None:
    """Find a layer that passes little on, where nothing leads around it or sets the scale anew.

    Several such layers count together; an embedding's gain, or that of gates, alone.
    """
    if not _passes_little(call, seen):
        return None
    alike = [] if call.kind in _ANY_SCALE else seen.calls
    little = [one for one in alike if one.kind not in _ANY_SCALE and _passes_little(one, seen)]
    together = [one for one in little if _on_one_way(one, call)]
    if prod((one.passes for one in together), start=1.0) > value("untrained_decay") and (
        call.passes > value("untrained_decay")
    ):
        return None
    return "small", {"gain": call.passes}, {}


def _on_one_way(one: Call, other: Call) -> bool:
    """Return whether a signal passes both calls, with no scale set anew between them."""
    return one is other or bool(one.after >> other.index & 1 or other.after >> one.index & 1)


def _passes_little(call: Call, seen: Passage) -> bool:
    alone = seen.every_exit >> call.index & 1 and not call.output and not _waits(call, seen)
    return bool(alone and call.passes <= value("small_gain"))


# In the order of goodinit.evidence.causes; an output layer may be whatever it is, but too large.
_LOOKS: tuple[Callable[[Call, Passage], _Seen | None], ...] = (
    _symmetry,
    _large,
    _saturated,
    _dead,
    _small,
)


_CAUSING = (CAUSES["large"].label, CAUSES["signal grows"].label)
_FOLLOWING = (CAUSES["saturated"].label, CAUSES["dead"].label)
_OF_INPUTS = "it follows from the inputs: weights that made up for them would hide that"


def find(seen: Passage) -> tuple[Finding, ...]:
    """Return what is wrong, in forward order: at most one finding for a layer, and for a chain."""
    undrawn = [one for one in seen.begun if one.label == UNDRAWN]
    if undrawn:
        return tuple(undrawn)  # of such numbers everything else follows
    if seen.otherwise and came_to_be(seen.calls) is not None:
        return seen.otherwise[:1]
    single = {
        call.index: finding
        for call in seen.calls
        if call.kind != "sum" and (finding := _look(call, seen)) is not None
    }
    found = dict(single)
    for chain in chains(seen):
        places = {call.index for call in chain.calls}
        inside = {i: single[i] for i in places & single.keys()}
        if any(finding.label == CAUSES["symmetry"].label for finding in inside.values()):
            continue
        grown = grows(chain, seen)
        if grown is not None:
            for i in inside:
                found.pop(i, None)
            found[chain.calls[0].index] = grown
        elif not inside:
            faded = fades(chain, seen)
            if faded is not None:
                found.setdefault(chain.calls[0].index, faded)
    found = _causes_alone(found, seen)
    said = [found[i] for i in sorted(found)]
    same = {one.layer for one in said if one.label == CAUSES["symmetry"].label}
    asleep = {_pattern(one.layer) for one in seen.idle}
    said = [one for one in said if one.layer in same or _pattern(one.layer) not in asleep]
    said += [one for one in seen.lags if one.layer not in {other.layer for other in said}]
    known = any(one.label in _CAUSING for one in said)
    begun = [one for one in seen.begun if not (known and one.label in (LARGE, BIAS))]
    idle = [one for one in seen.idle if one.layer not in same]
    cost = [one for one in begun if one.label in (LARGE, BIAS)]
    begun = [one for one in begun if one not in cost]
    alike = [one for one in said if one.layer in same and not known]  # they make sums large too
    said = [one for one in said if one not in alike]
    every = _without_what_follows(_once([*begun, *alike, *cost, *idle, *said]), seen)
    if not any(one.fault for one in every):
        every += seen.otherwise[:1]
    return tuple(every)


def _causes_alone(found: dict[int, Finding], seen: Passage) -> dict[int, Finding]:
    """Return findings without those of units that are flat or silent for what came before them."""
    causes = [i for i, one in found.items() if one.label in _CAUSING]
    follows = {
        i: next(cause for cause in causes if seen.calls[i].after >> cause & 1)
        for i, one in found.items()
        if one.label in _FOLLOWING and any(seen.calls[i].after >> cause & 1 for cause in causes)
    }
    counts = Counter(follows.values())
    return {i: _counted(one, counts[i]) for i, one in found.items() if i not in follows}


def _counted(one: Finding, following: int) -> Finding:
    if not following:
        return one
    layers = "a layer is" if following == 1 else f"{following} layers are"
    return replace(one, reason=f"{one.reason}; {layers} saturated or dead for it")


def _without_what_follows(findings: Sequence[Finding], seen: Passage) -> list[Finding]:
    """Keep, of what the inputs are to blame for, the first finding, without a cure of weights."""
    follow = [one for one in findings if (one.layer, one.label) in seen.of_inputs]
    kept = [one for one in findings if one not in follow[1:]]
    return [replace(one, remark=_OF_INPUTS) if one in follow else one for one in kept]


def _pattern(layer: str) -> str:
    return re.sub(r"\d+", "*", layer)


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """Return the first finding of each label in each layer."""
    return list({(one.layer, one.label): one for one in reversed(findings)}.values())[::-1]


def _look(call: Call, seen: Passage) -> Finding | None:
    for look in (_large,) if call.output else _LOOKS:
        said = look(call, seen)
        if said is not None:
            return tell(call.layer, *said)
    return None


def most(passages: Sequence[tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """Return the findings that are there in most of some passes, with how many show them."""
    every: dict[tuple[str, str], list[Finding]] = {}
    for findings in passages:
        for one in findings:
            every.setdefault((one.layer, one.label), []).append(one)
    return tuple(
        _middle(same, len(passages))
        for same in every.values()
        if len(same) > _share(same[0]) * len(passages)
    )


def _share(one: Finding) -> float:
    """Return in which share of the seeds a finding must be: where costs explode, a few suffice."""
    return value("few") if "initial_ratio" in one.evidence else value("most")


def _middle(same: Sequence[Finding], seeds: int) -> Finding:
    """Return the middle one, by the number that its evidence ends with."""
    ranked = sorted(same, key=lambda one: list(one.evidence.values())[-1])
    chosen = ranked[(len(ranked) - 1) // 2]
    where = f", in {shown(float(len(same)))} of {shown(float(seeds))} seeds"
    return replace(chosen, reason=chosen.reason + where)
