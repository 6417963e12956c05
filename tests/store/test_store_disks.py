"""A study folder with two writers, or on a disk that fails: one line, and nothing corrupt."""

import errno
import os
import shutil
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from filelock import FileLock

import goodinit as gi
from goodinit.errors import ArgumentError, StudyStoppedError
from goodinit.running import batches
from goodinit.store import data, description, parts
from goodinit.store import folder as store
from goodinit.study.trials import Trial
from studies import (
    ENVIRONMENT,
    PYTHON,
    TABLES,
    assert_same,
    by,
    refusal,
    small,
)

pytestmark = pytest.mark.slow

# Two writers


def test_a_second_writer_is_refused_in_one_line(folder: Path, whole: gi.Comparison) -> None:
    training_now, go_on = Event(), Event()

    def wait(done: int, total: int) -> None:
        training_now.set()
        go_on.wait(60)

    results: list[gi.Comparison] = []
    first = Thread(target=lambda: results.append(small(out=folder, seeds=6, progress=wait)))
    first.start()
    try:
        assert training_now.wait(60)
        assert "a folder that no other process is writing" in refusal(out=folder)
        with pytest.raises(ArgumentError, match="no other process"):
            whole.save(folder)
        assert gi.load(folder).study.seeds == (0, 1, 2, 3)  # reading is free
    finally:
        go_on.set()
        first.join()
    assert_same(results[0], small(seeds=6))


def test_a_writer_that_is_refused_takes_nothing_from_the_one_that_was_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: gi.Comparison
) -> None:
    place = tmp_path / "study"
    with ExitStack() as first:

        def late(*arguments: Any, **named: Any) -> Any:
            """Let another process make the folder just before this one would have."""
            monkeypatch.setattr(store, "FileLock", FileLock)
            first.enter_context(store.opened(place, whole.study, keep_networks=True))
            return FileLock(*arguments, **named)

        monkeypatch.setattr(store, "FileLock", late)
        assert "no other process" in refusal(out=place)
        assert {"study.json", "data.npz", ".lock", *TABLES} <= {p.name for p in place.iterdir()}


WRITER = """
import sys, time
import goodinit as gi
def wait(done, total):
    print("training", flush=True)
    time.sleep(600)
gi.compare("circles", initializers=["zeros", "he_normal"], iterations=20, record=4, seeds=6,
           out=sys.argv[1], progress=wait)
"""


def test_another_process_is_refused_until_the_writer_is_dead(
    folder: Path, trained: list[Trial]
) -> None:
    writer = subprocess.Popen(  # noqa: S603  # our own code
        [PYTHON, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "training\n"
        assert "a folder that no other process is writing" in refusal(out=folder)
        writer.send_signal(signal.SIGKILL)
    assert (folder / ".lock").exists()  # a dead process leaves it, and it blocks nobody
    assert_same(small(out=folder, seeds=6), small(seeds=6))
    assert len(set(trained)) == 12


# Disks that fail


def test_a_folder_in_which_nothing_came_to_be_is_removed(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="0 of 8 trials are kept"):
        small(out=tmp_path / "new" / "study", progress=stop)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(KeyboardInterrupt):
        small(out=tmp_path, progress=stop)
    assert tmp_path.exists()  # it was there before


def fail_after(monkeypatch: pytest.MonkeyPatch, writes: int, number: int = errno.ENOSPC) -> None:
    """Have every write after the first few fail, having written half."""
    write, left = parts.write_whole, iter(range(writes))

    def failing(path: Path, content: bytes) -> None:
        if next(left, None) is None:
            path.with_name(f".{path.name}.unfinished").write_bytes(content[: len(content) // 2])
            raise OSError(number, os.strerror(number))
        write(path, content)

    monkeypatch.setattr(parts, "write_whole", failing)


@pytest.mark.parametrize("writes", range(0, 20, 3))
def test_a_full_disk_ends_with_one_line_and_keeps_what_was_finished(
    writes: int, tmp_path: Path, whole: gi.Comparison, trained: list[Trial]
) -> None:
    place = tmp_path / "study"
    finished = writes // 5  # files to a part
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_batches", by(2))
        fail_after(patch, writes)
        with pytest.raises(StudyStoppedError) as caught:
            small(out=place)
    assert str(caught.value) == (
        f"{place}: No space left on device; {2 * finished} of 8 trials are kept in {place}, and "
        "the same command goes on with the others"
    )
    if finished:
        assert_same(caught.value.finished, small(seeds=finished))
        assert_same(gi.load(place), small(seeds=finished))
    else:
        assert caught.value.finished is None
        assert not place.exists()
    trained.clear()
    assert_same(small(out=place), whole)
    assert len(trained) == 2 * (4 - finished)
    assert not list(place.rglob("*.unfinished"))


@pytest.mark.parametrize("writes", [0, 1])
def test_a_disk_without_room_for_the_description_is_refused(
    writes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_after(monkeypatch, writes)
    for module in (data, description):
        monkeypatch.setattr(module, "write_whole", parts.write_whole)
    assert "(No space left on device)" in refusal(out=tmp_path / "study")
    assert not (tmp_path / "study" / "study.json").exists()


def test_a_folder_that_goes_away_in_the_middle_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_batches", by(2))
    place = tmp_path / "study"

    def remove(done: int, total: int) -> None:
        if done > total / 2:
            shutil.rmtree(place, ignore_errors=True)

    with pytest.raises(StudyStoppedError) as caught:
        small(out=place, progress=remove)
    assert str(caught.value).startswith(f"{place}: No such file or directory; ")
    assert "\n" not in str(caught.value)
    assert not place.exists()


def test_ctrl_c_while_a_part_is_written_still_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: gi.Comparison
) -> None:
    monkeypatch.setattr(batches, "_batches", by(2))
    write, calls = parts.write_whole, iter(range(100))

    def interrupted(path: Path, content: bytes) -> None:
        if next(calls) == 8:  # of the second part
            raise KeyboardInterrupt
        write(path, content)

    monkeypatch.setattr(parts, "write_whole", interrupted)
    part = small(out=tmp_path / "study")
    assert part.interrupted
    assert part.study.seeds == (0, 1)
    assert_same(part, small(seeds=2))
    assert_same(small(out=tmp_path / "study"), whole)


def test_ctrl_c_again_and_again_loses_no_part_that_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: list[Trial]
) -> None:
    write = parts.write_part

    def impatient(folder: Path, number: int, part: Any) -> Any:
        write(folder, number, part)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "write_part", impatient)
        with pytest.raises(KeyboardInterrupt):
            small(out=tmp_path / "study")
    trained.clear()
    small(out=tmp_path / "study")
    assert trained == []
    assert "moons" in refusal("moons", out=tmp_path / "study")
