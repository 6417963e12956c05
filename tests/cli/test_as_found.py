"""The command line among a user's own things: their tables, folders, code and narrow screens."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from commands import goodinit

QUICK = ("--iterations", "20", "--seeds", "2", "--quiet")
OWN = """
import asyncio, warnings

def prints(rng, shape):
    print("mine")
    return rng.normal(size=shape)

def warns(rng, shape):
    warnings.warn("mine")
    return rng.normal(size=shape)

def cancels(rng, shape):
    raise asyncio.CancelledError
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=40), "b": rng.normal(size=40), "y": [0, 1] * 20})
    table.to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "own.py").write_text(OWN)
    return tmp_path


def test_predict_reads_data_as_compare_does(place: Path) -> None:
    asked = ("t.csv", "--target", "y", "--drop", "b", "--test-fraction", "0.5")
    found = goodinit("predict", *asked, "--draws", "0", cwd=place)
    assert found.returncode == 0, found.stderr
    assert "t: 20 train and 20 test examples, 1 feature" in " ".join(found.stdout.split())
    assert goodinit("predict", "t.csv", cwd=place).stderr.startswith("goodinit: target: got None")


def test_map_reads_data_as_compare_does(place: Path) -> None:
    axes = ("--x", "*=1,2", "--y", "depth=1,2", "--width", "4")
    found = goodinit("map", "t.csv", "--target", "y", *axes, *QUICK, "--json", cwd=place)
    assert found.returncode == 0, found.stderr
    assert len(json.loads(found.stdout)["cells"]) == 4


def test_scale_reads_data_as_compare_does(place: Path) -> None:
    pytest.importorskip("torch")
    (place / "m.py").write_text(
        "from torch import nn\n"
        "def sized(w): return nn.Sequential(nn.Linear(2, w), nn.ReLU(), nn.Linear(w, 1))\n"
    )
    asked = ("scale", "m:sized", "--data", "t.csv", "--task", "regression", "--seeds", "2")
    assert goodinit(*asked, cwd=place).stderr.startswith("goodinit: target: got None")
    found = goodinit(*asked, "--target", "y", "--widths", "4,8,16", "--json", cwd=place)
    assert found.returncode in (0, 1), found.stderr
    assert json.loads(found.stdout)


@pytest.mark.parametrize("command", ["show", "report"])
def test_what_is_no_study_is_said(command: str, place: Path) -> None:
    (place / "gone").symlink_to("nowhere")
    (place / "loop").symlink_to("loop")
    for name, says in (
        ("t.csv", "(this is a file)"),
        ("gone", "(this is a link to nothing)"),
        ("none", "(there is nothing of that name)"),
        ("loop", "Too many levels of symbolic links"),
    ):
        found = goodinit(command, name, cwd=place)
        assert found.returncode == 2
        assert found.stderr.count("\n") == 1
        assert says in found.stderr
        assert "Errno" not in found.stderr


def test_a_study_json_of_someone_else_is_left_alone_with_its_folder(place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine" / "study.json").write_text('{"my": "study"}')
    found = goodinit("compare", "circles", *QUICK, "--out", "mine", cwd=place)
    assert found.returncode == 2
    assert "someone else's" in found.stderr
    assert "mine-2" in found.stderr
    assert [path.name for path in (place / "mine").iterdir()] == ["study.json"]


def test_a_record_of_someone_else_makes_no_folder_ours(place: Path) -> None:
    (place / "mine").mkdir()
    (place / "mine" / ".goodinit.json").write_text('{"my": "thing"}')
    found = goodinit("compare", "circles", *QUICK, "--out", "mine", cwd=place)
    assert found.returncode == 2
    assert (place / "mine" / ".goodinit.json").read_text() == '{"my": "thing"}'


def test_a_map_is_not_kept_among_the_images_that_it_is_of(place: Path) -> None:
    for kind in ("cat", "dog"):
        (place / "pets" / kind).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (2, 2), (i, i, i)).save(place / "pets" / kind / f"{i}.png")
    found = goodinit("map", "pets", "--out", "pets/map", *QUICK, cwd=place)
    assert found.returncode == 2
    assert "a folder outside of the data" in found.stderr
    assert not (place / "pets" / "map").exists()


def test_what_an_own_initializer_prints_is_no_part_of_the_json(place: Path) -> None:
    found = goodinit("compare", "circles", "--init", "own:prints", *QUICK, "--json", cwd=place)
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["summary"][0]["initializer"] == "prints"


def test_whatever_an_own_initializer_raises_is_one_line(place: Path) -> None:
    found = goodinit("compare", "circles", "--init", "own:cancels", *QUICK, cwd=place)
    assert found.returncode == 2
    assert found.stderr.startswith("goodinit: own.py:13, in cancels: CancelledError")
    assert found.stderr.count("\n") == 1


def test_a_warning_that_comes_often_is_said_once(place: Path) -> None:
    start = "from goodinit.__main__ import main; main()"
    words = ("compare", "circles", "--init", "own:warns", *QUICK)
    found = subprocess.run(  # noqa: S603  # our own command line
        [sys.executable, "-c", start, *words],
        cwd=place,
        capture_output=True,
        check=True,
        text=True,
    )
    assert found.stderr == "goodinit: UserWarning: mine\n"


@pytest.mark.parametrize("width", [60, 70, 79])
def test_help_cuts_no_option_on_a_narrow_screen(width: int, tmp_path: Path) -> None:
    for command in ("compare", "play", "inspect"):
        said = goodinit(command, "--help", cwd=tmp_path, COLUMNS=str(width)).stdout
        assert "…" not in said
        assert max(map(len, said.splitlines())) <= width
    assert "--install-completion" in goodinit("--help", cwd=tmp_path, COLUMNS=str(width)).stdout
    asked = goodinit("compare", "--help", cwd=tmp_path, COLUMNS=str(width)).stdout
    options = set(re.findall(r"--[a-z-]+", asked))
    assert {"--test-fraction", "--no-standardize", "--standardize", "--keep-networks"} <= options


def test_a_word_that_is_none_of_an_options_is_refused_in_plain_words(place: Path) -> None:
    asked = ("inspect", "own:prints", "--input", "2,2", "--fail-on", "x")
    said = goodinit(*asked, cwd=place).stderr
    assert (
        said == "goodinit: Invalid value for '--fail-on': 'x' is not one of 'finding', 'never'.\n"
    )


def test_a_study_that_stops_speaks_of_options(place: Path) -> None:
    start = (
        "from goodinit.cli import ending; "
        "ending.complain('a study without a folder (`out`) starts anew', 1)"
    )
    found = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", start], cwd=place, capture_output=True, check=True, text=True
    )
    assert found.stderr == "goodinit: a study without a folder (--out) starts anew\n"
