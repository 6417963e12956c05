"""In which order an epoch visits the examples: a function of the seed and the epoch alone.

The generator counts, it keeps no state: any epoch's order is found without those before it, so
that training may stop and go on anywhere, and is the same for every scheme that shares the seed.
"""

from functools import cache

import numpy as np
from numba import carray  # type: ignore[attr-defined]  # public, but not listed
from numba.core.ccallback import CFunc

from goodinit.training.jit import compiled, pointed

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MULTIPLIERS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


@compiled
def _mixed(x):
    """Return the 64 bits of x thoroughly mixed, one to one: the finalizer of splitmix64.

    Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014.
    """
    x = (x ^ (x >> np.uint64(30))) * MULTIPLIERS[0]
    x = (x ^ (x >> np.uint64(27))) * MULTIPLIERS[1]
    return x ^ (x >> np.uint64(31))


@compiled
def shuffle(order, seed, epoch):
    """Fill `order` with a random permutation of 0, 1, …, order.size - 1 (Fisher and Yates).

    Parameters
    ----------
    order : numpy.ndarray of int64, shape (n_examples,)
        Overwritten; n_examples below 2³².
    seed : uint64
        The trial's seed.
    epoch : int
        Counted from 0.
    """
    key = _mixed(_mixed(np.uint64(seed) + GOLDEN) + np.uint64(epoch))
    for last in range(order.size):
        order[last] = last
    for last in range(order.size - 1, 0, -1):
        key += GOLDEN
        # The upper 32 bits as a fraction of last + 1; its bias is below n_examples/2³².
        chosen = np.int64(((_mixed(key) >> np.uint64(32)) * np.uint64(last + 1)) >> np.uint64(32))
        order[last], order[chosen] = order[chosen], order[last]


def _shuffle_all(orders, seeds, networks, n, epoch):
    for network in range(networks):
        shuffle(carray(orders, (networks, n))[network], seeds[network], epoch)


@cache
def shuffler() -> CFunc:
    """Return the compiled ``shuffle`` of some networks' orders, (networks, n), by their seeds."""
    takes = ["int64*", "uint64*", "intp", "intp", "intp"]
    return pointed(_shuffle_all, "shuffle", "int64", *takes)
