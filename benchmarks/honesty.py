"""Measure how honest the evidence is, on thousands of trained networks.

Three questions, each asked of 1,000 studies of 20 seeds that share no network:

1. Two copies of one scheme, with independent draws: in how many studies are they told apart?
   At most 5 % should be.
2. Two schemes that differ: in how many studies does the 90 % interval of the paired difference
   hold the true median, known from all 20,000 seeds? 88 to 92 % should.
3. A difference as large as one study says that its seeds can show: in how many other studies is it
   told apart? About 80 % should be.

Run as `python benchmarks/honesty.py [--studies 1000] [--seeds 20]`; some ten minutes on two cores.
"""

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from goodinit import datasets, training
from goodinit.evidence import pairs as evidence
from goodinit.evidence import statistics
from goodinit.initializers import Scheme, he_normal, lecun_normal
from goodinit.study.grid import Study, Training, plan

DATA = ("circles", "moons")
ITERATIONS = 600
BATCH = 400


def copy_of_he(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Draw as He does, from numbers that He does not see."""
    rng.standard_normal(shape)
    return he_normal()(rng, shape)


def studies(study: Study, seeds: int) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield trials and curves of one small study after another, cut from a large one."""
    problem = training.prepare(study)
    per_seed = len(study.schemes)
    size = BATCH // (seeds * per_seed) * seeds * per_seed
    for first in range(0, len(study.trials), size):
        record = training.train(problem, study.trials[first : first + size])
        trials = pd.DataFrame(record.trials).assign(
            train_cost=record.curves["train_cost"][-1],
            test_accuracy=record.curves["test_accuracy"][-1],
        )
        moments = study.training.moments
        curves = trials[["initializer", "learning_rate", "seed"]].loc[
            trials.index.repeat(len(moments))
        ]
        curves = curves.assign(
            iteration=np.tile(moments, len(trials)),
            train_cost=record.curves["train_cost"].T.ravel(),
        )
        for start in sorted(set(trials["seed"] // seeds)):
            yield trials[trials["seed"] // seeds == start], curves[curves["seed"] // seeds == start]


def large_study(data: str, schemes: list[Any], count: int, seeds: int) -> Study:
    """Return a study with as many seeds as all small ones need together."""
    return plan(
        datasets.load(data),
        initializers=schemes,
        hidden=(10, 5),
        activation="relu",
        learning_rate=0.1,
        seeds=count * seeds,
        training=Training(iterations=ITERATIONS, record=20),
    )


def told_apart(data: str, count: int, seeds: int) -> None:
    """Ask questions 1 and 3 of two copies of He."""
    study = large_study(data, [he_normal(), Scheme("copy", copy_of_he)], count, seeds)
    chance = study.chance
    apart = dict.fromkeys(evidence.OUTCOMES, 0)
    shown = done = 0
    detectable = np.inf
    for trials, curves in studies(study, seeds):
        weighed = evidence.weigh(trials, curves, chance)
        for outcome in apart:
            apart[outcome] += bool(weighed.pair(outcome, "he_normal", "copy")["told_apart"])
        table = trials.pivot(index="seed", columns="initializer", values="train_cost")
        differences = (table["he_normal"] - table["copy"]).to_numpy()
        if done:
            shown += statistics.signed_rank_p(differences + detectable) <= statistics.LEVEL
        detectable = statistics.detectable_difference(differences)
        done += 1
    for outcome, times in apart.items():
        print(
            f"{data:8} two copies of He told apart by {outcome:26} {times / done:6.1%} of {done:,}"
        )
    print(f"{data:8} a difference called detectable is told apart      {shown / (done - 1):6.1%}")


def coverage(data: str, count: int, seeds: int) -> None:
    """Ask question 2 of He and LeCun."""
    study = large_study(data, [he_normal(), lecun_normal()], count, seeds)
    for outcome in ("train_cost", "test_accuracy"):
        differences = []
        for trials, _ in studies(study, seeds):
            table = trials.pivot(index="seed", columns="initializer", values=outcome)
            differences.append((table["he_normal"] - table["lecun_normal"]).to_numpy())
        truth = float(np.median(np.concatenate(differences)))
        intervals = np.array([statistics.interval(of) for of in differences])
        covered = np.mean((intervals[:, 0] <= truth) & (truth <= intervals[:, 1]))
        print(f"{data:8} 90 % interval of He - LeCun covers, {outcome:16} {covered:6.1%}")


def main() -> None:
    """Ask all three questions on each data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=20)
    asked = parser.parse_args()
    for data in DATA:
        told_apart(data, asked.studies, asked.seeds)
        coverage(data, asked.studies, asked.seeds)


if __name__ == "__main__":
    main()
