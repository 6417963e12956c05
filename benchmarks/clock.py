"""How the benchmarks measure: by turns, on a machine that is described and watched."""

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import scipy.linalg.cython_blas  # noqa: F401  # the BLAS that the kernel calls, to be listed
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_info

from goodinit.training import loop
from goodinit.training.lanes import VECTOR_BYTES

REST = 0.05  # seconds before a turn, in which the threads of the last one fall asleep
DISTURBED = 0.03  # the share of the processors that other programs may take during a turn
TO_IMPORT = {"scikit-learn": "sklearn"}  # where a package isn't imported by its name
PACKAGES = ("goodinit", "numpy", "numba", "scikit-learn", "torch", "jax")

PROCESSORS = loop.available_processors()

console = Console(width=100, highlight=False)

Action = Callable[[], object]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Effort:
    """How long to measure: a turn's seconds, how many turns, and on how many networks."""

    seconds: float = 0.25
    turns: int = 7
    networks: tuple[int, ...] = (1, 20, 200, 1000)


QUICK = Effort(0.05, 3, (1, 64))


@dataclass
class Calm:
    """How calm the machine was: what other programs took of it while something was measured."""

    deadline: float = 0.0  # until when a disturbed turn is repeated
    measured: float = 0.0  # seconds
    others: float = 0.0  # processor seconds
    repeated: int = 0


calm = Calm()


def undisturbed(measure: Callable[[], Result]) -> Result:
    """Return what `measure` does; while there is patience, only from when the machine was calm."""
    while True:
        time.sleep(REST)
        begin, before = time.monotonic(), _others()
        result = measure()
        lasted, others = time.monotonic() - begin, max(0.0, _others() - before)
        if _is_calm(lasted, others) or time.monotonic() > calm.deadline:
            calm.measured += lasted
            calm.others += others
            return result
        calm.repeated += 1
        _wait()


def _is_calm(lasted: float, others: float) -> bool:
    """Whether other programs took little; it is counted in hundredths of a second."""
    return others <= DISTURBED * PROCESSORS * lasted + 0.02


def _wait() -> None:
    """Sleep until other programs have left the processors alone for a second."""
    others = np.inf
    while not _is_calm(1.0, others) and time.monotonic() < calm.deadline:
        before = _others()
        time.sleep(1.0)
        others = _others() - before


def seconds(action: Action) -> float:
    """Return how long it takes."""

    def measure() -> float:
        begin = time.perf_counter()
        action()
        return time.perf_counter() - begin

    return undisturbed(measure)


def by_turns(actions: dict[str, Action], turns: int) -> dict[str, list[float]]:
    """Return each action's seconds, all in turn, again and again."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(turns):
        for name, action in actions.items():
            times[name].append(seconds(action))
    return times


def fitting(advance: Callable[[int], object], guess: float, effort: Effort) -> int:
    """Return how many iterations make a turn, and leave them compiled and the caches warm.

    Parameters
    ----------
    advance : callable
        Makes that many iterations.
    guess : float
        An iteration's seconds, as far as is known.
    effort : Effort
    """
    iterations = max(1, int(effort.seconds / guess))
    advance(iterations)
    if guess > effort.seconds:
        return iterations
    factor = effort.seconds / seconds(partial(advance, iterations))
    if factor > 2:
        iterations = int(iterations * factor)
        advance(iterations)
    return iterations


def adding_to(times: list[float], function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, made to append to `times` how long each call takes."""

    def timed(*arguments: Any) -> Any:
        begin = time.perf_counter()
        result = function(*arguments)
        times.append(time.perf_counter() - begin)
        return result

    return timed


def table(title: str, *columns: str, names: int = 1) -> Table:
    """Return an empty table whose first columns, `names` of them, are no numbers."""
    made = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for index, column in enumerate(columns):
        made.add_column(column, justify="left" if index < names else "right", no_wrap=True)
    return made


@contextmanager
def watched() -> Iterator[None]:
    """Say, after the block, how long it took and how calm the machine was."""
    begin, before = time.monotonic(), replace(calm)
    yield
    measured = calm.measured - before.measured
    share = (calm.others - before.others) / max(measured, 1e-9) / PROCESSORS
    repeated = calm.repeated - before.repeated
    console.print(
        f"{time.monotonic() - begin:.0f} s; while this was measured, other programs took "
        f"{share:.0%} of the processors{f'; {repeated} turns repeated' if repeated else ''}.\n"
    )


def _others() -> float:
    """Return the processor seconds of all other programs so far; on Linux, elsewhere 0."""
    if not Path("/proc/stat").exists():
        return 0.0
    with Path("/proc/stat").open() as file:
        user, nice, system, _idle, _waiting, *rest = map(int, file.readline().split()[1:9])
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK") - sum(os.times()[:4])


def describe_machine() -> None:
    """Print the processor, the packages, and which BLAS runs with which kernels and threads."""
    console.print(
        f"{_processor()}, {PROCESSORS} processors, vectors of "
        f"{8 * VECTOR_BYTES} bits; Python {platform.python_version()}"
    )
    found = [name for name in PACKAGES if find_spec(TO_IMPORT.get(name, name))]
    for name in found:
        import_module(TO_IMPORT.get(name, name))  # so that its BLAS is listed
    console.print(", ".join(f"{name} {version(name)}" for name in found))
    missing = [name for name in PACKAGES if name not in found]
    if missing:
        console.print(f"Not installed, and left out: {', '.join(missing)}")
    for pool in threadpool_info():
        kernels = f"{pool['architecture']} kernels, " if "architecture" in pool else ""
        release = pool["version"] or ""
        console.print(f"  {pool['prefix']} {release}: {kernels}{pool['num_threads']} threads")
    if "OPENBLAS_CORETYPE" in os.environ:
        console.print(
            f"WARNING: OPENBLAS_CORETYPE={os.environ['OPENBLAS_CORETYPE']} pins OpenBLAS to those "
            "kernels.\nRun with: env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE"
        )


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def peak() -> float:
    """Measure and print the machine's peak, in floating-point operations per second."""
    square = np.random.default_rng(0).random((2048, 2048))
    fastest = min(seconds(lambda: square @ square) for _ in range(12))
    operations = 2 * len(square) ** 3 / fastest
    console.print(
        f"Peak {operations / 1e9:.0f} GFLOP/s: the best of 12 NumPy dgemm, 2048 × 2048.\n"
    )
    return operations
