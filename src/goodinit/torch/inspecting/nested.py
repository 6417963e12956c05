"""The tensors in whatever a module takes or says: tuples, dicts, dataclasses, any object."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor, nn

_NO_PARTS = (str, bytes, type, nn.Module)


def leaves(value: Any, *, objects: bool = False) -> list[Tensor]:
    """Return the tensors in nested tuples, lists, dicts and dataclasses, in order.

    Parameters
    ----------
    value : Any
    objects : bool
        Whether other objects are looked into as well, such as batches of graphs.

    Examples
    --------
    >>> import torch
    >>> len(leaves({"words": torch.zeros(2), "more": (torch.ones(3), None)}))
    2
    """
    return list(_leaves(value, objects, ()))


def _leaves(value: Any, objects: bool, around: tuple[int, ...]) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif id(value) not in around:  # an object may hold itself
        for _, part in _parts(value, objects):
            yield from _leaves(part, objects, (*around, id(value)))


def _parts(value: Any, objects: bool) -> list[tuple[Any, Any]]:
    """Return the keys and parts of a value, none where it has no parts."""
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, list | tuple):
        return list(enumerate(value))
    if isinstance(value, _NO_PARTS):
        return []
    if is_dataclass(value):
        return [(one.name, getattr(value, one.name)) for one in fields(value)]
    return list(vars(value).items()) if objects and hasattr(value, "__dict__") else []


def mapped(function: Callable[[Tensor], Any], value: Any) -> Any:
    """Return a value of the same kind, its tensors replaced by what a function makes of them.

    What has no tensors inside stays what it is, the very same.

    Examples
    --------
    >>> import torch
    >>> mapped(torch.Tensor.tolist, {"one": [torch.ones(2)], "two": "none"})
    {'one': [[1.0, 1.0]], 'two': 'none'}
    """
    return _mapped(function, value, {})


def _mapped(function: Callable[[Tensor], Any], value: Any, known: dict[int, Any]) -> Any:
    if isinstance(value, Tensor):
        return function(value)
    if id(value) in known:
        return known[id(value)]
    if not leaves(value, objects=True):
        return value
    if isinstance(value, list | tuple) or type(value) is dict:
        parts = {key: _mapped(function, part, known) for key, part in _parts(value, objects=True)}
        return parts if isinstance(value, dict) else _rebuilt(type(value), list(parts.values()))
    twin = known[id(value)] = copy.copy(value)
    for key, part in _parts(value, objects=True):
        new = _mapped(function, part, known)
        if isinstance(value, Mapping):
            twin[key] = new  # those of Hugging Face set the attribute too
        else:
            object.__setattr__(twin, key, new)
    return twin


def _rebuilt(kind: Any, parts: list[Any]) -> Any:
    return kind(*parts) if hasattr(kind, "_fields") else kind(parts)


def copied(value: Any) -> Any:
    """Return a value with tensors of its own, so that a module may write into them."""
    return mapped(_copied, value)


def _copied(tensor: Tensor) -> Tensor:
    return tensor.detach().clone().requires_grad_(tensor.requires_grad)
