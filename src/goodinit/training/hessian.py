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
from goodinit.training.lanes import COLUMNS, VECTOR_BYTES, behind, borrowed, matrix, stretch
from goodinit.training.outputs import Output, set_deltas, set_turns
from goodinit.training.products import Kind, backwards, forwards, gradients
from goodinit.training.together import repeat

_ROWS_PER_UNIT = 9  # of the arrays below
_UNCURVED = (Activation.LINEAR, Activation.RELU, Activation.LEAKY_RELU)


class _Functions(NamedTuple):
    """The addresses of the products, and of what lies between two of them."""

    bend: int
    set_deltas: int
    set_turns: int
    forwards: int
    backwards: int
    gradients: int


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
def _multiply(out, to, left, first, right, second, size):
    for i in range(size):
        out[to + i] = left[first + i] * right[second + i]


@compiled
def _add(out, to, more, size):
    for i in range(size):
        out[to + i] += more[i]


@spliced
def _move(layers, curved, parameter, functions, parameters, direction, n, work, columns, width):
    """Fill values, slopes, curves, moved, and the last layer's deltas, of the tile.

    A parameter is `width` numbers. Returns how many units and numbers all layers have.
    """
    last, row, first = layers.size - 1, np.int64(0), np.int64(0)
    for layer in range(1, last + 1):
        fan_in, fan_out = layers[layer - 1], layers[layer]
        W, V = behind(parameters, first), behind(direction, first)
        z, moved = behind(work.values, 2 * row * columns), behind(work.moved, row * columns)
        x, terms = behind(work.inputs, 0), fan_in
        if layer > 1:
            x, terms = behind(work.values, 2 * (row - fan_in) * columns), 2 * fan_in
            V = behind(work.forwards, 2 * first)
        call_at(functions.forwards, (W, z, x, fan_out, fan_in, columns, -np.inf))
        call_at(functions.forwards, (V, moved, x, fan_out, terms, columns, -np.inf))
        size = fan_out * columns
        if layer < last:
            slopes, curves = behind(work.slopes, row * columns), behind(work.curves, row * columns)
            call_at(functions.bend, (z, slopes, curves, size, parameter))
            at, beside = row * columns, (2 * row + fan_out) * columns
            _multiply(work.values, beside, work.slopes, at, work.moved, at, size)
            if curved:
                _multiply(work.curves, at, work.curves, at, work.moved, at, size)
        else:
            turned = behind(work.deltas, 2 * row * columns)
            deltas = behind(work.deltas, (2 * row + fan_out) * columns)
            targets = behind(work.targets, 0)
            call_at(functions.set_turns, (z, moved, turned, fan_out, columns, n))
            call_at(functions.set_deltas, (z, targets, deltas, fan_out, columns, n))
        row, first = row + fan_out, first + fan_out * (fan_in + 1) * width
    return row, first


@spliced
def _return(
    layers, curved, functions, parameters, out, row, first, length, fresh, work, columns, width
):
    """Add the tile's part of the product to `out`."""
    for layer in range(layers.size - 1, 0, -1):
        fan_in, fan_out = layers[layer - 1], layers[layer]
        row, first = row - fan_out, first - fan_out * (fan_in + 1) * width
        G, turned = behind(out, first), behind(work.deltas, 2 * row * columns)
        at = 2 * (row - fan_in) * columns
        x = behind(work.inputs, 0) if layer == 1 else behind(work.values, at)
        shape = fan_out, fan_in, columns, length
        call_at(functions.gradients, (G, turned, x, *shape, 1, fresh))
        if layer > 1:
            deltas = behind(work.deltas, (2 * row + fan_out) * columns)
            beside = behind(work.values, at + fan_in * columns)
            call_at(functions.gradients, (G, deltas, beside, *shape, 0, 0))
            W, both = behind(parameters, first), behind(work.backwards, 2 * first)
            slopes, product = behind(work.slopes, at // 2), behind(work.product, 0)
            below, under = behind(work.deltas, at), behind(work.deltas, at + fan_in * columns)
            one, two = (fan_in, fan_out, columns), (fan_in, 2 * fan_out, columns)
            call_at(functions.backwards, (W, under, deltas, slopes, product, *one))
            call_at(functions.backwards, (both, below, turned, slopes, product, *two))
            if curved:
                spare, curves = behind(work.spare, 0), behind(work.curves, at // 2)
                call_at(functions.backwards, (W, spare, deltas, curves, product, *one))
                _add(work.deltas, at, work.spare, fan_in * columns)


def _multiplier(alone: bool) -> Any:
    """Make what multiplies the Hessians of a network, or of a vector of them, with a direction."""
    at_once = COLUMNS

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
            row, first = _move(
                layers, curved, parameter, functions, parameters, direction, n, work, columns, width
            )
            if alone and count < columns:
                units = layers[layers.size - 1]
                clear(matrix(work.deltas, 2 * (row - units) * columns, 2 * units, columns), count)
            fresh = 1 if done == 0 else 0
            _return(
                layers, curved, functions, parameters, out, row, first, vectors, fresh, work,
                columns, width,
            )  # fmt: skip

    return multiply


@cache
def _compiled(alone: bool) -> Any:
    return entry(_multiplier(alone), f"hessian, alone {alone}")


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
        pointer_of(forwards(kind, "float64")),
        pointer_of(backwards(kind, False, "float64")),
        pointer_of(gradients(kind, "float64")),
    )
    layers, curved, parameter = network.layers, activation not in _UNCURVED, network.parameter

    def multiply(directions: Floats, wanted: NDArray[np.bool_]) -> Floats:
        multiplied = np.zeros_like(directions)
        for group, flat in zip(groups, held, strict=True):
            if not wanted[group].any():
                continue
            direction = kernel.in_lanes(directions[group]).reshape(-1)
            out = np.zeros_like(direction)
            _compiled(kind.alone)(
                layers, curved, parameter, functions, flat, direction, (X, Y), out, work
            )
            multiplied[group] = out.reshape(-1, lanes).T
        return multiplied

    return multiply


def _allocated(network: kernel.Network, kind: Kind, parameters: Floats, n: int) -> _Work:
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
