"""A Dask cluster of real processes on loopback: the same bits, and what becomes of its deaths."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import goodinit as gi
from goodinit.cluster import Cluster
from studies import ENVIRONMENT, PYTHON, assert_same

pytest.importorskip("distributed", reason="distributed is not installed")

pytestmark = pytest.mark.slow

# What Dask warns of is its own affair, and stays in its processes.
QUIET = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONWARNINGS"}
STUDY: dict[str, Any] = {
    "initializers": ["zeros", "he_normal"],
    "iterations": 6000,
    "record": 4,
    "seeds": 40,
}
WORDS = [
    *("compare", "circles", "--init", "zeros,he_normal", "--iterations", "6000"),
    *("--record", "4", "--seeds", "40", "--quiet", "--out", "study"),
]
COMMAND = """
from goodinit.running import batches
from goodinit.cli import main
batches._batches = lambda study, trials, most: (
    tuple(trials[i : i + 2]) for i in range(0, len(trials), 2)
)
main()
"""


@contextmanager
def running(home: Path, name: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run one of Dask's processes, and end it."""
    with (home / f"{name}.log").open("w") as log:
        process = subprocess.Popen(  # noqa: S603  # our own command
            [PYTHON, "-m", f"distributed.cli.dask_{name.partition('-')[0]}", *words],
            cwd=home,
            stdout=log,
            stderr=log,
            text=True,
            env=QUIET,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


class Dask:
    """A scheduler and two workers of one thread, as processes."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        said = home / "scheduler.json"
        words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show"]
        words += ["--scheduler-file", str(said)]
        self.scheduler = stack.enter_context(running(home, "scheduler", *words))
        while not (said.exists() and said.read_text().strip().endswith("}")):
            assert self.scheduler.poll() is None, (home / "scheduler.log").read_text()
            time.sleep(0.05)
        self.address = json.loads(said.read_text())["address"]
        words = [self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        words += ["--host", "127.0.0.1", "--local-directory", str(home)]
        self.workers = [
            stack.enter_context(running(home, f"worker-{number}", *words)) for number in range(2)
        ]
        for number, worker in enumerate(self.workers):
            log = home / f"worker-{number}.log"
            while "Registered to" not in log.read_text():
                assert worker.poll() is None, log.read_text()
                time.sleep(0.05)


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Dask]:
    home = tmp_path / "dask"
    home.mkdir()
    with ExitStack() as stack:
        yield Dask(home, stack)


@pytest.fixture(scope="module")
def whole() -> gi.Comparison:
    """The study as it is without a cluster."""
    return gi.compare("circles", **STUDY)


def goodinit(*words: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603  # our own command line
        [PYTHON, "-c", COMMAND, *words],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=QUIET,
    )


def wait_for_parts(study: subprocess.Popen[str], folder: Path, count: int) -> None:
    """Return when a study has so many parts, or has ended."""
    while study.poll() is None and len(list((folder / "trials").glob("*.parquet"))) < count:
        time.sleep(0.01)


def test_a_cluster_gives_the_same_bits(dask: Dask, tmp_path: Path, whole: gi.Comparison) -> None:
    with goodinit(*WORDS, "--scheduler", dask.address, cwd=tmp_path) as study:
        said, complaint = study.communicate(timeout=120)
    assert study.returncode == 0, complaint
    assert complaint == ""
    assert "40 seeds" in said
    assert_same(gi.load(tmp_path / "study"), whole)
    assert dask.scheduler.poll() is None  # the cluster goes on
    with goodinit(*WORDS, "--scheduler", dask.address, cwd=tmp_path) as study:
        _, complaint = study.communicate(timeout=120)
    assert (study.returncode, complaint) == (0, "")


def test_every_split_reaches_the_workers(dask: Dask) -> None:
    how = {**STUDY, "iterations": 50, "seeds": 12, "splits": 4}
    with Cluster(dask.address) as executor:
        measured = gi.compare("iris", **how, executor=executor)
    assert_same(measured, gi.compare("iris", **how))


def test_a_cluster_gives_the_same_map(dask: Dask, tmp_path: Path) -> None:
    words = ["map", "circles", "--x", "*=0.5,2", "--y", "depth=1,4", "--width", "8"]
    words += ["--iterations", "50", "--seeds", "4", "--quiet"]
    for place, more in (("here", []), ("there", ["--scheduler", dask.address])):
        with goodinit(*words, "--out", place, *more, cwd=tmp_path) as command:
            _, complaint = command.communicate(timeout=240)
        assert (command.returncode, complaint) == (0, "")
    here, there = ((tmp_path / place / "map.csv").read_text() for place in ("here", "there"))
    assert here == there
    assert here.count("variance_scaling") == 4


def test_a_worker_that_is_killed_costs_no_result(
    dask: Dask, tmp_path: Path, whole: gi.Comparison
) -> None:
    with goodinit(*WORDS, "--scheduler", dask.address, cwd=tmp_path) as study:
        wait_for_parts(study, tmp_path / "study", 3)
        dask.workers[0].send_signal(signal.SIGKILL)
        before = len(list((tmp_path / "study" / "trials").glob("*.parquet")))
        _, complaint = study.communicate(timeout=120)
    assert before < 40
    assert study.returncode == 0, complaint
    assert complaint == ""
    loaded = gi.load(tmp_path / "study")
    assert not loaded.interrupted
    assert sum(len(part.table("trials")) for part in loaded.parts) == 80  # none of them twice
    assert_same(loaded, whole)


def test_a_scheduler_that_is_killed_ends_with_one_line_and_the_study_goes_on_here(
    dask: Dask, tmp_path: Path, whole: gi.Comparison
) -> None:
    with goodinit(*WORDS, "--scheduler", dask.address, cwd=tmp_path) as study:
        wait_for_parts(study, tmp_path / "study", 3)
        dask.scheduler.send_signal(signal.SIGKILL)
        _, complaint = study.communicate(timeout=120)
    assert study.returncode == 1, complaint
    assert complaint.count("\n") == 1, complaint
    assert complaint.startswith("goodinit: ")
    assert "trials are kept in study, and the same command goes on with the others" in complaint
    kept = gi.load(tmp_path / "study")
    assert kept.interrupted
    assert kept.notes == ()
    assert len(kept.study.seeds) >= 3
    with goodinit(*WORDS, cwd=tmp_path) as study:
        _, complaint = study.communicate(timeout=120)
    assert study.returncode == 0, complaint
    assert_same(gi.load(tmp_path / "study"), whole)


def test_ctrl_c_keeps_what_came_back_and_leaves_the_cluster(
    dask: Dask, tmp_path: Path, whole: gi.Comparison
) -> None:
    with goodinit(*WORDS, "--scheduler", dask.address, cwd=tmp_path) as study:
        wait_for_parts(study, tmp_path / "study", 3)
        study.send_signal(signal.SIGINT)
        said, complaint = study.communicate(timeout=120)
    assert study.returncode == 130, complaint
    seeds = len(gi.load(tmp_path / "study").study.seeds)
    assert complaint == (
        f"goodinit: interrupted: this is {seeds} of 40 seeds; the same command goes on\n"
    )
    assert f"{seeds} seeds" in said
    assert dask.scheduler.poll() is None
    with goodinit(*WORDS, "--scheduler", dask.address, cwd=tmp_path) as study:
        _, complaint = study.communicate(timeout=120)
    assert (study.returncode, complaint) == (0, "")
    assert_same(gi.load(tmp_path / "study"), whole)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense", "tcp://127.0.0.1:port"])
def test_an_address_at_which_no_scheduler_answers_is_one_line(tmp_path: Path, address: str) -> None:
    with goodinit(*WORDS, "--scheduler", address, cwd=tmp_path) as study:
        said, complaint = study.communicate(timeout=120)
    assert study.returncode == 2, complaint
    assert complaint.count("\n") == 1, complaint
    assert f"scheduler: got '{address}', takes the address of a Dask scheduler" in complaint
    assert said == ""
    assert list(tmp_path.iterdir()) == []
