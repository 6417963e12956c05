"""Of what libraries publish, rebuilt and drawn as there, nothing is said."""

import pytest

pytest.importorskip("torch", reason="torch is not installed")

from zoo_cases import Case
from zoo_convolutional import CONVOLUTIONAL, LARGE_CONVOLUTIONAL
from zoo_fields import FIELDS
from zoo_tokens import LARGE_TOKENS, TOKENS

from goodinit.torch import inspect

SMALL, LARGE = (*CONVOLUTIONAL, *TOKENS, *FIELDS), (*LARGE_CONVOLUTIONAL, *LARGE_TOKENS)


def test_forty_architectures_at_least_each_under_a_name_of_its_own() -> None:
    assert len({case.name for case in (*SMALL, *LARGE)}) == len(SMALL) + len(LARGE)
    assert len(SMALL) >= 40


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_nothing_is_said_of_a_rebuilt_model(case: Case) -> None:
    for seed in range(2):
        model, batch = case.make(seed)
        assert inspect(model, *batch, cures=False).findings == (), seed


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGE, ids=str)
def test_nothing_is_said_of_a_large_one(case: Case) -> None:
    model, batch = case.make(0)
    assert inspect(model, *batch, cures=False).findings == ()
