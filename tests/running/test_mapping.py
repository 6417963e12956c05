"""Maps: cells that are trained once, biases that are drawn, theory's boundary, and a picture."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from rich.text import Text

import goodinit as gi
from commands import goodinit
from goodinit import initializers, network
from goodinit.cli import map as command
from goodinit.cli import printing
from goodinit.errors import ArgumentError
from goodinit.network import Network


def small(**more: Any) -> gi.Map:
    given: dict[str, Any] = {
        "x": ("*", (0.3, 2.0)),
        "y": ("depth", (1, 40)),
        "width": 10,
        "bias_variance": 0.05,
        "iterations": 5,
        "seeds": 2,
    }
    return gi.map("circles", **given | more)


def test_a_map_has_a_row_per_cell_and_theory_beside_it() -> None:
    found = small()
    cells = found.cells.set_index(["x", "y"])
    assert len(cells) == 4
    reach = {place: float(cells["reach"][place]) for place in cells.index}
    assert reach[0.3, 1.0] > 1 > reach[0.3, 40.0]
    point = gi.theory.fixed_point("tanh", 2.0, 0.05)
    assert reach[2.0, 40.0] == pytest.approx(6 * point.correlation_depth / 40, rel=1e-6)
    assert cells["initializer"][2.0, 1.0].endswith(f" + bias(std={0.05**0.5!r})")


def test_the_picture_has_the_boundary_between_the_cells() -> None:
    figure = small().plot()
    axes = figure.axes[0]
    assert axes.images[0].get_array().shape == (2, 2)  # type: ignore[union-attr]
    assert len(axes.collections) >= 1


@pytest.mark.parametrize(
    ("initializer", "label"),
    [
        ("variance_scaling(*, fan_in, normal)", "scale of variance_scaling(*, fan_in, normal)"),
        ("normal(std=*)", "std of normal(std=*)"),
        ("he_normal + bias(std=*)", "std of he_normal + bias(std=*)"),
    ],
)
def test_axes_and_line_are_named_in_words(initializer: str, label: str) -> None:
    found = small(initializer=initializer, bias_variance=0.0, x=("*", (0.1, 2.0)), iterations=1)
    assert found.labels == (label, "hidden layers")
    figure = found.plot()
    assert figure.axes[0].get_xlabel() == label
    for legend in figure.legends:
        assert "correlation depth" in legend.get_texts()[0].get_text()


def test_the_command_draws_for_a_paper_and_marks_what_is_beyond_theory(tmp_path: Path) -> None:
    words = ("map", "circles", "--x", "*=0.3,2", "--y", "depth=1,40", "--width", "5")
    more = ("--bias-variance", "0.05", "--iterations", "2", "--seeds", "1", "--out", "kept")
    done = goodinit(*words, *more, "--figure-size", "column", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "kept" / "map.png") as picture:
        assert picture.width == pytest.approx(3.25 * 300, abs=1)
    (row,) = (line for line in done.stdout.splitlines() if line.strip().startswith("40 "))
    assert row.count("*") == 1
    assert "* theory: deeper than 6 × the correlation depth ξ_c" in done.stdout
    assert goodinit(*words, *more, "--figure-size", "tiny", cwd=tmp_path).returncode == 2


def test_printed_cells_keep_their_places_however_narrow_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = small(x=("*", tuple(np.linspace(0.25, 3, 12))), y=("depth", (1, 2)), iterations=1)
    monkeypatch.setattr(printing, "terminal", lambda: Console(force_terminal=True, width=60))
    command.show(found)
    lines = [Text.from_ansi(line).plain for line in capsys.readouterr().out.splitlines()]
    rows = [line.split() for line in lines if "0." in line]
    assert sum(row[0] in {"1", "2"} for row in rows) >= 4  # two blocks, with both depths
    assert sum(len(row) - 1 for row in rows if row[0] in {"1", "2"}) == 24
    assert max(map(len, lines)) <= 60


def test_cells_that_are_kept_are_not_trained_again(tmp_path: Path) -> None:
    first = small(out=tmp_path)
    parts = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert parts
    again = small(out=tmp_path)
    assert again.cells.equals(first.cells)
    assert parts == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    more = small(out=tmp_path, x=("*", (0.3, 1.0, 2.0)))
    assert len(more.cells) == 6


def test_biases_are_drawn_with_their_own_spread_and_weights_stay_as_they_were() -> None:
    plain = initializers.he_normal()
    biased = initializers.read("he_normal + bias(std=0.5)")
    net = Network((2, 4000, 3))
    without, drawn = (network.initialize(net, scheme, 1) for scheme in (plain, biased))
    assert not without[0][1].any()
    assert drawn[0][1].std() == pytest.approx(0.5, rel=0.05)
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(without, drawn, strict=True))
    assert initializers.read(biased.name).bias_std == biased.bias_std == 0.5


def test_theory_sees_the_biases_of_an_initializer() -> None:
    given: dict[str, Any] = {"hidden": (20,) * 4, "activation": "tanh", "draws": 0}
    own = gi.predict("circles", "lecun_normal + bias(std=0.5)", **given).layers
    said = gi.predict("circles", "lecun_normal", bias_std=0.5, **given).layers
    assert own.equals(said)


def test_cells_measure_no_sharpness_which_would_take_most_of_their_time(tmp_path: Path) -> None:
    small(out=tmp_path)
    (kept,) = (gi.load(folder) for folder in tmp_path.glob("depth40-*"))
    assert kept.sharpness["sharpness"].isna().all()
    assert kept.sharpness["iteration"].unique().tolist() == [0, 5]
    assert kept.verdicts


@pytest.mark.parametrize(
    ("argument", "given"),
    [
        ("x", {"x": ("deep", (1, 2))}),
        ("x", {"x": "depth"}),
        ("y", {"y": ("depth", (3,))}),
        ("y", {"x": ("depth", (1, 2))}),
        ("initializer", {"initializer": "he_normal"}),
        ("bias_variance", {"bias_variance": -0.1}),
    ],
)
def test_wrong_arguments_are_named(argument: str, given: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=f"^{argument}"):
        small(**given)


def test_a_map_is_kept_in_a_folder_of_its_own_only(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ArgumentError, match=r"^out: got .*a new or empty folder"):
        small(out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("name", ["map.csv", "map.png"])
def test_the_command_never_replaces_a_file_that_it_did_not_write(name: str, tmp_path: Path) -> None:
    words = ("map", "circles", "--x", "*=0.5,1", "--y", "depth=1,2", "--iterations", "3")
    for _ in range(2):  # a map that is begun is gone on with
        done = goodinit(*words, "--out", "kept", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    (tmp_path / "kept" / name).write_text("mine")
    done = goodinit(*words, "--out", "kept", cwd=tmp_path)
    assert done.returncode == 2
    assert f"whose {name} goodinit wrote" in done.stderr
    assert (tmp_path / "kept" / name).read_text() == "mine"
    assert goodinit(*words, "--out", "", cwd=tmp_path).returncode == 2
    assert {path.name for path in tmp_path.iterdir()} == {"kept"}
