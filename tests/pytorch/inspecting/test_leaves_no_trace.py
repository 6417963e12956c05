"""Inspection changes nothing: not the module, not what is random, also where something raises."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="torch is not installed")

import torch
from pieces import Dense, Residual, conv
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations
from zoo_cases import Case
from zoo_faulty import FAULTY
from zoo_healthy import HEALTHY

from goodinit.torch import inspect

# What a module keeps its hooks in.
HOOKS = (
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_backward_hooks",
    "_backward_pre_hooks",
    "_state_dict_hooks",
    "_load_state_dict_pre_hooks",
)


class BrokenError(Exception):
    """What a broken module raises."""


# --- Modules that leave traces themselves: each takes and gives (examples, 4, 6, 6) ---


class Noise(nn.Module):
    """Adds what three generators draw."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x) + random.random() + np.random.normal()  # noqa: NPY002, S311


class Memory(nn.Module):
    """Counts its calls in place, and puts a new buffer in the place of the old."""

    calls: Tensor
    last: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("last", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = x.detach().mean()
        return x


class Twice(nn.Module):
    """The same module, used twice."""

    def __init__(self, *inner: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(*inner)

    def forward(self, x: Tensor) -> Any:
        return self.inner(self.inner(x))


class Tied(nn.Module):
    """Two layers of one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = conv(4, 4), conv(4, 4)
        self.other.weight = self.one.weight

    def forward(self, x: Tensor) -> Any:
        return self.other(self.one(x))


class BrokenForward(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise BrokenError


class _RaisesBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        raise BrokenError


class BrokenBackward(nn.Module):
    def forward(self, x: Tensor) -> Any:
        return _RaisesBackward.apply(x)  # type: ignore[no-untyped-call]


LEAVES: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Linear(6, 6),
    "convolution": lambda: conv(4, 4),
    "depthwise": lambda: conv(4, 4, groups=4),
    "ReLU in place": lambda: nn.Sequential(conv(4, 4), nn.ReLU(inplace=True)),
    "spectral norm": lambda: parametrizations.spectral_norm(conv(4, 4)),
    "tied": Tied,
    "batch norm": lambda: nn.BatchNorm2d(4),
    "running mean": lambda: nn.InstanceNorm2d(4, track_running_stats=True),
    "layer norm": lambda: nn.LayerNorm(6),
    "dropout": lambda: nn.Dropout(0.3),
    "tanh": nn.Tanh,
    "noise": Noise,
    "memory": Memory,
}
BROKEN: dict[str, Callable[[], nn.Module]] = {
    "broken forward": BrokenForward,
    "broken backward": BrokenBackward,
}
BRANCHES: dict[str, Callable[..., nn.Module]] = {
    "chain": nn.Sequential,
    "residual": Residual,
    "concatenated": lambda *inner: nn.Sequential(Dense(*inner), conv(8, 4, 1)),
    "twice": Twice,
}
_graphs = st.recursive(
    st.sampled_from(sorted(LEAVES)),
    lambda inner: st.tuples(
        st.sampled_from(sorted(BRANCHES)), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)
_chosen = st.sets(st.integers(0, 11), max_size=6)
_plans = st.fixed_dictionaries(
    {
        "graphs": st.lists(_graphs, min_size=1, max_size=3),
        "evaluated": _chosen,
        "hooked": _chosen,
        "frozen": _chosen,
        "graded": _chosen,
        "training": st.booleans(),
    }
)


def _grown(graph: Any) -> nn.Module:
    if isinstance(graph, str):
        return (LEAVES | BROKEN)[graph]()
    kind, inner = graph
    return BRANCHES[kind](*map(_grown, inner))


def _louder(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
    return 1.5 * output


def _asked(module: nn.Module, inputs: Any) -> None:
    """See the inputs, and leave them alone."""


def _doubled(gradient: Tensor) -> Tensor:
    return 2 * gradient


def grown(plan: dict[str, Any]) -> nn.Sequential:
    """Return the module of a plan, the same each time."""
    torch.manual_seed(0)
    head = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))
    model = nn.Sequential(conv(2, 4), *map(_grown, plan["graphs"]), *head)
    model.train(plan["training"])
    modules, parameters = list(model.modules()), list(model.parameters())
    for at in plan["evaluated"]:
        modules[at % len(modules)].training ^= True
    for at in plan["hooked"]:
        modules[at % len(modules)].register_forward_hook(_louder)
        modules[-1 - at % len(modules)].register_forward_pre_hook(_asked)
    for at in plan["graded"]:
        parameter = parameters[at % len(parameters)]
        parameter.grad = torch.randn_like(parameter)
        if parameter.requires_grad:
            parameter.register_hook(_doubled)
    for at in plan["frozen"]:
        parameters[at % len(parameters)].requires_grad_(False)
    return model


# --- What must be as it was ---


def _bits(tensor: Tensor | None) -> tuple[int, bytes] | None:
    """Return which tensor it is and what it holds, whatever its type."""
    if tensor is None:
        return None
    return id(tensor), tensor.detach().flatten().view(torch.uint8).numpy().tobytes()


def _tensors(model: nn.Module) -> dict[str, Any]:
    return {
        name: (
            _bits(tensor),
            _bits(tensor.grad),
            tensor.requires_grad,
            tensor.data_ptr(),
            dict(tensor._backward_hooks or {}),
            dict(getattr(tensor, "_post_accumulate_grad_hooks", None) or {}),
        )
        for name, tensor in (*model.named_parameters(), *model.named_buffers())
    }


def _modules(model: nn.Module) -> dict[str, Any]:
    return {
        name: (
            id(module),
            type(module),
            module.training,
            set(vars(module)),
            *(list(vars(module)[hooks].items()) for hooks in HOOKS),
        )
        for name, module in model.named_modules()
    }


def _world() -> dict[str, Any]:
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    everywhere = vars(torch.nn.modules.module).items()
    return {
        "torch": bytes(torch.get_rng_state().numpy().tobytes()),
        "numpy": (kind, bytes(memoryview(keys)), *rest),  # type: ignore[arg-type]
        "python": random.getstate(),
        "gradients": torch.is_grad_enabled(),
        "type": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "hooks": {
            name: dict(hooks)
            for name, hooks in everywhere
            if name.startswith("_global") and isinstance(hooks, dict)
        },
    }


def traces(model: nn.Module) -> dict[str, Any]:
    return {"tensors": _tensors(model), "modules": _modules(model), "world": _world()}


def trained(model: nn.Module, x: Tensor, y: Tensor) -> list[bytes | None]:
    """Return the bits of what a step of training makes of a module."""
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    said = model(x)
    cost = functional.cross_entropy(said, y)
    if cost.requires_grad:
        cost.backward()  # type: ignore[no-untyped-call]
    left = (*model.parameters(), *model.buffers())
    tensors = (said, *left, *(tensor.grad for tensor in left))
    return [tensor if tensor is None else _bits(tensor)[1] for tensor in tensors]  # type: ignore[index]


def _data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(5, 2, 6, 6, generator=generator), torch.tensor([0, 1, 2, 0, 1])


def _broken_loss(said: Tensor, y: Tensor) -> Tensor:
    raise BrokenError


@given(_plans, st.booleans())
def test_a_module_is_as_it_was_and_trains_to_the_same_bits(
    plan: dict[str, Any], targeted: bool
) -> None:
    model, twin = grown(plan), grown(plan)
    x, y = _data()
    before, seen = traces(model), _bits(x)
    inspect(model, x, *((y, functional.cross_entropy) if targeted else ()))
    assert traces(model) == before
    assert (_bits(x), x.grad, x.requires_grad) == (seen, None, False)
    assert trained(model, x, y) == trained(twin, x, y)


@given(_plans, st.sampled_from([*BROKEN, "broken loss"]), st.integers(0, 3))
def test_a_module_is_as_it_was_when_something_raises(
    plan: dict[str, Any], broken: str, place: int
) -> None:
    if broken in BROKEN:
        at = place % (len(plan["graphs"]) + 1)
        plan = plan | {"graphs": [*plan["graphs"][:at], broken, *plan["graphs"][at:]], "frozen": {}}
    model = grown(plan)
    x, y = _data()
    before = traces(model)
    with pytest.raises(BrokenError):
        inspect(model, x, y, _broken_loss if broken == "broken loss" else functional.cross_entropy)
    assert traces(model) == before


@given(_plans)
def test_where_gradients_are_off_they_stay_off(plan: dict[str, Any]) -> None:
    model = grown(plan)
    x, y = _data()
    with torch.no_grad():
        before = traces(model)
        inspect(model, x, y, functional.cross_entropy)
        assert traces(model) == before


@pytest.mark.parametrize("case", [*FAULTY, *HEALTHY], ids=str)
def test_the_zoo_is_as_it_was(case: Case) -> None:
    model, batch = case.make(0)
    before = traces(model)
    inspect(model, *batch)
    assert traces(model) == before


def test_a_spectral_norm_takes_no_step_where_cures_are_tried() -> None:
    first = nn.Linear(8, 16)
    model = nn.Sequential(first, nn.ReLU(), parametrizations.spectral_norm(nn.Linear(16, 3)))
    with torch.no_grad():
        first.weight.mul_(500)
    x, y = torch.randn(32, 8), torch.arange(32) % 3
    before = traces(model)
    assert inspect(model, x, y).findings[0].cure
    assert traces(model) == before
