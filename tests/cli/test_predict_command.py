"""``goodinit predict``: what is printed is what ``gi.predict`` returns."""

import json

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
