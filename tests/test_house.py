"""The house: its rooms list their files, its public surface is the one written down."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import goodinit
import public_api
from goodinit.datasets import NAMES, Dataset
from goodinit.initializers import SCHEMES, Scheme

SOURCE = Path(goodinit.__file__).parent
ROOMS = sorted(init.parent for init in SOURCE.rglob("__init__.py") if init.parent != SOURCE)
LONGEST = 450  # lines of a file that can be read in one sitting


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(SOURCE)))
def test_a_room_lists_its_files_in_reading_order(room: Path) -> None:
    said = (room / "__init__.py").read_text(encoding="utf-8").split('"""')[1]
    files = {path.stem for path in room.glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in room.glob("*/__init__.py")}
    missing = [name for name in sorted(files | folders) if f"``{name}``" not in said]
    assert not missing


def test_no_file_is_too_long_to_live_in() -> None:
    house = SOURCE.parents[1]
    lengths = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for folder in (SOURCE, house / "tests", house / "benchmarks")
        for path in folder.rglob("*.py")
    }
    assert {str(path): lines for path, lines in lengths.items() if lines > LONGEST} == {}


@pytest.mark.parametrize("room", [*public_api.ROOMS, *public_api.NEED_TORCH])
def test_the_public_surface_is_the_one_written_down(room: str) -> None:
    if room in public_api.NEED_TORCH:
        pytest.importorskip("torch", reason="torch is not installed")
    written = Path(public_api.__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    of_room = [line for line in written if public_api.home(line) == room]
    assert of_room == public_api.lines(room), "python tests/public_api.py > tests/public_api.txt"


def test_an_initializer_is_added_by_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def halves() -> Scheme:
        return Scheme("halves", lambda rng, shape: np.full(shape, 0.5))

    monkeypatch.setitem(SCHEMES, "halves", halves)
    result = goodinit.compare("circles", initializers=["halves", "he"], iterations=10, seeds=2)
    assert set(result.summary()["initializer"]) == {"halves", "he_normal"}


def test_a_data_set_is_added_by_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    def stripes(*, test_fraction: float = 0.25, split_seed: int = 0) -> Dataset:
        X = np.linspace(-1.0, 1.0, 40).reshape(-1, 2)
        y = np.arange(20) % 2
        return Dataset("stripes", X[:16], y[:16], X[16:], y[16:], classes=("0", "1"))

    monkeypatch.setitem(NAMES, "stripes", stripes)
    assert goodinit.datasets.load("stripes").X_train.shape == (16, 2)


def test_a_kind_of_layer_is_added_by_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from goodinit.torch import inspect
    from goodinit.torch.inspecting.measuring import rms
    from goodinit.torch.inspecting.sights import SIGHTS

    class Distances(torch.nn.Module):  # type: ignore[misc, name-defined]  # torch came late
        def __init__(self) -> None:
            super().__init__()
            self.centres = torch.nn.Parameter(torch.randn(6, 4))

        def forward(self, x: Any) -> Any:
            return torch.cdist(x, self.centres)

    def see_distances(tracer: Any, name: str, func: Any, args: Any, kwargs: Any) -> Any:
        x, centres = args
        call = tracer.called("distance", (centres,), input_rms=rms(x))
        return tracer.passed(call, func(*args, **kwargs), x)

    def seen() -> list[str]:
        model = torch.nn.Sequential(Distances(), torch.nn.Linear(6, 3))
        return list(inspect(model, torch.randn(20, 4)).layers["layer"])

    assert seen() == ["1"]
    monkeypatch.setitem(SIGHTS, "cdist", see_distances)
    assert seen() == ["0", "1"]
