"""Who stands where: soundness first, then the result that ranks, then how fast it trains."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from goodinit.evidence.causes import Numbers, shown
from goodinit.evidence.pairs import OUTCOMES, Evidence
from goodinit.evidence.statistics import (
    LEVEL,
    fails_more_p,
    paired_differences,
    seeds_needed,
    share_interval,
)

_FEW = 0.05  # of the seeds: one failure in twenty may be anyone's
_WORST = -1.0  # of an R²
_TRAINING = ("train_cost", "iterations_to_half_chance")


@dataclass(frozen=True)
class Standing:
    """How an initializer that trains stands to another one.

    Attributes
    ----------
    label : str
    reason : str
    numbers : dict of str to float
        What decided.
    place : int
        In the order of the table: 0 for the recommended, 1 for those equivalent to it in what
        ranks, 2 for those that no other is known to beat in that, 3 for those that another beats.
    """

    label: str
    reason: str
    numbers: Numbers
    place: int


def recommend(sound: Sequence[str], evidence: Evidence) -> str | None:
    """Return the one to use: of those that are best in what ranks, the one that trains best.

    Best are, of those that no other beats (told apart), the one with the best mean accuracy (of
    costs and speed: median), and whoever is equivalent to it. Training cost alone, among all
    unbeaten, would lose a point of accuracy on fresh data: see ``docs/evidence.md``.

    Parameters
    ----------
    sound : sequence of str
        The initializers without a cause of failure.
    evidence : Evidence

    Returns
    -------
    str or None
        None where none is sound. Of the unbeaten, one that fails in over 5 % more of the seeds than
        another comes after it.
    """
    return min(
        _alike_best(sound, evidence),
        key=lambda name: evidence.median("train_cost", name),
        default=None,
    )


def _alike_best(sound: Sequence[str], evidence: Evidence) -> list[str]:
    """Return the best of the unbeaten in what ranks, and those equivalent to it in that."""
    lead = evidence.lead
    unbeaten = [
        name for name in sound if not any(evidence.beats(lead, other, name) for other in sound)
    ]
    shares = {name: float(evidence.fails(name).mean()) for name in unbeaten}
    reliable = [name for name in unbeaten if shares[name] <= min(shares.values()) + _FEW]
    if not reliable:
        return []
    best = min(
        reliable,
        key=lambda name: (badness(evidence, lead, name), evidence.median("train_cost", name)),
    )
    return [name for name in reliable if name == best or _equivalent(lead, name, best, evidence)]


def _equivalent(outcome: str, a: str, b: str, evidence: Evidence) -> bool:
    return bool(evidence.pair(outcome, a, b)["equivalent"])


def standing(name: str, first: str, sound: Sequence[str], evidence: Evidence) -> Standing:
    """Return how an initializer that trains stands to the recommended one.

    Where that one doesn't beat it, but others do, it is told how it stands to the best of them.
    """
    if name == first:
        return Standing("recommended", _recommended(name, sound, evidence), {}, 0)
    lead = evidence.lead
    for other in (first, *sorted(sound, key=lambda one: badness(evidence, lead, one))):
        if evidence.beats(lead, other, name):
            return _beaten(name, other, evidence)
    if fails := _fails_more(name, first, evidence):
        return fails
    for outcome in _TRAINING:
        alike = evidence.median(outcome, name) == evidence.median(outcome, first)
        if evidence.beats(outcome, first, name) and not alike:
            found = _compared("slower than", name, first, outcome, evidence)
            return replace(found, reason=found.reason + _left_open(name, first, evidence))
    return _alike(name, first, evidence)


def told_failures(name: str, evidence: Evidence) -> str:
    """Return in how many seeds an initializer fails, with the interval of that share."""
    fails = evidence.fails(name)
    count, of = int(fails.sum()), len(fails)
    if not 0 < count < of:
        return ""
    low, high = share_interval(count, of)
    return f"; fails to learn in {count} of {of} seeds (90 % interval {low:.0%} to {high:.0%})"


def told(evidence: Evidence, outcome: str, name: str) -> str:
    """Return an initializer's median of an outcome, as a sentence has it."""
    found = evidence.median(outcome, name)
    if outcome == "test_accuracy" and evidence.measure == "accuracy":
        mean = float(np.mean(evidence.values(outcome, name)))
        return f"{mean:.1%}"
    return f"{found:.3g}" if "cost" in outcome else shown(found)


def badness(evidence: Evidence, outcome: str, name: str) -> float:
    """Return an initializer's mean accuracy, or median of another outcome, so that less is better.

    An R² below -1 counts as -1: one seed that explodes says no more.
    """
    if outcome == "test_accuracy":
        return -float(np.mean(np.maximum(evidence.values(outcome, name), _WORST)))
    found = evidence.median(outcome, name)
    return found if OUTCOMES[outcome].less_is_better else -found


def _recommended(name: str, sound: Sequence[str], evidence: Evidence) -> str:
    ends = f"cost ends at {told(evidence, 'train_cost', name)}"
    if len(evidence.rates) == 1:
        return f"{ends}, nothing to compare it with"
    lead = evidence.lead
    lowest = min(evidence.median("train_cost", one) for one in sound)
    least = ", the lowest median" if evidence.median("train_cost", name) <= lowest else ""
    if lead == "train_cost":
        return ends + least
    words, own = evidence.words(lead), told(evidence, lead, name)
    better = "below" if OUTCOMES[lead].less_is_better else "above"
    trains = least or ", the lowest of those alike in that" * (
        len(_alike_best(sound, evidence)) > 1
    )
    return f"{words} {own}, and none is told apart {better} it; {ends}{trains}"


def _beaten(name: str, other: str, evidence: Evidence) -> Standing:
    lead = evidence.lead
    if lead in _TRAINING:
        return _compared("worse than", name, other, lead, evidence)
    faster = next((of for of in _TRAINING if evidence.beats(of, name, other)), None)
    if faster is None:
        return _compared("worse than", name, other, lead, evidence)
    found = _compared("", name, other, lead, evidence)
    fits = f"{_against(faster, name, other, evidence)}, but {found.reason}"
    return Standing(f"fits faster than {other}, generalizes worse", fits, found.numbers, 3)


def _compared(label: str, name: str, other: str, outcome: str, evidence: Evidence) -> Standing:
    """Return the standing of one that is told apart from another, for the worse."""
    p = float(evidence.pair(outcome, name, other)["p_holm"])
    wins = evidence.odds(outcome, name, other)
    reason = (
        f"{_against(outcome, name, other, evidence)}, told apart (p = {p:.2g}); one run beats one "
        f"of {other} with probability {wins:.0%}"
    )
    place = 3 if outcome == evidence.lead else _place(name, other, evidence)
    return Standing(f"{label} {other}", reason, {"p_holm": p, "beats_best": wins}, place)


def _place(name: str, first: str, evidence: Evidence) -> int:
    return 1 if _equivalent(evidence.lead, name, first, evidence) else 2


def _against(outcome: str, name: str, other: str, evidence: Evidence) -> str:
    both = " against ".join(_told_both(evidence, outcome, name, other))
    words = "cost ends at" if outcome == "train_cost" else evidence.words(outcome)
    return f"{words} {both}"


def _left_open(name: str, first: str, evidence: Evidence) -> str:
    """Return how a slower one stands in what ranks, where it isn't known to be alike."""
    lead = evidence.lead
    if lead in _TRAINING or evidence.pair(lead, name, first)["equivalent"]:
        return ""
    said = _told_both(evidence, lead, name, first)
    return f"; {_against(lead, name, first, evidence)}, undecided" if said[0] != said[1] else ""


def _told_both(evidence: Evidence, outcome: str, a: str, b: str) -> list[str]:
    """Return the medians of two, in as many digits as it takes to see a difference."""
    said = [told(evidence, outcome, name) for name in (a, b)]
    if said[0] != said[1] or "cost" not in outcome:
        return said
    finer = [f"{evidence.median(outcome, name):.6g}" for name in (a, b)]
    return finer if finer[0] != finer[1] else said


def _fails_more(name: str, first: str, evidence: Evidence) -> Standing | None:
    own, other = evidence.fails(name), evidence.fails(first)
    more = evidence.counted("fails", name) - evidence.counted("fails", first)
    p = fails_more_p(int((more > 0).sum()), int((more < 0).sum()))
    if p * max(1, len(evidence.rates) - 1) > LEVEL:
        return None
    reason = (
        f"learns nothing in {own.sum()} of {len(own)} seeds against {other.sum()} (p = {p:.2g})"
    )
    return Standing(f"fails more often than {first}", reason, {"p_fails": p}, 3)


def _alike(name: str, first: str, evidence: Evidence) -> Standing:
    """Return whether two that are not told apart are known to be alike, or not known to differ."""
    asked = [of for of in dict.fromkeys((evidence.lead, "train_cost")) if evidence.knows(of)]
    pairs = {outcome: evidence.pair(outcome, name, first) for outcome in asked}
    p = max(float(pair["p_equivalent"]) for pair in pairs.values())
    wins = evidence.odds(evidence.lead, name, first)
    numbers = {"p_equivalent": p, "beats_best": wins}
    same_failures = np.array_equal(evidence.fails(name), evidence.fails(first))
    if same_failures and all(pair["equivalent"] for pair in pairs.values()):
        within = " and ".join(dict.fromkeys(_margin(outcome, evidence) for outcome in asked))
        reason = f"{_both(name, first, asked, evidence)}; within {within} (p = {p:.2g})"
        return Standing(f"equivalent to {first}", reason, numbers, _place(name, first, evidence))
    better = [of for of in _TRAINING if evidence.beats(of, name, first)]
    state = (
        f"told apart in {evidence.words(better[0])}, but failing in more seeds"
        if better
        else f"neither told apart nor equivalent on {evidence.counting.counted(evidence.size)}"
    )
    reason = (
        f"{_both(name, first, asked, evidence)}, {state}; one run beats one of "
        f"{first} with probability {wins:.0%}{_would_decide(name, first, asked, evidence)}"
    )
    return Standing(f"undecided against {first}", reason, numbers, _place(name, first, evidence))


def _both(name: str, first: str, asked: Sequence[str], evidence: Evidence) -> str:
    return ", ".join(_against(outcome, name, first, evidence) for outcome in asked)


def _margin(outcome: str, evidence: Evidence) -> str:
    margin = evidence.margin
    if OUTCOMES[outcome].in_chances:
        return f"{margin:.3g} of the cost of guessing"
    if outcome == "test_accuracy" and evidence.measure == "accuracy":
        return f"{100 * margin:.3g} points of {evidence.words(outcome)}"
    return f"{margin:.3g} of {evidence.words(outcome)}"


def _would_decide(name: str, first: str, asked: Sequence[str], evidence: Evidence) -> str:
    """Return how many seeds would show the difference seen, of the outcome that needs fewest."""
    if evidence.counting.test_share:  # more splits of the same examples say little more
        return ""
    needed = [
        seeds_needed(
            paired_differences(evidence.counted(outcome, name), evidence.counted(outcome, first))
        )
        for outcome in asked
    ]
    least = min((n for n in needed if n is not None), default=None)
    more = evidence.counting.counted(least or 0)
    return f"; about {more} would show the difference seen" if least else ""
