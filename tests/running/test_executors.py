"""Executors: however trials are spread over workers, the numbers are the same; workers may fail."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import goodinit as gi
from goodinit import training
from goodinit.datasets import Dataset
from goodinit.errors import ArgumentError, StudyStoppedError
from goodinit.running import batches
from goodinit.study.grid import Training, plan
from studies import assert_same, by, small

pytestmark = pytest.mark.slow


def wide() -> Dataset:
    """More features than examples: the first layer is trained in the span of the examples."""
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((14, 60)), np.arange(14) % 2
    return Dataset("wide", X[:10], y[:10], X[10:], y[10:], ("a", "b"))


STUDIES: dict[str, Callable[[], dict[str, Any]]] = {
    "two features": lambda: {"data": "circles"},
    "compressed": lambda: {"data": wide(), "keep_networks": True, "weight_decay": 0.1},
    "three classes, two rates": lambda: {"data": "iris", "learning_rate": [0.1, 0.01]},
    "splits": lambda: {"data": "iris", "splits": 2, "keep_networks": True},
    "mini-batches": lambda: {"data": "wine", "batch_size": 7, "dtype": "float32"},
}


def processes(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    with processes(2) as executor:
        yield executor


# Initializers that a worker finds by their name, in this file.


def careful(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    """Draw as anyone would."""
    return 0.3 * rng.standard_normal(shape)


def seed_of(rng: np.random.Generator) -> int:
    """Return the seed whose weights a generator draws."""
    sequence: Any = rng.bit_generator.seed_seq
    return int(sequence.entropy)


def refuses_seed_3(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    """Draw, but for one seed."""
    if seed_of(rng) == 3:
        raise ValueError("no draw\nfor this seed")
    return careful(rng, shape)


def dies_at_seed_3(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
    """Draw, but for one seed, at which the worker's process ends at once."""
    if seed_of(rng) == 3 and os.environ.get("GOODINIT_TEST_WORKER") == str(os.getppid()):
        os._exit(9)
    return careful(rng, shape)


# The same numbers


@pytest.mark.parametrize("kind", STUDIES)
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_threads_give_the_same_bits_as_no_executor(kind: str, workers: int) -> None:
    arguments = STUDIES[kind]()
    with ThreadPoolExecutor(workers) as executor:
        assert_same(small(**arguments, executor=executor), small(**arguments))


@pytest.mark.parametrize("kind", STUDIES)
def test_processes_give_the_same_bits_as_no_executor(
    kind: str, pool: ProcessPoolExecutor, tmp_path: Path
) -> None:
    arguments = STUDIES[kind]()
    measured = small(**arguments, executor=pool, out=tmp_path)
    assert_same(measured, small(**arguments))
    assert_same(gi.load(tmp_path), measured)


@pytest.mark.parametrize("size", [1, 3, 5, 8])
def test_the_size_of_the_batches_changes_no_bit(
    size: int, pool: ProcessPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = small(seeds=6)
    monkeypatch.setattr(batches, "_batches", by(size))
    assert_same(small(seeds=6, executor=pool), whole)


def test_a_study_begun_here_is_finished_by_an_executor(
    pool: ProcessPoolExecutor, tmp_path: Path
) -> None:
    small(out=tmp_path, seeds=3)
    assert_same(small(out=tmp_path, seeds=8, executor=pool), small(seeds=8))
    assert_same(small(out=tmp_path, seeds=9), small(seeds=9))


def test_a_callable_that_workers_can_import_is_sent_to_them(pool: ProcessPoolExecutor) -> None:
    assert_same(
        small(initializers=[careful, "zeros"], executor=pool),
        small(initializers=[careful, "zeros"]),
    )


def test_one_pool_serves_several_studies(pool: ProcessPoolExecutor) -> None:
    for data in ("circles", "moons", "circles"):
        assert_same(small(data, executor=pool), small(data))


def test_progress_counts_what_comes_back() -> None:
    seen: list[tuple[int, int]] = []
    with ThreadPoolExecutor(2) as executor:
        small(executor=executor, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (8 * 20, 8 * 20)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_few_batches_are_on_their_way_at_any_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_batches", by(1))
    most = waiting = 0

    class Counting(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **named: Any) -> Any:
            nonlocal most, waiting
            waiting += 1
            most = max(most, waiting)
            future = super().submit(*arguments, **named)
            future.add_done_callback(finished)
            return future

    def finished(_: Future[Any]) -> None:
        nonlocal waiting
        waiting -= 1

    with Counting(2) as executor:
        small(seeds=12, executor=executor)
    assert most <= 4


# Failures


def stopped(out: Path, **arguments: Any) -> StudyStoppedError:
    """Return the error with which a study in a folder stops."""
    with pytest.raises(StudyStoppedError) as caught:
        small(out=out, **arguments)
    assert "\n" not in str(caught.value)
    assert f"trials are kept in {out}, and the same command goes on with the others" in str(
        caught.value
    )
    return caught.value


def test_what_is_no_executor_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"executor: got 4, takes a concurrent\.futures"):
        small(executor=4)


class Failing(Executor):
    """Measures some batches at once, and then fails as it is told."""

    def __init__(self, good: int, fail: Callable[[], "Future[Any]"]) -> None:
        self.left = good
        self.fail = fail

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        self.left -= 1
        if self.left < 0:
            return self.fail()
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def raises() -> "Future[Any]":
    raise RuntimeError("cannot schedule new futures after shutdown")


def comes_back_with(error: BaseException) -> Callable[[], "Future[Any]"]:
    def fail() -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_exception(error)
        return future

    return fail


def is_cancelled() -> "Future[Any]":
    future: Future[Any] = Future()
    future.cancel()
    future.set_running_or_notify_cancel()
    return future


@pytest.mark.parametrize(
    ("fail", "says"),
    [
        (raises, "executor: it takes no more batches (RuntimeError: cannot schedule"),
        (
            comes_back_with(OSError(5, "wires\ncut")),
            "a batch failed (OSError: [Errno 5] wires cut)",
        ),
        (comes_back_with(MemoryError()), "executor: a batch failed (MemoryError"),
        (comes_back_with(BrokenProcessPool("a child died")), "(BrokenProcessPool: a child died)"),
        (is_cancelled, "executor: it gave up a batch"),
    ],
)
def test_an_executor_that_fails_ends_with_one_line_and_what_was_finished_stays(
    fail: Callable[[], "Future[Any]"], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_batches", by(2))
    monkeypatch.setattr(training, "available_processors", lambda: 1)
    error = stopped(tmp_path, executor=Failing(3, fail))
    assert says in str(error)
    kept = gi.load(tmp_path)
    assert kept.study.seeds
    assert f"{2 * len(kept.study.seeds)} of 8 trials are kept" in str(error)
    assert_same(error.finished, kept)
    assert_same(small(out=tmp_path), small())


def test_an_executor_that_was_shut_down_is_one_line(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        pass
    error = stopped(tmp_path / "study", executor=executor)
    assert "it takes no more batches" in str(error)
    assert error.finished is None
    assert not (tmp_path / "study").exists()


def test_a_worker_that_dies_ends_with_one_line_and_the_study_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_batches", by(1))
    monkeypatch.setenv("GOODINIT_TEST_WORKER", str(os.getpid()))
    with processes(1) as executor:
        error = stopped(tmp_path, executor=executor, initializers=dies_at_seed_3, seeds=6)
    assert "BrokenProcessPool" in str(error)
    kept = gi.load(tmp_path)
    assert set(kept.study.seeds) <= {0, 1, 2}
    assert len(kept.study.seeds) >= 1
    assert_same(error.finished, kept)
    monkeypatch.delenv("GOODINIT_TEST_WORKER")
    with processes(1) as executor:
        resumed = small(out=tmp_path, executor=executor, initializers=dies_at_seed_3, seeds=6)
    assert_same(resumed, small(initializers=dies_at_seed_3, seeds=6))


def test_an_initializer_that_cannot_be_sent_is_one_line(
    pool: ProcessPoolExecutor, tmp_path: Path
) -> None:
    def hidden(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
        return careful(rng, shape)

    error = stopped(tmp_path / "study", executor=pool, initializers=hidden)
    assert "hidden" in str(error)
    assert error.finished is None
    assert_same(small(executor=pool), small())  # the pool is as good as before


@pytest.mark.parametrize("threads", [0, 1, 2])
def test_a_callable_that_fails_at_a_later_seed_keeps_the_seeds_before(
    threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_batches", by(1))
    with ThreadPoolExecutor(max(threads, 1)) as executor:
        error = stopped(
            tmp_path,
            executor=executor if threads else None,
            initializers=refuses_seed_3,
            seeds=5,
        )
    assert "initializer refuses_seed_3: got 'ValueError: no draw" in str(error)
    kept = gi.load(tmp_path)
    assert 3 not in kept.study.seeds
    assert len(kept.study.seeds) >= 2
    assert_same(error.finished, kept)
    expected = small(initializers=refuses_seed_3, seeds=kept.study.seeds)
    assert_same(kept, expected)


def test_a_callable_that_fails_in_a_worker_process_is_named(
    pool: ProcessPoolExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_batches", by(1))
    error = stopped(tmp_path, executor=pool, initializers=refuses_seed_3, seeds=6)
    assert "initializer refuses_seed_3: got 'ValueError: no draw" in str(error)
    assert 3 not in gi.load(tmp_path).study.seeds


# Ctrl-C


def test_ctrl_c_keeps_what_came_back_and_the_study_goes_on(
    pool: ProcessPoolExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_batches", by(2))

    def stop(done: int, total: int) -> None:
        if done >= total / 3:
            raise KeyboardInterrupt

    part = small(out=tmp_path, seeds=9, executor=pool, progress=stop)
    assert part.interrupted
    assert 3 <= len(part.study.seeds) < 9
    assert_same(gi.load(tmp_path), part)
    assert_same(small(out=tmp_path, seeds=9, executor=pool), small(seeds=9))


def test_ctrl_c_that_reaches_a_worker_ends_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_batches", by(2))
    monkeypatch.setattr(training, "available_processors", lambda: 1)
    interrupted = Failing(2, comes_back_with(KeyboardInterrupt()))
    part = small(out=tmp_path, executor=interrupted)
    assert part.interrupted
    assert part.study.seeds == (0, 1)
    assert_same(small(out=tmp_path), small())


def test_batches_grow_with_the_workers_that_one_process_has_to_serve() -> None:
    study = plan(
        gi.datasets.circles(),
        initializers="articles",
        hidden=(10, 5),
        activation="relu",
        learning_rate=0.01,
        seeds=1,
        training=Training(),
    )
    sizes = [batches.size_for(study, 10**7, workers) for workers in (1, 50, 100, 400)]
    assert sizes == [144, 144, 294, 600]
    assert batches.size_for(study, 100, 10) == 2  # four for each worker at least
