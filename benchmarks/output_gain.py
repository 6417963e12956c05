"""How large the last layer should start: costs after 40 and 400 steps, for several spreads.

``python benchmarks/output_gain.py`` draws networks by "auto", whose output layer is to have each of
the spreads in turn, and trains them on digits: classes by cross-entropy, numbers and images by the
mean squared error. A cell tells the mean cost around step 40, over the last 40 of 400, and that of
397 test examples, each at its best of two rates. ``--only WORD ...`` and ``--seeds`` ask for less.
"""

import argparse
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

import goodinit.torch.initializing.auto as rules
from contenders import CASES, digits
from goodinit.torch import initialize

SPREADS = (0.1, 0.3, 1.0)
STEPS, TRAIN, BATCH = 400, 1400, 64
OPTIMIZERS: dict[str, tuple[Callable[..., Any], tuple[float, ...]]] = {
    "Adam": (torch.optim.Adam, (1e-3, 3e-3)),
    "SGD": (partial(torch.optim.SGD, momentum=0.9), (0.03, 0.1)),
}


def _chain(*sizes: int) -> nn.Module:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _numbers() -> tuple[Tensor, Tensor]:
    x, y = digits()
    return x, ((y - y.float().mean()) / y.float().std())[:, None]


def _images() -> tuple[Tensor, Tensor]:
    x, _ = digits()
    return x, x


Task = tuple[Callable[[], nn.Module], Callable[[], tuple[Tensor, Tensor]]]
TASKS: dict[str, Task] = {
    **{name: (CASES[name][0], digits) for name in ("20 × relu", "CNN", "transformer")},
    "regression, 3 × relu": (partial(_chain, 64, 128, 128, 128, 1), _numbers),
    "autoencoder, relu": (partial(_chain, 64, 128, 16, 128, 64), _images),
}


def trained(model: nn.Module, data: tuple[Tensor, Tensor], optimizer: Any) -> list[float]:
    """Return the cost around step 40, at the end, and of the test examples."""
    x, y = data
    loss = functional.mse_loss if y.is_floating_point() else functional.cross_entropy
    torch.manual_seed(0)
    costs = []
    for _ in range(STEPS):
        rows = torch.randint(TRAIN, (BATCH,))
        cost = loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        costs.append(cost.item())
    with torch.no_grad():
        tested = loss(model(x[TRAIN:]), y[TRAIN:]).item()
    ends = [float(np.mean(costs[32:40])), float(np.mean(costs[-40:])), tested]
    return [end if np.isfinite(end) else np.inf for end in ends]


def cell(task: Task, make: Callable[..., Any], rates: tuple[float, ...], seeds: int) -> str:
    """Return what the networks of all seeds come to, each number at its best rate."""
    found = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        model, data = task[0](), task[1]()
        initialize(model, "auto", seed=seed, inputs=data[0][:256])
        start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        ends = []
        for rate in rates:
            model.load_state_dict(start)
            ends.append(trained(model, data, make(model.parameters(), lr=rate)))
        found.append(ends)
    return " / ".join(f"{number:.2g}" for number in np.mean(found, axis=0).min(0))


def main() -> None:
    """Print a row per task and optimizer, a column per spread."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"| network | by | {' | '.join(map(str, SPREADS))} |")
    print("|---" * (len(SPREADS) + 2) + "|", flush=True)
    for name, task in TASKS.items():
        if asked.only and not any(word in name for word in asked.only):
            continue
        for optimizer, (make, rates) in OPTIMIZERS.items():
            cells = []
            for rules.OUTPUT_GAIN in SPREADS:
                cells.append(cell(task, make, rates, asked.seeds))
            print(f"| {name} | {optimizer} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
