"""What inspecting a module costs: time and memory beside a plain pass forward and back.

Run ``python benchmarks/inspecting.py``; the aims are three times the time and twice the memory, of
a ResNet-50 on images of 224 × 224. Memory is the peak of a process of its own.
"""

import argparse
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional

from clock import by_turns, console, describe_machine, table, watched
from goodinit.torch import inspect

SIZE, CLASSES = 224, 1000
STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # width, blocks, stride
SIDES = ("plain", "inspect")


def _normed(fan_in: int, fan_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(fan_in, fan_out, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(layer, nn.BatchNorm2d(fan_out))


class Bottleneck(nn.Module):
    """A block of He et al. 2016: narrow, convolve, widen, and add."""

    def __init__(self, fan_in: int, width: int, stride: int) -> None:
        super().__init__()
        fan_out = 4 * width
        self.narrow, self.convolve = _normed(fan_in, width, 1), _normed(width, width, 3, stride)
        self.widen = _normed(width, fan_out, 1)
        plain = fan_in == fan_out and stride == 1
        self.skip = nn.Identity() if plain else _normed(fan_in, fan_out, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's activations, of (examples, 4 × width, height, width)."""
        inner = functional.relu(self.convolve(functional.relu(self.narrow(x))))
        return functional.relu(self.widen(inner) + self.skip(x))


def resnet50() -> nn.Sequential:
    """Return the fifty layers of He et al. 2016, with 25.6 million parameters."""
    body: list[nn.Module] = [_normed(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    fan_in = 64
    for width, blocks, stride in STAGES:
        for block in range(blocks):
            body.append(Bottleneck(fan_in, width, stride if block == 0 else 1))
            fan_in = 4 * width
    return nn.Sequential(*body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, CLASSES))


def _plain(model: nn.Module, x: Tensor, y: Tensor) -> None:
    functional.cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
    model.zero_grad()


def _asked(batch: int) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    return resnet50(), torch.randn(batch, 3, SIZE, SIZE), torch.randint(CLASSES, (batch,))


def _action(side: str, batch: int) -> Callable[[], object]:
    does: dict[str, Callable[..., object]] = {"plain": _plain, "inspect": inspect}
    return partial(does[side], *_asked(batch))


def _alone(side: str, batch: int) -> int:
    """Return what a process of its own that does it once holds at most, in bytes."""
    command = [sys.executable, str(Path(__file__)), "--alone", side, "--batch", str(batch)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return int(done.stdout)


def _peak() -> int:
    """Return the most memory that this process has held so far, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def compare(batch: int, turns: int) -> None:
    """Print what both sides take, and their ratio."""
    # Memory first: a process counts as its own what its parent held when it began.
    memory = {side: median(_alone(side, batch) for _ in range(3)) for side in SIDES}
    actions = {side: _action(side, batch) for side in SIDES}
    for action in actions.values():
        action()
    times = {side: median(seconds) for side, seconds in by_turns(actions, turns).items()}
    report = table(
        f"ResNet-50, {batch} images of {SIZE} × {SIZE}", *("", "plain", "inspect", "ratio", "aim")
    )
    report.add_row("s", *_row(times, 1, "{:.2f}"), "3")
    report.add_row("MB at most", *_row(memory, 1e6, "{:,.0f}"), "2")
    console.print(report)


def _row(sides: Mapping[str, float], unit: float, form: str) -> list[str]:
    numbers = [form.format(sides[side] / unit) for side in SIDES]
    return [*numbers, f"{sides['inspect'] / sides['plain']:.2f}"]


def main() -> None:
    """Measure both sides, or one alone for its memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--alone", choices=SIDES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        _action(given.alone, given.batch)()
        console.print(_peak())
        return
    describe_machine()
    with watched():
        compare(given.batch, given.turns)


if __name__ == "__main__":
    main()
