"""Training in the span of the examples is the same training, wherever it is used."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from goodinit import network as oracle
from goodinit.datasets import Dataset
from goodinit.measuring import signals
from goodinit.study.grid import Study, Training, plan
from goodinit.training import Problem, Record, compression, initial, network, prepare
from goodinit.training import train as train_trials


def dataset(n: int, features: int, *, numbers: bool = False, tested: int = 9) -> Dataset:
    """Return random examples of length near 1; what each is depends on all of its features."""
    rng = np.random.default_rng(n + features)
    X = rng.normal(size=(n + tested, features)) / np.sqrt(features)
    y: NDArray[Any] = X.sum(axis=1) + 0.1 * rng.normal(size=n + tested)
    if not numbers:
        y = (y > np.median(y[:n])).astype(np.int64)
    return Dataset("random", X[:n], y[:n], X[n:], y[n:], None if numbers else ("a", "b"))


def study_of(data: Dataset, **asked: Any) -> Study:
    grid: dict[str, Any] = {
        name: asked.pop(name, usual)
        for name, usual in {
            "initializers": ["he_normal", "glorot_uniform", "ones"],
            "hidden": (5, 4),
            "activation": "tanh",
            "learning_rate": [0.01, 0.003],
            "seeds": 2,
            "aside": False,
        }.items()
    }
    return plan(data, **grid, training=Training(**{"iterations": 30, "record": 5, **asked}))


def train(study: Study, *, compressed: bool) -> tuple[Problem, Record]:
    with pytest.MonkeyPatch.context() as patch:
        if not compressed:
            patch.setattr(compression, "applies", lambda *_: False)
        problem = prepare(study)
    assert (problem.span is not None) == compressed
    return problem, train_trials(problem, study.trials)


def full(problem: Problem, record: Record) -> Any:
    """Return the trained parameters over all features, (trials, P)."""
    return np.array([oracle.pack(network(problem, record, i)) for i in range(len(record.trials))])


def difference(found: Any, wanted: Any) -> float:
    return float(np.max(np.abs(found - wanted)) / np.max(np.abs(wanted)))


def assert_same_training(study: Study, tolerance: float = 1e-11) -> None:
    short, long = train(study, compressed=True), train(study, compressed=False)
    assert short[0].layers[0] == len(study.dataset.X_train) < long[0].layers[0]
    assert difference(full(*short), full(*long)) < tolerance
    for name in long[1].curves:
        found, wanted = short[1].curves[name], long[1].curves[name]
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance, err_msg=name)


@st.composite
def studies(draw: st.DrawFn) -> Study:
    n = draw(st.integers(2, 20))
    return study_of(  # rates so low that no run is chaotic
        dataset(n, draw(st.integers(n + 1, 60)), numbers=draw(st.booleans())),
        hidden=draw(st.lists(st.integers(1, 7), max_size=3)),
        activation=draw(st.sampled_from(["tanh", "relu", "gelu", "linear"])),
        optimizer=draw(st.sampled_from(["gradient_descent", "momentum", "nesterov"])),
        momentum=draw(st.sampled_from([0.0, 0.5, 0.9])),
        weight_decay=draw(st.sampled_from([0.0, 0.01, 1.0])),
        batch_size=draw(st.none() | st.integers(1, n)),
        initializers="he_normal",
        learning_rate=[0.003, 0.001],
        iterations=20,
    )


@settings(max_examples=100)
@given(studies())
def test_parameters_and_curves_are_those_of_training_on_all_features(study: Study) -> None:
    """On examples seen and unseen."""
    assert_same_training(study)


@pytest.mark.parametrize("optimizer", ["gradient_descent", "momentum", "nesterov"])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("batch_size", [None, 4])
def test_each_rule_is_the_same_training_with_and_without_decay_and_batches(
    optimizer: str, weight_decay: float, batch_size: int | None
) -> None:
    study = study_of(
        dataset(10, 300), optimizer=optimizer, weight_decay=weight_decay, batch_size=batch_size
    )
    assert_same_training(study)


def test_equal_examples_empty_ones_and_constant_features_leave_it_the_same() -> None:
    """The span then has fewer dimensions than there are examples."""
    data = dataset(12, 50)
    X = data.X_train.copy()
    X[3], X[4], X[:, 7] = X[2], 0, 1
    assert np.linalg.matrix_rank(X) < 12
    assert_same_training(study_of(replace(data, X_train=X), weight_decay=0.01))


def test_examples_set_aside_are_measured_in_the_span_as_outside_of_it() -> None:
    study = study_of(dataset(20, 300), weight_decay=0.1, aside=True)
    assert study.dataset.X_validation is not None
    assert "validation_cost" in train(study, compressed=True)[1].curves
    assert_same_training(study)


def test_float32_is_the_same_training_to_its_own_rounding() -> None:
    assert_same_training(study_of(dataset(10, 200), dtype="float32", weight_decay=0.01), 1e-5)


def test_the_restored_network_makes_of_unseen_examples_what_was_recorded() -> None:
    study = study_of(dataset(10, 200), weight_decay=0.1, optimizer="nesterov")
    problem, record = train(study, compressed=True)
    data, net = study.dataset, study.network
    for i in range(len(study.trials)):
        logits = oracle.forward(net, network(problem, record, i), data.X_test)[0][-1]
        cost = oracle.cost(net, logits, oracle.targets(net, data.y_test))
        assert cost == pytest.approx(record.curves["test_cost"][-1, i], rel=1e-9)


def test_without_decay_nothing_moves_outside_the_span() -> None:
    study = study_of(dataset(10, 200), optimizer="momentum", learning_rate=[0.1, 0.3])
    problem, record = train(study, compressed=True)
    assert problem.span is not None
    basis = problem.span.basis
    for i, trial in enumerate(study.trials):
        start, end = initial(study, trial)[0][0], network(problem, record, i)[0][0]
        moved = end - start
        assert np.abs(moved).max() > 1e-3
        assert np.abs(moved - moved @ basis @ basis.T).max() < 1e-14


def test_no_examples_to_test_are_no_obstacle() -> None:
    study = study_of(dataset(10, 200, tested=0))
    assert difference(*(full(*train(study, compressed=c)) for c in (True, False))) < 1e-9


# ----------------------------------------------------------------------------- where it is used


@pytest.mark.parametrize("optimizer", ["gradient_descent", "momentum", "nesterov"])
def test_it_is_used_where_features_outnumber_the_training_examples(optimizer: str) -> None:
    for features, used in ((19, False), (20, False), (21, True)):
        problem = prepare(study_of(dataset(20, features), optimizer=optimizer))
        assert (problem.span is not None) == used


def test_it_is_not_used_with_adam_for_which_it_would_be_another_training() -> None:
    """Adam's step depends on the axes: in the span's own, it leads elsewhere."""
    study = study_of(dataset(10, 50), optimizer="adam")
    problem, record = train(study, compressed=False)
    assert prepare(study).span is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compression, "applies", lambda *_: True)
        wrong = prepare(study)
    elsewhere = train_trials(wrong, study.trials)
    assert difference(full(wrong, elsewhere), full(problem, record)) > 0.01


# ------------------------------------------------------------------------------ the span itself


@given(st.integers(2, 12), st.integers(1, 30))
def test_the_basis_is_orthonormal_and_holds_every_example(n: int, more: int) -> None:
    data = dataset(n, n + more)
    span = compression.span(data)
    assert span.X_train.shape == (n, n)
    np.testing.assert_allclose(span.basis.T @ span.basis, np.eye(n), atol=1e-13)
    np.testing.assert_allclose(span.X_train @ span.basis.T, data.X_train, atol=1e-13)


def test_the_span_is_the_same_bits_however_many_threads_blas_has() -> None:
    """On examples so many and long that two threads would sum them otherwise than one."""
    data = dataset(100, 6_000)
    with threadpool_limits(1, user_api="blas"):
        alone = compression.span(data)
    with threadpool_limits(2, user_api="blas"):
        found = compression.span(data)
    for name in ("basis", "X_train", "X_test"):
        np.testing.assert_array_equal(getattr(found, name), getattr(alone, name))


@given(
    st.sampled_from(["gradient_descent", "momentum", "nesterov"]),
    st.floats(0, 0.95),
    st.floats(0, 10),
    st.integers(1, 40),
)
def test_shrinkage_is_what_the_rule_makes_of_a_weight_without_gradient(
    optimizer: str, momentum: float, decay: float, iterations: int
) -> None:
    """One decays from 1, at each of two rates, by the rule written out."""
    training = Training(iterations, optimizer, momentum=momentum, weight_decay=decay, record=4)
    rates = np.array([0.01, 0.3])
    weight, velocity, seen = np.ones(2), np.zeros(2), []
    for iteration in range(iterations + 1):
        if iteration in training.moments:
            seen.append(weight)
        slope = decay * weight
        velocity = momentum * velocity + slope
        steps = {"momentum": velocity, "nesterov": slope + momentum * velocity}
        weight = weight - rates * steps.get(optimizer, slope)
    found = compression.shrinkage(training, rates, training.moments)
    np.testing.assert_allclose(found, seen, rtol=1e-12)


def test_a_decay_that_overflows_is_marked_and_not_announced() -> None:
    """Each step multiplies by 1 - 5: this suite makes errors of warnings, and there is none."""
    study = study_of(
        dataset(10, 40), learning_rate=[0.01, 1.0], weight_decay=5.0, iterations=1_000,
        initializers="he_normal",
    )  # fmt: skip
    problem, record = train(study, compressed=True)
    assert record.diverged.tolist() == [False, True] * 2
    assert np.isfinite(full(problem, record)).all(axis=1).tolist() == [True, False] * 2


@pytest.mark.parametrize("initializer", ["he_normal", "ones", "zeros"])
def test_signals_in_the_span_are_those_over_all_features(initializer: str) -> None:
    """Weights outside the span count, as weight decay has left them, in lengths and likeness."""
    study = study_of(dataset(10, 300), weight_decay=0.3, initializers=initializer)
    assert_same_signals(study)


def test_units_that_differ_only_outside_the_span_are_two() -> None:
    """And those that are one are one, however little of them lies in the span."""
    data = dataset(6, 40)
    _, _, axes = np.linalg.svd(data.X_train)
    rows = np.stack([axes[10], axes[10], axes[11], 1e-4 * axes[12], 1e-4 * axes[12], axes[0]])
    study = study_of(data, hidden=(6,), initializers=lambda _, shape: np.resize(rows, shape))
    measured = assert_same_signals(study, 0)
    assert (measured["distinct_units"][:, 0] == 4).all()


def assert_same_signals(study: Study, row: int = -1) -> dict[str, Any]:
    """Return the signals at one of the moments, measured in both ways."""
    moment = study.training.moments[row]
    measured = []
    for compressed in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not compressed:
                patch.setattr(compression, "applies", lambda *_: False)
            problem = prepare(study)
        observe = {moment: partial(seen, moment)}
        measured.append(train_trials(problem, study.trials, threads=1, observe=observe))
    found, wanted = (record.observed[moment][0].layers for record in measured)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], 1e-6, 1e-12, err_msg=name)
    return dict(wanted)


def seen(moment: int, problem: Problem, trials: Any, flat: Any, _state: Any, outside: Any) -> Any:
    return signals.observe(problem, trials, flat, outside, moment)


def test_examples_that_nearly_depend_on_each_other_have_an_orthonormal_basis() -> None:
    """Too nearly for products of examples: reflections find it."""
    data = dataset(12, 50)
    X = data.X_train.copy()
    X[3] = X[2] + 1e-11 * X[4]
    span = compression.span(replace(data, X_train=X))
    np.testing.assert_allclose(span.basis.T @ span.basis, np.eye(12), atol=1e-13)
    np.testing.assert_allclose(span.X_train @ span.basis.T, X, atol=1e-13)
