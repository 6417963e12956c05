"""How the command line ends that can't go on: in one line, whatever the cause is."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from commands import goodinit

START = "from goodinit.__main__ import main; main()"
QUICK = ("--iterations", "30", "--seeds", "2", "--init", "zeros,he")
ENVIRONMENT = os.environ | {"COLUMNS": "100"}
FULL = Path("/dev/full")


def run(
    *words: object, cwd: Path, to: object = subprocess.PIPE, start: str = START, **variables: str
) -> tuple[int, str, str]:
    """Run the command line, and return exit code, standard output, and standard error."""
    done = subprocess.run(  # noqa: S603  # our own command line
        [sys.executable, "-c", start, *(os.fsencode(str(word)) for word in words)],
        cwd=cwd,
        stdout=to,  # type: ignore[call-overload]  # a pipe or a file
        stderr=subprocess.PIPE,
        check=False,
        timeout=120,
        env=ENVIRONMENT | variables,
    )
    said = b"" if done.stdout is None else done.stdout
    return done.returncode, said.decode(), done.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("NUMBA_NUM_THREADS", "0", 2),
        ("NUMBA_NUM_THREADS", "many", 0),
        ("NUMBA_OPT", "9", 0),
        ("NUMBA_DISABLE_JIT", "1", 2),
        ("NUMBA_CPU_FEATURES", "nonsense", 2),
        ("MPLBACKEND", "nonsense", 0),
    ],
)
def test_variables_of_others_that_make_no_sense_are_a_line_at_most(
    variable: str, value: str, code: int, tmp_path: Path
) -> None:
    out = tmp_path / "study"
    variables = {variable: value}
    found, _, said = run("compare", "circles", *QUICK, "--out", out, cwd=tmp_path, **variables)
    assert found == code, said
    assert said.count("\n") <= 1
    if said:
        assert said.startswith("goodinit: ")
        assert variable in said
    assert out.exists() == (code == 0)


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [["initializers"], ["--help"], ["compare", "circles", *QUICK]])
def test_an_output_that_is_full_is_one_line(words: list[str], tmp_path: Path) -> None:
    with FULL.open("w") as full:
        code, _, said = run(*words, cwd=tmp_path, to=full)
    assert (code, said) == (1, "goodinit: standard output: No space left on device\n")


def test_an_output_that_is_closed_is_no_fault(tmp_path: Path) -> None:
    code, _, said = run("initializers", cwd=tmp_path, start=f"import os; os.close(1); {START}")
    assert (code, said) == (0, "") or said.startswith("goodinit: standard output: ")
    start = f"import sys; sys.stdout = None; {START}"
    assert run("initializers", cwd=tmp_path, start=start) == (0, "", "")


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + ".csv", f"{'x' * 300}/data.csv"])
def test_names_that_are_too_long_are_one_line(name: str, tmp_path: Path) -> None:
    for words in (["compare", name], ["compare", "circles", "--out", name], ["show", name]):
        done = goodinit(*words, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_names_that_are_not_utf8_are_shown_and_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"t\xff\x1b[31mb.csv")
    table = "\n".join(["a,b,y", *(f"{n * 37 % 11},{n * n % 7},{n % 2}" for n in range(40))])
    (tmp_path / name).write_text(table)
    out = os.fsdecode(b"st\xffudy")
    words = ("compare", name, "--target", "y", *QUICK, "--out", out)
    done = goodinit(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert r"\x1b[31mb" in done.stdout
    done = goodinit("show", out, "--figures", "svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = goodinit("show", out, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "[31mb" in json.loads(done.stdout)["study"]["data"]["name"]


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.05, 0.1, 0.4, 1.0, 2.5])
def test_ctrl_c_at_any_moment_is_one_line(after: float, tmp_path: Path) -> None:
    start = (
        "import os, signal, threading\n"
        f"threading.Timer({after}, os.kill, (os.getpid(), signal.SIGINT)).start()\n{START}"
    )
    words = (
        "compare",
        "circles",
        "--iterations",
        "100000000",
        "--seeds",
        "2",
        "-q",
        "--out",
        "study",
    )
    code, said, complaint = run(*words, cwd=tmp_path, start=start)
    assert code == 130
    assert said == ""
    assert complaint.startswith("goodinit: interrupted: ")
    assert complaint.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_foresaw_is_one_line_and_a_traceback_where_asked(tmp_path: Path) -> None:
    start = (
        "import goodinit.study.grid as grid\n"
        "def plan(*_, **__): raise KeyError('beyond\\x1b[31m')\n"
        f"grid.plan = plan\n{START}"
    )
    code, said, complaint = run("compare", "circles", cwd=tmp_path, start=start)
    assert (code, said) == (1, "")
    assert complaint.count("\n") == 1
    assert "KeyError: " in complaint
    assert "goodinit's own" in complaint


def test_a_signal_in_the_last_moment_prints_nothing(tmp_path: Path) -> None:
    start = (
        f"import atexit, os, signal\natexit.register(os.kill, os.getpid(), signal.SIGINT)\n{START}"
    )
    code, _, complaint = run("--version", cwd=tmp_path, start=start)
    assert (code, complaint) == (-signal.SIGINT, "")
