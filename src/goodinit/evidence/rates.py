"""At which learning rate each initializer is compared, where several were tried, and by what."""

import numpy as np
import pandas as pd

from goodinit.study.trials import AnyStudy


def chosen_by(trials: pd.DataFrame, lead: str) -> str:
    """Return the column by which a learning rate is chosen: as what ranks, but of the validation.

    The test part has no say in it, or what is reported of it would be too good. Where no examples
    were set aside, and where training ranks, it is the training cost.
    """
    validation = lead.replace("test", "validation")
    return validation if lead.startswith("test") and validation in trials else "train_cost"


def best_rates(trials: pd.DataFrame, lead: str = "train_cost") -> dict[str, float]:
    """Return each initializer's learning rate of the best median in ``chosen_by``.

    Of rates alike in that, the one of the lowest median training cost.
    """
    by = chosen_by(trials, lead)
    sign = -1.0 if by.endswith("accuracy") else 1.0
    order = {"by": (sign * trials[by]).fillna(np.inf), "cost": trials["train_cost"].fillna(np.inf)}
    ranked = trials[["initializer", "learning_rate"]].assign(**order)
    rates: dict[str, float] = {}
    for name, group in ranked.groupby("initializer", sort=False):
        medians = group.groupby("learning_rate", sort=False)[["by", "cost"]].median()
        rates[str(name)] = float(medians.sort_values(["by", "cost"], kind="stable").index[0])
    return rates


def choice(study: AnyStudy, trials: pd.DataFrame, lead: str) -> tuple[str, ...]:
    """Return in a sentence by what the rates were chosen, where there was a choice."""
    if len(study.learning_rates) < 2:
        return ()
    by = chosen_by(trials, lead)
    best = "highest" if by.endswith("accuracy") else "lowest"
    measure = "R²" if study.task == "regression" else "accuracy"
    said = by.replace("train_", "training_").replace("_", " ").replace("accuracy", measure)
    on = ""
    if by.startswith("validation"):
        kept = study.as_dict()["data"].get("validation_examples", 0)
        on = f", on {kept:,} examples of the training part"
    return (
        f"Each initializer is shown at its own learning rate, of the {best} median {said}{on}.",
    )
