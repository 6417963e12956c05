"""Of published models, as their libraries draw them, nothing is said."""

import pytest

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")

from zoo_cases import Case
from zoo_published import LARGE_PUBLISHED, PUBLISHED

from goodinit.torch import inspect

pytestmark = pytest.mark.filterwarnings("ignore")  # that they warn is theirs


def test_sixty_architectures_at_least() -> None:
    assert len({case.name.partition(",")[0] for case in PUBLISHED}) >= 60


@pytest.mark.parametrize("case", PUBLISHED, ids=str)
def test_nothing_is_said_of_a_published_model(case: Case) -> None:
    model, batch = case.make(0)
    assert inspect(model, *batch, cures=False).findings == ()


@pytest.mark.slow
@pytest.mark.parametrize("case", LARGE_PUBLISHED, ids=str)
def test_nothing_is_said_of_a_published_model_of_its_size(case: Case) -> None:
    model, batch = case.make(0)
    assert inspect(model, *batch, cures=False).findings == ()
