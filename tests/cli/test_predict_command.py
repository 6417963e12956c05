"""``goodinit predict``: what is printed is what ``gi.predict`` returns."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import goodinit as gi
from goodinit.cli import main


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["goodinit", "predict", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_json_holds_the_layers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "circles", "--init", "he_normal,ones", "--json", "--draws", "0") == 0
    he, ones = json.loads(capsys.readouterr().out)["predictions"]
    found = gi.predict("circles", "he_normal", draws=0)
    assert [row["gradient_rms"] for row in he["layers"]] == pytest.approx(
        list(found.layers["gradient_rms"])
    )
    assert he["chi"] == pytest.approx(1.0)
    assert he["correlation_depth"] is None  # infinite
    assert "silent" in ones["sentences"][0]


def test_the_table_has_a_row_per_layer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "circles", "--hidden", "64x3", "--draws", "0") == 0
    said = capsys.readouterr().out
    rows = [line for line in said.splitlines() if line.strip()[:1].isdigit()]
    assert len(rows) == 4
    assert "χ₁ 1" in said


def test_a_wrong_initializer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "circles", "--init", "he_norml") == 2
    assert "did you mean 'he_normal'" in capsys.readouterr().err


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_table_fits_its_screen_and_cuts_no_number(width: int, tmp_path: Path) -> None:
    words = ("predict", "digits", "--hidden", "64x30", "--init", "normal(std=10)", "--draws", "0")
    said = _on_a_terminal(words, width, tmp_path, NO_COLOR="1")
    assert "…" not in said
    assert max(map(len, said.splitlines())) <= width
    assert ("Left out, for want of room" in said) == (width < 100)


def test_without_colours_nothing_is_sent_but_what_is_to_be_read(tmp_path: Path) -> None:
    words = ("predict", "circles", "--draws", "0")
    assert "\x1b[" in _on_a_terminal(words, 80, tmp_path)
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in _on_a_terminal(words, 80, tmp_path, **variables)


def _on_a_terminal(words: Sequence[str], width: int, place: Path, **variables: str) -> str:
    """Run a command on a terminal of that width, and return what it printed there."""
    ours, theirs = os.openpty()
    environment = os.environ | {"COLUMNS": str(width), "LINES": "50", "TERM": "xterm"} | variables
    command = [sys.executable, "-m", "goodinit", *words]
    running = subprocess.Popen(command, cwd=place, stdout=theirs, env=environment)  # noqa: S603
    os.close(theirs)
    said = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        said += piece
    os.close(ours)
    assert running.wait(timeout=60) == 0
    return said.decode().replace("\r\n", "\n")
