"""What is held against the limit of stability, for each optimizer and for mini-batches."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import goodinit as gi
from goodinit.initializers import he_normal
from goodinit.measuring.sharpness import batch_sharpness, sharpness
from goodinit.measuring.stability import bend_moments
from goodinit.network import Network, backward, hessian_vector, initialize, pack, unpack
from goodinit.study.grid import Training
from studies import assert_same

Array = NDArray[Any]
NETWORK = Network((3, 4, 1), "tanh")


def drawn(K: int = 3, n: int = 12) -> tuple[list[tuple[Array, Array]], Array, Array]:
    """Return K networks, examples and targets."""
    rng = np.random.default_rng(0)
    singles = [initialize(NETWORK, he_normal(), seed) for seed in range(K)]
    parameters = [
        (np.stack([one[layer][0] for one in singles]), np.stack([one[layer][1] for one in singles]))
        for layer in range(len(singles[0]))
    ]
    return parameters, rng.normal(size=(n, 3)), rng.integers(0, 2, (n, 1)).astype(float)


def hessian(parameters: list[tuple[Array, Array]], X: Array, targets: Array) -> Array:
    """Return each network's whole Hessian, (K, P, P)."""
    K, P = pack(parameters).shape
    columns = [
        pack(hessian_vector(NETWORK, parameters, X, targets, unpack(NETWORK.layers, e)))
        for e in (np.tile(row, (K, 1)) for row in np.eye(P))
    ]
    return np.stack(columns, axis=-1)


def stability(**asked: Any) -> Array:
    """Return what a comparison of one initializer measured, (seeds, moments)."""
    given: dict[str, Any] = {"initializers": "he_normal", "seeds": 4} | asked
    result = gi.compare(given.pop("data"), **given)
    found: Array = result.sharpness["stability"].to_numpy().reshape(len(result.study.seeds), -1)
    return found


def test_preconditioned_it_is_the_largest_eigenvalue_of_the_preconditioned_hessian() -> None:
    parameters, X, targets = drawn()
    whole = hessian(parameters, X, targets)
    preconditioner = np.random.default_rng(1).uniform(0.01, 2, whole.shape[:2])
    scales = 1 / np.sqrt(preconditioner)
    found = sharpness(NETWORK, parameters, X, targets, 100, scales=scales)
    wanted = np.linalg.eigvals(whole / preconditioner[:, :, np.newaxis]).real.max(axis=1)
    np.testing.assert_allclose(found, wanted, rtol=1e-8)


def test_of_batches_it_is_the_bend_along_their_own_gradients() -> None:
    parameters, X, targets = drawn(n=12)
    whole, gradient = (
        hessian(parameters, X, targets),
        pack(backward(NETWORK, parameters, X, targets)),
    )
    bend = np.einsum("kp,kpq,kq->k", gradient, whole, gradient) / np.sum(gradient**2, axis=1)
    found = batch_sharpness(NETWORK, parameters, X, targets, len(X))
    np.testing.assert_allclose(found, bend, rtol=1e-9)
    above = batch_sharpness(NETWORK, parameters, X, targets, 1)
    tops = [
        np.linalg.eigvalsh(hessian(parameters, X[i : i + 1], targets[i : i + 1]))[:, -1]
        for i in range(len(X))
    ]
    assert (above > found).all()  # single examples bend more sharply than their mean
    assert (above < np.max(tops, axis=0)).all()


def test_the_limits_are_those_of_the_papers() -> None:
    limits = {name: Training(optimizer=name).stability_limit for name in ("momentum", "adam")}
    assert limits == pytest.approx({"momentum": 3.8, "adam": 38.0})
    assert Training(optimizer="nesterov").stability_limit == pytest.approx(3.8 / 2.8)
    assert Training().noise_limit == Training(optimizer="adam").noise_limit == 2.0
    assert Training(optimizer="momentum").noise_limit == pytest.approx(0.2)


def test_adam_trains_at_the_edge_of_stability() -> None:
    """Cohen et al. 2022: the preconditioned sharpness settles at 38 over the learning rate."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (100, 2))
    y = np.sin(2 * X[:, 0]) + X[:, 1]
    asked: dict[str, Any] = {"data": (X, y, X[:0], y[:0]), "hidden": (10, 5), "optimizer": "adam"}
    late = stability(**asked, learning_rate=0.03, iterations=1500, record=10)[:, -3:]
    assert np.median(late) == pytest.approx(1.0, abs=0.1)


def test_adams_first_step_is_held_against_what_it_moves() -> None:
    """It moves every parameter by the learning rate, whatever the gradient's size."""
    given: dict[str, Any] = {"data": "circles", "optimizer": "adam", "iterations": 1}
    one, tenfold = (stability(**given, learning_rate=rate)[:, 0] for rate in (0.01, 0.1))
    np.testing.assert_allclose(10 * one, tenfold)
    assert (stability(**given, learning_rate=3.0)[:, 0] > 4).all()
    assert (one < 0.2).all()


def test_while_adam_has_seen_little_nothing_is_said() -> None:
    given: dict[str, Any] = {"data": "circles", "optimizer": "adam", "iterations": 100}
    found = stability(**given, learning_rate=0.01)
    moments = np.array(bend_moments(Training(iterations=100).moments))
    np.testing.assert_array_equal(np.isnan(found[0]), (moments > 0) & (moments < 20))
    assert (moments < 20).sum() > 3


@pytest.mark.parametrize(
    ("optimizer", "batch_size", "edge"),
    [
        ("gradient_descent", 1, 0.0025),
        ("momentum", 1, 0.0003),
        ("momentum", None, 0.038),
        ("nesterov", None, 0.0136),
    ],
)
def test_linear_regression_fails_where_it_says(
    optimizer: str, batch_size: int | None, edge: float
) -> None:
    """A factor of two below its edge it trains, a factor of four above it grows."""
    rng = np.random.default_rng(0)
    X = rng.normal(0, 10, (100, 3))
    y = X @ np.array([1.0, -2.0, 0.5])
    asked: dict[str, Any] = {
        "initializers": "zeros",
        "hidden": (),
        "standardize": False,
        "iterations": 500,
        "optimizer": optimizer,
        "batch_size": batch_size,
        "seeds": 3,
    }
    below, above = (
        gi.compare((X, y, X[:0], y[:0]), learning_rate=rate, **asked)
        for rate in (edge / 2, 4 * edge)
    )
    assert (below.trials["train_cost"] < 0.1 * below.trials["initial_cost"]).all()
    assert below.sharpness["stability"].max() < 1
    assert not (above.trials["train_cost"] < above.trials["initial_cost"]).any()
    assert above.sharpness["stability"].max() > 2


@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_mini_batches_are_measured_alike_alone_and_when_a_study_goes_on(
    optimizer: str, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {
        "initializers": ["he_normal", "zeros"],
        "optimizer": optimizer,
        "batch_size": 20,
        "iterations": 60,
    }
    gi.compare("moons", seeds=2, out=tmp_path / "study", **asked)
    more = gi.compare("moons", seeds=5, out=tmp_path / "study", **asked)
    assert_same(more, gi.compare("moons", seeds=5, **asked))
    assert np.isfinite(more.sharpness["stability"]).any()
