"""What can be wrong with a run, and from which number on: the rules that find a cause.

They look at measurements alone; no rule knows a scheme's name.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Numbers = dict[str, float]
UNSTABLE = "learning rate too high"


class Threshold(NamedTuple):
    """A number that decides, and why it is that number."""

    value: float
    reason: str


THRESHOLDS: dict[str, Threshold] = {
    "most": Threshold(0.5, "a cause must be there in more than this share of the seeds"),
    "stuck": Threshold(0.9, "a final cost above this part of the cost of chance is no learning"),
    "poor": Threshold(
        0.5, "where nothing better is known, a final cost above this part of chance counts as harm"
    ),
    "learned": Threshold(
        0.9,
        "of how far the best initializer's cost ends below chance: who gets further has at most "
        "been slower",
    ),
    "far_above_chance": Threshold(
        5.0, "times chance: healthy schemes start within a factor of two of it, and end below it"
    ),
    "large_gain": Threshold(
        5.0, "times its input: no activation in use wants more than 2 (gelu, silu 1.7)"
    ),
    "small_gain": Threshold(
        0.2, "times its input: no activation in use wants less than 1, and two layers make 0.04"
    ),
    "growth": Threshold(
        30.0, "over all hidden layers: a healthy scheme keeps within a factor of a few at any depth"
    ),
    "decay": Threshold(1 / 30, "over all hidden layers: the reciprocal of growth"),
    "duplicates": Threshold(0.5, "at most this share of a layer's units is distinct"),
    "dead": Threshold(
        0.9,
        "at least this share of a layer's units is dead: depth alone kills about half of ReLUs, as "
        "all examples come to point the same way",
    ),
    "saturated": Threshold(0.5, "at least this share of a layer's units is saturated"),
    "unstable": Threshold(
        2.0,
        "times the limit of stability: training may settle at the limit itself (Cohen et al. "
        "2021), and up to twice the limit it overshoots into a flatter place and goes on "
        "(Lewkowycz et al. 2020)",
    ),
}


@dataclass(frozen=True)
class Run:
    """One trial's measurements, as the rules look at them; arrays go layer by layer.

    Attributes
    ----------
    start, end : dict of str to array
        The layers' signals; the last is the output layer.
    gains : array
        Each layer's pre-activation RMS over the RMS of its input, at the start.
    stability : array
        Learning rate × sharpness over its limit, at the moments where sharpness was measured.
    chance, initial_cost, train_cost : float
    diverged : bool
    """

    start: dict[str, NDArray[np.float64]]
    end: dict[str, NDArray[np.float64]]
    gains: NDArray[np.float64]
    stability: NDArray[np.float64]
    chance: float
    initial_cost: float
    train_cost: float
    diverged: bool

    @property
    def cost_of_chance(self) -> float:
        """The final cost as a part of the cost of chance; infinite where there is none."""
        cost = self.train_cost / self.chance
        return float(cost) if np.isfinite(cost) else float("inf")


Look = Callable[[Run], Numbers | None]


@dataclass(frozen=True)
class Rule:
    """A label, how its cause is seen in one run (its numbers, or None), and how it is told."""

    label: str
    look: Look
    sentence: str


def value(name: str) -> float:
    """Return a threshold's number."""
    return THRESHOLDS[name].value


def _large(run: Run) -> Numbers | None:
    """Find a layer that multiplies its input so much that the first cost is far above chance."""
    ratio = run.initial_cost / run.chance
    gains = np.where(np.isfinite(run.gains), run.gains, np.inf)
    if ratio < value("far_above_chance") or gains.max() < value("large_gain"):
        return None
    return {
        "layer": float(gains.argmax() + 1),
        "gain": float(gains.max()),
        "initial_ratio": ratio if np.isfinite(ratio) else float("inf"),
    }


def _layer_below(run: Run, signal: str, limit: float, *, end_too: bool) -> int | None:
    """Return the hidden layer of several units where a share of the units is least, if within."""
    units = run.start["units"][:-1]
    share = run.start[signal][:-1] / units
    if end_too:
        share = np.maximum(share, run.end[signal][:-1] / units)
    share = np.where(units > 1, share, np.inf)
    if not share.size or not np.nanmin(share) <= limit:
        return None
    return int(np.nanargmin(share))


def _symmetry(run: Run) -> Numbers | None:
    layer = _layer_below(run, "distinct_units", value("duplicates"), end_too=True)
    if layer is None:
        return None
    return {
        "layer": layer + 1,
        "units": float(run.start["units"][layer]),
        "distinct_units": float(run.end["distinct_units"][layer]),
    }


def _worst(fractions: NDArray[np.float64], limit: float) -> tuple[int, float] | None:
    """Return the hidden layer with the largest fraction and that, where it reaches the limit."""
    hidden = fractions[:-1]
    if not hidden.size or not np.nan_to_num(hidden).max() >= limit:
        return None
    layer = int(np.nan_to_num(hidden).argmax())
    return layer, float(hidden[layer])


def _fraction(signal: str, moment: str) -> Look:
    def look(run: Run) -> Numbers | None:
        found = _worst(getattr(run, moment)[signal], value(signal.removesuffix("_fraction")))
        return None if found is None else {"layer": found[0] + 1, "share": 100 * found[1]}

    return look


def _compounded(signal: str) -> Callable[[Run], Numbers]:
    """Return a look at what a typical hidden layer does to a signal, and all of them together.

    The gradient runs backwards. The typical layer is the median one: a single layer that is out of
    line is that layer's fault, not the depth's.
    """

    def look(run: Run) -> Numbers:
        scales = run.start[signal][:-1]
        scales = scales[::-1] if signal == "gradient_rms" else scales
        with np.errstate(all="ignore"):  # a layer that is silent has no step: NaN
            steps = scales[1:] / scales[:-1]
            step = float(np.median(steps)) if len(steps) else 1.0
            ratio = float(np.power(step, len(steps)))
        return {"step": step, "layers": float(len(scales)), "ratio": ratio}

    return look


def _exploding(signal: str) -> Look:
    """Look for growth by depth; where a typical layer is too large by itself, depth isn't it."""
    compounded = _compounded(signal)

    def look(run: Run) -> Numbers | None:
        found = compounded(run)
        by_depth = np.median(run.gains) < value("large_gain")
        return found if by_depth and found["ratio"] >= value("growth") else None

    return look


def _vanishing(signal: str) -> Look:
    compounded = _compounded(signal)

    def look(run: Run) -> Numbers | None:
        found = compounded(run)
        return found if 0 < found["ratio"] <= value("decay") else None

    return look


def _small(run: Run) -> Numbers | None:
    """Find a hidden layer that passes little on; a small output layer catches up by itself."""
    hidden = run.gains[:-1]
    if not hidden.size or not hidden.min() <= value("small_gain"):
        return None
    return {"layer": float(hidden.argmin() + 1), "gain": float(hidden.min())}


def unstable(run: Run) -> Numbers | None:
    """Return how far a run went over the limit of stability, None where it stayed near or below.

    Where the cost ends no lower than it began, the limit itself counts: no step has helped.
    """
    highest = highest_stability(run)
    limit = value("unstable") if run.train_cost < run.initial_cost else 1.0
    return {"times": highest} if highest > limit else None


def highest_stability(run: Run) -> float:
    """Return the largest learning rate × sharpness seen, in limits of stability; 0 if none was."""
    seen = run.stability[np.isfinite(run.stability)]
    return float(seen.max()) if seen.size else 0.0


def _diverging(run: Run) -> Numbers | None:
    """Look for a cost that ceases to be a number, or ends far above where it began and chance."""
    limit = max(run.initial_cost, value("far_above_chance") * run.chance)
    return {} if run.diverged or run.train_cost > limit else None


# The first rule that most seeds meet gives the label. What is there at the start comes before what
# may be its consequence; the learning rate comes after what no learning rate would mend. Weights
# that are too small in single layers also make gradients vanish: the label is the cause.
RULES: tuple[Rule, ...] = (
    Rule(
        "fails to break symmetry",
        _symmetry,
        "{distinct_units} distinct of {units} units in layer {layer} at start and end",
    ),
    Rule(
        "exploding gradients",
        _exploding("preactivation_rms"),
        "a typical layer multiplies the signal by {step}, {layers} hidden layers by {ratio}",
    ),
    Rule(
        "exploding gradients",
        _exploding("gradient_rms"),
        "a typical layer multiplies the gradient on its way back by {step}, {layers} hidden layers "
        "by {ratio}",
    ),
    Rule(
        "weights too large",
        _large,
        "layer {layer} multiplies its input by {gain}, and the first cost is {initial_ratio} times "
        "that of guessing",
    ),
    Rule(
        "saturated",
        _fraction("saturated_fraction", "start"),
        "{share}% of the units of layer {layer} are saturated at the start",
    ),
    Rule(
        "dead units",
        _fraction("dead_fraction", "start"),
        "{share}% of the units of layer {layer} are dead at the start",
    ),
    Rule(
        UNSTABLE,
        unstable,
        "learning rate × sharpness reaches {times} times the limit of stability",
    ),
    Rule("diverges", _diverging, "the cost grows instead of falling"),
    Rule(
        "weights too small",
        _small,
        "layer {layer} passes on {gain} of its input",
    ),
    Rule(
        "vanishing gradients",
        _vanishing("preactivation_rms"),
        "a typical layer multiplies the signal by {step}, {layers} hidden layers by {ratio}",
    ),
    Rule(
        "vanishing gradients",
        _vanishing("gradient_rms"),
        "a typical layer multiplies the gradient on its way back by {step}, {layers} hidden layers "
        "by {ratio}",
    ),
    Rule(
        "dead units",
        _fraction("dead_fraction", "end"),
        "{share}% of the units of layer {layer} are dead at the end",
    ),
)


def find_cause(runs: Sequence[Run]) -> tuple[str, str, Numbers] | None:
    """Return the label, sentence and numbers of the first cause that most runs show."""
    for rule in RULES:
        seen = [found for found in map(rule.look, runs) if found is not None]
        if len(seen) > value("most") * len(runs):
            # The lower of two middle values: there is no layer 2.5.
            numbers = {key: median_low([found[key] for found in seen]) for key in seen[0]}
            told = rule.sentence.format(**{key: shown(number) for key, number in numbers.items()})
            where = "" if len(seen) == len(runs) else f", in {len(seen)} of {len(runs)} seeds"
            return rule.label, told + where, numbers
    return None


def shown(number: float) -> str:
    """Return a number as a sentence has it: three digits, thousands whole.

    Examples
    --------
    >>> [shown(number) for number in (10.0, 0.012345, 1234.5, 3e9)]
    ['10', '0.0123', '1,234', '3e+09']
    """
    return f"{number:,.0f}" if 1e3 <= number < 1e6 else f"{number:.3g}"


def runs_by_initializer(
    trials: pd.DataFrame,
    signals: pd.DataFrame,
    sharpness: pd.DataFrame,
    rates: dict[str, float],
    *,
    chance: float,
    input_rms: float,
) -> dict[str, Sequence[Run]]:
    """Return every trial's measurements as a ``Run``, at each initializer's own learning rate.

    Parameters
    ----------
    trials, signals, sharpness : DataFrame
        As in ``Comparison``.
    rates : dict of str to float
        As in ``Evidence``.
    chance : float
        The cost of chance.
    input_rms : float
        Root mean square of the training inputs.
    """
    keys = ["initializer", "learning_rate", "seed"]
    layers = dict(iter(signals.groupby([*keys, "moment"], sort=False)))
    bends = {key: part["stability"].to_numpy() for key, part in sharpness.groupby(keys, sort=False)}
    runs: dict[str, Sequence[Run]] = {}
    for name, rate in rates.items():
        chosen = trials[(trials["initializer"] == name) & (trials["learning_rate"] == rate)]
        runs[name] = [
            _run(trial, layers, bends, chance=chance, input_rms=input_rms)
            for trial in chosen.to_dict("records")
        ]
    return runs


def _run(
    trial: dict[Any, Any],
    layers: dict[Any, pd.DataFrame],
    bends: dict[Any, NDArray[np.float64]],
    *,
    chance: float,
    input_rms: float,
) -> Run:
    key = (trial["initializer"], trial["learning_rate"], trial["seed"])
    start, end = (
        {str(name): part[name].to_numpy(dtype=float) for name in part if name not in _KEYS}
        for part in (layers[*key, "start"], layers[*key, "end"])
    )
    inputs = np.concatenate([[input_rms], start["activation_rms"][:-1]])
    with np.errstate(all="ignore"):
        gains = start["preactivation_rms"] / inputs
    return Run(
        start,
        end,
        np.where(inputs > 0, gains, 0.0),
        bends[key],
        chance,
        trial["initial_cost"],
        trial["train_cost"],
        trial["diverged"],
    )


_KEYS = ("initializer", "learning_rate", "seed", "moment", "layer")
