"""How one network is trained: a vector's lanes hold examples that lie beside each other."""

from typing import Any

from goodinit.training.gradient import gradient_of
from goodinit.training.jit import call_at, compiled
from goodinit.training.lanes import behind, borrowed, numbers
from goodinit.training.update import update


@compiled
def _gather(examples, order, first, count, columns, address):
    """Copy examples in an order, `count` from `first` on, into tiles; past the last there is 0."""
    rows = examples.shape[0]
    for tile in range(-(-count // columns)):
        size = rows * columns
        out = numbers(examples, address + tile * size * examples.itemsize, size)
        held = min(columns, count - tile * columns)
        for row in range(rows):
            for j in range(held):
                out[row * columns + j] = examples[row, order[first + tile * columns + j]]
            for j in range(held, columns):
                out[row * columns + j] = 0.0


def trainer() -> Any:
    """Make what trains a network through all its iterations."""
    add_gradient = gradient_of(alone=True)

    def train(networks, data, network, follow, batch_size, start, stop, work):
        networks, data, network = borrowed((networks, data, network))
        (parameters, state, seeds), (X, Y) = networks, data
        n, P, columns, weights = X.shape[1], parameters.size, work.columns, behind(parameters, 0)
        batches, tile_bytes = (n + batch_size - 1) // batch_size, columns * X.itemsize
        order = numbers(network.units, work.order, n)
        gradient = numbers(parameters, work.gradient, P)
        for iteration in range(start, stop):
            epoch, batch = iteration // batches, iteration % batches
            if batches > 1 and (batch == 0 or iteration == start):
                call_at(work.shuffle, (work.order, behind(seeds, 0), 1, n, epoch))
            begin = batch * batch_size
            size = min(batch_size, n - begin)
            if batches > 1 or iteration == start:
                _gather(X, order, begin, size, columns, work.inputs)
                _gather(Y, order, begin, size, columns, work.targets)
            for i in range(P):
                gradient[i] = 0.0
            for tile in range(-(-size // columns)):
                inputs = work.inputs + tile * X.shape[0] * tile_bytes
                targets = work.targets + tile * Y.shape[0] * tile_bytes
                count = min(columns, size - tile * columns)
                add_gradient(
                    network, parameters, columns, size, count, inputs, targets, work.gradient, 0,
                    work,
                )  # fmt: skip
            memory, step = behind(state, 0), iteration + 1
            update(follow, weights, work.gradient, memory, work.rates, work.decay, P, step)

    return train
