"""Theory beside measurement: predictions of a study's networks, and whether they came true."""

from collections.abc import Mapping
from contextlib import suppress

import numpy as np
import pandas as pd

from goodinit.errors import ArgumentError
from goodinit.study.grid import Study
from goodinit.theory.examples import representatives
from goodinit.theory.predict import of_network
from goodinit.theory.prediction import Prediction

# A line of ``Comparison.signals``, and the columns of ``Prediction.layers`` that speak of it.
LINES = {
    "preactivation_rms": ("preactivation_rms", "low", "high"),
    "gradient_rms": ("gradient_rms", "gradient_low", "gradient_high"),
}

_DRAWS = 60
_FEWEST_SEEDS = 5  # of which most can't leave a 90 % band by luck
_MOST = 0.5
_ROUNDING = 1e-4  # of a scale
_SAMPLED = 0.2  # of one whose band has no width: theory looks at some of the examples


def predictions(study: Study) -> dict[str, Prediction]:
    """Return what theory predicts of each initializer of a study.

    Of one that can't be drawn from, as of a study that was read back, it says nothing.
    """
    found, examples = {}, representatives(study.dataset)
    for scheme in study.schemes:
        std = scheme.bias_std or study.biases.std
        with suppress(ArgumentError):
            found[scheme.name] = of_network(
                study.dataset,
                scheme,
                hidden=study.network.layers[1:-1],
                activation=study.network.activation,
                bias_std=std,
                draws=_DRAWS,
                examples=examples,
            )
    return found


def beside(signals: pd.DataFrame, found: Mapping[str, Prediction]) -> pd.DataFrame:
    """Return signals with theory's columns beside them, on the rows of the start; NaN on others.

    ``preactivation_rms_theory, preactivation_rms_low, preactivation_rms_high``, and likewise
    ``gradient_rms_...``.
    """
    tables = [
        one.layers.assign(initializer=name, moment="start").rename(
            columns={
                old: new
                for line, olds in LINES.items()
                for old, new in zip(olds, _columns(line), strict=True)
            }
        )
        for name, one in found.items()
    ]
    keys = ["initializer", "moment", "layer"]
    kept = [*keys, *(column for line in LINES for column in _columns(line))]
    theory = pd.concat(tables)[kept]
    return signals.merge(theory, on=keys, how="left", validate="many_to_one")


def _columns(line: str) -> tuple[str, str, str]:
    return f"{line}_theory", f"{line}_low", f"{line}_high"


def disagreements(signals: pd.DataFrame) -> tuple[str, ...]:
    """Return a sentence for each initializer whose measurements leave the band in most seeds.

    Parameters
    ----------
    signals : DataFrame
        With theory's columns; of one learning rate, since all start alike.
    """
    said = []
    start = signals[signals["moment"] == "start"]
    for name, of in start.groupby("initializer", sort=False):
        seeds, layers = of["seed"].nunique(), of["layer"].to_numpy()
        if seeds < _FEWEST_SEEDS:
            continue
        for line, what in (("preactivation_rms", "pre-activation"), ("gradient_rms", "gradient")):
            columns = (line, *_columns(line)[1:])
            seen, low, high = (of[column].to_numpy(dtype=float) for column in columns)
            wide = high > low * (1 + _ROUNDING)
            slack = np.where(wide, _ROUNDING, _SAMPLED) * seen
            away = np.bincount(layers[(seen < low - slack) | (seen > high + slack)], minlength=1)
            worst = away.argmax()
            if away[worst] > _MOST * seeds:
                said.append(
                    f"theory, {name}: layer {worst}'s {what} RMS leaves the band that theory gives "
                    f"it in {away[worst]} of {seeds} seeds"
                )
    return tuple(said)


def remarks(found: Mapping[str, Prediction]) -> tuple[str, ...]:
    """Return what theory has to say of depth, of each initializer of which it says something."""
    by_sentence: dict[str, list[str]] = {}
    for name, one in found.items():
        for sentence in () if one.silent else one.sentences():
            by_sentence.setdefault(sentence, []).append(name)
    return tuple(
        sentence.replace("theory:", f"theory, {', '.join(names)}:", 1)
        for sentence, names in by_sentence.items()
    )
