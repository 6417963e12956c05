"""Errors in the target's own units, and that of guessing beside them."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import goodinit as gi


def test_guessing_is_the_training_mean_told_to_the_part_that_is_tested() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((80, 3)), 50 + 10 * rng.standard_normal(80)
    train, test = (X[:60], y[:60]), (X[60:], y[60:] + 5)  # what is tested lies elsewhere
    result = gi.compare((*train, *test), initializers="zeros", iterations=300, seeds=2)
    (said,) = result.errors
    guessing = np.sqrt(np.mean((test[1] - train[1].mean()) ** 2))
    found = re.search(r"guessing the training mean (\S+)\.$", said)
    assert found is not None
    assert float(found[1]) == pytest.approx(guessing, rel=1e-3)
    zeros = re.search(r"zeros (\S+);", said)  # which learn nothing but the mean
    assert zeros is not None
    assert float(zeros[1]) == pytest.approx(guessing, rel=0.02)


def test_errors_of_a_module_are_those_of_the_same_network(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from goodinit.torch import compare

    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.standard_normal((60, 2)), columns=["a", "b"])
    table["price"] = 200_000 + 30_000 * (table["a"] - table["b"])
    asked: dict[str, Any] = {"initializers": "zeros", "learning_rate": 0.1, "seeds": 2}
    ours = gi.compare(table, target="price", hidden=(), iterations=20, **asked)
    theirs = compare(
        lambda: torch.nn.Linear(2, 1),
        table,
        target="price",
        steps=20,
        batch_size=45,
        loss=lambda said, wanted: ((said.squeeze(1) - wanted) ** 2).mean() / 2,
        out=tmp_path / "study",
        **asked,
    )
    for part in ("train_error", "test_error"):
        found, expected = (of.summary()[part].to_numpy() for of in (theirs, ours))
        assert found == pytest.approx(expected, rel=1e-3)
        assert 1_000 < found[0] < 30_000
    guessing = [re.sub(r".*(guessing)", r"\1", of.errors[0]) for of in (theirs, ours)]
    assert guessing[0] == guessing[1]
    assert gi.load(tmp_path / "study").errors == theirs.errors


def test_errors_of_a_module_are_told_over_splits() -> None:
    torch = pytest.importorskip("torch")
    from goodinit.torch import compare

    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.standard_normal(40)})
    table["price"] = 1_000.5 * table["a"]
    found = compare(
        lambda: torch.nn.Linear(1, 1),
        table,
        target="price",
        initializers="zeros",
        steps=3,
        seeds=4,
        splits=4,
        learning_rate=1e-9,
    )
    (said,) = found.errors
    guessed = re.findall(r"zeros (\S+); guessing the training mean (\S+)\.", said)
    assert guessed[0][0] == guessed[0][1]  # zeros say the training mean
