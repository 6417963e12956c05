"""Products of the cost's Hessian with directions.

Every quantity of the forward and the backward pass is moved along the direction (Pearlmutter 1994),
as in ``goodinit.network.hessian_vector``; narrow networks lie in the lanes, as where they train
together, and others have their examples there. Where W moves by V, x by m and δ by μ, three stacked
products do what six would:

    z moves by [V W] [x; m],    δ below by [W; V]ᵀ [μ; δ],    the gradient by μ xᵀ + δ mᵀ.

Where slopes don't change, as those of ReLU, what comes of their change is left out.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodinit.training import kernel
from goodinit.training.answers import lay
from goodinit.training.elementwise import Activation, bend
from goodinit.training.gradient import Floats, clear
from goodinit.training.jit import call_at, compiled, entry, pointer_of, spliced
from goodinit.training.lanes import COLUMNS, VECTOR_BYTES, borrowed, matrix, stretch
from goodinit.training.outputs import Output, set_deltas, set_turns
from goodinit.training.products import products
from goodinit.training.together import repeat

_ROWS_PER_UNIT = 9  # of the arrays below
_UNCURVED = (Activation.LINEAR, Activation.RELU, Activation.LEAKY_RELU)


class _Functions(NamedTuple):
    """The addresses of what lies between two products."""

    bend: int
    set_deltas: int
    set_turns: int


class _Work(NamedTuple):
    """What a call computes in; matrices whose rows have `columns` numbers, of all layers."""

    inputs: Floats
    targets: Floats
    values: Floats  # of each layer x, and then m
    slopes: Floats
    curves: Floats
    moved: Floats  # how z moves
    deltas: Floats  # of each layer μ, and then δ
    spare: Floats
    product: Floats  # for BLAS
    forwards: Floats  # of each layer [V W], and then how the biases move
    backwards: Floats  # of each layer [W; V]


@compiled
def _copy(out, first, source, start, size):
    to, of = stretch(out, first, size), stretch(source, start, size)
    for i in range(size):
        to[i] = of[i]


@spliced
def _stack(layers, parameters, direction, lanes, work):
    """Fill work.forwards and work.backwards."""
    first = 0
    for layer in range(1, layers.size):
        fan_in, fan_out = layers[layer - 1], layers[layer]
        size, row = fan_out * fan_in * lanes, fan_in * lanes
        for unit in range(fan_out):
            at, to = first + unit * row, 2 * (first + unit * row)
            _copy(work.forwards, to, direction, at, row)
            _copy(work.forwards, to + row, parameters, at, row)
        _copy(work.forwards, 2 * (first + size), direction, first + size, fan_out * lanes)
        _copy(work.backwards, 2 * first, parameters, first, size)
        _copy(work.backwards, 2 * first + size, direction, first, size)
        first += size + fan_out * lanes


@compiled
def _multiply(out, left, right):
    for row in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[row, j] = left[row, j] * right[row, j]


@compiled
def _add(out, more):
    for row in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[row, j] += more[row, j]


def _mover(forward: Any) -> Any:
    """Make the way forwards through the layers."""

    @spliced
    def move(layers, curved, parameter, functions, parameters, direction, n, work, columns):
        """Fill values, slopes, curves, moved, and the last layer's deltas, of the tile."""
        last, row, first = layers.size - 1, np.int64(0), np.int64(0)
        for layer in range(1, last + 1):
            fan_in, fan_out = layers[layer - 1], layers[layer]
            below = 2 * (row - fan_in) * columns
            z = matrix(work.values, 2 * row * columns, fan_out, columns)
            moved = matrix(work.moved, row * columns, fan_out, columns)
            if layer == 1:
                inputs = matrix(work.inputs, 0, fan_in, columns)
                forward(parameters, first, z, inputs, -np.inf)
                forward(direction, first, moved, inputs, -np.inf)
            else:
                both = matrix(work.values, below, 2 * fan_in, columns)
                values = matrix(work.values, below, fan_in, columns)
                forward(parameters, first, z, values, -np.inf)
                forward(work.forwards, 2 * first, moved, both, -np.inf)
            if layer < last:
                slopes = matrix(work.slopes, row * columns, fan_out, columns)
                curves = matrix(work.curves, row * columns, fan_out, columns)
                call_at(functions.bend, (z, slopes, curves, z.size, parameter))
                beside = matrix(work.values, (2 * row + fan_out) * columns, fan_out, columns)
                _multiply(beside, slopes, moved)
                if curved:
                    _multiply(curves, curves, moved)
            else:
                turned = matrix(work.deltas, 2 * row * columns, fan_out, columns)
                deltas = matrix(work.deltas, (2 * row + fan_out) * columns, fan_out, columns)
                targets = matrix(work.targets, 0, fan_out, columns)
                call_at(functions.set_turns, (z, moved, turned, fan_out, columns, n))
                call_at(functions.set_deltas, (z, targets, deltas, fan_out, columns, n))
            row, first = row + fan_out, first + fan_out * (fan_in + 1)
        return row, first

    return move


def _returner(backward: Any, across: Any, over_examples: Any) -> Any:
    """Make the way back."""

    @spliced
    def return_to(layers, curved, parameters, out, row, first, length, fresh, work, columns):
        """Add the tile's part of the product to `out`."""
        # Not False itself, nor 1 below: a function is compiled anew for a constant.
        never = np.bool_(False)
        for layer in range(layers.size - 1, 0, -1):
            fan_in, fan_out = layers[layer - 1], layers[layer]
            row, first = row - fan_out, first - fan_out * (fan_in + 1)
            turned = matrix(work.deltas, 2 * row * columns, fan_out, columns)
            over_examples(out, first + fan_out * fan_in, turned, length, fresh)
            if layer == 1:
                inputs = matrix(work.inputs, 0, fan_in, columns)
                across(out, first, turned, inputs, length, fresh)
            else:
                deltas = matrix(work.deltas, (2 * row + fan_out) * columns, fan_out, columns)
                both = matrix(work.deltas, 2 * row * columns, 2 * fan_out, columns)
                before = row - fan_in
                at = 2 * before * columns
                values = matrix(work.values, at, fan_in, columns)
                beside = matrix(work.values, at + fan_in * columns, fan_in, columns)
                across(out, first, turned, values, length, fresh)
                across(out, first, deltas, beside, length, never)
                slopes = matrix(work.slopes, before * columns, fan_in, columns)
                curves = matrix(work.curves, before * columns, fan_in, columns)
                spare = matrix(work.spare, 0, fan_in, columns)
                below = matrix(work.deltas, at, fan_in, columns)
                under = matrix(work.deltas, at + fan_in * columns, fan_in, columns)
                backward(parameters, first, under, deltas, slopes, never, work.product)
                backward(work.backwards, 2 * first, below, both, slopes, never, work.product)
                if curved:
                    backward(parameters, first, spare, deltas, curves, never, work.product)
                    _add(below, spare)

    return return_to


def _multiplier(kind: kernel.Kind) -> Any:
    """Make what multiplies the Hessians of a network, or of a vector of them, with a direction."""
    alone = kind.alone
    forward, backward, across, over_examples = products(alone=alone, wide=kind.wide)
    move, return_to = _mover(forward), _returner(backward, across, over_examples)
    at_once = COLUMNS[alone]

    def multiply(layers, curved, parameter, functions, parameters, direction, data, out, work):
        parameters, direction, data, out = borrowed((parameters, direction, data, out))
        layers, work = borrowed((layers, work))
        X, Y = data
        n, lanes = X.shape[1], VECTOR_BYTES // X.itemsize
        width = 1 if alone else lanes
        most = work.inputs.size // X.shape[0] // width  # examples in a tile
        _stack(layers, parameters, direction, width, work)
        for done in range(0, n, most):
            count = min(most, n - done)
            vectors = (count * width + lanes - 1) // lanes
            columns = (vectors + at_once - 1) // at_once * at_once * lanes
            inputs = matrix(work.inputs, 0, X.shape[0], columns)
            targets = matrix(work.targets, 0, Y.shape[0], columns)
            if alone:
                lay(X, done, inputs)
                lay(Y, done, targets)
            else:
                every = np.int64(1)
                repeat(X, done, every, inputs)
                repeat(Y, done, every, targets)
            row, first = move(
                layers, curved, parameter, functions, parameters, direction, n, work, columns
            )
            if alone and count < columns:
                units = layers[layers.size - 1]
                clear(matrix(work.deltas, 2 * (row - units) * columns, 2 * units, columns), count)
            return_to(
                layers, curved, parameters, out, row, first, vectors, done == 0, work, columns
            )

    return multiply


@cache
def _compiled(kind: kernel.Kind) -> Any:
    return entry(_multiplier(kind), f"hessian {kind!r}")


def multiplier(
    network: kernel.Network, parameters: Floats, X: Floats, Y: Floats
) -> Callable[[Floats, NDArray[np.bool_]], Floats]:
    """Return what multiplies the Hessians of K networks with a direction each, both (K, P).

    It is told which of them are wanted, (K,); what it returns of others may be anything finite. A
    network's product is the same to the bit alone or in any company.

    Parameters
    ----------
    network : kernel.Network
    parameters : array of float64, shape (K, P)
    X, Y : array of float64, shapes (features, n) and (outputs, n)
    """
    K, kind = len(parameters), kernel.kind_of(network, kernel.FEWEST_TOGETHER)
    lanes = 1 if kind.alone else VECTOR_BYTES // parameters.itemsize
    groups = [np.minimum(np.arange(k, k + lanes), K - 1) for k in range(0, K, lanes)]
    held = [kernel.in_lanes(parameters[group]).reshape(-1) for group in groups]
    work = _allocated(network, kind, parameters, X.shape[1])
    activation = Activation(network.activation)
    functions = _Functions(
        pointer_of(bend(activation, "float64")),
        pointer_of(set_deltas(Output(network.output), "float64")),
        pointer_of(set_turns(Output(network.output), "float64")),
    )
    layers, curved, parameter = network.layers, activation not in _UNCURVED, network.parameter

    def multiply(directions: Floats, wanted: NDArray[np.bool_]) -> Floats:
        multiplied = np.zeros_like(directions)
        for group, flat in zip(groups, held, strict=True):
            if not wanted[group].any():
                continue
            direction = kernel.in_lanes(directions[group]).reshape(-1)
            out = np.zeros_like(direction)
            _compiled(kind)(
                layers, curved, parameter, functions, flat, direction, (X, Y), out, work
            )
            multiplied[group] = out.reshape(-1, lanes).T
        return multiplied

    return multiply


def _allocated(network: kernel.Network, kind: kernel.Kind, parameters: Floats, n: int) -> _Work:
    layers, size, itemsize = network.layers.tolist(), parameters.shape[1], parameters.itemsize
    units, lanes = sum(layers[1:]), VECTOR_BYTES // itemsize
    rows = layers[0] + layers[-1] + _ROWS_PER_UNIT * units
    width = 1 if kind.alone else lanes
    columns = kernel.tile_of(kind, network, rows, n, itemsize)

    def array(count: int) -> Floats:
        return kernel.aligned(count * columns, parameters.dtype)

    return _Work(
        inputs=array(layers[0]),
        targets=array(layers[-1]),
        values=array(2 * units),
        slopes=array(units),
        curves=array(units),
        moved=array(units),
        deltas=array(2 * units),
        spare=array(max(layers)),
        product=array(max(layers) if kind.wide else 0),
        forwards=kernel.aligned(2 * size * width, parameters.dtype),
        backwards=kernel.aligned(2 * size * width, parameters.dtype),
    )
