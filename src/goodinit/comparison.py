"""The comparison: from what was asked, over the trained trials, to tables and pictures."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from goodinit import datasets, training
from goodinit.causes import Run, runs_by_initializer
from goodinit.errors import bad_argument
from goodinit.evidence import Evidence, weigh
from goodinit.network import Parameters
from goodinit.signals import Signals, chance_cost, observe, observe_sharpness, sharpness_moments
from goodinit.spread import seed_range
from goodinit.study import ARTICLES, Initializer, Study, Training, Trial, plan
from goodinit.verdict import Verdict, judge, warn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TRIALS_PER_BATCH = 60
_BATCH_BYTES = 2**30
_ARRAYS_PER_LAYER = 6  # of the size (examples, units), that measuring holds at once


@dataclass(frozen=True, repr=False)
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
    signals : DataFrame
        A row per trial, layer and moment ("start", "end"): ``initializer, learning_rate, seed,
        moment, layer`` (counted from 1, the output last) and ``signals.LAYER_SIGNALS``.
    sharpness : DataFrame
        A row per trial and about ten iterations: ``initializer, learning_rate, seed, iteration,
        sharpness``, the largest eigenvalue of the cost's Hessian, and ``stability``, the learning
        rate × sharpness over its limit (2 for gradient descent): above 1 it is unstable. NaN for
        Adam, which has no such limit.
    interrupted : bool
        Whether seeds that were asked for are missing.
    networks : dict of Trial to Parameters
        The trained networks of data with two features, whose boundaries can be drawn.
    """

    study: Study
    trials: pd.DataFrame
    curves: pd.DataFrame
    signals: pd.DataFrame
    sharpness: pd.DataFrame
    interrupted: bool = False
    networks: dict[Trial, Parameters] = field(default_factory=dict)

    def __repr__(self) -> str:
        shown = self.summary()[["initializer", "train_accuracy", "train_cost", "label"]]
        return f"{self.study.describe()}\n{shown}"

    @cached_property
    def chance(self) -> float:
        """The cost of chance, of the best answer that doesn't look at the example."""
        return chance_cost(self.study.dataset)

    @cached_property
    def evidence(self) -> Evidence:
        """How sure the differences are; see ``goodinit.evidence.weigh``."""
        return weigh(self.trials, self.curves, self.chance)

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The finding for each initializer, best first, with its cause and the numbers."""
        found = {v.initializer: v for v in judge(self._runs, self.evidence)}
        order = dict.fromkeys(self._middles().sort_values("train_cost")["initializer"])
        return tuple(found[name] for name in order)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What concerns the study as a whole."""
        return warn(self._runs, self.evidence, self.study.learning_rates)

    @cached_property
    def _runs(self) -> dict[str, Sequence[Run]]:
        return runs_by_initializer(
            self.trials,
            self.signals,
            self.sharpness,
            self.evidence.rates,
            chance=self.chance,
            input_rms=float(np.sqrt(np.mean(self.study.dataset.X_train**2))),
        )

    def summary(self) -> pd.DataFrame:
        """Return a row per initializer at its own best learning rate, the best first.

        The best learning rate is the one of the lowest median training cost; ``trials`` has the
        others. Rows are sorted by that cost too.

        Returns
        -------
        DataFrame
            ``train_accuracy, test_accuracy`` are means over the seeds (of R², medians),
            ``initial_cost, train_cost`` medians; ``..._low`` and ``..._high`` bound the 90 % of
            seeds between the 5th and the 95th percentile. A diverged trial counts with an infinite
            cost, and what it doesn't answer is wrong. ``label`` and ``reason`` are the verdict.
        """
        rates = self.evidence.rates
        rows = self._middles()
        own = rows[rows["learning_rate"] == rows["initializer"].map(rates)]
        found = {verdict.initializer: verdict for verdict in self.verdicts}
        labels = [found[name].label for name in own["initializer"]]
        reasons = [found[name].reason for name in own["initializer"]]
        ranked = own.assign(label=labels, reason=reasons).sort_values(
            ["train_cost", "train_accuracy"], ascending=[True, False], kind="stable"
        )
        return ranked.reset_index(drop=True)

    def _middles(self) -> pd.DataFrame:
        """Return a row per initializer and learning rate: middle and range of each measure."""
        return pd.DataFrame(
            [
                {
                    "initializer": name,
                    "learning_rate": rate,
                    **_aggregate(group, self.study.dataset.task),
                    "diverged": int(group["diverged"].sum()),
                    "seeds": len(group),
                }
                for (name, rate), group in self.trials.groupby(
                    ["initializer", "learning_rate"], sort=False
                )
            ]
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

        return figures.plot_costs(self.curves, self._names, self._title, self.chance)

    def plot_signals(self) -> "Figure":
        """Draw activation and gradient scale, distinct and dead units by layer, at the start."""
        from goodinit import evidence_figures

        chosen = self.signals[
            self.signals["learning_rate"] == self.signals["initializer"].map(self.evidence.rates)
        ]
        return evidence_figures.plot_signals(chosen, self._names, self._title)

    def plot_learning_rates(self) -> "Figure":
        """Draw the median training cost of every initializer at every learning rate."""
        from goodinit import evidence_figures

        return evidence_figures.plot_learning_rates(self._middles(), self._names, self._title)

    def plot_accuracy(self, learning_rate: float | None = None) -> "Figure":
        """Draw the accuracy of every seed, at one learning rate (where not given, the first)."""
        from goodinit import figures

        rates = self.study.learning_rates
        rate = rates[0] if learning_rate is None else learning_rate
        if rate not in rates:
            raise bad_argument("learning_rate", rate, f"one of {', '.join(map(str, rates))}")
        measure = "R²" if self.study.dataset.task == "regression" else "accuracy"
        chosen = self.trials[self.trials["learning_rate"] == rate]
        return figures.plot_accuracy(
            chosen, self._names, f"{self._title}, learning rate {rate:g}", measure
        )

    def plot_boundaries(self) -> "Figure":
        """Draw the decision boundary of each initializer's median seed, with the data on it."""
        from goodinit import figures
        from goodinit.looks import styles

        look = styles(self._names)
        drawn = [(row, trial) for row, trial in self._median_trials() if trial in self.networks]
        several = len(self.study.learning_rates) > 1
        panels = [(_panel_title(row, several), self.networks[trial]) for row, trial in drawn]
        colours = [look[trial.initializer].colour for _, trial in drawn]
        title = f"{self._title}\ndecision boundary of the seed with the median training cost"
        return figures.plot_boundaries(
            self.study.dataset, self.study.network, panels, title, colours
        )

    def plots(self) -> "Iterator[tuple[str, Figure]]":
        """Yield a name and a picture for each picture that this study has."""
        yield "data", self.plot_data()
        yield "costs", self.plot_costs()
        yield "signals", self.plot_signals()
        several = len(self.study.learning_rates) > 1
        if several:
            yield "learning_rates", self.plot_learning_rates()
        for rate in self.study.learning_rates:
            yield f"accuracy-{rate}" if several else "accuracy", self.plot_accuracy(rate)
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
        for name in ("summary", "trials", "curves", "signals", "sharpness"):
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
    observers = _observers(study)
    records: list[training.Record] = []
    interrupted = False
    try:
        for batch in _batches(study):
            records.append(training.train(problem, batch, advance, observe=observers))
    except KeyboardInterrupt:
        if not records:
            raise
        interrupted = True
    finished = Counter(trial.seed for record in records for trial in record.trials)
    per_seed = len(study.schemes) * len(study.learning_rates)
    seeds = tuple(seed for seed in study.seeds if finished[seed] == per_seed)
    if not seeds:
        raise KeyboardInterrupt
    return _gather(problem, replace(study, seeds=seeds), records, interrupted)


def _batches(study: Study) -> Iterator[tuple[Trial, ...]]:
    """Yield the trials in batches, of whole seeds where several fit into memory at once."""
    examples = max(len(study.dataset.X_train), len(study.dataset.X_test))
    bytes_each = 8 * _ARRAYS_PER_LAYER * examples * sum(study.network.layers[1:])
    most = max(1, min(_TRIALS_PER_BATCH, _BATCH_BYTES // bytes_each))
    per_seed = len(study.schemes) * len(study.learning_rates)
    size = most // per_seed * per_seed or most
    for start in range(0, len(study.trials), size):
        yield study.trials[start : start + size]


def _observers(study: Study) -> dict[int, training.Observe]:
    """Return what is measured besides costs: the layers at both ends, the bend at ten moments."""
    moments = study.training.moments
    bends = set(sharpness_moments(moments))
    ends = {moments[0], moments[-1]}

    def at(moment: int) -> training.Observe:
        def observer(problem: training.Problem, trials: Sequence[Trial], flat: Any) -> _Sight:
            layers = observe(problem, trials, flat, moment) if moment in ends else None
            bend = observe_sharpness(problem, trials, flat) if moment in bends else None
            return _Sight(tuple(trials), layers, bend)

        return observer

    return {moment: at(moment) for moment in bends | ends}


class _Sight(NamedTuple):
    """What was seen of some trials at one moment."""

    trials: tuple[Trial, ...]
    layers: Signals | None
    sharpness: NDArray[np.float64] | None


def _check_draws(study: Study) -> None:
    """Draw every scheme once: a callable that draws nonsense is found before any training."""
    for name in dict.fromkeys(scheme.name for scheme in study.schemes):
        training.initial(study, Trial(name, study.learning_rates[0], study.seeds[0]))


def _gather(
    problem: training.Problem, study: Study, records: list[training.Record], interrupted: bool
) -> Comparison:
    keep = study.dataset.n_features == 2
    kept = set(study.trials)
    networks = {
        trial: training.network(problem, record, i)
        for record in records
        for i, trial in enumerate(record.trials if keep else ())
        if trial in kept
    }
    return Comparison(
        study,
        _in_order(study, [_trials(record) for record in records]),
        _in_order(study, [_curves(study, record) for record in records]),
        _in_order(study, [_signals(study, record) for record in records]),
        _in_order(study, [_sharpness(study, record) for record in records]),
        interrupted,
        networks,
    )


def _in_order(study: Study, tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of the study's trials in their order, whatever batches they came from."""
    table = pd.concat(tables, ignore_index=True)
    trials = pd.MultiIndex.from_frame(pd.DataFrame(study.trials))
    place = trials.get_indexer(pd.MultiIndex.from_frame(table[list(trials.names)]))
    ordered = table.assign(place=place)[place >= 0].sort_values("place", kind="stable")
    return ordered.drop(columns="place").reset_index(drop=True)


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


def _signals(study: Study, record: training.Record) -> pd.DataFrame:
    moments = study.training.moments
    rows = []
    for moment, iteration in (("start", moments[0]), ("end", moments[-1])):
        for sight in record.observed[iteration]:
            if sight.layers is None:
                continue
            for layer in range(len(study.network.layers) - 1):
                measured = {name: of[:, layer] for name, of in sight.layers.layers.items()}
                rows.append(
                    pd.DataFrame(sight.trials).assign(moment=moment, layer=layer + 1, **measured)
                )
    return pd.concat(rows, ignore_index=True)


def _sharpness(study: Study, record: training.Record) -> pd.DataFrame:
    rows = [
        pd.DataFrame(sight.trials).assign(iteration=iteration, sharpness=sight.sharpness)
        for iteration, sights in record.observed.items()
        for sight in sights
        if sight.sharpness is not None
    ]
    table = pd.concat(rows, ignore_index=True)
    limit = study.training.stability_limit
    return table.assign(stability=table["learning_rate"] * table["sharpness"] / limit)


def _aggregate(group: pd.DataFrame, task: str) -> dict[str, float]:
    """Return the middle of each measure over the seeds, and the range of most of them."""
    values = {
        "train_accuracy": group["train_accuracy"].to_numpy(),
        "test_accuracy": group["test_accuracy"].to_numpy(),
        "initial_cost": group["initial_cost"].fillna(np.inf).to_numpy(),
        "train_cost": group["train_cost"].fillna(np.inf).to_numpy(),
    }
    row: dict[str, float] = {}
    for measure, of in values.items():
        mean = measure.endswith("accuracy") and task != "regression"
        row[measure] = float(of.mean() if mean else np.median(of))
    for measure, of in values.items():
        low, high = seed_range(of)
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
