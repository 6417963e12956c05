"""The training kernel computes what the plain network does, to rounding, and always the same bits.

The plain side is ``goodinit.network`` for the gradients; the rules that follow them, and the order
in which mini-batches visit the examples, are written out here.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from visiting import order_of

from goodinit import activations
from goodinit.network import OUTPUTS, Network, Parameters, backward, pack, unpack
from goodinit.training import kernel
from goodinit.training.elementwise import Activation
from goodinit.training.lanes import COLUMNS, VECTOR_BYTES
from goodinit.training.outputs import Output
from goodinit.training.update import MEMORY, Optimizer, Rule

Array = NDArray[Any]

# ------------------------------------------------------------------------------ the plain side


def step_of(optimizer: Optimizer, memory: list[Array], gradient: Array, step: int) -> Array:
    """Return the step along the gradient, by which the rate is multiplied; memory is brought on."""
    mu, nu = optimizer.momentum, optimizer.squares
    match optimizer.rule:
        case Rule.MOMENTUM:
            memory[0] = mu * memory[0] + gradient
            return memory[0]
        case Rule.NESTEROV:
            memory[0] = mu * memory[0] + gradient
            return gradient + mu * memory[0]
        case Rule.ADAM:
            memory[0] = mu * memory[0] + (1 - mu) * gradient
            memory[1] = nu * memory[1] + (1 - nu) * gradient**2
            mean, square = memory[0] / (1 - mu**step), memory[1] / (1 - nu**step)
            return mean / (np.sqrt(square) + optimizer.epsilon)
    return gradient


@dataclass(frozen=True)
class Case:
    """Some networks of one architecture, with examples, and how they are trained."""

    network: Network
    flat: Array  # (K, P), the parameters
    X: Array  # (n, features)
    targets: Array  # (n, outputs)
    rates: Array  # (K,)
    seeds: NDArray[np.uint64]  # (K,)
    batch_size: int
    optimizer: Optimizer
    wide: int = kernel.WIDE
    narrow_tiles: bool = False  # as few examples at a time as vectors can hold

    @property
    def batches(self) -> int:
        return -(-len(self.X) // self.batch_size)


def gradient(case: Case, parameters: Parameters, examples: Any) -> Array:
    slopes = backward(case.network, parameters, case.X[examples], case.targets[examples])
    decay = case.optimizer.weight_decay
    return pack(
        [
            (slope + decay * weights, bias_slope)
            for (slope, bias_slope), (weights, _) in zip(slopes, parameters, strict=True)
        ]
    )


def plainly(case: Case, iterations: int) -> Array:
    """Return the parameters after some iterations of the plain side, (K, P)."""
    n, size = len(case.X), case.batch_size
    rows = []
    for start, rate, seed in zip(case.flat, case.rates, case.seeds, strict=True):
        flat, memory = start, [np.zeros_like(start), np.zeros_like(start)]
        for iteration in range(iterations):
            epoch, batch = divmod(iteration, case.batches)
            visited = order_of(n, int(seed), epoch) if case.batches > 1 else range(n)
            examples = list(visited)[batch * size : (batch + 1) * size]
            slope = gradient(case, unpack(case.network.layers, flat), examples)
            flat = flat - rate * step_of(case.optimizer, memory, slope, iteration + 1)
        rows.append(flat)
    return np.array(rows)


# ----------------------------------------------------------------------------- the kernel's side


def after(
    case: Case, *segments: int, only: Any = slice(None), dtype: str = "float64"
) -> tuple[Any, Any]:
    """Return the kernel's parameters and state after segments of iterations, of some networks."""
    flat = case.flat[only].astype(dtype)
    state = np.zeros((len(flat), MEMORY[Rule(case.optimizer.rule)], flat.shape[1]), dtype)
    spec = case.network.activation.partition("(")[0]
    parameter = activations.read(case.network.activation).parameter
    unit = COLUMNS * VECTOR_BYTES // flat.itemsize
    start = 0
    with pytest.MonkeyPatch.context() as patch:
        if case.narrow_tiles:
            patch.setattr(kernel, "tile_columns", lambda *_: unit)
        for iterations in segments:
            kernel.advance(
                flat,
                state,
                np.ascontiguousarray(case.X.T, dtype),
                np.ascontiguousarray(case.targets.T, dtype),
                network=kernel.Network(
                    np.array(case.network.layers),
                    int(Activation[spec.upper()]),
                    1.0 if spec == "elu" else parameter,
                    int(Output[case.network.output.upper()]),
                    case.wide,
                ),
                optimizer=case.optimizer,
                learning_rates=case.rates[only],
                seeds=case.seeds[only],
                batch_size=case.batch_size,
                start=start,
                iterations=iterations,
            )
            start += iterations
    return flat, state


def difference(found: Any, wanted: Array) -> float:
    return float(np.max(np.abs(found - wanted)) / np.max(np.abs(wanted)))


DESCENT = Optimizer(int(Rule.GRADIENT_DESCENT))


def case_of(
    network: Network, n: int, seed: int = 0, networks: int = 3, batch_size: int = 10**6
) -> Case:
    """Return random networks, whose pre-activations are near 1, on random examples."""
    random = np.random.default_rng(seed)
    outputs = network.layers[-1]
    targets: dict[str, Array] = {
        "sigmoid": random.integers(2, size=(n, outputs)).astype(float),
        "softmax": np.eye(outputs)[random.integers(outputs, size=n)],
        "linear": random.normal(size=(n, outputs)),
    }
    flat = [
        random.normal(size=(networks, fan_out * (fan_in + 1))) / np.sqrt(fan_in + 1)
        for fan_in, fan_out in pairwise(network.layers)
    ]
    return Case(
        network,
        np.concatenate(flat, axis=1),
        random.normal(size=(n, network.layers[0])),
        targets[network.output],
        random.uniform(0.001, 0.01, size=networks),  # so low that no run is chaotic
        random.integers(2**63, size=networks).astype(np.uint64),
        batch_size,
        DESCENT,
    )


SPECS = [*activations.NAMES, "leaky_relu(0.3)"]
widths = st.integers(1, 17)
architectures = st.builds(
    lambda first, hidden, last, activation, output: Network(
        (first, *hidden, last), activation, output
    ),
    widths,
    st.lists(widths, max_size=4),
    widths,
    st.sampled_from(SPECS),
    st.sampled_from(list(OUTPUTS)),
)
optimizers = st.builds(
    Optimizer,
    rule=st.sampled_from([int(rule) for rule in Rule]),
    momentum=st.sampled_from([0.0, 0.5, 0.9]),
    squares=st.sampled_from([0.9, 0.999]),
    # Adam divides by the gradient's size: a tiny ε would magnify rounding where that is nearly 0.
    epsilon=st.just(1e-2),
    weight_decay=st.sampled_from([0.0, 0.1]),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    n = draw(st.integers(1, 70))
    return replace(
        case_of(draw(architectures), n, draw(st.integers(0, 10**6))),
        batch_size=draw(st.integers(1, n + 1)),
        optimizer=draw(optimizers),
        wide=draw(st.sampled_from([kernel.WIDE, 5, 1])),  # at 1, every product is BLAS's
        narrow_tiles=draw(st.booleans()),
    )


# --------------------------------------------------------------------- the same as the plain side


@settings(max_examples=500)
@given(cases(), st.integers(0, 7))
def test_parameters_after_some_iterations_are_the_plain_networks(
    case: Case, iterations: int
) -> None:
    assert difference(after(case, iterations)[0], plainly(case, iterations)) < 1e-12


@settings(max_examples=100)
@given(cases(), st.integers(0, 5))
def test_float32_agrees_to_its_own_rounding(case: Case, iterations: int) -> None:
    found = after(case, iterations, dtype="float32")[0]
    assert found.dtype == np.float32
    assert difference(found, plainly(case, iterations)) < 2e-6


@pytest.mark.parametrize("wide", [kernel.WIDE, 1])
@pytest.mark.parametrize("rule", list(Rule))
@pytest.mark.parametrize("activation", SPECS)
def test_twenty_iterations_of_any_activation_and_rule_are_the_plain_networks(
    activation: str, rule: Rule, wide: int
) -> None:
    """Adam with its own ε; 45 examples in batches of 20 leave a last one of 5."""
    case = case_of(Network((3, 7, 6, 2), activation, "linear"), 45, networks=2, batch_size=20)
    case = replace(case, optimizer=Optimizer(int(rule), weight_decay=0.01), wide=wide)
    assert difference(after(case, 20)[0], plainly(case, 20)) < 1e-9


@pytest.mark.parametrize("layers", [(8, 90, 5), (64, 256, 256, 10), (40, 600, 520, 3)])
@pytest.mark.parametrize("batch_size", [500, 1347])
def test_many_examples_in_many_tiles_train_like_the_plain_network(
    layers: tuple[int, ...], batch_size: int
) -> None:
    """The last with a product wide enough to be BLAS's."""
    case = case_of(Network(layers, "relu", "softmax"), 1347, networks=1, batch_size=batch_size)
    assert difference(after(case, 3)[0], plainly(case, 3)) < 1e-12


@pytest.mark.parametrize("output", OUTPUTS)
def test_outputs_as_far_out_as_a_thousand_are_the_plain_networks(output: str) -> None:
    """Where exp(z) itself would overflow."""
    case = case_of(Network((3, 4), "relu", output), 30)
    case.X[:] *= 2_000
    found = after(case, 1)[0]
    assert np.isfinite(found).all()
    assert difference(found, plainly(case, 1)) < 1e-12


def torch_gradient(torch: Any, case: Case, flat: Array) -> Array:
    """Return PyTorch's gradient of the cost, its own activations and losses included, (P,)."""
    functional = torch.nn.functional
    name = case.network.activation
    hidden: Callable[[Any], Any] = {
        "leaky_relu(0.3)": lambda z: functional.leaky_relu(z, 0.3),
        "linear": lambda z: z,
    }.get(name) or getattr(torch if name in ("tanh", "sigmoid") else functional, name)
    parameters = torch.tensor(flat, requires_grad=True)
    z = torch.tensor(case.X)
    for layer, (weights, biases) in enumerate(unpack(case.network.layers, parameters)):
        z = functional.linear(hidden(z) if layer else z, weights, biases)
    wanted, n = torch.tensor(case.targets), len(case.X)
    cost = {
        "sigmoid": lambda: functional.binary_cross_entropy_with_logits(z, wanted, reduction="sum"),
        "softmax": lambda: functional.cross_entropy(z, wanted, reduction="sum"),
        "linear": lambda: functional.mse_loss(z, wanted, reduction="sum") / 2,
    }[case.network.output]() / n
    cost.backward()
    return np.asarray(parameters.grad.numpy())


@given(cases())
def test_a_step_of_gradient_descent_is_the_rate_times_autograds_gradient(case: Case) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the other side, is not installed")
    one = replace(case, optimizer=DESCENT, batch_size=len(case.X), rates=np.full(3, 0.5))
    slopes = np.array([torch_gradient(torch, one, flat) for flat in one.flat])
    assert difference(after(one, 1)[0], one.flat - 0.5 * slopes) < 1e-12


# ----------------------------------------------------------------------------- the same bits


@settings(max_examples=60)
@given(cases(), st.lists(st.integers(0, 9), min_size=1, max_size=4))
def test_segments_compose_to_the_bit(case: Case, segments: list[int]) -> None:
    """Wherever training is cut, within an epoch too."""
    for whole, parts in zip(after(case, sum(segments)), after(case, *segments), strict=True):
        np.testing.assert_array_equal(whole, parts)


@settings(max_examples=60)
@given(cases(), st.integers(0, 2))
def test_a_network_alone_has_the_bits_it_has_among_others(case: Case, k: int) -> None:
    for among, alone in zip(after(case, 8), after(case, 8, only=slice(k, k + 1)), strict=True):
        np.testing.assert_array_equal(among[k], alone[0])


@settings(max_examples=150)
@given(cases(), st.integers(6, 19), st.sampled_from(["float64", "float32"]), st.integers(8, 4096))
def test_networks_trained_together_have_the_bits_they_have_alone(
    case: Case, networks: int, dtype: str, tile: int
) -> None:
    """However many examples of a slice are in the cache at once, and where no vector is full."""
    case = replace(of_many(case, networks), wide=kernel.WIDE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel, "TOGETHER_BYTES", 64 * tile)
        together = after(case, 3, 2, dtype=dtype)
        patch.setattr(kernel, "FEWEST_TOGETHER", networks + 1)
        for found, alone in zip(together, after(case, 5, dtype=dtype), strict=True):
            np.testing.assert_array_equal(found, alone)


def of_many(case: Case, networks: int) -> Case:
    """Return the same case with more networks, each with its own parameters, rate and order."""
    several = np.random.default_rng(networks)
    some = several.integers(len(case.flat), size=networks)
    return replace(
        case,
        flat=case.flat[some] * several.uniform(0.9, 1.1, size=(networks, 1)),
        rates=case.rates[some],
        seeds=several.integers(2**63, size=networks).astype(np.uint64),
    )


@settings(max_examples=100)
@given(cases(), st.integers(0, 7))
def test_networks_trained_together_are_the_plain_networks(case: Case, iterations: int) -> None:
    case = replace(of_many(case, 6), wide=kernel.WIDE)
    assert kernel.trains_together(
        kernel.Network(np.array(case.network.layers), 0, 0.0, 0), len(case.flat)
    )
    assert difference(after(case, iterations)[0], plainly(case, iterations)) < 1e-12


def test_a_choice_of_activation_output_or_rule_compiles_the_kernel_no_further() -> None:
    """So that a later study finds what an earlier one compiled."""
    compiled: Any = kernel._compiled(True)
    for dtype in ("float64", "float32"):
        after(case_of(Network((2, 1)), 5), 1, dtype=dtype)
    before = len(compiled.signatures)
    for rule in Rule:
        case = case_of(Network((1, 4, 3), "elu", "softmax"), 9, batch_size=4)
        after(replace(case, optimizer=Optimizer(int(rule))), 2)
    assert len(compiled.signatures) == before == 2


@pytest.mark.parametrize("activation", SPECS)
@pytest.mark.parametrize("output", OUTPUTS)
def test_an_overflow_is_the_same_bits_alone_and_together(activation: str, output: str) -> None:
    """Padding takes no part: 0 × ∞ would be no number there."""
    case = case_of(Network((3, 5, 4, 2), activation, output), 21, networks=6)
    case.flat[1] *= 1e300
    case.flat[3] *= 1e150
    together = after(case, 4)[0]
    for k in range(6):
        np.testing.assert_array_equal(together[k], after(case, 4, only=[k])[0][0])


# ------------------------------------------------------------------------------------- overflow


@pytest.mark.parametrize("wide", [kernel.WIDE, 1])
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("activation", SPECS)
def test_a_network_that_overflows_harms_itself_only(
    activation: str, output: str, wide: int
) -> None:
    case = replace(case_of(Network((3, 5, 4, 2), activation, output), 50), wide=wide)
    case.flat[1] *= 1e300
    found = after(case, 5)[0]
    np.testing.assert_array_equal(found[[0, 2]], after(case, 5, only=[0, 2])[0])
    assert np.isfinite(found[[0, 2]]).all()


def test_an_overflow_harms_itself_only_in_products_as_wide_as_blas_takes() -> None:
    case = case_of(Network((20, kernel.WIDE + 9, kernel.WIDE, 3), "relu", "softmax"), 40)
    case.flat[1] *= 1e300
    found = after(case, 2)[0]
    np.testing.assert_array_equal(found[[0, 2]], after(case, 2, only=[0, 2])[0])
    assert np.isfinite(found).all(axis=1).tolist() == [True, False, True]


@pytest.mark.parametrize("wide", [kernel.WIDE, 1])
@pytest.mark.parametrize("rule", [Rule.GRADIENT_DESCENT, Rule.MOMENTUM, Rule.NESTEROV])
def test_too_large_a_rate_ends_in_no_number(rule: Rule, wide: int) -> None:
    case = case_of(Network((3, 5, 2), "linear", "linear"), 50)
    case.rates[1] = 1e3
    found = after(replace(case, optimizer=Optimizer(int(rule)), wide=wide), 500)[0]
    assert np.isfinite(found).all(axis=1).tolist() == [True, False, True]


def test_what_would_overflow_only_beyond_the_last_example_changes_nothing() -> None:
    """A tile has more columns than there are examples. At x = 0 these weights overflow."""
    case = case_of(Network((1, 1, 1, 1), "linear", "linear"), 5, networks=1)
    case.X[:] = 1
    case.flat[0] = [-1e200, 1e200, 1e200, 0, 1e-3, 0]
    case.rates[:] = 0
    np.testing.assert_array_equal(after(case, 1)[0], case.flat)
