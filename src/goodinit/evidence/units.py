"""What the costs of a standardised number to predict are in its own units."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from goodinit.datasets.dataset import TargetScale, plain
from goodinit.study.grid import Study
from goodinit.study.trials import AnyStudy


def errors(trials: pd.DataFrame, study: AnyStudy) -> dict[str, float]:
    """Return the median root mean square error of trials, of both parts where there are two."""
    scale = _scale(study)
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
    scale = _scale(study)
    if scale is None:
        return ()
    part = "test" if "test_error" in summary else "train"
    each = ", ".join(
        f"{name} {plain(error)}"
        for name, error in zip(summary["initializer"], summary[f"{part}_error"], strict=True)
    )
    return (
        f"Root mean square error in units of {scale.name}, on {part}, median over seeds: "
        f"{each}; guessing the training mean {plain(_of_guessing(study, part))}.",
    )


def _of_guessing(study: AnyStudy, part: str) -> float:
    """Return the error of the mean of the training part, as an answer to a part; over splits."""
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


def _scale(study: AnyStudy) -> TargetScale | None:
    return study.dataset.target_scale if isinstance(study, Study) else None
