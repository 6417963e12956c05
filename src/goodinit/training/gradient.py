"""The gradient of a tile of examples: forwards through the layers, and back."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodinit.training.jit import call_at, compiled, spliced
from goodinit.training.lanes import VECTOR_BYTES, matrix
from goodinit.training.products import products

Floats = NDArray[np.floating[Any]]


class Work(NamedTuple):
    """What a call computes in: flat arrays that hold matrices whose rows have `columns` numbers."""

    inputs: Floats  # of a tile, or where alone of a batch: tiles × features × columns
    targets: Floats  # tiles × outputs × columns
    values: Floats  # z, then the activations, of all layers but the features
    deltas: Floats  # slopes of the activations, then ∂cost/∂z
    spare: Floats  # a layer's, for BLAS
    gradient: Floats  # of all parameters
    partial: Floats  # where together: the sums over some slices, not yet added up
    order: NDArray[np.int64]  # of the examples in this epoch; where together, of each network
    slices: NDArray[np.int64]  # in the order in which their sums meet
    rates: NDArray[np.float64]  # of every parameter
    decay: NDArray[np.float64]  # of every parameter


class Layers(NamedTuple):
    """The layers' units, and what lies between two products."""

    units: NDArray[np.int64]
    activate: int  # the address of what turns z into values and slopes; not called for ReLU
    is_relu: bool
    parameter: float
    set_deltas: int  # the address of what finds the last layer's deltas


@compiled
def clear(values, count):
    """Set to 0 what lies behind `count` numbers of each row."""
    for row in range(values.shape[0]):
        for j in range(count, values.shape[1]):
            values[row, j] = 0.0


def gradient_of(alone: bool, wide: int) -> Any:
    """Make what adds a tile's part of the gradient; see ``products`` for the arguments."""
    forward, backward, across, over_examples = products(alone=alone, wide=wide)

    @spliced
    def add_gradient(network, parameters, inputs, targets, n, count, sums, fresh, work):
        """Of `n` examples in the batch; the tile holds `count` numbers in a row, then padding."""
        layers, relu = network.units, network.is_relu
        columns, last = inputs.shape[1], layers.size - 1
        least = 0.0 if relu else -math.inf
        values, row, first = inputs, np.int64(0), np.int64(0)  # a constant is compiled for apart
        for layer in range(1, last + 1):
            fan_in, fan_out = layers[layer - 1], layers[layer]
            z = matrix(work.values, row * columns, fan_out, columns)
            slopes = matrix(work.deltas, row * columns, fan_out, columns)
            if layer == last:
                forward(parameters, first, z, values, -math.inf)
                call_at(network.set_deltas, (z, targets, slopes, fan_out, columns, n))
            else:
                forward(parameters, first, z, values, least)
                if not relu:
                    call_at(network.activate, (z, slopes, z.size, network.parameter))
            if alone and count < columns:
                clear(z, count)
                clear(slopes, count)
            values, row, first = z, row + fan_out, first + fan_out * (fan_in + 1)
        lanes = VECTOR_BYTES // inputs.itemsize
        length = (count + lanes - 1) // lanes
        for layer in range(last, 0, -1):
            fan_in, fan_out = layers[layer - 1], layers[layer]
            row, first = row - fan_out, first - fan_out * (fan_in + 1)
            deltas = matrix(work.deltas, row * columns, fan_out, columns)
            over_examples(sums, first + fan_out * fan_in, deltas, length, fresh)
            if layer == 1:
                across(sums, first, deltas, inputs, length, fresh)
            else:
                before = (row - fan_in) * columns
                values = matrix(work.values, before, fan_in, columns)
                below = matrix(work.deltas, before, fan_in, columns)
                across(sums, first, deltas, values, length, fresh)
                slopes = values if relu else below
                backward(parameters, first, below, deltas, slopes, relu, work.spare)
                if alone and count < columns:
                    clear(below, count)

    return add_gradient
