"""The kernel is compiled once, kept where that can be, and not missed where it can't."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core.caching import IndexDataCacheFile

import goodinit
from goodinit.datasets import Dataset, circles
from goodinit.study.grid import Study, Training, plan
from goodinit.training import compile_kernel, jit, kernel, prepare, train
from goodinit.training.order import shuffler
from goodinit.training.together import dealer

pytestmark = pytest.mark.slow


def study_of(dataset: Dataset) -> Study:
    return plan(
        dataset,
        initializers="he",
        hidden=(4,),
        activation="relu",
        learning_rate=0.1,
        seeds=1,
        training=Training(iterations=30),
    )


# One training in a process of its own, and where its kernel came from.
SCRIPT = """
import sys
from goodinit.datasets import circles
from goodinit.study.grid import Training, plan
from goodinit.training import kernel, loop, prepare, train

study = plan(circles(), initializers="he", hidden=(4,), activation="relu", learning_rate=0.1,
             seeds=1, training=Training(iterations=50))
loop.compile_kernel(study, 1)
flat = train(prepare(study), study.trials).flat
compiled = kernel._compiled(True)
print(loop.__file__, compiled.stats.cache_path, flat.tobytes().hex(), sep="\\n")
print("scipy.linalg.cython_blas" in sys.modules)
print(sum(compiled.stats.cache_hits.values()))
"""


def in_a_process(script: str, **environment: str) -> list[str]:
    done = subprocess.run(  # noqa: S603  # this interpreter, and a script from this file
        [sys.executable, "-c", script],
        env=os.environ | environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split("\n")[:-1]


@cache
def usual() -> tuple[str, ...]:
    return tuple(in_a_process(SCRIPT))


def test_where_the_named_folder_cannot_be_made_another_one_serves() -> None:
    """The child of a file is a folder that no one can make."""
    found = in_a_process(SCRIPT, NUMBA_CACHE_DIR=f"{__file__}/nowhere")
    assert found[1] not in ("None", f"{__file__}/nowhere")
    assert found[2] == usual()[2]


def test_where_no_folder_can_be_written_it_compiles_and_trains_the_same(tmp_path: Path) -> None:
    """A copy of the package, with a file where its cache would be, and no home."""
    source = Path(goodinit.__file__).parent
    ignore = shutil.ignore_patterns("__pycache__")
    copied = Path(shutil.copytree(source, tmp_path / "goodinit", ignore=ignore)) / "training"
    nowhere = str(copied / "__pycache__")
    Path(nowhere).write_text("")
    found = in_a_process(
        SCRIPT, PYTHONPATH=str(tmp_path), NUMBA_CACHE_DIR=nowhere, HOME=nowhere,
        XDG_CACHE_HOME=nowhere, LOCALAPPDATA=nowhere,
    )  # fmt: skip
    assert found[:2] == [str(copied / "loop.py"), "None"]
    assert found[2:4] == list(usual()[2:4])


def test_a_later_process_loads_what_an_earlier_one_compiled() -> None:
    assert usual()[1] != "None"
    assert in_a_process(SCRIPT)[4] == "1"


def test_what_the_same_lines_make_has_files_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Or of two processes, neither of which knows of the other, one would overwrite the other's."""

    def made(number: int) -> Any:
        def write(out: Any) -> None:
            out[0] = number

        return write

    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(IndexDataCacheFile, "_load_index", lambda _: {})
    for number, kind, dtype in ((1, "one", float), (2, "two", float), (1, "one", int)):
        out = np.zeros(1, dtype)
        jit.entry(made(number), kind)(out)
        assert out[0] == number
    assert len(list(tmp_path.rglob("*.nbc"))) == 3


def test_a_change_of_any_compiled_file_compiles_anew() -> None:
    """Numba looks at the kernel's own file only: all that it is made of are listed."""
    folder = Path(jit.__file__).parent
    made_of = {
        path.name
        for path in folder.glob("*.py")
        if any(word in path.read_text("utf-8") for word in ("goodinit.training.jit", "numba"))
    }
    assert made_of == set(jit._SOURCES)


def test_a_loaded_kernel_brings_its_blas_along() -> None:
    """Or else its threads could not be limited before the first product."""
    assert usual()[3] == "True"


@pytest.mark.parametrize(
    "line", ["import goodinit", "import goodinit.cli, sys; sys.argv[1:] = ['--help']"]
)
def test_numba_waits_until_something_is_trained(line: str) -> None:
    run = "goodinit.cli.main()" if "cli" in line else "pass"
    script = f"import sys\n{line}\ntry:\n    {run}\nfinally:\n    print('numba' in sys.modules)"
    assert in_a_process(script)[-1] == "False"


def test_compiling_twice_compiles_once() -> None:
    compiled: Any = kernel._compiled(True)
    for dtype in ("float64", "float32") * 2:
        study = study_of(circles())
        compile_kernel(replace(study, training=Training(dtype=dtype)), 1)
    assert len(compiled.signatures) == 2


def test_a_full_disk_costs_the_cache_and_not_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small function stands for the kernel, to be compiled anew and kept in vain."""
    calls = []

    def save(*_: Any) -> None:
        calls.append("save")
        raise OSError(28, "No space left on device")

    def reach(networks: Any, *others: Any) -> None:
        networks[0][:] = others[5]  # the last iteration

    def twice(numbers: Any, size: Any) -> None:
        for i in range(size):
            numbers[i] *= 2.0

    monkeypatch.setattr(IndexDataCacheFile, "save", save)
    assert jit.pointer_of(jit.pointed(twice, "twice", "float64", "array", "intp"))
    assert calls.pop() == "save"
    small = jit.entry(reach, "small")
    monkeypatch.setattr(kernel, "_compiled", lambda _: small)
    study = study_of(circles())
    record = train(prepare(study), study.trials)
    assert calls
    assert (record.flat == 30).all()


def test_what_only_mini_batches_need_is_compiled_before_threads_train() -> None:
    study = study_of(circles())
    in_batches = replace(study, training=replace(study.training, batch_size=32))
    for some, compiled in ((study, 0), (in_batches, 1)):
        shuffler.cache_clear()
        dealer.cache_clear()
        compile_kernel(some, kernel.FEWEST_TOGETHER)
        assert [of.cache_info().currsize for of in (shuffler, dealer)] == [compiled] * 2


def test_a_users_read_only_array_compiles_nothing_anew() -> None:
    train(prepare(study_of(circles())), study_of(circles()).trials)
    compiled: Any = kernel._compiled(True)
    before = len(compiled.signatures)
    X, y = np.linspace(-1, 1, 20)[:, np.newaxis], np.linspace(0, 1, 20)
    for array in (X, y):
        array.setflags(write=False)
    study = study_of(Dataset("line", X, y, X, y, None))
    train(prepare(study), study.trials)
    assert len(compiled.signatures) == before
