"""What is known of networks that don't learn, where nothing is wrong with data, layers or steps."""

from collections.abc import Sequence

import numpy as np

from goodinit.evidence.causes import Run, highest_stability, shown, value

_BEGUN = 0.99  # of the cost of chance: below it, something has been learned
_HALFWAY = 0.5  # of the cost of chance, to which the curve is continued
_LONGEST = 1e9  # iterations: beyond, a pace is no pace


def what_is_known(runs: Sequence[Run]) -> str:
    """Return what there is to do, in a sentence that follows "the cost ends at ...; ".

    A curve is continued at its last pace. That tells too many iterations rather than too few:
    learning mostly gets faster once it has begun (Saxe et al. 2014, Exact solutions).

    Parameters
    ----------
    runs : sequence of Run
        Of one initializer, of which most end near the cost of chance.
    """
    ends, begins, pace, made = (
        float(np.median(of))
        for of in zip(
            *((run.train_cost, run.initial_cost, run.pace, run.iterations) for run in runs),
            strict=True,
        )
    )
    chance = runs[0].chance
    small = _too_small(runs)
    if not (ends < _BEGUN * chance and ends < begins):
        return f"no cause found{small and f', but {small}'}"
    said = "no cause found, but it has begun to: give it more iterations"
    needed = made + (ends - _HALFWAY * chance) / pace if pace > 0 else np.inf
    if needed < _LONGEST:
        said += f" (at its last pace about {_rounded(needed):,} for half the cost of guessing)"
    return f"{said}, or a larger step{small and f': {small}'}"


def _too_small(runs: Sequence[Run]) -> str:
    """Return how far the learning rate stays below the limit of stability, where that is far."""
    highest = float(np.median([highest_stability(run) for run in runs]))
    if not 0 < highest < 1 / value("timid"):
        return ""
    return f"the learning rate stays {shown(1 / highest)} times below the limit of stability"


def _rounded(number: float) -> int:
    """Return a number to two digits: an extrapolation carries no more."""
    return int(float(f"{number:.1e}"))
