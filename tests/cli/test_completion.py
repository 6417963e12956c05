"""Shells complete what the command line offers, as ``docs/commands.md`` says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_endings import START, run

HOW = {  # how each shell asks
    "bash": {"COMP_WORDS": "goodinit {}", "COMP_CWORD": "{n}"},
    "zsh": {"_TYPER_COMPLETE_ARGS": "goodinit {}"},
    "fish": {"_TYPER_COMPLETE_ARGS": "goodinit {}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}


@pytest.mark.parametrize("shell", HOW)
@pytest.mark.parametrize(("typed", "found"), [("pre", "predict"), ("show --fig", "--figures")])
def test_a_shell_gets_its_script_and_what_completes_a_word(
    shell: str, typed: str, found: str, tmp_path: Path
) -> None:
    code, script, _ = run(cwd=tmp_path, _GOODINIT_COMPLETE=f"source_{shell}")
    assert code == 0
    assert f"_GOODINIT_COMPLETE=complete_{shell}" in script
    asked = {name: value.format(typed, n=len(typed.split())) for name, value in HOW[shell].items()}
    _, words, _ = run(cwd=tmp_path, _GOODINIT_COMPLETE=f"complete_{shell}", **asked)
    assert found in words
    assert "--margin" not in words


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_completion_is_installed_for_the_shell_that_asks(tmp_path: Path) -> None:
    command = f'"{sys.executable}" -c "{START}" --install-completion; exit $?'
    done = subprocess.run(  # noqa: S603  # our own command line
        ["bash", "-c", command],  # noqa: S607
        env=os.environ | {"HOME": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert str(script) in (tmp_path / ".bashrc").read_text()
    loaded = subprocess.run(  # noqa: S603
        ["bash", "-c", f"source '{script}' && complete -p goodinit"],  # noqa: S607
        check=True,
        capture_output=True,
        text=True,
    )
    assert "_goodinit_completion goodinit" in loaded.stdout
