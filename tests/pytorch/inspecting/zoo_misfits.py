"""More networks as people report them: what is read out of them, kept from them, or misunderstood.

Parameters that no gradient reaches or no optimizer sees, outputs that are constant, no numbers, or
that the loss doesn't take as they are; each beside the one that learns.
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from inspected import mlp, sequence
from pieces import conv
from torch import Tensor, nn
from torch.nn import functional
from zoo_reported import CUT, LARGE, Asked, Between, Pair, classes_of, numbers_of

SAME, LOST, STRANGE = "fails to break symmetry", "not registered", "no finite numbers"
LOGARITHMS, REACH = "not log-probabilities", "targets out of reach"


# --- Parameters that are read as numbers, or that the module doesn't know ---


class Weighed(nn.Module):
    """Two heads, weighed by a parameter, which is read in some way."""

    def __init__(self, read: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(mlp(16, 32, 3) for _ in range(2))
        self.scales, self.read = nn.Parameter(torch.tensor([0.5, 2.0])), read

    def forward(self, x: Tensor) -> Any:
        first, second = self.read(self.scales)
        return first * self.heads[0](x) + second * self.heads[1](x)


def _each_item(scales: Tensor) -> list[float]:
    return [one.item() for one in scales]


def _read(read: Callable[[Tensor], Any], mended: bool) -> Asked:
    return classes_of(Weighed(Tensor.unbind if mended else read))


class Kept(nn.Module):
    """A layer that is kept as some function keeps it, between two others."""

    def __init__(self, keep: Callable[[nn.Module], Any]) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(16, 32), nn.Linear(32, 3)
        self.hidden = keep(nn.Linear(32, 32))

    def forward(self, x: Tensor) -> Any:
        hidden = next(iter(self.hidden.values() if isinstance(self.hidden, dict) else self.hidden))
        return self.last(functional.relu(hidden(functional.relu(self.first(x)))))


def _in_a_list(layer: nn.Module) -> list[nn.Module]:
    return [layer]


def _in_a_dict(layer: nn.Module) -> dict[str, nn.Module]:
    return {"hidden": layer}


def _kept(keep: Callable[[nn.Module], Any], mended: bool) -> Asked:
    return classes_of(Kept((lambda one: nn.ModuleList([one])) if mended else keep))


def _anew(x: Tensor) -> Any:
    layer = nn.Linear(32, 32)
    return layer(x)


def _made_anew(mended: bool) -> Asked:
    return classes_of(Between(mlp(16, 32), nn.Linear(32, 32) if mended else _anew, mlp(32, 3)))


class Product(nn.Module):
    def __init__(self, make: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.matrix = nn.Linear(16, 32), make(torch.randn(32, 3))

    def forward(self, x: Tensor) -> Any:
        return functional.relu(self.first(x)) @ self.matrix


def _no_parameter(make: Callable[[Tensor], Tensor], mended: bool) -> Asked:
    return classes_of(Product((lambda drawn: nn.Parameter(0.2 * drawn)) if mended else make))


def _frozen(mended: bool) -> Asked:
    model = mlp(16, 32, 3).requires_grad_(False)
    model[2].requires_grad_(mended)
    return classes_of(model)


# --- Outputs that are constant, or as good as ---


def _clamped(mended: bool) -> Asked:
    model = mlp(8, 64, 64, 1)
    nn.init.constant_(model[4].bias, 0.5 if mended else 6.0)
    clamped = Between(model, partial(torch.clamp, min=0, max=1), nn.Identity())
    return numbers_of(clamped)._replace(targets=torch.rand(128, 1))


def _one_class(mended: bool) -> Asked:
    model = sequence(*mlp(8, 32, 1), nn.Sigmoid() if mended else nn.Softmax(1))
    targets = (torch.rand(128, 1) < 0.5).float()
    return numbers_of(model)._replace(targets=targets, loss=functional.binary_cross_entropy)


def _dropped(mended: bool) -> Asked:
    dropout = nn.Dropout(0.1 if mended else 1.0)
    return classes_of(sequence(nn.Linear(16, 64), nn.ReLU(), dropout, nn.Linear(64, 3)))


class Weighing(nn.Module):
    """Places weighed by a softmax, over the places or over the one number that each has."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.weigh, self.head, self.axis = nn.Linear(16, 1), nn.Linear(16, 3), axis

    def forward(self, x: Tensor) -> Any:
        return self.head((torch.softmax(self.weigh(x), self.axis) * x).sum(1))


def _weighed(mended: bool) -> Asked:
    model, x, y = Weighing(1 if mended else 2), torch.randn(32, 6, 16), torch.randint(3, (32,))
    return Asked(model, x, y, functional.cross_entropy)


def _scaled_twice(mended: bool) -> Asked:
    model = sequence(conv(3, 16), nn.ReLU(), conv(16, 32), nn.ReLU(), nn.AdaptiveAvgPool2d(2))
    scale = 1.0 if mended else 255.0**-2
    x, y = torch.rand(16, 3, 16, 16), torch.randint(5, (16,))
    whole = Between(nn.Identity(), lambda x: scale * x, sequence(model, nn.Flatten(), mlp(128, 5)))
    return Asked(whole, x, y, functional.cross_entropy)


def _softmaxes(mended: bool) -> Asked:
    return classes_of(
        mlp(16, 64, 64, 64, 3, activation=nn.ReLU if mended else partial(nn.Softmax, 1))
    )


# --- No numbers ---


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.inner = nn.Embedding(50, 32), nn.Linear(32, 96)
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 3)

    def forward(self, words: Tensor) -> Any:
        query, key, seen = self.inner(self.words(words)).chunk(3, -1)
        logits = (query @ key.transpose(1, 2) / 32**0.5).masked_fill(
            (words == 0)[:, None], -torch.inf
        )
        return self.head(self.norm(torch.softmax(logits, -1) @ seen).mean(1))


def _all_masked(mended: bool) -> Asked:
    words, y = torch.randint(1, 50, (16, 10)), torch.randint(3, (16,))
    words[3] = 5 if mended else 0
    return Asked(Masked(), words, y, functional.cross_entropy)


class Apart(nn.Module):
    """How far apart a network puts two inputs."""

    def __init__(self, least: float) -> None:
        super().__init__()
        self.inner, self.least = mlp(16, 32, 8), least

    def forward(self, one: Tensor, other: Tensor) -> Any:
        return ((self.inner(one) - self.inner(other)).square().sum(1) + self.least).sqrt()


def _root_of_nothing(mended: bool) -> Asked:
    one, other = torch.randn(32, 16), torch.randn(32, 16)
    other[:4] = one[:4]
    return Asked(Apart(1e-6 if mended else 0.0), (one, other), torch.rand(32), functional.mse_loss)


# --- Outputs, targets and loss that don't fit ---


def _ends(end: nn.Module, loss: Callable[[Any, Any], Tensor], mended: bool) -> Asked:
    model = sequence(*mlp(16, 32, 4), nn.LogSoftmax(1) if mended else end)
    return classes_of(model, 16, 4)._replace(loss=loss)


def _out_of_reach(end: nn.Module, scale: float, mended: bool) -> Asked:
    asked = numbers_of(sequence(*mlp(8, 64, 1), *(() if mended else (end,))))
    return asked._replace(targets=scale * asked.targets)


def _all_pairs_of_little(mended: bool) -> Asked:
    model = mlp(8, 64, 1)
    model[2].weight.data.mul_(1e-4)
    asked = numbers_of(model)
    return asked._replace(targets=asked.targets if mended else asked.targets[:, 0])


def _too_sure(end: nn.Module, loss: Callable[[Any, Any], Tensor], mended: bool) -> Asked:
    classes = 1 if isinstance(end, nn.Sigmoid) else 3
    model = sequence(*mlp(64, 128, classes), end)
    nn.init.normal_(model[2].weight, 0, 0.05 if mended else 6.0)
    asked = classes_of(model, 64)
    either = (torch.arange(64) % 2).float()[:, None]
    return asked._replace(targets=either if classes == 1 else asked.targets, loss=loss)


# --- Units, and layers, that stay one ---


def _ones(mended: bool) -> Asked:
    model = mlp(10, 32, 32, 3)
    for layer in () if mended else (model[0], model[2]):
        nn.init.ones_(layer.weight)
        nn.init.zeros_(layer.bias)
    return classes_of(model, 10)


class Experts(nn.Module):
    def __init__(self, *, copied: bool) -> None:
        super().__init__()
        expert = mlp(16, 32, 3)
        self.experts = nn.ModuleList(
            copy.deepcopy(expert) if copied else mlp(16, 32, 3) for _ in range(4)
        )
        self.router = nn.Linear(16, 4)
        nn.init.zeros_(self.router.weight)
        nn.init.zeros_(self.router.bias)

    def forward(self, x: Tensor) -> Any:
        said = torch.stack([expert(x) for expert in self.experts], 1)
        return (torch.softmax(self.router(x), 1)[:, :, None] * said).sum(1)


def _experts(mended: bool) -> Asked:
    return classes_of(Experts(copied=not mended))


_BINARY, _NLL = functional.binary_cross_entropy, functional.nll_loss
MISFITS: tuple[Pair, ...] = (
    Pair("a parameter read by item", CUT, partial(_read, _each_item), where="scales"),
    Pair("a parameter read by tolist", CUT, partial(_read, Tensor.tolist), where="scales"),
    Pair("a parameter read by data", CUT, partial(_read, lambda one: one.data), where="scales"),
    Pair("a layer in a list", LOST, partial(_kept, _in_a_list), where="hidden"),
    Pair("a layer in a dict", LOST, partial(_kept, _in_a_dict), where="hidden"),
    Pair("a layer made in each pass", LOST, _made_anew),
    Pair("a tensor that asks for a gradient", LOST,
         partial(_no_parameter, lambda one: (0.2 * one).requires_grad_()), where="matrix"),
    Pair("a parameter times a number", LOST,
         partial(_no_parameter, lambda one: 0.2 * nn.Parameter(one))),
    Pair("all that there is frozen", CUT, _frozen),
    Pair("outputs clamped beyond their end", CUT, _clamped, where=r"first\.4"),
    Pair("a softmax over one class", CUT, _one_class, where="2"),
    Pair("all dropped", CUT, _dropped, where="0"),
    Pair("a softmax over one number of a place", CUT, _weighed, where="weigh"),
    Pair("divided by 255 twice", CUT, _scaled_twice, where=r"last\.0\.0"),
    Pair("softmaxes between layers", CUT, _softmaxes, where="[46]"),
    Pair("a mask that leaves nothing", STRANGE, _all_masked, where="norm"),
    Pair("the root of a distance of nothing", STRANGE, _root_of_nothing, where=r"inner\.[02]"),
    Pair("logits in a loss of logarithms", LOGARITHMS, partial(_ends, nn.Identity(), _NLL)),
    Pair("probabilities in a loss of logarithms", LOGARITHMS, partial(_ends, nn.Softmax(1), _NLL)),
    Pair("a softmax over examples", "softmax over examples",
         partial(_ends, nn.LogSoftmax(0), _NLL)),
    Pair("a ReLU before targets below zero", REACH, partial(_out_of_reach, nn.ReLU(), 1.0)),
    Pair("a tanh before targets of 8", REACH, partial(_out_of_reach, nn.Tanh(), 8.0)),
    Pair("a sigmoid before targets of 50", REACH, partial(_out_of_reach, nn.Sigmoid(), 50.0)),
    Pair("outputs (N, 1) that hardly differ", "shapes broadcast", _all_pairs_of_little),
    Pair("sigmoids that are too sure", LARGE, partial(_too_sure, nn.Sigmoid(), _BINARY), where="2"),
    Pair("a log-softmax that is too sure", LARGE,
         partial(_too_sure, nn.LogSoftmax(1), _NLL), where="2"),
    Pair("ones, which are also large", SAME, _ones, where="0"),
    Pair("experts that are copies", SAME, _experts, where=r"experts\.\d\.0"),
)  # fmt: skip
