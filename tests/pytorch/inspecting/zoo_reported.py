"""Networks as people report them that don't learn, each beside the one that does.

Each is built broken or mended; of the broken one the first finding is the cause.
"""

import copy
from collections.abc import Callable
from functools import partial
from math import pi, sqrt
from typing import Any, NamedTuple

import schemes
import torch
from inspected import mlp, sequence
from pieces import Residual, conv
from torch import Tensor, nn
from torch.nn import functional

CUT, FLAT, LARGE, BIAS = "vanishing gradients", "saturated", "weights too large", "output bias"


class Asked(NamedTuple):
    """What ``inspect`` is given."""

    model: nn.Module
    inputs: Any
    targets: Any
    loss: Callable[[Any, Any], Tensor]


class Pair(NamedTuple):
    """A report: its label and place, and what builds the module and its batch, broken or mended."""

    name: str
    label: str
    build: Callable[[bool], Asked]
    fault: bool = True
    where: str = ".*"

    def __str__(self) -> str:
        return self.name

    def make(self, *, mended: bool) -> Asked:
        """Return the module and its batch, the same each time."""
        torch.manual_seed(0)
        return self.build(mended)


class Between(nn.Module):
    """Two parts, and what is done to the signal between them."""

    def __init__(self, first: nn.Module, change: Callable[[Tensor], Tensor], last: nn.Module):
        super().__init__()
        self.first, self.change, self.last = first, change, last

    def forward(self, x: Tensor) -> Any:
        return self.last(self.change(self.first(x)))


def classes_of(model: nn.Module, features: int = 16, classes: int = 3) -> Asked:
    x, y = torch.randn(64, features), torch.randint(classes, (64,))
    return Asked(model, x, y, functional.cross_entropy)


def numbers_of(model: nn.Module, features: int = 8, outputs: int = 1) -> Asked:
    return Asked(model, torch.randn(128, features), torch.randn(128, outputs), functional.mse_loss)


# --- No gradient ---


def _cut(change: Callable[[Tensor], Tensor], mended: bool) -> Asked:
    between = functional.relu if mended else change
    return classes_of(Between(mlp(16, 32, 32), between, mlp(32, 32, 3)))


def _above_zero(x: Tensor) -> Tensor:
    return (x > 0).float()


class States(nn.Module):
    """A recurrence by hand, whose last state goes on."""

    def __init__(self, cell: nn.Module, *, detached: bool = False) -> None:
        super().__init__()
        self.cell, self.head, self.detached = cell, nn.Linear(32, 4), detached

    def forward(self, x: Tensor) -> Any:
        state = x.new_zeros(len(x), 32)
        for step in x.unbind(1):
            state = self.cell(step, state)
        return self.head(state.detach() if self.detached else state)


def _steps(mended: bool) -> Asked:
    model = States(nn.GRUCell(8, 32), detached=not mended)
    x, y = torch.randn(32, 6, 8), torch.randint(4, (32,))
    return Asked(model, x, y, functional.cross_entropy)


class Adapted(nn.Module):
    """A frozen layer, and what two factors add to it."""

    def __init__(self, *, drawn: bool) -> None:
        super().__init__()
        self.frozen = nn.Linear(32, 32).requires_grad_(False)
        self.down = nn.Parameter(0.02 * torch.randn(4, 32) if drawn else torch.zeros(4, 32))
        self.up = nn.Parameter(torch.zeros(32, 4))

    def forward(self, x: Tensor) -> Any:
        return self.frozen(x) + x @ self.down.T @ self.up.T


def _adapters(mended: bool) -> Asked:
    layers = [Adapted(drawn=mended) for _ in range(2)]
    return classes_of(sequence(layers[0], nn.ReLU(), layers[1], nn.Linear(32, 3)), 32)


# --- Flat activations, dead units ---


def _drawn(std: float, activation: type[nn.Module], mended: bool) -> Asked:
    model = mlp(40, 64, 64, 5, activation=activation)
    schemes.drawn(model, schemes.lecun if mended else schemes.normal(std))
    schemes.normal(0.1)(model[-1].weight)
    return classes_of(model, 40, 5)


class Gate(nn.Module):
    def __init__(self, std: float) -> None:
        super().__init__()
        self.gate = nn.Linear(64, 64)
        schemes.normal(std)(self.gate.weight)

    def forward(self, x: Tensor) -> Any:
        return x * torch.sigmoid(self.gate(x))


def _gated(mended: bool) -> Asked:
    gate = Gate(0.1 if mended else 10.0)
    return classes_of(sequence(nn.Linear(16, 64), nn.ReLU(), gate, nn.Linear(64, 3)))


def _closed(mended: bool) -> Asked:
    body = (conv(1, 16), nn.ReLU(), conv(16, 16), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    model = sequence(*body, nn.Linear(16, 3))
    nn.init.constant_(model[2].bias, 0.0 if mended else -6.0)
    x, y = torch.randn(16, 1, 10, 10), torch.randint(3, (16,))
    return Asked(model, x, y, functional.cross_entropy)


class Heads(nn.Module):
    """Attention of four heads by hand, its logits scaled or not."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.words, self.norm = nn.Embedding(50, 256), nn.LayerNorm(256)
        self.inner, self.head = nn.Linear(256, 768, bias=False), nn.Linear(256, 3)
        self.scale = scale
        nn.init.xavier_normal_(self.inner.weight, 1.4)

    def forward(self, words: Tensor) -> Any:
        parts = self.inner(self.norm(self.words(words))).chunk(3, -1)
        query, key, seen = (part.unflatten(-1, (4, 64)).transpose(1, 2) for part in parts)
        logits = query @ key.transpose(2, 3)
        if self.scale != 1:
            logits = logits * self.scale
        return self.head((torch.softmax(logits, -1) @ seen).transpose(1, 2).flatten(2).mean(1))


def _attention(mended: bool) -> Asked:
    words, y = torch.randint(50, (8, 24)), torch.randint(3, (8,))
    return Asked(Heads(1 / 8 if mended else 1.0), words, y, functional.cross_entropy)


# --- A first cost far above guessing ---


def _gains(mended: bool) -> Asked:
    model = schemes.drawn(mlp(32, 64, 64, 64, 64, 10), schemes.he)
    for layer in () if mended else schemes.weighted(model):
        layer.weight.data.mul_(2.6)
    model[-1].weight.data.mul_(0.3)
    return classes_of(model, 32, 10)


def _loud_head(mended: bool) -> Asked:
    model = mlp(8, 64, 64, 1)
    model[-1].weight.data.mul_(1 if mended else 200)
    return numbers_of(model)


class Ratio(nn.Module):
    def __init__(self, *, safe: bool) -> None:
        super().__init__()
        self.above, self.below, self.safe = mlp(6, 32, 1), mlp(6, 32, 1), safe

    def forward(self, x: Tensor) -> Any:
        below = self.below(x)
        return self.above(x) / (functional.softplus(below) + 0.5 if self.safe else below)


def _pole(mended: bool) -> Asked:
    x, y = torch.randn(1000, 6), torch.randn(1000, 1)
    return Asked(Ratio(safe=mended), x, y, functional.mse_loss)


def _one_bias(mended: bool) -> Asked:
    model = mlp(20, 64, 10)
    model[-1].bias.data[3] = 0.0 if mended else 40.0
    return classes_of(model, 20, 10)


def _rare(mended: bool) -> Asked:
    model = mlp(30, 64, 20)
    nn.init.constant_(model[-1].bias, -5.0 if mended else 0.0)
    x, y = torch.randn(512, 30), (torch.rand(512, 20) < 0.006).float()
    return Asked(model, x, y, functional.binary_cross_entropy_with_logits)


class Words(nn.Module):
    def __init__(self, places: float) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(50, 64), nn.Parameter(places * torch.randn(20, 64))
        schemes.normal(0.02)(self.words.weight)
        layer = nn.TransformerEncoderLayer(64, 4, 128, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(64, 3)

    def forward(self, words: Tensor) -> Any:
        return self.head(self.encoder(self.words(words) + self.places).mean(1))


def _loud_places(mended: bool) -> Asked:
    words, y = torch.randint(50, (8, 20)), torch.randint(3, (8,))
    return Asked(Words(0.02 if mended else 1.0), words, y, functional.cross_entropy)


# --- Data and loss ---


def _all_pairs(mended: bool) -> Asked:
    asked = numbers_of(mlp(8, 64, 1))
    targets = asked.targets if mended else asked.targets[:, 0]
    return asked._replace(targets=targets, loss=functional.smooth_l1_loss)


def _twice(mended: bool) -> Asked:
    model = mlp(20, 64, 5)
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 1.0, 3.0, 1.0]))
    said = model if mended else sequence(*model, nn.Softmax(1))
    return classes_of(said, 20, 5)._replace(loss=loss)


def _from_one(mended: bool) -> Asked:
    asked = classes_of(sequence(*mlp(10, 32, 4), nn.LogSoftmax(1)), 10, 4)
    return asked._replace(targets=asked.targets + (not mended), loss=functional.nll_loss)


def _per_cent(mended: bool) -> Asked:
    asked = numbers_of(mlp(10, 32, 1), 10)
    share = torch.rand(128, 1) * (1 if mended else 100)
    return asked._replace(targets=share, loss=functional.binary_cross_entropy_with_logits)


def _table(mended: bool) -> Asked:
    columns = torch.rand(4, 256) * torch.tensor([[1.0], [60.0], [1e5], [1.0]])
    x, y = columns.T, (torch.rand(256, 1) < 0.5).float()
    x = (x - x.mean(0)) / x.std(0) if mended else x
    return Asked(mlp(4, 64, 64, 1), x, y, functional.binary_cross_entropy_with_logits)


def _grams(mended: bool) -> Asked:
    asked = numbers_of(mlp(10, 64, 2), 10, 2)
    return asked._replace(targets=asked.targets * (1 if mended else 5000), loss=functional.l1_loss)


# --- Depth and time ---


def _long(mended: bool) -> Asked:
    cell = nn.RNNCell(8, 32)
    if mended:
        nn.init.orthogonal_(cell.weight_hh)
        cell.weight_ih.data.mul_(0.1)
        schemes.zeros(nn.ParameterList([cell.bias_ih, cell.bias_hh]))
    x, y = torch.randn(8, 60 if mended else 200, 8), torch.randint(4, (8,))
    return Asked(States(cell), x, y, functional.cross_entropy)


class Scaled(nn.Module):
    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x


def _stack(mended: bool) -> Asked:
    scale = 1 / sqrt(150) if mended else 1.0
    blocks = [Residual(*mlp(16, 16, 16), Scaled(scale)) for _ in range(150)]
    model = schemes.drawn(sequence(nn.Linear(16, 16), *blocks, nn.Linear(16, 3)), schemes.he)
    return classes_of(model)


def _seven_hundred(mended: bool) -> Asked:
    layers = 5 if mended else 700
    model = mlp(16, *[20] * layers, 3)
    return classes_of(schemes.drawn(model, schemes.he) if mended else model)


# --- What was drawn ---


def _copied(mended: bool) -> Asked:
    layer = nn.Linear(64, 64)
    layers = [nn.Linear(64, 64) if mended else copy.deepcopy(layer) for _ in range(2)]
    body = (nn.Linear(16, 64), nn.ReLU(), layers[0], nn.ReLU(), layers[1], nn.ReLU())
    return classes_of(sequence(*body, nn.Linear(64, 3)))


def _far_out(mended: bool) -> Asked:
    model = mlp(64, 128, 4)
    schemes.normal(0.02)(model[0].weight)
    model[0].weight.data.flatten()[:20] = 0.02 if mended else 2.0
    return classes_of(model, 64, 4)


def _no_number(mended: bool) -> Asked:
    model = sequence(nn.Linear(16, 32), nn.LayerNorm(32), nn.ReLU(), nn.Linear(32, 3))
    model[1].weight.data[5] = 1.0 if mended else float("nan")
    return classes_of(model)


# --- Sines ---


class Sine(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(x)


def _slow_waves(mended: bool) -> Asked:
    line = torch.linspace(-1, 1, 32)
    x = torch.cartesian_prod(line, line)
    y = torch.sin(10 * x[:, :1]) * torch.cos(8 * x[:, 1:])
    model = mlp(2, 64, 64, 1, activation=Sine)
    model[0].weight.data.mul_(20 if mended else 1)
    return Asked(model, x, y, functional.mse_loss)


def _degrees(mended: bool) -> Asked:
    x = torch.cartesian_prod(torch.linspace(-80, 80, 40), torch.linspace(-180, 180, 60))
    radians = x * pi / 180
    y = torch.cos(radians[:, :1]) * torch.sin(2 * radians[:, 1:])
    model = sequence(nn.Linear(2, 64), Sine(), *mlp(64, 64, 1))
    return Asked(model, radians if mended else x, y, functional.mse_loss)


REPORTED: tuple[Pair, ...] = (
    Pair("a detached state", CUT, _steps),
    Pair("what .data cuts off", CUT, partial(_cut, lambda x: x.data)),
    Pair("a round trip through NumPy", CUT,
         partial(_cut, lambda x: torch.from_numpy(x.detach().numpy()))),
    Pair("a threshold", CUT, partial(_cut, _above_zero)),
    Pair("rounding", CUT, partial(_cut, torch.round)),
    Pair("signs", CUT, partial(_cut, torch.sign)),
    Pair("both factors of adapters zero", CUT, _adapters),
    Pair("tanh of N(0, 2²)", FLAT, partial(_drawn, 2.0, nn.Tanh)),
    Pair("hard tanh of N(0, 2²)", FLAT, partial(_drawn, 2.0, nn.Hardtanh)),
    Pair("a gate of N(0, 10²)", FLAT, _gated),
    Pair("ReLUs closed by biases of -6", "dead units", _closed),
    Pair("four heads whose logits nothing divides", FLAT, _attention),
    Pair("four layers of gain 2.6·√2", LARGE, _gains),
    Pair("a head × 200", LARGE, _loud_head),
    Pair("a ratio of outputs", "outputs explode", _pole),
    Pair("one bias of 40", BIAS, _one_bias),
    Pair("six labels in a thousand", BIAS, _rare),
    Pair("places fifty times as loud as words", LARGE, _loud_places),
    Pair("outputs (N, 1), targets (N,)", "shapes broadcast", _all_pairs),
    Pair("softmax before a weighted cross-entropy", "probabilities as logits", _twice),
    Pair("labels from one on", "labels out of range", _from_one),
    Pair("per cent in a binary cross-entropy", "labels out of range", _per_cent),
    Pair("age and income as they are", "unscaled inputs", _table),
    Pair("targets in grams", "unscaled targets", _grams),
    Pair("200 steps of a plain cell", CUT, _long),
    Pair("150 blocks without scale", "exploding gradients", _stack),
    Pair("700 layers of 20 units as PyTorch draws them", CUT, _seven_hundred),
    Pair("a layer and its copy", "copies", _copied, fault=False),
    Pair("weights of 2 among 0.02", "outliers", _far_out, fault=False),
    Pair("a scale that is NaN", "never initialized", _no_number),
    Pair("sines too slow for their targets", "sine bandwidth", _slow_waves),
    Pair("sines of degrees", "unscaled inputs", _degrees),
)  # fmt: skip
