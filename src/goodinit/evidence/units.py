"""What the costs of a standardised number to predict are in its own units."""

import numpy as np
import pandas as pd

from goodinit.datasets.dataset import TargetScale, plain
from goodinit.study.grid import Study
from goodinit.study.trials import AnyStudy


def errors(trials: pd.DataFrame, study: AnyStudy) -> dict[str, float]:
    """Return the median root mean square error of trials, of both parts where there are two."""
    scale = _scale(study)
    if scale is None:
        return {}
    return {  # the cost of a number is half the mean square
        f"{part}_error": float(
            scale.deviation * np.sqrt(2 * trials[f"{part}_cost"].fillna(np.inf).median())
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
    """Return the error of the mean of the training part, as an answer to a part."""
    if not isinstance(study, Study) or study.dataset.target_scale is None:
        return float("nan")
    data, deviation = study.dataset, study.dataset.target_scale.deviation
    y = data.y_test if part == "test" else data.y_train
    return float(deviation * np.sqrt(np.mean((y - data.y_train.mean()) ** 2)))


def _scale(study: AnyStudy) -> TargetScale | None:
    return study.dataset.target_scale if isinstance(study, Study) else None
