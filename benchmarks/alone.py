"""The engine without its peers: how its time grows, where BLAS takes over, what measuring costs."""

import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from statistics import median
from unittest import mock

from cases import CASES, Case, noise, operations
from clock import (
    PROCESSORS,
    QUICK,
    Effort,
    adding_to,
    by_turns,
    console,
    fitting,
    seconds,
    table,
    undisturbed,
)
from goodinit.study.grid import Study
from goodinit.training import compression, kernel, loop, prepare, train
from peers import Side, engine

WIDTHS = (256, 384, 512, 768, 1024)
PARTS = {"_start": loop, "_advance": loop, "_measure": loop, "span": compression}


def parts(study: Study) -> dict[str, float]:
    """Prepare and train a study; return the seconds of it "all", and of each of ``PARTS``.

    What threads do side by side counts once: the seconds of all calls, over the threads.
    """
    spent: dict[str, list[float]] = {part: [] for part in PARTS}
    with ExitStack() as patches:
        for part, module in PARTS.items():
            watched = adding_to(spent[part], getattr(module, part))
            patches.enter_context(mock.patch.object(module, part, watched))
        begin = time.perf_counter()
        train(prepare(study), study.trials)
        spent["all"] = [time.perf_counter() - begin]
    threads = min(PROCESSORS, len(study.trials))
    side_by_side = ("_start", "_advance", "_measure")
    return {part: sum(s) / (threads if part in side_by_side else 1) for part, s in spent.items()}


def measuring(effort: Effort) -> dict[str, float]:
    """Print and return which share of its time ``train`` spends on measuring."""
    report = table(
        "What measuring takes of train's time",
        *("case", "K", "iterations", "measured at", "s in all", "measuring"),
    )
    shares = {}
    for name, networks, iterations, record in (
        ("circles", 120, 15_000, 100),
        ("digits", 20, 450, 3),
        ("digits-wide", 4, 450, 3),
        ("photographs", 20, 1000, 100),
    ):
        less = 10 if effort is QUICK and record == 100 else 1
        training = {"iterations": iterations // less, "record": record // less}
        study = CASES[name].study(networks, **training)
        spent = undisturbed(partial(parts, study))
        shares[name] = spent["_measure"] / spent["all"]
        report.add_row(
            name,
            f"{networks}",
            f"{study.training.iterations:,}",
            f"{len(study.training.moments)}",
            f"{spent['all']:.2f}",
            f"{shares[name]:.1%}",
        )
    console.print(report)
    return shares


def growth(effort: Effort, peak: float) -> None:
    """Print how the engine's time grows with networks, width, depth and examples, one at a time."""
    points: list[tuple[str, int, tuple[int, ...], int]]
    points = [("K", networks, (10, 10), 300) for networks in (1, 2, 20, 200, 2000)]
    points += [("width", 20, (width, width), 300) for width in (5, 10, 20, 40, 80, 160, 320)]
    points += [("depth", 20, (10,) * depth, 300) for depth in (1, 2, 4, 8, 16)]
    points += [("examples", 20, (10, 10), examples) for examples in (30, 300, 3000, 30_000)]
    report = table(
        "How the engine's time grows, one thing at a time",
        *(
            "",
            "hidden layers",
            "K",
            "examples",
            "µs per network and iteration",
            "GFLOP/s",
            "of peak",
        ),
        names=2,
    )
    previous = ""
    for what, networks, hidden, examples in points:
        case = Case(partial(noise, examples, 2), hidden, learning_rate=0.001)
        side = engine(case.study(networks))
        each = median(_per_iteration({"": side}, effort)[""]) / networks
        rate = operations(side.layers, examples) / each
        report.add_row(
            what if what != previous else "",
            f"{len(hidden)} of {hidden[0]}",
            f"{networks}",
            f"{examples:,}",
            f"{1e6 * each:,.2f}",
            f"{rate / 1e9:.1f}",
            f"{rate / peak:.0%}",
        )
        previous = what
    console.print(report)


def _per_iteration(sides: dict[str, Side], effort: Effort) -> dict[str, list[float]]:
    """Return the seconds that an iteration of all networks takes each side, of every turn."""
    iterations = {}
    for name, side in sides.items():
        side.advance(1)
        iterations[name] = fitting(side.advance, seconds(partial(side.advance, 1)), effort)
    times = by_turns(
        {name: partial(side.advance, iterations[name]) for name, side in sides.items()},
        effort.turns,
    )
    return {name: [turn / iterations[name] for turn in times[name]] for name in sides}


def border(effort: Effort, peak: float) -> float:
    """Print tiles against BLAS around ``kernel.WIDE``; return the worst of picked over faster."""
    report = table(
        f"Tiles or BLAS: 64-w-w-10, 1,347 examples; ms per iteration of {PROCESSORS} networks",
        *("w", "tiles", "BLAS", "picked", "which is", "picked ÷ faster", "GFLOP/s", "of peak"),
    )
    worst = 0.0
    for width in WIDTHS:
        case = replace(CASES["digits"], hidden=(width, width))
        study = case.study(PROCESSORS)
        sides = {"tiles": engine(study, wide=10**9), "BLAS": engine(study, wide=1)}
        sides["picked"] = engine(study)
        times = {name: median(turns) for name, turns in _per_iteration(sides, effort).items()}
        ratio = times["picked"] / min(times["tiles"], times["BLAS"])
        worst = max(worst, ratio)
        rate = PROCESSORS * operations(study.network.layers, 1347) / times["picked"]
        report.add_row(
            f"{width}",
            *(f"{1000 * times[name]:.1f}" for name in sides),
            "BLAS" if width >= kernel.WIDE else "tiles",
            f"{ratio:.2f}",
            f"{rate / 1e9:.1f}",
            f"{rate / peak:.0%}",
        )
    console.print(report)
    return worst
