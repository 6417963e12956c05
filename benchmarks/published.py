"""goodinit's "auto" beside the weights that published models draw for themselves.

``python benchmarks/published.py`` trains eighteen models of ``transformers`` and two graph
networks, small and without downloads, for 40 steps of Adam on one batch: as their own code draws
them, and after ``initialize(model, "auto", inputs=batch)``. A row tells the first and the last cost
of both, means over the seeds and the last three steps, and the verdict: "lower" where auto ends at
least as low, "noise" where the difference is below two standard errors or 2 % of the first cost,
"higher" otherwise. ``--rates`` takes several; each side's best counts. ``--steps``, ``--seeds`` and
``--all`` (every published model of the tests) ask for more, ``--only WORD ...`` for less.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from goodinit.torch import initialize

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/pytorch/inspecting"))

from zoo_cases import Batch, Case
from zoo_published import PUBLISHED

CHOSEN = """
    gpt2, causal_lm; llama, causal_lm; mixtral, causal_lm; gemma2, causal_lm; mamba, causal_lm;
    gpt_neox, causal_lm; whisper, causal_lm; bert, masked_lm; albert, masked_lm;
    deberta, masked_lm; fnet, masked_lm; t5, seq_to_seq_causal_lm; pegasus, seq_to_seq_causal_lm;
    electra, sequence_classification; vit, image_classification; convnext, image_classification;
    resnet, image_classification; regnet, image_classification
"""
_LAST = 3  # steps whose mean cost is where a training ends
_AS_LOW = 0.02  # of the first cost


class Graph(nn.Module):
    """Three layers on a graph, convolutions (Kipf and Welling 2017) or attention (2018)."""

    def __init__(self, attends: bool, widths: tuple[int, ...] = (32, 64, 64, 5)) -> None:
        super().__init__()
        self.attends = attends
        sizes = list(pairwise(widths))
        self.weights = nn.ParameterList(_glorot(a, b) for a, b in sizes)
        self.biases = nn.ParameterList(torch.zeros(b) for _, b in sizes)
        self.pull = nn.ParameterList(_glorot(2, b) for _, b in sizes if attends)

    def forward(self, x: Tensor, edges: Tensor) -> Any:
        """Return a class's logits for each node; ``edges`` is the adjacency with loops."""
        degree = edges.sum(1).rsqrt()
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            x = x @ weight
            if self.attends:
                to, of = x @ self.pull[i][0], x @ self.pull[i][1]
                scores = functional.leaky_relu(to[:, None] + of[None], 0.2)
                mixed = scores.masked_fill(edges == 0, -1e9).softmax(1) @ x
            else:
                mixed = (degree[:, None] * edges * degree[None]) @ x
            x = mixed + bias
            x = torch.relu(x) if i + 1 < len(self.weights) else x
        return x


def _glorot(rows: int, columns: int) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_uniform_(torch.empty(rows, columns)))


def _nodes(count: int = 120) -> Batch:
    """Return nodes of five kinds that mostly know their own kind, with what little they say."""
    kinds = torch.randint(5, (count,))
    alike = kinds[:, None] == kinds[None]
    known = torch.rand(count, count) < torch.where(alike, 0.2, 0.02)
    edges = ((known | known.T) | torch.eye(count, dtype=torch.bool)).float()
    x = torch.randn(count, 32) + 0.5 * functional.one_hot(kinds, 32)
    return Batch((x, edges), kinds, functional.cross_entropy)


CASES = (
    *PUBLISHED,
    Case("graph convolutions", partial(Graph, False), _nodes),
    Case("graph attention", partial(Graph, True), _nodes),
)


def trained(model: nn.Module, batch: Batch, steps: int, rate: float) -> tuple[float, float]:
    """Return the first cost and the last ones' mean."""
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    costs = []
    for _ in range(steps):
        given = batch.inputs
        said = model(**given) if isinstance(given, dict) else model(*given)
        cost = batch.loss(said, batch.targets)
        optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        costs.append(cost.item())
    return costs[0], float(np.nan_to_num(np.mean(costs[-_LAST:]), nan=np.inf))


def _auto(model: nn.Module, batch: Batch, seed: int) -> None:
    initialize(model, "auto", seed=seed, inputs=batch.inputs)


SIDES: tuple[Callable[[nn.Module, Batch, int], None], ...] = (lambda *_: None, _auto)


def compared(case: Case, asked: argparse.Namespace) -> np.ndarray[Any, Any]:
    """Return (seeds, sides, 2): where each training begins, and ends at the side's best rate."""
    found = []
    for seed in range(asked.seeds):
        model, batch = case.make(seed)
        sides = []
        for act in SIDES:
            own = deepcopy(model)
            act(own, batch, seed)
            sides.append([trained(deepcopy(own), batch, asked.steps, r) for r in asked.rates])
        found.append(sides)
    every = np.array(found)  # seeds, sides, rates, 2
    best = every[..., 1].mean(0).argmin(-1)
    return np.stack([every[:, side, rate] for side, rate in enumerate(best)], axis=1)


def verdict(found: np.ndarray[Any, Any]) -> str:
    """Return whether auto ends lower, higher, or neither beyond noise."""
    more = found[:, 1, 1] - found[:, 0, 1]
    error = more.std(ddof=1) / len(more) ** 0.5 if len(more) > 1 else 0.0
    if more.mean() <= 0:
        return "lower"
    return "noise" if more.mean() <= max(2 * error, _AS_LOW * found[..., 0].min()) else "higher"


def _chosen(asked: argparse.Namespace) -> Iterator[Case]:
    names = {" ".join(name.split()) for name in CHOSEN.split(";")}
    for case in CASES:
        if (
            any(word in case.name for word in asked.only)
            if asked.only
            else (asked.all or case.name in names or case.name.startswith("graph "))
        ):
            yield case


def main() -> None:
    """Print a row per model, and how many of each verdict there are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3])
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    print("| model | as published | auto | auto ends |\n|---|---|---|---|", flush=True)
    said = []
    for case in _chosen(asked):
        try:
            found = compared(case, asked)
        except Exception as error:  # others' code may raise anything
            print(f"| {case.name} | {type(error).__name__}: {str(error)[:60]} | | |", flush=True)
            continue
        said.append(verdict(found))
        begun, ended = found.mean(0).T
        cells = [f"{a:.3g} to {b:.3g}" for a, b in zip(begun, ended, strict=True)]
        print(f"| {case.name} | {' | '.join(cells)} | {said[-1]} |", flush=True)
    counts = ", ".join(f"{said.count(one)} {one}" for one in ("lower", "noise", "higher"))
    print(f"\n{len(said)} models: {counts}")


if __name__ == "__main__":
    main()
