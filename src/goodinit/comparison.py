"""The comparison: from what was asked, over the trained trials, to tables and pictures."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from goodinit import datasets, training
from goodinit.network import Parameters
from goodinit.study import ARTICLES, SEED_RANGE, Initializer, Study, Training, Trial, plan

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TRIALS_PER_BATCH = 60


@dataclass(frozen=True)
class Comparison:
    """What a comparison measured.

    Attributes
    ----------
    study : Study
        What was run; where it was interrupted, the part of it that was finished.
    trials : DataFrame
        A row per trial: ``initializer, learning_rate, seed, initial_cost, train_cost, test_cost,
        train_accuracy, test_accuracy, diverged``. For a number to predict, accuracy is R².
    curves : DataFrame
        A row per trial and recorded iteration: ``initializer, learning_rate, seed, iteration,
        train_cost, test_cost, train_accuracy, test_accuracy``.
    interrupted : bool
        Whether seeds that were asked for are missing.
    networks : dict of Trial to Parameters
        The trained networks of data with two features, whose boundaries can be drawn.
    """

    study: Study
    trials: pd.DataFrame
    curves: pd.DataFrame
    interrupted: bool = False
    networks: dict[Trial, Parameters] = field(default_factory=dict, repr=False)

    def summary(self) -> pd.DataFrame:
        """Return a row per initializer and learning rate, the lowest median training cost first.

        Returns
        -------
        DataFrame
            ``train_accuracy, test_accuracy`` are means over the seeds, ``initial_cost,
            train_cost`` medians; ``..._low`` and ``..._high`` bound the 90 % of seeds between the
            5th and the 95th percentile. A diverged trial counts with an infinite cost.
        """
        rows = [
            {
                "initializer": name,
                "learning_rate": rate,
                **_aggregate(group),
                "diverged": int(group["diverged"].sum()),
                "seeds": len(group),
            }
            for (name, rate), group in self.trials.groupby(
                ["initializer", "learning_rate"], sort=False
            )
        ]
        return (
            pd.DataFrame(rows)
            .sort_values(["train_cost", "train_accuracy"], ascending=[True, False], kind="stable")
            .reset_index(drop=True)
        )

    def plot_data(self) -> "Figure":
        """Draw the data: sample images for an image set, points for any other."""
        from goodinit import figures

        if self.study.dataset.image_shape and self.study.dataset.classes:
            return figures.plot_images(self.study.dataset)
        return figures.plot_data(self.study.dataset)

    def plot_costs(self) -> "Figure":
        """Draw the training cost against the iteration, with its spread over the seeds."""
        from goodinit import figures

        return figures.plot_costs(self.curves, self._names, self._title)

    def plot_accuracy(self, learning_rate: float | None = None) -> "Figure":
        """Draw the accuracy of every seed, at one learning rate (where not given, the first)."""
        from goodinit import figures

        rate = self.study.learning_rates[0] if learning_rate is None else learning_rate
        measure = "R²" if self.study.dataset.task == "regression" else "accuracy"
        chosen = self.trials[self.trials["learning_rate"] == rate]
        return figures.plot_accuracy(
            chosen, self._names, f"{self._title}, learning rate {rate:g}", measure
        )

    def plot_boundaries(self) -> "Figure":
        """Draw the decision boundary of each initializer's median seed, with the data on it."""
        from goodinit import figures

        panels = [
            (_panel_title(row, len(self.study.learning_rates) > 1), self.networks[trial])
            for row, trial in self._median_trials()
            if trial in self.networks
        ]
        title = f"{self._title}\ndecision boundary of the seed with the median training cost"
        return figures.plot_boundaries(self.study.dataset, self.study.network, panels, title)

    def plots(self) -> "Iterator[tuple[str, Figure]]":
        """Yield a name and a picture for each picture that this study has."""
        yield "data", self.plot_data()
        yield "costs", self.plot_costs()
        several = len(self.study.learning_rates) > 1
        for rate in self.study.learning_rates:
            yield f"accuracy-{rate:g}" if several else "accuracy", self.plot_accuracy(rate)
        if self.networks and self.study.dataset.classes:
            yield "boundaries", self.plot_boundaries()

    def export(self, folder: str | Path) -> None:
        """Write every picture (PNG and SVG) and table (CSV) into a folder, each file whole or not.

        Raises
        ------
        OSError
            Where the folder cannot be written.
        """
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        for name in ("summary", "trials", "curves"):
            table = getattr(self, name)
            table = table() if callable(table) else table
            _write(place / f"{name}.csv", partial(table.to_csv, index=False))
        for name, figure in self.plots():
            for kind in ("png", "svg"):
                _write(place / f"{name}.{kind}", partial(figure.savefig, format=kind, dpi=150))

    @property
    def _names(self) -> list[str]:
        return [scheme.name for scheme in self.study.schemes]

    @property
    def _title(self) -> str:
        return f"{self.study.dataset.name}, {self.study.network}"

    def _median_trials(self) -> Iterator[tuple[pd.Series, Trial]]:
        for (name, _), group in self.trials.groupby(["initializer", "learning_rate"], sort=False):
            ranked = group.sort_values("train_cost", kind="stable")
            row = ranked.iloc[(len(ranked) - 1) // 2]
            yield row, Trial(str(name), float(row["learning_rate"]), int(row["seed"]))


def compare(
    data: Any,
    *,
    initializers: Iterable[Initializer] | Initializer = ARTICLES,
    hidden: Sequence[int] = (10, 5),
    activation: str = "relu",
    learning_rate: float | Sequence[float] = 0.01,
    iterations: int = 15_000,
    seeds: int | Sequence[int] = 20,
    optimizer: str = "gradient_descent",
    momentum: float = 0.9,
    batch_size: int | None = None,
    weight_decay: float = 0.0,
    dtype: str = "float64",
    record: int = 100,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:
    """Train one network per initializer, learning rate and seed, and compare what became of them.

    Parameters
    ----------
    data : str, Path, tuple of arrays, or Dataset
        What ``goodinit.datasets.load`` takes.
    initializers : spec strings, schemes or callables
        See ``goodinit.initializers.read``. The default are the articles' zero, large random and
        small random, their "Xavier" (LeCun normal), Glorot's own, and He.
    hidden : sequence of int
        Units of each hidden layer.
    activation : str
        Of the hidden layers; see ``goodinit.activations``.
    learning_rate : float or sequence of float
    iterations : int
        Updates of each network.
    seeds : int or sequence of int
        How many, or the seeds themselves. One seed draws the same standard values for every
        scheme of a distribution, so that schemes are compared in pairs.
    optimizer, momentum, batch_size, weight_decay, dtype, record
        How each network is trained and how often it is measured; see
        ``goodinit.study.Training``. The default is gradient descent on all examples at once.
    progress : callable
        Called with the network updates made so far, and with their total.

    Returns
    -------
    Comparison
        On Ctrl-C, of the seeds that were finished, if any, and marked ``interrupted``.

    Raises
    ------
    ArgumentError
        Before any training, for the first argument that cannot be used.

    Examples
    --------
    >>> result = compare("circles", initializers=["zeros", "he_normal"], iterations=50, seeds=2)
    >>> result.summary()[["initializer", "initial_cost"]].round(4)
      initializer  initial_cost
    0       zeros        0.6931
    1   he_normal        0.7872
    """
    study = plan(
        datasets.load(data),
        initializers=initializers,
        hidden=hidden,
        activation=activation,
        learning_rate=learning_rate,
        seeds=seeds,
        training=Training(
            iterations=iterations,
            optimizer=optimizer,
            momentum=momentum,
            batch_size=batch_size,
            weight_decay=weight_decay,
            dtype=dtype,
            record=record,
        ),
    )
    return run(study, progress)


def run(study: Study, progress: Callable[[int, int], None]) -> Comparison:
    """Train every trial of a study, a batch at a time, and return what was measured."""
    total = len(study.trials) * study.training.iterations
    done = 0

    def advance(made: int) -> None:
        nonlocal done
        done += made
        progress(done, total)

    _check_draws(study)
    problem = training.prepare(study)
    records: list[training.Record] = []
    interrupted = False
    try:
        for batch in _batches(study):
            records.append(training.train(problem, batch, advance))
    except KeyboardInterrupt:
        if not records:
            raise
        interrupted = True
    finished = {trial.seed for record in records for trial in record.trials}
    seeds = tuple(seed for seed in study.seeds if seed in finished)
    return _gather(problem, replace(study, seeds=seeds), records, interrupted)


def _batches(study: Study) -> Iterator[tuple[Trial, ...]]:
    """Yield the trials in batches of whole seeds, so that what is finished is paired."""
    per_seed = len(study.schemes) * len(study.learning_rates)
    size = per_seed * max(1, _TRIALS_PER_BATCH // per_seed)
    for start in range(0, len(study.trials), size):
        yield study.trials[start : start + size]


def _check_draws(study: Study) -> None:
    """Draw every scheme once: a callable that draws nonsense is found before any training."""
    for name in dict.fromkeys(scheme.name for scheme in study.schemes):
        training.initial(study, Trial(name, study.learning_rates[0], study.seeds[0]))


def _gather(
    problem: training.Problem, study: Study, records: list[training.Record], interrupted: bool
) -> Comparison:
    keep = study.dataset.n_features == 2
    networks = {
        trial: training.network(problem, record, i)
        for record in records
        for i, trial in enumerate(record.trials if keep else ())
    }
    return Comparison(
        study,
        pd.concat([_trials(record) for record in records], ignore_index=True),
        pd.concat([_curves(study, record) for record in records], ignore_index=True),
        interrupted,
        networks,
    )


def _trials(record: training.Record) -> pd.DataFrame:
    last = {measure: curve[-1] for measure, curve in record.curves.items()}
    return pd.DataFrame(record.trials).assign(
        initial_cost=record.curves["train_cost"][0], **last, diverged=record.diverged
    )


def _curves(study: Study, record: training.Record) -> pd.DataFrame:
    moments = study.training.moments
    trials = pd.DataFrame(record.trials)
    repeated = trials.loc[trials.index.repeat(len(moments))].reset_index(drop=True)
    return repeated.assign(
        iteration=np.tile(moments, len(trials)),
        **{measure: curve.T.ravel() for measure, curve in record.curves.items()},
    )


def _aggregate(group: pd.DataFrame) -> dict[str, float]:
    """Return the middle of each measure over the seeds, and the range of most of them."""
    values = {
        "train_accuracy": group["train_accuracy"],
        "test_accuracy": group["test_accuracy"],
        "initial_cost": group["initial_cost"].fillna(np.inf),
        "train_cost": group["train_cost"].fillna(np.inf),
    }
    row: dict[str, float] = {}
    for measure, of in values.items():
        row[measure] = float(of.median() if measure.endswith("cost") else of.mean())
    for measure, of in values.items():
        low, high = of.quantile(list(SEED_RANGE), interpolation="nearest")
        row |= {f"{measure}_low": float(low), f"{measure}_high": float(high)}
    return row


def _write(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under a temporary name and move it into place when it is whole."""
    part = path.with_name(f".{path.name}.part")
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _panel_title(row: pd.Series, with_rate: bool) -> str:
    rate = f" at {row['learning_rate']:g}" if with_rate else ""
    test = "" if np.isnan(row["test_accuracy"]) else f", {row['test_accuracy']:.0%} test"
    shares = f"{row['train_accuracy']:.0%} train{test}"
    return f"{row['initializer']}{rate}\nseed {row['seed']}: {shares}"
