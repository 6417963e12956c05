"""What inspecting a module costs: time and memory beside a plain pass forward and back.

Run ``python benchmarks/inspecting.py``; the aims are three times the time and 1.3 times the memory,
of a ResNet-50 on images of 224 × 224, whose activations take most of it, and of a reader of few
words, whose weights do. Memory is the peak of a process of its own.
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
WORDS, WIDTH, BLOCKS, TOKENS = 20_000, 768, 6, 32
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


class Reader(nn.Module):
    """A transformer of 73 million parameters that reads words, and says one for each."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        layer = nn.TransformerEncoderLayer(WIDTH, 12, 4 * WIDTH, batch_first=True, dropout=0.0)
        self.encoder = nn.TransformerEncoder(layer, BLOCKS, enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, WORDS)

    def forward(self, words: Tensor) -> Tensor:
        """Return logits, of (examples, tokens, words)."""
        said: Tensor = self.head(self.encoder(self.words(words)))
        return said


def _images(batch: int) -> tuple[nn.Module, Tensor, Tensor]:
    return resnet50(), torch.randn(batch, 3, SIZE, SIZE), torch.randint(CLASSES, (batch,))


def _texts(batch: int) -> tuple[nn.Module, Tensor, Tensor]:
    text = torch.randint(WORDS, (max(1, batch // 4), TOKENS + 1))
    return Reader(), text[:, :-1], text[:, 1:]


SUBJECTS = {"ResNet-50": _images, "reader": _texts}


def _plain(model: nn.Module, x: Tensor, y: Tensor) -> None:
    said = model(x)
    functional.cross_entropy(said.reshape(-1, said.shape[-1]), y.reshape(-1)).backward()  # type: ignore[no-untyped-call]
    model.zero_grad()


def _action(subject: str, side: str, batch: int) -> Callable[[], object]:
    torch.manual_seed(0)
    does: dict[str, Callable[..., object]] = {
        "plain": _plain,
        "inspect": partial(inspect, cures=False),
    }
    return partial(does[side], *SUBJECTS[subject](batch))


def _alone(subject: str, side: str, batch: int) -> int:
    """Return what a process of its own that does it once holds at most, in bytes."""
    words = ["--alone", side, "--subject", subject, "--batch", str(batch)]
    command = [sys.executable, str(Path(__file__)), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return int(done.stdout)


def _peak() -> int:
    """Return the most memory that this process has held so far, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def compare(subject: str, batch: int, turns: int) -> None:
    """Print what both sides take of a subject, and their ratio."""
    # Memory first: a process counts as its own what its parent held when it began.
    memory = {side: median(_alone(subject, side, batch) for _ in range(3)) for side in SIDES}
    actions = {side: _action(subject, side, batch) for side in SIDES}
    for action in actions.values():
        action()
    times = {side: median(seconds) for side, seconds in by_turns(actions, turns).items()}
    report = table(f"{subject}, batch {batch}", *("", "plain", "inspect", "ratio", "aim"))
    report.add_row("s", *_row(times, 1, "{:.2f}"), "3")
    report.add_row("MB at most", *_row(memory, 1e6, "{:,.0f}"), "1.3")
    console.print(report)


def _row(sides: Mapping[str, float], unit: float, form: str) -> list[str]:
    numbers = [form.format(sides[side] / unit) for side in SIDES]
    return [*numbers, f"{sides['inspect'] / sides['plain']:.2f}"]


def main() -> None:
    """Measure both sides, or one alone for its memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--subject", choices=SUBJECTS)
    parser.add_argument("--alone", choices=SIDES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        _action(given.subject, given.alone, given.batch)()
        console.print(_peak())
        return
    describe_machine()
    with watched():
        for subject in [given.subject] if given.subject else SUBJECTS:
            compare(subject, given.batch, given.turns)


if __name__ == "__main__":
    main()
