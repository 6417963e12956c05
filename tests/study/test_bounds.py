"""What is refused before any work, because memory or patience could not hold it."""

from typing import Any

import numpy as np
import pytest

import goodinit as gi
from goodinit.errors import ArgumentError
from goodinit.study.grid import Study


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"hidden": (10**9,)}, "hidden: got (1000000000,), takes layers that fit into memory"),
        ({"hidden": (64,) * 9_999}, "takes layers that fit into memory (2 GB; these take 10.2 GB"),
        ({"seeds": 10**9}, "seeds: got 1000000000, takes at most 1,000,000 seeds"),
        ({"seeds": 10**6}, "seeds: got 1000000, takes fewer: 6,000,000 trials, measured 101"),
        (
            {"initializers": [f"normal(std={1 + i})" for i in range(2_000)]},
            "initializers: got '2,000 of them', takes at most 200",
        ),
    ],
)
def test_what_is_too_much_is_refused_in_one_line_before_any_work(
    options: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goodinit.memory.available", lambda: 2_000_000_000)

    def trained(*_: Any, **__: Any) -> None:
        raise AssertionError("it was trained")

    monkeypatch.setattr("goodinit.running.batches.measure", trained)
    with pytest.raises(ArgumentError) as raised:
        gi.compare("circles", **options)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_errors_of_a_standardised_number_are_told_in_its_own_units() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 2))
    y = 200_000 + 50_000 * X[:, 0]
    result = gi.compare((X, y), initializers=["zeros", "he"], hidden=(8,), iterations=2000, seeds=3)
    summary = result.summary()
    errors = dict(zip(summary["initializer"], summary["test_error"], strict=True))
    assert isinstance(result.study, Study)
    assert result.study.dataset.target_scale is not None
    deviation = result.study.dataset.target_scale.deviation
    for name, of in result.trials.groupby("initializer"):
        expected = deviation * np.sqrt(2 * of["test_cost"].median())
        assert errors[str(name)] == pytest.approx(expected)
    assert errors["he_normal"] < 10_000 < errors["zeros"]
    (sentence,) = result.errors
    assert "in units of y, on test" in sentence
    assert "guessing the training mean" in sentence
    assert gi.compare("circles", initializers="he", iterations=5, seeds=1).errors == ()
