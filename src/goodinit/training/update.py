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
def _add_weight_decay(network, weight_decay, parameters, gradient):
    """Gradient += λW; a bias does not decay."""
    first = 0
    for layer in range(1, network.layers.size):
        fan_in, fan_out = network.layers[layer - 1], network.layers[layer]
        for i in range(first, first + fan_out * fan_in):
            gradient[i] += weight_decay * parameters[i]
        first += fan_out * (fan_in + 1)


@compiled
def _descend(parameters, gradient, rate):
    for i in range(parameters.size):
        parameters[i] -= rate * gradient[i]


@compiled
def _descend_with_momentum(parameters, gradient, velocity, rate, momentum):
    for i in range(parameters.size):
        velocity[i] = momentum * velocity[i] + gradient[i]
        parameters[i] -= rate * velocity[i]


@compiled
def _descend_with_nesterov(parameters, gradient, velocity, rate, momentum):
    for i in range(parameters.size):
        velocity[i] = momentum * velocity[i] + gradient[i]
        parameters[i] -= rate * (gradient[i] + momentum * velocity[i])


@compiled
def _descend_with_adam(parameters, gradient, means, squares, rate, optimizer, step):
    """Kingma and Ba, *Adam*, ICLR 2015, algorithm 1; `step` counts from 1."""
    unbias_mean = 1.0 / (1.0 - math.pow(optimizer.momentum, step))
    unbias_square = 1.0 / (1.0 - math.pow(optimizer.squares, step))
    for i in range(parameters.size):
        g = gradient[i]
        means[i] = optimizer.momentum * means[i] + (1.0 - optimizer.momentum) * g
        squares[i] = optimizer.squares * squares[i] + (1.0 - optimizer.squares) * g * g
        root = math.sqrt(unbias_square * squares[i])
        parameters[i] -= rate * unbias_mean * means[i] / (root + optimizer.epsilon)


@spliced
def update(network, optimizer, parameters, gradient, state, rate, step):
    """Follow the gradient by one step, the `step`th, counted from 1; all arrays change in place."""
    if optimizer.weight_decay != 0.0:
        _add_weight_decay(network, optimizer.weight_decay, parameters, gradient)
    if optimizer.rule == Rule.MOMENTUM:
        _descend_with_momentum(parameters, gradient, state[0], rate, optimizer.momentum)
    elif optimizer.rule == Rule.NESTEROV:
        _descend_with_nesterov(parameters, gradient, state[0], rate, optimizer.momentum)
    elif optimizer.rule == Rule.ADAM:
        _descend_with_adam(parameters, gradient, state[0], state[1], rate, optimizer, step)
    else:
        _descend(parameters, gradient, rate)
