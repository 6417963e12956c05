"""What the depth does to a signal and its gradient: chains of calls, and what they compound to.

A network of plain layers is one chain. In other modules each stretch that every signal passes is
one: it begins where a normalisation sets the scale, and leaves out what something leads around.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import isfinite
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodinit.evidence.causes import Numbers, compound, explodes, value, vanishes
from goodinit.torch.inspecting.measuring import Call
from goodinit.torch.inspecting.passage import Finding, Passage, tell

_FEWEST = 4  # calls that compound: three steps from one to the next
_FEWEST_TO_FADE = 5  # a head of four convolutions of std 0.01 before a prior (Lin et al. 2017)
# Layers of a branch. A short one may start small: what leads around it carries the gradient, and
# its own layers grow; see docs/torch-inspect.md for how such branches train.
_FEWEST_IN_BRANCH = 8
_MOST_NAMED = 5
# What is left of a correlation's distance from one: published tables of features that start at 1e-4
# behind a bias have 1e-9, and learn; two softmaxes in between layers leave 4e-11, and nothing does.
_GONE = 1e-10
_NO_MORE = 1e-15  # rounding
_AS_MUCH = 10.0  # times what is left

_Array = NDArray[np.float64]


class Chain(NamedTuple):
    """Calls that come one after the other, and whether something leads around them."""

    calls: list[Call]
    branch: bool


def chains(seen: Passage) -> list[Chain]:
    """Return the hidden calls of each chain that is no part of another, in forward order."""
    hidden = sum(1 << call.index for call in seen.calls if not call.output)
    found: dict[int, Chain] = {}
    for end in {end & hidden for end in seen.ends}:
        for chain in _of_end(end, seen):
            found[sum(1 << call.index for call in chain.calls)] = chain
    sets = sorted(found, key=int.bit_count, reverse=True)
    longest: list[int] = []
    for calls in sets:
        if not any(calls & ~other == 0 for other in longest):
            longest.append(calls)
    return [found[calls] for calls in longest]


def _of_end(end: int, seen: Passage) -> Iterator[Chain]:
    """Yield what nothing leads around on the way to an end, and a long branch that it ends."""
    way = _one_way(end, seen.calls)
    if len(way) < _FEWEST:
        return
    places = [call.index for call in way]
    passed = set(seen.ways.unavoidable(places))
    if len(passed) >= _FEWEST:
        yield Chain([call for call in way if call.index in passed], branch=False)
    if sum(call.kind != "sum" for call in way) >= _FEWEST_IN_BRANCH and len(passed) < len(way):
        yield Chain(way, branch=True)


def _one_way(end: int, calls: Sequence[Call]) -> list[Call]:
    """Return a chain's calls that come one after the other, and say anything at all."""
    way: list[Call] = []
    for call in reversed(calls):
        inside = end >> call.index & 1 and call.signals["preactivation_rms"] > 0
        if inside and (not way or way[-1].through >> call.index & 1):
            way.append(call)
    return way[::-1]


def grows(chain: Chain, seen: Passage) -> Finding | None:
    """Find that a chain makes signals, or gradients on their way back, explode.

    A gradient that grows only as its signal shrinks is the work of normalisations, which divide by
    how large it is: what counts is how much of the signal's own size it is.
    """
    gains = np.array([call.gain for call in chain.calls if np.isfinite(call.gain)] or [1.0])
    signal = _signal(chain.calls)
    signal = signal[: len(signal) if np.isfinite(signal).all() else np.isinf(signal).argmax()]
    numbers = explodes(signal, gains) if len(signal) >= _FEWEST else None
    if numbers is not None and signal.max() >= value("growth") * signal[0]:
        return _tell(Chain(chain.calls[: len(signal)], chain.branch), seen, "signal grows", numbers)
    for piece in _without_forks(chain, seen):
        gradient = _gradient(piece)
        numbers = explodes(gradient, gains) if len(gradient) >= _FEWEST else None
        relative = compound(gradient * _signal(piece)[::-1])["ratio"] if numbers else 0.0
        if numbers is not None and relative >= value("growth"):
            return _tell(Chain(piece, chain.branch), seen, "gradient grows", numbers)
    return None


def fades(chain: Chain, seen: Passage) -> Finding | None:
    """Find that a chain makes signals, or gradients on their way back, vanish.

    What compounds must have come to something: where each block brings its scale back, as one
    that reads the state anew does, the typical step tells nothing.
    """
    if len(chain.calls) < _FEWEST_TO_FADE:
        return None
    signal = _signal(chain.calls)
    numbers = vanishes(signal, "untrained_decay") if _falls(signal) else None
    if numbers is not None:
        return _tell(chain, seen, "signal decays", numbers)
    gradient = _gradient(chain.calls)
    deep = len(gradient) >= _FEWEST and _falls(gradient)
    numbers = vanishes(gradient, "untrained_decay") if deep else None
    return None if numbers is None else _tell(chain, seen, "gradient decays", numbers)


def find_drowned(stations: Sequence[Call], calls: Sequence[Call]) -> list[Finding]:
    """Find that the last of what all must pass says as good as the same of all inputs.

    Named is the layer where most of the difference between two inputs is lost. Where a sum before
    it has lost as much, a branch is small beside what is the same of all inputs, as that of a class
    token may be: its scale learns by what it says (Touvron et al. 2021), and nothing is wrong.
    """
    known = [call for call in stations if call.kind == "linear" and not call.without_weights]
    known = [call for call in known if call.units > 1 and isfinite(call.alike)]
    left = [max(1 - call.alike, _NO_MORE) for call in known]
    if not left or min(left) > _GONE:
        return []
    lost = [after / before for before, after in pairwise([1.0, *left])]
    worst = known[lost.index(min(lost))]
    sums = [call for call in calls if call.kind == "sum" and call.index < worst.index]
    if any(1 - call.alike <= _AS_MUCH * min(left) for call in sums):
        return []
    numbers = {"difference": (2 * min(left)) ** 0.5, "input_rms": worst.input_rms}
    return [tell(worst.layer, "drowned", numbers)]


def _falls(scales: _Array) -> bool:
    return bool(scales.min() <= value("decay") * scales.max())


def _signal(calls: Sequence[Call]) -> _Array:
    return np.array([call.signals["preactivation_rms"] for call in calls])


def _gradient(calls: Sequence[Call]) -> _Array:
    """Return the gradients as they pass, backwards, until nothing is left of them.

    None where one isn't known.
    """
    found = np.array([call.backward_norm for call in reversed(calls)])
    if not np.isfinite(found).all():
        return found[:0]
    return found[: int(np.argmin(found > 0))] if (found == 0).any() else found


def _without_forks(chain: Chain, seen: Passage) -> list[list[Call]]:
    """Cut a chain where an output goes another way too, whose gradient comes on top."""
    ways, pieces = seen.ways, [[chain.calls[-1]]]
    for call, later in zip(chain.calls[-2::-1], chain.calls[:0:-1], strict=True):
        if ways.passes(call.index, later.index):
            pieces[-1].append(call)
        else:
            pieces.append([call])
    return [piece[::-1] for piece in pieces if len(piece) >= _FEWEST]


def _tell(chain: Chain, seen: Passage, cause: str, numbers: Numbers) -> Finding:
    told = tell(_place(chain.calls[0], seen), cause, numbers)
    every = [call for call in seen.calls if call.kind != "sum" and not call.output]
    names = list(dict.fromkeys(call.layer or _place(call, seen) for call in chain.calls))
    if len(names) >= len(every) or not all(names):
        return told
    some = names if len(names) <= _MOST_NAMED else [*names[:2], "…", names[-1]]
    return replace(told, reason=f"{told.reason} ({', '.join(some)})")


def _place(call: Call, seen: Passage) -> str:
    """Return the layer that a call is of, or the one before a sum."""
    rows = [one for one in seen.calls[: call.index + 1] if one.kind != "sum"]
    return (rows or seen.calls)[-1].layer
