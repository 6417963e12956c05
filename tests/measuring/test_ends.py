"""Where trials end, and what is typical of one that goes up and down."""

import numpy as np
import pytest

import goodinit as gi
from goodinit.measuring.ends import rises


def test_a_cost_that_falls_has_no_rise_and_a_last_jump_counts_whole() -> None:
    costs = np.array([[4.0, 3.0, 2.0, 1.0], [4.0, 1.0, 2.0, 0.5], [1.0, 1.0, 1.0, 9.0]])
    np.testing.assert_allclose(rises(costs), [0, 1, 8])


def test_a_cost_that_goes_up_and_down_counts_by_the_median_of_its_last_tenth() -> None:
    result = gi.compare(
        "digits",
        initializers=["he_normal", "lecun_normal"],
        hidden=(20, 10),
        batch_size=8,
        learning_rate=0.7,
        iterations=300,
        seeds=6,
    )
    curves = result.curves.pivot(
        index=["initializer", "seed"], columns="iteration", values="train_cost"
    ).to_numpy()
    window = curves[:, -10:]
    swings = rises(window) > 0.05 * result.chance
    assert swings.any()
    typical = np.where(swings, np.median(window, axis=1), curves[:, -1])
    judged = result.evidence.outcomes.sort_values(["initializer", "seed"])["train_cost"]
    np.testing.assert_allclose(judged, typical)
    said = [warning for warning in result.warnings if "goes up and down" in warning]
    assert "their median over the last 10%" in said[0]


def test_a_steady_curve_counts_by_its_last_value() -> None:
    result = gi.compare("circles", initializers="he", iterations=500, seeds=3, learning_rate=0.1)
    assert result.evidence.outcomes["train_cost"].to_numpy() == pytest.approx(
        result.trials["train_cost"].to_numpy()
    )
    assert not any("goes up and down" in warning for warning in result.warnings)
