"""Measure how honest the evidence is, on thousands of trained networks.

Three questions, each asked of 1,000 studies of 20 seeds that share no network:

1. Two copies of one scheme, with independent draws: in how many studies are they told apart?
   At most 5 % should be.
2. Two schemes that differ: in how many studies does the 90 % interval of the paired difference
   hold the true median, known from all 20,000 seeds? 88 to 92 % should. And where the difference
   is moved to the margin: in how many are they called equivalent? At most 5 % should be.
3. A difference as large as one study says that its seeds can show: in how many other studies is it
   told apart? About 80 % should be.

Then the same over splits, for such data and not for the split at hand. A study there is of its own
draw from a population: ten draws of circles; or few examples, tumours or noisy moons, divided in
ten ways, whose parts overlap as those of any user's data do. Two copies of He are told apart in at
most 5 % of the studies; and of He and LeCun, whose true difference is known from all studies, where
that is moved

4. to 0: told apart in at most 5 %;
5. to the margin: called equivalent in at most 5 %; and both once more as if the splits had no
   example in common, which shows what the correction is for;
6. nowhere: the 90 % interval holds it in 88 to 92 %; where examples are divided, that holds of the
   median over all splits of the same examples.

Run as `python benchmarks/honesty.py [--studies 1000] [--seeds 20] [--only seeds]`, or with `--only
splits` or one of the populations; some ten minutes on two cores, and over splits as many for 300
studies.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count, islice
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.datasets import make_moons

from goodinit import datasets, training
from goodinit.datasets.resampling import Splits
from goodinit.evidence import pairs as evidence
from goodinit.evidence import statistics
from goodinit.evidence.splits import Counting
from goodinit.initializers import Scheme, he_normal, lecun_normal
from goodinit.study.grid import Study, Training, plan

DATA = ("circles", "moons")
ITERATIONS = 600
BATCH = 400
SPLITS = 10
EXAMPLES = 120
SETS = 10

Differences = NDArray[np.float64]


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
    """Ask question 2 of He and LeCun, and whether a margin apart is called equivalent."""
    study = large_study(data, [he_normal(), lecun_normal()], count, seeds)
    differences: dict[str, list[Differences]] = {"train_cost": [], "test_accuracy": []}
    for trials, _ in studies(study, seeds):
        for outcome, of in differences.items():
            table = trials.pivot(index="seed", columns="initializer", values=outcome)
            of.append((table["he_normal"] - table["lecun_normal"]).to_numpy())
    for outcome, of in differences.items():
        truth = float(np.median(np.concatenate(of)))
        intervals = np.array([statistics.interval(one) for one in of])
        covered = np.mean((intervals[:, 0] <= truth) & (truth <= intervals[:, 1]))
        print(f"{data:8} 90 % interval of He - LeCun covers, {outcome:16} {covered:6.1%}")
        margin = evidence.MARGIN * (study.chance if outcome.endswith("cost") else 1.0)
        alike = [
            statistics.equivalence_p(one - truth + margin, margin) <= statistics.LEVEL for one in of
        ]
        print(f"{data:8} a margin apart, called equivalent, {outcome:16} {np.mean(alike):8.1%}")


def drawn(study: int, splits: int) -> Splits:
    """Return draws of circles that no other study has."""
    first = 1 + study * splits
    return Splits(tuple(datasets.circles(split=first + k) for k in range(splits)), fresh=True)


def tumours(study: int, splits: int) -> Splits:
    """Return splits of some of the tumours."""
    whole = datasets.breast_cancer(test_fraction=0)
    rows = np.random.default_rng(study).choice(len(whole.X_train), EXAMPLES, replace=False)
    return datasets.load_splits((whole.X_train[rows], whole.y_train[rows]), splits)


def noisy_moons(study: int, splits: int) -> Splits:
    """Return splits of few moons, of which there are as many others as one likes."""
    return datasets.load_splits(make_moons(EXAMPLES, noise=0.3, random_state=study), splits)


POPULATIONS: dict[str, Callable[[int, int], Splits]] = {
    "circles, drawn": drawn,
    "moons, divided": noisy_moons,
    "tumours, divided": tumours,
}


def over_splits(name: str, count: int, seeds: int) -> None:
    """Ask questions 4 to 6, and 1, of studies over splits with some seeds on each."""
    population = POPULATIONS[name]
    study = small_study(population(0, SPLITS), seeds * SPLITS)
    counted = Counting(SPLITS, study.datasets.test_share)
    every = (population(i, SPLITS) for i in range(count))
    for measure, ends in ends_of(study, every, seeds).items():
        margin = evidence.MARGIN * (study.chance if measure.endswith("cost") else 1.0)
        average = "median" if measure == "train_cost" else "mean"
        he, copy, lecun = (averaged(counted, of, average) for of in ends)
        copies, apart = he - copy, he - lecun
        truth = float(np.median(apart))
        intervals = [statistics.interval(of - truth) for of in apart]
        shares = {"two copies told apart": told_apart_in(counted, copies, measure)}
        for how, counting in {"": counted, ", as if apart": Counting(SPLITS)}.items():
            shares[f"equal on average, told apart{how}"] = told_apart_in(
                counting, apart - truth, measure
            )
            shares[f"a margin apart, equivalent{how}"] = [
                counting.equivalence(of, margin, measure) <= statistics.LEVEL
                for of in apart - truth + margin
            ]
            if not counted.test_share:
                break
        shares |= {
            "90 % interval covers, such data": [low <= 0 <= high for low, high in intervals],
        }
        for question, found in shares.items():
            said(name, seeds, measure, question, found)


def over_the_same(name: str, count: int) -> None:
    """Ask question 6 of a few sets of examples, each divided in as many ways as it takes."""
    each = count * SPLITS // SETS
    study = small_study(POPULATIONS[name](0, SPLITS), SPLITS)
    sets = (POPULATIONS[name](i, each) for i in range(SETS))
    for measure, (he, _, lecun) in ends_of(study, sets, 1).items():
        covered: list[bool] = []
        for differences in (he - lecun)[:, 0]:  # of one set, shape (each,)
            truth = np.median(differences)
            for of in differences.reshape(-1, SPLITS):
                low, high = statistics.interval(of)
                covered.append(bool(low <= truth <= high))
        said(name, 1, measure, "90 % interval covers, these examples", covered)


def said(name: str, seeds: int, measure: str, question: str, found: Iterable[bool]) -> None:
    """Print in which share of the studies a question is answered by yes."""
    share = np.mean(list(found))
    print(f"{name:16} {seeds}  {measure:13} {question:41} {share:6.1%}", flush=True)


def small_study(splits: Splits, seeds: int) -> Study:
    """Return a study of He, a copy of it, and LeCun, whose data are replaced."""
    return plan(
        splits,
        initializers=[he_normal(), Scheme("copy", copy_of_he), lecun_normal()],
        hidden=(8,),
        activation="relu",
        learning_rate=0.5,
        seeds=seeds,
        training=Training(iterations=60, record=1),
    )


def ends_of(study: Study, every: Iterable[Splits], seeds: int) -> dict[str, list[Differences]]:
    """Return of each measure and initializer where it ends, (studies, seeds, splits)."""
    ends: dict[str, list[Any]] = {"train_cost": [], "test_accuracy": []}
    free = count()  # no two studies share a seed
    for splits in every:
        found: dict[str, list[Any]] = {measure: [] for measure in ends}
        for dataset in splits.datasets:
            own = tuple(islice(free, seeds))
            part = replace(study, dataset=dataset, others=(), seeds=own)
            record = training.train(training.prepare(part), part.trials, threads=1)
            for measure, of in found.items():
                of.append(record.curves[measure][-1].reshape(seeds, -1))
        for measure, of in found.items():
            ends[measure].append(np.stack(of))
    return {measure: list(np.stack(of).transpose(3, 0, 2, 1)) for measure, of in ends.items()}


def averaged(counted: Counting, runs: Differences, average: str) -> Differences:
    """Return what splits have, (studies, splits), of what seeds have, (studies, seeds, splits)."""
    single = runs.reshape(len(runs), -1)  # seed s is of split s mod as many
    return np.stack([counted.rows(pd.DataFrame(of), average).to_numpy().ravel() for of in single])


def told_apart_in(counted: Counting, studies: Differences, measure: str) -> list[bool]:
    """Return in which studies a difference is told apart from 0."""
    return [counted.test(of, measure) <= statistics.LEVEL for of in studies]


def main() -> None:
    """Ask all questions on each data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--only", choices=("seeds", "splits", *POPULATIONS))
    asked = parser.parse_args()
    for data in DATA if asked.only in (None, "seeds") else ():
        told_apart(data, asked.studies, asked.seeds)
        coverage(data, asked.studies, asked.seeds)
    for name in POPULATIONS if asked.only in (None, "splits") else {asked.only} & {*POPULATIONS}:
        over_splits(name, asked.studies, 1)
        if "divided" in name:
            over_the_same(name, asked.studies)
            over_splits(name, asked.studies, 4)


if __name__ == "__main__":
    main()
