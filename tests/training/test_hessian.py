"""Compiled Hessian-vector products are the plain network's, and the same bits in any company."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from goodinit import activations
from goodinit.network import OUTPUTS, Network, hessian_vector, pack, unpack
from goodinit.training import hessian
from goodinit.training.problem import in_numbers

Array = NDArray[Any]

SPECS = [*activations.NAMES, "leaky_relu(0.3)"]
widths = st.integers(1, 11)
networks = st.builds(
    lambda first, hidden, last, activation, output: Network(
        (first, *hidden, last), activation, output
    ),
    widths,
    st.lists(widths, max_size=4),
    widths,
    st.sampled_from(SPECS),
    st.sampled_from(list(OUTPUTS)),
)


def drawn(network: Network, n: int, K: int) -> tuple[Array, Array, Array, Array]:
    """Return parameters and directions of K networks, examples, and targets."""
    random = np.random.default_rng(n)
    scales = np.concatenate(
        [
            np.full(fan_out * (fan_in + 1), 1 / np.sqrt(fan_in + 1))
            for fan_in, fan_out in pairwise(network.layers)
        ]
    )
    flat, directions = random.normal(size=(2, K, len(scales))) * scales
    targets = random.dirichlet(np.ones(network.layers[-1]), size=n)
    return flat, directions, random.normal(size=(n, network.layers[0])), targets


def multiplied(
    network: Network,
    flat: Array,
    directions: Array,
    X: Array,
    targets: Array,
    *,
    wide: int = 512,
) -> Array:
    columns = np.ascontiguousarray(X.T), np.ascontiguousarray(targets.T)
    numbers = in_numbers(network)._replace(wide=wide)
    return hessian.multiplier(numbers, flat, *columns)(directions, np.ones(len(flat), bool))


@settings(max_examples=200)
@given(networks, st.integers(1, 90), st.integers(1, 9))
def test_products_are_the_plain_networks(network: Network, n: int, K: int) -> None:
    flat, directions, X, targets = drawn(network, n, K)
    moved = unpack(network.layers, directions)
    wanted = pack(hessian_vector(network, unpack(network.layers, flat), X, targets, moved))
    found = multiplied(network, flat, directions, X, targets)
    assert np.max(np.abs(found - wanted)) <= 1e-12 * np.max(np.abs(wanted))


@given(networks, st.integers(1, 90), st.integers(2, 9))
def test_a_product_has_the_bits_alone_that_it_has_among_others(
    network: Network, n: int, K: int
) -> None:
    flat, directions, X, targets = drawn(network, n, K)
    among = multiplied(network, flat, directions, X, targets)
    alone = multiplied(network, flat[-1:], directions[-1:], X, targets)
    np.testing.assert_array_equal(among[-1], alone[0])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize(
    ("hidden", "n", "wide"),
    [((70, 30), 1, 512), ((70, 30), 700, 512), ((33, 50, 41), 100, 512), ((40, 37), 300, 8)],
)
def test_products_of_wide_networks_are_the_plain_networks(
    hidden: tuple[int, ...], n: int, wide: int, output: str, activation: str
) -> None:
    """Whose lanes hold examples, and whose widest products are left to BLAS."""
    network = Network((20, *hidden, 3), activation, output)
    flat, directions, X, targets = drawn(network, n, 2)
    moved = unpack(network.layers, directions)
    wanted = pack(hessian_vector(network, unpack(network.layers, flat), X, targets, moved))
    found = multiplied(network, flat, directions, X, targets, wide=wide)
    assert np.max(np.abs(found - wanted)) <= 1e-12 * np.max(np.abs(wanted))
    alone = multiplied(network, flat[-1:], directions[-1:], X, targets, wide=wide)
    np.testing.assert_array_equal(found[-1], alone[0])


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_network_that_overflows_harms_itself_only(output: str) -> None:
    network = Network((3, 5, 2), "tanh", output)
    flat, directions, X, targets = drawn(network, 20, 3)
    sound = multiplied(network, flat, directions, X, targets)
    flat[1] *= 1e300
    found = multiplied(network, flat, directions, X, targets)
    np.testing.assert_array_equal(found[[0, 2]], sound[[0, 2]])
