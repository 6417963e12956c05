"""The report on the zoo of modules: each fault found where it sits, and healthy ones in peace."""

import re

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from zoo_cases import Case
from zoo_faulty import FAULTY
from zoo_healthy import HEALTHY

from goodinit.evidence.causes import RULES
from goodinit.torch import inspect

SEEDS = range(3)


def test_the_zoo_is_large_and_expects_labels_that_there_are() -> None:
    cases = (*FAULTY, *HEALTHY)
    assert len(FAULTY) >= 28
    assert len(HEALTHY) >= 18
    assert len({case.name for case in cases}) == len(cases)
    assert {label for case in FAULTY for label in case.labels} <= {rule.label for rule in RULES}


@pytest.mark.parametrize("case", FAULTY, ids=str)
def test_each_place_that_is_expected_is_in_the_module(case: Case) -> None:
    model, _ = case.make(0)
    assert any(re.fullmatch(case.where, name) for name, _ in model.named_modules())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", FAULTY, ids=str)
def test_the_first_finding_is_the_fault_in_its_layer(case: Case, seed: int) -> None:
    model, batch = case.make(seed)
    report = inspect(model, *batch, cures=False)
    assert report.findings
    first = report.findings[0]
    assert first.label in case.labels, first
    assert re.fullmatch(case.where, first.layer), first
    assert first.layer in set(report.layers["layer"])
    with pytest.raises(AssertionError, match=first.label):
        report.assert_healthy()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", HEALTHY, ids=str)
def test_nothing_is_said_of_a_healthy_module(case: Case, seed: int) -> None:
    model, batch = case.make(seed)
    report = inspect(model, *batch)
    assert report.findings == ()
    report.assert_healthy()
