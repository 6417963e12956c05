"""A spread over seeds: the middle 90 %, alike in both tails, whether trials diverged or not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodinit.evidence.spread import SEED_RANGE, seed_range

COSTS = st.lists(st.floats(0, 1e6), min_size=1, max_size=50)


@given(COSTS)
def test_among_finite_values_it_is_the_linear_quantile(costs: list[float]) -> None:
    np.testing.assert_allclose(seed_range(costs), np.quantile(costs, SEED_RANGE), rtol=1e-12)


@given(COSTS)
def test_both_tails_are_treated_alike(costs: list[float]) -> None:
    low, high = seed_range(costs)
    np.testing.assert_allclose(seed_range(-np.array(costs)), (-high, -low), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("diverged", "expected"),
    [
        (0, (1.0, 19.0)),
        (1, (1.0, 19.0)),  # the 95th percentile of 21 seeds is the 20th of them
        (2, (1.0, np.inf)),
        (19, (1.0, np.inf)),
        (20, (np.inf, np.inf)),
        (21, (np.inf, np.inf)),
    ],
)
def test_diverged_trials_are_the_dearest(diverged: int, expected: tuple[float, float]) -> None:
    costs = np.arange(21.0)
    costs[21 - diverged :] = np.nan
    np.testing.assert_array_equal(seed_range(costs), expected)


def test_a_bound_between_a_finite_and_an_infinite_seed_is_infinite() -> None:
    np.testing.assert_allclose(seed_range([1.0, 2.0, np.inf]), (1.1, np.inf))


def test_any_axis_may_hold_the_seeds_and_there_may_be_none() -> None:
    costs = np.arange(12.0).reshape(3, 4)
    np.testing.assert_allclose(
        seed_range(costs, axis=0), [[0.4, 1.4, 2.4, 3.4], [7.6, 8.6, 9.6, 10.6]]
    )
    assert np.isnan(seed_range([])).all()
