"""Small PyTorch modules, and what the tests of inspect ask of the report on them."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import Tensor, nn
from torch.nn import functional

from goodinit.torch import Report


def sequence(*modules: nn.Module) -> Any:
    return nn.Sequential(*modules)


def mlp(*sizes: int, activation: Callable[[], nn.Module] = nn.ReLU) -> Any:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), activation()]
    return nn.Sequential(*layers[:-1])


def data(*shape: int, classes: int = 3) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(1)
    return torch.randn(shape, generator=rng), torch.randint(classes, shape[:1], generator=rng)


def row(report: Report, layer: str) -> Any:
    """Return the numbers of the first call of a layer."""
    return report.layers[report.layers["layer"] == layer].iloc[0]


def labels(report: Report) -> list[tuple[str, str]]:
    return [(finding.layer, finding.label) for finding in report.findings]


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.head = nn.Embedding(20, 16), nn.Linear(16, 20, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, x: Tensor) -> Any:
        return self.head(functional.layer_norm(self.tokens(x), (16,)))
