"""The training kernel: forward, backward and update of networks, fused, within the cache.

Arrays hold examples last. The examples of a batch are cut into blocks, and a block into as many
slices as a vector has lanes: example j of a block belongs to slice j modulo that. The gradient of a
block is the sum over the slices, by halves, of each slice's sum over its examples, in their order.

That is what a vector computes whose lanes hold the slices of one network, which is how a few
networks train, each ``alone``. It is also what a vector computes whose lanes hold a network each,
slice after slice, which is how narrow networks train ``together``: nothing is summed across lanes
there, so that the processor multiplies and adds nearly all the time. So a network's numbers are the
same, to the bit, alone or among a thousand. Parallelism is the caller's: the kernel releases the
GIL, and each thread takes some networks.

Letters: K networks, P parameters of each, n examples; a tile has `columns` numbers in a row.
"""

import math
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodinit.training import alone as lone
from goodinit.training import together
from goodinit.training.elementwise import Activation, activate
from goodinit.training.gradient import Floats, Layers, Work
from goodinit.training.jit import entry, pointer_of
from goodinit.training.lanes import COLUMNS, VECTOR_BYTES
from goodinit.training.order import shuffler
from goodinit.training.outputs import Output, set_deltas
from goodinit.training.products import Kind, backwards, forwards, gradients
from goodinit.training.update import Optimizer, follow

# What a tile's values and slopes may take, to stay in the second-level cache: alone of all examples
# of a block, together of a slice's.
TILE_BYTES = 512 * 1024
TOGETHER_BYTES = 96 * 1024
FEWEST_UNITS = 5
# From this many units on both sides a product is BLAS's, which packs what no cache can hold.
WIDE = 512
FEWEST_UNITS_WIDE = 64
# So many networks are trained together, where the parameters of a vector of them are few enough for
# the cache.
FEWEST_TOGETHER = 6
MOST_TOGETHER = 128 * 1024  # bytes


class Network(NamedTuple):
    """The architecture that all networks of a call share."""

    layers: NDArray[np.int64]  # units, from the features to the outputs
    activation: int  # an Activation
    parameter: float  # leaky ReLU's slope, ELU's α
    output: int  # an Output
    wide: int = WIDE  # units on both sides from which a product is BLAS's


@cache
def _compiled(alone: bool) -> Any:
    return entry((lone if alone else together).trainer(), f"alone {alone}")


def tile_columns(
    layers: list[int], batch_size: int, itemsize: int, wide: int = WIDE, rows: int | None = None
) -> int:
    """How many examples a block has: whole vectors, in tiles of equal size that fit the cache.

    But never below FEWEST_UNITS where there are as many: each tile adds to the whole gradient, and
    that must stay a small part of the work. `rows` are held of a tile, those of training if None.
    """
    unit = COLUMNS * VECTOR_BYTES // itemsize
    rows = rows or layers[0] + 2 * sum(layers[1:]) + max(layers)
    fewest = FEWEST_UNITS_WIDE if sum(units >= wide for units in layers) > 1 else FEWEST_UNITS
    most = max(fewest, TILE_BYTES // (rows * itemsize * unit))
    units = math.ceil(batch_size / unit)
    units = math.ceil(units / math.ceil(units / most))
    # Rows a multiple of 1 kB apart would compete for the same few places of the first-level cache.
    if units > 4 and units % 4 == 0:
        units += 1
    return units * unit


def tile_of(kind: Kind, network: Network, rows: int, n: int, itemsize: int) -> int:
    """Return how many numbers each of so many rows has of n examples at once, to fit the cache."""
    if kind.alone:
        return tile_columns(network.layers.tolist(), n, itemsize, network.wide, rows)
    step = COLUMNS
    most = max(1, TOGETHER_BYTES // (rows * VECTOR_BYTES * step))
    return min(most, -(-n // step)) * step * (VECTOR_BYTES // itemsize)


def trains_together(network: Network, networks: int) -> bool:
    """Whether so many networks are trained together, for speed alone."""
    size = sum(fan_out * (fan_in + 1) for fan_in, fan_out in pairwise(network.layers.tolist()))
    narrow = not _widest(network) and size * VECTOR_BYTES <= MOST_TOGETHER
    return narrow and networks >= FEWEST_TOGETHER


def kind_of(network: Network, networks: int) -> Kind:
    """Return which compiled code so many networks take."""
    return Kind(not trains_together(network, networks), _widest(network))


def fitting(network: Network, networks: int, dtype: np.dtype[Any]) -> int:
    """Return how many of so many networks are best trained by one call: a vector's, or one."""
    return VECTOR_BYTES // dtype.itemsize if trains_together(network, networks) else 1


def _widest(network: Network) -> int:
    """Return from where on products are BLAS's, 0 where none is."""
    pairs = pairwise(network.layers.tolist())
    return network.wide if max(min(pair) for pair in pairs) >= network.wide else 0


class _Held(NamedTuple):
    """The arrays behind a ``Work``."""

    inputs: Floats
    targets: Floats
    values: Floats
    deltas: Floats
    spare: Floats
    gradient: Floats
    partial: Floats
    rates: NDArray[np.float64]
    decay: NDArray[np.float64]
    slices: NDArray[np.int64]
    order: NDArray[np.int64]


def _allocated(
    network: Network, n: int, batch_size: int, lone: bool, dtype: Any
) -> tuple[Work, _Held]:
    layers, lanes = network.layers.tolist(), VECTOR_BYTES // dtype.itemsize
    block = tile_columns(layers, batch_size, dtype.itemsize, network.wide)
    size = sum(fan_out * (fan_in + 1) for fan_in, fan_out in pairwise(layers))
    columns, tiles, width, levels = block, math.ceil(batch_size / block), 1, 0
    if not lone:
        rows = layers[0] + layers[-1] + 2 * sum(layers[1:])
        most = max(1, TOGETHER_BYTES // (rows * VECTOR_BYTES * COLUMNS))
        steps = math.ceil(block / lanes / COLUMNS)  # of a slice, several examples each
        columns = math.ceil(steps / math.ceil(steps / most)) * COLUMNS * lanes
        tiles, width, levels = 1, lanes, int(math.log2(lanes)) + 1
    slices = [int(f"{i:0{int(math.log2(lanes))}b}"[::-1], 2) for i in range(lanes)]
    held = _Held(
        inputs=aligned(tiles * columns * layers[0], dtype),
        targets=aligned(tiles * columns * layers[-1], dtype),
        values=aligned(columns * sum(layers[1:]), dtype),
        deltas=aligned(columns * sum(layers[1:]), dtype),
        spare=aligned(columns * max(layers) if _widest(network) else 0, dtype),
        gradient=aligned(size * width, dtype),
        partial=aligned(levels * size * width, dtype),
        rates=np.empty(size * width),
        decay=np.empty(size * width),
        slices=np.array(slices),
        order=np.tile(np.arange(n), (width, 1)),
    )
    places = {name: array.ctypes.data for name, array in held._asdict().items()}
    ordered = batch_size < n
    if not lone and not ordered:
        places["order"] = 0
    work = Work(
        columns,
        block,
        **places,
        shuffle=pointer_of(shuffler()) if ordered else 0,
        deal=pointer_of(together.dealer(dtype.name)) if ordered and not lone else 0,
    )
    return work, held


def aligned(size: int, dtype: np.dtype[Any]) -> Floats:
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
    K, kind = len(parameters), kind_of(network, len(parameters))
    batch_size = min(batch_size, X.shape[1])
    work, held = _allocated(network, X.shape[1], batch_size, kind.alone, parameters.dtype)
    width = len(held.order)
    train, dtype = _compiled(kind.alone), parameters.dtype.name
    rule, relu = follow(optimizer, dtype), network.activation == Activation.RELU
    layers = Layers(
        network.layers,
        relu,
        network.parameter,
        0 if relu else pointer_of(activate(Activation(network.activation), dtype)),
        pointer_of(set_deltas(Output(network.output), dtype)),
        pointer_of(forwards(kind, dtype)),
        pointer_of(backwards(kind, relu, dtype)),
        pointer_of(gradients(kind, dtype)),
    )
    held.decay[:] = np.repeat(_decay(network, optimizer.weight_decay), width)
    for first in range(0, K, width):
        # A vector that K does not fill trains its last network several times over.
        chosen = np.minimum(np.arange(first, first + width), K - 1)
        flat = in_lanes(parameters[chosen])
        memory = in_lanes(state[chosen])
        held.rates.reshape(-1, width)[:] = learning_rates[chosen]
        train(
            (flat.reshape(-1), memory.reshape(len(memory), flat.size), seeds[chosen]), (X, Y),
            layers, rule, batch_size, start, start + iterations, work,
        )  # fmt: skip
        used = min(width, K - first)
        parameters[first : first + used] = np.moveaxis(flat, -1, 0)[:used]
        state[first : first + used] = np.moveaxis(memory, -1, 0)[:used]


def in_lanes(arrays: Floats) -> Floats:
    """Return arrays (networks, ..., P) as (..., P, networks), beginning at a cache line."""
    moved = np.moveaxis(arrays, 0, -1)
    out = aligned(moved.size, arrays.dtype).reshape(moved.shape)
    out[...] = moved
    return out


def _decay(network: Network, weight_decay: float) -> NDArray[np.float64]:
    """Return λ for every weight and 0 for every bias."""
    layers = network.layers.tolist()
    return np.concatenate(
        [
            np.repeat([weight_decay, 0.0], [fan_out * fan_in, fan_out])
            for fan_in, fan_out in pairwise(layers)
        ]
    )
