"""Tables as programs leave them: JSON in each layout, odd times, separators said, odd names."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import sparse

import goodinit.datasets as gd
from goodinit.errors import ArgumentError

N = 60
NUMBERS = np.random.default_rng(0).normal(size=N).round(3)
Y = [0, 1] * (N // 2)
ROWS = [{"a": float(a), "y": y} for a, y in zip(NUMBERS, Y, strict=True)]


@pytest.fixture(autouse=True)
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(data: Any, **options: Any) -> str:
    with pytest.raises(ArgumentError) as caught:
        gd.load(data, **options)
    line = str(caught.value)
    assert "\n" not in line
    return line


def learned(column: Any, **options: Any) -> gd.Dataset:
    frame = pd.DataFrame({"x": column, "y": Y})
    return gd.load(frame, target="y", **({"test_fraction": 0, "standardize": False} | options))


JSON = {
    "columns": {"a": {str(i): row["a"] for i, row in enumerate(ROWS)}, "y": dict(enumerate(Y))},
    "lists": {"a": list(NUMBERS), "y": Y},
    "split": {
        "columns": ["a", "y"],
        "index": list(range(N)),
        "data": [[*r.values()] for r in ROWS],
    },
    "records in an object": {"made": "today", "rows": ROWS},
    "records": ROWS,
}


@pytest.mark.parametrize("held", JSON.values(), ids=JSON.keys())
def test_json_is_read_in_each_layout_that_pandas_writes(held: Any) -> None:
    Path("t.json").write_text(json.dumps(held))
    found = gd.load("t.json", target="y", test_fraction=0, standardize=False)
    np.testing.assert_array_equal(found.X_train[:, 0], NUMBERS)


def test_damaged_lines_of_json_are_named_as_an_editor_counts_them() -> None:
    Path("t.jsonl").write_text('{"a": 1, "y": 0}\n\n{"a": 2, "y": 1\n')
    assert "line 3" in refusal("t.jsonl", target="y")
    lines = "\n\n".join(json.dumps(row) for row in ROWS)
    Path("t.jsonl").write_text(lines + '\n{"a": null, "y": 1}')
    assert "line 120" in refusal("t.jsonl", target="y", missing="error")


@pytest.mark.parametrize(
    ("written", "hours"),
    [("07:30", 7.5), ("12:00:36", 12.01), ("1:15 pm", 13.25), ("12:00 AM", 0), ("100:30", 100.5)],
)
def test_times_become_hours(written: str, hours: float) -> None:
    found = learned([written, "06:00"] * (N // 2))
    assert found.X_train[0, 0] == pytest.approx(hours)


def test_dates_that_nanoseconds_do_not_reach_are_days_too() -> None:
    found = learned([f"{1500 + i}-01-01" for i in range(N)])
    assert found.X_train[0, 0] == (np.datetime64("1500-01-01") - np.datetime64(0, "D")).astype(int)
    periods = learned(pd.period_range("1500", periods=N, freq="Y"))
    np.testing.assert_array_equal(periods.X_train, found.X_train)


def test_a_column_of_dates_written_in_two_ways_is_one_of_dates() -> None:
    days = pd.date_range("2020-01-13", periods=N)
    both = [f"{day:%Y-%m-%d}" if i % 3 else f"{day:%d.%m.%Y}" for i, day in enumerate(days)]
    assert np.diff(learned(both).X_train[:, 0]).tolist() == [1] * (N - 1)


def test_the_separator_that_a_file_says_is_taken() -> None:
    rows = "\n".join(f"{row['a']};{row['y']}" for row in ROWS)
    Path("t.csv").write_text(f"sep=;\na;y\n{rows}\n")
    found = gd.load("t.csv", target="y", test_fraction=0, standardize=False)
    np.testing.assert_array_equal(found.X_train[:, 0], NUMBERS)
    Path("t.csv").write_text(f"sep=;\na;y\n{rows}\n;1\n")
    assert "line 63" in refusal("t.csv", target="y", missing="error")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("<!DOCTYPE html><html></html>", "a web page"),
        ('\n[{"a": 1}]', "JSON: name it .json"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        ('a,y\n1,0\n"2,1\n3,0\n', "a quote in the row of line 3 isn't closed"),
        ("A report of 2020,\n,\na,y\n1,0\n", "the first line is read as the columns' names"),
    ],
)
def test_what_a_csv_is_instead_is_said(content: str, says: str) -> None:
    Path("t.csv").write_text(content)
    assert says in refusal("t.csv", target="y")


def test_a_row_of_a_workbook_is_named_as_excel_counts_it() -> None:
    pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    frame = pd.DataFrame({"a": [np.nan if i == 4 else i * 1.5 for i in range(N)], "y": Y})
    frame.to_excel("t.xlsx", index=False)
    assert "row 6, column 'a'" in refusal("t.xlsx", target="y", missing="error")


def test_a_column_that_is_chosen_twice_counts_once() -> None:
    frame = pd.DataFrame({"a": NUMBERS, "b": NUMBERS, "y": Y})
    assert gd.load(frame, target="y", columns=["a", "a"]).n_features == 1


def test_a_name_is_found_however_its_accents_are_written() -> None:
    apart, whole = (unicodedata.normalize(form, "größe") for form in ("NFD", "NFC"))
    frame = pd.DataFrame({apart: NUMBERS, "y": Y})
    assert gd.load(frame, target="y", columns=whole).n_features == 1
    assert gd.load(frame, target=whole, task="regression").target_scale is not None


def test_columns_are_named_by_the_labels_that_they_have_in_a_frame() -> None:
    frame = pd.DataFrame({0: NUMBERS, 1: Y})
    assert gd.load(frame, target=1).n_features == 1  # type: ignore[arg-type]
    frame.columns = pd.MultiIndex.from_tuples([("p", "a"), ("q", "y")])
    assert gd.load(frame, target=("q", "y")).n_features == 1  # type: ignore[arg-type]


def test_what_no_data_are_is_said_before_their_target() -> None:
    for data in ({"a": [1], "y": [0]}, ROWS, pd.Series(Y)):
        assert refusal(data, target="y").startswith("data: got")


def test_sparse_and_masked_arrays_are_refused_by_their_names() -> None:
    X = np.arange(2.0 * N).reshape(N, 2)
    assert "a sparse matrix" in refusal((sparse.csr_matrix(X), Y))
    assert "masked values" in refusal((np.ma.masked_greater(X, 7), Y))
    assert gd.load((np.ma.masked_greater(X, 1e9), Y)).n_features == 2


def test_integers_of_128_bits_are_numbers() -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": NUMBERS, "y": Y}).with_columns(
        polars.Series("wide", [i * i for i in range(N)]).cast(polars.Int128)
    )
    assert gd.load(frame, target="y").n_features == 2


def test_a_class_of_one_example_and_classes_of_three_are_told_what_would_do() -> None:
    assert "takes 0, since a fraction leaves" in refusal((np.eye(9), [0] * 8 + [1]))
    many = (np.eye(300), [f"c{i % 100}" for i in range(300)])
    assert "such as 0.34" in refusal(many)
    assert len(gd.load(many, test_fraction=0.34).X_test) >= 100


def photographs(folder: Path) -> None:
    for kind in ("cat", "dog"):
        (folder / kind).mkdir(parents=True)
        for i in range(8):
            Image.new("RGB", (4, 4), (i, i, i)).save(folder / kind / f"{i}.png")


def test_pictures_that_are_not_read_are_counted() -> None:
    photographs(Path("pets"))
    Path("pets/cat/IMG_1.HEIC").write_bytes(b"\0")
    Path("pets/README.md").write_text("mine")
    assert "left out 1 picture in .heic" in gd.load("pets").describe()


def test_where_images_lie_two_levels_deep_that_is_said() -> None:
    photographs(Path("pets/train"))
    assert "there are some in subfolders of 'pets/train'" in refusal("pets")


def test_a_folder_of_two_lines_has_a_name_of_one() -> None:
    photographs(Path("a\nb"))
    assert "\n" not in gd.load("a\nb").describe()
