"""The training kernel: forward, backward and update of one network, fused, within the cache.

Arrays hold examples last. The examples of a batch are cut into tiles so small that all that a
network computes for one stays in the cache; the gradient is summed over the tiles, the parameters
are updated, and the next iteration begins. Networks are trained one after another and share only
what they read, so a network's numbers are the same, to the bit, alone or among a thousand.
Parallelism is the caller's: the kernel releases the GIL, and each thread takes some networks.

Letters: K networks, P parameters of each, n examples; a tile has `columns` of them.
"""

import math
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodinit.training.elementwise import activate, exp, max_of, sigmoid
from goodinit.training.jit import compiled, entry, spliced
from goodinit.training.lanes import ROWS, VECTOR_BYTES, VECTORS, affine_tile, inner_tile, matrix
from goodinit.training.order import shuffle
from goodinit.training.update import Optimizer, update

Floats = NDArray[np.floating[Any]]

# What a tile's values and slopes may take, to stay in the second-level cache.
TILE_BYTES = 512 * 1024
FEWEST_UNITS = 5
# From this many units on both sides a product is BLAS's, which packs what no cache can hold.
WIDE = 512
FEWEST_UNITS_WIDE = 64


class Output(IntEnum):
    """The last layer's activation, each with the cost whose delta is (output - target)/n."""

    SIGMOID = 0
    SOFTMAX = 1
    LINEAR = 2


class Network(NamedTuple):
    """The architecture that all networks of a call share."""

    layers: NDArray[np.int64]  # units, from the features to the outputs
    activation: int  # an Activation
    parameter: float  # leaky ReLU's slope, ELU's α
    output: int  # an Output
    wide: int = WIDE  # units on both sides from which a product is BLAS's


class _Work(NamedTuple):
    """What a call computes in: flat arrays that hold matrices whose rows have `columns` numbers."""

    inputs: Floats  # a batch: tiles × features × columns
    targets: Floats  # tiles × outputs × columns
    values: Floats  # z, then the activations, of all layers but the features
    deltas: Floats  # slopes of the activations, then ∂cost/∂z
    below: Floats  # ∂cost/∂activation of one layer
    gradient: Floats  # of all parameters
    zeros: Floats  # the bias of a layer run backwards
    ones: Floats  # the feature that a bias multiplies
    order: NDArray[np.int64]  # of the examples in this epoch


def _inner_rows(rows):
    """Make the loop that adds `rows` rows of left @ right.T."""

    @compiled
    def add(out, left, right, row):
        pairs, examples = right.shape[0] // 2, left.shape[1]
        for pair in range(pairs):
            inner_tile(rows, 2, out, left, right, examples, row, 2 * pair)
        if right.shape[0] % 2:
            inner_tile(rows, 1, out, left, right, examples, row, 2 * pairs)

    return add


# One version for each number of rows that may be left over, a constant of its code.
_inner_1, _inner_2, _inner_3, _inner_4 = [_inner_rows(n) for n in range(1, ROWS + 1)]


@compiled
def _affine_wide(out, weights, bias, inputs):
    np.dot(weights, inputs, out)
    for row in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[row, j] += bias[row, 0]


@compiled
def _add_inner_wide(out, left, right):
    product = np.dot(left, right.T)
    for row in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[row, j] += product[row, j]


@compiled
def _affine(out, weights, bias, inputs, wide):
    """Set out to weights @ inputs + bias."""
    rows, terms = weights.shape
    if min(rows, terms) >= wide:
        _affine_wide(out, weights, bias, inputs)
        return
    rest = rows % ROWS
    for column in range(0, out.shape[1], VECTORS * VECTOR_BYTES // out.itemsize):
        for row in range(0, rows - rest, ROWS):
            affine_tile(ROWS, out, weights, bias, inputs, terms, row, column)
        if rest == 3:
            affine_tile(3, out, weights, bias, inputs, terms, rows - 3, column)
        elif rest == 2:
            affine_tile(2, out, weights, bias, inputs, terms, rows - 2, column)
        elif rest == 1:
            affine_tile(1, out, weights, bias, inputs, terms, rows - 1, column)


@compiled
def _add_inner(out, left, right, wide):
    """Add left @ right.T, sums over the examples, to out."""
    if min(out.shape) >= wide:
        _add_inner_wide(out, left, right)
        return
    whole = out.shape[0] // ROWS * ROWS
    rest = out.shape[0] - whole
    for row in range(0, whole, ROWS):
        _inner_4(out, left, right, row)
    if rest == 3:
        _inner_3(out, left, right, whole)
    elif rest == 2:
        _inner_2(out, left, right, whole)
    elif rest == 1:
        _inner_1(out, left, right, whole)


@compiled
def _gather(examples, batch, columns, tiles):
    """Copy the examples that `batch` lists into tiles; past its end its last example is repeated.

    Repeated, and not zero, so that nothing overflows there that does not for a true example.
    """
    rows = examples.shape[0]
    for tile in range(-(-batch.size // columns)):
        out = matrix(tiles, tile * rows * columns, rows, columns)
        for row in range(rows):
            for j in range(columns):
                out[row, j] = examples[row, batch[min(tile * columns + j, batch.size - 1)]]


@spliced
def _forward(network, parameters, inputs, work):
    """Fill values, and the hidden layers' slopes; the last layer's values are left as z."""
    layers, columns = network.layers, inputs.shape[1]
    values, row, first = inputs, 0, 0
    for layer in range(1, layers.size):
        fan_in, fan_out = layers[layer - 1], layers[layer]
        weights = matrix(parameters, first, fan_out, fan_in)
        bias = matrix(parameters, first + fan_out * fan_in, fan_out, 1)
        z = matrix(work.values, row * columns, fan_out, columns)
        _affine(z, weights, bias, values, network.wide)
        if layer < layers.size - 1:
            slopes = matrix(work.deltas, row * columns, fan_out, columns)
            activate(network.activation, network.parameter, z, slopes)
        values, row, first = z, row + fan_out, first + fan_out * (fan_in + 1)


@spliced
def _backward(network, parameters, inputs, work):
    """Add the tile's part of the gradient; the last layer's deltas are there already."""
    layers, columns = network.layers, inputs.shape[1]
    row, first = work.values.size // columns, parameters.size
    for layer in range(layers.size - 1, 0, -1):
        fan_in, fan_out = layers[layer - 1], layers[layer]
        row, first = row - fan_out, first - fan_out * (fan_in + 1)
        deltas = matrix(work.deltas, row * columns, fan_out, columns)
        values = inputs
        if layer > 1:
            values = matrix(work.values, (row - fan_in) * columns, fan_in, columns)
        _add_inner(matrix(work.gradient, first, fan_out, fan_in), deltas, values, network.wide)
        ones = matrix(work.ones, 0, 1, columns)
        bias_gradient = matrix(work.gradient, first + fan_out * fan_in, fan_out, 1)
        _add_inner(bias_gradient, deltas, ones, network.wide)
        if layer > 1:
            below = matrix(work.below, 0, fan_in, columns)
            weights = matrix(parameters, first, fan_out, fan_in)
            _affine(below, weights.T, matrix(work.zeros, 0, fan_in, 1), deltas, network.wide)
            _multiply(matrix(work.deltas, (row - fan_in) * columns, fan_in, columns), below)


@compiled
def _multiply(values, factors):
    for row in range(values.shape[0]):
        for j in range(values.shape[1]):
            values[row, j] *= factors[row, j]


@spliced
def _output_delta(output, z, targets, deltas, n, count):
    """Deltas = (output activation of z - targets)/n in the first `count` columns, and 0 after."""
    if output == Output.SOFTMAX:
        _softmax(z, deltas)
    elif output == Output.SIGMOID:
        _sigmoid(z, deltas)
    else:
        _copy(z, deltas)
    scale = 1.0 / n
    for row in range(z.shape[0]):
        for j in range(z.shape[1]):
            deltas[row, j] = (deltas[row, j] - targets[row, j]) * scale
        for j in range(count, z.shape[1]):
            deltas[row, j] = 0.0


@compiled
def _copy(z, out):
    for row in range(z.shape[0]):
        for j in range(z.shape[1]):
            out[row, j] = z[row, j]


@compiled
def _sigmoid(z, out):
    for row in range(z.shape[0]):
        for j in range(z.shape[1]):
            out[row, j] = sigmoid(z[row, j])


@compiled
def _softmax(z, out):
    """Out = exp(z - max z)/Σ exp(z - max z), column by column; z is spent: its row 0 holds both."""
    rows, columns = z.shape
    _copy(z, out)
    for row in range(1, rows):
        for j in range(columns):
            z[0, j] = max_of(z[0, j], z[row, j])
    for row in range(rows):
        for j in range(columns):
            out[row, j] = exp(out[row, j] - z[0, j])
    for j in range(columns):
        z[0, j] = out[0, j]
    for row in range(1, rows):
        for j in range(columns):
            z[0, j] += out[row, j]
    for row in range(rows):
        for j in range(columns):
            out[row, j] /= z[0, j]


@spliced
def _find_gradient(network, parameters, size, columns, work):
    """Fill work.gradient from the batch of `size` examples in work's tiles."""
    features, outputs = network.layers[0], network.layers[-1]
    last = work.values.size - outputs * columns
    for i in range(work.gradient.size):
        work.gradient[i] = 0.0
    for tile in range(-(-size // columns)):
        inputs = matrix(work.inputs, tile * features * columns, features, columns)
        targets = matrix(work.targets, tile * outputs * columns, outputs, columns)
        z = matrix(work.values, last, outputs, columns)
        deltas = matrix(work.deltas, last, outputs, columns)
        _forward(network, parameters, inputs, work)
        count = min(columns, size - tile * columns)
        _output_delta(network.output, z, targets, deltas, size, count)
        _backward(network, parameters, inputs, work)


@spliced
def _train(networks, data, network, optimizer, batch_size, start, stop, work):
    """Train network after network, each through all its iterations."""
    parameters, state, rates, seeds = networks
    X, Y = data
    n, columns = X.shape[1], work.ones.size
    batches = (n + batch_size - 1) // batch_size
    if batches == 1:
        _gather(X, work.order, columns, work.inputs)
        _gather(Y, work.order, columns, work.targets)
    for k in range(parameters.shape[0]):
        for iteration in range(start, stop):
            size = n
            if batches > 1:
                epoch, batch = iteration // batches, iteration % batches
                if batch == 0 or iteration == start:
                    shuffle(work.order, seeds[k], epoch)
                chosen = work.order[batch * batch_size : (batch + 1) * batch_size]
                size = chosen.size
                _gather(X, chosen, columns, work.inputs)
                _gather(Y, chosen, columns, work.targets)
            _find_gradient(network, parameters[k], size, columns, work)
            step = iteration + 1
            update(network, optimizer, parameters[k], work.gradient, state[k], rates[k], step)


def _make(version):
    def train(networks, data, network, optimizer, batch_size, start, stop, work):
        version  # noqa: B018 -- a part of the cache's key
        _train(networks, data, network, optimizer, batch_size, start, stop, work)

    return train


_compiled_train = entry(_make)


def tile_columns(layers: list[int], batch_size: int, itemsize: int, wide: int = WIDE) -> int:
    """How many examples a tile has: whole vectors, in tiles of equal size that fit the cache.

    But never below FEWEST_UNITS where there are as many: each tile adds to the whole gradient, and
    that must stay a small part of the work.
    """
    unit = VECTORS * VECTOR_BYTES // itemsize
    rows = layers[0] + 2 * sum(layers[1:]) + max(layers)
    fewest = FEWEST_UNITS_WIDE if sum(units >= wide for units in layers) > 1 else FEWEST_UNITS
    most = max(fewest, TILE_BYTES // (rows * itemsize * unit))
    units = math.ceil(batch_size / unit)
    units = math.ceil(units / math.ceil(units / most))
    # Rows a multiple of 1 kB apart would compete for the same few places of the first-level cache.
    if units > 4 and units % 4 == 0:
        units += 1
    return units * unit


def _allocated(network: Network, n: int, batch_size: int, parameters: Floats) -> _Work:
    layers, dtype = network.layers.tolist(), parameters.dtype
    columns = tile_columns(layers, batch_size, dtype.itemsize, network.wide)
    padded = math.ceil(batch_size / columns) * columns
    ones = _aligned(columns, dtype)
    ones[:] = 1.0
    return _Work(
        inputs=_aligned(padded * layers[0], dtype),
        targets=_aligned(padded * layers[-1], dtype),
        values=_aligned(columns * sum(layers[1:]), dtype),
        deltas=_aligned(columns * sum(layers[1:]), dtype),
        below=_aligned(columns * max(layers), dtype),
        gradient=_aligned(parameters.shape[1], dtype),
        zeros=_aligned(max(layers), dtype),
        ones=ones,
        order=np.arange(n),
    )


def _aligned(size: int, dtype: np.dtype[Any]) -> Floats:
    """Zeros that begin at a cache line, so that no vector straddles two."""
    flat = np.zeros(size + VECTOR_BYTES // dtype.itemsize, dtype)
    first = -flat.ctypes.data % VECTOR_BYTES // dtype.itemsize
    return flat[first : first + size]


def advance(
    parameters: Floats,
    state: Floats,
    X: Floats,
    Y: Floats,
    *,
    network: Network,
    optimizer: Optimizer,
    learning_rates: NDArray[np.float64],
    seeds: NDArray[np.uint64],
    batch_size: int,
    start: int,
    iterations: int,
) -> None:
    """Train K networks by some iterations, in place; holds no lock, so threads may share the work.

    One call of `a + b` iterations and two of `a` and `b` give the same bits, and so do K networks
    in one call and in K. The first call with an element type compiles, for some seconds, or loads
    what an earlier process compiled; with `iterations=0` it does only that.

    Parameters
    ----------
    parameters : numpy.ndarray of float64 or float32, shape (K, P)
        Each network's W (fan_out, fan_in) and b (fan_out,), layer after layer. Overwritten.
    state : numpy.ndarray, shape (K, MEMORY[optimizer.rule], P)
        What the optimizer remembers; zeros before the first iteration. Overwritten.
    X : numpy.ndarray, shape (features, n)
        The examples, in columns.
    Y : numpy.ndarray, shape (outputs, n)
        The targets: 0 or 1, one-hot, or real numbers.
    network, optimizer : Network, Optimizer
        Common to all.
    learning_rates, seeds : numpy.ndarray, shape (K,)
        Each network's learning rate, and the seed that orders its examples.
    batch_size : int
        n or more is the full batch. Otherwise an epoch visits all examples once, in a new order,
        and its last batch may be smaller; one batch is one iteration.
    start : int
        How many iterations were done before this call.
    iterations : int
        How many to do now.

    Notes
    -----
    All arrays have the element type of `parameters` and are C-contiguous; nothing is checked.
    Weights that overflow become infinite or NaN by the rules of IEEE 754, in their network alone.
    """
    batch_size = min(batch_size, X.shape[1])
    work = _allocated(network, X.shape[1], batch_size, parameters)
    networks = parameters, state, learning_rates, seeds
    _compiled_train(
        networks, (X, Y), network, optimizer, batch_size, start, start + iterations, work
    )
