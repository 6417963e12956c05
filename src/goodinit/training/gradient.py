"""The gradient of a tile of examples: forwards through the layers, and back."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodinit.training.jit import call_at, compiled, spliced
from goodinit.training.lanes import VECTOR_BYTES, behind, matrix

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
    """The layers' units, and the addresses of what the way through them is made of."""

    units: NDArray[np.int64]
    is_relu: bool
    parameter: float  # of the activation
    activate: int  # turns z into values and slopes; not called for ReLU
    set_deltas: int  # of the last layer
    forwards: int  # the products
    backwards: int
    gradients: int


@compiled
def clear(values, count):
    """Set to 0 what lies behind `count` numbers of each row."""
    for row in range(values.shape[0]):
        for j in range(count, values.shape[1]):
            values[row, j] = 0.0


def gradient_of(alone: bool) -> Any:
    """Make what adds a tile's part of the gradient."""

    @spliced
    def add_gradient(network, parameters, columns, n, count, inputs, targets, sums, fresh, work):
        """Of `n` examples in the batch; the tile holds `count` numbers in a row, then padding.

        Inputs, targets and sums are taken by their addresses.
        """
        units, relu = network.units, network.is_relu
        last, lanes = units.size - 1, VECTOR_BYTES // parameters.itemsize
        width = 1 if alone else lanes
        least = 0.0 if relu else -math.inf
        x, row, first = inputs, np.int64(0), np.int64(0)  # a constant is compiled for apart
        for layer in range(1, last + 1):
            fan_in, fan_out = units[layer - 1], units[layer]
            W, size = behind(parameters, first), fan_out * columns
            z, slopes = behind(work.values, row * columns), behind(work.deltas, row * columns)
            bound = -math.inf if layer == last else least
            call_at(network.forwards, (W, z, x, fan_out, fan_in, columns, bound))
            if layer == last:
                call_at(network.set_deltas, (z, targets, slopes, fan_out, columns, n))
            elif not relu:
                call_at(network.activate, (z, slopes, size, network.parameter))
            if alone and count < columns:
                clear(matrix(work.values, row * columns, fan_out, columns), count)
                clear(matrix(work.deltas, row * columns, fan_out, columns), count)
            x, row, first = z, row + fan_out, first + fan_out * (fan_in + 1) * width
        length = (count + lanes - 1) // lanes
        for layer in range(last, 0, -1):
            fan_in, fan_out = units[layer - 1], units[layer]
            row, first = row - fan_out, first - fan_out * (fan_in + 1) * width
            before, deltas = (row - fan_in) * columns, behind(work.deltas, row * columns)
            x = inputs if layer == 1 else behind(work.values, before)
            G = sums + first * parameters.itemsize
            call_at(network.gradients, (G, deltas, x, fan_out, fan_in, columns, length, 1, fresh))
            if layer > 1:
                W, below = behind(parameters, first), behind(work.deltas, before)
                slopes, spare = x if relu else below, behind(work.spare, 0)
                shape = fan_in, fan_out, columns
                call_at(network.backwards, (W, below, deltas, slopes, spare, *shape))
                if alone and count < columns:
                    clear(matrix(work.deltas, before, fan_in, columns), count)

    return add_gradient
