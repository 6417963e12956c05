"""Real processes that are killed, interrupted or out of disk: nothing that was finished is lost."""

import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

import goodinit as gi
from goodinit.errors import ArgumentError
from studies import ENVIRONMENT, PYTHON, TABLES, assert_same

pytestmark = pytest.mark.slow

KILLS = 50
# A study of 24 parts: long enough to be killed over and over, short enough to be run to its end.
STUDY: dict[str, Any] = {
    "initializers": ["zeros", "he_normal"],
    "learning_rate": [0.1, 0.01],
    "iterations": 40,
    "record": 4,
    "seeds": 12,
}

# Runs one study in batches of two trials. Its lives are children of a process that has imported
# and compiled everything: they begin at once, and are killed at a random moment.
LIVES = """
import json, os, random, signal, sys, time, traceback
from itertools import count
import goodinit as gi
from goodinit.running import batches

folder, study, choose = sys.argv[1], json.loads(sys.argv[2]), random.Random(int(sys.argv[3]))
batches._batches = lambda study, trials, most: (
    tuple(trials[i : i + 2]) for i in range(0, len(trials), 2)
)
gi.compare("circles", iterations=2, seeds=1)  # imports and compiles what there is

def live(ready):
    '''Run the study, and say when training begins.'''
    told = []
    def tell(done, total):
        if not told:
            told.append(os.write(ready, b"!"))
    gi.compare("circles", out=folder, progress=tell, **study)

for life in count():
    reader, ready = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            live(ready)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(ready)
    if choose.random() < 0.8:  # the others are killed while they open the folder
        os.read(reader, 1)  # empty where it ends before it trains anything
    os.close(reader)
    time.sleep(choose.uniform(0, 0.25))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    finished = os.waitstatus_to_exitcode(status)
    print(json.dumps({"life": life, "exit": finished}), flush=True)
    sys.stdin.readline()  # while the folder is looked at
    if finished >= 0:
        break
"""


def parts_of(folder: Path) -> list[set[int]]:
    """Return which parts each table has."""
    return [
        {int(path.name[:6]) for path in (folder / name).glob("[0-9]*.parquet")} for name in TABLES
    ]


def run(code: str, *words: object, **named: Any) -> subprocess.Popen[str]:
    """Start a process of our own that runs code."""
    return subprocess.Popen(  # noqa: S603  # our own code
        [PYTHON, "-c", code, *map(str, words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        **named,
    )


def test_fifty_kills_at_random_moments_change_no_bit(tmp_path: Path) -> None:
    expected = gi.compare("circles", **STUDY)
    kills = grown = 0
    for seed in range(100):
        folder = tmp_path / str(seed)
        before: set[int] = set()
        with run(LIVES, folder, json.dumps(STUDY), seed) as lives:
            assert lives.stdin is not None
            assert lives.stdout is not None
            for line in lives.stdout:
                exit_code = json.loads(line)["exit"]
                assert exit_code in {0, -signal.SIGKILL}
                kills += exit_code < 0
                listed, *others = parts_of(folder)
                assert all(listed <= each for each in others)  # what is listed is whole
                assert before <= listed  # and what was kept is kept
                grown += len(listed) > len(before)
                before = listed
                _assert_readable(folder, expected)
                lives.stdin.write("\n")
                lives.stdin.flush()
            assert lives.stderr is not None
            assert lives.stderr.read() == ""
        assert_same(gi.load(folder), expected)
        if kills >= KILLS:
            break
    assert kills >= KILLS
    assert grown > KILLS / 10  # the lives came to something


def _assert_readable(folder: Path, expected: gi.Comparison) -> None:
    """Raise AssertionError unless what is kept loads without complaint, or is less than a seed."""
    try:
        loaded = gi.load(folder)
    except ArgumentError as error:
        assert re.search(
            "whole seed is finished|folder with a study", str(error)
        )  # either is right
        return
    assert loaded.notes == ()
    wanted = expected.trials[expected.trials["seed"].isin(loaded.study.seeds)]
    assert (loaded.trials.to_numpy() == wanted.to_numpy()).all()


# The command line in batches of a few trials, and then of more. Says when three of them are kept.
COMMAND = """
import sys
from itertools import count
from goodinit.running import batches
from goodinit.cli import main

def some(study, trials, most):
    start = 0
    for batch in count():
        if batch == 3:
            print("three batches", flush=True)
        size = {few} if batch < 3 else {many}
        if start < len(trials):
            yield tuple(trials[start : start + size])
        start += size
        if start >= len(trials):
            return

batches._batches = some
main()
"""
FOURS = COMMAND.format(few=4, many=4)
WORDS = ("compare", "circles", "--init", "zeros,he_normal", "--record", "4", "--iterations", "60")


def measured(seeds: int) -> gi.Comparison:
    """Return what a command of those words measures."""
    return gi.compare(
        "circles", initializers=["zeros", "he_normal"], record=4, iterations=60, seeds=seeds
    )


def interrupt(*words: str, cwd: Path) -> tuple[int, str, str]:
    """Run a command until three batches are finished, press Ctrl-C, and return what came of it."""
    with run(FOURS, *words, cwd=cwd) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "three batches\n"
        running.send_signal(signal.SIGINT)
        said, complaint = running.communicate(timeout=60)
    return running.returncode, said, complaint


def test_ctrl_c_prints_what_there_is_and_how_to_go_on(tmp_path: Path) -> None:
    words = (*WORDS, "--seeds", "4000", "--out", "study")
    code, said, complaint = interrupt(*words, cwd=tmp_path)
    assert code == 130
    kept = gi.load(tmp_path / "study")
    seeds = len(kept.study.seeds)
    assert seeds >= 6
    assert kept.interrupted
    assert _without_pace(complaint) == (
        f"goodinit: interrupted: this is {seeds} of 4000 seeds; the same command goes on\n"
    )
    assert f"{seeds} seeds" in said
    assert "he_normal" in said
    assert not list((tmp_path / "study").rglob("*.unfinished"))
    assert_same(kept, measured(seeds))


def test_ctrl_c_without_a_folder_prints_what_there_is_and_leaves_nothing(tmp_path: Path) -> None:
    code, said, complaint = interrupt(*WORDS, "--seeds", "4000", cwd=tmp_path)
    assert code == 130
    assert "he_normal" in said
    told = r"goodinit: interrupted: this is (\d+) of 4000 seeds; with --out it could go on\n"
    found = re.fullmatch(told, _without_pace(complaint))
    assert found
    assert int(found[1]) >= 6
    assert list(tmp_path.iterdir()) == []


def _without_pace(complaint: str) -> str:
    """Return what was said but for how long it would take, which a slow machine says first."""
    return re.sub(r"\Agoodinit: this takes about .*\n", "", complaint)


def limited(size: int, *words: str, cwd: Path) -> tuple[int, str, str]:
    """Run a command that may write no larger file, and return what came of it.

    A limit stops a file in the middle, as a full disk does.
    """
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
    code = limit + COMMAND.format(few=4, many=200)
    with run(code, *words, cwd=cwd) as running:
        said, complaint = running.communicate(timeout=120)
    assert complaint.count("\n") == 1
    assert "File too large" in complaint
    return running.returncode, said, complaint


@pytest.mark.parametrize("size", [40, 2000])
def test_no_room_for_the_description_or_the_data_is_refused_and_leaves_nothing(
    tmp_path: Path, size: int
) -> None:
    code, said, complaint = limited(size, *WORDS, "--out", "study", cwd=tmp_path)
    assert code == 2
    assert said == ""
    assert complaint.startswith("goodinit: out: got 'study', takes a folder that can be written")
    assert list(tmp_path.iterdir()) == []


def test_no_room_for_a_part_keeps_what_was_finished(tmp_path: Path) -> None:
    words = (*WORDS, "--seeds", "40", "--out", "study")
    code, said, complaint = limited(20_000, *words, cwd=tmp_path)
    assert code == 1
    assert complaint == (
        "goodinit: study: File too large; 12 of 80 trials are kept in study, and the same command "
        "goes on with the others\n"
    )
    assert "6 seeds" in said
    kept = gi.load(tmp_path / "study")
    assert kept.notes == ()
    assert_same(kept, measured(6))
    with run(FOURS, *words, cwd=tmp_path) as running:
        _, complaint = running.communicate(timeout=120)
    assert running.returncode == 0, complaint
    assert_same(gi.load(tmp_path / "study"), measured(40))


def test_a_disk_that_fills_up_keeps_what_was_finished(tmp_path: Path) -> None:
    """A small disk of its own, where this process may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(  # noqa: S603  # our own command
        ["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(disk)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted: {mounted.stderr.strip()}")
    try:
        words = (*WORDS, "--out", str(disk / "study"), "--seeds")
        with run(FOURS, *words, "400", cwd=tmp_path) as running:
            said, complaint = running.communicate(timeout=120)
        assert running.returncode == 1
        assert complaint.count("\n") == 1
        assert "No space left on device; " in complaint
        kept = gi.load(disk / "study")
        assert kept.notes == ()
        seeds = len(kept.study.seeds)
        assert seeds > 6
        assert f"{2 * seeds} of 800 trials are kept" in complaint
        assert f"{seeds} seeds" in said
        assert_same(kept, measured(seeds))
        subprocess.run(["mount", "-o", "remount,size=30m", str(disk)], check=True)  # noqa: S603, S607
        with run(FOURS, *words, str(seeds + 4), cwd=tmp_path) as running:
            said, complaint = running.communicate(timeout=120)
        assert running.returncode == 0, complaint
        loaded = gi.load(disk / "study")  # which was asked for 400 seeds once
        assert_same(loaded, measured(seeds + 4))
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)  # noqa: S603, S607
