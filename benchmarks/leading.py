"""Which held-out measure should lead, for whoever follows it to get the better network.

``python benchmarks/leading.py [DATA ...]``: some five minutes on an idle core. Data of several
kinds are cut into a part to train on, one to choose by, and one that nobody has seen, in three
folds. Networks are trained from several initializers in two ways at three learning rates; what is
chosen by half of the seeds is judged by the other half's mean accuracy on the unseen part (R² of a
number, from -1 on). Lost are the points that it stays below the best one. Two choices are asked:

1. Of initializers at one learning rate, by each measure at the end of training, or at its best over
   the curve: whose middle is best; or of those that no other beats (told apart) who fits best, by
   the training cost; or who does of the best of these and those equivalent to it.
2. Of learning rates for one initializer: by each measure, in one fold or in all three.
"""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes, make_friedman1

from goodinit import datasets, training
from goodinit.datasets import Dataset
from goodinit.datasets.parts import standardized
from goodinit.evidence.causes import value
from goodinit.evidence.pairs import MARGIN
from goodinit.evidence.statistics import (
    LEVEL,
    equivalence_p,
    holm,
    paired_differences,
    probability_of_less,
    signed_rank_p,
)
from goodinit.study.grid import Training, plan

Curves = Mapping[str, NDArray[np.float64]]  # of each measure, (moments, seeds)
Values = NDArray[np.float64]
Lost = defaultdict[str, list[float]]

INITIALIZERS = ("he_normal", "glorot_normal", "orthogonal", "normal(std=1)", "normal(std=3)")
HIDDEN, SEEDS = (16, 16), 20
HALVES = (slice(0, SEEDS // 2), slice(SEEDS // 2, SEEDS))
MOST, FOLDS = 320, 3  # examples of a data set; parts to choose by
WAYS: dict[str, dict[str, Any]] = {
    "gradient_descent": {"iterations": 600, "record": 30},
    "adam": {"iterations": 300, "record": 30},
}
RATES = {"gradient_descent": (0.01, 0.1, 1.0), "adam": (0.001, 0.01, 0.1)}
FLIPPED = 0.1  # of the labels of a noisy set


def noisy(dataset: Dataset) -> Dataset:
    """Return the data with some labels drawn anew: what is learned by heart doesn't hold."""
    rng = np.random.default_rng(0)
    drawn: dict[str, Any] = {}
    for part in ("y_train", "y_test"):
        y = getattr(dataset, part)
        anew = rng.integers(len(dataset.classes or ()), size=len(y))
        drawn[part] = np.where(rng.random(len(y)) < FLIPPED, anew, y)
    return replace(dataset, name=f"noisy {dataset.name}", **drawn)


def data_sets() -> Iterator[Dataset]:
    """Yield the data: of two and of several classes, with noise, and numbers to predict."""
    names = ("moons", "spirals", "iris", "wine", "breast_cancer", "digits")
    yield from map(datasets.load, names)
    yield from (noisy(datasets.load(name)) for name in ("moons", "breast_cancer"))
    made = make_friedman1(400, noise=1.0, random_state=0)
    for name, (X, y) in {"diabetes": load_diabetes(return_X_y=True), "friedman": made}.items():
        whole = datasets.load((X, (y - y.mean()) / y.std()), task="regression", standardize=True)
        yield replace(whole, name=name)


def parts(whole: Dataset, fold: int) -> Dataset:
    """Return a fold of three: half of the examples to train on, a quarter to choose by.

    These are the test part; the last quarter, the validation part, nobody has seen.
    """
    X = np.concatenate([whole.X_train, whole.X_test])
    y = np.concatenate([whole.y_train, whole.y_test])
    order = np.random.default_rng(0).permutation(len(X))[:MOST]
    *quarters, unseen = np.array_split(order, FOLDS + 1)
    choose = quarters.pop(fold)
    train = np.concatenate(quarters)
    cut = replace(
        whole,
        X_train=X[train],
        y_train=y[train],
        X_test=X[choose],
        y_test=y[choose],
        X_validation=X[unseen],
        y_validation=y[unseen],
    )
    return cut if whole.image_shape or whole.n_features == 2 else standardized(cut)


def trained(dataset: Dataset, optimizer: str) -> tuple[float, dict[tuple[str, float], Curves]]:
    """Train every initializer at every rate; return the cost of chance, and all curves."""
    study = plan(
        dataset,
        initializers=INITIALIZERS,
        hidden=HIDDEN,
        activation="relu",
        learning_rate=RATES[optimizer],
        seeds=SEEDS,
        training=Training(optimizer=optimizer, **WAYS[optimizer]),
        aside=False,
    )
    record = training.train(training.prepare(study), study.trials)
    places = defaultdict(list)
    for place, trial in enumerate(study.trials):
        places[trial.initializer, trial.learning_rate].append(place)
    return study.chance, {
        key: {name: of[:, chosen] for name, of in record.curves.items()}
        for key, chosen in places.items()
    }


def signed(curves: Curves, measure: str, at_best: bool = False) -> Values:
    """Return a measure of each seed, at the end or at its best, so that less is better."""
    accuracy = measure.endswith("accuracy")
    values = -np.clip(curves[measure], -1, 1) if accuracy else curves[measure]
    values = np.where(np.isnan(values), 1.0 if accuracy else np.inf, values)
    return np.asarray(values.min(axis=0) if at_best else values[-1])


def middle(values: Values, measure: str) -> float:
    """Return the mean of accuracies, the median of costs."""
    return float(values.mean() if measure.endswith("accuracy") else np.median(values))


def judged(curves: Curves, seeds: slice) -> float:
    """Return the mean accuracy of some seeds on the unseen part, in points."""
    return -100 * float(signed(curves, "validation_accuracy")[seeds].mean())


def unbeaten(values: Mapping[str, Values]) -> list[str]:
    """Return those that no other is told apart from for the better."""
    pairs = list(combinations(values, 2))
    p = holm(np.array([signed_rank_p(paired_differences(values[a], values[b])) for a, b in pairs]))
    beaten = {
        b if probability_of_less(values[a], values[b]) > 0.5 else a
        for (a, b), each in zip(pairs, p, strict=True)
        if each <= LEVEL
    }
    return [name for name in values if name not in beaten]


def _alike(values: Values, best: Values, margin: float) -> bool:
    """Return whether one is the best one, or equivalent to it within a margin."""
    if values is best:
        return True
    return equivalence_p(paired_differences(values, best), margin) <= LEVEL


RANKED = {
    "training cost": ("train_cost", False),
    "test cost, last": ("test_cost", False),
    "test cost, best": ("test_cost", True),
    "test accuracy, last": ("test_accuracy", False),
    "test accuracy, best": ("test_accuracy", True),
}


def of_initializers(of: Mapping[str, Curves], chance: float, seeds: slice) -> dict[str, str]:
    """Return the initializer that each way of choosing takes, of those that train."""
    costs = {name: np.median(signed(curves, "train_cost")[seeds]) for name, curves in of.items()}
    sound = [name for name in of if costs[name] < value("stuck") * chance]
    if len(sound) < 2:
        return {}
    found: dict[str, str] = {}
    for label, (measure, at_best) in RANKED.items():
        values = {name: signed(of[name], measure, at_best)[seeds] for name in sound}
        middles = {name: middle(each, measure) for name, each in values.items()}
        left = unbeaten(values)
        best = min(left, key=lambda n: (middles[n], costs[n]))
        margin = MARGIN if measure.endswith("accuracy") else MARGIN * chance
        alike = [name for name in left if _alike(values[name], values[best], margin)]
        found |= {
            f"{label}: middle": min(sound, key=lambda n: (middles[n], costs[n])),
            f"{label}: unbeaten, fits best": min(left, key=lambda n: costs[n]),
            f"{label}: equivalent, fits best": min(alike, key=lambda n: costs[n]),
        }
    return found


def of_rates(folds: Sequence[Mapping[float, Curves]], fold: int, seeds: slice) -> dict[str, float]:
    """Return the learning rate that each way of choosing takes, of one initializer."""
    own = folds[fold]

    def by(measure: str, how: Callable[[Values], Any], *, all_folds: bool = False) -> float:
        return min(
            own,
            key=lambda rate: (
                sum(
                    how(signed(of[rate], measure)[seeds]) for of in (folds if all_folds else [own])
                ),
                float(np.median(signed(own[rate], "train_cost")[seeds])),
            ),
        )

    return {
        "training cost, median": by("train_cost", np.median),
        "validation cost, median": by("test_cost", np.median),
        "validation accuracy, median": by("test_accuracy", np.median),
        "validation accuracy, mean": by("test_accuracy", np.mean),
        "validation accuracy, mean of three folds": by("test_accuracy", np.mean, all_folds=True),
    }


def losses(runs: Mapping[tuple[int, str], tuple[float, Mapping[Any, Curves]]]) -> tuple[Lost, Lost]:
    """Return what each way of choosing loses on a data set: of initializers, and of rates."""
    lost: tuple[Lost, Lost] = defaultdict(list), defaultdict(list)
    for ((fold, way), (chance, curves)), chosen_by in product(runs.items(), HALVES):
        other = HALVES[1 - HALVES.index(chosen_by)]
        for rate in RATES[way]:
            of = {name: curves[name, rate] for name in INITIALIZERS}
            chosen = of_initializers(of, chance, chosen_by)
            found = {name: judged(each, other) for name, each in of.items()}
            for label, name in chosen.items():
                lost[0][label].append(max(found.values()) - found[name])
        for name in INITIALIZERS:
            folds = [
                {rate: runs[each, way][1][name, rate] for rate in RATES[way]}
                for each in range(FOLDS)
            ]
            found_at = {rate: judged(each, other) for rate, each in folds[fold].items()}
            for label, rate in of_rates(folds, fold, chosen_by).items():
                lost[1][label].append(max(found_at.values()) - found_at[rate])
    return lost


def show(every: Mapping[str, Lost]) -> None:
    """Print a row for each way of choosing: the mean of each data set, of all, and the worst."""
    heads = [name.replace("noisy ", "~")[:8] for name in every]
    print(f"{'points lost':43s}" + "".join(f"{head:>9s}" for head in [*heads, "mean", "worst"]))
    for label in next(iter(every.values())):
        means = [float(np.mean(lost[label])) for lost in every.values()]
        worst = max(max(lost[label]) for lost in every.values())
        print(f"{label:43s}" + "".join(f"{n:9.2f}" for n in [*means, np.mean(means), worst]))


def main() -> None:
    """Print what each way of choosing loses, of initializers and of learning rates."""
    asked = sys.argv[1:]
    every = {}
    for dataset in data_sets():
        if not asked or dataset.name in asked:
            cuts = product(range(FOLDS), WAYS)
            runs = {(fold, way): trained(parts(dataset, fold), way) for fold, way in cuts}
            every[dataset.name] = losses(runs)
    for which in (0, 1):
        show({name: lost[which] for name, lost in every.items()})


if __name__ == "__main__":
    main()
