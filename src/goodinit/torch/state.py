"""What inspecting must leave as it was: modules, their tensors, and what random numbers come."""

import random
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

_CONTAINERS = (dict, OrderedDict, list, set)


@contextmanager
def modules_as_they_were(*modules: nn.Module) -> Iterator[None]:
    """Put modules back, after the block, to the bit: attributes, tensors, gradients and flags."""
    every = {module: None for root in modules for module in root.modules()}
    attributes = [(vars(module), dict(vars(module))) for module in every]
    kept = [
        (held, held.copy())
        for _, named in attributes
        for held in named.values()
        if type(held) in _CONTAINERS
    ]
    tensors = {
        id(tensor): (tensor, tensor.data, tensor.detach().clone(), tensor.grad)
        for module in every
        for tensor in (*module._parameters.values(), *module._buffers.values(), *_loose(module))
        if tensor is not None
    }
    flags = [(tensor, tensor.requires_grad) for tensor, *_ in tensors.values()]
    try:
        yield
    finally:
        for held, before in (*attributes, *kept):
            if held or before:
                _restore(held, before)
        for tensor, data, numbers, gradient in tensors.values():
            _restore_tensor(tensor, data, numbers)
            if tensor.grad is not gradient:
                tensor.grad = gradient
        for tensor, flag in flags:
            if tensor.requires_grad != flag:
                tensor.requires_grad_(flag)


def _loose(module: nn.Module) -> list[Tensor]:
    """Return the tensors that are attributes alone, as measures of accuracy keep their counts."""
    return [held for held in vars(module).values() if isinstance(held, Tensor) and held.is_leaf]


def _restore(held: Any, before: Any) -> None:
    if isinstance(held, list):
        held[:] = before
    else:
        held.clear()
        held.update(before)


def _restore_tensor(tensor: Tensor, data: Tensor, numbers: Tensor) -> None:
    """Write numbers only where they changed, and past the count of changes that autograd keeps."""
    if tensor.data_ptr() != data.data_ptr():
        tensor.data = data
    if not torch.equal(data, numbers):
        data.copy_(numbers)


@contextmanager
def generators_as_they_were() -> Iterator[None]:
    """Put the global generators of PyTorch, NumPy and Python back after the block."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    torch_state = torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        yield
    finally:
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)
