"""What table files and folders of images become, and the lines that refuse damaged ones."""

import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

import goodinit.datasets as gd
from goodinit.errors import ArgumentError

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "cats_vs_dogs"
X10 = np.arange(20.0).reshape(10, 2)
Y10 = np.array([0, 1] * 5)


def refusal(data: Any, **options: Any) -> str:
    with pytest.raises(ArgumentError) as caught:
        gd.load(data, **options)
    line = str(caught.value)
    assert "\n" not in line
    return line


# --- table files


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "height": np.arange(12.0) / 3,
            "tame": [True, False] * 6,
            "kind": ["cat", "dog", "dog"] * 4,
        }
    )


WRITERS: dict[str, Callable[[pd.DataFrame, Path], Any]] = {
    "pets.csv": lambda frame, path: frame.to_csv(path, index=False),
    "pets.CSV": lambda frame, path: frame.to_csv(path),  # with a column of row numbers
    "pets.parquet": lambda frame, path: frame.to_parquet(path),
    "pets.npz": lambda frame, path: np.savez(
        path, X=frame[["height", "tame"]].to_numpy(float), kind=frame["kind"].to_numpy(str)
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_table_comes_back_from_every_format(
    name: str, table: pd.DataFrame, tmp_path: Path
) -> None:
    path = tmp_path / name
    WRITERS[name](table, path)
    for given_path in (path, str(path)):
        data = gd.load(given_path, target="kind", test_fraction=0, standardize=False)
        assert data.describe().startswith("pets: 12 train and 0 test examples, 2 features")
        assert data.describe().endswith(", 2 classes")
        np.testing.assert_array_equal(data.X_train, table[["height", "tame"]].to_numpy(float))
        np.testing.assert_array_equal(data.y_train, [0, 1, 1] * 4)


def test_a_fractional_column_is_a_number_to_predict(table: pd.DataFrame, tmp_path: Path) -> None:
    table.drop(columns="kind").to_csv(tmp_path / "pets.csv", index=False)
    data = gd.load(tmp_path / "pets.csv", target="height", test_fraction=0, standardize=False)
    assert data.task == "regression"
    np.testing.assert_array_equal(data.y_train, table["height"])


def test_an_archive_in_two_parts_keeps_its_parts(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", X_train=X10, y_train=Y10, X_test=X10[:3], y_test=Y10[:3])
    data = gd.load(tmp_path / "a.npz", standardize=False)
    np.testing.assert_array_equal(data.X_train, X10)
    np.testing.assert_array_equal(data.y_test, Y10[:3])


BAD_CSV = {
    "": ["data: got ", "No columns"],
    "a,b\n": ["shape of t.csv: got (0, 2)"],
    "b\n1\n2\n": ["shape of t.csv: got (2, 0)"],
    "a,b\n1,2\n3,4,5\n": ["data: got ", "line 3"],
    "a,b\n1,2,9\n3,4,5\n": ["data: got ", "CSV table"],
    "a,b\n1,0\n-inf,1\n": ["t.csv, line 3, column 'a': got -inf"],
    "a,b\n1,0\n2,inf\n": ["t.csv, column 'b', line 3: got inf"],
    "a,b\n1,3\n2,3\n": ["t.csv, column 'b': got [3", "two classes"],
    "a,b\n7,0\n7,1\n7,0\n7,1\n7,0\n7,1\n7,0\n7,1\n": ["t.csv, columns: got []", "a as constant"],
    "1.5,0\n2.5,1\n": ["one of 1.5, 0", "the first line is read as the columns' names"],
    "a,by\n1,2\n": ["target: got 'b'", "one of a, by", "did you mean 'by'?"],
    '"a,b\n1,2': ["data: got ", "a quote in the row of line 1 isn't closed"],
}


@pytest.mark.filterwarnings("default")  # pandas only warns of rows that it cuts
@pytest.mark.parametrize(("text", "says"), BAD_CSV.items())
def test_a_bad_csv_is_refused_in_one_line(
    text: str, says: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text(text)
    line = refusal("t.csv", target="b")
    assert all(part in line for part in says), line


def test_a_table_needs_a_target_and_only_a_table_takes_one(
    table: pd.DataFrame, tmp_path: Path
) -> None:
    wide = pd.DataFrame(np.eye(50), columns=[f"c{i}\n" for i in range(50)])
    wide.to_csv(tmp_path / "wide.csv", index=False)
    assert refusal(tmp_path / "wide.csv").startswith("target: got None, takes the column to pre")
    assert len(refusal(tmp_path / "wide.csv")) < 120
    table.to_parquet(tmp_path / "pets.parquet")
    assert "target: got '3'" in refusal(tmp_path / "pets.parquet", target=3)
    assert "target: got 'kind'" in refusal("circles", target="kind")
    assert "target: got 'kind'" in refusal((X10, Y10), target="kind")


@pytest.mark.parametrize("name", ["pets.csv", "pets.parquet", "pets.npz"])
@pytest.mark.parametrize("kept", [0, 40, 0.5])
def test_a_cut_table_is_refused_by_name(
    name: str, kept: float, table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    WRITERS[name](table, Path(name))
    whole = Path(name).read_bytes()
    Path(name).write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    if name == "pets.csv" and kept == 0.5:
        Path(name).write_bytes(bytes(range(128)) + whole)
    assert name in refusal(name, target="kind")


def _npy(shape: tuple[int, ...]) -> bytes:
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header


def test_an_archive_with_pickles_or_lies_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("a.npz", X=X10, y=np.array(["a", None] * 5, dtype=object))
    assert refusal("a.npz").startswith("data: got 'a.npz', takes a NumPy archive of plain arrays")
    np.savez("a.npz", X=X10, label=Y10)
    assert "arrays of a.npz: got ['X', 'label'], takes X and y" in refusal("a.npz")
    assert "did you mean 'label'?" in refusal("a.npz", target="labels")
    np.savez("a.npz", X_train=X10, y_train=Y10, X_test=X10, y_test=Y10)
    assert refusal("a.npz", target="y_train").endswith("takes X and y_train")
    with zipfile.ZipFile("a.npz", "w") as archive:
        archive.writestr("X.npy", _npy((10**13, 2)))
        archive.writestr("y.npy", _npy((10**13,)))
    assert "data: got 'a.npz'" in refusal("a.npz")
    monkeypatch.setattr("goodinit.datasets.files.LARGEST_BYTES", 100)
    np.savez("a.npz", X=X10, y=Y10)
    assert "at most 1e-07 GB" in refusal("a.npz")


def test_a_file_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied", "t.csv")

    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("a,b\n1,2\n")
    Path("pets").mkdir()
    monkeypatch.setattr(pd, "read_csv", denied)
    monkeypatch.setattr(Path, "iterdir", denied)
    assert "data: got 't.csv'" in (line := refusal("t.csv", target="b"))
    assert line.endswith("(Permission denied)")
    assert refusal("pets").startswith("data: got 'pets'")
    monkeypatch.setattr(Path, "stat", denied)
    assert "takes a file or folder that exists" in refusal("other/t.csv")


# --- folders of images


def pixels(height: int = 4, width: int = 6, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of five cats and five dogs of 4 × 6 pixels, beside which the test runs."""
    monkeypatch.chdir(tmp_path)
    folder = Path("pets")
    folder.mkdir()
    for i in range(5):
        for seed, kind in enumerate(("cat", "dog")):
            Image.fromarray(pixels(seed=2 * i + seed)).save(folder / f"{kind}.{i}.png")
    return folder


def test_an_image_is_a_row_of_its_pixels_over_255_in_the_order_of_sorted_names(pets: Path) -> None:
    data = gd.load("pets", test_fraction=0)
    assert data.name == "pets"
    assert data.image_shape == (4, 6, 3)
    assert data.classes == ("cat", "dog")
    assert data.y_train.tolist() == [0] * 5 + [1] * 5
    seeds = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
    np.testing.assert_array_equal(
        data.X_train, np.stack([pixels(seed=seed).reshape(-1) / 255 for seed in seeds])
    )


def test_subfolders_are_labels_and_what_is_no_image_is_passed_over(pets: Path) -> None:
    plain = gd.load(pets, test_fraction=0)
    for kind in ("cat", "dog"):
        (pets / kind).mkdir()
        for file in pets.glob(f"{kind}.*.png"):
            file.rename(pets / kind / f"{file.name[4]}.PNG")
    (pets / "README.md").write_text("not an image")
    (pets / "cat" / "._1.png").write_text("what macOS leaves in archives")
    (pets / ".ipynb_checkpoints").mkdir()
    (pets / ".ipynb_checkpoints" / "1.png").write_text("")
    (pets / "empty").mkdir()
    data = gd.load(pets, test_fraction=0)
    assert data.classes == ("cat", "dog")
    np.testing.assert_array_equal(data.X_train, plain.X_train)
    Image.fromarray(pixels()).save(pets / "cat.9.png")
    assert refusal(pets) == (
        "data: got ['cat.9.png', 'cat/0.PNG'], "
        "takes images in the folder or in its subfolders, not in both"
    )


@pytest.mark.parametrize(
    ("stem", "label"), [("emu", "emu"), ("emu_01", "emu"), ("3-emu-x", "emu"), ("émeu7", "émeu")]
)
def test_the_label_is_the_file_names_first_word(stem: str, label: str, pets: Path) -> None:
    Image.fromarray(pixels()).save(pets / f"{stem}.png")
    assert label in (gd.load(pets, test_fraction=0).classes or ())


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK"])
def test_every_mode_becomes_the_rgb_that_pillow_makes_of_it(mode: str, pets: Path) -> None:
    suffix = "tiff" if mode == "CMYK" else "png"
    Image.fromarray(pixels()).convert(mode).save(pets / f"ant.{suffix}")
    with Image.open(pets / f"ant.{suffix}") as image:
        expected = np.asarray(image.convert("RGB")).reshape(-1) / 255
    np.testing.assert_array_equal(gd.load(pets, test_fraction=0).X_train[0], expected)


def test_a_palette_with_transparency_makes_no_noise(pets: Path) -> None:
    image = Image.fromarray(pixels()).convert("P")
    image.save(pets / "ant.png", transparency=bytes([0, 128, 255]))
    assert len(gd.load(pets, test_fraction=0).X_train) == 11


def test_a_photograph_taken_sideways_is_turned_upright(pets: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(pixels(6, 4)).save(pets / "ant.png", exif=exif)
    data = gd.load(pets, test_fraction=0)
    np.testing.assert_array_equal(
        data.X_train[0].reshape(4, 6, 3), np.rot90(pixels(6, 4), -1) / 255
    )


@pytest.mark.parametrize(("size", "shape"), [(3, (3, 3, 3)), ((5, 2), (5, 2, 3))])
def test_images_of_mixed_sizes_are_resized_on_request_only(
    size: Any, shape: tuple[int, int, int], pets: Path
) -> None:
    Image.fromarray(np.full((40, 30, 3), 51, np.uint8)).save(pets / "dog.9.png")
    line = refusal(pets)
    assert line.startswith("image_size: got None")
    assert "cat.0.png of 4 × 6 and dog.9.png of 40 × 30" in line
    data = gd.load(pets, image_size=size, test_fraction=0)
    assert data.image_shape == shape
    np.testing.assert_array_equal(data.X_train[-1], np.full(np.prod(shape), 0.2))


def png_that_declares(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(99)))


@pytest.mark.parametrize("side", [7_072, 10_000, 50_000, 2**31 - 1])
def test_a_size_bomb_is_refused_before_it_is_decoded(side: int, pets: Path) -> None:
    (pets / "cat.9.png").write_bytes(png_that_declares(side, side))
    line = refusal(pets, image_size=8)
    assert "data: got 'pets/cat.9.png'" in line
    assert "pixels" in line
    assert "truncated" not in line


@pytest.mark.parametrize("kept", [0, 10, 0.5])
def test_a_cut_photograph_is_named(kept: float, pets: Path) -> None:
    path = pets / "cat.9.jpg"
    Image.fromarray(pixels(100, 100)).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    assert "data: got 'pets/cat.9.jpg', takes an image" in refusal(pets, image_size=8)


@pytest.mark.parametrize(
    "content", [b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n"]
)
def test_what_only_its_suffix_calls_an_image_is_named(content: bytes, pets: Path) -> None:
    (pets / "cat.9.jpg").write_bytes(content)
    assert "data: got 'pets/cat.9.jpg', takes an image" in refusal(pets)


def test_a_link_to_an_image_that_is_gone_is_named(pets: Path) -> None:
    (pets / "cat.9.png").symlink_to("gone.png")
    line = refusal(pets)
    assert line.startswith("data: got 'pets/cat.9.png', takes an image that Pillow can read")
    assert line.endswith("(No such file or directory)")


def test_sixteen_bits_a_channel_are_refused_because_rgb_would_clip_them(pets: Path) -> None:
    Image.fromarray(np.full((4, 6), 40_000, np.uint16)).save(pets / "cat.9.png")
    assert "data: got 'pets/cat.9.png', takes 8 bits a channel" in refusal(pets)


def test_folders_without_what_they_need_are_refused(pets: Path) -> None:
    Path("empty").mkdir()
    assert refusal("empty").startswith("data: got 'empty', takes a folder with images in it")
    assert refusal(pets, target="kind").startswith("target: got 'kind'")
    assert refusal(pets / "cat.0.png").startswith("data: got 'pets/cat.0.png', takes a table")
    line = refusal(pets, image_size=100_000)
    assert line.startswith("image_size: got (100000, 100000)")
    assert "10 images need at most 8 GB" in line
    Image.fromarray(pixels()).save(pets / "12.png")
    assert refusal(pets).startswith("data: got '12.png', takes a file name with a word")
    for file in [pets / "12.png", *pets.glob("dog*")]:
        file.unlink()
    assert refusal(pets).startswith("labels of pets: got ['cat'], takes at least two classes")


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the articles' photographs are not beside the code")
def test_the_articles_photographs_are_100_rows_of_67500_features_half_cats_half_dogs() -> None:
    data = gd.load(PHOTOS, test_fraction=0)
    assert data.X_train.shape == (100, 67_500)
    assert data.image_shape == (150, 150, 3)
    assert data.classes == ("cat", "dog")
    assert np.bincount(data.y_train).tolist() == [50, 50]
    assert data.X_train.min() == 0
    assert data.X_train.max() == 1
    with Image.open(PHOTOS / "cat.2671.jpg") as first:
        np.testing.assert_array_equal(data.X_train[0], np.asarray(first).reshape(-1) / 255)
    split = gd.load(PHOTOS, image_size=8)
    assert (
        split.describe() == "cats_vs_dogs: 75 train and 25 test examples, 192 features, 2 classes"
    )
