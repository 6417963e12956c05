"""What a module is given of each example, be it one tensor or several by name or by place."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from goodinit.errors import bad_argument
from goodinit.torch.inspecting.asking import call
from goodinit.torch.inspecting.costs import own_loss
from goodinit.torch.inspecting.nested import copied, leaves, mapped

_TAKES = "tensors with as many examples each, in every batch of one shape"


class Parts:
    """Several tensors of the same examples, to be taken from as from one.

    Parameters
    ----------
    given : dict or tuple of tensors
        Nested as the module takes them; examples along the first axis of each.

    Examples
    --------
    >>> parts = Parts({"words": torch.arange(6).reshape(3, 2), "mask": torch.ones(3, 2)})
    >>> len(parts), parts[1:].given["words"].tolist()
    (3, [[2, 3], [4, 5]])
    """

    def __init__(self, given: Any) -> None:
        self.given = given
        self._tensors = leaves(given)

    def __len__(self) -> int:
        return len(self._tensors[0])

    def __getitem__(self, which: Any) -> "Parts":
        return Parts(mapped(lambda tensor: tensor[which], self.given))

    def __repr__(self) -> str:
        return f"Parts({', '.join(self.described)})"

    @property
    def described(self) -> list[str]:
        """The shape that each part has of an example, with its name where it has one."""
        shapes = ["×".join(map(str, one.shape[1:])) or "1" for one in self._tensors]
        if not isinstance(self.given, Mapping) or len(self.given) != len(shapes):
            return shapes
        return [f"{name} {shape}" for name, shape in zip(self.given, shapes, strict=True)]

    @property
    def shape(self) -> torch.Size:
        """That of the first part."""
        return self._tensors[0].shape

    @property
    def device(self) -> torch.device:
        """Where the parts are."""
        return self._tensors[0].device

    def clone(self) -> "Parts":
        """Return a copy, into which a module may write."""
        return Parts(copied(self.given))

    def to(self, device: Any) -> "Parts":
        """Return the same on a device."""
        return Parts(mapped(lambda tensor: tensor.to(device), self.given))

    def tensor_split(self, pieces: int) -> "list[Parts]":
        """Return so many pieces, as ``Tensor.tensor_split`` makes them."""
        places = torch.arange(len(self), device=self.device).tensor_split(pieces)
        return [self[some] for some in places]


Inputs = Any  # a tensor, or Parts, which are taken from alike


def given(inputs: Inputs) -> Any:
    """Return what goes into the module."""
    return inputs.given if isinstance(inputs, Parts) else inputs


def say(module: nn.Module, inputs: Inputs) -> Any:
    """Return what a module says."""
    return call(module, given(inputs))


def give_shapes(module: nn.Module, inputs: Inputs) -> None:
    """Call a module once where it has lazy layers, which then know their shapes."""
    if not any(isinstance(leaf, nn.UninitializedParameter) for leaf in module.parameters()):
        return
    training = module.training
    with torch.no_grad():
        say(module.eval(), inputs[:1].clone())
    module.train(training)


def own_cost(outputs: Any, targets: Tensor) -> Tensor:
    """Return the loss among a module's outputs."""
    found = own_loss(outputs)
    if found is None:
        raise bad_argument("loss", "model", "a module whose outputs hold their loss")
    return found.reshape(())


def joined(batches: list[Any]) -> Any:
    """Return several batches as one.

    Raises
    ------
    ArgumentError
        Where they don't fit together.

    Examples
    --------
    >>> joined([{"x": torch.zeros(2, 3)}, {"x": torch.ones(1, 3)}])["x"].shape
    torch.Size([3, 3])
    """
    rows = [leaves(_plain(batch)) for batch in batches]
    shapes = {tuple((part.shape[1:], part.dim()) for part in parts) for parts in rows}
    counts = {len({len(part) if part.dim() else 0 for part in parts}) for parts in rows}
    if len(shapes) != 1 or counts != {1}:
        said = ", ".join(str(tuple(part.shape)) for part in rows[-1])
        raise bad_argument("data", f"batches of {said}", _TAKES)
    columns = iter([torch.cat(parts) for parts in zip(*rows, strict=True)])
    return mapped(lambda _: next(columns), _plain(batches[0]))


def _plain(batch: Any) -> Any:
    """Return a batch's tensors alone, of a mapping as a dict."""
    if isinstance(batch, Mapping):
        return {name: part for name, part in batch.items() if isinstance(part, Tensor)}
    return batch
