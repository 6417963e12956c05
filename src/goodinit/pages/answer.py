"""What comes first on the page of a study: one sentence, and what the study can't say."""

from collections.abc import Sequence
from typing import Any

from goodinit.evidence.pairs import Evidence
from goodinit.evidence.splits import scope
from goodinit.evidence.verdict import Verdict, one_rate
from goodinit.study.trials import AnyStudy


def answer(verdicts: Sequence[Verdict], seeds: str) -> str:
    """Return the answer to the question of the study in one sentence.

    Examples
    --------
    >>> answer([Verdict("zeros", "diverges", "the cost grows")], "5 seeds")
    'None of what was compared trains here: zeros diverges: the cost grows.'
    """
    first = verdicts[0]
    if first.label == "recommended":
        alike = [v.initializer for v in verdicts if v.label.startswith("equivalent")]
        also = f" {_listed(alike)} {'does' if len(alike) == 1 else 'do'} as well." if alike else ""
        return f"Use {first.initializer}: {first.reason}.{also}"
    if first.label in ("too few seeds", "too few splits"):
        trains = [v.initializer for v in verdicts if v.label == first.label]
        verb = "is" if seeds == "1 seed" else "are"
        return f"{seeds} {verb} too few for an answer; {_listed(trains)} trained."
    if len(verdicts) == 1 or all(v.label == first.label for v in verdicts):
        every = _listed([v.initializer for v in verdicts])
        said = f"{every}: {first.label}" if len(verdicts) > 1 else f"{every} {first.label}"
        return f"None of what was compared trains here: {said}: {first.reason}."
    closest = f"the closest is {first.initializer} ({first.label}: {first.reason})"
    return f"None of the {len(verdicts)} initializers trains soundly here; {closest}."


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def limits(study: AnyStudy, evidence: Evidence, found: dict[str, Any]) -> list[str]:
    """Return what the study can't say, each with what would let it.

    Parameters
    ----------
    study : Study
    evidence : Evidence
    found : dict
        ``interrupted`` and ``tested``: whether seeds are missing, and whether there is a test part.
    """
    said = []
    if found["interrupted"]:
        said.append("Seeds that were asked for are missing: the command that began it goes on.")
    if evidence.size < evidence.fewest_seeds:
        said += evidence.statements
    said += one_rate(study.learning_rates, len(study.schemes))
    if found["tested"] and study.splits == 1:
        said += scope(study, tested=True)
    elif not found["tested"]:
        said.append("No examples are held out: how well these networks generalize isn't known.")
    return said
