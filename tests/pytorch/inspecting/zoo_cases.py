"""What a case of the zoo of modules is, and the data that the cases look at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

torch.set_num_threads(1)  # models as small as these only make threads wait for each other

SYMMETRY = "fails to break symmetry"
LARGE = "weights too large"
SMALL = "weights too small"
DEAD = "dead units"
SATURATED = "saturated"
VANISHING = "vanishing gradients"
EXPLODING = "exploding gradients"


class Batch(NamedTuple):
    """What a model is inspected with."""

    inputs: Any
    targets: Any
    loss: Callable[[Any, Any], Tensor]


@dataclass(frozen=True)
class Case:
    """A module of which it is known what is wrong with its weights, or that nothing is.

    Attributes
    ----------
    name : str
    build : callable
        Returns the module, drawn from PyTorch's own generator.
    batch : callable
        Returns what it is inspected with.
    labels : frozenset of str
        Those that are right; none where nothing is wrong.
    where : str
        A pattern of the names of the layers where the fault sits.
    """

    name: str
    build: Callable[[], nn.Module]
    batch: Callable[[], Batch]
    labels: frozenset[str] = frozenset()
    where: str = ""

    def __str__(self) -> str:
        return self.name

    def make(self, seed: int) -> tuple[nn.Module, Batch]:
        """Return the module and its batch, the same for the same seed."""
        torch.manual_seed(seed)
        return self.build(), self.batch()


def vectors(n: int = 64) -> Batch:
    return Batch(torch.randn(n, 32), torch.randint(10, (n,)), functional.cross_entropy)


def images(n: int = 16) -> Batch:
    return Batch(torch.randn(n, 3, 16, 16), torch.randint(10, (n,)), functional.cross_entropy)


def segmented(n: int = 8) -> Batch:
    return Batch(
        torch.randn(n, 3, 16, 16), torch.randint(10, (n, 16, 16)), functional.cross_entropy
    )


def sentences(n: int = 16) -> Batch:
    """Return sentences of sixteen words, and a class for each."""
    return Batch(torch.randint(50, (n, 16)), torch.randint(10, (n,)), functional.cross_entropy)


def _next_word(logits: Tensor, words: Tensor) -> Tensor:
    return functional.cross_entropy(logits.flatten(0, 1), words.flatten())


def language(n: int = 16) -> Batch:
    """Return sentences of sixteen words, and the word after each."""
    words = torch.randint(50, (n, 17))
    return Batch(words[:, :-1], words[:, 1:], _next_word)
