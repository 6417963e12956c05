"""How often a learning rate is called too high where it is, and where it isn't, by optimizer.

``python benchmarks/stability.py``: a few minutes. He's networks on several data sets are trained at
rates from far too small to wild. A rate is wild where most seeds end near the cost of guessing and
a smaller rate trains. Beside them, networks with other faults at rates at which He's train.

Nobody who trains well is told a cause, nor warned, whatever was measured: so what is counted of
them is how often the measure itself goes over its threshold. What is measured was chosen by looking
at circles, moons, digits, breast_cancer and iris; the data here are others.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import goodinit as gi
from goodinit.evidence.causes import UNSTABLE, value
from goodinit.evidence.verdict import Verdict

DATA = ("spirals", "wine", "xor", "blobs")
WAYS = tuple(
    product(("gradient_descent", "momentum", "nesterov", "adam"), (None, 20))
)  # optimizer and batch size
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
TRAINED, NOTHING = 0.1, 0.9  # of the cost of guessing, at which a rate trains, and doesn't
OTHERS: dict[str, dict[str, Any]] = {
    "zeros": {"initializers": "zeros"},
    "small": {"initializers": "normal(std=0.001)", "hidden": (10,) * 5},
    "deep": {"initializers": "lecun_normal", "hidden": (10,) * 30},
    "flat": {"initializers": "glorot_normal", "hidden": (10,) * 10, "activation": "sigmoid"},
}
USUAL: dict[str, Any] = {"iterations": 1000, "seeds": 8, "hidden": (10, 5)}


@dataclass(frozen=True)
class Outcome:
    """What one rate came to: the median final cost over that of guessing, and what was said."""

    rate: float
    cost: float
    verdict: Verdict
    over: bool  # whether most runs go over the threshold, harmed or not

    @property
    def blamed(self) -> bool:
        """Whether the rate was called too high."""
        return self.verdict.label == UNSTABLE


def outcome(data: str, rate: float, **asked: Any) -> Outcome:
    """Train one initializer at one rate."""
    result = gi.compare(data, learning_rate=rate, **(USUAL | asked))
    costs = result.trials["train_cost"].fillna(float("inf"))
    highest = result.sharpness.groupby("seed")["stability"].max()
    over = bool((highest > value("unstable")).mean() > value("most"))
    return Outcome(rate, float(costs.median() / result.chance), result.verdicts[0], over)


def wild(found: list[Outcome]) -> Iterator[Outcome]:
    """Yield those that learn nothing at a rate above one that trains."""
    trained = [one.rate for one in found if one.cost < TRAINED]
    yield from (one for one in found if one.cost > NOTHING and one.rate > min(trained, default=99))


def shown(count: int, whole: int) -> str:
    """Return a count of how many."""
    return f"{count:4d} of {whole:<4d}"


def main() -> None:
    """Print a row for each optimizer, with full batches and with batches of 20."""
    heading = ("optimizer", "batch", "trains", "over", "wild", "blamed", "other faults blamed")
    print("".join(f"{word:<18s}" if word == "optimizer" else f"{word:<13s}" for word in heading))
    for optimizer, batch_size in WAYS:
        way = {"optimizer": optimizer, "batch_size": batch_size}
        count: Counter[str] = Counter()
        for data in DATA:
            found = [outcome(data, rate, initializers="he_normal", **way) for rate in RATES]
            fine = [one for one in found if one.cost < TRAINED]
            too_high = list(wild(found))
            count["fine"] += len(fine)
            count["over"] += sum(one.over for one in fine)
            count["wild"] += len(too_high)
            count["wild blamed"] += sum(one.blamed for one in too_high)
            count.update(f"  {one.verdict.label}" for one in too_high if not one.blamed)
            for other in OTHERS.values() if fine else ():
                one = outcome(data, fine[len(fine) // 2].rate, **(other | way))
                if one.cost > NOTHING:
                    count["others"] += 1
                    count["others blamed"] += one.blamed
        print(
            f"{optimizer:<18s}{batch_size or 'full'!s:<13s}"
            f"{count['fine']:<13d}{count['over']:<13d}"
            f"{count['wild']:<13d}{count['wild blamed']:<13d}"
            f"{shown(count['others blamed'], count['others'])}",
            {label.strip(): n for label, n in count.items() if label.startswith("  ")} or "",
            flush=True,
        )


if __name__ == "__main__":
    main()
