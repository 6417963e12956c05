"""The command line on a module of the user's own: inspected, compared, refused in one line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed")

import torch
from torch import nn

from goodinit.errors import ArgumentError
from goodinit.torch.shell import load_builder, read_inputs

MODULE = """
import torch
from torch import nn

torch.set_num_threads(1)

def deep():
    layers = [part for _ in range(30) for part in (nn.Linear(2, 2), nn.ReLU())]
    return nn.Sequential(*layers)

def wide():
    hidden = [part for _ in range(20) for part in (nn.Linear(32, 32), nn.ReLU())]
    return nn.Sequential(nn.Linear(2, 32), nn.ReLU(), *hidden, nn.Linear(32, 2))

def small():
    return nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 2))

ready = small()
number = 3
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MODULE)
    return tmp_path


def goodinit(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-c", "from goodinit.cli import main; main()"]
    return subprocess.run(  # noqa: S603  # our own command line
        [*command, *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"COLUMNS": "100"},
    )


def test_a_sound_module_is_said_to_be_sound(home: Path) -> None:
    done = goodinit("inspect", "mine:small", "--input", "64,2", "--seeds", "3", cwd=home)
    assert done.returncode == 0, done.stderr
    assert "Nothing is wrong with these layers." in done.stdout


def test_vanishing_gradients_are_found_and_drawn(home: Path) -> None:
    words = ["inspect", "mine:wide", "--input", "64,2", "--seeds", "2", "--out", "pictures"]
    done = goodinit(*words, cwd=home)
    assert done.returncode == 1, done.stderr
    assert "vanishing gradients" in done.stdout
    assert (home / "pictures" / "layers.png").stat().st_size > 10_000


def test_a_module_is_compared_kept_and_shown(home: Path) -> None:
    words = ["compare", "moons", "--torch", "mine:small", "--init", "default,zeros"]
    quick = ["--iterations", "20", "--seeds", "2", "--out", "study"]
    done = goodinit(*words, *quick, "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed["study"]["module"] == {
        "module": "small",
        "parameters": 62,
        "loss": "cross-entropy",
    }
    shown = goodinit("show", "study", "--json", cwd=home)
    assert json.loads(shown.stdout) == printed


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["inspect", "mine", "--input", "2,2"], "module: got 'mine', takes package.module:name"),
        (["inspect", "mine:nothing", "--input", "2,2"], "module: got 'mine:nothing'"),
        (["inspect", "nowhere:build", "--input", "2,2"], "ModuleNotFoundError"),
        (["inspect", "mine:number", "--input", "2,2"], "module: got 'mine:number'"),
        (["inspect", "mine:small", "--input", "2x2"], "input: got '2x2'"),
        (["compare", "moons", "--torch", "mine"], "module: got 'mine'"),
        (["compare", "moons", "--torch", "mine:small", "--optimizer", "sdg"], "optimizer"),
        (["compare", "moons", "--torch", "mine:small", "--init", "he_norml"], "he_normal"),
    ],
)
def test_bad_words_are_one_line_and_exit_2(home: Path, words: list[str], says: str) -> None:
    done = goodinit(*words, cwd=home)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


def test_a_builder_may_be_a_function_a_class_or_a_module() -> None:
    assert load_builder("torch.nn:Identity") is nn.Identity
    with pytest.raises(ArgumentError, match="takes package"):
        load_builder("torch.nn:functional")


def test_inputs_are_drawn_from_their_shapes() -> None:
    image, tokens = read_inputs(["4,3,8,8", "4,16@50"])
    assert image.shape == (4, 3, 8, 8)
    assert image.dtype == torch.float32
    assert tokens.shape == (4, 16)
    assert int(tokens.max()) < 50
    assert torch.equal(read_inputs(["4,3,8,8"]), image)
