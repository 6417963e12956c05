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

from goodinit.articles.explain import explain
from goodinit.articles.published import Run, figures
from goodinit.articles.reproduce import must_be_exact, reproduce, verdict
from goodinit.articles.rounding import Spread
from goodinit.cli import main
from goodinit.errors import ArgumentError

pytestmark = pytest.mark.slow

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


def test_large_random_is_within_rounding_and_starts_at_inf(table: pd.DataFrame) -> None:
    rows = table[(table.experiment == "circles") & (table.initialization == "random")]
    costs = rows[rows.quantity.str.startswith("cost")].astype({"published": float})
    assert costs.published.iloc[0] == costs.measured.iloc[0] == np.inf
    later = costs.iloc[1:]
    assert len(later) == 3
    assert later.verdict.str.fullmatch(
        r"within rounding: (near )?0\.\d+ to 0\.\d+, \d digits? left"
    ).all()
    # At iteration 1000 of the unseeded run, 2000 of the same, 14000 of the seeded one.
    assert later.digits.tolist() == pytest.approx([1, 3, 4], abs=1)
    assert later.low.tolist() == pytest.approx([0.380, 0.2759, 0.38273], rel=0.03)
    assert later.high.tolist() == pytest.approx([0.420, 0.2763, 0.38282], rel=0.03)


def test_the_range_holds_the_run_that_the_articles_functions_make(table: pd.DataFrame) -> None:
    rerun = table[table.low.notna()]
    assert set(rerun.initialization) == {"random"}
    assert len(rerun) == 9
    assert (rerun.low <= rerun.measured).all()
    assert (rerun.measured <= rerun.high).all()
    assert table[table.low.isna()].digits.isna().all()


def test_rounding_leaves_the_accuracies_of_large_random(table: pd.DataFrame) -> None:
    rows = table[table.low.notna() & table.quantity.str.contains("accuracy")]
    assert set(rows.verdict) == {"exact"}
    assert (rows.high - rows.low).max() <= 0.02


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
    table: pd.DataFrame, four_pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.random.seed(7)
    calls: list[tuple[int, int]] = []
    again = reproduce(
        four_pictures, progress=lambda done, total: calls.append((done, total)), threads=1
    )
    np.testing.assert_array_equal(np.random.randn(3), np.random.RandomState(7).randn(3))
    assert capsys.readouterr().out == ""
    done, totals = zip(*calls, strict=True)
    assert set(totals) == {done[-1]}
    assert list(done) == sorted(set(done))
    assert len(calls) > 100
    rows = again[again.article == "004"]
    assert set(rows[rows.initialization == "zeros"].verdict) == {"exact"}
    assert rows[rows.initialization != "zeros"].verdict.str.startswith("differs by ").any()
    # Everything else is what another number of threads found, to the last bit.
    pd.testing.assert_frame_equal(again[again.article != "004"], table[table.article != "004"])


def test_a_missing_folder_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"images: got .*, takes a folder of JPEG photographs"):
        reproduce(tmp_path / "missing", progress=lambda done, total: pytest.fail("it ran"))


def test_threads_are_counted_from_one() -> None:
    with pytest.raises(ArgumentError, match="threads: got 0, takes whole numbers from 1"):
        reproduce(threads=0)


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


def test_a_figure_is_within_rounding_in_the_range_or_near_it_and_else_differs() -> None:
    spread = Spread(0.6, 0.7)
    said = {value: verdict(value, 0.65, ".17g", spread) for value in (0.61, 0.74, 0.56, 0.76, 0.54)}
    assert said[0.61] == "within rounding: 0.600 to 0.700, 1 digit left"
    assert said[0.74] == said[0.56] == "within rounding: near 0.600 to 0.700, 1 digit left"
    assert said[0.76] == "differs by 1.1e-01 (relative 1.4e-01)"
    assert said[0.54] == "differs by 1.1e-01 (relative 2.0e-01)"
    assert verdict(0.65, 0.65, ".17g", spread) == "exact"
    assert verdict(0.99, 0.98, ".2f", Spread(0.98, 0.98)).startswith("differs by 1.0e-02")


def test_a_published_figure_that_is_moved_out_of_its_range_differs(table: pd.DataFrame) -> None:
    for row in table[table.low.notna() & (table.low < table.high)].to_dict("records"):
        spread = Spread(row["low"], row["high"])
        width = spread.high - spread.low
        for value in (spread.low - 0.6 * width, spread.high + 0.6 * width):
            assert verdict(value, row["measured"], ".17g", spread).startswith("differs by ")


def test_the_sentences_have_the_measured_numbers(table: pd.DataFrame) -> None:
    rule, circles = explain(table)
    assert "rounds every sum" in rule
    first, *_, last = table[table.low.notna() & (table.low < table.high)].to_dict("records")
    for row in (first, last):
        assert f"{Spread(row['low'], row['high'])} at iteration" in circles
    assert "On the circles" in circles
    assert explain(table[table.initialization != "random"]) == []


def photographs_table(**changed: float) -> pd.DataFrame:
    he: dict[str, object] = {
        "experiment": "cats_vs_dogs",
        "initialization": "he",
        "quantity": "cost at iteration 999",
        "published": 0.199,
        "low": 0.04,
        "high": 0.7,
        "digits": 0.0,
        "verdict": "within rounding: 0.04 to 0.70, 0 digits left",
    }
    xavier = he | {"initialization": "xavier", "published": 0.062, "low": 0.05}
    return pd.DataFrame([he | changed, xavier])


def test_he_against_xavier_is_no_evidence_where_each_is_in_the_others_range() -> None:
    assert "Not one digit" in explain(photographs_table())[1]
    assert "0.199 of He against 0.062 of Xavier" in explain(photographs_table())[2]
    assert len(explain(photographs_table(low=0.1))) == 2
    assert len(explain(photographs_table(published=0.8))) == 2


def test_a_figure_near_its_range_is_explained() -> None:
    table = photographs_table()
    table.loc[0, "verdict"] = "within rounding: near 0.04 to 0.70, 0 digits left"
    assert "lies outside in 3 % of cases" in explain(table)[-1]


def command(monkeypatch: pytest.MonkeyPatch, table: pd.DataFrame, *words: str) -> int:
    """Run `goodinit reproduce` on a table that is there already; return the exit code."""
    monkeypatch.setattr("goodinit.articles.reproduce.reproduce", lambda *_, **__: table)
    monkeypatch.setattr("sys.argv", ["goodinit", "reproduce", "--quiet", *words])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)


def test_the_command_prints_a_line_for_each_figure_and_what_rounding_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], table: pd.DataFrame
) -> None:
    assert command(monkeypatch, table) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert sum(line.rstrip().endswith(("  exact", "  within rounding")) for line in lines) == 38
    assert "article 004, cats_vs_dogs, he: 11 figures, needs --images DIR" in lines
    assert "35 exact · 3 within rounding · 44 needs --images DIR" in lines
    assert " ".join(lines).count(" ".join(explain(table)[0].split()[-4:])) == 1


def test_json_has_the_range_and_its_digits_and_null_where_nothing_was_run_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], table: pd.DataFrame
) -> None:
    assert command(monkeypatch, table, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["figures"]
    assert len(rows) == 82
    for row, (_, expected) in zip(rows, table.iterrows(), strict=True):
        for name in ("low", "high", "digits"):
            assert row[name] == (expected[name] if np.isfinite(expected[name]) else None)


def test_a_figure_that_should_be_exact_and_is_not_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], table: pd.DataFrame
) -> None:
    changed = table.copy()
    changed.loc[changed.quantity == "W1", "verdict"] = "differs by 1.0e-03 (relative 1.0e-03)"
    assert command(monkeypatch, changed) == 1
    printed = capsys.readouterr()
    assert "· 3 differs" in printed.out
    assert printed.err == "goodinit: 3 figures that should be exact are not\n"


def test_only_one_run_of_the_articles_is_unseeded() -> None:
    assert {f.run for f in figures() if f.run.unseeded} == {Run("circles", "random", True)}
