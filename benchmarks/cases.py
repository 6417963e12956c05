"""What the benchmarks train: data, networks, and how much arithmetic an iteration of them is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from goodinit.datasets import Dataset, load
from goodinit.study.grid import Study, Training, plan

SHARED = Path(__file__).resolve().parents[2] / "shared"


@dataclass(frozen=True)
class Case:
    """Data, the network for it, and a learning rate at which no network overflows."""

    source: Callable[[], Dataset]
    hidden: tuple[int, ...]
    activation: str = "relu"
    learning_rate: float = 0.01

    @cached_property
    def data(self) -> Dataset:
        """The examples, read once."""
        return self.source()

    def study(self, networks: int, **training: Any) -> Study:
        """Return a study of that many networks: He's initialization, a seed each."""
        return plan(
            self.data,
            initializers="he",
            hidden=self.hidden,
            activation=self.activation,
            learning_rate=self.learning_rate,
            seeds=networks,
            training=Training(**training),
        )


def photographs() -> Dataset:
    """Return the fourth article's photographs, or noise of their shape where they are missing."""
    folder = SHARED / "data" / "cats_vs_dogs"
    return load(folder, test_fraction=0.0) if folder.is_dir() else noise(100, 67_500)


def noise(examples: int, features: int) -> Dataset:
    """Return two classes: the half of the points that is nearer to the origin, and the other."""
    X = np.random.default_rng(0).random((examples, features))
    size = (X**2).sum(axis=1)
    y = (size > np.median(size)).astype(np.int64)
    return Dataset("noise", X, y, X[:0], y[:0], ("near", "far"))


CASES = {
    "circles": Case(lambda: load("circles"), (10, 5)),
    "digits": Case(lambda: load("digits"), (64,), learning_rate=0.1),
    "digits-wide": Case(lambda: load("digits"), (256, 256), learning_rate=0.1),
    "photographs": Case(photographs, (5, 5), "tanh", 0.0075),
}


def operations(layers: tuple[int, ...], examples: int) -> int:
    """Return the floating-point operations of an iteration's matrix products.

    Forward, the gradient of the weights, and that of the inputs, which the first layer doesn't
    need: two operations each for every weight and example.
    """
    products = [before * after for before, after in pairwise(layers)]
    return examples * (6 * sum(products) - 2 * products[0])
