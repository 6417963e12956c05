"""How a vector of networks is trained: each lane is a network."""

from functools import cache
from typing import Any

import numpy as np
from numba.core.ccallback import CFunc

from goodinit.training.gradient import gradient_of
from goodinit.training.jit import call_at, compiled, pointed
from goodinit.training.lanes import COLUMNS, VECTOR_BYTES, behind, borrowed, numbers, spread
from goodinit.training.update import update


@compiled
def repeat(examples, first, every, address, columns):
    """Copy each `every`-th example from `first` on into all lanes of rows of `columns` numbers."""
    rows, lanes = examples.shape[0], VECTOR_BYTES // examples.itemsize
    out = numbers(examples, address, rows * columns)
    for row in range(rows):
        for step in range(columns // lanes):
            number = examples[row, min(first + step * every, examples.shape[1] - 1)]
            spread(out, row * columns + step * lanes, number)


@compiled
def _add(like, address, more):
    """Add the parameters' numbers that lie at one address to those at another."""
    out, of = numbers(like, address, like.size), numbers(like, more, like.size)
    for i in range(like.size):
        out[i] += of[i]


def trainer() -> Any:
    """Make what trains a vector of networks through all their iterations."""
    add_gradient = gradient_of(alone=False)
    at_once = COLUMNS

    @compiled
    def find_gradient(network, data, parameters, begin, size, work):
        """Fill work.gradient from the batch of `size` examples that begins at `begin`."""
        (X, Y), P, lanes = data, parameters.size, VECTOR_BYTES // parameters.itemsize
        whole, most, n = P * parameters.itemsize, work.columns // lanes, X.shape[1]
        gradient = numbers(parameters, work.gradient, P)
        partial = numbers(parameters, work.partial, lanes * P)
        slices = numbers(network.units, work.slices, lanes)
        for i in range(P):
            gradient[i] = 0.0
        for opening in range(0, size, work.block):
            held = 0  # sums that wait to be added up
            for place in range(lanes):
                first = begin + opening + slices[place]
                examples = max(0, min(work.block, size - opening) - slices[place] + lanes - 1)
                examples //= lanes
                if examples == 0:
                    for i in range(held * P, (held + 1) * P):
                        partial[i] = 0.0
                for done in range(0, examples, most):
                    count, example = min(most, examples - done), first + done * lanes
                    columns = (count + at_once - 1) // at_once * at_once * lanes
                    if work.order == 0:
                        repeat(X, example, lanes, work.inputs, columns)
                        repeat(Y, example, lanes, work.targets, columns)
                    else:
                        where = work.order, n, example, columns
                        call_at(work.deal, (behind(X, 0), work.inputs, X.shape[0], *where))
                        call_at(work.deal, (behind(Y, 0), work.targets, Y.shape[0], *where))
                    sums, fresh = work.partial + held * whole, 1 if done == 0 else 0
                    add_gradient(
                        network, parameters, columns, size, count * lanes, work.inputs,
                        work.targets, sums, fresh, work,
                    )  # fmt: skip
                held += 1
                pairs = place
                while pairs % 2 == 1:  # the sums of as many slices are added up
                    held -= 1
                    _add(parameters, work.partial + (held - 1) * whole, work.partial + held * whole)
                    pairs //= 2
            _add(parameters, work.gradient, work.partial)

    def train(networks, data, network, follow, batch_size, start, stop, work):
        networks, data, network = borrowed((networks, data, network))
        parameters, state, seeds = networks
        n, P, weights = data[0].shape[1], parameters.size, behind(parameters, 0)
        batches = (n + batch_size - 1) // batch_size
        for iteration in range(start, stop):
            epoch, batch = iteration // batches, iteration % batches
            if batches > 1 and (batch == 0 or iteration == start):
                call_at(work.shuffle, (work.order, behind(seeds, 0), seeds.size, n, epoch))
            begin = batch * batch_size
            find_gradient(network, data, parameters, begin, min(batch_size, n - begin), work)
            memory, step = behind(state, 0), iteration + 1
            update(follow, weights, work.gradient, memory, work.rates, work.decay, P, step)

    return train


@cache
def dealer(dtype: str) -> CFunc:
    """Return what copies every `lanes`-th example in each network's order into its lane.

    It takes examples and where they go, their rows, the orders, each of n, which example is the
    first, and how many numbers a row has.
    """
    lanes = VECTOR_BYTES // np.dtype(dtype).itemsize

    def deal(examples, out, rows, orders, n, first, columns):
        for step in range(columns // lanes):
            place = min(first + step * lanes, n - 1)
            for lane in range(lanes):
                example = orders[lane * n + place]
                for row in range(rows):
                    out[row * columns + step * lanes + lane] = examples[row * n + example]

    counts = ["intp"] * 3
    return pointed(deal, "deal", dtype, "array", "array", "intp", "int64*", *counts)
