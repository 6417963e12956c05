"""What networks make of examples before the last activation, compiled as training is.

The lanes are filled as where networks train, and every sum has the order that it has there: a
network's answers are the same to the bit alone or in any company.
"""

from functools import cache
from typing import Any

import numpy as np

from goodinit.training import kernel
from goodinit.training.elementwise import Activation, activate
from goodinit.training.gradient import Floats, Layers
from goodinit.training.jit import call_at, compiled, entry, pointer_of
from goodinit.training.lanes import VECTOR_BYTES, behind, borrowed, numbers
from goodinit.training.products import forwards
from goodinit.training.together import repeat


@compiled
def lay(examples, first, address, columns):
    """Copy the examples from `first` on; the last stands for those that there are not."""
    rows = examples.shape[0]
    out = numbers(examples, address, rows * columns)
    for row in range(rows):
        for j in range(columns):
            out[row * columns + j] = examples[row, min(first + j, examples.shape[1] - 1)]


def _answerer(alone: bool) -> Any:
    """Make what brings examples through the layers of a network, or of a vector of them."""

    def answer(network, parameters, X, out, columns, inputs, values, slopes):
        parameters, X, out, network = borrowed((parameters, X, out, network))
        layers, relu, (K, outputs, n) = network.units, network.is_relu, out.shape
        each = X.itemsize
        width = 1 if alone else VECTOR_BYTES // each
        size = parameters.size // ((K + width - 1) // width * width)
        for done in range(0, n, columns // width):
            if alone:
                lay(X, done, inputs, columns)
            else:
                repeat(X, done, np.int64(1), inputs, columns)
            for begin in range(0, K, width):
                W, x, row = behind(parameters, begin * size), inputs, np.int64(0)
                for layer in range(1, layers.size):
                    fan_in, fan_out = layers[layer - 1], layers[layer]
                    z, inner = values + row * columns * each, layer < layers.size - 1
                    least = 0.0 if relu and inner else -np.inf
                    call_at(network.forwards, (W, z, x, fan_out, fan_in, columns, least))
                    if inner and not relu:
                        count = fan_out * columns
                        call_at(network.activate, (z, slopes, count, network.parameter))
                    x, row, W = z, row + fan_out, W + fan_out * (fan_in + 1) * width * each
                said = numbers(X, x, outputs * columns)
                for lane in range(min(width, K - begin)):
                    for unit in range(outputs):
                        for j in range(min(columns // width, n - done)):
                            place = unit * columns + j * width + lane
                            out[begin + lane, unit, done + j] = said[place]

    return answer


@cache
def _compiled(alone: bool) -> Any:
    return entry(_answerer(alone), f"answers, alone {alone}")


def logits(network: kernel.Network, parameters: Floats, X: Floats) -> Floats:
    """Return what the last layers of K networks make of n examples, (K, n, outputs).

    Parameters
    ----------
    network : kernel.Network
    parameters : array of float64 or float32, shape (K, P)
    X : array of the same type, shape (features, n)
    """
    K, n, dtype = len(parameters), X.shape[1], parameters.dtype
    kind, layers = kernel.kind_of(network, K), network.layers.tolist()
    columns = kernel.tile_of(kind, network, layers[0] + 2 * sum(layers[1:]), n, dtype.itemsize)
    held = [kernel.aligned(rows * columns, dtype) for rows in _rows(layers)]
    relu, name = network.activation == Activation.RELU, dtype.name
    address = 0 if relu else pointer_of(activate(Activation(network.activation), name))
    forward = pointer_of(forwards(kind, name))
    how = Layers(network.layers, relu, network.parameter, address, 0, forward, 0, 0)
    width = 1 if kind.alone else VECTOR_BYTES // dtype.itemsize
    at_once = 1 if kind.alone else -(-K // width) * width
    out = np.empty((K, layers[-1], n), dtype)
    for first in range(0, K, at_once):
        chosen = np.minimum(np.arange(first, first + at_once), K - 1).reshape(-1, width)
        flat = kernel.in_lanes(parameters[chosen].swapaxes(0, 1)).reshape(-1)
        _compiled(kind.alone)(
            how, flat, X, out[first : first + at_once], columns, *(of.ctypes.data for of in held)
        )
    return out.swapaxes(1, 2)


def _rows(layers: list[int]) -> tuple[int, int, int]:
    """How many rows inputs, values and slopes have, the last of which nobody asks for."""
    return layers[0], sum(layers[1:]), max(layers[1:])
