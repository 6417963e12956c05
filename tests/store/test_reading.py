"""Everyone's tools read a study's tables with the line that the docs give."""

from pathlib import Path

import pytest

import goodinit as gi

DOCS = Path(__file__).parents[2] / "docs" / "studies.md"


def line_with(tool: str) -> str:
    """Return the line of the docs that begins with a tool's name."""
    return next(line for line in DOCS.read_text().splitlines() if line.startswith(f"{tool}."))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("home")
    for seeds in (2, 4):  # two parts
        gi.compare(
            "circles",
            initializers=["zeros", "he"],
            iterations=20,
            seeds=seeds,
            out=place / "runs" / "circles",
        )
    return place


def read(tool: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    module = pytest.importorskip(tool, reason=f"{tool} is not installed")
    monkeypatch.chdir(home)
    return eval(line_with(tool), {tool: module})  # noqa: S307  # a line of our own docs


def test_pandas_reads_all_parts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = read("pandas", home, monkeypatch)
    columns = list(gi.load(home / "runs" / "circles").trials)
    assert (table.shape, list(table)) == ((8, 9), columns)  # type: ignore[attr-defined, call-overload]


def test_polars_reads_all_parts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = read("polars", home, monkeypatch)
    assert table.shape == (8 * 21, 8)  # type: ignore[attr-defined]


def test_duckdb_reads_all_parts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = read("duckdb", home, monkeypatch).fetchall()  # type: ignore[attr-defined]
    assert dict(rows)["zeros"] == 0.5
