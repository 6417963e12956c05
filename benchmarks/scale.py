"""What it costs to spread a study over workers, and to keep it, against its size.

    python benchmarks/scale.py workers     # time on 1 to 4 local workers, beside the model of it
    python benchmarks/scale.py memory      # peak memory against the number of trials

``workers`` needs Dask (``pip install 'goodinit[dask]'``); 100,000 trials take about half an hour.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import goodinit as gi
from goodinit.running import batches
from goodinit.running.compare import run
from goodinit.store import folder as store
from goodinit.study.grid import Study, Training, plan
from goodinit.training import available_processors

WORKERS = (1, 2, 3, 4)
TRIALS = (1_000, 10_000, 100_000)
ON_PAPER = (10, 100, 1_000)
HOURS_ON_PAPER = 1_000  # of work for one processor, to be spread over many
TURNS = 3

MEMORY = """
import resource, sys
import goodinit as gi
from goodinit.running.compare import run
from goodinit.study.grid import Training, plan
study = plan(gi.datasets.circles(), initializers="articles", hidden=(10, 5), activation="relu",
             learning_rate=0.01, seeds=-(-int(sys.argv[1]) // 6), training=Training(iterations=100))
result = run(study, out=sys.argv[2])
result.summary(), result.warnings
for _ in result.plots():
    pass
print(len(study.trials), len(result.parts), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def circles(seeds: int, iterations: int = 5000) -> Study:
    """Return a study of the articles' six initializers."""
    return plan(
        gi.datasets.circles(),
        initializers="articles",
        hidden=(10, 5),
        activation="relu",
        learning_rate=0.01,
        seeds=seeds,
        training=Training(iterations=iterations),
    )


def seconds(work: Callable[[], object]) -> float:
    """Return how long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def memory() -> None:
    """Print peak memory and the size of the folder against the number of trials."""
    print("trials     parts   peak memory   folder   time")
    for trials in TRIALS:
        with TemporaryDirectory() as folder:
            command = [sys.executable, "-c", MEMORY, str(trials), folder]
            start = time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603  # ourselves
            took = time.perf_counter() - start
            made, parts, peak = map(int, done.stdout.split())
            size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        print(
            f"{made:>7,}  {parts:>6,}   {peak / 1024:>8,.0f} MB  {size / 1e6:>4,.0f} MB"
            f"  {took:,.0f} s"
        )


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """Yield a pool of fresh processes."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield pool


@contextmanager
def dask(workers: int) -> Iterator[Executor]:
    """Yield a Dask cluster of local processes."""
    from distributed import LocalCluster

    from goodinit.running.cluster import Cluster

    with (
        LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=workers, threads_per_worker=1, dashboard_address=None
        ) as local,
        Cluster(local.scheduler_address) as cluster,
    ):
        yield cluster


def warm(executor: Executor, study: Study, workers: int) -> None:
    """Have every worker import and compile before any clock runs."""
    jobs: list[Future[Any]] = [
        executor.submit(batches.measure, "warm", study, study.trials[:6], False)
    ]
    jobs += [executor.submit(time.sleep, 0.5) for _ in range(2 * workers)]
    jobs += [
        executor.submit(batches.measure, "warm", study, study.trials[:6], False)
        for _ in range(4 * workers)
    ]
    for job in jobs:
        job.result()


def work(study: Study, size: int) -> tuple[float, int]:
    """Return the seconds that one processor takes for a batch, and how many batches there are."""
    sizes = [study.trials[i : i + size] for i in range(0, len(study.trials), size)]
    return seconds(lambda: batches.measure("work", study, sizes[0], True)), len(sizes)


def keeping(study: Study, size: int) -> float:
    """Return the seconds that it takes to keep a batch."""
    part = batches.measure("work", study, study.trials[:size], True)
    with TemporaryDirectory() as folder, store.opened(folder, study, keep_networks=True) as kept:
        return median(seconds(lambda: kept.write(part)) for _ in range(10))


def sending(executor: Executor, study: Study) -> float:
    """Return the seconds from sending a batch to its answer, without its work."""
    bare = replace(study, seeds=())
    return median(
        seconds(lambda: executor.submit(repr_of, "key", bare, study.trials[:60], False).result())
        for _ in range(20)
    )


def repr_of(*arguments: object) -> int:
    """Stand in for the work of a batch."""
    return len(arguments)


def predicted(batch: float, count: int, workers: int, each: float) -> float:
    """Return the model's time: the longest queue of any worker, or what one coordinator can keep.

    Parameters
    ----------
    batch : float
        Seconds that one processor takes for a batch.
    count : int
        Batches.
    workers : int
        Each with a processor of its own.
    each : float
        Seconds that the coordinating process takes for a batch.
    """
    return max(ceil(count / workers) * (batch + each), count * each)


def spread() -> None:
    """Print time on 1 to 4 local workers beside the model, and the model for many."""
    study = circles(seeds=60)
    processors = available_processors()
    print(f"{len(study.trials)} trials of circles, 5,000 iterations; {processors} processors\n")
    print("executor   workers  batches  work/batch    keep    send   measured  model  overhead")
    for name, kind in (("processes", processes), ("dask", dask)):
        for workers in WORKERS:
            size = batches.size_for(study, len(study.trials), workers)
            with kind(workers) as executor:
                warm(executor, study, workers)
                rows = []
                for _ in range(TURNS):
                    batch, count = work(study, size)
                    with TemporaryDirectory() as folder:
                        took = seconds(lambda: run(study, out=folder, executor=executor))
                    rows.append((batch, took))
                send = sending(executor, study)
            keep = keeping(study, size)
            batch, took = (median(column) for column in zip(*rows, strict=True))
            at_once = min(workers, processors)
            model = predicted(batch, count, at_once, keep + send)
            overhead = 1 - ceil(count / at_once) * batch / took
            print(
                f"{name:<10} {workers:>7}  {count:>7}  {batch:>8.2f} s  {1e3 * keep:>4.0f} ms  "
                f"{1e3 * send:>4.0f} ms  {took:>7.1f} s  {model:>4.1f} s  {overhead:>7.1%}"
            )
    on_paper(keep, send)


def on_paper(keep: float, send: float) -> None:
    """Print the model for many workers, with the costs of a batch that were measured."""
    hours = HOURS_ON_PAPER
    print(f"\nOn paper: {hours:,} hours of one processor's work, batches of 3 s and of 60 s")
    print("workers   3 s: time, efficiency   60 s: time, efficiency")
    for workers in ON_PAPER:
        cells = []
        for batch in (3.0, 60.0):
            count = ceil(3600 * hours / batch)
            time_taken = predicted(batch, count, workers, keep + send)
            cells.append(
                f"{time_taken / 3600:>8.2f} h  {3600 * hours / workers / time_taken:>6.1%}"
            )
        print(f"{workers:>7,}   {cells[0]:>20}   {cells[1]:>20}")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("workers", "memory"))
    {"workers": spread, "memory": memory}[parser.parse_args().what]()


if __name__ == "__main__":
    main()
