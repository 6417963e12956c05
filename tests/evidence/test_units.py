"""Errors in the target's own units, and that of guessing beside them."""

import re

import numpy as np
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
