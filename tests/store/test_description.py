"""The description of a study: what was written first is read still, what makes no sense refused."""

import json
import os
import shutil
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

import goodinit as gi
from commands import goodinit
from goodinit.errors import ArgumentError
from goodinit.measuring.tables import seconds_of
from goodinit.store.description import describe
from studies import snapshot

OLDEST = Path(__file__).parent / "oldest"  # as the first version that kept studies wrote them

Key = tuple[str | int, ...]

GONE = object()
DEEP: Any = "x"
for _ in range(90):
    DEEP = [DEEP]
VALUES: list[Any] = [GONE, None, True, -1, 10**12, 10**30, "x", [], {"x": 1}, DEEP]
# What a study may say otherwise, and be one: words, weights by which an initializer is known again,
# a number that its optimizer has no use for; a measure of whoever asks less than there is.
FREE = {"summary", "name", "described", "module", "loss", "optimizer", "versions", "initializers"}
FREE |= {"momentum", "weight_decay", "batch_size", "parameters", "chance", "fingerprint", "asked"}


def copy_of(kind: str, place: Path) -> Path:
    return Path(shutil.copytree(OLDEST / kind, place / "study"))


def said_by(folder: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    del said["checksum"]
    return said


def keys_of(value: Any, before: Key = ()) -> Iterator[Key]:
    """Yield the way to everything that lies in a value of JSON."""
    places: Any = value if isinstance(value, dict) else ()
    for at in range(len(value)) if isinstance(value, list) else places:
        yield (*before, at)
        yield from keys_of(value[at], (*before, at))


def changed(said: dict[str, Any], key: Key, value: Any) -> dict[str, Any] | None:
    """Return a description with another value of a key; None where it has this value already."""
    whole = deepcopy(said)
    home: Any = whole
    for at in key[:-1]:
        home = home[at]
    if value is GONE:
        del home[key[-1]]
    elif type(home[key[-1]]) is type(value) and home[key[-1]] == value:
        return None
    else:
        home[key[-1]] = value
    return whole


@pytest.mark.parametrize("kind", ["network", "module"])
def test_the_oldest_studies_are_read(kind: str, tmp_path: Path) -> None:
    if kind == "module":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    folder = copy_of(kind, tmp_path)
    before = snapshot(folder)
    result = gi.load(folder)
    assert snapshot(folder) == before
    assert result.study.seeds == (0, 1)
    assert seconds_of(result.parts) is None
    costs = {
        (row["initializer"], row["learning_rate"], row["seed"]): round(row["train_cost"], 4)
        for row in result.trials.to_dict("records")
    }
    if kind == "network":
        assert costs["zeros", 0.01, 1] == 0.6931
        assert [costs["he_normal", 0.1, seed] for seed in (0, 1)] == [0.5474, 0.4882]
    else:
        assert [costs["default", 0.01, seed] for seed in (0, 1)] == [0.6606, 0.7106]


def test_the_oldest_study_goes_on_with_its_data_as_they_were(tmp_path: Path) -> None:
    folder = copy_of("network", tmp_path)
    more = gi.compare(
        "xor",
        initializers=["zeros", "he_normal"],
        hidden=(3,),
        learning_rate=[0.1, 0.01],
        iterations=20,
        record=4,
        seeds=3,
        out=folder,
    )
    before = gi.load(OLDEST / "network").trials
    assert len(more.trials) == len(before) + 4
    assert more.trials.head(len(before))["train_cost"].tolist() == before["train_cost"].tolist()


def test_what_was_written_before_studies_were_kept_is_no_study(tmp_path: Path) -> None:
    for name in ("summary.csv", "trials.csv", "costs.png"):
        (tmp_path / name).write_text("")
    with pytest.raises(ArgumentError, match=r"takes a folder with a study \(study\.json\)"):
        gi.load(tmp_path)


@pytest.mark.parametrize("kind", ["network", "module"])
def test_whatever_is_wrong_in_a_description_is_one_line_with_file_and_key(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "module":
        pytest.importorskip("torch", reason="PyTorch is not installed")
    monkeypatch.setattr(os, "fsync", lambda _: None)  # hundreds of times, for no power cut
    folder = copy_of(kind, tmp_path)
    said = said_by(folder)
    parts = snapshot(folder)
    taken = set()
    for key in keys_of(said):
        for value in VALUES:
            whole = changed(said, key, value)
            if whole is None:
                continue
            describe(folder, whole)
            try:
                assert len(gi.load(folder).summary())
                taken.add(key)
            except ArgumentError as error:
                line = str(error)
                name = next(str(at) for at in reversed(key) if isinstance(at, str))
                assert "\n" not in line
                assert "Error" not in line, line  # what Python calls it says nothing to a user
                assert f"study{'.json' if key != ('keep_networks',) else ''}" in line, line
                assert name in line or name == "keep_networks", (key, value, line)
    assert dict(snapshot(folder)) | {"study.json": parts["study.json"]} == parts
    free = [key for key in taken if not FREE & set(map(str, key)) and key != ("keep_networks",)]
    assert free == []


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        (("data", "task"), None, "data.task: got None, takes a text"),
        (("data", "task"), "regression", "data.task: got 'regression', takes 'binary', as the"),
        (("data", "features"), 3, "data.features: got 3, takes 2, as the rest of the study has it"),
        (("network", "layers"), [2, 4, 1], "layers: got [2, 4, 1], takes [2, 3, 1], as was meas"),
        (("network", "layers"), [2, 3, 9], "layers: got [2, 3, 9], takes [2, 3, 1], as the rest"),
        (("network", "activation"), "rleu", "network.activation: got 'rleu', takes one of"),
        (("training",), {}, "training: got {}, takes an object that isn't empty"),
        (("training",), {"record": 4}, "training.iterations: is missing, takes a whole number f"),
        (("training", "iterations"), 21, "training.iterations: got 21, takes 20, as was measured"),
        (("training", "record"), 5, "training.record: got 5, takes 4, as was measured"),
        (("training", "epochs"), 3, "training: got 'epochs', takes keys as iterations, optim"),
        (("keep_networks",), None, "keep_networks: got None, takes true or false"),
        (("initializers",), {}, "initializers: got {}, takes an object that isn't empty"),
        (("initializers", "zeros"), [0.0], "initializers.zeros: got [0.0], takes a number for ea"),
        (("asked", "seeds"), [0, 7], "asked.seeds: got 7, takes some of the study's 0, 1"),
        (("seeds",), [0, 0], "seeds: got '0 twice', takes each only once"),
        (("learning_rates",), [0.1, -1.0], "learning_rates: got -1.0, takes a number above 0"),
    ],
)
def test_what_a_key_got_and_what_it_takes_is_said(
    key: Key, value: Any, line: str, tmp_path: Path
) -> None:
    folder = copy_of("network", tmp_path)
    said = said_by(folder)
    home: Any = said
    for at in key[:-1]:
        home = home[at]
    home[key[-1]] = value
    describe(folder, said)
    with pytest.raises(ArgumentError) as caught:
        gi.load(folder)
    assert str(caught.value).startswith(f"{folder / 'study.json'}, ")
    assert line in str(caught.value)


def test_the_command_prints_that_line_and_writes_nothing(tmp_path: Path) -> None:
    folder = copy_of("network", tmp_path)
    describe(folder, said_by(folder) | {"training": {}})
    before = snapshot(folder)
    done = goodinit("show", folder, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    takes = "training: got {}, takes an object that isn't empty"
    assert done.stderr == f"goodinit: {folder / 'study.json'}, {takes}\n"
    assert snapshot(folder) == before
