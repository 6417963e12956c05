"""What a module's outputs cost: by the user's loss, by the usual one, or by its own."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from goodinit.errors import bad_argument
from goodinit.torch.inspecting.measuring import rms
from goodinit.torch.inspecting.nested import leaves, mapped

Loss = Callable[[Any, Any], Tensor]
OWN = "model"  # the loss that a module returns itself


def said_by(outputs: Any) -> list[Tensor]:
    """Return the tensors of floats among a module's outputs, its own loss only where it is alone.

    Raises
    ------
    ArgumentError
        Where there are none.
    """
    found = _floats(leaves(outputs)) or _floats(leaves(outputs, objects=True))
    if not found:
        kind = type(outputs).__name__
        raise bad_argument("model", f"outputs without floats ({kind})", "a module that says floats")
    own = named_loss(outputs)
    return [tensor for tensor in found if tensor is not own] or found


def _floats(tensors: Sequence[Tensor]) -> list[Tensor]:
    return [tensor for tensor in tensors if tensor.is_floating_point() or tensor.is_complex()]


def named_loss(outputs: Any) -> Tensor | None:
    """Return the loss among a module's outputs, where it is called so or is all that there is.

    That is ``outputs.loss`` or ``outputs["loss"]``, one number; the only output, a tensor without
    axes; or the sum of a dict of losses.
    """
    if isinstance(outputs, Tensor):
        return outputs if outputs.dim() == 0 and outputs.is_floating_point() else None
    by_name = outputs.get("loss") if isinstance(outputs, Mapping) else None
    found = getattr(outputs, "loss", None) if by_name is None else by_name
    if isinstance(found, Tensor) and found.is_floating_point():
        return found if found.numel() == 1 else None
    if isinstance(outputs, Mapping) and outputs and all("loss" in str(key) for key in outputs):
        parts = [part for part in outputs.values() if _one_number(part)]
        return torch.stack([part.reshape(()) for part in parts]).sum() if parts else None
    return None


def own_loss(outputs: Any) -> Tensor | None:
    """Return the loss that a module returns: see ``named_loss``; of a tuple, its single number."""
    found = named_loss(outputs)
    if found is None and isinstance(outputs, list | tuple):
        single = [part for part in outputs if _one_number(part)]
        return single[0] if len(single) == 1 else None
    return found


def _one_number(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.numel() == 1


def probe(said: Sequence[Tensor]) -> Tensor:
    """Return a cost without targets: each number counts with a weight of its own, from N(0, 1).

    What is infinite, as where something is masked, or NaN counts as 0.
    """
    generator = torch.Generator().manual_seed(0)
    parts = [out if bool(out.isfinite().all()) else _finite(out) for out in map(_real, said)]
    costs = [(out * torch.randn(out.shape, generator=generator).to(out)).mean() for out in parts]
    return torch.stack([cost.float() for cost in costs]).sum()


def _finite(tensor: Tensor) -> Tensor:
    return tensor.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


def cost_of(outputs: Any, first: Tensor, targets: Any, loss: Loss | None) -> tuple[Tensor, float]:
    """Return the cost, and how many times that of guessing it is.

    Parameters
    ----------
    outputs : Any
    first : Tensor
        The first of the outputs, which the usual loss is asked of.
    targets : Any
    loss : callable or None
        None stands for the usual loss.

    Raises
    ------
    ArgumentError
        Where the loss returns no single number.
    """
    if loss is None:
        loss, outputs = usual_loss(first, targets), first
    cost = loss(outputs, targets)
    if not isinstance(cost, Tensor) or cost.numel() != 1 or cost.is_complex():
        shape = tuple(cost.shape) if isinstance(cost, Tensor) else type(cost).__name__
        raise bad_argument("loss", f"a result of {shape}", "a loss that returns one number")
    guess, first_cost = chance(outputs, targets, loss), float(cost.detach())
    if not 0 < guess < float("inf"):
        return cost, rms(*_floats(leaves(outputs, objects=True)))
    ratio = first_cost / guess
    return cost, ratio if np.isfinite(ratio) else float("inf")


def chance(outputs: Any, targets: Any, loss: Loss) -> float:
    """Return the cost of guessing, NaN where the loss doesn't take a guess."""
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the cost itself has warned already
            return float(loss(mapped(_guess, outputs), targets))
    except Exception:  # the user's loss may want more of an output than its shape
        return float("nan")


def usual_loss(said: Tensor, targets: Tensor) -> Loss:
    """Return the loss for targets of their kind, for outputs like these."""
    if targets.is_floating_point():
        return _squared_error
    if said.numel() == targets.numel():
        return _binary_cross_entropy
    return _entropy_over_last if targets.shape == said.shape[:-1] else _cross_entropy


# Functions of the module and not lambdas, so that they can be sent to another process.
def _squared_error(out: Tensor, wanted: Tensor) -> Tensor:
    return functional.mse_loss(out, wanted.reshape(out.shape))


def _binary_cross_entropy(out: Tensor, wanted: Tensor) -> Tensor:
    wanted = wanted.reshape(out.shape).to(out)
    return functional.binary_cross_entropy_with_logits(out, wanted)


def _entropy_over_last(out: Tensor, wanted: Tensor) -> Tensor:
    return functional.cross_entropy(out.flatten(0, -2), wanted.flatten().long())


def _cross_entropy(out: Tensor, wanted: Tensor) -> Tensor:
    return functional.cross_entropy(out, wanted.long())


def _guess(outputs: Tensor) -> Tensor:
    """Return what says nothing of the example: zeros; of probabilities, the mean over examples."""
    if not outputs.is_floating_point():
        return outputs
    shares = outputs.dim() > 0 and bool(((outputs >= 0) & (outputs <= 1)).all())
    return outputs.mean(0).expand_as(outputs) if shares else torch.zeros_like(outputs)
