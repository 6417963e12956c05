"""Modules whose initialization has one known fault, and the layers where it sits."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from math import sqrt
from typing import Any

import models
import pieces
import schemes
import torch
from torch import Tensor, nn
from zoo_cases import (
    DEAD,
    EXPLODING,
    LARGE,
    SATURATED,
    SMALL,
    SYMMETRY,
    VANISHING,
    Batch,
    Case,
    images,
    language,
    segmented,
    sentences,
    vectors,
)

Change = Callable[[Any], None]


def _case(
    name: str,
    labels: str | set[str],
    where: str,
    batch: Callable[[], Batch],
    build: Callable[[], nn.Module],
) -> Case:
    return Case(
        name, build, batch, frozenset({labels} if isinstance(labels, str) else labels), where
    )


# --- What is done to a healthy module ---


def _with(build: Callable[[], nn.Module], change: Change, *names: str) -> Callable[[], nn.Module]:
    """Return a builder of the module with some of its submodules changed."""

    def spoiled() -> nn.Module:
        model = build()
        for name in names:
            change(model.get_submodule(name))
        return model

    return spoiled


def _each(build: Callable[[], nn.Module], kind: Any, change: Change) -> Callable[[], nn.Module]:
    """Return a builder of the module with all of its submodules of one kind changed."""

    def spoiled() -> nn.Module:
        model = build()
        for layer in filter(lambda layer: isinstance(layer, kind), model.modules()):
            change(layer)
        return model

    return spoiled


def _he(build: Callable[[], nn.Module]) -> Callable[[], nn.Module]:
    return lambda: schemes.drawn(build(), schemes.he)


def _times(factor: float) -> Change:
    def change(layer: nn.Linear) -> None:
        layer.weight.data.mul_(factor)

    return change


def _std(std: float) -> Change:
    def change(layer: nn.Linear) -> None:
        nn.init.normal_(layer.weight, 0.0, std)

    return change


def _bias(number: float) -> Change:
    def change(layer: nn.Linear) -> None:
        nn.init.constant_(layer.bias, number)

    return change


def _recurrent(factor: float) -> Change:
    def change(layer: nn.LSTM) -> None:
        layer.get_parameter("weight_hh_l0").data.mul_(factor)

    return change


def _tiny(layer: nn.GRU) -> None:
    for parameter in layer.parameters():
        nn.init.normal_(parameter, 0.0, 1e-4)


def _forgetful(layer: nn.LSTM) -> None:
    """Close the forget gate, the second of four."""
    size = layer.hidden_size
    layer.get_parameter("bias_ih_l0").data[size : 2 * size] = -10


def _stale(layer: nn.GRU) -> None:
    """Close the update gate, the second of three: the state stays what it was."""
    size = layer.hidden_size
    layer.get_parameter("bias_ih_l0").data[size : 2 * size] = 10


def _as_if_full(layer: nn.Conv2d) -> None:
    """Draw a depthwise convolution as if each unit saw every channel."""
    nn.init.normal_(layer.weight, 0.0, sqrt(2 / (9 * layer.out_channels)))


def _without_kernel(layer: nn.Conv2d) -> None:
    """Take the number of output channels alone for what a unit sees."""
    nn.init.normal_(layer.weight, 0.0, sqrt(2 / layer.out_channels))


def _repeated(layer: nn.Linear) -> None:
    """Make every unit the copy of one of the first sixteen."""
    layer.weight.data = layer.weight.data[torch.arange(layer.out_features) % 16]


# --- Modules that have no healthy twin ---


def _orthogonal_recurrence(gain: float) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        model = models.Recurrence(30)
        nn.init.orthogonal_(model.step.weight, gain)
        return model

    return build


def _no_skip() -> nn.Module:
    """Return blocks that end in zeros, as residual ones may, but have lost their skip."""
    blocks = [nn.Sequential(*models.mlp(32, 32, 32)) for _ in range(4)]
    for block in blocks:
        schemes.zeros(block[2])
    return nn.Sequential(*blocks, nn.Linear(32, 10))


def _separables() -> nn.Module:
    blocks = (models.separable(64) for _ in range(3))
    body = (pieces.conv(3, 64), nn.ReLU(), *blocks, pieces.Mean(2, 3), nn.Linear(64, 10))
    return schemes.drawn(nn.Sequential(*body), schemes.he)


def _decoder() -> nn.Module:
    """Return an encoder and a decoder of images."""
    down = [nn.Conv2d(3, 32, 4, 4), nn.ReLU(), nn.Conv2d(32, 64, 2, 2), nn.ReLU()]
    up = [nn.ConvTranspose2d(64, 32, 2, 2), nn.ReLU(), nn.ConvTranspose2d(32, 10, 4, 4)]
    return schemes.drawn(nn.Sequential(*down, *up), schemes.he)


def _frozen_backbone() -> nn.Module:
    backbone = schemes.drawn(models.convs(3, 16, 16, 16)[:-2], schemes.normal(1.0))
    head = (pieces.Mean(2, 3), nn.Linear(16, 10))
    return nn.Sequential(backbone.requires_grad_(False), *head)


def _normed_mlp() -> nn.Module:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise((32, 64, 64, 64)):
        layers += [nn.Linear(fan_in, fan_out), nn.LayerNorm(fan_out), nn.ReLU()]
    return schemes.drawn(nn.Sequential(*layers, nn.Linear(64, 10)), schemes.he)


def _features() -> Batch:
    """Return images of 64 channels."""
    return images(8)._replace(inputs=torch.randn(8, 64, 16, 16))


def _drawn(build: Callable[[], nn.Module], scheme: Any) -> Callable[[], nn.Module]:
    return lambda: schemes.drawn(build(), scheme)


def _same(number: float) -> Change:
    return lambda module: schemes.constant(module, number)


def _one_number(number: float) -> Callable[[Tensor], Tensor]:
    """Return a scheme that makes all weights one number."""
    return lambda weight: nn.init.constant_(weight, number)


def _deep(layers: int, activation: Callable[[], nn.Module] = nn.ReLU) -> Callable[[], nn.Module]:
    return lambda: models.deep(layers, activation)


_five = _he(_deep(5))
_lstm = partial(models.Recurrent, nn.LSTM)
_gru = partial(models.Recurrent, nn.GRU, 10, every=False)
_convs = partial(models.convs, 3, 16, 16, 16)
_reader, _unet = _he(models.reader), _he(models.UNet)
_mixing = [f"{block}.0.branch.1.inner.{layer}" for block in (2, 3, 4) for layer in (0, 2)]

# --- The cases: name, labels, layers, batch, builder ---

_CHAIN = r"\d+"  # any layer of a chain
_CONVS = r"[0246]"  # the convolutions of a chain

_DEPTH = (
    _case("PyTorch's default in thirty ReLU layers", VANISHING, _CHAIN, vectors, _deep(30)),
    _case("ten sigmoid layers", VANISHING, _CHAIN, vectors,
          _drawn(_deep(10, nn.Sigmoid), nn.init.xavier_normal_)),
    _case("thirty SELU layers, PyTorch's default", VANISHING, _CHAIN, vectors, _deep(30, nn.SELU)),
    _case("eight SELU layers, four times LeCun", {EXPLODING, SATURATED}, _CHAIN, vectors,
          _each(_drawn(_deep(8, nn.SELU), schemes.lecun), nn.Linear, _times(4))),
    _case("std 1 in twenty layers", {EXPLODING, LARGE}, _CHAIN, vectors,
          _drawn(_deep(20), schemes.normal(1.0))),
    _case("std 1 in GELU layers", {EXPLODING, LARGE}, _CHAIN, vectors,
          _drawn(_deep(5, nn.GELU), schemes.normal(1.0))),
    _case("sixty residual blocks without scaling", EXPLODING, r"\d+(\..+)?", vectors,
          _he(lambda: models.residual_mlp(60))),
    _case("one layer thirty times, gain 1.5·√2", EXPLODING, "step", vectors,
          _orthogonal_recurrence(1.5 * sqrt(2))),
    _case("one layer thirty times, gain 0.5·√2", VANISHING, "step", vectors,
          _orthogonal_recurrence(0.5 * sqrt(2))),
    _case("convolutions without their kernel's area", {EXPLODING, LARGE}, _CONVS, _features,
          _each(lambda: models.convs(64, 32, 16, 8, 4), nn.Conv2d, _without_kernel)),
)  # fmt: skip
_SIZE = (
    _case("one layer × 100", LARGE, "4", vectors, _with(_five, _times(100), "4")),
    _case("one layer × 0.001", SMALL, "4", vectors, _with(_five, _times(0.001), "4")),
    _case("head × 1000", LARGE, "10", vectors, _with(_five, _times(1000), "10")),
    _case("convolutions of std 0.001", {SMALL, VANISHING}, _CONVS, images,
          _each(_convs, nn.Conv2d, _std(0.001))),
    _case("depthwise with the fans of full convolutions", {SMALL, VANISHING}, r"0|[234]\.0", images,
          _with(_separables, _as_if_full, "2.0", "3.0", "4.0")),
    _case("transposed convolution × 100", LARGE, "4", segmented, _with(_decoder, _times(100), "4")),
    _case("U-Net's upper skip × 100", LARGE, "skip_top", segmented,
          _with(_unet, _times(100), "skip_top")),
    _case("frozen backbone of std 1", {LARGE, EXPLODING}, r"0\.\d", images, _frozen_backbone),
    _case("LayerNorm of gain 100", {LARGE, EXPLODING}, r"[147]", vectors,
          _each(_normed_mlp, nn.LayerNorm, _times(100))),
    _case("mixing of tokens × 100", {LARGE, EXPLODING}, r".*inner\.[02]", images,
          _with(models.mixer, _times(100), *_mixing)),
    _case("attention of std 1", {LARGE, SATURATED}, r".*\.(query|key|value|out)", language,
          _each(models.gpt2, pieces.Attention, lambda a: schemes.drawn(a, schemes.normal(1.0)))),
)  # fmt: skip
_TOKENS = (
    _case("embedding of std 10", LARGE, "0", sentences, _with(_reader, _std(10), "0")),
    _case("embedding of std 0.0001", {SMALL, VANISHING}, "0", sentences,
          _with(_reader, _std(1e-4), "0")),
    _case("tied embedding of std 1", LARGE, "tokens|head", language,
          _with(models.gpt2, _std(1), "tokens")),
    _case("positions of std 10", LARGE, "positions", language,
          _with(models.gpt2, _std(10), "positions")),
    _case("embedding bag of std 100", LARGE, "0", sentences,
          _with(_he(models.bag), _std(100), "0")),
    _case("LSTM's forget gate closed", {SATURATED, VANISHING}, "recurrent", language,
          _with(_lstm, _forgetful, "recurrent")),
    _case("LSTM's recurrent weights × 30", {SATURATED, LARGE, EXPLODING}, "recurrent", language,
          _with(_lstm, _recurrent(30), "recurrent")),
    _case("GRU's update gate closed", {SATURATED, VANISHING}, "recurrent", sentences,
          _with(_gru, _stale, "recurrent")),
    _case("GRU of std 0.0001", {SMALL, VANISHING}, "recurrent", sentences,
          _with(_gru, _tiny, "recurrent")),
)  # fmt: skip
_UNITS = (
    _case("ReLUs closed by a bias", DEAD, "4", vectors, _with(_five, _bias(-20), "4")),
    _case("one of two branches closed", DEAD, r"right\.0", vectors,
          _with(_he(models.TwoBranches), _bias(-20), "right.0")),
    _case("tanh of std 5", {SATURATED, LARGE}, _CHAIN, vectors,
          _drawn(_deep(3, nn.Tanh), schemes.normal(5.0))),
    _case("BatchNorm of gain 0", {DEAD, SMALL}, r"1|4|7|10", images,
          _each(lambda: models.normed_convs(4), nn.BatchNorm2d, _times(0))),
    _case("LayerNorm of gain 0", {DEAD, SMALL}, r"[147]", vectors,
          _each(_normed_mlp, nn.LayerNorm, _times(0))),
)  # fmt: skip
_SAME = (
    _case("sixteen units four times", SYMMETRY, "4", vectors, _with(_five, _repeated, "4")),
    _case("MLP of zeros", SYMMETRY, _CHAIN, vectors, _drawn(_deep(3), nn.init.zeros_)),
    _case("MLP of one number", SYMMETRY, _CHAIN, vectors, _drawn(_deep(3), _one_number(0.02))),
    _case("CNN of one number", SYMMETRY, _CONVS, images, _drawn(_convs, _one_number(0.05))),
    # What a layer norm gives sums to zero, so one number for all weights makes next to nothing.
    _case("transformer of one number", {SYMMETRY, SMALL}, r"blocks\..*", images,
          _with(models.ViT, lambda b: schemes.drawn(b, _one_number(0.02)), "blocks")),
    _case("one layer of one number", SYMMETRY, "4", vectors, _with(_five, _same(0.05), "4")),
    _case("one convolution of zeros", {SYMMETRY, DEAD, SMALL}, "4", images,
          _with(_he(_convs), schemes.zeros, "4")),
    _case("branches of zeros, and no skip", {SYMMETRY, SMALL}, r"0\.2", vectors, _no_skip),
)  # fmt: skip

FAULTY: tuple[Case, ...] = (*_DEPTH, *_SIZE, *_TOKENS, *_UNITS, *_SAME)
