"""The page of a study as Python fills it: what it holds, its size, what it never overwrites."""

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import goodinit as gi
from commands import goodinit
from goodinit.datasets import Dataset
from goodinit.errors import ArgumentError
from goodinit.evidence.remedies import remedy
from goodinit.evidence.verdict import LABELS
from goodinit.pages.columns import KINDS, packed
from goodinit.pages.command import command
from goodinit.pages.page import filled
from studies import SMALL, small

TEMPLATE = Path(gi.__file__).parent / "pages" / "report.html"
EVIL = "x</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>&\u2028\ud800"


def held(page: str) -> dict[str, Any]:
    """Return the data that a page holds, as a browser finds them: up to the first end tag."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def numbers(column: dict[str, str]) -> Any:
    """Return the numbers of a typed column."""
    ((kind, text),) = column.items()
    return np.frombuffer(base64.b64decode(text), KINDS[kind])


def page_of(result: gi.Comparison, folder: Path) -> dict[str, Any]:
    result.report(folder / "page.html")
    return held((folder / "page.html").read_text(encoding="utf-8"))


def test_the_page_has_the_numbers_of_the_tables(whole: gi.Comparison, tmp_path: Path) -> None:
    data = page_of(whole, tmp_path)
    names = [one["name"] for one in data["initializers"]]
    assert names == list(whole.summary()["initializer"])
    assert [row[0] for row in data["table"]["rows"]] == names
    assert data["csv"] == whole.summary().to_csv(index=False)
    moments, seeds = data["curves"]["moments"], data["curves"]["seeds"]
    assert (moments, seeds) == ([0, 5, 10, 15, 20], [0, 1, 2, 3])
    each = numbers(data["curves"]["measures"]["test_cost"]["each"])
    each = each.reshape(len(data["curves"]["groups"]), len(seeds), len(moments))
    for (place, rate), group in zip(data["curves"]["groups"], each, strict=True):
        own = whole.curves[whole.curves["initializer"] == names[place]]
        own = own[own["learning_rate"] == rate].pivot(
            index="seed", columns="iteration", values="test_cost"
        )
        np.testing.assert_allclose(group, own.to_numpy(), rtol=1e-6)
    test = numbers(data["seeds"]["test"]).reshape(len(names), -1)
    for name, row in zip(names, test, strict=True):
        own = whole.trials[whole.trials["initializer"] == name].sort_values("seed")
        np.testing.assert_allclose(row, own["test_accuracy"], rtol=1e-6)
    (pair,) = whole.evidence.pairs[whole.evidence.pairs["outcome"] == "train_cost"].itertuples()
    (told,) = [one for one in data["pairs"] if one["outcome"] == "train_cost"]
    assert (names[told["a"][0]], names[told["b"][0]]) == (pair.a, pair.b)
    assert numbers(told["difference"])[0] == pair.difference


def test_a_page_loads_nothing(whole: gi.Comparison, tmp_path: Path) -> None:
    whole.report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="?(https?:)?//', page)
    assert not re.search(r"@import|\bimportScripts|\bfetch\(|XMLHttpRequest|WebSocket", page)
    assert "default-src 'none'" in page
    assert TEMPLATE.stat().st_size <= 400_000


def test_the_template_has_one_place_for_the_data() -> None:
    assert TEMPLATE.read_text(encoding="utf-8").count("/* data */") == 1


def test_names_can_hold_anything(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(40, 2))
    y = (X[:, 0] > 0).astype(int)
    data = Dataset(EVIL[:-1], X, y, X, y, (EVIL[:-1], 'it\'s "quoted" `${1}` $& $1'))

    def drawn(rng: np.random.Generator, shape: tuple[int, int]) -> Any:
        return rng.normal(size=shape)

    drawn.__name__ = EVIL[:-1]
    result = gi.compare(data, initializers=[drawn, "zeros"], iterations=5, seeds=2)
    result.report(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert EVIL[:10] + "<script>alert" not in page
    assert page.count("</script") == TEMPLATE.read_text(encoding="utf-8").count("</script")
    found = held(page)
    assert EVIL[:-1] in found["title"]
    assert EVIL[:-1] in {one["name"] for one in found["initializers"]}
    assert found["boundaries"]["classes"] == list(data.classes or ())


def test_even_half_a_letter_gets_through() -> None:
    assert held(filled({"name": EVIL}).decode("utf-8"))["name"] == EVIL
    assert held(filled({"number": float("nan")}).decode())["number"] is None


def test_a_thousand_trials_fit_into_two_megabytes(tmp_path: Path) -> None:
    result = gi.compare(
        "circles",
        initializers=["zeros", "he_normal"],
        hidden=(4, 4),
        learning_rate=[0.01, 0.1],
        iterations=150,
        record=150,
        seeds=250,
    )
    assert len(result.trials) == 1000
    result.report(tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size <= 2_000_000
    data = held((tmp_path / "page.html").read_text(encoding="utf-8"))
    shown = len(data["curves"]["seeds"])
    assert 1 < shown < 250
    assert data["curves"]["moments"][-1] == 150
    said = " ".join(data["made"]["thinned"])
    assert f"Of 151 recorded iterations, curves show {len(data['curves']['moments'])}." in said
    assert f"Of 250 seeds, {shown} have a curve of their own" in said
    # Thinning leaves out seeds, and none from the median.
    (group, *_), spread = data["curves"]["groups"], data["curves"]["measures"]["train_cost"]
    name = data["initializers"][group[0]]["name"]
    trials = result.trials[result.trials["initializer"] == name]
    last = trials[trials["learning_rate"] == group[1]]["train_cost"].median()
    first = numbers(spread["spread"]).reshape(-1, len(data["curves"]["moments"]), 3)[0, -1, 0]
    assert first == pytest.approx(last, rel=1e-6)


def test_many_initializers_are_in_the_table_and_the_best_are_drawn(tmp_path: Path) -> None:
    names = [f"normal(std={k / 100:g})" for k in range(1, 27)]
    result = gi.compare("circles", initializers=names, iterations=4, seeds=2)
    data = page_of(result, tmp_path)
    assert len(data["table"]["rows"]) == 26
    assert sum(one["drawn"] for one in data["initializers"]) == 24
    assert data["made"]["thinned"][0].startswith("Of 26 initializers, the best 24 are drawn")
    assert len({one["colour"] for one in data["initializers"][:24]}) > 20


def test_costs_that_are_no_numbers_stay_that(tmp_path: Path) -> None:
    result = gi.compare(
        "circles",
        initializers=["normal(std=1e80)", "he"],
        learning_rate=1e9,
        iterations=20,
        seeds=3,
    )
    data = page_of(result, tmp_path)
    spread = numbers(data["curves"]["measures"]["train_cost"]["spread"])
    assert np.isinf(spread).any()
    np.testing.assert_array_equal(
        numbers(packed([1e300, -1e300, 1e-300, 0, np.inf, np.nan])),
        np.array([3.4028235e38, -3.4028235e38, 1.1754944e-38, 0, np.inf, np.nan], np.float32),
    )


@pytest.mark.parametrize("label", LABELS)
def test_every_verdict_says_what_to_do(label: str) -> None:
    assert remedy(label.replace("X", "normal(std=X)")).endswith(".")
    if "X" in label and remedy(label).startswith("Use X"):
        assert "normal(std=X)" in remedy(label.replace("X", "normal(std=X)"))


def test_the_page_says_what_the_study_cannot(tmp_path: Path) -> None:
    data = page_of(small(seeds=2), tmp_path)
    said = " ".join(data["limits"])
    assert "2 seeds are an illustration, not evidence" in said
    assert "One learning rate, 0.01, favours whom it suits" in said
    assert "one split" in said
    assert not set(data["limits"]) & set(data["said"])
    X = np.random.default_rng(0).normal(size=(30, 3))
    other = gi.compare(
        (X, (X[:, 0] > 0).astype(int)),
        **(SMALL | {"seeds": 7, "learning_rate": [0.01, 0.1], "test_fraction": 0}),
    )
    said = " ".join(page_of(other, tmp_path)["limits"])
    assert said == "No examples are held out: how well these networks generalize isn't known."


def test_a_number_to_predict_has_r2_and_no_classes(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(60, 2))
    result = gi.compare((X, X[:, 0] * 2 + X[:, 1]), **SMALL)
    data = page_of(result, tmp_path)
    assert data["measure"] == "R²"
    assert data["pairs"][0]["words"] == "test R²"
    assert "boundaries" not in data


def test_the_command_makes_the_study_again(tmp_path: Path) -> None:
    asked = [
        "--init",
        "zeros,normal(std=0.5)",
        "--iterations",
        30,
        "--seeds",
        3,
        "--batch-size",
        50,
    ]
    first = goodinit(
        "compare", "circles", *asked, "--out", "one", "--figures", "none", cwd=tmp_path
    )
    assert first.returncode == 0, first.stderr
    assert sorted(path.name for path in (tmp_path / "one").glob("*.*ml")) == ["report.html"]
    kept = held((tmp_path / "one" / "report.html").read_text(encoding="utf-8"))
    assert kept["made"]["command"].startswith("goodinit compare circles --init")
    assert kept["made"]["took"].startswith("Training and measuring took 1 second")
    again = goodinit("report", "one", "--out", "again.html", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (0, "Report: again.html\n")
    made = held((tmp_path / "again.html").read_text(encoding="utf-8"))["made"]
    assert made["command"] == (
        "goodinit compare circles --init 'zeros,normal(std=0.5)' --hidden 10,5 --activation relu "
        "--learning-rate 0.01 --seeds 3 --iterations 30 --batch-size 50"
    )
    assert made["took"] == kept["made"]["took"]
    assert kept | {"made": 0} == held((tmp_path / "again.html").read_text()) | {"made": 0}


@pytest.mark.parametrize("rates", [0.01, [0.01, 0.1]])
def test_data_by_name_are_known_again(rates: Any) -> None:
    study = small(learning_rate=rates, seeds=1, iterations=2).study
    assert command(study, None, 0.02).startswith("goodinit compare circles --init")


def test_data_of_ones_own_have_no_name_in_the_command(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(30, 2))
    made = page_of(gi.compare((X, (X[:, 0] > 0).astype(int)), **SMALL), tmp_path)["made"]
    assert made["command"].startswith("goodinit compare YOUR-DATA --init")
    assert "YOUR-DATA stands for what you gave" in made["note"]


@pytest.mark.parametrize("place", ["report.html", "elsewhere.html"])
def test_no_file_of_the_users_is_replaced(kept: Path, tmp_path: Path, place: str) -> None:
    folder = Path(shutil.copytree(kept, tmp_path / "study"))
    own = folder / place if place == "report.html" else tmp_path / place
    own.write_text("mine", encoding="utf-8")
    said = goodinit(
        "report", folder, *(() if own.parent == folder else ("--out", own)), cwd=tmp_path
    )
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert said.stderr.startswith("goodinit: out: ")
    with pytest.raises(ArgumentError, match="path: "):
        gi.load(folder).report(own)
    assert own.read_text(encoding="utf-8") == "mine"


def test_a_users_page_stops_a_comparison_before_any_work(kept: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(kept, tmp_path / "study"))
    (folder / "report.html").write_text("mine", encoding="utf-8")
    said = goodinit("compare", "circles", "--out", folder, cwd=tmp_path)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert "report.html" in said.stderr
    assert (folder / "report.html").read_text(encoding="utf-8") == "mine"


def test_goodinits_own_page_is_replaced(kept: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(kept, tmp_path / "study"))
    for place in (folder / "report.html", tmp_path / "deep" / "page.html"):
        for _ in range(2):
            gi.load(folder).report(place)
        assert held(place.read_text(encoding="utf-8"))["kind"] == "study"
    assert "report.html" in json.loads((folder / ".goodinit.json").read_text())
    assert not (tmp_path / "deep" / ".goodinit.json").exists()


@pytest.mark.parametrize("path", ["", 3, None])
def test_a_path_that_is_none_is_refused(whole: gi.Comparison, path: Any) -> None:
    with pytest.raises(ArgumentError, match=r"path: .*the name of a file"):
        whole.report(path)


def test_a_folder_is_no_page(whole: gi.Comparison, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="this is no file"):
        whole.report(tmp_path)


def test_tables_stay_as_they_were_when_the_page_is_made(
    whole: gi.Comparison, tmp_path: Path
) -> None:
    before = whole.trials.copy()
    whole.report(tmp_path / "page.html")
    pd.testing.assert_frame_equal(whole.trials, before)
