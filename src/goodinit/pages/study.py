"""The page of a study: its tables, verdicts and curves as the page takes them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd

from goodinit.evidence.middles import median_trials
from goodinit.evidence.pairs import OUTCOMES, Evidence
from goodinit.evidence.remedies import remedy
from goodinit.evidence.verdict import Verdict
from goodinit.figures.looks import styles
from goodinit.measuring.tables import CostCurves, Part, seconds_of
from goodinit.pages import lines, plane
from goodinit.pages.answer import answer, limits
from goodinit.pages.columns import evenly, packed
from goodinit.pages.command import YOURS, command
from goodinit.store.folder import versions
from goodinit.study.grid import Study
from goodinit.study.trials import AnyStudy, Trial
from goodinit.summary import cells, duration

_DRAWN = 24  # initializers: as many as have colours of their own
_BOUNDARIES = 12
_DOTS = 200  # seeds of an initializer
_NUMBERS = ("difference", "low", "high", "p_holm", "p_equivalent", "a_beats_b")
_STATES = ("undecided", "told apart", "equivalent")


class Compared(Protocol):
    """What the page asks a comparison for; see ``Comparison``."""

    @property
    def study(self) -> AnyStudy: ...
    @property
    def trials(self) -> pd.DataFrame: ...
    @property
    def signals(self) -> pd.DataFrame: ...
    @property
    def sharpness(self) -> pd.DataFrame: ...
    @property
    def networks(self) -> Mapping[Trial, Any]: ...
    @property
    def parts(self) -> Sequence[Part]: ...
    @property
    def evidence(self) -> Evidence: ...
    @property
    def verdicts(self) -> Sequence[Verdict]: ...
    @property
    def warnings(self) -> Sequence[str]: ...
    @property
    def theory(self) -> Sequence[str]: ...
    @property
    def errors(self) -> Sequence[str]: ...
    @property
    def chance(self) -> float: ...
    @property
    def interrupted(self) -> bool: ...
    @property
    def by(self) -> str | None: ...
    @property
    def margin(self) -> float: ...
    @property
    def command(self) -> str | None: ...
    def summary(self) -> pd.DataFrame: ...


def study_data(
    result: Compared, middles: pd.DataFrame, curves: Mapping[str, Iterable[CostCurves]]
) -> dict[str, Any]:
    """Return what the page of a comparison holds.

    Parameters
    ----------
    result : Comparison
    middles : DataFrame
        A row per initializer and learning rate, with ``train_cost``, the median.
    curves : mapping of str to iterable of CostCurves
        By measure ("train_cost", "test_cost").
    """
    study, evidence = result.study, result.evidence
    summary = result.summary()
    ranked = [verdict.initializer for verdict in result.verdicts]
    names = ranked[:_DRAWN]
    tested = bool(result.trials["test_accuracy"].notna().any())
    own = _at_own_rate(result.trials, evidence)
    thinned = (
        [f"Of {len(ranked)} initializers, the best {len(names)} are drawn; the table has all."]
        if len(names) < len(ranked)
        else []
    )
    known = [measure for measure in curves if measure == "train_cost" or tested]
    drawn = {
        "curves": lines.costs({m: curves[m] for m in known}, names, evidence.rates),
        "signals": lines.signals(_at_own_rate(result.signals, evidence), names),
        "sharpness": lines.sharpness(_at_own_rate(result.sharpness, evidence), names),
        "seeds": _seeds(own, names, tested=tested),
    }
    measure = "R²" if study.task == "regression" else "accuracy"
    headings, rows, notes = cells(study, summary, evidence.lead)
    can_not = limits(study, evidence, {"interrupted": result.interrupted, "tested": tested})
    said = [*result.errors, *evidence.statements, *result.warnings, *result.theory]
    return {
        "kind": "study",
        "title": study.title,
        "described": study.describe(),
        "answer": answer(result.verdicts, evidence.counting.counted(evidence.size)),
        "measure": measure,
        "table": {"headings": headings, "rows": rows, "notes": notes},
        "initializers": _initializers(result, names),
        "limits": can_not,
        "said": [one for one in dict.fromkeys(said) if one not in can_not],
        "rates": list(study.learning_rates),
        "chance": result.chance,
        **{name: of.data for name, of in drawn.items()},
        "pairs": _pairs(evidence, names, measure),
        "map": _map(middles, names, study),
        **_pictures(result, names),
        "made": _made(result, [*thinned, *(one for of in drawn.values() for one in of.thinned)]),
        "csv": summary.to_csv(index=False),
    }


def _at_own_rate(table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    return table[table["learning_rate"] == table["initializer"].map(evidence.rates)]


def _initializers(result: Compared, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return each initializer with its verdict and, where it is drawn, its looks; best first."""
    look = styles([scheme.name for scheme in result.study.schemes])
    return [
        {
            "name": verdict.initializer,
            "rate": result.evidence.rates[verdict.initializer],
            "label": verdict.label,
            "reason": verdict.reason,
            "remedy": remedy(verdict.label),
            "numbers": verdict.evidence,
            "colour": look[verdict.initializer].colour,
            "drawn": verdict.initializer in names,
        }
        for verdict in result.verdicts
    ]


def _seeds(own: pd.DataFrame, names: Sequence[str], *, tested: bool) -> lines.Drawn:
    """Return the accuracy of every seed, each part an array (initializers, seeds)."""
    seeds = np.sort(own["seed"].unique())
    some = seeds[evenly(len(seeds), _DOTS)]
    rows = own[own["seed"].isin(some)]
    parts = ("train", "test") if tested else ("train",)
    values = {
        part: rows.pivot(index="initializer", columns="seed", values=f"{part}_accuracy")
        for part in parts
    }
    known = {part: table for part, table in values.items() if table.notna().any(axis=None)}
    thinned = (
        [f"Of {len(seeds):,} seeds, the accuracy of {len(some)} is drawn."]
        if len(some) < len(seeds)
        else []
    )
    data = {
        "which": some.tolist(),
        **{part: packed(of.loc[list(names)]) for part, of in known.items()},
    }
    return lines.Drawn(data, thinned)


def _pairs(evidence: Evidence, names: Sequence[str], measure: str) -> list[dict[str, Any]]:
    """Return each outcome with its pairs, that which ranks first."""
    table = evidence.pairs
    table = table[table["a"].isin(names) & table["b"].isin(names)]
    outcomes = [one for one in dict.fromkeys((evidence.lead, *OUTCOMES)) if evidence.knows(one)]
    found = {outcome: table[table["outcome"] == outcome] for outcome in outcomes}
    return [
        {
            "outcome": outcome,
            "words": OUTCOMES[outcome].words.replace("accuracy", measure),
            "a": [names.index(name) for name in rows["a"]],
            "b": [names.index(name) for name in rows["b"]],
            "state": [
                _STATES[1] if apart else _STATES[2] if alike else _STATES[0]
                for apart, alike in zip(rows["told_apart"], rows["equivalent"], strict=True)
            ],
            **{number: packed(rows[number], "f64") for number in _NUMBERS},
        }
        for outcome, rows in found.items()
        if len(rows)
    ]


def _map(middles: pd.DataFrame, names: Sequence[str], study: AnyStudy) -> Any:
    """Return the median final cost of each initializer at each of several learning rates."""
    if len(study.learning_rates) == 1:
        return None
    table = middles.pivot(index="initializer", columns="learning_rate", values="train_cost")
    return packed(table.reindex(index=list(names), columns=list(study.learning_rates)), "f64")


def _pictures(result: Compared, names: Sequence[str]) -> dict[str, Any]:
    study = result.study
    if not isinstance(study, Study) or study.dataset.classes is None:
        return {}
    if study.dataset.image_shape:
        return {"images": plane.images(study.dataset)}
    if not study.has_boundaries:
        return {}
    panels = _panels(result, names[:_BOUNDARIES])
    return {"boundaries": plane.boundaries(study.dataset, study.network, panels)} if panels else {}


def _panels(result: Compared, names: Sequence[str]) -> list[tuple[str, int, Any]]:
    """Return a title, a place and a network for each initializer: of its median seed."""
    found = []
    own = _at_own_rate(result.trials, result.evidence)
    for row, trial in median_trials(own[own["initializer"].isin(names)], result.study):
        if trial in result.networks:
            test = "" if np.isnan(row["test_accuracy"]) else f", {row['test_accuracy']:.0%} test"
            title = f"seed {trial.seed}: {row['train_accuracy']:.0%} train{test}"
            found.append((title, names.index(trial.initializer), result.networks[trial]))
    return sorted(found, key=lambda panel: panel[1])


def _made(result: Compared, thinned: Sequence[str]) -> dict[str, Any]:
    """Return how the study was made, and what of it the page leaves out."""
    study = result.study
    again = result.command or command(study, result.by, result.margin)
    return {
        "command": again,
        "note": f"{YOURS} stands for what you gave, with the options that say how it is read."
        if YOURS in again
        else "",
        "took": _took(seconds_of(result.parts)),
        "versions": versions(),
        "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "study": study.as_dict(),
        "thinned": list(thinned),
    }


def _took(seconds: float | None) -> str:
    """Say how long training took; nothing of a folder of an earlier version, which doesn't know."""
    if seconds is None:
        return ""
    return f"Training and measuring took {duration(seconds)}, the batches of all workers added."
