"""How parameters follow their gradient."""

import math
from enum import IntEnum
from typing import NamedTuple

from goodinit.training.jit import compiled, spliced


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


@compiled
def _add_weight_decay(parameters, gradient, decay):
    """Gradient += decay × parameters, where decay is λ for a weight and 0 for a bias."""
    for i in range(parameters.size):
        gradient[i] += decay[i] * parameters[i]


@compiled
def _descend(parameters, gradient, rates):
    for i in range(parameters.size):
        parameters[i] -= rates[i] * gradient[i]


@compiled
def _descend_with_momentum(parameters, gradient, state, rates, optimizer):
    velocity, momentum = state[0], optimizer.momentum
    for i in range(parameters.size):
        velocity[i] = momentum * velocity[i] + gradient[i]
        parameters[i] -= rates[i] * velocity[i]


@compiled
def _descend_with_nesterov(parameters, gradient, state, rates, optimizer):
    velocity, momentum = state[0], optimizer.momentum
    for i in range(parameters.size):
        velocity[i] = momentum * velocity[i] + gradient[i]
        parameters[i] -= rates[i] * (gradient[i] + momentum * velocity[i])


@compiled
def _descend_with_adam(parameters, gradient, state, rates, optimizer, step):
    """Kingma and Ba, *Adam*, ICLR 2015, algorithm 1; `step` counts from 1."""
    means, squares = state[0], state[1]
    unbias_mean = 1.0 / (1.0 - math.pow(optimizer.momentum, step))
    unbias_square = 1.0 / (1.0 - math.pow(optimizer.squares, step))
    for i in range(parameters.size):
        g = gradient[i]
        means[i] = optimizer.momentum * means[i] + (1.0 - optimizer.momentum) * g
        squares[i] = optimizer.squares * squares[i] + (1.0 - optimizer.squares) * g * g
        root = math.sqrt(unbias_square * squares[i])
        parameters[i] -= rates[i] * unbias_mean * means[i] / (root + optimizer.epsilon)


@spliced
def update(optimizer, parameters, gradient, state, rates, decay, step):
    """Follow the gradient by one step, the `step`th, counted from 1; all arrays change in place.

    Parameters, gradient, learning rates and decays are flat: a number for every parameter.
    """
    if optimizer.weight_decay != 0.0:
        _add_weight_decay(parameters, gradient, decay)
    if optimizer.rule == Rule.MOMENTUM:
        _descend_with_momentum(parameters, gradient, state, rates, optimizer)
    elif optimizer.rule == Rule.NESTEROV:
        _descend_with_nesterov(parameters, gradient, state, rates, optimizer)
    elif optimizer.rule == Rule.ADAM:
        _descend_with_adam(parameters, gradient, state, rates, optimizer, step)
    else:
        _descend(parameters, gradient, rates)
