"""How fast the training engine is, beside what else can train many small networks.

    python benchmarks/engine.py [--quick] [--only circles,border,...] [--patience MINUTES]

About ten minutes on two cores, under two with --quick. Peers that are missing are named and left
out; ``pip install torch jax`` brings them.

To be fair, leave the machine alone while it runs: PyTorch becomes ten times slower where its
threads have to wait for a core. Each part says how much of the processors other programs took;
with --patience, turns in which that was too much are repeated. And let BLAS choose its
kernels. Some environments pin OpenBLAS to old ones, which would flatter the engine:

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python benchmarks/engine.py

All sides train the same networks from the same initial parameters on the same examples, in full
batches and float64, and may use every core. A side whose parameters after 3 iterations are not
ours to 1e-6 is reported, not timed. Sides take turns, so that whatever disturbs the machine meets
all of them. GFLOP/s count what a side's matrix products compute.
"""

import argparse
import gc
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np

import alone
import public
from cases import CASES, Case, operations
from clock import (
    QUICK,
    Effort,
    by_turns,
    calm,
    console,
    describe_machine,
    fitting,
    peak,
    seconds,
    table,
    undisturbed,
    watched,
)
from goodinit.study.grid import Study
from goodinit.training import prepare
from peers import FEW, OURS, PEERS, Peer, Side, engine

TOLERANCE = 1e-6
LONGEST = 8.0  # seconds that an iteration of all networks may take
ITERATIONS = 1000  # of the article's training on the photographs


@dataclass
class Findings:
    """What later parts build on, and the aims are judged by."""

    peak: float  # operations per second
    iteration: dict[tuple[str, int, str], float] = field(default_factory=dict)  # s, of one network
    aims: list[tuple[str, str, str, str]] = field(default_factory=list)

    def judge(self, what: str, found: float, *, least: float = 0, most: float = np.inf) -> None:
        """Note what was found, what was aimed at, and whether that is met."""
        aim = f"at least {least:g}" if least else f"at most {most:g}"
        self.aims.append((what, f"{found:.3g}", aim, "yes" if least <= found <= most else "NO"))


def sides_of(study: Study) -> dict[str, Peer]:
    """Return the sides that are installed and have the study's output layer."""
    unfit = "NumPy, network.py" if study.network.output == "sigmoid" else "the article's NumPy"
    return {name: peer for name, peer in PEERS.items() if find_spec(peer.package) and name != unfit}


def agreeing(case: Case) -> dict[str, float]:
    """Return the sides that compute what ours does, each with its seconds per network-iteration.

    Those are a first guess, made on two networks.
    """
    study = case.study(2)
    ours = engine(study)
    ours.advance(3)
    guesses = {}
    for name, peer in sides_of(study).items():
        side = peer.make(study)
        side.advance(3)
        apart = max(_distance(ours, side, index) for index in range(2))
        if apart <= TOLERANCE:
            guesses[name] = seconds(partial(side.advance, 3)) / 3 / 2
        else:
            console.print(f"Not timed: {name}, {apart:.1e} away from ours after 3 iterations.")
    return guesses


def _distance(one: Side, other: Side, index: int) -> float:
    """Return the largest difference of a parameter; NaN where there is one."""
    layers = zip(one.network(index), other.network(index), strict=True)
    return float(np.max([abs(a - b).max() for pair in layers for a, b in zip(*pair, strict=True)]))


def refusal(name: str, study: Study, guess: float) -> str:
    """Return why a side isn't asked to train all networks at once, or nothing."""
    if name == OURS or PEERS[name].one_by_one:
        return ""
    inputs, *units = study.network.layers
    numbers = len(study.trials) * (
        3 * sum(units) * len(study.dataset.X_train) + 4 * inputs * units[0]
    )
    if 8 * numbers > 0.5 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        return f"about {8e-9 * numbers:.0f} GB"
    if guess * len(study.trials) > LONGEST:
        return f"about {guess * len(study.trials):.0f} s for an iteration"
    return ""


def timed(study: Study, guesses: dict[str, float], effort: Effort) -> dict[str, list[float]]:
    """Return each side's seconds per network and iteration, of every turn."""
    sides, iterations, slow = {}, {}, False
    for name, guess in guesses.items():
        side = sides[name] = PEERS[name].make(study)
        iterations[name] = fitting(side.advance, guess * side.networks, effort)
        slow = slow or guess * side.networks > 1
    times = by_turns(
        {name: partial(side.advance, iterations[name]) for name, side in sides.items()},
        min(3, effort.turns) if slow else effort.turns,
    )
    return {
        name: [turn / iterations[name] / side.networks for turn in times[name]]
        for name, side in sides.items()
    }


def side_by_side(name: str, effort: Effort, findings: Findings) -> None:
    """Time all sides on one case, for each number of networks."""
    case = CASES[name]
    guesses, n = agreeing(case), len(case.data.X_train)
    report = table(
        f"{name}: {case.study(1).network}, {n:,} examples; µs per network and iteration",
        *("K", "side", "median", "least", "÷ ours", "by least", "GFLOP/s", "of peak"),
        names=2,
    )
    notes = []
    for networks in effort.networks:
        study = case.study(networks)
        refused = {side: refusal(side, study, guess) for side, guess in guesses.items()}
        notes += [f"K = {networks}: {s} left out, {why}." for s, why in refused.items() if why]
        times = timed(study, {s: guess for s, guess in guesses.items() if not refused[s]}, effort)
        for side, each in times.items():
            guesses[side] = findings.iteration[name, networks, side] = median(each)
            layers = prepare(study).layers if side == OURS else study.network.layers
            rate = operations(layers, n) / median(each)
            report.add_row(
                f"{networks}" if side == OURS else "",
                side,
                f"{1e6 * median(each):,.1f}",
                f"{1e6 * min(each):,.1f}",
                f"{median(each) / median(times[OURS]):.2f}",
                f"{min(each) / min(times[OURS]):.2f}",
                f"{rate / 1e9:.1f}",
                f"{rate / findings.peak:.0%}",
                end_section=side == list(times)[-1],
            )
        gc.collect()  # what a side holds may be large, and hold itself
    console.print(report)
    single = [side for side in guesses if PEERS[side].one_by_one]
    notes.append(f"Trained one network after another, {FEW} timed at most: {'; '.join(single)}.")
    console.print("\n".join(notes))


def circles(effort: Effort, findings: Findings) -> None:
    """Time the articles' first network; its aims are for 64 networks and more."""
    side_by_side("circles", effort, findings)
    aims = {"the article's NumPy": 30, "JAX vmap + scan": 6, "torch.func.vmap": 12}
    for (case, networks, side), each in findings.iteration.items():
        if case == "circles" and networks >= 64 and side in aims:
            ratio = each / findings.iteration[case, networks, OURS]
            findings.judge(f"circles, K = {networks}: {side} ÷ ours", ratio, least=aims[side])


def wide_digits(effort: Effort, findings: Findings) -> None:
    """Time a network of wide layers, where the fastest peer is to be no faster."""
    name = "digits-wide"
    side_by_side(name, effort, findings)
    for networks in effort.networks:
        found = {
            side: each
            for (case, k, side), each in findings.iteration.items()
            if (case, k) == (name, networks) and side != OURS
        }
        side = min(found, key=found.__getitem__)
        ratio = found[side] / findings.iteration[name, networks, OURS]
        findings.judge(f"{name}, K = {networks}: the fastest peer, {side}, ÷ ours", ratio, least=1)


def photographs(effort: Effort, findings: Findings) -> None:
    """Time the article's whole training on the photographs, and all that compression needs."""
    side_by_side("photographs", effort, findings)
    report = table(
        f"photographs: all of {ITERATIONS:,} iterations, in seconds",
        *("K", "QR", "draw", "advance", "measure", "ours in all"),
        *("the article", "÷ ours", "best peer", "÷ ours"),
    )
    for networks in effort.networks:
        study = CASES["photographs"].study(networks, iterations=ITERATIONS)
        turns = 3 if networks < 1000 else 1
        runs = [undisturbed(partial(alone.parts, study)) for _ in range(turns)]
        ours = sorted(runs, key=lambda run: run["all"])[turns // 2]
        peers = {
            side: each * networks * ITERATIONS
            for (case, k, side), each in findings.iteration.items()
            if (case, k) == ("photographs", networks) and side != OURS
        }
        article, best = peers["the article's NumPy"], min(peers.values())
        report.add_row(
            f"{networks}",
            *(f"{ours[part]:.2f}" for part in ("span", "_start", "_advance", "_measure", "all")),
            *(f"{article:,.0f}", f"{article / ours['all']:.0f}"),
            *(f"{best:,.0f}", f"{best / ours['all']:.0f}"),
        )
        if networks >= 20:
            what = f"photographs, QR included, K = {networks}: the article ÷ ours"
            findings.judge(what, article / ours["all"], least=100)
    console.print(report)
    console.print("Peers: K × 1,000 of their iterations above. Ours draws the networks as well.")


def measuring(effort: Effort, findings: Findings) -> None:
    """Find out what measuring takes of training."""
    for name, share in alone.measuring(effort).items():
        findings.judge(f"{name}: share of measuring", share, most=0.1)


def border(effort: Effort, findings: Findings) -> None:
    """Find out whether BLAS takes over where it should."""
    worst = alone.border(effort, findings.peak)
    findings.judge("border: what is picked ÷ what is faster", worst, most=1.2)


def memory(effort: Effort, _findings: Findings) -> None:
    """Measure each side's memory in a process of its own."""
    report = table(
        "Resident memory at its peak, MB",
        *("case", "side", "packages and data", "10 iterations", "difference"),
        names=2,
    )
    cases = {"circles": 1000, "digits-wide": 20, "photographs": 20}
    for name, networks in list(cases.items())[: 1 if effort is QUICK else None]:
        first = f"{name}, K = {networks}"
        for side in sides_of(CASES[name].study(1)):
            command = [sys.executable, __file__, "--peak", name, str(networks), side]
            run = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # ourselves
            before, after = map(float, run.stdout.split())
            numbers = (f"{before:,.0f}", f"{after:,.0f}", f"{after - before:,.0f}")
            report.add_row(first, side, *numbers)
            first = ""
        report.add_section()
    console.print(report)
    console.print(f"Sides that train one network after another hold {FEW}.")


def print_peak(name: str, networks: str, side: str) -> None:
    """Print a side's resident memory in MB, after its imports and at its peak."""
    study, peer = CASES[name].study(int(networks)), PEERS[side]
    import_module(peer.package)
    before = _resident()
    peer.make(study).advance(10)
    print(before, _resident())


def _resident() -> float:
    """Return this process's largest resident memory so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():  # rusage also counts what the parent held when it forked
        lines = status.read_text().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def commands(effort: Effort, findings: Findings) -> None:
    """Time what users call, before what it is made of."""
    public.first_and_second(effort, findings.judge)
    public.shares(effort, findings.judge)


PARTS: dict[str, Callable[[Effort, Findings], None]] = {
    "public": commands,
    "circles": circles,
    "digits": partial(side_by_side, "digits"),
    "digits-wide": wide_digits,
    "photographs": photographs,
    "measuring": measuring,
    "growth": lambda effort, findings: alone.growth(effort, findings.peak),
    "border": border,
    "memory": memory,
}


def main() -> None:
    """Run the parts that were asked for, and judge the aims."""
    parser = argparse.ArgumentParser(description="How fast the training engine is.")
    parser.add_argument("--quick", action="store_true", help="fewer networks, shorter turns")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument(
        "--patience",
        type=float,
        default=0.0,
        metavar="MINUTES",
        help="for how long to repeat turns that other programs disturb",
    )
    parser.add_argument("--peak", nargs=3, metavar=("CASE", "K", "SIDE"), help="print its memory")
    arguments = parser.parse_args()
    if arguments.peak:
        print_peak(*arguments.peak)
        return
    chosen = arguments.only.split(",")
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"--only: got {', '.join(unknown)}, takes {', '.join(PARTS)}")
    effort = QUICK if arguments.quick else Effort()
    calm.deadline = time.monotonic() + 60 * arguments.patience
    describe_machine()
    findings = Findings(peak())
    for part in chosen:
        with watched():
            PARTS[part](effort, findings)
    report = table("Aims", "", "found", "aim", "met")
    for aim in findings.aims:
        report.add_row(*aim)
    if findings.aims:
        console.print(report)


if __name__ == "__main__":
    main()
