"""At which learning rate each initializer is compared, where several were tried, and by what."""

import numpy as np
import pandas as pd

from goodinit.study.trials import AnyStudy

_WORST = -1.0  # of an accuracy or R²: lower ones say no more


def chosen_by(trials: pd.DataFrame, lead: str) -> str:
    """Return the column by which a learning rate is chosen: as what ranks, but of the validation.

    The test part has no say in it, or what is reported of it would be too good. Where no examples
    were set aside, and where training ranks, it is the training cost.
    """
    validation = lead.replace("test", "validation")
    return validation if lead.startswith("test") and validation in trials else "train_cost"


def best_rates(trials: pd.DataFrame, lead: str = "train_cost") -> dict[str, float]:
    """Return each initializer's best learning rate by ``chosen_by``.

    Of an accuracy the mean counts, of a cost the median. On a small part many seeds have the same
    accuracy, so that medians tie where means don't; a diverged seed counts as -1, and so does an R²
    below it. Of rates alike in that, the one of the lowest median training cost.
    ``docs/evidence.md`` has what other choices lose.
    """
    by = chosen_by(trials, lead)
    accuracy = by.endswith("accuracy")
    values = (
        -trials[by].clip(lower=_WORST).fillna(_WORST) if accuracy else trials[by].fillna(np.inf)
    )
    ranked = trials[["initializer", "learning_rate"]].assign(
        by=values, cost=trials["train_cost"].fillna(np.inf)
    )
    rates: dict[str, float] = {}
    for name, group in ranked.groupby("initializer", sort=False):
        each = group.groupby("learning_rate", sort=False)
        found = each.agg(by=("by", "mean" if accuracy else "median"), cost=("cost", "median"))
        rates[str(name)] = float(found.sort_values(["by", "cost"], kind="stable").index[0])
    return rates


def choice(study: AnyStudy, trials: pd.DataFrame, lead: str) -> tuple[str, ...]:
    """Return in a sentence by what the rates were chosen, where there was a choice."""
    if len(study.learning_rates) < 2:
        return ()
    by = chosen_by(trials, lead)
    best = "highest mean" if by.endswith("accuracy") else "lowest median"
    measure = "R²" if study.task == "regression" else "accuracy"
    said = by.replace("train_", "training_").replace("_", " ").replace("accuracy", measure)
    on = ""
    if by.startswith("validation"):
        kept = study.as_dict()["data"].get("validation_examples", 0)
        on = f", on {kept:,} examples of the training part"
    return (f"Each initializer is shown at its own learning rate, of the {best} {said}{on}.",)
