"""The finding for each initializer: one label, its cause, and the numbers that show it.

A cause counts when it is there in most seeds and training shows its harm: a network that learns is
not scolded for a quirk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from goodinit.evidence.causes import (
    RULES,
    UNSTABLE,
    Numbers,
    Run,
    find_cause,
    highest_stability,
    shown,
    unstable,
    value,
)
from goodinit.evidence.pairs import Evidence
from goodinit.evidence.ranking import badness, recommend, standing, told_failures
from goodinit.evidence.unfinished import what_is_known

LABELS: tuple[str, ...] = (
    "recommended",
    "equivalent to X",
    "undecided against X",
    "slower than X",
    "fits faster than X, generalizes worse",
    "worse than X",
    "fails more often than X",
    *dict.fromkeys(rule.label for rule in RULES),
    "does not learn",
    "too few seeds",
    "too few splits",
)


@dataclass(frozen=True)
class Verdict:
    """What became of an initializer, and why.

    Attributes
    ----------
    initializer : str
    label : str
        One of ``LABELS``; with the name of another initializer where it is compared with one.
    reason : str
        A sentence made of the numbers that decided.
    evidence : dict of str to float
        Those numbers; medians over the seeds.
    """

    initializer: str
    label: str
    reason: str
    evidence: Numbers = field(default_factory=dict)


def judge(runs: dict[str, Sequence[Run]], evidence: Evidence) -> list[Verdict]:
    """Return the verdict on each initializer, the best first.

    Soundness comes first: whoever has a cause of failure, or doesn't learn, is told that. Of the
    others the one is recommended that no other beats in what ranks and that trains best.

    Parameters
    ----------
    runs : dict of str to sequence of Run
        Each initializer's trials at its own learning rate, one run per seed.
    evidence : Evidence
        Of the same trials.
    """
    unsound = {name: found for name, of in runs.items() if (found := _unsound(name, of, evidence))}
    sound = [name for name in runs if name not in unsound]
    placed = [(4, found) for found in unsound.values()] + _ranked(runs, sound, evidence)

    def order(one: tuple[int, Verdict]) -> tuple[float, ...]:
        place, verdict = one
        cost = evidence.median("train_cost", verdict.initializer)
        held = badness(evidence, evidence.lead, verdict.initializer)
        return (place, held, cost) if place in {2, 3} else (place, cost, held)

    return [verdict for _, verdict in sorted(placed, key=order)]


def _ranked(
    runs: dict[str, Sequence[Run]], sound: Sequence[str], evidence: Evidence
) -> list[tuple[int, Verdict]]:
    """Return place and verdict of the initializers that train."""
    first = recommend(sound, evidence)
    if first is None:
        return []
    found = []
    for name in sound:
        numbers = _numbers(runs[name])
        if evidence.size < evidence.fewest_seeds:
            ends = f"cost ends at {numbers['train_cost']:.3g}"
            reason = f"{ends}; {evidence.counting.counted(evidence.size)} cannot rank it"
            label = f"too few {evidence.counting.what}s"
            found.append((2, Verdict(name, label, reason, numbers)))
            continue
        stands = standing(name, first, sound, evidence)
        reason = stands.reason + told_failures(name, evidence)
        found.append((stands.place, Verdict(name, stands.label, reason, numbers | stands.numbers)))
    return found


def _numbers(runs: Sequence[Run]) -> Numbers:
    chance = runs[0].chance
    costs = [np.inf if np.isnan(run.train_cost) else run.train_cost for run in runs]
    return {
        "initial_cost": float(np.median([run.initial_cost for run in runs])),
        "train_cost": float(np.median(costs)),
        "cost_of_chance": chance,
    }


def _unsound(name: str, runs: Sequence[Run], evidence: Evidence) -> Verdict | None:
    """Return the verdict on an initializer that fails; None where it trains."""
    numbers, chance = _numbers(runs), runs[0].chance
    ends = numbers["train_cost"]
    harm = _harm(numbers["initial_cost"], ends, chance)
    cause = find_cause(runs) if _harmed(name, runs, evidence) else None
    if cause is not None:
        label, sentence, seen = cause
        return Verdict(name, label, f"{sentence}; {harm}", numbers | seen)
    if _most(runs, "stuck"):
        return Verdict(name, "does not learn", f"{harm}; {what_is_known(runs)}", numbers)
    return None


def _harmed(name: str, runs: Sequence[Run], evidence: Evidence) -> bool:
    """Return whether training shows harm: no learning, or far less of it than can be had.

    What can be had is known from the best initializer, where one is told apart; otherwise a network
    that gets halfway from guessing to a cost of 0 counts as healthy. One that generalizes better
    than the one that fits best is not harmed by fitting less.
    """
    best = evidence.best
    if _most(runs, "stuck"):
        return True
    if name == best or not evidence.pair("train_cost", name, best)["told_apart"]:
        return _most(runs, "poor")
    if evidence.beats(evidence.lead, name, best):
        return False
    costs = evidence.outcomes.groupby("initializer")["train_cost"].median()
    chance = runs[0].chance
    return bool(chance - costs[name] < value("learned") * (chance - costs[best]))


def _most(runs: Sequence[Run], limit: str) -> bool:
    """Return whether most runs end above a part of the cost of chance."""
    over = sum(not run.cost_of_chance < value(limit) for run in runs)
    return over > value("most") * len(runs)


def _harm(begins: float, ends: float, chance: float) -> str:
    if not np.isfinite(ends):
        return "the cost is no number at the end"
    if not chance > 0:
        return f"cost ends at {shown(ends)}, from {shown(begins)} at the start"
    if f"{ends:.4f}" == f"{chance:.4f}":
        how = "stays" if f"{begins:.4f}" == f"{ends:.4f}" else "ends"
        return f"cost {how} at {ends:.4f}, the cost of guessing"
    if value("stuck") * chance <= ends <= chance / value("stuck"):
        return f"cost ends at {ends:.4f}, the cost of guessing being {chance:.4f}"
    share = ends / chance
    of = f"{share:.0%} of" if share < 10 else f"{shown(share)} times"
    return f"cost ends at {shown(ends)}, {of} the cost of guessing"


def warn(
    runs: dict[str, Sequence[Run]], evidence: Evidence, rates: Sequence[float]
) -> tuple[str, ...]:
    """Return what concerns the study as a whole, and no single initializer.

    Parameters
    ----------
    runs : dict of str to sequence of Run
    evidence : Evidence
    rates : sequence of float
        The learning rates that were tried.
    """
    illustration = (s for s in evidence.statements if "illustration" in s)
    return (*_too_fast(runs), *one_rate(rates, len(runs)), *illustration)


def _too_fast(runs: dict[str, Sequence[Run]]) -> list[str]:
    """Say where the learning rate is what most runs suffer from."""
    over = {
        name: sum(unstable(run) is not None and run.cost_of_chance > value("arrived") for run in of)
        for name, of in runs.items()
    }
    if not any(over[name] > value("most") * len(of) for name, of in runs.items()):
        return []  # nor is it so of several together
    # Where another cause comes first, the sharpness may be its consequence.
    healthy = {
        name: of for name, of in runs.items() if (find_cause(of) or (UNSTABLE,))[0] == UNSTABLE
    }
    seen, fast = sum(map(len, healthy.values())), sum(over[name] for name in healthy)
    if fast <= value("most") * seen:
        return []
    times = ", ".join(
        f"{name} {shown(float(np.median([highest_stability(run) for run in of])))} times"
        for name, of in healthy.items()
    )
    return [
        "The learning rate, not the initialization, makes these curves what they are: in "
        f"{fast} of {seen} runs it overshoots, sharpness going far above the limit of "
        f"stability on the way (median over the seeds: {times} the limit). Try a smaller one."
    ]


def one_rate(rates: Sequence[float], initializers: int) -> list[str]:
    """Return what a single learning rate keeps a study from saying."""
    if len(rates) > 1 or initializers < 2:
        return []
    return [
        f"One learning rate, {rates[0]:g}, favours whom it suits; give several to compare each "
        "initializer at its own best."
    ]
