"""Small studies that are kept in folders: what makes them, and what says that two are the same."""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import goodinit as gi
from goodinit import training
from goodinit.errors import ArgumentError
from goodinit.running import batches
from goodinit.study.grid import Study
from goodinit.study.trials import Trial

TABLES = ("trials", "curves", "signals", "sharpness")
SMALL: dict[str, Any] = {
    "initializers": ["zeros", "he_normal"],
    "iterations": 20,
    "record": 4,
    "seeds": 4,
}
PYTHON = sys.executable
ENVIRONMENT = os.environ | {"PYTHONWARNINGS": "error", "COLUMNS": "100"}


def small(data: Any = "circles", **changed: Any) -> gi.Comparison:
    """Return a small comparison."""
    return gi.compare(data, **(SMALL | changed))


def by(size: int) -> Callable[..., Iterator[tuple[Trial, ...]]]:
    """Return what makes batches of that size, whatever else was wanted."""

    def some(study: Study, trials: Sequence[Trial], most: int) -> Iterator[tuple[Trial, ...]]:
        return (tuple(trials[i : i + size]) for i in range(0, len(trials), size))

    return some


def _of_theory(column: str) -> bool:
    return column.endswith(("_theory", "rms_low", "rms_high"))


def assert_same(one: gi.Comparison, other: gi.Comparison) -> None:
    """Raise AssertionError where two comparisons differ in anything, and be it the last bit."""
    for name in TABLES:
        # Of a callable that isn't kept theory says nothing: what was measured is compared.
        ours, theirs = (
            table.drop(columns=[column for column in table if _of_theory(column)])
            for table in (getattr(one, name), getattr(other, name))
        )
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    assert set(one.networks) == set(other.networks)
    for trial in one.networks:
        for layer, twin in zip(one.networks[trial], other.networks[trial], strict=True):
            np.testing.assert_array_equal(layer[0], twin[0], strict=True)
            np.testing.assert_array_equal(layer[1], twin[1], strict=True)
    assert repr(one.verdicts) == repr(other.verdicts)
    assert one.evidence.statements == other.evidence.statements
    pd.testing.assert_frame_equal(one.summary(), other.summary(), check_exact=True)


def snapshot(folder: Path) -> Mapping[str, tuple[int, str]]:
    """Return when each file of a folder was written last, and a checksum of what is in it."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@cache
def undamaged() -> gi.Comparison:
    """Return the small comparison as it is measured without a folder."""
    return small()


def keep(folder: Path) -> Path:
    """Make a study folder with a part for each of four seeds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "_batches", by(2))
        small(out=folder)
    return folder


def listen(patch: pytest.MonkeyPatch) -> list[Trial]:
    """Return a list to which every trial is added that is trained from now on."""
    seen: list[Trial] = []
    train = training.train

    def listening(problem: Any, trials: Sequence[Trial], *rest: Any, **more: Any) -> Any:
        seen.extend(trials)
        return train(problem, trials, *rest, **more)

    patch.setattr(training, "train", listening)
    return seen


def refusal(*arguments: Any, **named: Any) -> str:
    """Return the line with which a comparison is refused, before any training."""

    def never(done: int, total: int) -> None:
        raise AssertionError

    with pytest.raises(ArgumentError) as caught:
        small(*arguments, **{"progress": never} | named)
    assert "\n" not in str(caught.value)
    return str(caught.value)
