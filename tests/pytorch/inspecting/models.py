"""Small PyTorch networks of every kind, with PyTorch's own weights where they say no other."""

from collections.abc import Callable
from itertools import pairwise
from math import sqrt
from typing import Any

import torch
from pieces import Mean, Residual, SqueezeExcite, Tokens, Transposed, attention_block, bare, conv
from schemes import drawn, normal
from torch import Tensor, nn
from torch.nn import functional

# --- Vectors ---


def mlp(*sizes: int, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    """Return a chain whose layers are named 0, 2, 4, … and whose last has no activation."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), activation()]
    return nn.Sequential(*layers[:-1])


def deep(layers: int, activation: Callable[[], nn.Module] = nn.ReLU) -> nn.Sequential:
    """Return a chain of hidden layers of 64 units between 32 features and 10 classes."""
    return mlp(32, *[64] * layers, 10, activation=activation)


def residual_mlp(blocks: int, width: int = 32) -> nn.Sequential:
    """Return a stack of residual blocks without normalisation."""
    return nn.Sequential(
        *(Residual(*mlp(width, width, width)) for _ in range(blocks)), nn.Linear(width, 10)
    )


class Recurrence(nn.Module):
    """One layer applied again and again."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times
        self.step, self.head = nn.Linear(32, 32), nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Any:
        for _ in range(self.times):
            x = functional.relu(self.step(x))
        return self.head(x)


class TwoBranches(nn.Module):
    """Two ways from the input, that are added."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32))
        self.right = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32))
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.left(x) + self.right(x))


class Siamese(nn.Module):
    """Two inputs seen by the same encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = mlp(32, 64, 64)
        self.head = nn.Linear(64, 1)

    def forward(self, one: Tensor, other: Tensor) -> Any:
        return self.head((self.encoder(one) - self.encoder(other)).abs()).squeeze(1)


class TwoTowers(nn.Module):
    """Users by number and items by features, in one space."""

    def __init__(self) -> None:
        super().__init__()
        self.user = nn.Sequential(nn.Embedding(100, 32), nn.Linear(32, 32))
        self.item = mlp(32, 64, 32)

    def forward(self, user: Tensor, item: Tensor) -> Any:
        return (self.user(user) * self.item(item)).sum(1) / sqrt(32)


class Detector(nn.Module):
    """A network that says a class, and where, in nested outputs, and has a head to spare."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(3, 16), nn.ReLU(), conv(16, 32), nn.ReLU(), Mean(2, 3))
        self.label, self.centre, self.size = nn.Linear(32, 10), nn.Linear(32, 2), nn.Linear(32, 2)
        self.spare = nn.Linear(32, 1000)

    def forward(self, x: Tensor) -> dict[str, Any]:
        seen = self.body(x)
        return {"label": self.label(seen), "box": (self.centre(seen), self.size(seen))}


class LowRank(nn.Module):
    """A frozen layer and what is learned beside it (Hu et al. 2021): nothing, at the start."""

    def __init__(self, frozen: nn.Linear, rank: int = 4) -> None:
        super().__init__()
        self.frozen = frozen.requires_grad_(False)
        self.down = nn.Linear(frozen.in_features, rank, bias=False)
        self.up = nn.Linear(rank, frozen.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Any:
        return self.frozen(x) + self.up(self.down(x))


class FixupBlock(nn.Module):
    """A residual block that needs no normalisation (Zhang et al. 2019)."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.first, self.second = bare(channels, channels), bare(channels, channels)
        self.biases = nn.Parameter(torch.zeros(4))
        self.scale = nn.Parameter(torch.ones(1))
        nn.init.normal_(self.first.weight, 0.0, sqrt(2 / (9 * channels * blocks)))
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        inner = functional.relu(self.first(x + self.biases[0]) + self.biases[1])
        branch = self.scale * self.second(inner + self.biases[2]) + self.biases[3]
        return functional.relu(x + branch)


# --- Images of 3 channels, 16 by 16, and 10 classes ---


def cnn() -> nn.Sequential:
    return nn.Sequential(
        conv(3, 16), nn.ReLU(), nn.MaxPool2d(2), conv(16, 32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def convs(*channels: int, pool: int = 0) -> nn.Sequential:
    """Return a chain of 3×3 convolutions named 0, 2, 4, …, then a mean and a linear layer.

    After every ``pool`` of them the image is halved, and the names move on by one.
    """
    layers: list[nn.Module] = []
    for at, (fan_in, fan_out) in enumerate(pairwise(channels)):
        layers += [conv(fan_in, fan_out), nn.ReLU()]
        layers += [nn.MaxPool2d(2)] if pool and at % pool == pool - 1 else []
    return nn.Sequential(*layers, Mean(2, 3), nn.Linear(channels[-1], 10))


def normed_convs(layers: int, channels: int = 16) -> nn.Sequential:
    """Return convolutions with batch normalisation, in threes: 0, 3, 6, … are convolutions."""
    body: list[nn.Module] = []
    for fan_in in (3, *[channels] * (layers - 1)):
        body += [bare(fan_in, channels), nn.BatchNorm2d(channels), nn.ReLU()]
    return nn.Sequential(*body, Mean(2, 3), nn.Linear(channels, 10))


def basic_block(fan_in: int, fan_out: int, stride: int) -> nn.Sequential:
    shortcut = nn.Sequential(bare(fan_in, fan_out, 1, stride=stride), nn.BatchNorm2d(fan_out))
    branch = (
        bare(fan_in, fan_out, stride=stride), nn.BatchNorm2d(fan_out), nn.ReLU(),
        bare(fan_out, fan_out), nn.BatchNorm2d(fan_out),
    )  # fmt: skip
    return nn.Sequential(Residual(*branch, skip=None if fan_in == fan_out else shortcut), nn.ReLU())


def resnet18(width: int = 16) -> nn.Sequential:
    """Return the eighteen layers of He et al. 2016, narrow, with the stem for small images."""
    stages = [(width, width, 1), (width, 2 * width, 2), (2 * width, 4 * width, 2)]
    stages += [(4 * width, 8 * width, 2)]
    blocks: list[nn.Module] = []
    for fan_in, fan_out, stride in stages:
        blocks += [basic_block(fan_in, fan_out, stride), basic_block(fan_out, fan_out, 1)]
    stem = (bare(3, width), nn.BatchNorm2d(width), nn.ReLU())
    model = nn.Sequential(*stem, *blocks, Mean(2, 3), nn.Linear(8 * width, 10))
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return model


def separable(channels: int) -> nn.Sequential:
    """Return a depthwise convolution and one over channels, without normalisation."""
    return nn.Sequential(
        conv(channels, channels, groups=channels), nn.ReLU(), conv(channels, channels, 1), nn.ReLU()
    )


def inverted_block(channels: int) -> Residual:
    """Return a block of EfficientNet (Tan and Le 2019)."""
    wide = 4 * channels
    return Residual(
        bare(channels, wide, 1), nn.BatchNorm2d(wide), nn.SiLU(),
        bare(wide, wide, groups=wide), nn.BatchNorm2d(wide), nn.SiLU(),
        SqueezeExcite(wide), bare(wide, channels, 1), nn.BatchNorm2d(channels),
    )  # fmt: skip


class UNet(nn.Module):
    """An encoder and a decoder that sees the encoder's steps (Ronneberger et al. 2015)."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.further = self._pair(3, 16), self._pair(16, 32)
        self.bottom = self._pair(32, 64)
        self.up, self.top = nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)
        self.skip, self.skip_top = conv(32, 32, 1), conv(16, 16, 1)
        self.join, self.join_top = self._pair(64, 32), self._pair(32, 16)
        self.head = conv(16, 10, 1)

    @staticmethod
    def _pair(fan_in: int, fan_out: int) -> nn.Sequential:
        return nn.Sequential(conv(fan_in, fan_out), nn.ReLU(), conv(fan_out, fan_out), nn.ReLU())

    def forward(self, x: Tensor) -> Any:
        one = self.down(x)
        two = self.further(functional.max_pool2d(one, 2))
        bottom = self.bottom(functional.max_pool2d(two, 2))
        back = self.join(torch.cat([self.up(bottom), self.skip(two)], dim=1))
        return self.head(self.join_top(torch.cat([self.top(back), self.skip_top(one)], dim=1)))


class ViT(nn.Module):
    """A transformer over patches of 4 by 4, with a class token (Dosovitskiy et al. 2021)."""

    def __init__(self, width: int = 128, blocks: int = 3) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, 17, width))
        self.blocks = nn.Sequential(*(attention_block(width) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Any:
        patches = Tokens()(self.patches(x))
        tokens = torch.cat([self.token.expand(len(x), -1, -1), patches], dim=1)
        return self.head(self.norm(self.blocks(tokens + self.positions))[:, 0])


def mixer(width: int = 64, blocks: int = 3) -> nn.Sequential:
    """Return an MLP-Mixer over 16 patches (Tolstikhin et al. 2021)."""
    body = [
        nn.Sequential(
            Residual(nn.LayerNorm(width), Transposed(*mlp(16, 32, 16, activation=nn.GELU))),
            Residual(nn.LayerNorm(width), *mlp(width, 2 * width, width, activation=nn.GELU)),
        )
        for _ in range(blocks)
    ]
    return nn.Sequential(
        nn.Conv2d(3, width, 4, 4), Tokens(), *body,
        nn.LayerNorm(width), Mean(1), nn.Linear(width, 10),
    )  # fmt: skip


# --- Tokens, of 50 kinds ---


class GPT(nn.Module):
    """A language model whose head is its embedding (Radford et al. 2019)."""

    def __init__(self, width: int = 128, blocks: int = 4) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(50, width), nn.Embedding(16, width)
        self.blocks = nn.Sequential(*(attention_block(width, causal=True) for _ in range(blocks)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 50, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, x: Tensor) -> Any:
        places = torch.arange(x.shape[1], device=x.device)
        return self.head(self.norm(self.blocks(self.tokens(x) + self.positions(places))))


def gpt2() -> GPT:
    """Return a language model as GPT-2 is initialized, residual projections by depth."""
    model = drawn(GPT(), normal(0.02))
    nn.init.normal_(model.positions.weight, 0.0, 0.02)
    projections = [
        layer for name, layer in model.named_modules() if name.endswith(("out", "branch.3"))
    ]
    for layer in projections:
        nn.init.normal_(layer.weight, 0.0, 0.02 / sqrt(len(projections)))
    return model


class Recurrent(nn.Module):
    """An embedding, a recurrent layer, and a head over all its steps or the last."""

    def __init__(
        self, kind: Callable[..., nn.Module], classes: int = 50, *, every: bool = True
    ) -> None:
        super().__init__()
        self.every = every
        self.tokens = nn.Embedding(50, 32)
        self.recurrent = kind(32, 64, batch_first=True)
        self.head = nn.Linear(64, classes)

    def forward(self, x: Tensor) -> Any:
        states, _ = self.recurrent(self.tokens(x))
        return self.head(states if self.every else states[:, -1])


class Encoder(nn.Module):
    """PyTorch's own transformer encoder over embedded tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(50, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.encoder(self.tokens(x)).mean(1))


def bag() -> nn.Sequential:
    """Return a classifier of bags of words, whose embedding has sparse gradients."""
    return nn.Sequential(nn.EmbeddingBag(50, 32, sparse=True), *mlp(32, 64, 64, 10))


def reader() -> nn.Sequential:
    """Return a classifier of sentences by their mean word, without normalisation."""
    return nn.Sequential(
        nn.Embedding(50, 32), *mlp(32, 64, 64), nn.ReLU(), Mean(1), nn.Linear(64, 10)
    )
