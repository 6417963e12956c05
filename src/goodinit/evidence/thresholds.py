"""From which number on a measurement counts, and why from there."""

from typing import NamedTuple


class Threshold(NamedTuple):
    """A number that decides, and why it is that number."""

    value: float
    reason: str


THRESHOLDS: dict[str, Threshold] = {
    "most": Threshold(0.5, "a cause must be there in more than this share of the seeds"),
    "few": Threshold(
        0.1, "a first cost that explodes is said from more than this share of the seeds on"
    ),
    "stuck": Threshold(0.9, "a final cost above this part of the cost of chance is no learning"),
    "poor": Threshold(
        0.5, "where nothing better is known, a final cost above this part of chance counts as harm"
    ),
    "arrived": Threshold(
        0.1,
        "of the cost of chance: whose cost ends below it was not kept from learning by its steps",
    ),
    "learned": Threshold(
        0.9,
        "of how far the best initializer's cost ends below chance: who gets further has at most "
        "been slower",
    ),
    "unscaled": Threshold(
        30.0,
        "the RMS of inputs or targets that are standardised is 1; from this factor on, either way: "
        "at 10, gradient descent still trains at a smaller rate",
    ),
    "scales": Threshold(
        300.0,
        "times between the RMS of the largest feature and that of one a quarter up from the "
        "smallest: standardised features, also rare categories and pixels, keep within 100",
    ),
    "far_above_chance": Threshold(
        5.0, "times chance: healthy schemes start within a factor of two of it, and end below it"
    ),
    "above_chance": Threshold(
        3.0,
        "times chance, of a module that nobody has trained: healthy ones start within a factor of "
        "two of it",
    ),
    "bias_shift": Threshold(
        2.5,
        "between an output's first mean and the best constant answer: Adam at 0.001 takes 2,500 "
        "steps to move a bias that far; a class of one in thirteen asks for it",
    ),
    "bias_gained": Threshold(
        10.0, "times less is the first cost once the outputs' means are right: a class in a hundred"
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
    "untrained_decay": Threshold(
        1 / 150,
        "over all hidden layers, of a module that nobody has trained: six ReLU layers of 64 as "
        "PyTorch makes them give back 0.01 of the gradient, and 400 steps of gradient descent at "
        "the best of three rates bring the cost near 0; seven give back 0.005, and it stays high. "
        "Of single layers that pass on little it is what they do together: published language "
        "models of std 0.02 have one of 0.16 at a width of 64, and train",
    ),
    "duplicates": Threshold(0.5, "at most this share of a layer's units is distinct"),
    "time_decay": Threshold(
        1e-10,
        "of its largest, over the steps of a recurrence: of 100 steps the first isn't learned",
    ),
    "time_growth": Threshold(
        1e4, "times, over the steps of a recurrence: where each step has a cost, steps add up"
    ),
    "dead": Threshold(
        0.9,
        "at least this share of a layer's units is dead: depth alone kills about half of ReLUs, as "
        "all examples come to point the same way",
    ),
    "fewest_states": Threshold(
        32, "units times examples: of fewer ReLUs it may be by chance that all of them are silent"
    ),
    "saturated": Threshold(0.5, "at least this share of a layer's units is saturated"),
    "one_hot": Threshold(
        0.6,
        "at least this share of a softmax's rows sees fewer than two places: a published attention "
        "has 0.55 by its factor of 3.9 on normalised queries, and learns as fast without it; with "
        "0.61, where nothing divides the logits, 200 steps bring half as much",
    ),
    "flat_states": Threshold(
        0.6,
        "at least this share of a layer's states is flat, whichever units they are of: a tanh that "
        "is given 4 times what it should be",
    ),
    "timid": Threshold(
        10.0, "times below the limit of stability, all the way: training takes as many times longer"
    ),
    "unstable": Threshold(
        2.0,
        "times the limit of stability: training may settle at the limit itself (Cohen et al. "
        "2021), and up to twice the limit it overshoots into a flatter place and goes on "
        "(Lewkowycz et al. 2020)",
    ),
}


def value(name: str) -> float:
    """Return a threshold's number."""
    return THRESHOLDS[name].value
