"""What real tables become: gaps, dates, categories, identifiers, and every way to write them."""

import bz2
import datetime as dt
import gzip
import lzma
import os
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import StandardScaler

import goodinit.datasets as gd
from goodinit.errors import ArgumentError

N = 80


@pytest.fixture(autouse=True)
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(data: Any, **options: Any) -> str:
    with pytest.raises(ArgumentError) as caught:
        gd.load(data, **options)
    line = str(caught.value)
    assert "\n" not in line
    return line


def made(**columns: Any) -> pd.DataFrame:
    """Return a table of these columns, each repeated to N rows, and a target in two classes."""
    of = {name: [values[i % len(values)] for i in range(N)] for name, values in columns.items()}
    return pd.DataFrame(of | {"y": ["a", "b", "b", "a"] * (N // 4)})


NUMBERS = np.random.default_rng(0).normal(size=N)


def learned(frame: pd.DataFrame, **options: Any) -> gd.Dataset:
    return gd.load(frame, target="y", **({"test_fraction": 0, "standardize": False} | options))


# --- what columns are


@pytest.mark.parametrize(
    ("values", "becomes"),
    [
        ([1, 2, 3], [1, 2, 3]),
        ([True, False, True], [1, 0, 1]),
        (pd.array([True, False, True], dtype="boolean"), [1, 0, 1]),
        (pd.array([1, 2, 4], dtype="Int64"), [1, 2, 4]),
        ([Decimal("0.5"), 2, 1.5], [0.5, 2, 1.5]),
        (["1", " 2.5 ", "-3e1"], [1, 2.5, -30]),
        (["1.234,5", "12,75", "7"], [1234.5, 12.75, 7]),
        (["$1,234", "$99.50", "$1,000,000"], [1234, 99.5, 1e6]),
        (["12 %", "7%", "99%"], [12, 7, 99]),
        (["1970-01-02", "1970-01-04T12:00:00", "1969-12-31"], [1, 3.5, -1]),
        (["13.01.1970", "02.01.1970", "03.01.1970"], [12, 1, 2]),
        (["01/13/1970", "01/02/1970", "01/03/1970"], [12, 1, 2]),
        (["2 Jan 1970", "3 February 1970", "4 Mar 1970"], [1, 33, 62]),
        (pd.to_datetime(["1970-01-02", "1970-01-03", "1970-01-05"]), [1, 2, 4]),
        (pd.to_datetime(["1970-01-02"] * 2 + ["1970-01-05"]).tz_localize("UTC"), [1, 1, 4]),
        ([dt.date(1970, 1, 2), dt.date(1970, 1, 3), dt.date(1970, 1, 6)], [1, 2, 5]),
        (pd.to_timedelta(["1D", "2D", "4D"]), [1, 2, 4]),
        ([dt.time(12), dt.time(6, 30), dt.time(1)], [12, 6.5, 1]),
        (["male", "female", "male"], [1, 0, 1]),
        (pd.Categorical(["u", "v", "u"]), [0, 1, 0]),
    ],
)
def test_a_column_becomes_numbers_whatever_it_came_as(values: Any, becomes: list[float]) -> None:
    data = learned(made(v=list(values)))
    np.testing.assert_allclose(data.X_train[:3, 0], becomes)
    assert data.n_features == 1


def test_categories_become_a_column_each_and_rare_ones_one_together() -> None:
    data = learned(made(v=["r", "g", "b"]))
    np.testing.assert_array_equal(data.X_train[:3], [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    assert data.preparation == ("1 category in 3 columns",)
    many = learned(made(v=[f"city {i}" for i in range(40)]))
    assert many.n_features == 20
    assert "rare categories of v taken together" in many.preparation
    np.testing.assert_array_equal(many.X_train.sum(axis=1), 1)


def test_a_category_that_only_the_test_part_has_is_a_rare_one_and_no_warning() -> None:
    frame = made(v=["r", "g", "b", *[f"c{i}" for i in range(30)]])
    data = learned(frame, test_fraction=0.5)
    assert data.X_test.shape[1] == data.n_features
    assert set(np.unique(data.X_test)) == {0.0, 1.0}


def test_gaps_are_filled_by_the_training_parts_median_and_marked() -> None:
    frame = made(v=[1.0, 2.0, 9.0, None], c=["u", None, "w", "u"])
    data = learned(frame, test_fraction=0.25)
    assert data.describe() == (
        "table: 60 train and 20 test examples, 5 features (1 number, 1 category in 3 columns; "
        "1 column with missing values filled by the median and marked; "
        "1 column with missing values as a category), 2 classes"
    )
    filled = data.X_train[data.X_train[:, 1] == 1, 0]
    others = data.X_train[data.X_train[:, 1] == 0, 0]
    assert set(filled) == {np.median(others)}
    line = refusal(frame, target="y", missing="error")
    assert line == "table, row 3, column 'v': got None, takes a value (this one is missing)"


def test_what_says_nothing_is_left_out_and_said() -> None:
    frame = made(v=[1.0, 2.5, 0.5], constant=[7], empty=[None]).assign(
        row=range(N),
        customer_id=np.random.default_rng(0).permutation(N),
        uuid=[f"{i:032x}" for i in range(N)],
        comment=[f"a long story {i}" for i in range(N)],
        tags=pd.Series([[1, 2]] * N),
    )
    data = learned(frame)
    assert data.preparation == (
        "1 number",
        "left out row, customer_id and uuid as an identifier, comment as text, tags as list "
        "objects, constant as constant, empty as empty",
    )
    assert learned(frame, columns=["v", "row"]).preparation[0] == "2 numbers"
    assert learned(frame, drop=["comment", "tags"]).n_features == 1
    only_rows = frame[["row", "y"]]
    assert learned(only_rows).n_features == 1  # there is nothing else to learn from
    assert "constant as constant" in refusal(frame[["constant", "y"]], target="y")


def test_a_constant_of_the_training_part_is_left_out_though_the_test_part_varies() -> None:
    X = pd.DataFrame({"v": NUMBERS, "late": [0] * 60 + list(range(20))})
    y = pd.Series(["a", "b"] * 40)
    data = gd.load((X[:60], y[:60], X[60:], y[60:]))
    assert data.n_features == 1
    assert "left out late as constant" in data.preparation
    assert len(data.X_test) == 20


def test_scaling_and_filling_know_nothing_of_the_test_part() -> None:
    frame = pd.DataFrame({"v": NUMBERS * 50, "w": NUMBERS[::-1], "y": ["a", "b"] * 40})
    one = gd.load(frame, target="y")
    scaler = StandardScaler().fit
    raw = gd.load(frame, target="y", standardize=False)
    np.testing.assert_allclose(one.X_test, scaler(raw.X_train).transform(raw.X_test))
    assert one.preparation == ("2 numbers", "standardised")
    assert raw.preparation == ("2 numbers",)


def test_a_table_of_circles_is_left_as_it_is() -> None:
    circles = gd.circles()
    frame = pd.DataFrame(circles.X_train, columns=["x1", "x2"]).assign(y=circles.y_train)
    data = gd.load(frame, target="y", test_fraction=0)
    np.testing.assert_array_equal(data.X_train, circles.X_train)


@pytest.mark.parametrize("odd", ["x", "n.a.", "twelve"])
def test_a_few_words_among_numbers_count_as_missing_and_are_said(odd: str) -> None:
    data = learned(made(v=[*map(str, range(1, 20)), odd]))
    assert f"1 value of v taken for missing, such as '{odd}'" in data.preparation
    assert "got" in refusal(made(v=[*map(str, range(1, 20)), odd]), target="y", missing="error")


# --- the target


def test_a_second_column_of_the_targets_name_or_values_is_refused() -> None:
    frame = made(v=[1.0, 2.5, 0.5, 3.5])
    frame.assign(y2=frame["y"]).rename(columns={"y2": "y"}).to_csv("t.csv", index=False)
    line = refusal("t.csv", target="y")
    assert line.startswith("t.csv, columns: got 'y.1', takes one column of the target, 'y' (this")
    assert gd.load("t.csv", target="y", drop="y.1").n_features == 1
    doubled = pd.concat([frame, frame[["y"]]], axis=1)
    assert "got 'y.1'" in refusal(doubled, target="y")
    copied = frame.assign(answer=frame["y"])
    assert "got 'answer', takes one column of the target, 'y' (this one has its values" in refusal(
        copied, target="y"
    )


def test_a_column_that_gives_the_class_away_is_said() -> None:
    frame = made(v=[1.0, 2.5, 0.5]).assign(alive=lambda of: of["y"].map({"a": "no", "b": "yes"}))
    assert "alive gives the class away in every row" in learned(frame).preparation
    assert not any("away" in said for said in learned(frame.drop(columns="alive")).preparation)


def test_rows_without_a_target_are_left_out_and_said() -> None:
    frame = made(v=[1.0, 2.5, 0.5, 3.5])
    frame["y"] = ["cat", "dog", None, "None"] * (N // 4)
    frame.to_csv("t.csv", index=False)
    for source in (frame, "t.csv"):
        data = gd.load(source, target="y", test_fraction=0)
        assert data.classes == ("None", "cat", "dog")  # a class may be called None
        assert f"{N // 4} rows without y left out" in data.preparation
    assert "t.csv, line 4, column 'y': got None" in refusal("t.csv", target="y", missing="error")


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([" <=50K", " >50K"], ("<=50K", ">50K")),
        ([True, False], ("False", "True")),
        ([10, 2], ("2", "10")),
        (pd.Categorical([10, 2]), ("2", "10")),
        (["3,5", "2,25"], None),
        ([0.5, 1.25], None),
    ],
)
def test_a_target_is_classes_or_numbers(labels: Any, classes: tuple[str, ...] | None) -> None:
    frame = made(v=[1.0, 2.5, 0.5]).assign(y=list(labels) * (N // 2))
    data = learned(frame.astype({"y": labels.dtype}) if hasattr(labels, "dtype") else frame)
    assert data.classes == classes


def test_dates_are_no_target() -> None:
    frame = made(v=[1.0, 2.5]).assign(y=pd.date_range("2020", periods=N))
    assert "column 'y': got 'dates', takes strings, bools or numbers" in refusal(frame, target="y")


# --- how tables are written


def german(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        Größe=[f"{1000 + i},{i:02d}".replace("1", "1.", 1) for i in range(N)],
        Einwohner=[f"{1 + i}.{100 + i}" for i in range(N)],
    )


TEXT: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "comma.csv": lambda frame: frame.to_csv(index=False).encode(),
    "semicolon.csv": lambda frame: frame.to_csv(index=False, sep=";").encode("latin-1"),
    "tab.tsv": lambda frame: frame.to_csv(index=False, sep="\t").encode("utf-16"),
    "unmarked.tsv": lambda frame: frame.to_csv(index=False, sep="\t").encode("utf-16-le"),
    "bom.csv": lambda frame: frame.to_csv(index=False, sep=";").encode("utf-8-sig"),
    "bars.txt": lambda frame: frame.to_csv(index=False, sep="|").encode("cp1252"),
    "comment.csv": lambda frame: b"# made by hand\n" + frame.to_csv(index=False).encode(),
    "trailing.csv": lambda frame: frame.to_csv(index=False, lineterminator=",\n").encode(),
    "packed.csv.gz": lambda frame: gzip.compress(frame.to_csv(index=False).encode()),
    "packed.csv.bz2": lambda frame: bz2.compress(frame.to_csv(index=False).encode()),
    "packed.csv.xz": lambda frame: lzma.compress(frame.to_csv(index=False).encode()),
}


@pytest.mark.parametrize("name", TEXT)
def test_a_text_table_is_read_however_it_is_written(name: str) -> None:
    plain = made(v=[1.5, 2.5, -3.25], größe=["süß", "groß", "klein"])
    Path(name).write_bytes(TEXT[name](plain))
    data, asked = gd.load(name, target="y", test_fraction=0), learned(plain, standardize=None)
    np.testing.assert_array_equal(data.X_train, asked.X_train)
    assert data.classes == ("a", "b")
    assert data.name == name.partition(".")[0]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_decimal_commas_and_dots_between_thousands_are_numbers(encoding: str) -> None:
    frame = german(made(v=["r", "g"]))
    Path("t.csv").write_bytes(frame.to_csv(index=False, sep=";").encode(encoding))
    data = gd.load("t.csv", target="y", test_fraction=0, standardize=False, drop="v")
    np.testing.assert_allclose(data.X_train[:3, 0], [1000.0, 1001.01, 1002.02])
    np.testing.assert_allclose(data.X_train[:3, 1], [1100, 2101, 3102])


FILES: dict[str, Callable[[pd.DataFrame, str], Any]] = {
    "t.parquet": lambda frame, name: frame.to_parquet(name),
    "t.feather": lambda frame, name: frame.to_feather(name),
    "t.xlsx": lambda frame, name: frame.to_excel(name, index=False),
    "t.jsonl": lambda frame, name: frame.to_json(name, orient="records", lines=True),
    "t.json": lambda frame, name: frame.to_json(name, orient="records"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_table_comes_back_from_every_kind_of_file(name: str) -> None:
    if name.endswith("xlsx"):
        pytest.importorskip("openpyxl", reason="openpyxl is not installed")
    frame = made(v=[1.5, None, -3.25], c=["u", "v", None], b=[True, False])
    FILES[name](frame, name)
    data = gd.load(name, target="y", test_fraction=0)
    np.testing.assert_array_equal(data.X_train, learned(frame).X_train)


def test_parquet_keeps_index_categories_and_nullable_types_apart() -> None:
    frame = made(v=[1.5, 2.5, -3.25]).assign(
        c=pd.Categorical(["u", "v"] * (N // 2)),
        i=pd.array([1, None, 3, 4] * (N // 4), dtype="Int64"),
    )
    frame.index = pd.Index([f"k{i}" for i in range(N)], name="key")
    frame.to_parquet("t.parquet")
    data = gd.load("t.parquet", target="y", test_fraction=0)
    assert data.preparation == (
        "2 numbers, 1 category in 1 column",
        "1 column with missing values filled by the median and marked",
        "left out the index, key",
    )


def test_frames_of_polars_and_pandas_are_one() -> None:
    polars = pytest.importorskip("polars", reason="polars is not installed")
    frame = made(v=[1.5, None, -3.25], c=["u", "v", None])
    theirs = polars.from_pandas(frame)
    asked = gd.load(frame, target="y")
    for given in (theirs, theirs.lazy()):
        np.testing.assert_array_equal(gd.load(given, target="y").X_train, asked.X_train)
    pair = gd.load((theirs.drop("y"), theirs["y"]))
    np.testing.assert_array_equal(pair.X_train, asked.X_train)


# --- lines that refuse


def text(content: str) -> Callable[[], str]:
    def write() -> str:
        Path("t.csv").write_text(content)
        return "t.csv"

    return write


def zipped() -> str:
    with zipfile.ZipFile("t.zip", "w") as archive:
        archive.writestr("a.csv", "a,y\n1,0\n")
        archive.writestr("b.csv", "a,y\n1,0\n")
    return "t.zip"


def written(content: bytes, name: str = "t.csv") -> Callable[[], str]:
    def write() -> str:
        Path(name).write_bytes(content)
        return name

    return write


def linked() -> str:
    Path("t.csv").symlink_to("gone.csv")
    return "t.csv"


def looped() -> str:
    Path("t.csv").symlink_to("t.csv")
    return "t.csv"


def piped() -> str:
    os.mkfifo("t.csv")
    return "t.csv"


ROWS = "".join(f"{i}.5,{i % 2}\n" for i in range(N))

REFUSED: dict[str, tuple[Callable[[], str], list[str]]] = {
    "the line as an editor counts": (
        text(f'v,y\n\n"two\nlines",0\n{ROWS}inf,1\n'.replace('"two\nlines"', '"2\n"')),
        [f"t.csv, line {N + 5}, column 'v': got inf"],
    ),
    "too many fields": (text(f"v,y\n{ROWS}1,0,7\n"), [f"line {N + 2} has 3 fields, the header 2"]),
    "no header": (text(ROWS), ["got 'y'", "the first line is read as the columns' names"]),
    "parquet by content": (written(b"PAR1...."), ["this is a Parquet file: name it .parquet"]),
    "binary": (written(bytes(range(256)) * 9), ["a table of text"]),
    "pickle": (written(b"\x80\x04.", "t.pkl"), ["would run its code"]),
    "several in a zip": (zipped, ["a zip of one table (this holds 2 files"]),
    "a link to nothing": (linked, ["it is a link to 'gone.csv', which isn't there"]),
    "a link to itself": (looped, ["a link that leads back to itself"]),
    "a pipe": (piped, ["this is a named pipe: write what it gives into a file first"]),
    "an address": (lambda: "https://a.org/b.csv", ["this is an address: fetch the file first"]),
    "a device": (lambda: "/dev/zero", ["this is a device"]),
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_that_cannot_be_read_is_refused_in_a_line_that_says_why(
    make: Callable[[], str], says: list[str]
) -> None:
    line = refusal(make(), target="y")
    assert all(part in line for part in says), line


@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress])
def test_what_unpacks_to_more_than_memory_allows_is_refused(
    packed: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goodinit.memory.available", lambda: 1_000_000)
    Path("t.csv.gz").write_bytes(packed(b"v,y\n" + b"1.5,0\n2.5,1\n" * 200_000))
    line = refusal("t.csv.gz", target="y")
    assert "tables of at most 0.0005 GB" in line
    np.savez_compressed("t.npz", X=np.zeros((100_000, 2)), y=np.arange(100_000) % 2)
    assert "arrays of at most 0.0005 GB" in refusal("t.npz")
    frame = made(v=NUMBERS)
    frame.to_parquet("t.parquet")
    monkeypatch.setattr("goodinit.memory.available", lambda: 1_000)
    assert "tables of at most 5e-07 GB" in refusal("t.parquet", target="y")


def test_options_of_tables_are_refused_elsewhere() -> None:
    assert "columns: got ['a']" in refusal("circles", columns="a")
    assert "missing: got 'error'" in refusal("circles", missing="error")
    assert "did you mean 'error'" in refusal("circles", missing="eror")
    frame = made(v=[1.0, 2.0, 3.0])
    assert "did you mean 'v'?" in refusal(frame, target="y", drop="V")
    assert "other than the target" in refusal(frame, target="y", drop="y")
    assert "target: got None" in refusal(frame)


def test_terminal_escapes_in_names_are_written_out() -> None:
    frame = made(**{"\x1b[31mred": ["u"]}, v=[1.0, 2.0, 3.0])
    data = learned(frame)
    assert "left out \\x1b[31mred as constant" in data.preparation
    assert "\x1b" not in data.describe()


def test_the_same_table_is_the_same_study_and_another_preparation_another() -> None:
    frame = made(v=[100.0, 250.0, None], c=["u", "v"])
    one, again = (gd.load(frame, target="y").fingerprint for _ in range(2))
    assert one == again
    for options in ({"standardize": False}, {"drop": "c"}, {"split_seed": 1}):
        other: Any = options
        assert gd.load(frame, target="y", **other).fingerprint != one
