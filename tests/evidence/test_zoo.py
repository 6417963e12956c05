"""The verdict on the zoo: each network gets its label, alone and in company, whoever it is."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from zoo import CASES, FAULTY, HEALTHY, Case
from zoo_data import data

import goodinit as gi
from goodinit.evidence.causes import RULES, THRESHOLDS
from goodinit.evidence.verdict import LABELS
from goodinit.initializers import Draw, read
from goodinit.study.asked import Initializer

pytestmark = pytest.mark.slow

NOT_WORSE = ("equivalent to", "undecided against", "slower than")
PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "cats_vs_dogs"


def compared(
    case: Case, *others: Initializer, seeds: Sequence[int] | int = 8, **settings: Any
) -> gi.Comparison:
    """Train a case's network, and others with other initializers under the same settings."""
    initializers = [case.initializer, *others]
    return gi.compare(
        data(case.data), initializers=initializers, seeds=seeds, **{**case.settings, **settings}
    )


def labels(result: gi.Comparison) -> dict[str, str]:
    return {verdict.initializer: verdict.label for verdict in result.verdicts}


def named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def test_the_zoo_is_large_and_shows_every_cause() -> None:
    assert len(FAULTY) >= 30
    assert len(CASES) - len(FAULTY) >= 15
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.label for case in FAULTY} == {rule.label for rule in RULES}
    assert {case.label for case in CASES} <= set(LABELS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_alone_it_gets_its_label_whatever_the_seeds(case: Case) -> None:
    for hundred in range(5):
        (verdict,) = compared(case, seeds=range(100 * hundred, 100 * hundred + 8)).verdicts
        assert verdict.label == case.label, verdict.reason


@pytest.mark.parametrize(
    ("name", "healthy", "settings"),
    [
        ("zeros", "he_normal", {}),
        ("zeros, tanh", "glorot_normal", {"learning_rate": 0.5}),
        ("constant 0.5", "he_normal", {}),
        ("layer 2 repeats one unit", "he_normal", {}),
        ("std 10", "he_normal", {"learning_rate": 0.05, "iterations": 3000}),
        ("std 0.01", "he_normal", {"learning_rate": 0.1}),
        ("std 0.01, digits", "he_normal", {}),
        ("saturated tanh", "lecun_normal", {"learning_rate": 0.5}),
        ("saturated sigmoid", "glorot_normal", {"hidden": (10,), "learning_rate": 2}),
        ("a constant feature closes every ReLU", "he_normal", {}),
    ],
)
def test_beside_a_healthy_one_it_keeps_its_label(
    name: str, healthy: str, settings: dict[str, Any]
) -> None:
    case = named(name)
    found = labels(compared(case, healthy, **settings))
    assert found.pop(healthy) == HEALTHY
    assert list(found.values()) == [case.label]


def test_healthy_ones_that_are_alike_are_not_ranked() -> None:
    found = labels(compared(named("he, relu"), "he_uniform"))
    assert found == {"he_normal": HEALTHY, "he_uniform": "undecided against he_normal"}


def test_one_that_arrives_later_is_slower() -> None:
    found = labels(compared(named("he, relu"), "lecun_normal", seeds=20, record=50))
    assert found == {"he_normal": HEALTHY, "lecun_normal": "slower than he_normal"}


def test_zeros_in_the_last_layer_are_no_fault_in_company_either() -> None:
    found = labels(compared(named("zeros in the last layer only"), "he_normal"))
    assert HEALTHY in found.values()
    assert set(found.values()) <= {HEALTHY, *(f"{of} draw" for of in NOT_WORSE)}


def test_the_best_of_the_faulty_is_not_recommended() -> None:
    found = labels(compared(named("std 10"), "zeros"))
    assert found == {"normal(std=10)": "weights too large", "zeros": "fails to break symmetry"}


def renamed(name: str, initializer: Initializer) -> Draw:
    scheme = read(initializer)

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float64]:
        return scheme(rng, shape)

    draw.__name__ = name
    return draw


@pytest.mark.parametrize(
    "case", [*FAULTY[::8], *(case for case in CASES[::8] if case.label == HEALTHY)], ids=str
)
@pytest.mark.parametrize("name", ["he_normal", "zeros"])
def test_a_name_changes_nothing(case: Case, name: str) -> None:
    (own,) = compared(case).verdicts
    (other,) = compared(replace(case, initializer=renamed(name, case.initializer))).verdicts
    assert other == replace(own, initializer=name)


def test_names_exchanged_labels_follow_the_weights() -> None:
    case = replace(named("zeros"), initializer=renamed("he_normal", "zeros"))
    found = labels(compared(case, renamed("zeros", "he_normal")))
    assert found == {"he_normal": "fails to break symmetry", "zeros": HEALTHY}


@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_a_few_seeds_show_a_fault_but_no_winner(seeds: int) -> None:
    found = labels(compared(named("he, relu"), "zeros", "he_uniform", seeds=seeds))
    assert found == {
        "he_normal": "too few seeds",
        "he_uniform": "too few seeds",
        "zeros": "fails to break symmetry",
    }


def test_every_threshold_gives_its_reason_and_every_verdict_its_numbers() -> None:
    assert all(len(threshold.reason.split()) > 5 for threshold in THRESHOLDS.values())
    (verdict,) = compared(named("zeros, sigmoid")).verdicts
    assert verdict.reason.startswith("1 distinct of 10 units in layer 1 at start and end; cost")
    assert verdict.evidence["distinct_units"] == 1
    assert verdict.evidence["train_cost"] == pytest.approx(verdict.evidence["cost_of_chance"])


@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="needs the photographs of cats and dogs")
def test_on_the_photographs_the_learning_rate_makes_the_curves() -> None:
    def study(learning_rate: float) -> gi.Comparison:
        return gi.compare(
            PHOTOGRAPHS,
            initializers=["he_normal", "lecun_normal"],
            hidden=(5, 5),
            activation="tanh",
            iterations=1000,
            learning_rate=learning_rate,
            seeds=6,
        )

    said = "The learning rate, not the initialization"
    assert any(warning.startswith(said) for warning in study(0.01).warnings)
    assert not any(warning.startswith(said) for warning in study(0.001).warnings)


def test_a_healthy_network_that_is_only_slow_is_told_to_go_on() -> None:
    result = gi.compare("circles", initializers=["he", "zeros"], iterations=3000, seeds=20)
    slow = next(verdict for verdict in result.verdicts if verdict.initializer == "he_normal")
    assert slow.label == "does not learn"
    assert "it has begun to: give it more iterations" in slow.reason
