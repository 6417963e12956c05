"""Of each reported network the cause is said first, and of the one that was mended nothing."""

import re

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from zoo_misfits import MISFITS
from zoo_reported import REPORTED, Pair

from goodinit.torch import inspect

PAIRS = (*REPORTED, *MISFITS)


@pytest.mark.parametrize("pair", PAIRS, ids=str)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_the_cause_is_said_first(pair: Pair) -> None:
    report = inspect(*pair.make(mended=False), cures=False)
    said = report.findings if pair.fault else report.remarks
    assert said[0].label == pair.label, said[0]
    assert re.fullmatch(pair.where, said[0].layer), said[0]


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_nothing_is_said_once_it_is_mended(pair: Pair) -> None:
    report = inspect(*pair.make(mended=True), cures=False)
    assert report.findings == ()
    assert pair.label not in {one.label for one in report.remarks}
