"""Each trial's measurements as the rules look at them, taken from the tables of a study."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from goodinit.evidence.causes import Run
from goodinit.evidence.examples import Examples
from goodinit.measuring.tables import KEYS

Array = NDArray[np.float64]
_NOT_SIGNALS = (*KEYS, "moment", "layer", "name", "finding", "reason")


@dataclass(frozen=True)
class Runs(Sequence[Run]):
    """The runs of one initializer at one learning rate, made when they are looked at.

    Attributes
    ----------
    signals : dict of str to array, shape (seeds, 2, layers)
        At the start and at the end.
    gains, stability : array, shapes (seeds, layers) and (seeds, moments)
    initial_cost, train_cost, diverged : array, shape (seeds,)
    chance : float
    found : sequence, optional
    examples : Examples, optional
    pace : array, shape (seeds,), optional
    iterations : int
        As in ``Run``.
    """

    signals: dict[str, Array]
    gains: Array
    stability: Array
    initial_cost: Array
    train_cost: Array
    diverged: NDArray[np.bool_]
    chance: float
    found: Sequence[tuple[str, ...]] | None = None
    examples: Examples | None = None
    pace: Array | None = None
    iterations: int = 0

    def __len__(self) -> int:
        return len(self.diverged)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | Sequence[Run]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        start, end = (
            {name: of[index, moment] for name, of in self.signals.items()} for moment in (0, 1)
        )
        return Run(
            start,
            end,
            self.gains[index],
            self.stability[index],
            self.chance,
            float(self.initial_cost[index]),
            float(self.train_cost[index]),
            bool(self.diverged[index]),
            None if self.found is None else self.found[index],
            self.examples,
            0.0 if self.pace is None else float(self.pace[index]),
            self.iterations,
        )


def runs_by_initializer(
    trials: pd.DataFrame,
    signals: pd.DataFrame,
    sharpness: pd.DataFrame,
    rates: dict[str, float],
    *,
    chance: float,
    input_rms: float,
    examples: Examples | None = None,
    pace: Array | None = None,
    iterations: int = 0,
) -> dict[str, Sequence[Run]]:
    """Return every trial's measurements as a ``Run``, at each initializer's own learning rate.

    Parameters
    ----------
    trials, signals, sharpness : DataFrame
        As in ``Comparison``, rows of one trial in order of moment and layer.
    rates : dict of str to float
        As in ``Evidence``.
    chance : float
        The cost of chance.
    input_rms : float
        Root mean square of the training inputs.
    examples : Examples, optional
        What the training examples are like, where they are known.
    pace : array, shape (trials,), optional
        By how much each trial's cost falls per iteration at the end.
    iterations : int
        How many were made.
    """
    runs: dict[str, Sequence[Run]] = {}
    for name, rate in rates.items():
        own, layers, bends = (
            table[(table["initializer"] == name) & (table["learning_rate"] == rate)]
            for table in (trials, signals, sharpness)
        )
        arrays = {
            str(signal): layers[signal].to_numpy(dtype=float).reshape(len(own), 2, -1)
            for signal in layers
            if signal not in _NOT_SIGNALS
        }
        stability = bends["stability"].to_numpy().reshape(len(own), -1)
        gains = (
            arrays["gain"][:, 0]  # as inspecting a module measures it
            if "gain" in arrays
            else _gains(arrays["preactivation_rms"], arrays["activation_rms"], input_rms)
        )
        runs[name] = Runs(
            arrays,
            gains,
            stability,
            own["initial_cost"].to_numpy(),
            own["train_cost"].to_numpy(),
            own["diverged"].to_numpy(),
            chance,
            _found(layers, len(own)) if "finding" in layers else None,
            examples,
            None if pace is None else pace[own.index.to_numpy()],
            iterations,
        )
    return runs


def _gains(preactivations: Array, activations: Array, input_rms: float) -> Array:
    """Return each layer's pre-activation RMS at the start over its input's, (seeds, layers)."""
    first = np.full((len(activations), 1), input_rms)
    inputs = np.concatenate([first, activations[:, 0, :-1]], axis=1)
    with np.errstate(all="ignore"):
        gains = preactivations[:, 0] / inputs
    return np.where(inputs > 0, gains, 0.0)


def _found(layers: pd.DataFrame, seeds: int) -> list[tuple[str, ...]]:
    """Return label and reason of the first finding at the start, for each seed."""
    start = layers[layers["moment"] == "start"]
    labels = start["finding"].to_numpy(dtype=object).reshape(seeds, -1)
    reasons = start["reason"].to_numpy(dtype=object).reshape(seeds, -1)
    firsts = [next((i for i, label in enumerate(row) if label), None) for row in labels]
    return [
        () if first is None else (labels[seed, first], reasons[seed, first])
        for seed, first in enumerate(firsts)
    ]
