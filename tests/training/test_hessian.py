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


def multiplied(network: Network, flat: Array, directions: Array, X: Array, targets: Array) -> Array:
    columns = np.ascontiguousarray(X.T), np.ascontiguousarray(targets.T)
    return hessian.multiplier(in_numbers(network), flat, *columns)(directions)


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


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_network_that_overflows_harms_itself_only(output: str) -> None:
    network = Network((3, 5, 2), "tanh", output)
    flat, directions, X, targets = drawn(network, 20, 3)
    sound = multiplied(network, flat, directions, X, targets)
    flat[1] *= 1e300
    found = multiplied(network, flat, directions, X, targets)
    np.testing.assert_array_equal(found[[0, 2]], sound[[0, 2]])
