"""The kernel and the public call beside a plain C loop, and their share of the processor's peak.

    python benchmarks/yardstick.py [--networks 48]

Needs a C compiler named ``cc``. One thread for the C loop and the kernel; ``gi.compare`` has the
threads it takes by itself, so its seconds are those of all processors. Sides take turns in one
process, and what is compared are seconds that the processor worked, the least of all turns: other
programs disturb those little.
"""

import argparse
import ctypes
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import goodinit as gi
from cases import CASES, operations
from clock import console, describe_machine, table
from goodinit.training import loop, prepare

ITERATIONS, RATE = 300, 0.01
OPERATIONS_PER_TURN, FUSED_TURNS = 12 * 16, 20_000_000
TOLERANCE = 1e-9

Side = tuple[Callable[[], object], int, int]  # what it does, how many turns, iterations in each


def compiled(folder: str) -> ctypes.CDLL:
    """Compile the C loop for this processor."""
    library = Path(folder) / "yardstick.so"
    source = Path(__file__).with_name("yardstick.c")
    flags = ["-O3", "-march=native", "-ffp-contract=fast", "-shared", "-fPIC"]
    subprocess.run(["cc", *flags, str(source), "-o", str(library)], check=True)  # noqa: S603, S607  # our own file
    loaded = ctypes.CDLL(str(library))
    loaded.multiply_add.restype = ctypes.c_double
    return loaded


def worked(side: Callable[[], object]) -> float:
    """Return the seconds that the processors worked for it."""
    begin = time.process_time()
    side()
    return time.process_time() - begin


def main() -> None:
    """Print µs per network and iteration, and the share of the peak."""
    parser = argparse.ArgumentParser(description="The kernel beside a plain C loop.")
    parser.add_argument("--networks", type=int, default=48)
    networks = parser.parse_args().networks
    describe_machine()
    study = CASES["circles"].study(networks)
    problem = prepare(study)
    chunk = loop._start(problem, study.trials)
    theirs, n = chunk.flat.copy(), problem.X.shape[1]
    X, y = problem.X, problem.Y[0]
    with tempfile.TemporaryDirectory() as folder:
        c = compiled(folder)
        double = ctypes.POINTER(ctypes.c_double)
        arrays = [array.ctypes.data_as(double) for array in (theirs, X, y)]

        def plain() -> None:
            rate = ctypes.c_double(RATE)
            c.train(arrays[0], networks, arrays[1], arrays[2], n, rate, ITERATIONS)

        def ours() -> None:
            loop._advance(problem, chunk, 0, ITERATIONS)

        plain()
        ours()
        assert np.abs(theirs - chunk.flat).max() < TOLERANCE

        def whole() -> None:
            gi.compare("circles", initializers=["he_normal"], seeds=networks)

        whole()  # imports and compiles what it needs
        each = networks * ITERATIONS
        times: dict[str, Side] = {
            "a plain C loop": (plain, 15, each),
            "the kernel": (ours, 15, each),
        }
        times["gi.compare"] = whole, 3, networks * 15_000
        peak = (
            OPERATIONS_PER_TURN
            * FUSED_TURNS
            / min(worked(lambda: c.multiply_add(FUSED_TURNS)) for _ in range(5))
        )
        report = table(
            f"circles, K = {networks}: processor µs per network, iteration",
            *("side", "least", "÷ the C loop", "GFLOP/s", "of peak"),
        )
        found = by_turns(times)
        for name, microseconds in found.items():
            rate = operations(problem.layers, n) / microseconds / 1e3
            ratio = microseconds / found["a plain C loop"]
            share = f"{1e9 * rate / peak:.0%}"
            report.add_row(name, f"{microseconds:.2f}", f"{ratio:.2f}", f"{rate:.1f}", share)
        console.print(
            f"Peak of one thread {peak / 1e9:.1f} GFLOP/s, multiplying and adding vectors."
        )
        console.print(report)


def by_turns(sides: dict[str, Side]) -> dict[str, float]:
    """Return each side's least µs; it has so many turns, and a turn so many iterations."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(max(turns for _, turns, _ in sides.values())):
        for name, (side, turns, iterations) in sides.items():
            if turn < turns:
                times[name].append(1e6 * worked(side) / iterations)
    return {name: min(each) for name, each in times.items()}


if __name__ == "__main__":
    main()
