"""How one network is trained: a vector's lanes hold examples that lie beside each other."""

from typing import Any

from goodinit.training.gradient import gradient_of
from goodinit.training.jit import compiled
from goodinit.training.lanes import behind, borrowed, matrix
from goodinit.training.order import shuffle
from goodinit.training.update import update


@compiled
def _gather(examples, batch, columns, tiles):
    """Copy the examples that `batch` lists into tiles; past its end there are zeros."""
    rows = examples.shape[0]
    for tile in range(-(-batch.size // columns)):
        out = matrix(tiles, tile * rows * columns, rows, columns)
        count = min(columns, batch.size - tile * columns)
        for row in range(rows):
            for j in range(count):
                out[row, j] = examples[row, batch[tile * columns + j]]
            for j in range(count, columns):
                out[row, j] = 0.0


def trainer() -> Any:
    """Make what trains a network through all its iterations."""
    add_gradient = gradient_of(alone=True)

    def train(networks, data, network, follow, batch_size, start, stop, work):
        networks, data, network, work = borrowed((networks, data, network, work))
        parameters, state, seeds = networks
        X, Y = data
        n, features, outputs = X.shape[1], X.shape[0], Y.shape[0]
        columns = work.values.size // network.units[1:].sum()
        batches = (n + batch_size - 1) // batch_size
        order = work.order[0]
        if batches == 1:
            _gather(X, order, columns, work.inputs)
            _gather(Y, order, columns, work.targets)
        for iteration in range(start, stop):
            size = n
            if batches > 1:
                epoch, batch = iteration // batches, iteration % batches
                if batch == 0 or iteration == start:
                    shuffle(order, seeds[0], epoch)
                chosen = order[batch * batch_size : (batch + 1) * batch_size]
                size = chosen.size
                _gather(X, chosen, columns, work.inputs)
                _gather(Y, chosen, columns, work.targets)
            for i in range(work.gradient.size):
                work.gradient[i] = 0.0
            for tile in range(-(-size // columns)):
                inputs = behind(work.inputs, tile * features * columns)
                targets = behind(work.targets, tile * outputs * columns)
                count, sums = min(columns, size - tile * columns), behind(work.gradient, 0)
                add_gradient(
                    network, parameters, columns, size, count, inputs, targets, sums, 0, work
                )
            step = iteration + 1
            update(follow, parameters, work.gradient, state, work.rates, work.decay, step)

    return train
