"""The page of an inspection, as Python fills it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")

from test_report import held, numbers  # noqa: E402

from goodinit.errors import ArgumentError  # noqa: E402  # where torch is
from goodinit.pages.columns import evenly  # noqa: E402
from goodinit.torch import inspect  # noqa: E402
from goodinit.torch.inspecting.report import Report  # noqa: E402

COMMANDS = """
from torch import nn

def symmetric():
    hidden = nn.Linear(20, 50), nn.ReLU(), nn.Linear(50, 50), nn.ReLU()
    model = nn.Sequential(*hidden, nn.Linear(50, 3))
    nn.init.zeros_(model[2].weight), nn.init.zeros_(model[2].bias)
    return model
"""


def looked_at(depth: int = 2, *, flat: int | None = 1, cures: bool = True) -> Report:
    """Return the report of a module, of whose layers one has equal units."""
    torch.manual_seed(0)
    hidden = [part for _ in range(depth) for part in (torch.nn.Linear(20, 20), torch.nn.ReLU())]
    model = torch.nn.Sequential(*hidden, torch.nn.Linear(20, 3))
    if flat is not None:
        torch.nn.init.zeros_(model[2 * flat].weight)
        torch.nn.init.zeros_(model[2 * flat].bias)
    x, y = torch.randn(64, 20), torch.randint(3, (64,))
    return inspect(model, x, y, cures=cures)


def page_of(report: Report, path: Path, **named: Any) -> dict[str, Any]:
    report.save_html(path, **named)
    return held(path.read_text(encoding="utf-8"))


def test_layers_are_rungs_and_findings_stand_at_theirs(tmp_path: Path) -> None:
    report = looked_at()
    data = page_of(report, tmp_path / "page.html", title="net", command="goodinit inspect net")
    assert [one["name"] for one in data["layers"]] == ["0", "2", "4"]
    (found,) = [one for one in data["findings"] if one["label"] == "fails to break symmetry"]
    assert (found["layer"], found["place"]) == ("2", 1)
    assert found["cure"] == report.findings[0].cure
    for rung, (_, row) in zip(data["layers"], report.layers.iterrows(), strict=True):
        signals = ["units", "distinct_units", "dead_fraction", "saturated_fraction", "gain"]
        scales = np.repeat([row["activation_rms"], row["gradient_rms"]], 3)
        told = numbers(rung["numbers"])[:-2]  # the rest: after the cure
        np.testing.assert_array_equal(told, [*row[signals].astype(float), *scales])
    assert (data["title"], data["made"]["command"]) == ("net", "goodinit inspect net")
    assert data["made"]["took"].startswith("Looking took ")


def test_beside_each_layer_stands_what_it_is_after_the_cure(tmp_path: Path) -> None:
    report = looked_at()
    (found,) = report.findings
    data = page_of(report, tmp_path / "page.html")
    assert data["cure"] == found.cure
    after = report.cured[data["cure"]]
    assert after["layer"].tolist() == report.layers["layer"].tolist()
    assert (report.layers["activation_rms"][1], after["activation_rms"][1] > 0.1) == (0, True)
    for rung, (_, row) in zip(data["layers"], after.iterrows(), strict=True):
        scales = row[["activation_rms", "gradient_rms"]].astype(float)
        np.testing.assert_array_equal(numbers(rung["numbers"])[-2:], scales)


def test_without_a_cure_nothing_stands_after_it(tmp_path: Path) -> None:
    report = looked_at(cures=False)
    data = page_of(report, tmp_path / "page.html")
    assert data["cure"] is None
    assert all(np.isnan(numbers(rung["numbers"])[-2:]).all() for rung in data["layers"])


def test_a_healthy_module_is_told_so(tmp_path: Path) -> None:
    data = page_of(looked_at(flat=None), tmp_path / "page.html")
    assert data["answer"] == "Nothing is wrong with the layers that were looked at."
    assert data["findings"] == []


def test_a_deep_module_is_thinned_and_keeps_the_layers_with_findings(tmp_path: Path) -> None:
    left_out = min(set(range(1, 701)) - set(evenly(701, 600)))
    report = looked_at(700, flat=left_out, cures=False)
    data = page_of(report, tmp_path / "page.html")
    assert len(data["layers"]) <= 600 + len(report.findings)
    (found,) = [one for one in data["findings"] if one["label"] == "fails to break symmetry"]
    assert data["layers"][found["place"]]["name"] == found["layer"] == str(2 * left_out)
    assert data["made"]["thinned"] == [f"Of 701 layers, {701 - len(data['layers'])} are left out."]
    assert (tmp_path / "page.html").stat().st_size < 2_000_000


def test_no_file_of_the_users_is_replaced(tmp_path: Path) -> None:
    own = tmp_path / "page.html"
    own.write_text("mine", encoding="utf-8")
    with pytest.raises(ArgumentError, match=r"path: .*a page that goodinit wrote"):
        looked_at(flat=None).save_html(own)
    assert own.read_text(encoding="utf-8") == "mine"


def test_the_command_writes_the_page_or_refuses_before_any_work(tmp_path: Path) -> None:
    from commands import goodinit

    (tmp_path / "nets.py").write_text(COMMANDS, encoding="utf-8")
    words = ["inspect", "nets:symmetric", "--input", "32,20", "--seeds", 2, "-q", "--report"]
    done = goodinit(*words, "net.html", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("Report: net.html\n")
    data = held((tmp_path / "net.html").read_text(encoding="utf-8"))
    assert data["title"] == "nets:symmetric"
    assert data["made"]["command"].startswith("goodinit inspect nets:symmetric --input 32,20")
    (tmp_path / "net.html").write_text("mine", encoding="utf-8")
    refused = goodinit(*words, "net.html", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("goodinit: report: got 'net.html'")
    assert (tmp_path / "net.html").read_text(encoding="utf-8") == "mine"
