"""What can be wrong with a run, and from which number on: the rules that find a cause.

They look at measurements alone; no rule knows a scheme's name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from goodinit.evidence.examples import Examples
from goodinit.evidence.thresholds import THRESHOLDS, value

__all__ = ["CAUSES", "RULES", "THRESHOLDS", "Cause", "Rule", "Run", "find_cause", "shown", "value"]

Numbers = dict[str, float]
UNSTABLE = "learning rate too high"


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
    found : tuple of str, optional
        Label and reason of what inspecting a PyTorch module found first at the start; empty where
        nothing. None for our own networks, which the rules look at themselves.
    examples : Examples, optional
        What the training examples are like, where they are known.
    pace : float
        By how much the cost falls per iteration at the end.
    iterations : int
        How many were made.
    """

    start: dict[str, NDArray[np.float64]]
    end: dict[str, NDArray[np.float64]]
    gains: NDArray[np.float64]
    stability: NDArray[np.float64]
    chance: float
    initial_cost: float
    train_cost: float
    diverged: bool
    found: tuple[str, ...] | None = None
    examples: Examples | None = None
    pace: float = 0.0
    iterations: int = 0

    @property
    def cost_of_chance(self) -> float:
        """The final cost as a part of the cost of chance; infinite where there is none.

        Where chance has no cost that is known and above 0, as a part of the first cost; where that
        isn't above 0 either, 0 if the cost fell.
        """
        whole = self.chance if self.chance > 0 else self.initial_cost
        if not whole > 0:
            return 0.0 if self.train_cost < self.initial_cost else float("inf")
        cost = self.train_cost / whole
        return float(cost) if np.isfinite(cost) else float("inf")


Look = Callable[[Run], Numbers | None]


@dataclass(frozen=True)
class Cause:
    """A label, and the sentence that tells the cause; in braces what fills it."""

    label: str
    sentence: str

    def tell(self, numbers: Mapping[str, object], words: Mapping[str, str]) -> str:
        """Return the sentence, its numbers written out, and the words that depend on who tells."""
        said = {
            key: shown(number) if isinstance(number, float) else str(number)
            for key, number in numbers.items()
        }
        return self.sentence.format(**said, **{key: w.format(**said) for key, w in words.items()})


CAUSES: dict[str, Cause] = {
    "symmetry": Cause(
        "fails to break symmetry",
        "{distinct_units} distinct of {units} units in layer {layer} {when}",
    ),
    "targets contradict": Cause(
        "contradicting targets",
        "equal inputs have different targets: no function gets below a cost of {floor}",
    ),
    "inputs": Cause(
        "data not scaled", "the inputs have an RMS of {rms} where standardised ones have 1"
    ),
    "scales": Cause(
        "data not scaled", "the features' scales are a factor of {scales} apart: standardise them"
    ),
    "targets": Cause(
        "targets not scaled", "the targets have an RMS of {rms} where standardised ones have 1"
    ),
    "signal grows": Cause(
        "exploding gradients",
        "a typical layer multiplies the signal by {step}, {layers} hidden layers by {ratio}",
    ),
    "gradient grows": Cause(
        "exploding gradients",
        "a typical layer multiplies the gradient on its way back by {step}, {layers} hidden layers "
        "by {ratio}",
    ),
    "large": Cause("weights too large", "layer {layer} multiplies its input by {gain}, and {harm}"),
    "saturated": Cause("saturated", "{share}% of the units of layer {layer} are saturated {when}"),
    "states": Cause("saturated", "{share}% of the states of layer {layer} are saturated {when}"),
    "softmax": Cause(
        "saturated",
        "the softmax that layer {layer} feeds sees fewer than two places in {share}% of its rows",
    ),
    "gate": Cause("saturated", "{share}% of the states of a gate of layer {layer} are saturated"),
    "dead": Cause("dead units", "{share}% of the units of layer {layer} are dead {when}"),
    "time grows": Cause(
        "exploding gradients",
        "over {steps} steps in time the gradient of {layer} grows {ratio} times on its way back",
    ),
    "time decays": Cause(
        "vanishing gradients",
        "over {steps} steps the gradient of {layer} falls to {ratio} of its largest",
    ),
    "both zero": Cause(
        "vanishing gradients",
        "{drawn} and {others} are all zero, so that neither ever gets a gradient{more}",
    ),
    "cut off": Cause(
        "vanishing gradients",
        "no gradient reaches {names}: between there and the outputs something has no slope, as a "
        "detach, rounding or an index",
    ),
    "alone": Cause(
        "vanishing gradients",
        "no gradient ever reaches {layer}: a softmax over its one number says 1, whatever that is",
    ),
    "drowned": Cause(
        "vanishing gradients",
        "what comes out differs between two inputs by {difference} of its size alone, and most is "
        "lost in layer {layer}, whose input has an RMS of {input_rms}",
    ),
    "all frozen": Cause(
        "vanishing gradients", "none of the {count} parameters asks for a gradient: all are frozen"
    ),
    "flat end": Cause(
        "vanishing gradients",
        "no gradient ever reaches {names}: whatever comes in, what stands behind layer {layer} is "
        "flat, as a ReLU or a clamp beyond its end, a softmax over one number, a dropout of all",
    ),
    "unstable": Cause(
        UNSTABLE, "learning rate × sharpness reaches {times} times the limit of stability"
    ),
    "diverges": Cause("diverges", "the cost grows instead of falling"),
    "small": Cause("weights too small", "layer {layer} passes on {gain} of its input"),
    "signal decays": Cause(
        "vanishing gradients",
        "a typical layer multiplies the signal by {step}, {layers} hidden layers by {ratio}",
    ),
    "gradient decays": Cause(
        "vanishing gradients",
        "a typical layer multiplies the gradient on its way back by {step}, {layers} hidden layers "
        "by {ratio}",
    ),
}


@dataclass(frozen=True)
class Rule:
    """A cause, how it is seen in one run (its numbers, or None), and words for its sentence."""

    cause: Cause
    look: Look
    words: Mapping[str, str] = field(default_factory=dict)
    any_graph: bool = False  # whether it also holds where layers don't follow each other

    @property
    def label(self) -> str:
        """The label of its cause."""
        return self.cause.label


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


def _inputs(run: Run) -> Numbers | None:
    return None if run.examples is None else _unscaled(run.examples.input_rms)


def _targets(run: Run) -> Numbers | None:
    rms = None if run.examples is None else run.examples.target_rms
    return None if rms is None else _unscaled(rms)


def _unscaled(rms: float) -> Numbers | None:
    within = 1 / value("unscaled") < rms < value("unscaled")
    return None if within or rms == 0 else {"rms": rms}


def _scales(run: Run) -> Numbers | None:
    scales = 1.0 if run.examples is None else run.examples.scales
    return {"scales": scales} if scales >= value("scales") else None


def _contradict(run: Run) -> Numbers | None:
    """Find a floor that is high, and that a run is near: one that fails otherwise is far above."""
    floor = 0.0 if run.examples is None else run.examples.floor
    if floor < value("poor") * run.chance:
        return None
    room = max(value("poor") * (run.chance - floor), (1 - value("stuck")) * run.chance)
    return {"floor": floor} if run.train_cost - floor <= room else None


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


def compound(scales: NDArray[np.float64]) -> Numbers:
    """Return what a typical layer does to a signal's scale, and all of them together.

    The typical layer is the median one: a single layer that is out of line is that layer's fault,
    not the depth's.

    Examples
    --------
    >>> compound(np.array([1.0, 2.0, 4.0, 8.0, 80.0]))
    {'step': 2.0, 'layers': 5.0, 'ratio': 16.0}
    """
    with np.errstate(all="ignore"):  # a layer that is silent has no step: NaN
        steps = scales[1:] / scales[:-1]
        step = float(np.median(steps)) if len(steps) else 1.0
        ratio = float(np.power(step, len(steps)))
    return {"step": step, "layers": float(len(scales)), "ratio": ratio}


def explodes(scales: NDArray[np.float64], gains: NDArray[np.float64]) -> Numbers | None:
    """Return what compounds to growth, unless a typical layer is too large by itself."""
    found = compound(scales)
    by_depth = np.median(gains) < value("large_gain")
    return found if by_depth and found["ratio"] >= value("growth") else None


def vanishes(scales: NDArray[np.float64], limit: str = "decay") -> Numbers | None:
    """Return what compounds to decay, to the threshold of that name or below."""
    found = compound(scales)
    return found if 0 < found["ratio"] <= value(limit) else None


def _hidden(run: Run, signal: str) -> NDArray[np.float64]:
    """Return a signal's scales as it passes the hidden layers; the gradient runs backwards."""
    scales = run.start[signal][:-1]
    return scales[::-1] if signal == "gradient_rms" else scales


def _exploding(signal: str) -> Look:
    return lambda run: explodes(_hidden(run, signal), run.gains)


def _vanishing(signal: str) -> Look:
    return lambda run: vanishes(_hidden(run, signal))


def _small(run: Run) -> Numbers | None:
    """Find a hidden layer that passes little on; a small output layer catches up by itself."""
    hidden = run.gains[:-1]
    if not hidden.size or not hidden.min() <= value("small_gain"):
        return None
    return {"layer": float(hidden.argmin() + 1), "gain": float(hidden.min())}


def unstable(run: Run) -> Numbers | None:
    """Return how far a run went over the limit of stability, None where it stayed near or below.

    Where the cost ends no lower than it began, or near that of guessing, the limit itself counts:
    no step has helped.
    """
    highest = highest_stability(run)
    helped = run.train_cost < run.initial_cost and run.cost_of_chance < value("stuck")
    limit = value("unstable") if helped else 1.0
    return {"times": highest} if highest > limit else None


def highest_stability(run: Run) -> float:
    """Return the largest learning rate × sharpness seen, in limits of stability; 0 if none was."""
    seen = run.stability[np.isfinite(run.stability)]
    return float(seen.max()) if seen.size else 0.0


def _diverging(run: Run) -> Numbers | None:
    """Look for a cost that ceases to be a number, or ends far above where it began and chance."""
    limit = max(run.initial_cost, value("far_above_chance") * run.chance)
    return {} if run.diverged or run.train_cost > limit else None


# The first rule that most seeds meet gives the label. Data come before layers, but for symmetry,
# which no scaling of data breaks. What is there at the start comes before what
# may be its consequence; the learning rate comes after what no learning rate would mend. Weights
# that are too small in single layers also make gradients vanish: the label is the cause.
RULES: tuple[Rule, ...] = (
    Rule(CAUSES["symmetry"], _symmetry, {"when": "at start and end"}),
    Rule(CAUSES["targets contradict"], _contradict, any_graph=True),
    Rule(CAUSES["scales"], _scales),
    Rule(CAUSES["inputs"], _inputs),
    Rule(CAUSES["targets"], _targets),
    Rule(CAUSES["signal grows"], _exploding("preactivation_rms")),
    Rule(CAUSES["gradient grows"], _exploding("gradient_rms")),
    Rule(
        CAUSES["large"],
        _large,
        {"harm": "the first cost is {initial_ratio} times that of guessing"},
    ),
    Rule(CAUSES["saturated"], _fraction("saturated_fraction", "start"), {"when": "at the start"}),
    Rule(CAUSES["dead"], _fraction("dead_fraction", "start"), {"when": "at the start"}),
    Rule(CAUSES["unstable"], unstable, any_graph=True),
    Rule(CAUSES["diverges"], _diverging, any_graph=True),
    Rule(CAUSES["small"], _small),
    Rule(CAUSES["signal decays"], _vanishing("preactivation_rms")),
    Rule(CAUSES["gradient decays"], _vanishing("gradient_rms")),
    Rule(CAUSES["dead"], _fraction("dead_fraction", "end"), {"when": "at the end"}, any_graph=True),
)


def find_cause(runs: Sequence[Run]) -> tuple[str, str, Numbers] | None:
    """Return the label, sentence and numbers of the first cause that most runs show."""
    inspected = runs[0].found is not None
    if inspected and (found := _found_by_inspecting(runs)):
        return found
    for rule in RULES:
        if inspected and not rule.any_graph:
            continue
        seen = [found for found in map(rule.look, runs) if found is not None]
        if len(seen) > value("most") * len(runs):
            # The lower of two middle values: there is no layer 2.5.
            numbers = {key: median_low([found[key] for found in seen]) for key in seen[0]}
            told = rule.cause.tell(numbers, rule.words)
            return rule.label, told + _where(len(seen), len(runs)), numbers
    return None


def _found_by_inspecting(runs: Sequence[Run]) -> tuple[str, str, Numbers] | None:
    """Return the label that most runs' modules were found with, and the reason of the first."""
    reasons: dict[str, list[str]] = {}
    for label, reason in (run.found for run in runs if run.found):
        reasons.setdefault(label, []).append(reason)
    for label, seen in reasons.items():
        if len(seen) > value("most") * len(runs):
            return label, seen[0] + _where(len(seen), len(runs)), {}
    return None


def _where(seen: int, runs: int) -> str:
    return "" if seen == runs else f", in {seen} of {runs} seeds"


def shown(number: float) -> str:
    """Return a number as a sentence has it: three digits, thousands whole.

    Examples
    --------
    >>> [shown(number) for number in (10.0, 0.012345, 1234.5, 3e9)]
    ['10', '0.0123', '1,234', '3e+09']
    """
    return f"{number:,.0f}" if 1e3 <= number < 1e6 else f"{number:.3g}"
