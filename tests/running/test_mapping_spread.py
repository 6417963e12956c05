"""Maps that are killed and go on, and maps on executors: the same cells."""

import signal
import subprocess
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import goodinit as gi
from studies import ENVIRONMENT, PYTHON

MAP: dict[str, Any] = {
    "x": ("*", (0.5, 1.5, 3.0)),
    "y": ("depth", (1, 4, 8)),
    "width": 12,
    "bias_variance": 0.05,
    "iterations": 400,
    "seeds": 3,
}
WORDS = [
    *("map", "circles", "--x", "*=0.5,1.5,3", "--y", "depth=1,4,8", "--width", "12"),
    *("--bias-variance", "0.05", "--iterations", "400", "--seeds", "3", "--quiet", "--out", "maps"),
]
# Slows the command down after each row, so that it can be killed between two.
SLOW = """
import time
from goodinit.cli import main
from goodinit.running import mapping
run = mapping.run
def slowly(*given, **named):
    found = run(*given, **named)
    time.sleep({seconds})
    return found
mapping.run = slowly
main()
"""


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    """The cells of a map that nothing disturbs."""
    return gi.map("circles", **MAP).cells


def goodinit(cwd: Path, seconds: float) -> "subprocess.Popen[str]":
    return subprocess.Popen(  # noqa: S603  # our own command line
        [PYTHON, "-c", SLOW.format(seconds=seconds), *WORDS],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_map_that_is_stopped_goes_on_to_the_same_cells(
    tmp_path: Path, whole: pd.DataFrame, how: signal.Signals
) -> None:
    with goodinit(tmp_path, seconds=600) as command:
        while command.poll() is None and not list(tmp_path.rglob("trials/*.parquet")):
            time.sleep(0.05)
        time.sleep(0.5)  # the row is written, and the command sleeps
        command.send_signal(how)
        _, complaint = command.communicate(timeout=60)
    assert command.returncode != 0
    assert "Traceback" not in complaint
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("trials/*.parquet")}
    assert kept
    with goodinit(tmp_path, seconds=0) as command:
        said, complaint = command.communicate(timeout=300)
    assert command.returncode == 0, complaint
    assert (
        kept.items()
        <= {path: path.stat().st_mtime_ns for path in tmp_path.rglob("trials/*.parquet")}.items()
    )
    assert "down: hidden layers; across: scale of variance_scaling(*, fan_in, normal)" in said
    cells = pd.read_csv(tmp_path / "maps" / "map.csv")
    pd.testing.assert_frame_equal(cells, whole, check_dtype=False)
    assert (tmp_path / "maps" / "map.png").stat().st_size > 10_000


@pytest.mark.slow
def test_an_executor_gives_the_same_cells(whole: pd.DataFrame) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        cells = gi.map("circles", **MAP, executor=executor).cells
    pd.testing.assert_frame_equal(cells, whole)


def test_a_smaller_map_reads_what_a_larger_one_kept(tmp_path: Path) -> None:
    small = {**MAP, "iterations": 3, "seeds": 1}
    larger = gi.map("circles", **small, out=tmp_path).cells
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    part = gi.map("circles", **{**small, "x": ("*", (0.5, 3.0))}, out=tmp_path).cells
    assert kept == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    here = larger[larger["x"].isin([0.5, 3.0])].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, here)


def test_learning_rate_and_width_are_axes_too() -> None:
    cells = gi.map(
        "circles",
        x=("learning_rate", (0.01, 0.1)),
        y=("width", (3, 6)),
        initializer="he_normal",
        activation="relu",
        depth=2,
        iterations=3,
        seeds=1,
    ).cells
    assert cells[["x", "y"]].to_numpy().tolist() == [[0.01, 3], [0.01, 6], [0.1, 3], [0.1, 6]]
    assert cells["train_accuracy"].notna().all()
