"""What the costs of a standardised number to predict are in its own units."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from goodinit.datasets.dataset import TargetScale, plain
from goodinit.study.grid import Study
from goodinit.study.trials import AnyStudy


def errors(trials: pd.DataFrame, study: AnyStudy) -> dict[str, float]:
    """Return the median root mean square error of trials, of both parts where there are two."""
    scale, spreads = _scale(study), _spreads(study)
    if spreads is not None:
        split = trials["seed"].to_numpy() % study.splits
        return {
            # R² is told against the mean square of the part about its own mean.
            f"{part}_error": float(
                np.median(
                    np.array(spreads[part])[split]
                    * np.sqrt(1 - trials[f"{part}_accuracy"].fillna(-np.inf))
                )
            )
            for part in ("train", "test")
            if spreads[part] and trials[f"{part}_accuracy"].notna().any()
        }
    if scale is None:
        return {}
    # The cost of a number is half the mean square, in the deviation of its own training part.
    squares = _deviations(study)[trials["seed"] % study.splits] ** 2
    return {
        f"{part}_error": float(
            scale.deviation
            * np.sqrt(2 * (trials[f"{part}_cost"].fillna(np.inf) * squares).median())
        )
        for part in ("train", "test")
        if trials[f"{part}_cost"].notna().any()
    }


def sentences(summary: pd.DataFrame, study: AnyStudy) -> tuple[str, ...]:
    """Return the errors of a summary's initializers in a sentence; none for unscaled ones."""
    scale, spreads = _scale(study), _spreads(study)
    part = "test" if "test_error" in summary else "train"
    if f"{part}_error" not in summary:
        return ()
    name = scale.name if scale is not None else (spreads or {})["name"]
    each = ", ".join(
        f"{initializer} {plain(error)}"
        for initializer, error in zip(summary["initializer"], summary[f"{part}_error"], strict=True)
    )
    return (
        f"Root mean square error in units of {name}, on {part}, median over seeds: "
        f"{each}; guessing the training mean {plain(_of_guessing(study, part))}.",
    )


def _of_guessing(study: AnyStudy, part: str) -> float:
    """Return the error of the mean of the training part, as an answer to a part; over splits."""
    if (spreads := _spreads(study)) is not None:
        return float(np.median(spreads["guessing" if part == "test" else "train"]))
    every = study.datasets.datasets if isinstance(study, Study) else ()
    scaled = [(of, of.target_scale.deviation) for of in every if of.target_scale is not None]
    errors = [
        deviation * np.sqrt(np.mean((getattr(of, f"y_{part}") - of.y_train.mean()) ** 2))
        for of, deviation in scaled
    ]
    return float(np.median(errors)) if errors else float("nan")


def _deviations(study: AnyStudy) -> NDArray[np.float64]:
    """Return what 1 stands for on each split, in what it stands for on the first."""
    every = study.datasets.datasets if isinstance(study, Study) else ()
    scales = np.array([of.target_scale.deviation for of in every if of.target_scale])
    return np.asarray(scales / scales[0])


def _spreads(study: AnyStudy) -> dict[str, Any] | None:
    """Return what a module's study says of its targets' spread in their own units, if anything."""
    found: dict[str, Any] | None = getattr(study, "in_units", None)
    return found


def _scale(study: AnyStudy) -> TargetScale | None:
    return study.dataset.target_scale if isinstance(study, Study) else None
