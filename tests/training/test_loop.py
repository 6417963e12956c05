"""Batches of trials: what is recorded, the same bits in any company, and what Ctrl-C leaves."""

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from goodinit import network as oracle
from goodinit.datasets import Dataset
from goodinit.errors import ArgumentError
from goodinit.study.grid import OPTIMIZERS, Study, Training, plan
from goodinit.training import (
    MEASURES,
    Problem,
    Record,
    initial,
    kernel,
    loop,
    network,
    prepare,
    train,
)
from goodinit.training.outputs import Output
from goodinit.training.update import MEMORY, Optimizer, Rule

SCHEMES = ["zeros", "he_normal", "glorot_uniform", "orthogonal", "normal(std=0.5)"]


def examples(
    n: int = 40, features: int = 3, *, classes: int | None = 3, tested: int = 15
) -> Dataset:
    """Return random examples of several classes, or with a number to predict."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n + tested, features))
    number = X[:, 0] - X[:, -1] ** 2 + 0.1 * rng.normal(size=n + tested)
    parts = np.arange(1, classes or 1) / (classes or 1)
    y = np.digitize(number, np.quantile(number, parts)) if classes else number
    names = tuple("abc"[:classes]) if classes else None
    return Dataset("random", X[:n], y[:n], X[n:], y[n:], names)


def study_of(dataset: Dataset, **asked: Any) -> Study:
    """Return five schemes × 20 seeds of a small network, with what is asked otherwise."""
    grid: dict[str, Any] = {
        name: asked.pop(name, usual)
        for name, usual in {
            "initializers": SCHEMES,
            "hidden": (7, 5),
            "activation": "tanh",
            "learning_rate": 0.05,
            "seeds": 20,
        }.items()
    }
    return plan(dataset, **grid, training=Training(**{"iterations": 30, "record": 10, **asked}))


def blas(problem: Problem) -> Problem:
    """Return the problem with every product left to BLAS, as wide ones are."""
    return replace(problem, network=problem.network._replace(wide=1))


def assert_same(found: Record, wanted: Record, at: Any = slice(None)) -> None:
    """Assert that two records agree in every bit, the second one at some of its trials."""
    assert found.flat.dtype == wanted.flat.dtype
    np.testing.assert_array_equal(found.flat, wanted.flat[at])
    np.testing.assert_array_equal(found.diverged, wanted.diverged[at])
    for name in MEASURES:
        np.testing.assert_array_equal(found.curves[name], wanted.curves[name][:, at])


# ----------------------------------------------------------------------------- the same bits

FEW = examples(12, features=40)  # fewer examples than features: compressed
MOMENTUM: dict[str, Any] = {"optimizer": "momentum", "batch_size": 16, "weight_decay": 0.01}
PROBLEMS: dict[str, Callable[[], Problem]] = {
    "narrow": lambda: prepare(study_of(examples(), **MOMENTUM)),
    "long": lambda: prepare(study_of(examples(300, tested=100), activation="gelu")),
    "float32": lambda: prepare(study_of(examples(), optimizer="adam", dtype="float32")),
    "blas": lambda: blas(prepare(study_of(examples(), **MOMENTUM))),
    "compressed": lambda: prepare(study_of(FEW, **MOMENTUM | {"batch_size": 5})),
}
each_problem = pytest.mark.parametrize("kind", PROBLEMS)


@cache
def hundred(kind: str) -> tuple[Problem, Record]:
    problem = PROBLEMS[kind]()
    return problem, train(problem, problem.study.trials, threads=1)


@each_problem
@pytest.mark.parametrize("threads", [2, 3, 8])
def test_a_hundred_trials_are_the_same_bits_on_any_number_of_threads(
    kind: str, threads: int
) -> None:
    problem, wanted = hundred(kind)
    assert len(wanted.trials) == 100
    assert_same(train(problem, problem.study.trials, threads=threads), wanted)


@each_problem
@pytest.mark.parametrize("operations", [0, np.inf])
def test_one_thread_measures_the_same_bits_as_several(
    kind: str, operations: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, wanted = hundred(kind)
    monkeypatch.setattr(loop, "_OPERATIONS_ALONE", operations)
    assert_same(train(problem, wanted.trials, threads=3), wanted)


@each_problem
@settings(max_examples=12)
@given(st.lists(st.integers(0, 99), min_size=1, max_size=9, unique=True), st.integers(1, 8))
def test_a_trial_is_the_same_bits_alone_or_among_any_others(
    kind: str, chosen: list[int], threads: int
) -> None:
    problem, wanted = hundred(kind)
    assert_same(train(problem, [wanted.trials[i] for i in chosen], threads=threads), wanted, chosen)


@each_problem
def test_cutting_the_training_for_ctrl_c_changes_no_bit(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, wanted = hundred(kind)
    monkeypatch.setattr(loop, "_OPERATIONS_PER_CALL", 1)
    assert_same(train(problem, wanted.trials, threads=2), wanted)


@each_problem
@pytest.mark.parametrize("record", [7, 100])
def test_looking_more_or_less_often_changes_no_bit(kind: str, record: int) -> None:
    problem, wanted = hundred(kind)
    training = replace(problem.study.training, record=record)
    found = train(replace(problem, study=replace(problem.study, training=training)), wanted.trials)
    np.testing.assert_array_equal(found.flat, wanted.flat)
    for name in MEASURES:
        np.testing.assert_array_equal(found.curves[name][[0, -1]], wanted.curves[name][[0, -1]])


def test_layers_as_wide_as_blas_takes_are_the_same_bits_on_any_number_of_threads() -> None:
    study = study_of(
        examples(70, features=20), hidden=(kernel.WIDE, kernel.WIDE + 3), seeds=1, iterations=4
    )
    problem = prepare(study)
    wanted = train(problem, study.trials, threads=1)
    for threads in (2, 3, 8):
        assert_same(train(problem, study.trials, threads=threads), wanted)
    for i, trial in enumerate(study.trials):
        assert_same(train(problem, [trial]), wanted, [i])


@pytest.mark.parametrize(
    ("batch_size", "several"), [(None, 1), (40, 1), (7, 4)], ids=["all", "as many", "batches"]
)
def test_trials_that_go_the_same_way_are_trained_once(batch_size: int | None, several: int) -> None:
    study = study_of(
        examples(),
        initializers=["zeros", "he_normal"],
        seeds=4,
        batch_size=batch_size,
    )
    record = train(
        prepare(study), study.trials, threads=2, observe={30: lambda _, trials, *__: len(trials)}
    )
    assert sum(record.observed[30]) == several + 4
    for index, trial in enumerate(study.trials):
        assert_same(train(prepare(study), [trial], threads=1), record, at=[index])


def test_every_scheme_visits_the_examples_in_the_same_order() -> None:
    """One feature for each example: the weights that moved tell which examples were seen."""
    one_hot = np.eye(12)
    data = Dataset("one-hot", one_hot, 50 + np.arange(12.0), one_hot[:0], np.zeros(0), None)
    study = study_of(data, hidden=(), batch_size=1, iterations=5, initializers=SCHEMES, seeds=8)
    record = train(prepare(study), study.trials)
    seen: dict[int, set[tuple[int, ...]]] = {}
    for i, trial in enumerate(record.trials):
        start = initial(study, trial)[0][0][0]
        moved = np.flatnonzero(record.flat[i, :12] != start)
        seen.setdefault(trial.seed, set()).add(tuple(moved))
    assert all(len(sets) == 1 and len(*sets) == 5 for sets in seen.values())
    assert len(set.union(*seen.values())) > 5  # and another order for another seed


# --------------------------------------------------------------------------- what is recorded


@pytest.mark.parametrize("classes", [2, 3, None])
def test_curves_are_what_the_plain_network_measures_at_those_iterations(
    classes: int | None,
) -> None:
    study = study_of(examples(classes=classes), seeds=2, iterations=20, record=6)
    problem, data, net = prepare(study), study.dataset, study.network
    record = train(problem, study.trials)
    parts = {"train": (data.X_train, data.y_train), "test": (data.X_test, data.y_test)}
    for i, trial in enumerate(record.trials):
        parameters, wanted = initial(study, trial), {name: list[Any]() for name in MEASURES}
        for iteration in range(21):
            if iteration in study.training.moments:
                for part, (X, y) in parts.items():
                    logits = oracle.forward(net, parameters, X)[0][-1]
                    cost = oracle.cost(net, logits, oracle.targets(net, y))
                    wanted[f"{part}_cost"].append(cost)
                    wanted[f"{part}_accuracy"].append(oracle.score(net, logits, y))
            targets = oracle.targets(net, data.y_train)
            slopes = oracle.backward(net, parameters, data.X_train, targets)
            last, parameters = parameters, oracle.update(parameters, slopes, trial.learning_rate)
        for name in MEASURES:
            np.testing.assert_allclose(
                record.curves[name][:, i], wanted[name], rtol=1e-9, atol=1e-12, err_msg=name
            )
        found = oracle.pack(network(problem, record, i))
        np.testing.assert_allclose(found, oracle.pack(last), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [None, 13, 1000])
@pytest.mark.parametrize("activation", ["leaky_relu(0.2)", "elu", "selu"])
def test_settings_reach_the_kernel_as_they_are_named(
    optimizer: str, batch_size: int | None, activation: str
) -> None:
    """Against the kernel, called with each number in its place."""
    study = study_of(
        examples(), optimizer=optimizer, batch_size=batch_size, momentum=0.7, weight_decay=0.02,
        activation=activation, learning_rate=[0.01, 0.1], seeds=[3, 2**62],
    )  # fmt: skip
    record = train(prepare(study), study.trials)
    flat = np.array([oracle.pack(initial(study, trial)) for trial in study.trials])
    rule, data = Rule[optimizer.upper()], study.dataset
    code, parameter = {"leaky_relu(0.2)": (2, 0.2), "elu": (5, 1.0), "selu": (6, 0.0)}[activation]
    kernel.advance(
        flat, np.zeros((len(flat), MEMORY[rule], flat.shape[1])),
        np.ascontiguousarray(data.X_train.T), np.eye(3)[:, data.y_train].copy(),
        network=kernel.Network(np.array([3, 7, 5, 3]), code, parameter, int(Output.SOFTMAX)),
        optimizer=Optimizer(int(rule), 0.7, 0.999, 1e-8, 0.02),
        learning_rates=np.array([trial.learning_rate for trial in study.trials]),
        seeds=np.array([trial.seed for trial in study.trials], np.uint64),
        batch_size=batch_size or 40, start=0, iterations=30,
    )  # fmt: skip
    np.testing.assert_array_equal(record.flat, flat)


def test_without_examples_to_test_the_test_curves_are_no_numbers() -> None:
    study = study_of(examples(tested=0), seeds=1)
    curves = train(prepare(study), study.trials).curves
    assert np.isnan([curves["test_cost"], curves["test_accuracy"]]).all()
    assert np.isfinite([curves["train_cost"], curves["train_accuracy"]]).all()


def test_the_iterations_reported_add_up() -> None:
    problem, wanted = hundred("narrow")
    made: list[int] = []
    train(problem, wanted.trials[:7], made.append)
    assert sum(made) == 7 * 30
    assert len(made) == 10  # once after each segment


# ----------------------------------------------------------------------------------- overflow


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("data", [examples(classes=None), FEW], ids=["plain", "compressed"])
def test_trials_that_overflow_are_marked_and_harm_no_other(data: Dataset, dtype: str) -> None:
    """Without a warning, of which this suite makes errors."""
    shape: dict[str, Any] = {"activation": "relu", "seeds": 3, "dtype": dtype}
    sound = study_of(data, initializers=["he_normal", "zeros"], **shape)
    mixed = study_of(data, initializers=["he_normal", "normal(std=1e300)", "zeros"], **shape)
    wanted = train(prepare(sound), sound.trials)
    found = train(prepare(mixed), mixed.trials, threads=2)
    wild = np.array(["1e" in trial.initializer for trial in mixed.trials])
    np.testing.assert_array_equal(found.diverged, wild)
    assert not wanted.diverged.any()
    np.testing.assert_array_equal(found.flat[~wild], wanted.flat)
    for name in MEASURES:
        np.testing.assert_array_equal(found.curves[name][:, ~wild], wanted.curves[name])


def test_too_large_a_rate_is_marked_however_late_it_overflows() -> None:
    study = study_of(
        examples(classes=None), learning_rate=[0.01, 3.0], seeds=2, activation="linear",
        iterations=600, initializers="he_normal",
    )  # fmt: skip
    record = train(prepare(study), study.trials)
    assert record.diverged.tolist() == [False, True] * 2
    assert np.isfinite(record.curves["train_cost"][0]).all()


# ------------------------------------------------------------------------- threads and Ctrl-C


def blas_threads() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_blas_has_one_thread_while_training_and_its_own_afterwards() -> None:
    problem, wanted = hundred("blas")
    before, during = blas_threads(), set[int]()
    train(problem, wanted.trials[:3], lambda _: during.update(blas_threads()))
    assert during <= {1}
    assert blas_threads() == before


def test_ctrl_c_leaves_no_thread_running() -> None:
    problem, wanted = hundred("narrow")
    before = threading.active_count(), blas_threads()

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(problem, wanted.trials, interrupt, threads=3)
    assert (threading.active_count(), blas_threads()) == before


# ------------------------------------------------------------------------------ wrong settings


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"optimizer": "adma"}, "optimizer: got 'adma', takes one of .*did you mean 'adam'"),
        ({"optimizer": None}, "optimizer: got 'None', takes one of gradient_descent, momentum"),
        ({"optimizer": ["adam"]}, "optimizer: got .*, takes one of"),
        ({"dtype": "float16"}, "dtype: got 'float16', takes one of float64, float32"),
        ({"dtype": np.float32}, "dtype: got .*, takes one of float64, float32"),
        ({"batch_size": 0}, "batch_size: got 0, takes whole numbers from 1"),
        ({"batch_size": -3}, "batch_size: got -3, takes whole numbers from 1"),
        ({"batch_size": 2.5}, "batch_size: got 2.5, takes whole numbers from 1"),
        ({"batch_size": True}, "batch_size: got True, takes whole numbers from 1"),
        ({"batch_size": 2**63}, "batch_size: got .*, takes whole numbers from 1 to below"),
        ({"momentum": 1.0}, "momentum: got 1.0, takes a number from 0 to below 1"),
        ({"momentum": -0.1}, "momentum: got -0.1, takes a number from 0 to below 1"),
        ({"momentum": float("nan")}, "momentum: got nan, takes a number from 0 to below 1"),
        ({"momentum": "0.9"}, "momentum: got '0.9', takes a number from 0 to below 1"),
        ({"weight_decay": -1e-4}, "weight_decay: got -0.0001, takes a number from 0"),
        ({"weight_decay": float("inf")}, "weight_decay: got inf, takes a number from 0"),
        ({"weight_decay": None}, "weight_decay: got None, takes a number from 0"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused_in_one_line(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{says}") as caught:
        Training(**wrong)
    assert len(str(caught.value).splitlines()) == 1
