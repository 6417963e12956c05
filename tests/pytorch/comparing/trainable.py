"""Small modules of many kinds, data for them, and how a test trains them."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import Tensor, nn
from torch.nn import functional

from goodinit.initializers import Scheme
from goodinit.network import Network
from goodinit.network import initialize as our_weights
from goodinit.torch.comparing.examples import Examples
from goodinit.torch.comparing.training import History, ModuleTraining, train

CE = nn.CrossEntropyLoss()
Build = Callable[[], nn.Module]


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))

    def forward(self, x: Tensor) -> Any:
        return x + self.branch(x)


class Attending(nn.Module):
    """A small transformer over 6 tokens of 4 features, its classes read from the mean token."""

    def __init__(self, layers: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.up = nn.Linear(4, 8)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(8, 2, 16, dropout, batch_first=True, norm_first=True)
            for _ in range(layers)
        )
        self.down = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Any:
        x = self.up(x.reshape(len(x), 6, 4))
        for layer in self.layers:
            x = layer(x)
        return self.down(x.mean(1))


class Tied(nn.Module):
    """A layer and its transpose; and one module under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(24, 24, bias=False)
        self.middle = nn.Linear(24, 24)
        self.again = self.middle
        self.unembed = nn.Linear(24, 24, bias=False)
        self.unembed.weight = self.embed.weight

    def forward(self, x: Tensor) -> Any:
        return self.unembed(torch.tanh(self.again(torch.tanh(self.middle(self.embed(x))))))[:, :3]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 8, batch_first=True)
        self.down = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Any:
        return self.down(self.lstm(x.reshape(len(x), 6, 4))[0][:, -1])


class Words(nn.Module):
    def __init__(self, **how: Any) -> None:
        super().__init__()
        self.embedding = nn.Embedding(24, 8, **how)
        self.down = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Any:
        return self.down(self.embedding((x.abs() * 10).long() % 24).mean(1))


class Deciding(nn.Module):
    """Goes another way where its numbers say so."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(24, 3)

    def forward(self, x: Tensor) -> Any:
        out = self.layer(x)
        return out if out.mean() > 0 else 2 * out


class Skipping(nn.Module):
    """Leaves its first layer out, with a probability of 5 %, by Python's own random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(24, 24), nn.Linear(24, 3)

    def forward(self, x: Tensor) -> Any:
        return self.last(self.first(x) if random.random() > 0.05 else x)  # noqa: S311


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3))


def convolutional() -> nn.Module:
    return nn.Sequential(
        *(nn.Unflatten(1, (1, 4, 6)), nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Flatten()),
        nn.Linear(32, 3),
    )


def residual() -> nn.Module:
    return nn.Sequential(Residual(24), nn.LayerNorm(24), Residual(24), nn.Linear(24, 3))


def half_frozen() -> nn.Module:
    model = mlp()
    next(model.parameters()).requires_grad_(False)
    return model


def dropping() -> nn.Module:
    return nn.Sequential(nn.Linear(24, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))


STACKED: dict[str, Build] = {
    "mlp": mlp,
    "convolutional": convolutional,
    "transformer": Attending,
    "residual": residual,
    "tied": Tied,
    "half frozen": half_frozen,
    "embedding": Words,
    "lazy": lambda: nn.Sequential(nn.LazyLinear(8), nn.ReLU(), nn.LazyLinear(3)),
}
ONE_BY_ONE: dict[str, Build] = {
    "dropout": dropping,
    "dropout in attention": lambda: Attending(dropout=0.2),
    "values decide": Deciding,
    "random layers": Skipping,
    "sparse gradients": lambda: Words(sparse=True),
    "padding": lambda: Words(padding_idx=0),  # vmap gives it a gradient
    "renormalized": lambda: Words(max_norm=1.0),
    "average of all batches": lambda: nn.Sequential(
        nn.Linear(24, 8), nn.BatchNorm1d(8, momentum=None), nn.Linear(8, 3)
    ),
}


@contextmanager
def float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def data(n: int = 60, n_test: int = 20, seed: int = 0) -> Examples:
    """Return three classes of 24 features, in the default dtype."""
    rng = np.random.default_rng(seed)
    y = np.arange(n + n_test) % 3
    X = rng.standard_normal((len(y), 24)) + np.eye(3, 24)[y]
    X_all, y_all = torch.tensor(X, dtype=torch.get_default_dtype()), torch.tensor(y)
    return Examples(X_all[:n], y_all[:n], X_all[n:], y_all[n:])


def drawn(build: Build, seeds: list[int]) -> list[nn.Module]:
    models = []
    for seed in seeds:
        torch.manual_seed(seed)
        models.append(build())
    return models


def trained(
    build: Build, how: ModuleTraining, seeds: list[int], *, together: bool = True, **more: Any
) -> tuple[History, list[nn.Module]]:
    """Return what training with float64 gave, and the models."""
    with float64():
        models, examples = drawn(build, seeds), more.pop("examples", None) or data()
        rate, loss = more.pop("learning_rate", 0.05), more.pop("loss", CE)
        return train(models, seeds, rate, examples, loss, how, together=together, **more), models


def values(model: nn.Module) -> list[NDArray[Any]]:
    return [tensor.detach().numpy().copy() for tensor in model.state_dict().values()]


def assert_same(one: History, other: History, tolerance: float) -> None:
    for name, curve in one.curves.items():
        np.testing.assert_allclose(curve, other.curves[name], rtol=tolerance, err_msg=name)


class Ours(nn.Module):
    """The network of goodinit's own engine, with the weights that it draws."""

    def __init__(self, scheme: Scheme, seed: int) -> None:
        super().__init__()
        layers = []
        for weights, biases in our_weights(Network((2, 10, 5, 1)), scheme, seed):
            layer = nn.Linear(*reversed(weights.shape))
            layer.weight = nn.Parameter(torch.from_numpy(weights.copy()))
            layer.bias = nn.Parameter(torch.from_numpy(biases.copy()))
            layers += [layer, nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: Tensor) -> Any:
        return self.layers(x)[:, 0]


def binary_loss(logits: Tensor, y: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, y.to(logits))
