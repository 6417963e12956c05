"""Labels that no class has: what a loss makes of them, asked before the module's own cost."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from goodinit.torch.inspecting.guessing import class_axis
from goodinit.torch.inspecting.passage import Finding

OUT_OF_RANGE = "labels out of range"
TARGETS = "(targets)"
_IGNORED = -100  # by PyTorch's own losses
_MOST_NAMED = 4


def find_strange(
    said: Tensor, targets: Tensor, loss: Callable[[Tensor, Tensor], Tensor]
) -> Finding | None:
    """Find labels outside the classes that a loss refuses, or reads from the end; else None.

    Those that it passes over, as -100, are as they should be. It is asked on the CPU: on a GPU an
    index out of range ends the process's use of it.

    Parameters
    ----------
    said : Tensor
        Outputs, with an axis of classes.
    targets : Tensor
    loss : callable
        Of such outputs and the targets.

    Examples
    --------
    >>> from torch.nn import functional
    >>> find_strange(torch.zeros(2, 3), torch.tensor([1, 3]), functional.cross_entropy).reason
    'labels 3 for 3 classes, which are numbered from 0 to 2'
    >>> find_strange(torch.zeros(2, 3), torch.tensor([1, -100]), functional.cross_entropy)
    """
    axis = class_axis(said, targets)
    if axis is None:
        return None
    classes, wanted = said.shape[axis], targets.detach().cpu()
    strange = (wanted < 0) | (wanted >= classes)
    if not bool(strange.any()):
        return None
    outputs = said.detach().cpu()

    def cost(labels: Tensor) -> float | None:
        try:
            with torch.no_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return float(loss(outputs, labels))
        except Exception:  # a loss may refuse labels in any way
            return None

    given = cost(wanted)
    if given is None and cost(wanted.clamp(0, classes - 1)) is None:
        return None  # it refuses these outputs too
    from_the_end = torch.where(wanted < 0, wanted + classes, wanted)
    if given is not None and (not bool((wanted < 0).any()) or cost(from_the_end) != given):
        return None
    meant = strange & (wanted != _IGNORED)
    values = torch.unique(wanted[meant if bool(meant.any()) else strange]).tolist()
    some = ", ".join(map(str, values[:_MOST_NAMED])) + (", …" if len(values) > _MOST_NAMED else "")
    read = "" if given is None else ", and are read from the end"
    reason = (
        f"labels {some} for {classes} classes, which are numbered from 0 to {classes - 1}{read}"
    )
    numbers = {"classes": float(classes), "least": float(values[0]), "most": float(values[-1])}
    way = "number the classes from 0, and tell the loss which label doesn't count (ignore_index)"
    return Finding(TARGETS, OUT_OF_RANGE, reason, numbers, remark=way)
