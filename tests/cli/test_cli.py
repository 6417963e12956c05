"""The command line as its user meets it: what it prints, what it writes, how it refuses."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import goodinit as gi
from commands import goodinit
from studies import snapshot

QUICK = ["--iterations", "30", "--seeds", "2"]


def test_compare_prints_a_table_and_writes_pictures(tmp_path: Path) -> None:
    done = goodinit("compare", "circles", *QUICK, "--out", "study", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2-10-5-1, relu, sigmoid" in done.stdout
    rows = [line.split()[0] for line in done.stdout.splitlines() if " %" in line and line.split()]
    assert set(rows) >= {"zeros", "normal(std=10)", "normal(std=0.01)", "he_normal"}
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert {path.suffix for path in (tmp_path / "study").glob("[a-z]*.*")} == {
        ".png",
        ".csv",
        ".html",
        ".json",
        ".npz",
    }


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    done = goodinit("compare", "circles", "--init", "zeros", *QUICK, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_json_is_one_object_and_nothing_is_written(tmp_path: Path) -> None:
    done = goodinit("compare", "circles", "--init", "zeros", *QUICK, "--json", cwd=tmp_path)
    printed = json.loads(done.stdout)
    assert printed["study"]["network"]["layers"] == [2, 10, 5, 1]
    assert printed["study"]["seeds"] == [0, 1]
    (row,) = printed["summary"]
    assert row["initializer"] == "zeros"
    assert row["train_accuracy"] == 0.5
    assert row["initial_cost"] == pytest.approx(np.log(2), rel=1e-15)
    assert list(tmp_path.iterdir()) == []


def test_splits_are_said_in_the_table_and_in_json_and_shown_again(tmp_path: Path) -> None:
    words = ["compare", "iris", "--init", "zeros,he", "--iterations", "30", "--seeds", "12"]
    words += ["--splits", "6", "--out", "study", "--figures", "none"]
    told = goodinit(*words, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "12 seeds over 6 splits" in " ".join(told.stdout.split())
    assert "over 6 splits of the same examples" in " ".join(told.stdout.split())
    report = json.loads(goodinit("show", "study", "--json", cwd=tmp_path).stdout)
    assert report["study"]["splits"] == 6
    assert any("6 splits of the same" in said for said in report["warnings"])
    assert json.loads(goodinit(*words, "--json", cwd=tmp_path).stdout) == report


def test_json_holds_null_where_a_trial_diverged(tmp_path: Path) -> None:
    done = goodinit("compare", "circles", "--init", "normal(1e200)", *QUICK, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["summary"][0]["train_cost"] is None


def test_init_is_split_outside_parentheses_and_may_be_repeated(tmp_path: Path) -> None:
    done = goodinit(
        *("compare", "circles", "--init", "zeros,variance_scaling(2, fan_in, uniform)"),
        *("--init", "he_normal", *QUICK, "--json"),
        cwd=tmp_path,
    )
    assert json.loads(done.stdout)["study"]["initializers"] == [
        "zeros",
        "variance_scaling(scale=2, mode=fan_in, distribution=uniform)",
        "he_normal",
    ]


def test_hidden_layers_of_one_width_may_be_counted(tmp_path: Path) -> None:
    words = ["compare", "circles", "--init", "he", "--hidden", "4x3,2", *QUICK, "--json"]
    printed = json.loads(goodinit(*words, cwd=tmp_path).stdout)
    assert printed["study"]["network"]["layers"] == [2, 4, 4, 4, 2, 1]


def test_initializers_lists_every_scheme(tmp_path: Path) -> None:
    done = goodinit("initializers", cwd=tmp_path)
    for expected in ("glorot_uniform", "xavier_uniform", "N(0, 2/fan_in)", "2010", "sparse"):
        assert expected in done.stdout
    assert "…" not in done.stdout


def test_help_and_version(tmp_path: Path) -> None:
    assert "compare" in goodinit("--help", cwd=tmp_path).stdout
    assert goodinit("--version", cwd=tmp_path).stdout.startswith("goodinit ")


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom goodinit.cli import main\nsys.argv = ['goodinit', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'pandas', 'matplotlib', 'sklearn', 'scipy', 'numba', 'torch'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603  # our own code


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["compare", "cirlces"], "did you mean 'circles'?"),
        (["compare", "nowhere/data.csv"], "nowhere/data.csv"),
        (["compare", "circles", "--init", "he_nrmal"], "did you mean 'he_normal'?"),
        (["compare", "circles", "--init", "normal(std=-1)"], "std: got -1"),
        (["compare", "circles", "--init", "normal(std=open('x'))"], "literal arguments"),
        (["compare", "circles", "--init", "he,"], "initializers: got 'he,'"),
        (["compare", "circles", "--init", "he,xavier,glorot"], "glorot_normal twice"),
        (["compare", "circles", "--activation", "rleu"], "did you mean 'relu'?"),
        (["compare", "circles", "--hidden", "10,x"], "hidden: got '10,x'"),
        (["compare", "circles", "--hidden", "0"], "hidden: got 0"),
        (["compare", "circles", "--seeds", "0"], "seeds: got 0"),
        (["compare", "circles", "--seeds", "1,-2"], "seeds: got -2"),
        (["compare", "iris", "--splits", "0"], "splits: got 0"),
        (["compare", "iris", "--splits", "30"], "seeds: got 20, takes at least 30"),
        (["compare", "circles", "--iterations", "-3"], "iterations: got -3"),
        (["compare", "circles", "--iterations", "ten"], "--iterations"),
        (["compare", "circles", "--learning-rate", "0"], "learning_rate: got 0"),
        (["compare", "circles", "--learning-rate", "nan"], "learning_rate: got nan"),
        (["compare", "circles", "--target", "x"], "target: got 'x'"),
        (["compare", "--iterations", "3"], "Missing argument"),
        (["compare", "circles", "--no-such-option"], "--no-such-option"),
        (["nonsense"], "nonsense"),
        (["reproduce", "--images", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(tmp_path: Path, words: list[str], says: str) -> None:
    done = goodinit(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asked", [["--keep-networks"], ["--figures", "pdf"]])
def test_what_only_a_folder_holds_is_refused_without_one(asked: list[str], tmp_path: Path) -> None:
    done = goodinit("compare", "circles", *asked, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "takes no value without --out, where it would be written" in done.stderr


def test_an_output_place_that_is_a_file_is_refused_before_any_work(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("kept")
    done = goodinit("compare", "circles", "--out", place, cwd=tmp_path)
    assert done.returncode == 2
    assert "out: got" in done.stderr
    assert place.read_text() == "kept"


def test_a_users_table_is_never_overwritten(tmp_path: Path) -> None:
    table = "\n".join(["a,b,y", *(f"{n},{n * n % 7},{n % 2}" for n in range(40))])
    (tmp_path / "summary.csv").write_text(table)
    words = ["compare", "summary.csv", "--target", "y", *QUICK, "--out"]
    for out in (".", "", "summary.csv"):
        done = goodinit(*words, out, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"goodinit: out: got {out!r}")
        assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["summary.csv"]
    assert (tmp_path / "summary.csv").read_text() == table


def test_show_writes_nothing_unless_it_is_asked_to(tmp_path: Path) -> None:
    words = ["compare", "circles", "--init", "zeros,he", *QUICK, "--out", "study"]
    told = goodinit(*words, "--figures", "none", cwd=tmp_path)
    before = snapshot(tmp_path)
    shown = goodinit("show", "study", cwd=tmp_path)
    assert snapshot(tmp_path) == before
    assert told.stdout == f"{shown.stdout}Tables: study{os.sep}\n"
    (tmp_path / "costs.png").write_text("mine")
    before = snapshot(tmp_path)
    refused = goodinit("show", "study", "--out", ".", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert snapshot(tmp_path) == before
    goodinit("show", "study", "--figures", "svg", cwd=tmp_path)
    goodinit("show", "study", "--out", "pictures", cwd=tmp_path)
    assert (tmp_path / "study" / "costs.svg").exists()
    assert (tmp_path / "pictures" / "costs.png").exists()


def test_show_imports_neither_what_trains_nor_what_draws(tmp_path: Path) -> None:
    goodinit("compare", "circles", "--init", "zeros,he", *QUICK, "--out", "study", cwd=tmp_path)
    code = (
        "import sys\nfrom goodinit.cli import main\nsys.argv = ['goodinit', 'show', 'study']\n"
        "try:\n    main()\nexcept SystemExit as left:\n    assert left.code == 0\n"
        "slow = {'numba', 'matplotlib', 'sklearn', 'seaborn', 'PIL', 'torch', 'scipy.stats'}\n"
        "slow &= set(sys.modules)\n"
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603  # our own code


def test_compare_imports_no_part_of_scipy_that_takes_longer_than_its_verdicts(
    tmp_path: Path,
) -> None:
    words = ["goodinit", "compare", "circles", "--activation", "tanh", *QUICK, "--out", "study"]
    code = (
        f"import sys\nfrom goodinit.cli import main\nsys.argv = {words}\n"
        "try:\n    main()\nexcept SystemExit as left:\n    assert left.code == 0\n"
        "slow = {'scipy.interpolate', 'scipy.optimize', 'scipy.stats', 'sklearn', 'seaborn'}\n"
        "slow &= set(sys.modules)\n"
        "assert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)  # noqa: S603  # our own code


def test_ctrl_c_ends_with_one_line_and_leaves_no_empty_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from goodinit.cli import main; main()"]
    running = subprocess.Popen(  # noqa: S603  # our own command line
        [*command, "compare", "circles", "--iterations", "100000000", "--out", "study", "--quiet"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    folder = tmp_path / "study"
    try:
        while not folder.exists() and running.poll() is None:
            time.sleep(0.05)
        time.sleep(1.0)
        running.send_signal(signal.SIGINT)
        _, complaint = running.communicate(timeout=60)
    finally:
        running.kill()
    assert running.returncode == 130
    assert complaint == (
        "goodinit: interrupted: 0 of 120 trials are kept in study, and the same command goes on "
        "with the others\n"
    )
    assert not folder.exists()


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("wide")
    named = "zeros,normal(std=10),variance_scaling(2.123456, fan_in, uniform)"
    words = ["--init", named, "--learning-rate", "0.1,0.01,1000", "--out", "study"]
    goodinit("compare", "circles", *QUICK, *words, "--figures", "none", cwd=home)
    return home


@pytest.mark.parametrize("width", [60, 72, 80, 100, 140])
def test_a_table_fits_its_screen_and_keeps_what_it_is_sorted_by(width: int, wide: Path) -> None:
    from io import StringIO

    from rich.console import Console

    from goodinit.summary import _significant, summary_parts

    result, text = gi.load(wide / "study"), StringIO()
    console = Console(file=text, width=width, force_terminal=True, color_system=None)
    for part in summary_parts(result.study, result.summary(), result.evidence.lead, width):
        console.print(part)
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    (heading,) = (line for line in lines if line.startswith("  initializer"))
    assert {"initializer", "rate", "final cost"} <= set(re.split(r"\s{2,}", heading.strip()))
    assert ("Left out to fit" in text.getvalue()) == ("initial cost" not in heading)
    for cost in result.summary()["train_cost"]:
        assert any(f" {_significant(cost)}" in line for line in lines)


def test_a_pipe_gets_the_whole_table(wide: Path) -> None:
    lines = goodinit("show", "study", cwd=wide).stdout.splitlines()
    (row,) = (line for line in lines if "variance_scaling" in line and "%" in line)
    assert "variance_scaling(scale=2.123456, mode=fan_in, distribution=uniform)" in row
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize("words", [["compare", "-h"], ["show", "-h"], ["inspect", "--help"]])
def test_help_of_a_command_has_two_examples_and_its_defaults(
    words: list[str], tmp_path: Path
) -> None:
    said = goodinit(*words, cwd=tmp_path).stdout
    assert said.count("goodinit " + words[0]) >= 3  # how it is used, and two examples
    if words[0] == "compare":
        for expected in ("Data", "Network", "Training", "Comparison", "Output", "[default: 10,5]"):
            assert expected in said


def test_goodinit_alone_shows_its_help(tmp_path: Path) -> None:
    alone = goodinit(cwd=tmp_path)
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout == goodinit("-h", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    "option", ["--hidden=3", "--activation=tanh", "--bias=prior", "--dtype=float32"]
)
def test_a_module_refuses_what_it_would_ignore(option: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed")
    done = goodinit("compare", "circles", "--torch", "models:build", option, cwd=tmp_path)
    assert done.returncode == 2
    assert "takes no value beside --torch" in done.stderr


def test_timing_tells_on_standard_error_where_time_went(tmp_path: Path) -> None:
    done = goodinit("compare", "circles", "--init", "zeros", *QUICK, "--timing", cwd=tmp_path)
    head, *laps = [line.split(None, 2) for line in done.stderr.splitlines()]
    assert head[:2] == ["seconds", "that"]
    passed = {name: float(seconds) for seconds, _, name in laps}
    worked = {name: float(seconds) for _, seconds, name in laps}
    assert {"training", "measuring", "measuring sharpness", "verdicts"} < set(passed)
    for seconds in (passed, worked):
        whole = seconds.pop("in all")
        assert sum(seconds.values()) == pytest.approx(whole, abs=0.05)


def test_an_initializer_of_the_users_own_comes_from_the_shell(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import numpy as np\nfrom functools import partial\n"
        "def drawn(rng, shape, scale=1.0):\n    return scale * rng.standard_normal(shape)\n"
        "small, large = partial(drawn, scale=0.1), partial(drawn, scale=10.0)\n"
        "wrong = lambda rng, shape: np.zeros(3)\n"
        "def raising(rng, shape):\n    raise KeyError(shape)\n"
    )
    words = ["compare", "circles", *QUICK, "--json", "--init"]
    said = goodinit(*words, "zeros,mine:drawn,mine:small,mine:large", cwd=tmp_path)
    assert json.loads(said.stdout)["study"]["initializers"] == [
        "zeros",
        "drawn",
        "drawn(scale=0.1)",
        "drawn(scale=10.0)",
    ]
    for spec, says in [
        ("mine:none", "there is none"),
        ("nowhere:f", "No module named 'nowhere'"),
        ("mine:wrong", "lambda"),
        ("mine:raising", "mine.py:8, in raising: KeyError: "),
    ]:
        done = goodinit(*words, spec, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert says in done.stderr


def test_biases_are_said_and_refused_in_one_line(tmp_path: Path) -> None:
    asked = ["compare", "circles", "--init", "he_normal", *QUICK, "--bias"]
    done = goodinit(*asked, "prior", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["study"]["network"]["bias"] == "prior"
    refused = goodinit(*asked, "normal(std=-1)", cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr.splitlines()[-1].endswith("std: got -1, takes a number above 0")


# What the terminal has room for, and what can be read on it


@pytest.mark.parametrize("width", ["60", "80"])
@pytest.mark.parametrize("name", ["truncated_normal(std=0.0123456789)", "normal(0.00987654321)"])
def test_no_number_of_a_name_is_broken(width: str, name: str, tmp_path: Path) -> None:
    words = ("compare", "circles", *QUICK, "--init", f"{name},he", "--learning-rate", "0.1,0.01")
    done = goodinit(*words, cwd=tmp_path, FORCE_COLOR="1", COLUMNS=width)
    assert done.returncode == 0, done.stderr
    number = re.search(r"0\.0\d+", name)
    assert number is not None
    assert done.stdout.count(number[0]) >= 2  # in the table and in the verdict
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", done.stdout).splitlines())) <= int(width)


@pytest.mark.parametrize("width", ["60", "80"])
def test_the_schemes_are_listed_with_whole_names_on_any_screen(width: str, tmp_path: Path) -> None:
    done = goodinit("initializers", cwd=tmp_path, FORCE_COLOR="1", COLUMNS=width)
    for name in gi.initializers.SCHEMES:
        assert name in done.stdout
    plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert max(map(len, plain.splitlines())) <= int(width)


@pytest.mark.parametrize("words", [["--help"], ["compare", "-h"]])
def test_help_has_no_colour_that_vanishes_on_white(words: list[str], tmp_path: Path) -> None:
    done = goodinit(*words, cwd=tmp_path, FORCE_COLOR="1", TERM="xterm-256color")
    codes = {
        code for found in re.findall(r"\x1b\[([0-9;]*)m", done.stdout) for code in found.split(";")
    }
    assert codes <= {"", "0", "1", "2", "31"}
    assert "1" in codes
