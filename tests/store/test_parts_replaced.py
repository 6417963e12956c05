"""Pipes, devices and other things in place of what a study folder holds: one line, at once."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import goodinit as gi
from goodinit.errors import ArgumentError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("whole") / "study"
    gi.compare("moons", initializers="he", iterations=10, seeds=1, out=place)
    return place


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def foreign(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, X=np.eye(2))


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("study.json", piped, "this is a folder, a pipe or a device"),
        ("study.json", endless, "this is a folder, a pipe or a device"),
        ("data.npz", piped, "this is no plain file"),
        ("data.npz", endless, "this is no plain file"),
        ("data.npz", Path.unlink, ": No such file or directory"),
        ("data.npz", foreign, "it lacks X_train, y_train, X_test, y_test"),
        ("trials", shutil.rmtree, "trials lacks what belongs to"),
    ],
)
def test_what_a_study_cannot_be_read_from_is_said(
    name: str, change: Callable[[Path], None], says: str, whole: Path, tmp_path: Path
) -> None:
    place = shutil.copytree(whole, tmp_path / "study")
    change(place / name)
    with pytest.raises(ArgumentError) as caught:
        gi.load(place)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Errno" not in str(caught.value)


def test_a_record_that_is_a_pipe_knows_nothing(whole: Path, tmp_path: Path) -> None:
    place = shutil.copytree(whole, tmp_path / "study")
    os.mkfifo(place / ".goodinit.json")
    (place / "summary.csv").write_text("mine")
    with pytest.raises(ArgumentError, match=r"whose summary\.csv goodinit wrote"):
        gi.load(place).export(place, [])
    assert (place / "summary.csv").read_text() == "mine"
