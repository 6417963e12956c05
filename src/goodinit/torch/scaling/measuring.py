"""Each layer's output and its change in an update, in one module that is trained for some steps."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from goodinit.errors import bad_argument

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass
class _Seen:
    """What the layers were given and said in one pass, by name."""

    inputs: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    outputs: dict[str, Tensor] = field(default_factory=dict)


def layers_of(module: nn.Module) -> dict[str, nn.Module]:
    """Return the modules with weights of their own, by name."""
    return {
        name or type(module).__name__: part
        for name, part in module.named_modules()
        if any(True for _ in part.parameters(recurse=False))
    }


def measure(
    module: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    *,
    loss: Loss,
    optimizer: Optimizer,
    steps: int,
) -> dict[str, dict[str, float]]:
    """Return each layer's scale at the start, and those of its change in a step and of its parts.

    Of a layer f with weights W and input x, the change in a step is f(x', W') - f(x, W): the part
    that its own update makes, f(x, W') - f(x, W), and what is passed on, f(x', W') - f(x, W')
    (Haas et al. 2025). Scales are RMS, over the steps too. The module ends trained.

    Returns
    -------
    dict
        For each layer ``start, change, own, passed``.
    """
    known = layers_of(module)
    start = {name: _rms(out) for name, out in _pass(module, known, inputs)[0].outputs.items()}
    called = {known[name] for name in start}
    layers = {  # of one within another the inner one counts, where it is called
        name: known[name] for name in start if len(called.intersection(known[name].modules())) == 1
    }
    squares = {name: dict.fromkeys(("change", "own", "passed"), 0.0) for name in layers}
    for _ in range(steps):
        optimizer.zero_grad()
        seen, said = _pass(module, layers, inputs, track=True)
        loss(said, targets).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        with torch.no_grad():
            again = {}
            for name, layer in layers.items():
                given, named = seen.inputs[name]
                again[name] = _said(layer(*given, **named))
        after = _pass(module, layers, inputs)[0]
        for name, middle in again.items():
            old, new = seen.outputs[name], after.outputs[name]
            parts = {"change": new - old, "own": middle - old, "passed": new - middle}
            for part, of in parts.items():
                squares[name][part] += _rms(of) ** 2 / steps
    return {
        name: {"start": start[name], **{part: of**0.5 for part, of in squares[name].items()}}
        for name in layers
    }


def _pass(
    module: nn.Module, layers: dict[str, nn.Module], inputs: Tensor, *, track: bool = False
) -> tuple[_Seen, Tensor]:
    seen = _Seen()
    held = [
        layer.register_forward_hook(_note(seen, name), with_kwargs=True)
        for name, layer in layers.items()
    ]
    try:
        with torch.random.fork_rng(), torch.set_grad_enabled(track):
            torch.manual_seed(0)  # the same dropout in every pass
            said = module(inputs)
    finally:
        for one in held:
            one.remove()
    if not isinstance(said, Tensor):
        raise bad_argument("build", type(said).__name__, "modules that return a tensor")
    return seen, said


def _note(seen: _Seen, name: str) -> Callable[[nn.Module, Any, Any, Any], None]:
    def note(_: nn.Module, given: Any, named: Any, out: Any) -> None:
        said = _said(out)
        if said.numel() and name not in seen.outputs:  # used twice, its first use counts
            seen.inputs[name] = _kept(given), _kept(named)
            seen.outputs[name] = _kept(said)

    return note


def _kept(of: Any) -> Any:
    """Return a copy, which nothing that comes after writes over."""
    if isinstance(of, Tensor):
        return of.detach().clone()
    if isinstance(of, dict):
        return {key: _kept(one) for key, one in of.items()}
    return type(of)(map(_kept, of)) if type(of) in (tuple, list) else of


def _said(out: Any) -> Tensor:
    """Return what a layer says: of several values the first; nothing where that is no tensor."""
    while isinstance(out, tuple | list) and out:
        out = out[0]
    return out if isinstance(out, Tensor) else torch.empty(0)


def _rms(tensor: Tensor) -> float:
    return float(tensor.detach().double().square().mean().sqrt())
