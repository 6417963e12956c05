"""Small PyTorch models, and what the tests of initialize ask of them."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import nn
from torch.nn import functional

from goodinit.torch import initialize


def normals(*shape: int, seed: int = 0) -> Any:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def rms(tensor: Any) -> float:
    return float(tensor.detach().double().square().mean().sqrt())


def mlp(*sizes: int, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), activation()]
    return nn.Sequential(*layers[:-1])


def notes(model: nn.Module, scheme: str = "auto", **more: Any) -> dict[str, str]:
    """Return what the table says of each parameter, without what data changed of it."""
    table = initialize(model, scheme, **more)
    kept = table["note"].str.replace(r"; times .*", "", regex=True)
    return dict(zip(table["parameter"], kept, strict=True))


def values(model: nn.Module) -> dict[str, Any]:
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


def assert_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=0, atol=0, equal_nan=True, msg=name)


class Block(nn.Module):
    """A residual block of a ResNet, with a projection where the widths differ."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Any) -> Any:
        h = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        h += x if self.shortcut is None else self.shortcut(x)
        return self.relu(h)


class Residual(nn.Module):
    """Plain residual branches x + W₂ tanh(W₁ x)."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.up = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.down = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))

    def forward(self, x: Any) -> Any:
        for up, down in zip(self.up, self.down, strict=True):
            x = x + down(torch.tanh(up(x)))
        return x


class Tied(nn.Module):
    """A language model whose output layer is its embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, 16, padding_idx=3)
        self.body = nn.Linear(16, 16)
        self.head = nn.Linear(16, 50, bias=False)
        self.head.weight = self.embedding.weight
        self.position = nn.Parameter(torch.full((5, 16), 7.0))

    def forward(self, tokens: Any) -> Any:
        x = self.embedding(tokens) + self.position[: tokens.shape[1]]
        return self.head(functional.gelu(self.body(x)))
