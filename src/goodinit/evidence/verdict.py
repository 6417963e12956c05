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
from goodinit.evidence.unfinished import what_is_known

LABELS: tuple[str, ...] = (
    "recommended",
    "as good as X",
    "slower than X",
    "worse than X",
    *dict.fromkeys(rule.label for rule in RULES),
    "does not learn",
    "too few seeds",
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
    """Return the verdict on each initializer, in the order of ``runs``.

    Parameters
    ----------
    runs : dict of str to sequence of Run
        Each initializer's trials at its own learning rate, one run per seed.
    evidence : Evidence
        Of the same trials.
    """
    return [_verdict(name, of, evidence) for name, of in runs.items()]


def _verdict(name: str, runs: Sequence[Run], evidence: Evidence) -> Verdict:
    chance = runs[0].chance
    ends = float(np.median([run.cost_of_chance for run in runs])) * chance
    numbers: Numbers = {
        "initial_cost": float(np.median([run.initial_cost for run in runs])),
        "train_cost": ends,
        "cost_of_chance": chance,
    }
    harm = _harm(numbers["initial_cost"], ends, chance)
    cause = find_cause(runs) if _harmed(name, runs, evidence) else None
    if cause is not None:
        label, sentence, seen = cause
        return Verdict(name, label, f"{sentence}; {harm}", numbers | seen)
    if _most(runs, "stuck"):
        return Verdict(name, "does not learn", f"{harm}; {what_is_known(runs)}", numbers)
    return _rank(name, len(runs), evidence, numbers)


def _harmed(name: str, runs: Sequence[Run], evidence: Evidence) -> bool:
    """Return whether training shows harm: no learning, or far less of it than can be had.

    What can be had is known from the best initializer, where one is told apart; otherwise a network
    that gets halfway from guessing to a cost of 0 counts as healthy.
    """
    best = evidence.best
    if _most(runs, "stuck"):
        return True
    if name == best or not evidence.pair("train_cost", name, best)["told_apart"]:
        return _most(runs, "poor")
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
    if f"{ends:.4f}" == f"{chance:.4f}":
        how = "stays" if f"{begins:.4f}" == f"{ends:.4f}" else "ends"
        return f"cost {how} at {ends:.4f}, the cost of guessing"
    if value("stuck") * chance <= ends <= chance / value("stuck"):
        return f"cost ends at {ends:.4f}, the cost of guessing being {chance:.4f}"
    share = ends / chance
    of = f"{share:.0%} of" if share < 10 else f"{shown(share)} times"
    return f"cost ends at {shown(ends)}, {of} the cost of guessing"


def _rank(name: str, seeds: int, evidence: Evidence, numbers: Numbers) -> Verdict:
    """Return the verdict on an initializer that trains: how it stands to the best one."""
    best = evidence.best
    end = f"cost ends at {numbers['train_cost']:.3g}"
    if seeds < evidence.fewest_seeds:
        reason = f"{end}; {seeds} seed{'s' if seeds > 1 else ''} cannot rank it"
        return Verdict(name, "too few seeds", reason, numbers)
    if name == best:
        among = "nothing to compare it with" if len(evidence.rates) == 1 else "the lowest median"
        return Verdict(name, "recommended", f"{end}, {among}", numbers)
    cost = evidence.pair("train_cost", name, best)
    wins = float(cost["a_beats_b"] if cost["a"] == name else 1 - cost["a_beats_b"])
    numbers |= {"p_holm": float(cost["p_holm"]), "beats_best": wins}
    odds = f"one run beats one of {best} with probability {wins:.0%}"
    later = _apart(evidence, "iterations_to_half_chance", name)
    if not cost["told_apart"]:
        label = f"slower than {best}" if later else f"as good as {best}"
        return Verdict(name, label, f"{end}, not told apart on {seeds} seeds; {odds}", numbers)
    slower = later and not _apart(evidence, "test_accuracy", name)
    label = f"{'slower' if slower else 'worse'} than {best}"
    return Verdict(name, label, f"{end}, told apart (p = {cost['p_holm']:.2g}); {odds}", numbers)


def _apart(evidence: Evidence, outcome: str, name: str) -> bool:
    if outcome not in set(evidence.pairs["outcome"]):
        return False
    return bool(evidence.pair(outcome, name, evidence.best)["told_apart"])


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
    said = []
    # Where another cause comes first, the sharpness may be its consequence.
    healthy = {
        name: of for name, of in runs.items() if (find_cause(of) or (UNSTABLE,))[0] == UNSTABLE
    }
    runs_seen = sum(len(of) for of in healthy.values())
    over = sum(unstable(run) is not None for of in healthy.values() for run in of)
    if over > value("most") * runs_seen:
        times = ", ".join(
            f"{name} {shown(float(np.median([highest_stability(run) for run in of])))} times"
            for name, of in healthy.items()
        )
        said.append(
            "The learning rate, not the initialization, makes these curves what they are: in "
            f"{over} of {runs_seen} runs it overshoots, sharpness going far above the limit of "
            f"stability on the way (median over the seeds: {times} the limit). Try a smaller one."
        )
    if len(rates) == 1 and len(runs) > 1:
        said.append(
            f"One learning rate, {rates[0]:g}, favours whom it suits; give several to compare each "
            "initializer at its own best."
        )
    return (*said, *(s for s in evidence.statements if "illustration" in s))
