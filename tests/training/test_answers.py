"""What networks make of examples is the plain network's, and the same bits in any company."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from goodinit import activations
from goodinit.network import Network, forward, unpack
from goodinit.training import answers
from goodinit.training.problem import in_numbers

Array = NDArray[Any]

widths = st.integers(1, 11)
networks = st.builds(
    lambda first, hidden, last, activation: Network((first, *hidden, last), activation, "linear"),
    widths,
    st.lists(widths, max_size=4),
    widths,
    st.sampled_from([*activations.NAMES, "leaky_relu(0.3)"]),
)


def drawn(network: Network, n: int, K: int) -> tuple[Array, Array]:
    """Return parameters of K networks, and examples."""
    random = np.random.default_rng(n)
    size = sum(
        fan_out * (fan_in + 1)
        for fan_in, fan_out in zip(network.layers, network.layers[1:], strict=False)
    )
    return 0.5 * random.normal(size=(K, size)), random.normal(size=(n, network.layers[0]))


def answered(network: Network, flat: Array, X: Array, wide: int = 512) -> Array:
    numbers = in_numbers(network)._replace(wide=wide)
    return answers.logits(numbers, flat, np.ascontiguousarray(X.T))


def assert_plain(network: Network, n: int, K: int, wide: int = 512) -> None:
    flat, X = drawn(network, n, K)
    wanted = forward(network, unpack(network.layers, flat), X)[0][-1]
    found = answered(network, flat, X, wide)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=1e-11, atol=1e-11 * np.abs(wanted).max())


@settings(max_examples=200)
@given(networks, st.integers(1, 200), st.integers(1, 19))
def test_answers_are_the_plain_networks(network: Network, n: int, K: int) -> None:
    assert_plain(network, n, K)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(
    ("hidden", "n", "wide"), [((70, 30), 700, 512), ((130, 50, 41), 1, 512), ((40, 37), 300, 8)]
)
def test_answers_of_wide_networks_are_the_plain_networks(
    hidden: tuple[int, ...], n: int, wide: int, activation: str
) -> None:
    assert_plain(Network((20, *hidden, 3), activation, "linear"), n, 3, wide)


@given(networks, st.integers(1, 90), st.integers(2, 12))
def test_answers_have_the_bits_alone_that_they_have_among_others(
    network: Network, n: int, K: int
) -> None:
    flat, X = drawn(network, n, K)
    among = answered(network, flat, X)
    np.testing.assert_array_equal(among[-1], answered(network, flat[-1:], X)[0])


def test_float32_answers_in_float32() -> None:
    network = Network((3, 8, 2), "tanh", "linear")
    flat, X = drawn(network, 50, 9)
    found = answered(network, flat.astype(np.float32), X.astype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, answered(network, flat, X), rtol=1e-4, atol=1e-5)
