"""The gradient of a tile of examples: forwards through the layers, and back."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodinit.training.jit import call_at, compiled
from goodinit.training.lanes import VECTOR_BYTES, behind, numbers

Floats = NDArray[np.floating[Any]]


class Work(NamedTuple):
    """Where a call computes: the addresses of matrices, whose rows have `columns` numbers.

    What lies there are numbers of the parameters' type, unless it is said.
    """

    columns: int  # of a tile, at most
    block: int  # how many examples of a batch are cut into slices at once
    inputs: int  # of a tile, or where alone of a batch: tiles × features × columns
    targets: int  # tiles × outputs × columns
    values: int  # z, then the activations, of all layers but the features
    deltas: int  # slopes of the activations, then ∂cost/∂z
    spare: int  # a layer's, for BLAS
    gradient: int  # of all parameters
    partial: int  # where together: the sums over some slices, not yet added up
    rates: int  # float64, of every parameter
    decay: int  # float64, of every parameter
    slices: int  # int64, in the order in which their sums meet
    order: int  # int64, of the examples in this epoch, of each network; 0 where they have none
    shuffle: int  # the address of what makes an order; 0 where there is none
    deal: int  # where together: that of what brings examples into a network's order


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
def clear(like, address, rows, columns, count):
    """Set to 0 what lies behind `count` numbers of each row."""
    values = numbers(like, address, rows * columns)
    for row in range(rows):
        for j in range(row * columns + count, (row + 1) * columns):
            values[j] = 0.0


def gradient_of(alone: bool) -> Any:
    """Make what adds a tile's part of the gradient."""

    @compiled
    def add_gradient(network, parameters, columns, n, count, inputs, targets, sums, fresh, work):
        """Of `n` examples in the batch; the tile holds `count` numbers in a row, then padding.

        Inputs, targets and sums are taken by their addresses.
        """
        units, relu, weights = network.units, network.is_relu, behind(parameters, 0)
        last, each = units.size - 1, parameters.itemsize
        row_bytes, lanes = columns * each, VECTOR_BYTES // each
        place = each if alone else VECTOR_BYTES  # of a parameter
        least = 0.0 if relu else -math.inf
        x, row, first = inputs, np.int64(0), np.int64(0)  # a constant is compiled for apart
        for layer in range(1, last + 1):
            fan_in, fan_out = units[layer - 1], units[layer]
            z, slopes = work.values + row * row_bytes, work.deltas + row * row_bytes
            bound = -math.inf if layer == last else least
            call_at(network.forwards, (weights + first, z, x, fan_out, fan_in, columns, bound))
            if layer == last:
                call_at(network.set_deltas, (z, targets, slopes, fan_out, columns, n))
            elif not relu:
                call_at(network.activate, (z, slopes, fan_out * columns, network.parameter))
            if alone and count < columns:
                clear(parameters, z, fan_out, columns, count)
                clear(parameters, slopes, fan_out, columns, count)
            x, row, first = z, row + fan_out, first + fan_out * (fan_in + 1) * place
        length = (count + lanes - 1) // lanes
        for layer in range(last, 0, -1):
            fan_in, fan_out = units[layer - 1], units[layer]
            row, first = row - fan_out, first - fan_out * (fan_in + 1) * place
            deltas, before = work.deltas + row * row_bytes, (row - fan_in) * row_bytes
            x, G = inputs if layer == 1 else work.values + before, sums + first
            call_at(network.gradients, (G, deltas, x, fan_out, fan_in, columns, length, 1, fresh))
            if layer > 1:
                below = work.deltas + before
                slopes, shape = x if relu else below, (fan_in, fan_out, columns)
                W, spare = weights + first, work.spare
                call_at(network.backwards, (W, below, deltas, slopes, spare, *shape))
                if alone and count < columns:
                    clear(parameters, below, fan_in, columns, count)

    return add_gradient
