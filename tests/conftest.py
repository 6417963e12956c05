"""What the tests of kept studies share: a small study, and a folder that holds it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import goodinit as gi
from goodinit.study.trials import Trial
from studies import keep, listen, undamaged


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Trial]:
    """Every trial that is trained while the test runs."""
    return listen(monkeypatch)


@pytest.fixture
def whole() -> gi.Comparison:
    """The small study as it is measured without a folder."""
    return undamaged()


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study folder with a part for each of four seeds; copy it before it is changed."""
    return keep(tmp_path_factory.mktemp("kept") / "study")


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    """A copy of that folder."""
    return Path(shutil.copytree(kept, tmp_path / "study"))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Let nothing of PyTorch that is so small wait for threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
