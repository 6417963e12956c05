"""Whether what is printed as a cure trains no worse than what it cures, and what finding it costs.

``python benchmarks/cures.py`` inspects every faulty module of the tests, and of the cases beside
the checkout where they are there, by processor time; pastes each line that it prints into a new
module; and trains both for 100 steps of Adam on another batch, longer than the proof did and on
rows that it never saw, each at its best of three rates. A cure is "worse" where the cost ends
higher by more than 2 % of the first one. It prints a row per cure, and at the end how many of them
are worse, by which factor first costs rise, and how many times the diagnosis cures take.
``--published`` does it for published models of ``transformers`` instead, each with its matrices
multiplied by 10, by 0.1, or drawn from N(0, 1). ``--only WORD ...``, ``--seeds N`` and
``--steps N`` ask for less or more.
"""

import argparse
import runpy
import sys
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from math import isfinite
from pathlib import Path
from statistics import fmean, median
from time import process_time
from typing import Any

import torch
from torch import Tensor, nn

import goodinit.torch
from goodinit.torch import inspect
from goodinit.torch.inspecting.asking import Question, call, first_batch
from goodinit.torch.inspecting.proving import constant_cost, cost

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/pytorch/inspecting"))

from zoo_cases import Batch, Case
from zoo_faulty import FAULTY

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "cases"
RATES = (3e-4, 1e-3, 3e-3)
_LAST = 10  # steps whose mean cost is where a training ends
_ROOM = 0.02  # of the first cost
Make = Callable[[int], tuple[nn.Module, Batch]]
SPOILED: dict[str, Callable[[Tensor], Tensor]] = {
    "× 10": lambda weight: weight.mul_(10),
    "× 0.1": lambda weight: weight.mul_(0.1),
    "of std 1": lambda weight: weight.normal_(),
}


def shared() -> Iterator[tuple[str, Make]]:
    """Yield the cases beside the checkout, which have one batch each."""
    for path in sorted(SHARED.glob("*.py")) if SHARED.is_dir() else ():
        if path.name.startswith("show_"):
            continue
        held = runpy.run_path(str(path))
        if "build" in held:
            yield path.stem, partial(_built, held)
        for name, (build, _) in held.get("CASES", {}).items():
            yield name, partial(_returned, build)


def _built(held: dict[str, Any], seed: int) -> tuple[nn.Module, Batch]:
    return held["build"](seed), Batch(held["inputs"], held["targets"], held["loss"])


def _returned(build: Callable[[], Any], seed: int) -> tuple[nn.Module, Batch]:
    torch.manual_seed(seed)
    model, *batch = build()
    return model, Batch(*batch)


def cases() -> Iterator[tuple[str, Make]]:
    """Yield names, and what makes a module and its batch from a seed."""
    for case in FAULTY:
        yield case.name, case.make
    yield from shared()


def published() -> Iterator[tuple[str, Make]]:
    """Yield published models whose matrices someone has spoiled, each in every way."""
    from zoo_published import PUBLISHED

    for case in PUBLISHED:
        for way in SPOILED:
            yield f"{case.name}, {way}", partial(_spoiled, case, way)


def _spoiled(case: Case, way: str, seed: int) -> tuple[nn.Module, Batch]:
    model, batch = case.make(seed)
    with torch.no_grad():
        for tensor in model.parameters():
            if tensor.dim() > 1:
                SPOILED[way](tensor)
    return model, batch


def _question(batch: Batch) -> Question:
    inputs, _ = first_batch(batch.inputs)
    return Question(inputs, batch.targets, batch.loss, float("nan"), call=call)


def trained(model: nn.Module, batch: Batch, steps: int) -> tuple[float, float]:
    """Return the first cost, and the lowest end that any of the rates reaches."""
    asked, first, ends = _question(batch), float("inf"), []
    for rate in RATES:
        own = deepcopy(model)
        torch.manual_seed(0)
        learned = [tensor for tensor in own.parameters() if tensor.requires_grad]
        optimizer = torch.optim.Adam(learned, lr=rate)
        costs = []
        for _ in range(steps):
            value = cost(own, asked)
            costs.append(value.item())
            optimizer.zero_grad()
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        first = costs[0]
        ends.append(fmean(costs[-_LAST:]))
    return first, min((end for end in ends if isfinite(end)), default=float("inf"))


def pasted(line: str, model: nn.Module, batch: Batch) -> nn.Module:
    """Return a module after a line that was printed."""
    names = {"model": model, "inputs": batch.inputs, "goodinit": goodinit, "torch": torch}
    exec(line, names)  # noqa: S102  # printed by goodinit itself
    return model


def _timed(model: nn.Module, batch: Batch, cures: str) -> tuple[float, Any]:
    start = process_time()
    report = inspect(model, *batch, cures=cures)
    return process_time() - start, report


class Tally:
    """What all modules came to."""

    def __init__(self) -> None:
        self.costs: list[float] = []
        self.rises: list[float] = []
        self.verdicts: list[str] = []

    def add(self, name: str, make: Make, seed: int, steps: int) -> None:
        """Inspect a module, and hold each of its cures against another batch."""
        model, batch = make(seed)
        diagnosis = min(_timed(model, batch, "none")[0] for _ in range(2))
        spent, report = _timed(model, batch, "proved")
        if not report.findings:
            return
        self.costs.append(spent / diagnosis)
        cures = dict.fromkeys(one.cure for one in report.findings if one.cure)
        lines = [line for line in cures if line.startswith("goodinit.torch.initialize(")]
        if not lines:
            said = report.findings[0].cure or report.findings[0].remark
            print(f"| {name} | {spent / diagnosis:.1f} | none: {said[:70]} | | | |", flush=True)
            return
        _, other = make(seed + 100)
        before = trained(model, other, steps)
        constant = constant_cost(model, _question(other))
        for line in lines:
            after = trained(pasted(line, make(seed)[0], batch), other, steps)
            base = max(one for one in (before[0], constant) if isfinite(one))
            self.rises.append(after[0] / base)
            room = _ROOM * min(before[0], after[0])
            self.verdicts.append("worse" if after[1] > before[1] + room else "no worse")
            cells = [f"{first:.3g} to {end:.3g}" for first, end in (before, after)]
            print(
                f"| {name} | {spent / diagnosis:.1f} | `{line[33:-1]}` | {' | '.join(cells)} | "
                f"{self.verdicts[-1]} |",
                flush=True,
            )

    def total(self) -> None:
        """Print the sums."""
        worse = self.verdicts.count("worse")
        print(f"\n{len(self.verdicts)} cures, {worse} worse than what they cure")
        if self.rises:
            most = max(self.rises)
            print(f"first cost: {median(self.rises):.2f} times at the median, {most:.2f} at most")
        if self.costs:
            tenfold = sum(one > 10 for one in self.costs)
            print(
                f"with cures {median(self.costs):.1f} times the diagnosis at the median of "
                f"{len(self.costs)} faulty modules, {max(self.costs):.1f} at most, above 10 in "
                f"{tenfold}"
            )


def main() -> None:
    """Print a row per cure, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--published", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    print("| module | times the diagnosis | cure | without | with it | |")
    print("|---|---|---|---|---|---|", flush=True)
    tally = Tally()
    for name, make in published() if asked.published else cases():
        for seed in range(asked.seeds):
            if asked.only and not any(word in name for word in asked.only):
                continue
            try:
                tally.add(name, make, seed, asked.steps)
            except Exception as error:  # modules that can't be inspected, or not trained
                print(f"| {name} | | {type(error).__name__}: {str(error)[:60]} | | | |", flush=True)
    tally.total()


if __name__ == "__main__":
    main()
