"""Networks of patches rebuilt small from their papers, drawn as their libraries draw them."""

import math
from collections.abc import Callable
from typing import Any

import torch
from pieces import Attention, Mean, Residual, Tokens, Transposed
from torch import Tensor, nn
from torch.nn import functional
from zoo_cases import Batch, Case

_WIDTH, _SIDE, _PATCH = 64, 32, 4
_PLACES = (_SIDE // _PATCH) ** 2


def _photos(n: int = 8) -> Batch:
    x = torch.randn(n, 3, _SIDE, _SIDE)
    return Batch(x, torch.randint(10, (n,)), functional.cross_entropy)


def _large_photos() -> Batch:
    return Batch(torch.randn(2, 3, 224, 224), torch.randint(10, (2,)), functional.cross_entropy)


def _truncated(model: Any) -> Any:
    """Return the model with its layers drawn from a truncated N(0, 0.02²), as most are."""
    for layer in model.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.trunc_normal_(layer.weight, std=0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return model


class Scaled(nn.Module):
    """The last axis, or that of an image's channels, times small numbers (Touvron et al. 2021)."""

    def __init__(self, channels: int, size: float, *, image: bool = False) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.full((channels, 1, 1) if image else (channels,), size))

    def forward(self, x: Tensor) -> Tensor:
        return self.factors * x


class Affine(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.ones(channels))
        self.shifts = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return self.factors * x + self.shifts


def _mlp(width: int, hidden: int) -> tuple[nn.Module, ...]:
    return nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)


def _patches(width: int = _WIDTH, patch: int = _PATCH) -> nn.Conv2d:
    return nn.Conv2d(3, width, patch, patch)


def _of_tokens(*blocks: nn.Module, norm: nn.Module | None = None) -> nn.Sequential:
    last = norm or nn.LayerNorm(_WIDTH), Mean(1), nn.Linear(_WIDTH, 10)
    return nn.Sequential(_patches(), Tokens(), *blocks, *last)


def _zero_head(model: Any) -> Any:
    nn.init.zeros_(model[-1].weight)
    return model


# --- Attention (Dosovitskiy et al. 2021; Touvron et al. 2021; Liu et al. 2021) ---


class ViT(nn.Module):
    def __init__(self, depth: int = 4, patch: int = _PATCH, side: int = _SIDE) -> None:
        super().__init__()
        self.patches = _patches(_WIDTH, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, _WIDTH))
        self.places = nn.Parameter(0.02 * torch.randn(1, (side // patch) ** 2 + 1, _WIDTH))
        self.blocks = nn.Sequential(*(_encoder_block(_WIDTH) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(_WIDTH, eps=1e-6), nn.Linear(_WIDTH, 10)
        nn.init.trunc_normal_(self.patches.weight, std=math.sqrt(1 / (3 * patch**2)))
        nn.init.zeros_(self.head.weight)

    def forward(self, x: Tensor) -> Any:
        seen = self.patches(x).flatten(2).transpose(1, 2)
        seen = torch.cat([self.token.expand(len(x), -1, -1), seen], 1) + self.places
        return self.head(self.norm(self.blocks(seen))[:, 0])


class SelfAttention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(width, 4, batch_first=True)

    def forward(self, x: Tensor) -> Any:
        return self.inner(x, x, x, need_weights=False)[0]


def _encoder_block(width: int) -> nn.Module:
    mlp = _mlp(width, 4 * width)
    for layer in mlp[::2]:
        nn.init.xavier_uniform_(layer.weight)  # type: ignore[arg-type]
        nn.init.normal_(layer.bias, std=1e-6)  # type: ignore[arg-type]
    first = Residual(nn.LayerNorm(width), SelfAttention(width))
    return nn.Sequential(first, Residual(nn.LayerNorm(width), *mlp))


class TalkingHeads(nn.Module):
    """Attention whose heads are mixed before the softmax and after it (Shazeer et al. 2020)."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.asked, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.before, self.after = nn.Linear(heads, heads), nn.Linear(heads, heads)

    def forward(self, x: Tensor) -> Any:
        parts = self.asked(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        logits = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1)
        shares = self.before(logits.permute(0, 2, 3, 1)).softmax(2)
        shares = self.after(shares).permute(0, 3, 1, 2)
        return self.out((shares @ value).transpose(1, 2).flatten(2))


class ClassAttention(nn.Module):
    """A class token that alone asks of all others."""

    def __init__(self, width: int, size: float) -> None:
        super().__init__()
        self.norm, self.seen = nn.LayerNorm(width), Attention(width)
        self.query, self.both = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.scale, self.out = Scaled(width, size), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Any:
        every = self.norm(x)
        query, (key, value) = self.query(every[:, :1]), self.both(every).chunk(2, -1)
        parts = [one.unflatten(2, (4, -1)).transpose(1, 2) for one in (query, key, value)]
        seen = functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        return torch.cat([x[:, :1] + self.scale(self.out(seen)), x[:, 1:]], 1)


class CaiT(nn.Module):
    def __init__(self, depth: int = 4, size: float = 1e-5) -> None:
        super().__init__()
        self.patches, self.token = _patches(), nn.Parameter(0.02 * torch.randn(1, 1, _WIDTH))
        self.places = nn.Parameter(0.02 * torch.randn(1, _PLACES, _WIDTH))
        branches = [
            Residual(nn.LayerNorm(_WIDTH), *inner, Scaled(_WIDTH, size))
            for _ in range(depth)
            for inner in ((TalkingHeads(_WIDTH),), _mlp(_WIDTH, 4 * _WIDTH))
        ]
        self.blocks = nn.Sequential(*branches)
        self.ends = nn.Sequential(*(ClassAttention(_WIDTH, size) for _ in range(2)))
        self.norm, self.head = nn.LayerNorm(_WIDTH), nn.Linear(_WIDTH, 10)

    def forward(self, x: Tensor) -> Any:
        seen = self.blocks(self.patches(x).flatten(2).transpose(1, 2) + self.places)
        seen = self.ends(torch.cat([self.token.expand(len(x), -1, -1), seen], 1))
        return self.head(self.norm(seen)[:, 0])


class Windows(nn.Module):
    """Attention within windows of an image (examples, height, width, channels), shifted or not."""

    def __init__(self, width: int, window: int = 4, heads: int = 4, shift: int = 0) -> None:
        super().__init__()
        self.window, self.heads, self.shift = window, heads, shift
        self.asked, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.nearness = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.nearness, std=0.02)
        line = torch.arange(window)
        spots = torch.cartesian_prod(line, line)
        steps = spots[:, None] - spots[None] + window - 1
        self.steps = steps[..., 0] * (2 * window - 1) + steps[..., 1]

    def forward(self, x: Tensor) -> Any:
        n, height, width, _ = x.shape
        x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        rows, columns = height // self.window, width // self.window
        parts = x.reshape(n, rows, self.window, columns, self.window, -1)
        parts = parts.transpose(2, 3).flatten(0, 2).flatten(1, 2)
        asked = self.asked(parts).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        query, key, value = asked.unbind(0)
        logits = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        logits = logits + self.nearness[self.steps].permute(2, 0, 1)
        seen = self.out((logits.softmax(-1) @ value).transpose(1, 2).flatten(2))
        seen = seen.reshape(n, rows, columns, self.window, self.window, -1)
        seen = seen.transpose(2, 3).flatten(3, 4).flatten(1, 2)
        return torch.roll(seen, (self.shift, self.shift), (1, 2))


class ChannelsLast(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(1, -1)


class Merged(nn.Module):
    """Four places become one of twice the channels."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.less = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Any:
        four = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
        return self.less(self.norm(torch.cat(four, -1)))


def _swin() -> Any:
    def block(width: int, shift: int) -> nn.Module:
        first = Residual(nn.LayerNorm(width), Windows(width, shift=shift))
        return nn.Sequential(first, Residual(nn.LayerNorm(width), *_mlp(width, 4 * width)))

    body = block(32, 0), block(32, 2), Merged(32), block(64, 0), block(64, 2)
    first = nn.Conv2d(3, 32, 4, 4), ChannelsLast(), nn.LayerNorm(32)
    return _truncated(nn.Sequential(*first, *body, nn.LayerNorm(64), Mean(1, 2), nn.Linear(64, 10)))


# --- Without it (Tolstikhin et al. 2021; Liu et al. 2021; Touvron et al. 2022) ---


def _mixer() -> Any:
    blocks = [
        Residual(nn.LayerNorm(_WIDTH), inner)
        for _ in range(4)
        for inner in (
            Transposed(*_mlp(_PLACES, _WIDTH // 2)),
            nn.Sequential(*_mlp(_WIDTH, 4 * _WIDTH)),
        )
    ]
    model = _of_tokens(*blocks)
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.normal_(layer.bias, std=1e-6)
    return _zero_head(model)


class SpatialGate(nn.Module):
    """Half of the channels times what the other half says across places, which begins as 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.across = nn.LayerNorm(channels // 2), nn.Linear(_PLACES, _PLACES)

    def forward(self, x: Tensor) -> Any:
        kept, gate = x.chunk(2, -1)
        return kept * self.across(self.norm(gate).transpose(1, 2)).transpose(1, 2)


def _gmlp() -> Any:
    wide = 4 * _WIDTH
    blocks = [
        Residual(
            nn.LayerNorm(_WIDTH), nn.Linear(_WIDTH, wide), nn.GELU(),
            SpatialGate(wide), nn.Linear(wide // 2, _WIDTH),
        )
        for _ in range(4)
    ]  # fmt: skip
    model = _truncated(_of_tokens(*blocks))
    for part in model.modules():
        if isinstance(part, SpatialGate):
            nn.init.normal_(part.across.weight, std=1e-6)
            nn.init.ones_(part.across.bias)
    return model


def _resmlp() -> Any:
    blocks = [
        Residual(Affine(_WIDTH), inner, Scaled(_WIDTH, 1e-4))
        for _ in range(4)
        for inner in (
            Transposed(nn.Linear(_PLACES, _PLACES)),
            nn.Sequential(*_mlp(_WIDTH, 4 * _WIDTH)),
        )
    ]
    return _truncated(_of_tokens(*blocks, norm=Affine(_WIDTH)))


# --- Convolutions drawn as attention is (Liu et al. 2022; Li et al. 2022; Trockman 2022) ---


class OverChannels(nn.LayerNorm):
    """A layer normalisation of images."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


def _convnext(size: float) -> Any:
    def block(width: int) -> nn.Module:
        deep = nn.Conv2d(width, width, 7, padding=3, groups=width), ChannelsLast()
        inner = *deep, nn.LayerNorm(width), *_mlp(width, 4 * width), Scaled(width, size)
        return Residual(*inner, nn.Unflatten(-1, (width,)), ChannelsFirst())

    stages = block(32), block(32), OverChannels(32), nn.Conv2d(32, 64, 2, 2), block(64), block(64)
    first = nn.Conv2d(3, 32, 4, 4), OverChannels(32)
    last = Mean(2, 3), nn.LayerNorm(64), nn.Linear(64, 10)
    return _truncated(nn.Sequential(*first, *stages, *last))


class ChannelsFirst(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.movedim(-1, 1)


class Pooled(nn.Module):
    """What places have beyond their neighbours."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False) - x


def _efficientformer() -> Any:
    def mlp(width: int) -> tuple[nn.Module, ...]:
        up, down = nn.Conv2d(width, 4 * width, 1), nn.Conv2d(4 * width, width, 1)
        return up, nn.BatchNorm2d(4 * width), nn.GELU(), down, nn.BatchNorm2d(width)

    def block(width: int) -> nn.Module:
        pooled = Residual(Pooled(), Scaled(width, 1e-5, image=True))
        return nn.Sequential(pooled, Residual(*mlp(width), Scaled(width, 1e-5, image=True)))

    stem = (
        nn.Conv2d(3, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 48, 3, 2, 1), nn.BatchNorm2d(48), nn.ReLU(),
    )  # fmt: skip
    between = nn.Conv2d(48, _WIDTH, 3, 1, 1), nn.BatchNorm2d(_WIDTH), Tokens()
    ends = [
        Residual(nn.LayerNorm(_WIDTH), *inner, Scaled(_WIDTH, 1e-5))
        for inner in ((Attention(_WIDTH),), _mlp(_WIDTH, 4 * _WIDTH))
    ]
    last = nn.LayerNorm(_WIDTH), Mean(1), nn.Linear(_WIDTH, 10)
    return _truncated(nn.Sequential(*stem, block(48), block(48), *between, *ends, *last))


def _convmixer() -> nn.Module:
    def after(layer: nn.Module) -> tuple[nn.Module, ...]:
        return layer, nn.GELU(), nn.BatchNorm2d(_WIDTH)

    blocks = [
        nn.Sequential(
            Residual(*after(nn.Conv2d(_WIDTH, _WIDTH, 5, padding=2, groups=_WIDTH))),
            *after(nn.Conv2d(_WIDTH, _WIDTH, 1)),
        )
        for _ in range(6)
    ]
    return nn.Sequential(*after(_patches()), *blocks, Mean(2, 3), nn.Linear(_WIDTH, 10))


_Build = Callable[[], nn.Module]

_BUILT: dict[str, _Build] = {
    "ViT": ViT,
    "CaiT": CaiT,
    "Swin": _swin,
    "MLP-Mixer": _mixer,
    "gMLP": _gmlp,
    "ResMLP": _resmlp,
    "ConvNeXt, scales of 1e-6": lambda: _convnext(1e-6),
    "ConvNeXt, scales of 1": lambda: _convnext(1.0),
    "EfficientFormer": _efficientformer,
    "ConvMixer": _convmixer,
}
TOKENS = tuple(Case(name, build, _photos) for name, build in _BUILT.items())

LARGE_TOKENS: tuple[Case, ...] = (
    Case("ViT of 24 blocks at 224 pixels", lambda: ViT(24, 16, 224), _large_photos),
    Case("CaiT of 24 blocks", lambda: CaiT(24, 1e-6), _photos),
)
