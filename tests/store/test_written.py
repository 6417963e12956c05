"""Nothing of the user's is lost: a place that isn't goodinit's is refused, whoever asks for it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import goodinit as gi
from goodinit.errors import ArgumentError
from goodinit.store.parts import set_aside, write_whole
from goodinit.store.written import RECORD, write_file
from studies import assert_same, refusal, small, snapshot

Writes = Callable[[Path], object]


def writers(result: gi.Comparison) -> dict[str, Writes]:
    return {
        "compare": lambda place: small(out=place),
        "save": result.save,
        "export": result.export,
    }


@pytest.mark.parametrize("asks", ["compare", "save", "export"])
@pytest.mark.parametrize("name", ["data.npz", "costs.png", "summary.csv", "trials", "x", ".lock"])
def test_a_folder_of_other_things_is_refused_and_left_as_it_was(
    name: str, asks: str, tmp_path: Path, whole: gi.Comparison
) -> None:
    place = tmp_path / "mine"
    place.mkdir()
    (place / name).write_text("mine")
    before = snapshot(tmp_path)
    with pytest.raises(ArgumentError, match=r"^out: got .*a new or empty folder") as caught:
        writers(whole)[asks](place)
    assert snapshot(tmp_path) == before
    assert {path.name for path in tmp_path.rglob("*")} == {"mine", name}
    (free,) = re.findall("such as '([^']*)'", str(caught.value))
    assert not Path(free).exists()
    writers(whole)[asks](Path(free))


@pytest.mark.parametrize("asks", ["compare", "save", "export"])
def test_no_name_a_file_and_a_link_to_nothing_are_no_folders(
    asks: str, tmp_path: Path, whole: gi.Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "link").symlink_to("gone")
    for place, says in [
        ("", "takes the name of a folder, such as 'study'"),
        ("notes.txt", "such as 'notes' \\(this is no folder\\)"),
        ("link", "such as 'link-2' \\(this is a link to nothing\\)"),
    ]:
        with pytest.raises(ArgumentError, match=says):
            writers(whole)[asks](place)  # type: ignore[arg-type]  # as a user writes it
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "link"}


def test_an_empty_folder_and_one_that_a_dead_process_began_are_free(
    tmp_path: Path, whole: gi.Comparison
) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / ".study.json.unfinished").write_text("{")
    assert_same(small(out=tmp_path), whole)


def test_a_process_that_dies_before_the_data_are_kept_leaves_a_study(
    tmp_path: Path, whole: gi.Comparison, folder: Path
) -> None:
    (folder / "data.npz").unlink()
    for name in ("trials", "curves", "signals", "sharpness", "networks"):
        for path in (folder / name).iterdir():
            path.unlink()
        (folder / name).rmdir()
    assert_same(small(out=folder), whole)


def test_data_in_a_study_that_are_not_its_own_are_moved_aside_and_never_lost(folder: Path) -> None:
    for text in ("mine", "mine too"):
        (folder / "data.npz").write_text(text)
        small(out=folder)
    kept = {path.name: path.read_text() for path in (folder / "damaged").iterdir()}
    assert kept == {"data.npz": "mine", "data-2.npz": "mine too"}


def test_what_is_set_aside_twice_is_there_twice(tmp_path: Path) -> None:
    for text in "abc":
        (tmp_path / "part").write_text(text)
        set_aside(tmp_path, tmp_path / "part")
    assert {path.name for path in (tmp_path / "damaged").iterdir()} == {"part", "part-2", "part-3"}


def test_a_file_of_others_that_only_looks_unfinished_is_left_alone(folder: Path) -> None:
    mine = folder / "trials" / ".notes.unfinished"
    mine.write_text("mine")
    small(out=folder, seeds=5)
    assert mine.read_text() == "mine"


def photographs(folder: Path) -> Path:
    from PIL import Image

    for number in range(6):
        grey = np.full((4, 4, 3), 40 * number, np.uint8)
        folder.mkdir(exist_ok=True)
        Image.fromarray(grey).save(folder / f"{'cat' if number % 2 else 'dog'}.{number}.png")
    return folder


@pytest.mark.parametrize("below", [".", "run", "run/deep"])
def test_a_folder_of_images_is_no_place_for_pictures(below: str, tmp_path: Path) -> None:
    images = photographs(tmp_path / "photos")
    before = snapshot(tmp_path)
    line = refusal(str(images), out=images / below)
    assert f"a folder outside of the data, such as '{tmp_path / 'photos-2'}'" in line
    assert snapshot(tmp_path) == before
    assert not (images / "run").exists()


# Pictures and tables


def test_pictures_are_replaced_where_goodinit_drew_them_last(
    tmp_path: Path, whole: gi.Comparison
) -> None:
    place = tmp_path / "pictures"
    whole.export(place, ["png"])
    before = snapshot(place)
    whole.export(place, ["png", "svg"])
    assert set(snapshot(place)) > set(before)
    record = json.loads((place / RECORD).read_text())
    assert set(record) == {path.name for path in place.iterdir()} - {RECORD}


@pytest.mark.parametrize("name", ["costs.png", "summary.csv"])
@pytest.mark.parametrize("how", ["changed", "a folder", "a link"])
def test_a_picture_that_is_not_as_goodinit_drew_it_is_never_replaced(
    name: str, how: str, tmp_path: Path, whole: gi.Comparison
) -> None:
    place = tmp_path / "pictures"
    whole.export(place)
    (place / name).unlink()
    if how == "changed":
        (place / name).write_text("mine")
    elif how == "a folder":
        (place / name).mkdir()
    else:
        (tmp_path / "mine").write_text("mine")
        (place / name).symlink_to(tmp_path / "mine")
    before = snapshot(tmp_path)
    with pytest.raises(ArgumentError, match=f"whose {name} goodinit wrote"):
        whole.export(place)
    assert snapshot(tmp_path) == before


def test_pictures_go_into_a_folder_of_their_own_study_only(
    folder: Path, whole: gi.Comparison
) -> None:
    whole.export(folder, ())
    before = snapshot(folder)
    with pytest.raises(ArgumentError, match=r"iterations 20 and not 10\), or such as"):
        small(iterations=10).export(folder, ())
    assert snapshot(folder) == before
    assert_same(gi.load(folder), whole)


def test_a_process_that_dies_between_two_files_leaves_none_that_is_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file("out", tmp_path, "a.png", b"one")
    for dies_at in (RECORD, "a.png"):

        def dying(path: Path, content: bytes, at: str = dies_at) -> None:
            if path.name == at:
                raise KeyboardInterrupt
            write_whole(path, content)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("goodinit.store.written.write_whole", dying)
            write_file("out", tmp_path, "a.png", b"two")
        assert (tmp_path / "a.png").read_bytes() == b"one"
        write_file("out", tmp_path, "a.png", b"one")
    write_file("out", tmp_path, "a.png", b"two")
    assert (tmp_path / "a.png").read_bytes() == b"two"


@pytest.mark.parametrize("text", ["", "[]", '{"a.png": 3}', "[" * 100_000, "\x00\xff"])
def test_a_damaged_record_knows_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("mine")
    (tmp_path / RECORD).write_bytes(text.encode("latin-1"))
    with pytest.raises(ArgumentError, match=r"whose a\.png goodinit wrote"):
        write_file("out", tmp_path, "a.png", b"ours")
    assert (tmp_path / "a.png").read_text() == "mine"
