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
from goodinit.torch import inspect
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

def wrong():
    return nn.Sequential(nn.Linear(2, 12), nn.ReLU(), nn.Linear(13, 2))

class Wrong(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = wrong()
    def forward(self, x):
        return self.net(x)

def raises():
    raise KeyError("no such thing")

def leaves():
    raise SystemExit(0)

def chatty():
    print("building")
    return small()

def needs(width):
    return nn.Linear(2, width)
"""
LINE = {line.strip(): number for number, line in enumerate(MODULE.splitlines(), start=1)}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "imports.py").write_text("import nowhere_at_all")
    (tmp_path / "quits.py").write_text("import sys; sys.exit(0)")
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
    assert done.returncode == 0, done.stderr
    assert "vanishing gradients" in done.stdout
    assert goodinit(*words, "--cures", "none", "--fail-on", "finding", cwd=home).returncode == 1
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
        (["inspect", "mine:needs", "--input", "2,2"], "and needs no width"),
        (["inspect", "imports:build", "--input", "2,2"], "imports.py:1: ModuleNotFoundError: No"),
        (["inspect", "quits:build", "--input", "2,2"], "quits.py:1: sys.exit(0) was called"),
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


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("raises", 'raise KeyError("no such thing")', "in raises: KeyError: 'no such thing'"),
        ("leaves", "raise SystemExit(0)", "in leaves: sys.exit(0) was called"),
        ("Wrong", "return self.net(x)", "in forward, in layer net.2 (Linear): RuntimeError: mat1"),
    ],
)
def test_what_the_users_code_raises_is_one_line_with_its_place(
    home: Path, name: str, line: str, says: str
) -> None:
    for words in (
        ["inspect", f"mine:{name}", "--input", "4,2"],
        ["compare", "moons", "--torch", f"mine:{name}"],
    ):
        done = goodinit(*words, cwd=home)
        assert done.returncode == 2
        assert done.stderr.startswith(f"goodinit: mine.py:{LINE[line]}, {says}")
        assert done.stderr.count("\n") == 1
    whole = goodinit("inspect", f"mine:{name}", "--input", "4,2", "--traceback", cwd=home)
    assert whole.returncode == 2
    assert "Traceback (most recent call last)" in whole.stderr
    assert line in whole.stderr


def test_a_layer_of_pytorchs_own_is_named_where_no_file_of_the_user_is_in_it(home: Path) -> None:
    done = goodinit("inspect", "mine:wrong", "--input", "4,2", cwd=home)
    assert done.returncode == 2
    assert done.stderr.startswith("goodinit: in layer 2 (Linear): RuntimeError: mat1 and mat2")


def test_json_has_ranked_findings_and_nothing_else_is_printed(home: Path) -> None:
    words = ["--input", "64,2", "--seeds", "2", "--json"]
    report = json.loads(goodinit("inspect", "mine:wide", *words, cwd=home).stdout)
    (finding,) = report["findings"]
    assert (finding["rank"], finding["layer"], finding["label"]) == (1, "0", "vanishing gradients")
    assert finding["cure"] == 'goodinit.torch.initialize(model, "he_normal")'
    assert (len(report["layers"]), report["seeds"]) == (22, [0, 1])
    assert report["left_out"] == {"findings": 0, "layers": 0}
    chatty = goodinit("inspect", "mine:chatty", *words, cwd=home)
    assert json.loads(chatty.stdout)["findings"] == []
    assert chatty.stderr == "building\n" * 2


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


def test_what_is_no_module_no_input_and_no_number_of_seeds_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"did you mean 'nets\.mine:small'\?"):
        load_builder("nets/mine.py:small")
    with pytest.raises(ArgumentError, match="takes a bound from 1 on"):
        read_inputs(["2,2@0"])
    with pytest.raises(ArgumentError, match="takes a shape of at most"):
        read_inputs(["999999999,9999"])
    with pytest.raises(ArgumentError, match="takes at most 1,000 seeds"):
        inspect(lambda: nn.Linear(2, 2), torch.ones(2, 2), seeds=10**9)


def test_scaling_is_written_in_place_of_its_own_files_only(tmp_path: Path) -> None:
    (tmp_path / "sized.py").write_text(
        "from torch import nn\n"
        "def build(width):\n    return nn.Sequential(nn.Linear(2, width), nn.Linear(width, 2))\n"
        "def raises(width):\n    raise KeyError('of yours')\n"
    )
    sizes = ("--data", "circles", "--widths", "4,8,16", "--seeds", "2", "--steps", "1")
    for _ in range(2):
        done = goodinit("scale", "sized:build", *sizes, "--out", "kept", cwd=tmp_path)
        assert done.returncode in (0, 1), done.stderr
    (tmp_path / "kept" / "scaling.csv").write_text("mine")
    for out, line in [("kept", "whose scaling.csv goodinit wrote"), (".", "a new or empty folder")]:
        done = goodinit("scale", "sized:build", *sizes, "--out", out, cwd=tmp_path)
        assert done.returncode == 2
        assert line in done.stderr
    assert (tmp_path / "kept" / "scaling.csv").read_text() == "mine"
    done = goodinit("scale", "sized:raises", *sizes, cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "sized.py:5, in raises" in done.stderr


def test_scaling_is_told_as_a_table_that_fits_and_says_what_has_no_slope(tmp_path: Path) -> None:
    (tmp_path / "sized.py").write_text(
        "import torch\nfrom torch import nn\n"
        "def build(width):\n"
        "    made = nn.Sequential(nn.Linear(2, width), nn.Linear(width, 2))\n"
        "    nn.init.constant_(made[0].weight, 3e38 if width > 8 else 0.1)\n"
        "    return made\n"
    )
    asked = ("--data", "circles", "--widths", "4,8,16", "--seeds", "2", "--steps", "1")
    done = goodinit("scale", "sized:build", *asked, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    (heading,) = (line for line in lines if line.startswith("  layer "))
    assert len(heading.rstrip()) <= 60
    assert "1: its output's change diverges at width 16: no slope" in lines
    assert "nan" not in done.stdout
