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
from goodinit.training.jit import call_at, compiled, entry, pointer_of
from goodinit.training.lanes import COLUMNS, VECTOR_BYTES, behind, borrowed, numbers
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
    """Where a call computes: addresses of matrices, whose rows have `columns` numbers at most."""

    columns: int
    inputs: int
    targets: int
    values: int  # of each layer x, and then m
    slopes: int
    curves: int
    moved: int  # how z moves
    deltas: int  # of each layer μ, and then δ
    spare: int
    product: int  # for BLAS
    forwards: int  # of each layer [V W], and then how the biases move
    backwards: int  # of each layer [W; V]


@compiled
def _copy(like, to, source, size):
    out, of = numbers(like, to, size), numbers(like, source, size)
    for i in range(size):
        out[i] = of[i]


@compiled
def _multiply(like, to, left, right, size):
    out, one, other = numbers(like, to, size), numbers(like, left, size), numbers(like, right, size)
    for i in range(size):
        out[i] = one[i] * other[i]


@compiled
def _add(like, to, more, size):
    out, of = numbers(like, to, size), numbers(like, more, size)
    for i in range(size):
        out[i] += of[i]


@compiled
def _stack(layers, like, parameters, direction, lanes, work):
    """Fill work.forwards and work.backwards."""
    first, each = 0, like.itemsize
    for layer in range(1, layers.size):
        fan_in, fan_out = layers[layer - 1], layers[layer]
        row, W, V = fan_in * lanes, parameters + first, direction + first
        size, to = fan_out * row, work.forwards + 2 * first
        for unit in range(fan_out):
            at = unit * row * each
            _copy(like, to + 2 * at, V + at, row)
            _copy(like, to + 2 * at + row * each, W + at, row)
        biases = size * each
        _copy(like, to + 2 * biases, V + biases, fan_out * lanes)
        _copy(like, work.backwards + 2 * first, W, size)
        _copy(like, work.backwards + 2 * first + biases, V, size)
        first += biases + fan_out * lanes * each


@compiled
def _move(
    layers, curved, parameter, functions, like, parameters, direction, n, work, columns, width
):
    """Fill values, slopes, curves, moved, and the last layer's deltas, of the tile.

    A parameter is `width` numbers. Returns how many rows and bytes all layers have.
    """
    last, each = layers.size - 1, like.itemsize
    row_bytes, row, first = columns * each, np.int64(0), np.int64(0)
    for layer in range(1, last + 1):
        fan_in, fan_out = layers[layer - 1], layers[layer]
        W, V, at = parameters + first, direction + first, row * row_bytes
        z, moved, x, terms = work.values + 2 * at, work.moved + at, work.inputs, fan_in
        if layer > 1:
            x, terms = work.values + 2 * (row - fan_in) * row_bytes, 2 * fan_in
            V = work.forwards + 2 * first
        call_at(functions.forwards, (W, z, x, fan_out, fan_in, columns, -np.inf))
        call_at(functions.forwards, (V, moved, x, fan_out, terms, columns, -np.inf))
        size = fan_out * columns
        if layer < last:
            slopes, curves, beside = work.slopes + at, work.curves + at, z + size * each
            call_at(functions.bend, (z, slopes, curves, size, parameter))
            _multiply(like, beside, slopes, moved, size)
            if curved:
                _multiply(like, curves, curves, moved, size)
        else:
            turned, deltas = work.deltas + 2 * at, work.deltas + 2 * at + size * each
            call_at(functions.set_turns, (z, moved, turned, fan_out, columns, n))
            call_at(functions.set_deltas, (z, work.targets, deltas, fan_out, columns, n))
        row, first = row + fan_out, first + fan_out * (fan_in + 1) * width * each
    return row, first


@compiled
def _return(
    layers,
    curved,
    functions,
    like,
    parameters,
    out,
    row,
    first,
    length,
    fresh,
    work,
    columns,
    width,
):
    """Add the tile's part of the product to `out`."""
    row_bytes = columns * like.itemsize
    for layer in range(layers.size - 1, 0, -1):
        fan_in, fan_out = layers[layer - 1], layers[layer]
        row, first = row - fan_out, first - fan_out * (fan_in + 1) * width * like.itemsize
        at, below = row * row_bytes, (row - fan_in) * row_bytes
        G, turned, deltas = out + first, work.deltas + 2 * at, work.deltas + 2 * at
        deltas += fan_out * row_bytes
        x = work.inputs if layer == 1 else work.values + 2 * below
        shape = fan_out, fan_in, columns, length
        call_at(functions.gradients, (G, turned, x, *shape, 1, fresh))
        if layer > 1:
            beside = x + fan_in * row_bytes
            call_at(functions.gradients, (G, deltas, beside, *shape, 0, 0))
            W, both, product = parameters + first, work.backwards + 2 * first, work.product
            slopes, under = work.slopes + below, work.deltas + 2 * below
            one, two = (fan_in, fan_out, columns), (fan_in, 2 * fan_out, columns)
            behind_it = under + fan_in * row_bytes
            call_at(functions.backwards, (W, behind_it, deltas, slopes, product, *one))
            call_at(functions.backwards, (both, under, turned, slopes, product, *two))
            if curved:
                curves, spare = work.curves + below, work.spare
                call_at(functions.backwards, (W, spare, deltas, curves, product, *one))
                _add(like, under, spare, fan_in * columns)


def _multiplier(alone: bool) -> Any:
    """Make what multiplies the Hessians of a network, or of a vector of them, with a direction."""
    at_once = COLUMNS

    def multiply(layers, curved, parameter, functions, parameters, direction, data, out, work):
        parameters, direction, data, out = borrowed((parameters, direction, data, out))
        layers = borrowed(layers)
        (X, Y), weights, along = data, behind(parameters, 0), behind(direction, 0)
        n, lanes, into = X.shape[1], VECTOR_BYTES // X.itemsize, behind(out, 0)
        width = 1 if alone else lanes
        most = work.columns // width  # examples in a tile
        _stack(layers, X, weights, along, width, work)
        for done in range(0, n, most):
            count = min(most, n - done)
            vectors = (count * width + lanes - 1) // lanes
            columns = (vectors + at_once - 1) // at_once * at_once * lanes
            if alone:
                lay(X, done, work.inputs, columns)
                lay(Y, done, work.targets, columns)
            else:
                every = np.int64(1)
                repeat(X, done, every, work.inputs, columns)
                repeat(Y, done, every, work.targets, columns)
            row, first = _move(
                layers, curved, parameter, functions, X, weights, along, n, work, columns, width
            )
            if alone and count < columns:
                units = layers[layers.size - 1]
                deltas = work.deltas + 2 * (row - units) * columns * X.itemsize
                clear(X, deltas, 2 * units, columns, count)
            fresh = 1 if done == 0 else 0
            _return(
                layers, curved, functions, X, weights, into, row, first, vectors, fresh, work,
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
    columns, arrays = _allocated(network, kind, parameters, X.shape[1])
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
        work = _Work(columns, **{name: of.ctypes.data for name, of in arrays.items()})
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


def _allocated(
    network: kernel.Network, kind: Kind, parameters: Floats, n: int
) -> tuple[int, dict[str, Floats]]:
    """Return how many columns a tile has, and the arrays of a ``_Work`` by their names."""
    layers, size, itemsize = network.layers.tolist(), parameters.shape[1], parameters.itemsize
    units, lanes = sum(layers[1:]), VECTOR_BYTES // itemsize
    all_rows = layers[0] + layers[-1] + _ROWS_PER_UNIT * units
    width = 1 if kind.alone else lanes
    columns = kernel.tile_of(kind, network, all_rows, n, itemsize)
    widest = max(layers)
    rows = {
        **{"inputs": layers[0], "targets": layers[-1], "values": 2 * units, "slopes": units},
        **{"curves": units, "moved": units, "deltas": 2 * units, "spare": widest},
        "product": widest if kind.wide else 0,
    }
    held = {name: kernel.aligned(of * columns, parameters.dtype) for name, of in rows.items()}
    for name in ("forwards", "backwards"):
        held[name] = kernel.aligned(2 * size * width, parameters.dtype)
    return columns, held
