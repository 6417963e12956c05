"""What is wrong with a module's layers: the rules of ``evidence.causes``, asked of one moment.

A network of plain layers is one chain. In other modules each stretch that every signal passes is
one: it begins where a normalisation sets the scale, and leaves out what a sum leads around.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from goodinit.evidence.causes import CAUSES, Numbers, explodes, shown, value, vanishes
from goodinit.torch.inspecting.measuring import Call

WHOLE = "(module)"  # a layer that is the module itself, which has no name
_FEWEST_TO_COMPOUND = 4  # layers of a chain: three steps from one to the next
# Their gain isn't meant to be one: an embedding's input has no scale, a gate's is halved anyway.
_ANY_SCALE = ("embedding", "recurrent")


@dataclass(frozen=True)
class Finding:
    """What is wrong with a layer.

    Attributes
    ----------
    layer : str
        As ``named_modules`` names it; of a fault of the depth, where that begins.
    label : str
        One of those of ``goodinit.evidence.verdict``.
    reason : str
        A sentence made of the numbers that decided.
    evidence : dict of str to float
        Those numbers.
    cure : str or None
        A line of code that has been found to mend it, of ``model`` and ``inputs`` as they were
        inspected. For people to read: nothing runs it.
    remark : str
        Where a cure was sought and none found, what is known of that.
    """

    layer: str
    label: str
    reason: str
    evidence: Numbers = field(default_factory=dict)
    cure: str | None = None
    remark: str = ""


@dataclass(frozen=True)
class Passage:
    """What one pass through a module has shown.

    Attributes
    ----------
    calls : list of Call
    ends : list of int
        Sets of calls, as bits: those on every way to where a chain ends.
    every_exit, some_exit : int
        The calls on every way to an output, and on some way.
    ratio : float
        How large the first cost is, in costs of guessing; without targets, how large the outputs.
    costed : bool
        Whether it is the cost.
    """

    calls: list[Call]
    ends: list[int]
    every_exit: int
    some_exit: int
    ratio: float
    costed: bool


_Seen = tuple[str, Numbers, dict[str, str]]  # which of CAUSES, its numbers, and words for it


def _few(count: float, call: Call) -> bool:
    return count <= value("duplicates") * call.units


def _symmetry(call: Call, seen: Passage) -> _Seen | None:
    """Find units that are one; where weights are all zero, those that a step won't part either.

    Zeros where a sum leads around them are there on purpose, as at the end of residual branches.
    """
    if call.units < 2 or call.kind == "norm" or not _few(call.signals["distinct_units"], call):
        return None
    alone = seen.every_exit >> call.index & 1
    if call.without_weights and not (alone and _few(call.distinct_after, call)):
        return None
    numbers = {key: call.signals[key] for key in ("units", "distinct_units")}
    return "symmetry", numbers, {"when": ""}


def _large(call: Call, seen: Passage) -> _Seen | None:
    """Find a layer that multiplies its input so much that an output, or a sum, shows it."""
    if not call.gain >= value("large_gain"):
        return None
    numbers = {"gain": call.gain, "initial_ratio": seen.ratio}
    if seen.some_exit >> call.index & 1 and not seen.ratio < value("above_chance"):
        told = "the first cost is {initial_ratio} times that of guessing"
        plain = "the outputs are {initial_ratio} times as large as they should be"
        return "large", numbers, {"harm": told if seen.costed else plain}
    if call.drowns >= value("large_gain"):
        numbers = {"gain": call.gain, "drowns": call.drowns}
        return "large", numbers, {"harm": "is {drowns} times as large as what it is added to"}
    return None


def _saturated(call: Call, seen: Passage) -> _Seen | None:
    cause = "gate" if call.kind == "recurrent" else "saturated"
    for kind, share in ((cause, call.signals["saturated_fraction"]), ("softmax", call.softmax)):
        if share >= value("saturated"):
            return kind, {"share": 100 * share}, {"when": "at the start"}
    return None


def _dead(call: Call, seen: Passage) -> _Seen | None:
    share = call.signals["dead_fraction"]
    if call.fed == 0 or call.states < value("fewest_states") or not share >= value("dead"):
        return None
    return "dead", {"share": 100 * share}, {"when": "at the start"}


def _small(call: Call, seen: Passage) -> _Seen | None:
    """Find a layer that passes little on, where nothing leads around it or sets the scale anew."""
    limit = value("decay" if call.kind in _ANY_SCALE else "small_gain")
    if not (seen.every_exit >> call.index & 1 and call.gain <= limit):
        return None
    return "small", {"gain": call.gain}, {}


# In the order of goodinit.evidence.causes; an output layer may be whatever it is, but too large.
_LOOKS: tuple[Callable[[Call, Passage], _Seen | None], ...] = (
    _symmetry,
    _large,
    _saturated,
    _dead,
    _small,
)


def find(seen: Passage) -> tuple[Finding, ...]:
    """Return what is wrong, in forward order: at most one finding for a layer, and for a chain."""
    single = {
        call.index: finding
        for call in seen.calls
        if call.kind != "sum" and (finding := _look(call, seen)) is not None
    }
    found = dict(single)
    for chain in _chains(seen):
        if len(chain) < _FEWEST_TO_COMPOUND:
            continue
        places = {call.index for call in chain}
        inside = {i: single[i] for i in places & single.keys()}
        if any(finding.label == CAUSES["symmetry"].label for finding in inside.values()):
            continue
        grown = _by_depth(chain, seen, explodes, "grows")
        if grown is not None:
            for i in inside:
                found.pop(i, None)
            found[chain[0].index] = grown
        elif not inside:
            faded = _by_depth(chain, seen, _fades, "decays")
            if faded is not None:
                found.setdefault(chain[0].index, faded)
    return tuple(_once([found[i] for i in sorted(found)]))


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """Return the first finding of each label in each layer."""
    return list({(one.layer, one.label): one for one in reversed(findings)}.values())[::-1]


def _look(call: Call, seen: Passage) -> Finding | None:
    for look in (_large,) if call.output else _LOOKS:
        said = look(call, seen)
        if said is not None:
            return _tell(call.layer, *said)
    return None


def _tell(layer: str, cause: str, numbers: Numbers, words: dict[str, str]) -> Finding:
    told = CAUSES[cause].tell({**numbers, "layer": layer or WHOLE}, words)
    return Finding(layer, CAUSES[cause].label, told.strip(), numbers)


_Array = NDArray[np.float64]


def _by_depth(
    chain: Sequence[Call],
    seen: Passage,
    judge: Callable[[_Array, _Array], Numbers | None],
    verb: str,
) -> Finding | None:
    """Ask of a chain what the depth does to the signal, then to the gradient."""
    gains = np.array([call.gain for call in chain if not np.isnan(call.gain)] or [1.0])
    signal = [call.signals["preactivation_rms"] for call in chain]
    gradient = [call.backward_norm for call in reversed(chain) if isfinite(call.backward_norm)]
    for name, scales in (("signal", signal), ("gradient", gradient)):
        if len(scales) < _FEWEST_TO_COMPOUND:
            continue
        numbers = judge(np.array(scales), gains)
        if numbers is not None:
            rows = [call for call in seen.calls[: chain[0].index + 1] if call.kind != "sum"]
            return _tell((rows or seen.calls)[-1].layer, f"{name} {verb}", numbers, {})
    return None


def _fades(scales: _Array, gains: _Array) -> Numbers | None:
    return vanishes(scales, "untrained_decay")


def _chains(seen: Passage) -> list[list[Call]]:
    """Return the hidden calls of each chain that is no part of another, in forward order."""
    hidden = sum(1 << call.index for call in seen.calls if not call.output)
    ends = sorted({end & hidden for end in seen.ends}, key=int.bit_count, reverse=True)
    longest: list[int] = []
    for end in ends:
        if end.bit_count() >= _FEWEST_TO_COMPOUND and not any(end & ~o == 0 for o in longest):
            longest.append(end)
    return [_one_way(end, seen.calls) for end in longest]


def _one_way(end: int, calls: Sequence[Call]) -> list[Call]:
    """Return a chain's calls that come one after the other, and say anything at all."""
    way: list[Call] = []
    for call in reversed(calls):
        inside = end >> call.index & 1 and call.signals["preactivation_rms"] > 0
        if inside and (not way or way[-1].through >> call.index & 1):
            way.append(call)
    return way[::-1]


def most(passages: Sequence[tuple[Finding, ...]]) -> tuple[Finding, ...]:
    """Return the findings that are there in most of some passes, with how many show them."""
    every: dict[tuple[str, str], list[Finding]] = {}
    for findings in passages:
        for one in findings:
            every.setdefault((one.layer, one.label), []).append(one)
    return tuple(
        _middle(same, len(passages))
        for same in every.values()
        if len(same) > value("most") * len(passages)
    )


def _middle(same: Sequence[Finding], seeds: int) -> Finding:
    """Return the middle one, by the number that its evidence ends with."""
    ranked = sorted(same, key=lambda one: list(one.evidence.values())[-1])
    chosen = ranked[(len(ranked) - 1) // 2]
    where = f", in {shown(float(len(same)))} of {shown(float(seeds))} seeds"
    return Finding(chosen.layer, chosen.label, chosen.reason + where, chosen.evidence)
