"""The published figures, and what is said of the measured ones beside them."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from goodinit.articles.published import Run, figures
from goodinit.articles.reproduce import must_be_exact, reproduce, verdict
from goodinit.errors import ArgumentError

SHARED = Path(__file__).parents[3] / "shared" / "published.json"


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return reproduce()


@pytest.mark.skipif(not SHARED.is_file(), reason="the shared published.json is not here")
def test_the_packaged_figures_are_the_published_ones() -> None:
    def key(figure: dict[str, object]) -> list[object]:
        cost = f"cost at iteration {figure.get('iteration')}"
        quantity = str(figure["quantity"]).replace("_", " ")
        return [
            str(figure["article"])[:3],
            figure["experiment"],
            figure["initialization"],
            str(figure.get("rng")).startswith("unseeded"),
            cost if quantity == "cost" else quantity,
            str(np.array(figure["value"], dtype=float).tolist()),
            "summary table" in str(figure.get("note")),
        ]

    shared = [key(figure) for figure in json.loads(SHARED.read_text())["figures"]]
    packaged = [
        [f.article, *f.run, f.quantity, str(f.value), "summary table" in f.note] for f in figures()
    ]
    assert len(packaged) == 82
    assert sorted(packaged) == sorted(shared)


def test_zeros_he_and_the_weights_are_exact_on_the_circles(table: pd.DataFrame) -> None:
    assert must_be_exact(table).empty
    exact = table[table.verdict == "exact"]
    assert exact.groupby(["experiment", "initialization"]).size().to_dict() == {
        ("circles", "zeros"): 9,
        ("circles", "random"): 6,
        ("circles", "he"): 8,
        ("weights [3, 2, 1]", "zeros"): 4,
        ("weights [3, 2, 1]", "random"): 4,
        ("weights [2, 4, 1]", "he"): 4,
    }


def test_he_agrees_to_thirteen_digits(table: pd.DataFrame) -> None:
    (row,) = table[
        (table.initialization == "he")
        & (table.quantity == "cost at iteration 14000")
        & (table.experiment == "circles")
    ].to_dict("records")
    assert row["measured"] == pytest.approx(row["published"], rel=1e-13)


def test_large_random_agrees_to_three_digits_and_starts_at_inf(table: pd.DataFrame) -> None:
    rows = table[(table.experiment == "circles") & (table.initialization == "random")]
    costs = rows[rows.quantity.str.startswith("cost")].astype({"published": float})
    assert costs.published.iloc[0] == costs.measured.iloc[0] == np.inf
    later = costs.iloc[1:].astype({"measured": float})
    assert len(later) == 3
    np.testing.assert_allclose(later.measured, later.published, rtol=1e-3)
    assert later.verdict.str.fullmatch(r"differs by \d\.\de-0\d \(relative \d\.\de-0\d\)").all()


def test_article_004_needs_the_photographs(table: pd.DataFrame) -> None:
    rows = table[table.article == "004"]
    assert len(rows) == 44
    assert set(rows.verdict) == {"needs --images DIR"}
    assert rows.measured.isna().all()


@pytest.fixture
def four_pictures(tmp_path: Path) -> Iterator[Path]:
    for label, shade in [("cat", 10), ("dog", 200)]:
        for i in range(2):
            Image.new("RGB", (4, 4), (shade, 40 * i, 90)).save(tmp_path / f"{label}.{i}.jpg")
    yield tmp_path


def test_with_a_folder_article_004_is_measured_in_silence_beside_the_global_stream(
    four_pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.random.seed(7)  # noqa: NPY002
    calls: list[tuple[int, int]] = []
    table = reproduce(four_pictures, progress=lambda done, total: calls.append((done, total)))
    np.testing.assert_array_equal(np.random.randn(3), np.random.RandomState(7).randn(3))  # noqa: NPY002
    assert capsys.readouterr().out == ""
    assert calls == [(done, 11) for done in range(1, 12)]
    rows = table[table.article == "004"]
    assert set(rows[rows.initialization == "zeros"].verdict) == {"exact"}
    assert rows[rows.initialization != "zeros"].verdict.str.startswith("differs by ").any()


def test_a_missing_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"images: got .*, takes a folder of JPEG photographs"):
        reproduce(tmp_path / "missing", progress=lambda done, total: pytest.fail("it ran"))


@pytest.mark.parametrize("quantity", ["train accuracy", "W1", "cost at iteration 1000"])
def test_a_difference_where_none_may_be_is_a_failure(table: pd.DataFrame, quantity: str) -> None:
    changed = table.copy()
    changed.loc[changed.quantity == quantity, "verdict"] = "differs by 1.0e-03 (relative 1.0e-03)"
    failures = must_be_exact(changed)
    assert set(failures.quantity) == {quantity}
    circles = failures[failures.experiment == "circles"]
    assert set(circles.initialization) <= {"zeros", "he"}


@given(st.floats(0.01, 100))
def test_a_figure_is_exact_to_the_digits_printed(value: float) -> None:
    for printed in (".12g", ".2f", ".8f"):
        published = float(format(value, printed))
        assert verdict(published, value, printed) == "exact"
    assert verdict(value, value * (1 + 1e-10), ".17g") == "exact"
    assert verdict(value, value * (1 + 1e-6), ".17g").startswith("differs by ")


def test_a_verdict_says_by_how_much() -> None:
    assert verdict(0.5, 0.53, ".2f") == "differs by 3.0e-02 (relative 6.0e-02)"
    assert verdict(0.5, 0.503, ".2f") == "exact"
    assert verdict(np.inf, np.inf, ".12g") == "exact"
    assert verdict(np.inf, 2.0, ".12g") == "differs by inf (relative inf)"
    assert verdict([[0.0, 2.0]], [[-0.0, 2.0]], ".8f") == "exact"
    assert verdict([[0.0, 2.0]], [[0.0, 3.0]], ".8f") == "differs by 1.0e+00 (relative 5.0e-01)"


def test_only_one_run_of_the_articles_is_unseeded() -> None:
    assert {f.run for f in figures() if f.run.unseeded} == {Run("circles", "random", True)}
