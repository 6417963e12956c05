"""Convolutional networks rebuilt small from their papers, drawn as their libraries draw them."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from pieces import Dense, Mean, Residual, bare, conv
from torch import Tensor, nn
from torch.nn import functional
from zoo_cases import Batch, Case, segmented

_SIDE = 32
_PRIOR = 0.01  # of an object at a place (Lin et al. 2017)


def _photos(n: int = 8) -> Batch:
    x = torch.randn(n, 3, _SIDE, _SIDE)
    return Batch(x, torch.randint(10, (n,)), functional.cross_entropy)


def _drawn(
    model: Any, conv: Callable[[Tensor], Any], linear: Callable[[Tensor], Any] | None
) -> Any:
    """Return the model with its weights drawn; where a layer is, its bias begins at zero."""
    for layer in model.modules():
        scheme = conv if isinstance(layer, nn.Conv2d) else linear
        if scheme is not None and isinstance(layer, nn.Conv2d | nn.Linear):
            scheme(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return model


def _by_fan_out(weight: Tensor) -> None:
    nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")


def _narrow(weight: Tensor) -> None:
    nn.init.normal_(weight, std=0.01)


def _as_if_wide(weight: Tensor) -> None:
    """N(0, 0.01²) of 4,096 inputs: a narrower layer multiplies its input by the same."""
    nn.init.normal_(weight, std=0.01 * math.sqrt(4096 / weight.shape[1]))


def _normed(
    fan_in: int, fan_out: int, kernel: int = 3, after: Any = nn.ReLU, **settings: Any
) -> nn.Sequential:
    last = () if after is None else (after(),)
    return nn.Sequential(bare(fan_in, fan_out, kernel, **settings), nn.BatchNorm2d(fan_out), *last)


def _classified(*body: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(*body, Mean(2, 3), nn.Linear(channels, 10))


# --- Residual networks (He et al. 2016; Xie et al. 2017; Radosavovic et al. 2020) ---


def _widths() -> list[tuple[int, int, int]]:
    return [(16, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]


def _skip(fan_in: int, fan_out: int, stride: int) -> nn.Module | None:
    plain = fan_in == fan_out and stride == 1
    return None if plain else _normed(fan_in, fan_out, 1, None, stride=stride)


def _basic(fan_in: int, fan_out: int, stride: int) -> nn.Module:
    branch = _normed(fan_in, fan_out, stride=stride), _normed(fan_out, fan_out, after=None)
    return nn.Sequential(Residual(*branch, skip=_skip(fan_in, fan_out, stride)), nn.ReLU())


def _bottleneck(fan_in: int, fan_out: int, stride: int, groups: int = 1) -> nn.Module:
    inner = fan_out // 2
    branch = (
        _normed(fan_in, inner, 1),
        _normed(inner, inner, stride=stride, groups=groups),
        _normed(inner, fan_out, 1, None),
    )
    return nn.Sequential(Residual(*branch, skip=_skip(fan_in, fan_out, stride)), nn.ReLU())


def _before(fan_in: int, fan_out: int, stride: int) -> nn.Module:
    """Return a block that normalises before it convolves."""
    first = nn.BatchNorm2d(fan_in), nn.ReLU(), bare(fan_in, fan_out, stride=stride)
    last = nn.BatchNorm2d(fan_out), nn.ReLU(), bare(fan_out, fan_out)
    plain = fan_in == fan_out and stride == 1
    return Residual(*first, *last, skip=None if plain else bare(fan_in, fan_out, 1, stride=stride))


def _resnet(block: Callable[[int, int, int], nn.Module], times: int = 1) -> Any:
    sizes = [(fan_in, fan_out, stride) for fan_in, fan_out, stride in _widths()]
    more = [(64, 64, 1)] * (times - 1)
    body = [block(*size) for size in (*sizes, *more)]
    return _drawn(_classified(_normed(3, 16), *body, channels=64), _by_fan_out, None)


def _zero_last() -> Any:
    model = _resnet(_bottleneck)
    for part in model.modules():
        if isinstance(part, Residual):
            last: Any = part.branch[-1]
            nn.init.zeros_(last[1].weight)
    return model


def _regnet() -> Any:
    blocks = [
        Residual(
            _normed(fan_in, fan_out, 1),
            _normed(fan_out, fan_out, stride=stride, groups=fan_out // 8),
            Squeezed(fan_out, fan_in // 4, nn.ReLU, nn.Sigmoid),
            _normed(fan_out, fan_out, 1, None),
            skip=_skip(fan_in, fan_out, stride),
        )
        for fan_in, fan_out, stride in _widths()
    ]
    body = [part for block in blocks for part in (block, nn.ReLU())]
    return _drawn(_classified(_normed(3, 16), *body, channels=64), _by_fan_out, _narrow)


# --- Plain ones (Krizhevsky et al. 2012; Simonyan and Zisserman 2015; Iandola et al. 2016) ---


def _alexnet() -> nn.Module:
    convolutions = (
        nn.Conv2d(3, 32, 5, 2, 2), nn.ReLU(), nn.MaxPool2d(2),
        conv(32, 48, 5), nn.ReLU(), nn.MaxPool2d(2),
        conv(48, 64), nn.ReLU(), conv(64, 48), nn.ReLU(), conv(48, 48), nn.ReLU(),
    )  # fmt: skip
    head = (
        nn.Dropout(), nn.Linear(48 * 16, 128), nn.ReLU(),
        nn.Dropout(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10),
    )  # fmt: skip
    return nn.Sequential(*convolutions, nn.Flatten(), *head)


def _vgg(*, normed: bool, widths: tuple[int, ...] = (16, 32, 64, 64), inner: int = 128) -> Any:
    body: list[nn.Module] = []
    fan_in = 3
    for width in widths:
        for fan in (fan_in, width):
            body += [conv(fan, width), *([nn.BatchNorm2d(width)] if normed else []), nn.ReLU()]
        body.append(nn.MaxPool2d(2))
        fan_in = width
    flat = widths[-1] * (_SIDE // 2 ** len(widths)) ** 2
    head = (
        nn.Linear(flat, inner), nn.ReLU(), nn.Dropout(),
        nn.Linear(inner, inner), nn.ReLU(), nn.Dropout(), nn.Linear(inner, 10),
    )  # fmt: skip
    return _drawn(nn.Sequential(*body, nn.Flatten(), *head), _by_fan_out, _as_if_wide)


class Fire(nn.Module):
    def __init__(self, fan_in: int, squeezed: int, fan_out: int) -> None:
        super().__init__()
        self.squeeze = conv(fan_in, squeezed, 1)
        self.one, self.three = conv(squeezed, fan_out // 2, 1), conv(squeezed, fan_out // 2)

    def forward(self, x: Tensor) -> Any:
        x = torch.relu(self.squeeze(x))
        return torch.relu(torch.cat([self.one(x), self.three(x)], 1))


def _squeezenet() -> Any:
    fires = Fire(48, 8, 64), Fire(64, 8, 64), nn.MaxPool2d(2), Fire(64, 16, 96), Fire(96, 16, 96)
    last = conv(96, 10, 1)
    model = nn.Sequential(conv(3, 48), nn.ReLU(), nn.MaxPool2d(2), *fires, nn.Dropout(), last)
    _drawn(model, nn.init.kaiming_uniform_, None)
    _narrow(last.weight)
    return nn.Sequential(model, nn.ReLU(), Mean(2, 3))


# --- Those of several ways (Szegedy et al. 2015; Huang et al. 2017; Ma et al. 2018) ---


class Inception(nn.Module):
    def __init__(self, fan_in: int, fan_out: int) -> None:
        super().__init__()
        part = fan_out // 4
        self.ways = nn.ModuleList(
            [
                _normed(fan_in, part, 1),
                nn.Sequential(_normed(fan_in, part, 1), _normed(part, part)),
                nn.Sequential(_normed(fan_in, part, 1), _normed(part, part, 5)),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), _normed(fan_in, part, 1)),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([way(x) for way in self.ways], 1)


def _inception(std: float) -> Any:
    body = Inception(16, 32), Inception(32, 48), nn.MaxPool2d(2), Inception(48, 64)
    model = _classified(_normed(3, 16), nn.MaxPool2d(2), *body, Inception(64, 64), channels=64)

    def scheme(weight: Tensor) -> None:
        nn.init.trunc_normal_(weight, std=std, a=-2, b=2)

    return _drawn(model, scheme, scheme)


def _densenet() -> Any:
    body: list[nn.Module] = [_normed(3, 16)]
    channels = 16
    for stage in range(2):
        for _ in range(4):
            ends = nn.BatchNorm2d(32), nn.ReLU(), bare(32, 8)
            first = nn.BatchNorm2d(channels), nn.ReLU(), bare(channels, 32, 1)
            body.append(Dense(*first, *ends))
            channels += 8
        last = nn.BatchNorm2d(channels), nn.ReLU()
        halved = (bare(channels, channels // 2, 1), nn.AvgPool2d(2)) if stage == 0 else ()
        body += [*last, *halved]
        channels = channels // 2 if stage == 0 else channels
    model = _classified(*body, channels=channels)
    return _drawn(model, nn.init.kaiming_normal_, None)


class Shuffled(nn.Module):
    """Half of the channels go by, and are mixed with the others in turn."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        deep = _normed(half, half, after=None, groups=half)
        self.branch = nn.Sequential(_normed(half, half, 1), deep, _normed(half, half, 1))

    def forward(self, x: Tensor) -> Tensor:
        one, other = x.chunk(2, 1)
        both = torch.stack([one, self.branch(other)], 2)
        return both.flatten(1, 2)


# --- Those of separate channels (Sandler et al. 2018; Howard et al. 2019; Tan and Le 2019) ---


class Squeezed(nn.Module):
    """Channels times what convolutions of the mean open (Hu et al. 2018)."""

    def __init__(self, channels: int, inner: int, between: Any, gate: Any) -> None:
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, inner, 1), nn.Conv2d(inner, channels, 1)
        self.between, self.gate = between(), gate()

    def forward(self, x: Tensor) -> Any:
        mean = functional.adaptive_avg_pool2d(x, 1)
        return x * self.gate(self.up(self.between(self.down(mean))))


class Inverted(nn.Module):
    """Widen, convolve each channel alone, narrow; and add where nothing changes shape."""

    def __init__(
        self, fan_in: int, fan_out: int, stride: int, after: Any, gate: Any = None
    ) -> None:
        super().__init__()
        wide = 4 * fan_in
        squeezed = [] if gate is None else [Squeezed(wide, max(4, fan_in // 4), *gate)]
        self.branch = nn.Sequential(
            _normed(fan_in, wide, 1, after),
            _normed(wide, wide, 3, after, stride=stride, groups=wide),
            *squeezed,
            _normed(wide, fan_out, 1, None),
        )
        self.adds = fan_in == fan_out and stride == 1

    def forward(self, x: Tensor) -> Any:
        return x + self.branch(x) if self.adds else self.branch(x)


def _mobile(after: Any, gate: Any, head: nn.Module, linear: Callable[[Tensor], Any]) -> Any:
    blocks = [Inverted(*size, after, gate) for size in _widths()]
    model = nn.Sequential(
        _normed(3, 16, 3, after), *blocks, _normed(64, 128, 1, after), Mean(2, 3), head
    )
    return _drawn(model, _by_fan_out, linear)


def _by_outputs(weight: Tensor) -> None:
    bound = 1 / math.sqrt(len(weight))
    nn.init.uniform_(weight, -bound, bound)


# --- Those of a place each (Ronneberger et al. 2015; Long et al. 2015; Lin et al. 2017) ---


class UNet(nn.Module):
    def __init__(self, *widths: int) -> None:
        super().__init__()
        sizes = list(zip((3, *widths), widths, strict=False))
        self.down = nn.ModuleList([self._pair(*size) for size in sizes])
        back = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList([nn.ConvTranspose2d(wide, less, 2, 2) for wide, less in back])
        self.merge = nn.ModuleList([self._pair(2 * less, less) for _, less in back])
        self.head = nn.Conv2d(widths[0], 10, 1)

    @staticmethod
    def _pair(fan_in: int, fan_out: int) -> nn.Module:
        return nn.Sequential(conv(fan_in, fan_out), nn.ReLU(), conv(fan_out, fan_out), nn.ReLU())

    def forward(self, x: Tensor) -> Any:
        seen: list[Tensor] = []
        for place, down in enumerate(self.down):
            x = down(x if place == 0 else functional.max_pool2d(x, 2))
            seen.append(x)
        for up, merge, beside in zip(self.up, self.merge, seen[-2::-1], strict=True):
            x = merge(torch.cat([up(x), beside], 1))
        return self.head(x)


def _unet() -> Any:
    model = UNet(16, 32, 64)
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return model


def _fcn() -> Any:
    backbone = _drawn(nn.Sequential(_normed(3, 16), _basic(16, 32, 2)), _by_fan_out, None)
    head = _normed(32, 8), nn.Dropout(0.1), nn.Conv2d(8, 10, 1)
    return nn.Sequential(backbone, *head, nn.Upsample(scale_factor=2, mode="bilinear"))


class RetinaNet(nn.Module):
    """Two heads on a pyramid of two sizes; every class begins as rare as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.low, self.high = _normed(3, 32, stride=2), _normed(32, 32, stride=2)
        self.side = nn.ModuleList([nn.Conv2d(32, 32, 1) for _ in range(2)])
        self.classes, self.boxes = self._head(8), self._head(4)
        nn.init.constant_(self.classes[-1].bias, -math.log((1 - _PRIOR) / _PRIOR))

    @staticmethod
    def _head(numbers: int) -> Any:
        body = [part for _ in range(4) for part in (conv(32, 32), nn.ReLU())]
        return _drawn(nn.Sequential(*body, conv(32, numbers)), _narrow, None)

    def forward(self, x: Tensor) -> Any:
        low = self.low(x)
        above = self.side[1](self.high(low))
        beside = self.side[0](low) + functional.interpolate(above, scale_factor=2.0)
        places = [(self.classes(one), self.boxes(one)) for one in (beside, above)]
        return [
            torch.cat([one.flatten(2) for one in parts], 2) for parts in zip(*places, strict=True)
        ]


def _found(said: list[Tensor], wanted: tuple[Tensor, Tensor]) -> Tensor:
    """Return the focal loss and that of the boxes, by how many objects there are."""
    classes, boxes = wanted
    cost = functional.binary_cross_entropy_with_logits(said[0], classes, reduction="none")
    focal = (1 - torch.exp(-cost)) ** 2 * cost * torch.where(classes > 0, 0.25, 0.75)
    return focal.sum() / classes.sum() + functional.smooth_l1_loss(said[1], boxes)


def _objects(n: int = 4) -> Batch:
    places = (_SIDE // 2) ** 2 + (_SIDE // 4) ** 2
    classes = (torch.rand(n, 8, places) < _PRIOR).float()
    return Batch(_photos(n).inputs, (classes, torch.randn(n, 4, places) / 4), _found)


_HARD = (nn.ReLU, nn.Hardsigmoid)
_HEAD_V3 = (nn.Linear(128, 96), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(96, 10))

CONVOLUTIONAL: tuple[Case, ...] = (
    Case("ResNet of basic blocks", lambda: _resnet(_basic), _photos),
    Case("ResNet of bottlenecks", lambda: _resnet(_bottleneck), _photos),
    Case("ResNet, last scales 0", _zero_last, _photos),
    Case("ResNet, normalised before", lambda: _resnet(_before), _photos),
    Case("ResNeXt", lambda: _resnet(partial(_bottleneck, groups=4)), _photos),
    Case("RegNet", _regnet, _photos),
    Case("AlexNet", _alexnet, _photos),
    Case("VGG", lambda: _vgg(normed=False), _photos),
    Case("VGG, normalised", lambda: _vgg(normed=True), _photos),
    Case("SqueezeNet", _squeezenet, _photos),
    Case("GoogLeNet", lambda: _inception(0.01), _photos),
    Case("Inception, std 0.1", lambda: _inception(0.1), _photos),
    Case("DenseNet of bottlenecks", _densenet, _photos),
    Case(
        "ShuffleNet",
        lambda: _classified(
            _normed(3, 32), *(Shuffled(32) for _ in range(6)), _normed(32, 64, 1), channels=64
        ),
        _photos,
    ),
    Case("MobileNetV2", lambda: _mobile(nn.ReLU6, None, nn.Linear(128, 10), _narrow), _photos),
    Case(
        "MobileNetV3",
        lambda: _mobile(nn.Hardswish, _HARD, nn.Sequential(*_HEAD_V3), _narrow),
        _photos,
    ),
    Case(
        "EfficientNet",
        lambda: _mobile(nn.SiLU, (nn.SiLU, nn.Sigmoid), nn.Linear(128, 10), _by_outputs),
        _photos,
    ),
    Case("U-Net, convolved up", _unet, segmented),
    Case("FCN", _fcn, segmented),
    Case("RetinaNet", RetinaNet, _objects),
)

LARGE_CONVOLUTIONAL: tuple[Case, ...] = (
    Case("ResNet of 100 blocks", lambda: _resnet(_bottleneck, 95), _photos),
    Case(
        "VGG of its width",
        lambda: _vgg(normed=False, widths=(64, 128, 256, 512, 512), inner=4096),
        _photos,
    ),
)
