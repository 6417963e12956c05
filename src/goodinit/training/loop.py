"""The loop that records: batches of trials advance by segments, and are measured between them."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit import network as oracle
from goodinit.network import Parameters, pack, unpack
from goodinit.study.grid import Study
from goodinit.study.trials import Trial
from goodinit.training import answers, compression, hessian, kernel
from goodinit.training.blas import one_blas_thread
from goodinit.training.problem import Floats, Problem, initial, network_of, optimizer_of
from goodinit.training.update import MEMORY, Rule

MEASURES = ("train_cost", "test_cost", "train_accuracy", "test_accuracy")
VALIDATION = ("validation_cost", "validation_accuracy")

# Floating-point operations between two looks at Ctrl-C: below a second on any machine.
_OPERATIONS_PER_CALL = 5e9
_LAYER_BYTES = 2_000_000  # of a layer's activations in all networks that a thread takes at once
# Operations of a measurement that one thread makes as fast as several, which wait for each other.
_OPERATIONS_ALONE = 2e7

# What a batch is at, as a reader is told.
TRAINING, MEASURING, SHARPNESS = "training", "measuring", "measuring sharpness"
Stage = Callable[[str, int], None]
Progress = Callable[[int], None]  # called with the number of iterations just made, over all trials
# Looks at some trials' packed parameters, at what the optimizer remembers, (trials, memory, P), and
# at their weights outside the span, at one moment; see ``Record.flat`` and ``whole``.
Observe = Callable[[Problem, Sequence[Trial], Floats, Floats, Floats], Any]


@dataclass(frozen=True)
class Record:
    """What was measured while a batch of trials was trained.

    Attributes
    ----------
    trials : tuple of Trial
    curves : dict of str to array, shape (moments, trials)
        Each of ``MEASURES`` at the training's moments, NaN for the test part where there is none;
        and each of ``VALIDATION`` where there are examples for it.
        For a number to predict, accuracy is the coefficient of determination R².
    diverged : array of bool, shape (trials,)
        Whether the training cost or a parameter ceased to be a finite number.
    flat : array, shape (trials, P)
        The trained parameters, packed; where inputs are compressed, in the span. ``network``
        unpacks and restores them.
    observed : dict of int to list
        What ``observe`` returned at each of its moments, part by part of what was trained.
    places : array of int, shape (trials,)
        Of each trial among what was trained: trials that start alike and go on alike share one.
    """

    trials: tuple[Trial, ...]
    curves: dict[str, NDArray[np.float64]]
    diverged: NDArray[np.bool_]
    flat: Floats
    observed: dict[int, list[Any]] = field(default_factory=dict)
    places: NDArray[np.intp] = field(default_factory=lambda: np.arange(0))


@dataclass
class _Chunk:
    """Some of a batch's networks, which a thread advances and measures together."""

    trials: Sequence[Trial]
    flat: Floats  # (trials, P)
    state: Floats  # (trials, memory, P)
    rates: NDArray[np.float64]
    seeds: NDArray[np.uint64]
    offsets: (
        Floats  # of the test examples' first pre-activations, (trials, n_test or 1, units or 1)
    )
    outside: Floats  # of the span, as ``compression.outside`` has it; or zeros, (trials, 1, 1)

    def chosen(self, places: NDArray[np.intp] | slice) -> "_Chunk":
        """Return some of its networks, as views where they are a slice."""
        return _Chunk(
            [self.trials[place] for place in np.arange(len(self.trials))[places]],
            self.flat[places],
            self.state[places],
            self.rates[places],
            self.seeds[places],
            self.offsets[places],
            self.outside[places],
        )


def train(
    problem: Problem,
    trials: Sequence[Trial],
    progress: Progress = lambda _: None,
    threads: int | None = None,
    observe: Mapping[int, Observe] | None = None,
    stage: Stage = lambda doing, made: None,
) -> Record:
    """Train a batch of trials of one study together.

    A trial's numbers are the same to the last bit alone or in any batch, on one thread or many. So
    trials that start from the same parameters, as those of zeros do, are trained once for all.

    Parameters
    ----------
    problem : Problem
    trials : sequence of Trial
    progress : callable
        Called from this thread after each segment.
    threads : int, optional
        Where not given, one for each processor that this process may use.
    observe : dict of int to callable
        Further measurements, at some of the training's moments.
    stage : callable
        Called with what begins besides training and 0, and with how many trials it was done for.

    Examples
    --------
    >>> from goodinit.datasets import circles
    >>> from goodinit.study.grid import Training, plan
    >>> from goodinit.training.problem import prepare
    >>> study = plan(circles(), initializers="zeros", hidden=(10, 5), activation="relu",
    ...              learning_rate=0.01, seeds=1, training=Training(iterations=20, record=2))
    >>> train(prepare(study), study.trials).curves["train_cost"].round(4).tolist()
    [[0.6931], [0.6931], [0.6931]]
    """
    moments = problem.study.training.moments
    workers = threads or available_processors()
    # BLAS on one thread: the networks are what is spread over the processors.
    with one_blas_thread, ThreadPoolExecutor(workers) as pool:
        some = [list(part) for part in np.array_split(np.arange(len(trials)), workers)]
        drawn = pool.map(
            lambda part: _start(problem, [trials[i] for i in part]), filter(None, some)
        )
        every = _joined(list(drawn))
    first, places = _alike(problem, every)
    whole, shrinkage = every.chosen(first), _shrinkage(problem, trials)[:, first]
    del every
    parts = _parts(problem, len(first), workers)
    seen = [slice(0, len(first))] if _takes_one(problem, len(first)) else parts
    chunks = [whole.chosen(part) for part in parts]
    for networks in {part.stop - part.start for part in (*parts, *seen)}:
        compile_kernel(problem.study, networks)  # its BLAS must be there to be limited
    with one_blas_thread, ThreadPoolExecutor(workers) as pool:

        def measure(moment: int) -> NDArray[np.float64]:
            stage(MEASURING, 0)
            rows = (map if len(seen) == 1 else pool.map)(
                lambda part: _measure(problem, whole.chosen(part), shrinkage[moment, part]), seen
            )
            found = np.concatenate(list(rows), axis=1)[:, places]
            stage(MEASURING, len(trials))
            return found

        observed: dict[int, list[Any]] = {}

        def look(moment: int) -> None:
            seeing = (observe or {}).get(moment)
            if seeing is not None:
                stage(SHARPNESS, 0)
                observed[moment] = list(
                    pool.map(
                        lambda of: seeing(problem, of.trials, of.flat, of.state, of.outside), chunks
                    )
                )
                stage(SHARPNESS, len(trials))

        rows = [measure(0)]
        look(0)
        for row, (before, after) in enumerate(pairwise(moments), start=1):
            stage(TRAINING, 0)
            for start, stop in pairwise(_segments(problem, before, after, len(chunks[0].trials))):
                list(pool.map(lambda chunk: _advance(problem, chunk, start, stop), chunks))  # noqa: B023  # used up before the loop goes on
                progress((stop - start) * len(trials))
            rows.append(measure(row))
            look(after)
    measured = np.stack(rows, axis=1)
    curves = dict(zip((*MEASURES, *VALIDATION)[: len(measured)], measured, strict=True))
    flat = whole.flat[places]
    finite = np.isfinite(curves["train_cost"]).all(axis=0) & np.isfinite(flat).all(axis=1)
    return Record(tuple(trials), curves, ~finite, flat, observed, places)


def networks(problem: Problem, trials: Sequence[Trial], flat: Floats, moment: int) -> Parameters:
    """Return trials' networks in full, their first weights over all features of the data.

    Parameters
    ----------
    problem : Problem
    trials : sequence of Trial
    flat : array, shape (trials, P)
        As in ``Record.flat``.
    moment : int
        The iteration that they have reached, one of the training's moments.
    """
    parameters = unpack(problem.layers, flat.astype(np.float64))
    if problem.span is None:
        return parameters
    (weights, biases), rest = parameters[0], parameters[1:]
    row = problem.study.training.moments.index(moment)
    shrunk = _shrinkage(problem, trials)[row]
    with one_blas_thread, np.errstate(all="ignore"):  # as in training
        full = [
            compression.restore(
                weights[i], initial(problem.study, trial)[0][0], problem.span, float(shrunk[i])
            )
            for i, trial in enumerate(trials)
        ]
    return [(np.stack(full), biases), *rest]


def whole(
    problem: Problem, trials: Sequence[Trial], flat: Floats, outside: Floats, moment: int
) -> tuple[Parameters, Floats]:
    """Return trials' networks and the training examples, in axes that keep lengths and angles.

    Where inputs are compressed, the axes are those of the span, and then those of the weights
    outside of it, in which all examples are 0; otherwise they are the features.
    """
    parameters = unpack(problem.layers, flat.astype(np.float64))
    if problem.span is None:
        return parameters, problem.study.dataset.X_train
    (weights, biases), rest = parameters[0], parameters[1:]
    row = problem.study.training.moments.index(moment)
    shrunk = _shrinkage(problem, trials)[row][:, np.newaxis, np.newaxis]
    inside = problem.span.X_train
    return (
        [(np.concatenate([weights, shrunk * outside], axis=-1), biases), *rest],
        np.concatenate([inside, np.zeros((len(inside), outside.shape[-1]))], axis=-1),
    )


def network(problem: Problem, record: Record, index: int) -> Parameters:
    """Return one trained network in full, the ``index``-th of ``record.trials``."""
    last = problem.study.training.moments[-1]
    trials, flat = record.trials[index : index + 1], record.flat[index : index + 1]
    return [(weights[0], biases[0]) for weights, biases in networks(problem, trials, flat, last)]


def available_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def compile_kernel(study: Study, networks: int) -> None:
    """Compile what trains so many networks of a study, or load what an earlier process compiled."""
    network, optimizer = network_of(study), optimizer_of(study.training)
    dtype = np.dtype(study.training.dtype)
    layers = network.layers.tolist()
    size = sum(fan_out * (fan_in + 1) for fan_in, fan_out in pairwise(layers))
    some = networks if kernel.trains_together(network, networks) else 1
    batch_size = study.training.batch_size
    in_batches = batch_size is not None and batch_size < len(study.dataset.X_train)
    kernel.advance(
        np.zeros((some, size), dtype),
        np.zeros((some, MEMORY[Rule(optimizer.rule)], size), dtype),
        np.zeros((layers[0], 2), dtype),
        np.zeros((layers[-1], 2), dtype),
        network=network,
        optimizer=optimizer,
        learning_rates=np.zeros(some),
        seeds=np.zeros(some, np.uint64),
        batch_size=1 if in_batches else 2,
        start=0,
        iterations=0,
    )
    answers.logits(network, np.zeros((some, size), dtype), np.zeros((layers[0], 1), dtype))


def compile_hessian(study: Study) -> None:
    """Compile what sharpness multiplies with, or load it."""
    network = network_of(study)
    layers = network.layers.tolist()
    zeros = np.zeros((1, sum(fan_out * (fan_in + 1) for fan_in, fan_out in pairwise(layers))))
    examples = np.zeros((layers[0], 1)), np.zeros((layers[-1], 1))
    hessian.multiplier(network, zeros, *examples)(zeros, np.ones(1, bool))


@np.errstate(all="ignore")  # a trial that overflows is marked, not announced
def _start(problem: Problem, trials: Sequence[Trial]) -> _Chunk:
    """Draw the trials' networks, one after another, so that few full ones are held at once."""
    dtype = problem.X.dtype
    flat: list[Floats] = []
    offsets: list[Floats] = []
    outside: list[Floats] = []
    for trial in trials:
        (weights, biases), *rest = initial(problem.study, trial)
        if problem.span is not None:
            inside = compression.project(weights, problem.span)
            data = problem.study.dataset
            offsets.append(compression.unseen(weights, inside, data, problem.span))
            outside.append(compression.outside(weights, inside))
            weights = inside
        flat.append(pack([(weights, biases), *rest]).astype(dtype))
    packed = np.stack(flat)
    memory = MEMORY[Rule(problem.optimizer.rule)]
    return _Chunk(
        trials,
        packed,
        np.zeros((len(trials), memory, packed.shape[1]), dtype),
        np.array([trial.learning_rate for trial in trials]),
        np.array([trial.seed for trial in trials], dtype=np.uint64),
        np.stack(offsets).astype(dtype) if offsets else np.zeros((len(trials), 1, 1), dtype),
        np.stack(outside) if outside else np.zeros((len(trials), 1, 1)),
    )


def _joined(chunks: Sequence[_Chunk]) -> _Chunk:
    """Return several chunks as one."""
    return _Chunk(
        [trial for chunk in chunks for trial in chunk.trials],
        *(
            np.concatenate([getattr(chunk, name) for chunk in chunks])
            for name in ("flat", "state", "rates", "seeds", "offsets", "outside")
        ),
    )


def _alike(problem: Problem, chunk: _Chunk) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the networks of which no two go the same way, and each network's place among them.

    The way of a network depends on where it starts, its learning rate and the order of its batches.
    """
    batch_size = problem.study.training.batch_size
    in_batches = batch_size is not None and batch_size < problem.X.shape[1]
    found: dict[tuple[Any, ...], int] = {}
    first: list[int] = []
    places: list[int] = []
    for i in range(len(chunk.trials)):
        parts = (part[i].tobytes() for part in (chunk.flat, chunk.offsets, chunk.outside))
        start = hashlib.sha256(b"".join(parts)).digest()
        way = start, chunk.rates[i], chunk.seeds[i] if in_batches else None
        if way not in found:
            found[way] = len(first)
            first.append(i)
        places.append(found[way])
    return np.array(first), np.array(places)


def _advance(problem: Problem, chunk: _Chunk, start: int, stop: int) -> None:
    batch_size = problem.study.training.batch_size
    kernel.advance(
        chunk.flat,
        chunk.state,
        problem.X,
        problem.Y,
        network=problem.network,
        optimizer=problem.optimizer,
        learning_rates=chunk.rates,
        seeds=chunk.seeds,
        batch_size=problem.X.shape[1] if batch_size is None else batch_size,
        start=start,
        iterations=stop - start,
    )


def _measure(
    problem: Problem, chunk: _Chunk, shrinkage: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a row for each of ``MEASURES``, and of ``VALIDATION`` where there are examples."""
    data, tested = problem.study.dataset, len(problem.study.dataset.X_test)
    with np.errstate(all="ignore"):  # a trial that overflows is marked, not announced
        logits = answers.logits(problem.network, chunk.flat, problem.X)
        train_cost, train_accuracy = _rated(problem, logits, data.y_train)
        if not tested:
            missing = np.full_like(train_cost, np.nan)
            return np.array([train_cost, missing, train_accuracy, missing])
        held_out = _held_out(problem, chunk, shrinkage)
        test_cost, test_accuracy = _rated(problem, held_out[:, :tested], data.y_test)
        found = [train_cost, test_cost, train_accuracy, test_accuracy]
        if data.y_validation is not None:
            found.extend(_rated(problem, held_out[:, tested:], data.y_validation))
        return np.array(found)


def _held_out(problem: Problem, chunk: _Chunk, shrinkage: NDArray[np.float64]) -> Floats:
    """Return what networks make of the held-out examples, before the last activation."""
    if problem.span is None:
        columns = np.array(problem.X_test.T, order="C")
        return answers.logits(problem.network, chunk.flat, columns)
    parameters = unpack(problem.layers, chunk.flat)
    offset = shrinkage[:, np.newaxis, np.newaxis] * chunk.offsets
    net = problem.study.network
    return oracle.forward(net, parameters, problem.X_test, offset)[0][-1]


def _rated(problem: Problem, logits: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return cost and score of what networks make of some examples."""
    net = problem.study.network
    return oracle.cost(net, logits, oracle.targets(net, y)), oracle.score(net, logits, y)


def _shrinkage(problem: Problem, trials: Sequence[Trial]) -> NDArray[np.float64]:
    """Return what weight decay leaves of the weights outside the span, (moments, trials)."""
    training = problem.study.training
    rates = np.array([trial.learning_rate for trial in trials])
    if problem.span is None:
        return np.ones((len(training.moments), len(trials)))
    return compression.shrinkage(training, rates, training.moments)


def _parts(problem: Problem, networks: int, workers: int) -> list[slice]:
    """Return which networks a thread takes at once; those that fill a vector stay together."""
    whole = kernel.fitting(problem.network, networks, problem.X.dtype)
    vectors = -(-networks // whole)
    pieces = max(min(workers, vectors), -(-networks // _at_once(problem)))
    groups = np.array_split(np.arange(vectors) * whole, min(pieces, vectors))
    return [slice(int(of[0]), min(int(of[-1]) + whole, networks)) for of in groups]


def _takes_one(problem: Problem, networks: int) -> bool:
    """Return whether a measurement of so many networks is so short that one thread makes it."""
    data = problem.study.dataset
    examples = len(data.X_train) + len(data.held_out)
    return 2 * _products(problem) * examples * networks <= _OPERATIONS_ALONE


def _products(problem: Problem) -> int:
    """Return how many products of a weight and a value there are for an example."""
    return sum(a * b for a, b in pairwise(problem.layers))


def _at_once(problem: Problem) -> int:
    """Return how many networks a thread takes at once: so many that it measures them in cache."""
    data = problem.study.dataset
    examples = max(len(data.X_train), len(data.X_test))
    return int(max(1, _LAYER_BYTES // (problem.X.itemsize * examples * max(problem.layers[1:]))))


def _segments(problem: Problem, before: int, after: int, networks: int) -> list[int]:
    """Return the iterations at which a segment may stop, so that no call keeps Ctrl-C waiting."""
    examples = problem.study.training.batch_size or problem.X.shape[1]
    operations = 6 * _products(problem) * examples * networks
    longest = max(1, int(_OPERATIONS_PER_CALL / operations))
    return [*range(before, after, longest), after]
