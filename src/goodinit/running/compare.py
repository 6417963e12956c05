"""The comparison that was asked for: what of it is missing is trained, and kept as it comes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from goodinit import datasets
from goodinit.comparison import Comparison
from goodinit.errors import ArgumentError, StudyStoppedError, bad_argument
from goodinit.evidence.pairs import MARGIN, check_ranking
from goodinit.measuring.tables import Measured, Part, trials_of
from goodinit.running import batches
from goodinit.running.pace import Pace, Unwatched, Watch
from goodinit.store import folder as store
from goodinit.store.begun import sets_aside
from goodinit.store.written import check_out
from goodinit.study.asked import ARTICLES, Initializer
from goodinit.study.grid import Training, plan
from goodinit.study.trials import AnyStudy, Trial, finished, read_splits

Progress = Callable[[int, int], None]


def compare(
    data: Any,
    *,
    initializers: Iterable[Initializer] | Initializer = ARTICLES,
    hidden: Sequence[int] = (10, 5),
    activation: str = "relu",
    bias: str = "zeros",
    learning_rate: float | Sequence[float] = 0.01,
    iterations: int = 15_000,
    seeds: int | Sequence[int] = 20,
    optimizer: str = "gradient_descent",
    momentum: float = 0.9,
    batch_size: int | None = None,
    weight_decay: float = 0.0,
    dtype: str = "float64",
    record: int = 100,
    target: str | None = None,
    columns: str | Sequence[str] | None = None,
    drop: str | Sequence[str] | None = None,
    missing: str = "fill",
    task: str | None = None,
    test_fraction: float = datasets.TEST_FRACTION,
    split_seed: int = 0,
    splits: int = 1,
    standardize: bool | None = None,
    image_size: int | tuple[int, int] | None = None,
    by: str | None = None,
    margin: float = MARGIN,
    out: str | Path | None = None,
    keep_networks: bool = False,
    executor: Executor | None = None,
    progress: Progress = lambda done, total: None,
) -> Comparison:
    """Train one network per initializer, learning rate and seed, and compare what became of them.

    Parameters
    ----------
    data : str, Path, DataFrame, tuple of arrays, or Dataset
        What ``goodinit.datasets.load`` takes.
    initializers : spec strings, schemes or callables
        See ``goodinit.initializers.read``. The default are the articles' zero, large random and
        small random, their "Xavier" (LeCun normal), Glorot's own, and He.
    hidden : sequence of int
        Units of each hidden layer.
    activation : str
        Of the hidden layers; see ``goodinit.activations``.
    bias : str
        How biases start: ``"zeros"`` (as in the articles), ``"constant(value)"``,
        ``"normal(std)"``, ``"uniform(low, high)"``, or ``"prior"``, which has the last layer's
        begin at the base rate of the training targets, and all others at zero. An initializer with
        biases of its own, such as ``"he_normal + bias(std=0.1)"``, keeps them.
    learning_rate : float or sequence of float
        Of several, each initializer is compared at its own best. Where there is a test part, a
        fifth of the training part is set aside to choose it by.
    iterations : int
        Updates of each network.
    seeds : int or sequence of int
        How many, or the seeds themselves. One seed draws the same standard values for every
        scheme of a distribution, so that schemes are compared in pairs.
    optimizer, momentum, batch_size, weight_decay, dtype, record
        How each network is trained and how often it is measured; see
        ``goodinit.study.grid.Training``. The default is gradient descent on all examples at once.
    target, columns, drop, missing, task, test_fraction, split_seed, standardize, image_size
        How data become features and a target; see ``goodinit.datasets.load``.
    splits : int
        Into how many splits of train and test the data are divided, by ``split_seed`` and the seeds
        after it; circles, moons, blobs, spirals and xor are drawn anew for each. Seed s trains on
        split s mod ``splits``, so that there are at least as many seeds, and evidence is over the
        splits, whose seeds are averaged; see ``docs/evidence.md``.
    by, margin : str, float
        What ranks ("train_cost", "test_cost", "test_accuracy" or "speed"), and within which two
        are called equivalent; see ``Comparison``.
    out : str or Path, optional
        A study folder: trials that it holds aren't run again, and every finished batch is kept
        there at once. See ``docs/studies.md``.
    keep_networks : bool
        Keep every trained network. Those of data with two features always are, for their
        boundaries.
    executor : concurrent.futures.Executor, optional
        Who trains the batches, each on one thread; see ``docs/clusters.md``. Where not given,
        this process, with a thread for each processor.
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
    StudyStoppedError
        Where the folder can no longer be written, or the executor can no longer work. What was
        finished is in the folder, if there is one.

    Examples
    --------
    >>> result = compare("circles", initializers=["zeros", "he_normal"], iterations=50, seeds=2)
    >>> result.summary()[["initializer", "initial_cost"]].round(4)
      initializer  initial_cost
    0       zeros        0.6931
    1   he_normal        0.7872
    """
    if out is not None:
        check_out(out, data)
    check_ranking(by, margin)
    read_splits(splits, seeds)
    study = plan(
        datasets.load_splits(
            data,
            splits,
            target=target,
            columns=columns,
            drop=drop,
            missing=missing,
            task=task,
            test_fraction=test_fraction,
            split_seed=split_seed,
            standardize=standardize,
            image_size=image_size,
        ),
        initializers=initializers,
        hidden=hidden,
        activation=activation,
        bias=bias,
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
        split_seed=split_seed,
        aside=sets_aside(out),
    )
    result = run(study, progress, out=out, keep_networks=keep_networks, executor=executor)
    return replace(result, by=by, margin=margin)


def run(
    study: AnyStudy,
    progress: Progress = lambda done, total: None,
    *,
    out: str | Path | None = None,
    keep_networks: bool = False,
    executor: Executor | None = None,
    watch: Watch | None = None,
) -> Comparison:
    """Train every trial of a study that isn't kept yet, and return what was measured of all.

    The arguments are those of ``compare``, which calls this; `watch` is told where the study
    stands, and that it will take long, which is a ``LongRunWarning`` otherwise.
    """
    if executor is not None and not isinstance(executor, Executor):
        raise bad_argument("executor", executor, "a concurrent.futures.Executor")
    _check_draws(study)
    networks = keep_networks or study.has_boundaries
    with _place(out, study, keep_networks=networks) as kept:
        done = {trial for part in kept.parts for trial in trials_of(part)}
        missing = [trial for trial in study.trials if trial not in done]
        pace = Pace(
            len(study.trials),
            len(study.trials) - len(missing),
            batches.work(study),
            progress,
            together=executor is not None,
            watch=watch or Unwatched(),
        )
        try:
            for part in _spread(study, missing, pace, executor, networks=networks):
                kept.write(part)
                pace.finish(len(part.tables["trials"]))
        except KeyboardInterrupt:
            result = _so_far(study, kept)
            if result is None:
                raise KeyboardInterrupt(_kept(study, kept, out)) from None
            return result
        except (StudyStoppedError, ArgumentError) as error:
            line = f"{error}; {_kept(study, kept, out)}"
            raise StudyStoppedError(line, _so_far(study, kept)) from error
        return Comparison(study, kept.parts, notes=kept.notes)


@dataclass
class _InMemory:
    """What is kept of a study that has no folder."""

    parts: list[Part] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def write(self, part: Measured) -> None:
        self.parts.append(part)


def _place(
    out: str | Path | None, study: AnyStudy, *, keep_networks: bool
) -> AbstractContextManager[store.Store | _InMemory]:
    """Return where what is measured is kept."""
    if out is None:
        return nullcontext(_InMemory())
    return store.opened(out, study, keep_networks=keep_networks)


def _spread(
    study: AnyStudy,
    missing: Sequence[Trial],
    pace: Pace,
    executor: Executor | None,
    *,
    networks: bool,
) -> Iterator[Measured]:
    if not missing:
        return iter(())
    if executor is None:
        return batches.here(study, missing, pace.advance, networks=networks, stage=pace.stage)
    return batches.elsewhere(study, missing, pace.advance, executor, networks=networks)


def _so_far(study: AnyStudy, kept: store.Store | _InMemory) -> Comparison | None:
    """Return the comparison of the seeds that are finished; None where none is."""
    part = finished(study, [trial for part in kept.parts for trial in trials_of(part)])
    return Comparison(part, kept.parts, True, kept.notes) if part.seeds else None


def _kept(study: AnyStudy, kept: store.Store | _InMemory, out: str | Path | None) -> str:
    """Say how many trials are kept, and how the study goes on."""
    if out is None:
        return "a study without a folder (`out`) starts anew"
    asked = set(study.trials)
    count = sum(trial in asked for part in kept.parts for trial in trials_of(part))
    return (
        f"{count:,} of {len(asked):,} trials are kept in {out}, and the same command goes on "
        "with the others"
    )


def _check_draws(study: AnyStudy) -> None:
    """Draw every scheme once: a callable that draws nonsense is found before any training."""
    for scheme in study.schemes:
        study.largest_weights(scheme.name, study.seeds[0])
