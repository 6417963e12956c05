"""Ranks and the tests that count in them are those of ``scipy.stats``, which isn't imported."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from goodinit.evidence.ranks import friedman_p, ranks
from goodinit.evidence.statistics import fails_more_p, share_interval, signed_rank_p

VALUES = st.one_of(st.integers(-4, 4).map(float), st.floats(-1, 1), st.just(np.inf))


@given(arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=VALUES))
def test_equal_values_share_their_ranks(values: np.ndarray) -> None:
    np.testing.assert_array_equal(ranks(values), stats.rankdata(values, axis=1))


@given(
    arrays(float, st.integers(14, 70), elements=VALUES),
    st.booleans(),
    st.sampled_from(["two-sided", "greater", "less"]),
)
def test_many_differences_are_judged_as_by_scipy(
    differences: np.ndarray, untied: bool, tail: str
) -> None:
    if untied:
        differences = np.copysign(np.arange(1.0, len(differences) + 1), differences)
    signed = np.sign(differences) * stats.rankdata(np.abs(differences))
    with warnings.catch_warnings(action="ignore"):
        theirs = stats.wilcoxon(signed, zero_method="zsplit", alternative=tail)
    expected = float(theirs.pvalue) if differences.any() else 1.0
    assert signed_rank_p(differences, tail) == pytest.approx(expected, rel=1e-12)


@given(arrays(float, st.tuples(st.integers(2, 9), st.integers(3, 6)), elements=VALUES))
def test_columns_differ_as_by_friedman(values: np.ndarray) -> None:
    if (np.ptp(stats.rankdata(values, axis=1), axis=1) > 0).any():
        expected = stats.friedmanchisquare(*values.T).pvalue
        assert friedman_p(values) == pytest.approx(expected, rel=1e-9)


@given(st.integers(0, 60), st.integers(0, 60))
def test_shares_and_failures_are_judged_as_by_scipy(some: int, others: int) -> None:
    if some + others:
        theirs = stats.binomtest(some, some + others, alternative="greater")
        assert fails_more_p(some, others) == pytest.approx(theirs.pvalue, rel=1e-12)
        bounds = stats.binomtest(some, some + others).proportion_ci(0.9, method="wilson")
        assert share_interval(some, some + others) == pytest.approx(tuple(bounds), rel=1e-9)
    assert fails_more_p(0, 0) == 1.0


@pytest.mark.parametrize("seeds", [6, 40])
def test_a_difference_that_is_no_number_leaves_no_p_value(seeds: int) -> None:
    assert np.isnan(signed_rank_p(np.r_[np.nan, np.arange(1.0, seeds)]))


def test_of_nothing_counted_every_share_is_possible() -> None:
    assert share_interval(0, 0) == (0.0, 1.0)
