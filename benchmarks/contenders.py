"""goodinit's "auto" and "lsuv" beside He, PyTorch's default, AnyInit and lsuv from PyPI.

``python benchmarks/contenders.py --signals`` prints, of each network and contender, the last over
the first activation, the first over the last gradient, and the first cost: medians over the seeds.
``--train adam`` or ``--train sgd`` prints the mean cost over the last quarter of a short training,
at each contender's best of four learning rates. ``--only WORD ...`` and ``--seeds N`` ask for less;
a contender that can't draw a network has a dash.
"""

import argparse
from collections.abc import Callable
from contextlib import redirect_stdout
from copy import deepcopy
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from goodinit.torch import initialize

WIDTH = 128
RATES = {"adam": (3e-4, 1e-3, 3e-3, 1e-2), "sgd": (0.01, 0.03, 0.1, 0.3)}


class Sine(nn.Module):
    """An activation that is no module of PyTorch."""

    def forward(self, x: Any) -> Any:  # noqa: D102
        return torch.sin(x)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "selu": nn.SELU,
    "sigmoid": nn.Sigmoid,
    "sine": Sine,
}


def plain(depth: int, activation: str, width: int = WIDTH) -> nn.Module:
    """Return a network of plain layers for the digits."""
    sizes = [64, *[width] * depth]
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [nn.Linear(fan_in, fan_out), ACTIVATIONS[activation]()]
    return nn.Sequential(*layers, nn.Linear(width, 10))


class Residual(nn.Module):
    """Blocks without normalization."""

    def __init__(self, blocks: int = 12, width: int = WIDTH, gated: bool = False) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(64, width), nn.Linear(width, 10)
        self.up = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.down = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.gate = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks if gated else 0))

    def forward(self, x: Any) -> Any:  # noqa: D102
        x = self.stem(x)
        for number, (up, down) in enumerate(zip(self.up, self.down, strict=True)):
            branch = down(functional.gelu(up(x)))
            if self.gate:
                branch = branch * torch.sigmoid(self.gate[number](branch))
            x = x + branch
        return self.head(x)


def small_cnn() -> nn.Module:
    """Return five convolutions and a head, for the digits as images."""
    layers: list[nn.Module] = [nn.Unflatten(1, (1, 8, 8))]
    for fan_in, fan_out, stride in ((1, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 32, 1)):
        layers += [nn.Conv2d(fan_in, fan_out, 3, stride, 1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


class Transformer(nn.Module):
    """Rows of a digit as eight tokens."""

    def __init__(self, norms: bool) -> None:
        super().__init__()
        self.embed, self.head = nn.Linear(8, 64), nn.Linear(64, 10)
        self.place = nn.Parameter(0.02 * torch.randn(8, 64))
        self.qkv = nn.ModuleList(nn.Linear(64, 192) for _ in range(4))
        self.out = nn.ModuleList(nn.Linear(64, 64) for _ in range(4))
        self.up = nn.ModuleList(nn.Linear(64, 256) for _ in range(4))
        self.down = nn.ModuleList(nn.Linear(256, 64) for _ in range(4))
        kind = partial(nn.LayerNorm, 64) if norms else nn.Identity
        self.norm = nn.ModuleList(kind() for _ in range(9))

    def forward(self, x: Any) -> Any:  # noqa: D102
        x = self.embed(x.unflatten(1, (8, 8))) + self.place
        for i in range(4):
            q, k, v = (
                part.unflatten(-1, (4, 16)).transpose(1, 2)
                for part in self.qkv[i](self.norm[2 * i](x)).chunk(3, -1)
            )
            mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
            x = x + self.out[i](mixed)
            x = x + self.down[i](functional.gelu(self.up[i](self.norm[2 * i + 1](x))))
        return self.head(self.norm[8](x).mean(1))


class Recall(nn.Module):
    """An LSTM that must say what it saw a hundred steps ago."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(10, 64, batch_first=True), nn.Linear(64, 8)

    def forward(self, x: Any) -> Any:  # noqa: D102
        return self.head(self.lstm(x)[0][:, -1])


Data = tuple[Tensor, Tensor]


def digits() -> Data:
    """Return the 1,797 digits, shuffled, of mean 0 and variance 1."""
    x, y = load_digits(return_X_y=True)
    x = (x - x.mean()) / x.std()
    order = np.random.default_rng(0).permutation(len(x))
    return torch.tensor(x[order], dtype=torch.float32), torch.tensor(y[order])


def recalled(lag: int = 100, n: int = 512) -> Data:
    """Return sequences whose first symbol is asked for at their end."""
    generator = torch.Generator().manual_seed(0)
    symbols = torch.randint(8, (n, lag), generator=generator)
    symbols[:, 1:] = 8 + (symbols[:, 1:] > 3).long()
    return functional.one_hot(symbols, 10).float(), symbols[:, 0]


def words(n: int = 256, length: int = 32, vocabulary: int = 500) -> Data:
    """Return sentences in which each word follows from the one before it."""
    generator = torch.Generator().manual_seed(0)
    follows = torch.randperm(vocabulary, generator=generator)
    first = torch.randint(vocabulary, (n,), generator=generator)
    rows = [first]
    for _ in range(length):
        rows.append(follows[rows[-1]])
    text = torch.stack(rows, 1)
    return text[:, :-1], text[:, 1:]


class Language(nn.Module):
    """A published language model, asked for the logits of the next word alone."""

    def __init__(self, name: str) -> None:
        super().__init__()
        from transformers import GPT2Config, GPT2LMHeadModel, T5Config, T5ForConditionalGeneration

        self.name = name
        if name == "gpt2":
            config = GPT2Config(vocab_size=500, n_positions=64, n_embd=128, n_layer=6, n_head=4)
            self.inner: Any = GPT2LMHeadModel(config)
        else:
            small = T5Config(
                vocab_size=500, d_model=128, d_kv=32, d_ff=512, num_layers=4, num_heads=4
            )
            self.inner = T5ForConditionalGeneration(small)
        self.inner.config.use_cache = False

    def forward(self, x: Any) -> Any:  # noqa: D102
        more = {} if self.name == "gpt2" else {"decoder_input_ids": x}
        logits: Tensor = self.inner(input_ids=x, **more).logits
        return logits.flatten(0, 1)


CASES: dict[str, tuple[Callable[[], nn.Module], Callable[[], Data]]] = {
    **{
        f"{depth} × {name}": (partial(plain, depth, name), digits)
        for name in ACTIVATIONS
        for depth in (5, 20, 50)
    },
    "CNN": (small_cnn, digits),
    "residual, no norms, gelu": (Residual, digits),
    "the same with gates": (partial(Residual, gated=True), digits),
    "transformer": (partial(Transformer, True), digits),
    "transformer, no norms": (partial(Transformer, False), digits),
    "LSTM, lag of 100": (Recall, recalled),
    "GPT-2": (partial(Language, "gpt2"), words),
    "T5": (partial(Language, "t5"), words),
}


def _goodinit(scheme: str, with_data: bool, model: nn.Module, x: Tensor, seed: int) -> None:
    initialize(model, scheme, seed=seed, inputs=x if with_data else None)


def _anyinit(model: nn.Module, x: Tensor, seed: int) -> None:
    torch.manual_seed(seed)
    import_module("anyinit").initialize(model, "empirical", x)


def _lsuv(model: nn.Module, x: Tensor, seed: int) -> None:
    torch.manual_seed(seed)
    with redirect_stdout(StringIO()):
        import_module("lsuv").lsuv_with_singlebatch(model, x)


Contender = Callable[[nn.Module, Tensor, int], None]
CONTENDERS: dict[str, Contender] = {
    "as made": lambda model, x, seed: None,
    "He": partial(_goodinit, "he_normal", False),
    "auto": partial(_goodinit, "auto", False),
    "auto, data": partial(_goodinit, "auto", True),
    "lsuv": partial(_goodinit, "lsuv", True),
}
_OWN = frozenset(CONTENDERS)
if find_spec("anyinit"):
    CONTENDERS["AnyInit"] = _anyinit
if find_spec("lsuv"):
    CONTENDERS["PyPI's lsuv"] = _lsuv


def _multiplies(module: nn.Module) -> bool:
    """Return whether a module is a layer of weights, whoever brings it, and no embedding."""
    own = module.parameters(recurse=False)
    return not isinstance(module, nn.Embedding) and any(tensor.dim() > 1 for tensor in own)


def signals(model: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float, float]:
    """Return last over first activation, first over last gradient, and the first cost."""
    seen: list[Tensor] = []

    def see(module: nn.Module, given: Any, said: Any) -> None:
        first = said[0] if isinstance(said, tuple) else said
        first.retain_grad()
        seen.append(first)

    hooks = [module.register_forward_hook(see) for module in model.modules() if _multiplies(module)]
    cost = functional.cross_entropy(model(x), y.flatten())
    cost.backward()  # type: ignore[no-untyped-call]
    for hook in hooks:
        hook.remove()
    first, last = seen[0], seen[-2]
    size = (last.square().mean() / first.square().mean()).sqrt().item()
    pull = (first.grad.square().sum() / last.grad.square().sum()).sqrt().item()  # type: ignore[union-attr]
    return size, pull, cost.item()


def trained(model: nn.Module, data: Data, optimizer: str, rate: float, epochs: int) -> float:
    """Return the mean cost over the last quarter of the steps."""
    torch.manual_seed(0)
    make = torch.optim.Adam if optimizer == "adam" else partial(torch.optim.SGD, momentum=0.9)
    steps = make(model.parameters(), lr=rate)
    x, y = data
    costs = []
    for _ in range(epochs):
        for part in torch.split(torch.randperm(len(x)), 128 if len(x) > 1000 else 16):
            cost = functional.cross_entropy(model(x[part]), y[part].flatten())
            steps.zero_grad()
            cost.backward()  # type: ignore[no-untyped-call]
            steps.step()
            costs.append(min(cost.item(), 1e3) if np.isfinite(cost.item()) else 1e3)
    return float(np.mean(costs[-len(costs) // 4 :]))


def made(case: str, contender: str, seed: int) -> tuple[nn.Module, Data]:
    """Return a model as a contender draws it, and its data."""
    build, data = CASES[case]
    torch.manual_seed(seed)
    model, (x, y) = build(), data()
    CONTENDERS[contender](model, x[:256], seed)
    return model, (x, y)


def _all_made(case: str, contender: str, seeds: int) -> list[tuple[nn.Module, Data]]:
    """Return what ``made`` does for each seed; nothing where the contender fails."""
    try:
        return [made(case, contender, seed) for seed in range(seeds)]
    except Exception:  # another's code may raise anything
        if contender in _OWN:
            raise
        return []


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--signals", action="store_true")
    parser.add_argument("--train", choices=RATES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--among", nargs="*", default=list(CONTENDERS))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"| network | {' | '.join(asked.among)} |")
    print("|---" * (len(asked.among) + 1) + "|", flush=True)
    for case in CASES:
        if asked.only and not any(word in case for word in asked.only):
            continue
        cells = [case]
        for contender in asked.among:
            models = _all_made(case, contender, asked.seeds)
            if not models:
                cells.append("-")
            if models and asked.signals:
                seen = [signals(deepcopy(m), x[:512], y[:512]) for m, (x, y) in models]
                cells.append(" / ".join(f"{v:.2g}" for v in np.median(seen, axis=0)))
            if models and asked.train:
                ends = [
                    np.mean(
                        [trained(deepcopy(m), d, asked.train, r, asked.epochs) for m, d in models]
                    )
                    for r in RATES[asked.train]
                ]
                cells.append(f"{min(ends):.3f}")
        print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
