"""A damaged study folder: what is wrong is named, set aside, and alone run again."""

import os
import shutil
import tempfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import goodinit as gi
from goodinit.errors import ArgumentError
from goodinit.store import folder as store
from goodinit.store.description import describe, read_description
from goodinit.study.grid import Study
from goodinit.study.trials import Trial
from studies import assert_same, listen, refusal, small, snapshot, undamaged


def test_damaged_data_are_named_and_restored_by_the_same_command(
    folder: Path, whole: gi.Comparison, trained: list[Trial]
) -> None:
    path = folder / "data.npz"
    content = path.read_bytes()
    for damaged in (content[:-40], content[: len(content) // 2], b"", b"no archive"):
        path.write_bytes(damaged)
        with pytest.raises(ArgumentError, match=r"^folder: got '.*data\.npz', takes the data") as e:
            gi.load(folder)
        assert "\n" not in str(e.value)
        assert_same(small(out=folder), whole)
        assert_same(gi.load(folder), whole)
    path.unlink()
    assert_same(small(out=folder), whole)
    assert trained == []
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        '{"format": 1, "n": NaN}',
        '{"n": ' + "9" * 9999 + "}",
        '{"format": 2}',
        '{"format": 1}',
        "\x00\xff",
        '{"format": 1, "data": 3}',
    ],
)
def test_a_damaged_description_is_named_in_one_line(folder: Path, text: str) -> None:
    (folder / "study.json").write_bytes(text.encode("latin-1"))
    before = snapshot(folder)
    with pytest.raises(ArgumentError, match=r"study\.json") as caught:
        gi.load(folder)
    assert "\n" not in str(caught.value)
    assert "study.json" in refusal(out=folder)
    assert snapshot(folder) == before


def test_parts_without_a_description_are_taken_for_no_study(folder: Path) -> None:
    (folder / "study.json").unlink()
    before = snapshot(folder)
    assert "study.json" in refusal("moons", out=folder)
    assert "study.json" in refusal(out=folder)
    assert snapshot(folder) == before


damages = st.lists(
    st.tuples(
        st.sampled_from(["truncate", "flip", "delete"]),
        st.sampled_from(["networks", "curves", "signals", "sharpness", "trials"]),
        st.integers(0, 3),
        st.floats(0, 1, exclude_max=True),
        st.integers(1, 255),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda damage: damage[1:3],
)


@pytest.mark.slow
@settings(max_examples=30)
@given(damages)
def test_whatever_is_damaged_is_named_set_aside_and_alone_run_again(
    kept: Path, damages: list[tuple[str, str, int, float, int]]
) -> None:
    lost = {part for _, _, part, _, _ in damages}
    unlisted = {part for how, kind, part, _, _ in damages if (how, kind) == ("delete", "trials")}
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        folder = Path(shutil.copytree(kept, Path(home) / "study"))
        paths = {_damage(folder, damage): damage[2] for damage in damages}
        named = [path for path, part in paths.items() if part not in unlisted]
        altered = {path: path.read_bytes() for path in named if path.exists()}
        before = snapshot(folder)
        if len(lost) < 4:
            loaded = gi.load(folder)
            assert loaded.study.seeds == tuple(seed for seed in range(4) if seed not in lost)
            _assert_named(loaded.notes, named)
        assert snapshot(folder) == before

        whole = undamaged()  # before anyone listens: it trains where it is asked for first
        trained = listen(patch)
        result = small(out=folder)
        assert {trial.seed for trial in trained} == lost
        assert len(trained) == 2 * len(lost)
        _assert_named(result.notes, named)
        for path, content in altered.items():
            assert (folder / "damaged" / path.relative_to(folder)).read_bytes() == content
        assert_same(result, whole)
        assert small(out=folder).notes == ()
        assert len(trained) == 2 * len(lost)
        assert_same(gi.load(folder), whole)


def _damage(folder: Path, damage: tuple[str, str, int, float, int]) -> Path:
    """Damage a file of a part, and return its path."""
    how, kind, part, where, flip = damage
    (path,) = (folder / kind).glob(f"{part:06d}-*")
    content = bytearray(path.read_bytes())
    at = int(where * len(content))
    if how == "delete":
        path.unlink()
    elif how == "truncate":
        path.write_bytes(content[:at])
    else:
        content[at] ^= flip
        path.write_bytes(content)
    return path


def _assert_named(notes: tuple[str, ...], damaged: list[Path]) -> None:
    """Raise AssertionError unless the notes name these files; a missing one by table and part."""
    said = " ".join(notes)
    for path in damaged:
        assert str(path) in said or f"{path.parent / path.name[:6]}, which is missing" in said
    assert said.count(f"{os.sep}0000") == len(damaged)


@settings(max_examples=60)
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255), st.booleans())
def test_data_with_any_byte_altered_are_refused_or_the_same(
    kept: Path, where: float, flip: int, short: bool
) -> None:
    with tempfile.TemporaryDirectory() as home:
        folder = Path(shutil.copytree(kept, Path(home) / "study"))
        content = bytearray((folder / "data.npz").read_bytes())
        at = int(where * len(content))
        content[at] ^= flip
        (folder / "data.npz").write_bytes(content[:at] if short else content)
        try:
            loaded = gi.load(folder)
        except ArgumentError as error:
            assert str(error).startswith("folder: got ")
            assert "data.npz" in str(error)
            assert "\n" not in str(error)
        else:  # a byte of the archive that says nothing, such as a time
            assert isinstance(loaded.study, Study)
            assert loaded.study.dataset.fingerprint == gi.datasets.circles().fingerprint


@settings(max_examples=60)
@given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_a_description_with_any_byte_altered_raises_nothing_but_one_line(
    kept: Path, where: float, flip: int
) -> None:
    with tempfile.TemporaryDirectory() as home:
        folder = Path(shutil.copytree(kept, Path(home) / "study"))
        content = bytearray((folder / "study.json").read_bytes())
        content[int(where * len(content))] ^= flip
        (folder / "study.json").write_bytes(content)
        try:
            assert len(gi.load(folder).trials)
        except ArgumentError as error:
            assert "\n" not in str(error)


def test_a_study_without_a_whole_seed_says_so(folder: Path) -> None:
    for path in (folder / "trials").iterdir():
        path.write_bytes(b"")
    with pytest.raises(ArgumentError, match="a study of which a whole seed is finished"):
        gi.load(folder)


def test_what_a_crash_left_unfinished_is_removed_and_never_read(
    folder: Path, whole: gi.Comparison, trained: list[Trial]
) -> None:
    unfinished = folder / "curves" / ".000004-0123456789abcdef.parquet.unfinished"
    unfinished.write_bytes(b"half")
    half = folder / "signals" / "000004-0123456789abcdef.parquet"
    shutil.copy(next((folder / "signals").glob("000003-*")), half)
    assert_same(gi.load(folder), whole)
    assert unfinished.exists()
    assert_same(small(out=folder), whole)
    assert trained == []
    assert not unfinished.exists()
    assert not half.exists()


def test_files_of_others_in_the_folder_are_left_alone(folder: Path, whole: gi.Comparison) -> None:
    theirs = [folder / "notes.txt", folder / "trials" / "notes.txt", folder / "curves" / ".hidden"]
    for path in theirs:
        path.write_text("mine")
    assert_same(small(out=folder), whole)
    assert [path.read_text() for path in theirs] == ["mine"] * 3


def test_another_version_that_wrote_part_of_the_study_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, now = tmp_path / "study", store.versions()
    with monkeypatch.context() as earlier:
        earlier.setattr(store, "versions", lambda: now | {"numpy": "2.0.0"})
        small(out=folder)
    result = small(out=folder, seeds=5)
    (note,) = result.notes
    assert "numpy 2.0.0" in note
    assert note in result.warnings
    assert gi.load(folder).notes == (note,)


def test_a_description_that_was_altered_but_can_be_read_is_refused(folder: Path) -> None:
    path = folder / "study.json"
    path.write_text(path.read_text().replace('"momentum": 0.9', '"momentum": 0.8'))
    with pytest.raises(ArgumentError, match="as goodinit wrote it"):
        gi.load(folder)


@pytest.mark.parametrize("key", ["seeds", "learning_rates"])
@pytest.mark.parametrize("value", [None, "", [], [[]], [{}], [True], ["x"], [None], [1, 1]])
def test_a_grid_that_makes_no_sense_is_one_line_with_its_key(
    folder: Path, key: str, value: object
) -> None:
    known = read_description(folder)
    describe(folder, known | {key: value})
    with pytest.raises(ArgumentError, match=rf"study\.json.*{key}"):
        gi.load(folder)


def foreign(folder: Path, kind: str, table: pa.Table) -> Path:
    """Put a table in the place of the first part's, under a name that its checksum fits."""
    (path,) = (folder / kind).glob("000000-*")
    sink = BytesIO()
    pq.write_table(table, sink)
    path.unlink()
    named = path.with_name(f"000000-{sha256(sink.getvalue()).hexdigest()[:16]}.parquet")
    named.write_bytes(sink.getvalue())
    return named


@pytest.mark.parametrize("kind", ["trials", "curves", "signals", "sharpness"])
@pytest.mark.parametrize("how", ["other columns", "other types", "other rows", "no rows"])
def test_a_part_that_is_no_table_of_a_study_is_named_and_the_others_are_shown(
    kind: str, how: str, folder: Path, whole: gi.Comparison
) -> None:
    table = pq.read_table(next((folder / kind).glob("000000-*")))
    altered = {
        "other columns": table.rename_columns([f"x{n}" for n in range(table.num_columns)]),
        "other types": table.set_column(2, "seed", pa.array(["one"] * len(table))),
        "other rows": pa.concat_tables([table, table.slice(0, 1)]),
        "no rows": table.slice(0, 0),
    }[how]
    path = foreign(folder, kind, altered)
    loaded = gi.load(folder)
    named = [kind] if (kind, how) != ("trials", "other rows") else ["curves", "signals"]
    assert any(f"{of}/000000" in note for of in named for note in loaded.notes), loaded.notes
    assert loaded.study.seeds == (1, 2, 3)
    assert loaded.summary()["seeds"].eq(3).all()
    assert_same(small(out=folder), whole)
    assert (folder / "damaged" / kind / path.name).exists()


@pytest.mark.parametrize("what", ["a folder", "a link to nothing", "a pipe"])
def test_what_is_no_file_in_place_of_a_part_is_named(
    what: str, folder: Path, whole: gi.Comparison
) -> None:
    (path,) = (folder / "curves").glob("000002-*")
    path.unlink()
    if what == "a folder":
        path.mkdir()
    elif what == "a link to nothing":
        path.symlink_to("gone")
    else:
        os.mkfifo(path)
    assert str(path) in gi.load(folder).notes[0]
    assert_same(small(out=folder), whole)


def test_a_table_that_is_gone_is_said_where_nothing_can_be_shown(folder: Path) -> None:
    shutil.rmtree(folder / "curves")
    with pytest.raises(ArgumentError, match=r"a whole seed is finished.*curves/000003, which is"):
        gi.load(folder)


def test_a_description_of_a_newer_format_says_to_upgrade(folder: Path) -> None:
    (folder / "study.json").write_text('{"format": 2}')
    with pytest.raises(ArgumentError, match="2 is newer \\(upgrade goodinit"):
        gi.load(folder)
