"""How trials are spread: over the processors of this machine, or over an executor's workers."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from dataclasses import replace
from itertools import pairwise
from time import perf_counter
from typing import Any, NamedTuple, cast
from uuid import uuid4

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from goodinit import training
from goodinit.errors import ArgumentError, StudyStoppedError
from goodinit.measuring.signals import Signals, observe
from goodinit.measuring.stability import Bend, bend_moments, observe_bend
from goodinit.measuring.tables import (
    Measured,
    Networks,
    curves_table,
    merge,
    sharpness_table,
    signals_table,
    trials_table,
)
from goodinit.study.grid import Study
from goodinit.study.trials import AnyStudy, SelfTrained, Trial

# A batch has at most so many trials, so many bytes while it is measured, and so many floating-point
# operations, which take one processor some seconds: `benchmarks/scale.py` measures what they cost.
_TRIALS = 600
_BYTES = 2**28
_OPERATIONS = 3e11
_ARRAYS_PER_LAYER = 6  # of the size (examples, units), that measuring holds at once
_NETWORKS = 2  # of each trial in full, where they are kept
_PER_WORKER = 4  # batches at least, so that no worker waits long for the last of the others
_WORKERS = 50  # that one process sends and keeps short batches for; for more they are longer
_LONGEST_SAID = 200  # characters of a worker's error

Progress = Callable[[int], None]  # called with the iterations just made, over all trials


def here(
    study: AnyStudy,
    trials: Sequence[Trial],
    progress: Progress,
    *,
    networks: bool,
    stage: training.Stage = lambda doing, made: None,
) -> Iterator[Measured]:
    """Train trials on the processors of this machine, and yield a batch when it is finished.

    Parameters
    ----------
    study : Study
    trials : sequence of Trial
        Of the study.
    progress : callable
    networks : bool
        Whether the trained networks are kept.
    stage : callable
        As that of ``goodinit.training.train``.
    """
    for split, own in _by_split(study, trials):
        key = uuid4().hex
        size = max(_most(split), training.available_processors())
        for batch in _batches(split, own, size):
            made = measure(
                key, split, batch, networks, threads=None, progress=progress, stage=stage
            )
            yield with_splits(study, made)


def elsewhere(
    study: AnyStudy,
    trials: Sequence[Trial],
    progress: Progress,
    executor: Executor,
    *,
    networks: bool,
) -> Iterator[Measured]:
    """Have an executor's workers train trials, and yield what is finished, in any order.

    Few batches are on their way at any moment; they are given up where the caller stops.
    """
    workers = getattr(executor, "_max_workers", None) or training.available_processors()
    size = size_for(study, len(trials), workers)
    batches = (
        (*sent, batch)
        for split, own in _by_split(study, trials)
        # The batches are what is sent, not the grid.
        for sent in [(uuid4().hex, replace(split, seeds=()))]
        for batch in _batches(split, own, size)
    )
    waiting: set[Future[Measured]] = set()
    try:
        while True:
            for batch in batches:
                waiting.add(_submit(executor, *batch, networks))
                if len(waiting) >= 2 * workers:
                    break
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from _finished(done, study, progress)
    finally:
        for future in waiting:
            future.cancel()


def _submit(executor: Executor, *arguments: Any) -> "Future[Measured]":
    """Have an executor measure a batch, or say in one line that it takes no more."""
    try:
        return executor.submit(measure, *arguments)
    except StudyStoppedError:
        raise
    except RuntimeError as error:  # it was shut down, or a process of its pool has died
        raise StudyStoppedError(f"executor: it takes no more batches ({_said(error)})") from error


def _finished(
    done: set[Future[Measured]], study: AnyStudy, progress: Progress
) -> Iterator[Measured]:
    """Yield what succeeded, as one batch, before an error of what didn't is raised."""
    good = [future.result() for future in done if not future.cancelled() and not future.exception()]
    if good:
        yield from (with_splits(study, part) for part in _merged(good))
        progress(sum(len(part.tables["trials"]) for part in good) * study.training.iterations)
    for future in done:
        try:
            future.result()
        except ArgumentError:
            raise
        except CancelledError as error:
            line = "executor: it gave up a batch (its scheduler, or its pool, has gone)"
            raise StudyStoppedError(line) from error
        except Exception as error:  # a worker may fail in any way
            raise StudyStoppedError(f"executor: a batch failed ({_said(error)})") from error


def _merged(parts: Sequence[Measured]) -> Iterator[Measured]:
    """Yield batches as one, but for those whose networks have other shapes: of other splits."""
    by_shapes: dict[Any, list[Measured]] = {}
    for part in parts:
        shapes = tuple(array.shape[1:] for array in part.arrays.values())
        by_shapes.setdefault(shapes, []).append(part)
    return (merge(of) for of in by_shapes.values())


def _by_split(
    study: AnyStudy, trials: Sequence[Trial]
) -> Iterator[tuple[AnyStudy, Sequence[Trial]]]:
    """Yield the study of each split that has trials, and these."""
    if study.splits == 1:
        yield study, trials
        return
    for split in range(study.splits):
        if own := [trial for trial in trials if trial.seed % study.splits == split]:
            yield study.on(split), own


def with_splits(study: AnyStudy, part: Measured) -> Measured:
    """Return a part whose trials say of which split they are, where there are several."""
    if study.splits == 1:
        return part
    trials = part.tables["trials"]
    splits = pa.array(trials["seed"].to_numpy() % study.splits)
    return replace(part, tables={**part.tables, "trials": trials.append_column("split", splits)})


def _said(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST_SAID]


_prepared: dict[str, training.Problem] = {}  # of the last study that this process was sent


def measure(
    key: str,
    study: AnyStudy,
    trials: Sequence[Trial],
    networks: bool,
    *,
    threads: int | None = 1,
    progress: Progress = lambda _: None,
    stage: training.Stage = lambda doing, made: None,
) -> Measured:
    """Train a batch, and return what was measured: what a worker is sent to do.

    Parameters
    ----------
    key : str
        Of the study: what all its batches share is prepared once in each process.
    study : Study or ModuleStudy
        Whose grid is not needed.
    trials : sequence of Trial
    networks : bool
        Whether the trained networks are kept.
    threads : int, optional
        Where not given, one for each processor.
    progress, stage : callable
    """
    began = perf_counter()
    if not isinstance(study, Study):
        found: Measured = cast(SelfTrained, study).measure(trials, progress, networks=networks)
        return replace(found, seconds=perf_counter() - began)
    problem = _prepared.get(key)
    if problem is None:
        problem = training.prepare(study)
        _prepared.clear()
        _prepared[key] = problem
    record = training.train(problem, trials, progress, threads, _observers(study), stage)
    found = _tabulate(problem, record, networks=networks)
    return replace(found, seconds=perf_counter() - began)


def work(study: AnyStudy) -> dict[str, int]:
    """Return how many units of each kind of work a trial takes; see ``goodinit.running.pace``."""
    units = {training.TRAINING: study.training.iterations}
    if isinstance(study, Study):
        units[training.MEASURING] = len(study.training.moments)
        if study.training.record > 1:
            units[training.SHARPNESS] = len(_observers(study))
    return units


def size_for(study: AnyStudy, trials: int, workers: int) -> int:
    """Return how many trials a batch for an executor has."""
    longer = max(1, workers // _WORKERS)
    return _whole_seeds(study, max(1, min(_most(study, longer), trials // (_PER_WORKER * workers))))


def _batches(study: AnyStudy, trials: Sequence[Trial], most: int) -> Iterator[tuple[Trial, ...]]:
    """Yield trials in batches, of whole seeds where one holds several."""
    size = _whole_seeds(study, most)
    for start in range(0, len(trials), size):
        yield tuple(trials[start : start + size])


def _whole_seeds(study: AnyStudy, most: int) -> int:
    per_seed = len(study.schemes) * len(study.learning_rates)
    return most // per_seed * per_seed or most


def _most(study: AnyStudy, longer: int = 1) -> int:
    """Return how many trials a batch may have, where it may take so many times as long."""
    if not isinstance(study, Study):
        return cast(SelfTrained, study).trials_per_batch
    layers, data = training.network_of(study).layers.tolist(), study.dataset
    examples = max(len(data.X_train), len(data.X_test))
    held = sum(a * b for a, b in pairwise(study.network.layers))
    bytes_each = 8 * (_ARRAYS_PER_LAYER * examples * sum(layers[1:]) + _NETWORKS * held)
    seen = study.training.batch_size or len(data.X_train)
    products = sum(a * b for a, b in pairwise(layers))
    each = 6 * products * seen * study.training.iterations
    return int(max(1, min(_TRIALS, _BYTES // bytes_each, longer * _OPERATIONS // each)))


class _Sight(NamedTuple):
    """What was seen of some trials at one moment."""

    trials: tuple[Trial, ...]
    layers: Signals | None
    bend: Bend | None


def _observers(study: Study) -> dict[int, training.Observe]:
    """Return what is measured besides costs: the layers at both ends, the bend at ten moments."""
    moments = study.training.moments
    bends = set(bend_moments(moments))
    ends = {moments[0], moments[-1]}

    def at(moment: int) -> training.Observe:
        def observer(
            problem: training.Problem, trials: Sequence[Trial], flat: Any, state: Any, outside: Any
        ) -> _Sight:
            layers = observe(problem, trials, flat, outside, moment) if moment in ends else None
            bend = None
            if moment in bends:
                sharp = study.training.record > 1
                unknown = np.full(len(trials), np.nan)
                bend = (
                    observe_bend(problem, trials, flat, state, moment)
                    if sharp
                    else Bend(unknown, unknown)
                )
            return _Sight(tuple(trials), layers, bend)

        return observer

    return {moment: at(moment) for moment in bends | ends}


def _tabulate(problem: training.Problem, record: training.Record, *, networks: bool) -> Measured:
    """Return what was measured of a batch that was trained with ``_observers``."""
    trials, moments = record.trials, problem.study.training.moments
    ends, bends = (moments[0], moments[-1]), bend_moments(moments)
    layers = [_seen(record, at, lambda sight: sight.layers.layers) for at in ends]
    seen = [_seen(record, at, lambda sight: sight.bend._asdict()) for at in bends]
    bend = {name: np.stack([of[name] for of in seen], axis=1) for name in Bend._fields}
    return Measured(
        {
            "trials": trials_table(trials, record.curves, record.diverged),
            "curves": curves_table(trials, moments, record.curves),
            "signals": signals_table(
                trials, {name: np.stack([of[name] for of in layers], axis=1) for name in layers[0]}
            ),
            "sharpness": sharpness_table(trials, bends, **bend),
        },
        _networks(problem, record) if networks else {},
    )


def _seen(
    record: training.Record, moment: int, measured: Callable[[Any], dict[str, NDArray[Any]]]
) -> dict[str, NDArray[Any]]:
    """Return what was seen at one moment over all trials of a batch, whose threads saw parts."""
    parts = [measured(sight) for sight in record.observed[moment]]
    return {name: np.concatenate([of[name] for of in parts])[record.places] for name in parts[0]}


def _networks(problem: training.Problem, record: training.Record) -> Networks:
    last = problem.study.training.moments[-1]
    arrays: Networks = {}
    parameters = training.networks(problem, record.trials, record.flat, last)
    for layer, (weights, biases) in enumerate(parameters, start=1):
        arrays |= {f"weight_{layer}": weights, f"bias_{layer}": biases}
    return arrays
