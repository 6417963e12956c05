"""How parameters follow their gradient."""

import math
from enum import IntEnum
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba.core.ccallback import CFunc
from numpy.typing import NDArray

from goodinit.training.jit import call_at, compiled, pointed, pointer_of
from goodinit.training.lanes import behind


class Rule(IntEnum):
    """How the parameters follow the gradient."""

    GRADIENT_DESCENT = 0
    MOMENTUM = 1
    NESTEROV = 2
    ADAM = 3


# How many numbers each rule remembers of a parameter: the length of the state's middle axis.
MEMORY = {Rule.GRADIENT_DESCENT: 0, Rule.MOMENTUM: 1, Rule.NESTEROV: 1, Rule.ADAM: 2}


class Optimizer(NamedTuple):
    """The update; all networks of a call share it, but for the learning rate."""

    rule: int  # a Rule
    momentum: float = 0.9  # μ of momentum and Nesterov, β₁ of Adam
    squares: float = 0.999  # β₂ of Adam
    epsilon: float = 1e-8  # of Adam
    weight_decay: float = 0.0  # λ; λW is added to the gradient of W, nothing to that of b


class Follow(NamedTuple):
    """An optimizer as compiled code takes it."""

    decay: int  # the address of what adds weight decay to the gradient, or 0
    rule: int  # the address of what follows the gradient
    numbers: NDArray[np.float64]  # momentum, squares, epsilon


def _add_weight_decay(parameters, gradient, decay, size):
    """Gradient += decay × parameters, where decay is λ for a weight and 0 for a bias."""
    for i in range(size):
        gradient[i] += decay[i] * parameters[i]


def _descend(parameters, gradient, _memory, rates, size, _numbers, _step):
    for i in range(size):
        parameters[i] -= rates[i] * gradient[i]


def _descend_with_momentum(parameters, gradient, memory, rates, size, numbers, _step):
    momentum = numbers[0]
    for i in range(size):
        memory[i] = momentum * memory[i] + gradient[i]
        parameters[i] -= rates[i] * memory[i]


def _descend_with_nesterov(parameters, gradient, memory, rates, size, numbers, _step):
    momentum = numbers[0]
    for i in range(size):
        memory[i] = momentum * memory[i] + gradient[i]
        parameters[i] -= rates[i] * (gradient[i] + momentum * memory[i])


def _descend_with_adam(parameters, gradient, memory, rates, size, numbers, step):
    """Kingma and Ba, *Adam*, ICLR 2015, algorithm 1; `step` counts from 1."""
    momentum, squares, epsilon = numbers[0], numbers[1], numbers[2]
    unbias_mean = 1.0 / (1.0 - math.pow(momentum, step))
    unbias_square = 1.0 / (1.0 - math.pow(squares, step))
    for i in range(size):
        g = gradient[i]
        memory[i] = momentum * memory[i] + (1.0 - momentum) * g
        memory[size + i] = squares * memory[size + i] + (1.0 - squares) * g * g
        root = math.sqrt(unbias_square * memory[size + i])
        parameters[i] -= rates[i] * unbias_mean * memory[i] / (root + epsilon)


_RULES: dict[Rule, Any] = {
    Rule.GRADIENT_DESCENT: _descend,
    Rule.MOMENTUM: _descend_with_momentum,
    Rule.NESTEROV: _descend_with_nesterov,
    Rule.ADAM: _descend_with_adam,
}


@cache
def _compiled(rule: Rule, dtype: str) -> CFunc:
    arrays = ["array"] * 3
    takes = [*arrays, "float64*", "intp", "float64*", "intp"]
    return pointed(_RULES[rule], rule.name, dtype, *takes)


@cache
def _decay(dtype: str) -> CFunc:
    return pointed(_add_weight_decay, "weight decay", dtype, "array", "array", "float64*", "intp")


def follow(optimizer: Optimizer, dtype: str) -> Follow:
    """Return an optimizer as compiled code takes it, its rule compiled."""
    given = np.array([optimizer.momentum, optimizer.squares, optimizer.epsilon])
    decay = pointer_of(_decay(dtype)) if optimizer.weight_decay else 0
    return Follow(decay, pointer_of(_compiled(Rule(optimizer.rule), dtype)), given)


@compiled
def update(follow, parameters, gradient, state, rates, decay, size, step):
    """Follow the gradient by one step, the `step`th, counted from 1; all arrays change in place.

    They are flat, a number for every one of `size` parameters, and taken by their addresses.
    """
    if follow.decay != 0:
        call_at(follow.decay, (parameters, gradient, decay, size))
    given = behind(follow.numbers, 0)
    call_at(follow.rule, (parameters, gradient, state, rates, size, given, step))
