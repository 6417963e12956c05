"""How a vector of networks is trained: each lane is a network."""

from typing import Any

from goodinit.training.gradient import gradient_of
from goodinit.training.jit import compiled, spliced
from goodinit.training.lanes import (
    COLUMNS,
    VECTOR_BYTES,
    behind,
    borrowed,
    matrix,
    spread,
    stretch,
)
from goodinit.training.order import shuffle
from goodinit.training.update import update


@compiled
def repeat(examples, first, every, out):
    """Copy each `every`-th example from `first` on into all lanes."""
    lanes = VECTOR_BYTES // out.itemsize
    for row in range(out.shape[0]):
        for step in range(out.shape[1] // lanes):
            number = examples[row, min(first + step * every, examples.shape[1] - 1)]
            spread(out, row, step * lanes, number)


@compiled
def _deal(examples, order, first, out):
    """Copy every `lanes`-th example from `first` on in each network's order into its lane."""
    lanes = VECTOR_BYTES // out.itemsize
    for step in range(out.shape[1] // lanes):
        place = min(first + step * lanes, examples.shape[1] - 1)
        for lane in range(lanes):
            example = order[lane, place]
            for row in range(out.shape[0]):
                out[row, step * lanes + lane] = examples[row, example]


@spliced
def _fill(data, work, in_order, first, columns):
    """Fill a tile with every `lanes`-th example from `first` on."""
    X, Y = data
    inputs = matrix(work.inputs, 0, X.shape[0], columns)
    targets = matrix(work.targets, 0, Y.shape[0], columns)
    if in_order:
        repeat(X, first, VECTOR_BYTES // X.itemsize, inputs)
        repeat(Y, first, VECTOR_BYTES // Y.itemsize, targets)
    else:
        _deal(X, work.order, first, inputs)
        _deal(Y, work.order, first, targets)


@compiled
def _add_up(work, held, place, size):
    """Add up the sums that wait, in pairs of as many slices; return how many wait then."""
    while place % 2 == 1:
        held -= 1
        total = stretch(work.partial, (held - 1) * size, size)
        more = stretch(work.partial, held * size, size)
        for i in range(size):
            total[i] += more[i]
        place //= 2
    return held


def trainer() -> Any:
    """Make what trains a vector of networks through all their iterations."""
    add_gradient = gradient_of(alone=False)
    at_once = COLUMNS

    @spliced
    def find_gradient(network, data, parameters, begin, size, in_order, work):
        """Fill work.gradient from the batch of `size` examples that begins at `begin`."""
        lanes = VECTOR_BYTES // parameters.itemsize
        most = work.inputs.size // data[0].shape[0] // lanes  # examples in a tile
        block, P = work.slices[lanes], parameters.size
        for i in range(P):
            work.gradient[i] = 0.0
        for opening in range(0, size, block):
            held = 0  # sums that wait to be added up
            for place in range(lanes):
                first = opening + work.slices[place]
                examples = max(0, min(block, size - opening) - work.slices[place] + lanes - 1)
                examples //= lanes
                if examples == 0:
                    for i in range(held * P, (held + 1) * P):
                        work.partial[i] = 0.0
                for done in range(0, examples, most):
                    count = min(most, examples - done)
                    columns = (count + at_once - 1) // at_once * at_once * lanes
                    example = begin + first + done * lanes
                    _fill(data, work, in_order, example, columns)
                    add_gradient(
                        network, parameters, columns, size, count * lanes, behind(work.inputs, 0),
                        behind(work.targets, 0), behind(work.partial, held * P),
                        1 if done == 0 else 0, work,
                    )  # fmt: skip
                held = _add_up(work, held + 1, place, P)
            for i in range(P):
                work.gradient[i] += work.partial[i]

    def train(networks, data, network, follow, batch_size, start, stop, work):
        networks, data, network, work = borrowed((networks, data, network, work))
        parameters, state, seeds = networks
        n = data[0].shape[1]
        batches = (n + batch_size - 1) // batch_size
        for iteration in range(start, stop):
            epoch, batch = iteration // batches, iteration % batches
            if batches > 1 and (batch == 0 or iteration == start):
                for lane in range(seeds.size):
                    shuffle(work.order[lane], seeds[lane], epoch)
            begin = batch * batch_size
            size = min(batch_size, n - begin)
            find_gradient(network, data, parameters, begin, size, batches == 1, work)
            step = iteration + 1
            update(follow, parameters, work.gradient, state, work.rates, work.decay, step)

    return train
