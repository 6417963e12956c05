"""What goodinit says of the machine that it stands on, and of its own digits there."""

import json
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from numba.core import config

from commands import goodinit
from goodinit.articles import published, selftest
from goodinit.cli import main
from goodinit.training import jit, kernel


def told(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[object, str, str]:
    monkeypatch.setattr(sys, "argv", ["goodinit", "doctor", *words])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    return left.value.code, said.out, said.err


def test_doctor_meets_the_printed_digits_and_writes_nothing(tmp_path: Path) -> None:
    done = goodinit("doctor", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["self_test"] | {"seconds": 0} == {
        "agrees": True,
        "figures": 37,
        "differing": [],
        "seconds": 0,
    }
    assert said["versions"]["numpy"] == np.__version__
    assert said["threads"] >= 1
    assert {"dask", "excel", "torch"} <= said["extras"].keys()
    assert not {"dev", "test"} & said["extras"].keys()
    assert list(tmp_path.iterdir()) == []


def test_a_kernel_that_does_not_train_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "advance", lambda *_, **__: None)
    wrong = [digits for digits in selftest.self_test() if not digits.agrees]
    assert {digits.by for digits in wrong} == {selftest.KERNEL}
    assert {digits.figure.run.initialization for digits in wrong} == {"he"}  # zeros stay anyway


def test_a_figure_that_differs_is_named_and_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = next(each for each in published.figures() if each.run == ("circles", "he", False))
    digits = selftest.Digits(selftest.KERNEL, figure, 0.5, "differs by 3.8e-01 (relative 4.3e-01)")
    monkeypatch.setattr(selftest, "self_test", lambda: [digits])
    code, said, complaint = told([], monkeypatch, capsys)
    assert code == 1
    for part in ("cost at iteration 0", "0.883053746342", "0.5", "compiled kernel"):
        assert part in " ".join(said.split())
    assert complaint == "goodinit: 1 of 1 figures of the self-test differ\n"


def test_an_extra_that_is_missing_comes_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = metadata.version

    def version(name: str) -> str:
        if name == "distributed":
            raise metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(selftest, "self_test", list)
    _, said, _ = told([], monkeypatch, capsys)
    assert "[dask] not installed: pip install 'goodinit[dask]'" in " ".join(said.split())


def test_clear_removes_the_kernels_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    folder, files = jit.kept()
    assert (folder is not None, files) == (True, [])
    assert folder is not None
    folder.mkdir(exist_ok=True)
    ours = [folder / "together.trainer.locals.train-99.py311.nbi", folder / "alone.x.1.nbc"]
    others = [folder / "mine.f-1.py311.nbi", folder / "alone.py"]
    for path in (*ours, *others):
        path.write_text("kept")
    assert jit.kept() == (folder, sorted(ours))
    code, said, _ = told(["--clear", "--json"], monkeypatch, capsys)
    assert (code, json.loads(said)["kernel_cache"]["removed"]) == (0, 2)
    assert sorted(path for path in folder.iterdir()) == sorted(others)
