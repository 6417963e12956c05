"""The compiled order of the examples is the documented one, and as random as it should be."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from visiting import order_of

from goodinit.training import jit, order

shuffle = order.shuffle


def _orders(orders: NDArray[np.int64], seed: np.uint64) -> None:
    for epoch in range(len(orders)):
        shuffle(orders[epoch], seed, epoch)


_fill: Any = jit.entry(_orders, "orders")


def orders_of(n: int, seed: int, epochs: int) -> NDArray[np.int64]:
    """Return the kernel's order of each epoch, (epochs, n)."""
    orders = np.empty((epochs, n), np.int64)
    _fill(orders, np.uint64(seed))
    return orders


@given(st.integers(1, 300), st.integers(0, 2**63 - 1))
def test_the_order_is_the_documented_permutation(n: int, seed: int) -> None:
    orders = orders_of(n, seed, 3)
    assert orders.tolist() == [order_of(n, seed, epoch) for epoch in range(3)]
    assert (np.sort(orders, axis=1) == np.arange(n)).all()


def test_no_two_seeds_or_epochs_share_an_order() -> None:
    """Of 20 examples there are 2.4e18 orders: not one pair of 10,000 is expected to be equal."""
    orders = np.concatenate([orders_of(20, seed, 100) for seed in range(100)])
    assert len(np.unique(orders, axis=0)) == 10_000


@pytest.mark.parametrize("seed", [0, 1, 42])
def test_each_example_comes_equally_often_at_each_place(seed: int) -> None:
    """χ² with 81 degrees of freedom over 20,000 epochs: 134 is exceeded once in 5,000."""
    k, epochs = 10, 20_000
    orders = orders_of(k, seed, epochs)
    counts = np.array([np.bincount(place, minlength=k) for place in orders.T])
    assert (k - 1) / k * np.sum((counts - epochs / k) ** 2 / (epochs / k)) < 134


@pytest.mark.parametrize("seed", [0, 1])
def test_an_epoch_does_not_tell_the_next(seed: int) -> None:
    """First examples of two epochs in turn: χ² with 99 degrees of freedom, 157 as rare as above."""
    k, epochs = 10, 20_000
    first = orders_of(k, seed, epochs)[:, 0]
    pairs = np.bincount(k * first[::2] + first[1::2], minlength=k**2)
    expected = epochs / 2 / k**2
    assert np.sum((pairs - expected) ** 2 / expected) < 157
