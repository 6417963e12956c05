"""The pieces that the zoo's networks are made of."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Residual(nn.Module):
    """A branch added to its input, or to what ``skip`` makes of that."""

    def __init__(self, *branch: nn.Module, skip: nn.Module | None = None) -> None:
        super().__init__()
        self.branch = nn.Sequential(*branch)
        self.skip = skip or nn.Identity()

    def forward(self, x: Tensor) -> Any:
        return self.skip(x) + self.branch(x)


class Dense(nn.Module):
    """A branch concatenated with its input."""

    def __init__(self, *branch: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(*branch)

    def forward(self, x: Tensor) -> Any:
        return torch.cat([x, self.branch(x)], dim=1)


class Transposed(nn.Module):
    """A network that mixes tokens where others mix channels."""

    def __init__(self, *inner: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(*inner)

    def forward(self, x: Tensor) -> Any:
        return self.inner(x.transpose(1, 2)).transpose(1, 2)


class Mean(nn.Module):
    """The mean over all places of an image or all tokens of a sequence (``dim`` 1)."""

    def __init__(self, *dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(self.dim)


class Tokens(nn.Module):
    """The places of an image as a sequence."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(2).transpose(1, 2)


class Double(nn.Module):
    """The input in double precision."""

    def forward(self, x: Tensor) -> Tensor:
        return x.double()


class Sine(nn.Module):
    """The sine of thirty times the input (Sitzmann et al. 2020)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(30 * x)


class Scale(nn.Module):
    """Each channel of an image times a small number that is learned (Touvron et al. 2021)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.factors = nn.Parameter(torch.full((channels, 1, 1), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        return self.factors * x


class Gated(nn.Module):
    """A hidden layer times the gates that another opens (Shazeer 2020)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate, self.up = nn.Linear(width, hidden), nn.Linear(width, hidden)
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Any:
        return self.down(functional.silu(self.gate(x)) * self.up(x))


class Attention(nn.Module):
    """Self-attention of several heads."""

    def __init__(self, width: int, heads: int = 4, *, causal: bool = False) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Any:
        query, key, value = (
            layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        seen = functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return self.out(seen.transpose(1, 2).flatten(2))


class SqueezeExcite(nn.Module):
    """Channels weighed by what the whole image says (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.squeeze, self.excite = nn.Linear(channels, 8), nn.Linear(8, channels)

    def forward(self, x: Tensor) -> Tensor:
        gates: Tensor = torch.sigmoid(self.excite(functional.silu(self.squeeze(x.mean((2, 3))))))
        return x * gates[:, :, None, None]


def attention_block(width: int, *, causal: bool = False) -> nn.Sequential:
    """Return a transformer's block, normalised before each branch."""
    return nn.Sequential(
        Residual(nn.LayerNorm(width), Attention(width, causal=causal)),
        Residual(
            nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        ),
    )


def conv(fan_in: int, fan_out: int, kernel: int = 3, **settings: Any) -> nn.Conv2d:
    return nn.Conv2d(fan_in, fan_out, kernel, padding=kernel // 2, **settings)


def bare(fan_in: int, fan_out: int, kernel: int = 3, **settings: Any) -> nn.Conv2d:
    """Return a convolution without bias, as it stands before a normalisation."""
    return conv(fan_in, fan_out, kernel, bias=False, **settings)
