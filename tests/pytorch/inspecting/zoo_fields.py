"""Networks of fields that have their own ways: games, scenes, graphs, spikes; all healthy."""

from math import pi, sqrt
from typing import Any

import torch
from inspected import mlp, sequence
from torch import Tensor, nn
from torch.nn import functional
from zoo_cases import Batch, Case

# --- Games ---


class Returns(nn.Module):
    """Probabilities of 51 returns for each of two moves (Bellemare et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp(4, 120, 84, 2 * 51)

    def forward(self, x: Tensor) -> Any:
        return torch.softmax(self.inner(x).unflatten(1, (2, 51)), -1)


def _returns() -> Batch:
    moves, wanted = torch.randint(2, (64,)), torch.softmax(2 * torch.randn(64, 51), -1)

    def loss(shares: Tensor, wanted: Tensor) -> Tensor:
        chosen = shares[torch.arange(64), moves].clamp(1e-5, 1 - 1e-5)
        return -(wanted * chosen.log()).sum(1).mean()

    return Batch(0.3 * torch.randn(64, 4), wanted, loss)


class Player(nn.Module):
    """A policy of gain 0.01 and a value from one body (Schulman et al. 2017)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = sequence(*mlp(17, 64, 64, activation=nn.Tanh), nn.Tanh())
        self.moves, self.value = nn.Linear(64, 6), nn.Linear(64, 1)
        self.spread = nn.Parameter(torch.zeros(6))
        layers = (self.body[0], self.body[2], self.moves, self.value)
        for layer, gain in zip(layers, (sqrt(2), sqrt(2), 0.01, 1.0), strict=True):
            nn.init.orthogonal_(layer.weight, gain)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Any:
        seen = self.body(x)
        moves = self.moves(seen)
        return torch.distributions.Normal(moves, self.spread.exp()), self.value(seen)


def _played() -> Batch:
    made, better = torch.randn(64, 6), torch.randn(64)

    def loss(out: Any, wanted: Tensor) -> Any:
        moves, value = out
        return (
            -(moves.log_prob(made).sum(1) * better).mean() + (value[:, 0] - wanted).square().mean()
        )

    return Batch(torch.randn(64, 17), torch.randn(64), loss)


def _critic() -> Any:
    """Return a discriminator of sigmoids, which is shown real ones alone (Radford et al. 2016)."""
    body = [nn.Conv2d(3, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(32, 1, 8)]
    model = sequence(*body, nn.Sigmoid(), nn.Flatten(0))
    for layer in (model[0], model[2]):
        nn.init.normal_(layer.weight, 0, 0.02)
    return model


def _real() -> Batch:
    return Batch(2 * torch.rand(16, 3, 16, 16) - 1, torch.ones(16), functional.binary_cross_entropy)


# --- Scenes and equations ---


class Scene(nn.Module):
    """Colours and densities along rays (Mildenhall et al. 2020)."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.density = sequence(*mlp(39, 64, 64, 64), nn.ReLU()), nn.Linear(64, 1)
        self.colour = mlp(64, 32, 3)

    def forward(self, places: Tensor) -> Any:
        turned = [wave(2.0**i * places) for i in range(6) for wave in (torch.sin, torch.cos)]
        seen = self.body(torch.cat([places, *turned], -1))
        density = self.density(seen)[..., 0]
        opaque = 1 - torch.exp(-0.05 * functional.relu(density + torch.randn_like(density)))
        left = torch.cumprod(torch.cat([torch.ones_like(opaque[:, :1]), 1 - opaque], 1), 1)[:, :-1]
        return ((opaque * left)[..., None] * torch.sigmoid(self.colour(seen))).sum(1)


def _rays() -> Batch:
    return Batch(2 * torch.rand(32, 24, 3) - 1, torch.rand(32, 3), functional.mse_loss)


class Tables(nn.Module):
    """Features in tables of several sizes, which begin at 1e-4 (Müller et al. 2022)."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(1024, 2) for _ in range(6))
        self.inner = mlp(12, 64, 64, 3)
        for table in self.tables.parameters():
            nn.init.uniform_(table, -1e-4, 1e-4)

    def forward(self, x: Tensor) -> Any:
        cells = [(x * 8 * 1.5**i).long() for i in range(6)]
        places = [(cell[:, 0] ^ (cell[:, 1] * 2654435761)) % 1024 for cell in cells]
        found = [table(place) for table, place in zip(self.tables, places, strict=True)]
        return torch.sigmoid(self.inner(torch.cat(found, 1)))


def _picture() -> Batch:
    return Batch(torch.rand(256, 2), torch.rand(256, 3), functional.mse_loss)


class Equation(nn.Module):
    """Burgers' equation as a loss: the slopes of a network (Raissi et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = mlp(2, 20, 20, 20, 20, 1, activation=nn.Tanh)
        for layer in self.inner:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_normal_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, given: Tensor) -> dict[str, Tensor]:
        at = given.clone().requires_grad_()
        u = self.inner(at)
        (slope,) = torch.autograd.grad(u.sum(), at, create_graph=True)
        (bend,) = torch.autograd.grad(slope[:, 0].sum(), at, create_graph=True)
        rest = slope[:, 1:] + u * slope[:, :1] - 0.01 / pi * bend[:, :1]
        return {"loss": rest.square().mean() + (u + torch.sin(pi * at[:, :1])).square().mean()}


class Spectral(nn.Module):
    """Waves weighed by complex numbers, beside a convolution (Li et al. 2021)."""

    def __init__(self) -> None:
        super().__init__()
        self.waves = nn.Parameter(torch.rand(32, 32, 12, dtype=torch.cfloat) / 32**2)
        self.beside = nn.Conv1d(32, 32, 1)

    def forward(self, x: Tensor) -> Any:
        mixed = torch.einsum("bim,iom->bom", torch.fft.rfft(x)[..., :12], self.waves)
        mixed = functional.pad(mixed, (0, x.shape[-1] // 2 - 11))
        return functional.gelu(torch.fft.irfft(mixed, n=x.shape[-1]) + self.beside(x))


def _operator() -> Any:
    return sequence(nn.Conv1d(2, 32, 1), *(Spectral() for _ in range(4)), nn.Conv1d(32, 1, 1))


def _functions() -> Batch:
    return Batch(torch.randn(16, 2, 64), torch.randn(16, 1, 64), functional.mse_loss)


# --- Codes, margins, spikes ---


class Codes(nn.Module):
    """An autoencoder through the nearest of some codes, which it moves itself."""

    def __init__(self) -> None:
        super().__init__()
        self.inward, self.outward = mlp(20, 32, 8), mlp(8, 32, 20)
        self.codes = nn.Parameter(torch.empty(16, 8).uniform_(-1 / 16, 1 / 16))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        inner = self.inward(x)
        nearest = torch.cdist(inner, self.codes.data).argmin(1)
        chosen = self.codes.data[nearest]
        if self.training:
            with torch.no_grad():
                self.codes.data[nearest] = 0.99 * chosen + 0.01 * inner
        back = self.outward(inner + (chosen - inner).detach())
        held = functional.mse_loss(inner, chosen.detach())
        return {"loss": functional.mse_loss(back, x) + held, "back": back}


class Margins(nn.Module):
    """Cosines times 64, an angle added to that of the right class (Deng et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.body = sequence(nn.Linear(32, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64))
        self.classes = nn.Parameter(torch.empty(20, 64))
        nn.init.xavier_uniform_(self.classes)

    def forward(self, x: Tensor, classes: Tensor) -> Any:
        seen = functional.normalize(self.body(x))
        cosines = functional.linear(seen, functional.normalize(self.classes))
        turned = cosines * 0.878 - (1 - cosines.square()).clamp(0, 1).sqrt() * 0.479
        right = functional.one_hot(classes, 20)
        return 64 * (right * turned + (1 - right) * cosines)


def _faces() -> Batch:
    classes = torch.randint(20, (64,))
    return Batch((torch.randn(64, 32), classes), classes, functional.cross_entropy)


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, charge: Tensor) -> Tensor:
        ctx.save_for_backward(charge)
        return (charge > 0).float()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        (charge,) = ctx.saved_tensors
        return gradients[0] / (1 + 25 * charge.abs()) ** 2


class Spiking(nn.Module):
    """Twenty steps of leaky charges, which spike above one (Neftci et al. 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(100, 128), nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Any:
        charge, spikes = x.new_zeros(len(x), 128), x.new_zeros(len(x), 128)
        said = x.new_zeros(len(x), 10)
        for _ in range(20):
            charge = 0.95 * charge + self.first((torch.rand_like(x) < x).float()) - spikes
            spikes = _Spike.apply(charge - 1)  # type: ignore[no-untyped-call]
            said = said + self.last(spikes)
        return said / 20


def _spiking() -> Batch:
    return Batch(torch.rand(32, 100), torch.randint(10, (32,)), functional.cross_entropy)


class Attentive(nn.Module):
    """A graph whose nodes attend to their neighbours (Veličković et al. 2018)."""

    def __init__(self, fan_in: int, units: int) -> None:
        super().__init__()
        self.inner = nn.Linear(fan_in, units, bias=False)
        self.asks, self.answers = (nn.Parameter(torch.empty(units, 1)) for _ in range(2))
        for weight in (self.inner.weight, self.asks, self.answers):
            nn.init.xavier_uniform_(weight)

    def forward(self, x: Tensor, near: Tensor) -> Any:
        seen = self.inner(x)
        logits = functional.leaky_relu(seen @ self.asks + (seen @ self.answers).T, 0.2)
        return torch.softmax(logits.masked_fill(~near, -torch.inf), 1) @ seen


class Graph(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = Attentive(50, 32), Attentive(32, 7)

    def forward(self, x: Tensor, near: Tensor) -> Any:
        return functional.log_softmax(self.last(functional.elu(self.first(x, near)), near), 1)


def _graph() -> Batch:
    near = (torch.rand(120, 120) < 0.03) | torch.eye(120, dtype=torch.bool)
    words = (torch.rand(120, 50) < 0.1).float()
    return Batch((words, near), torch.randint(7, (120,)), functional.nll_loss)


def _itself(shape: tuple[int, ...]) -> Batch:
    return Batch(2 * torch.rand(shape) - 1, None, None)  # type: ignore[arg-type]


FIELDS = (
    Case("distribution of returns", Returns, _returns),
    Case("policy and value", Player, _played),
    Case("discriminator of real ones", _critic, _real),
    Case("radiance field", Scene, _rays),
    Case("tables of features", Tables, _picture),
    Case("equation as a loss", Equation, lambda: _itself((128, 2))),
    Case("neural operator", _operator, _functions),
    Case("codes that move by themselves", Codes, lambda: _itself((64, 20))),
    Case("margins in the module", Margins, _faces),
    Case("spikes", Spiking, _spiking),
    Case("graph attention", Graph, _graph),
)
