"""Evidence over splits: the split is counted, its seeds averaged, and overlap corrected for."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, ttest_1samp, wilcoxon

import goodinit as gi
from goodinit.evidence.pairs import weigh
from goodinit.evidence.splits import Counting
from goodinit.evidence.statistics import (
    Values,
    corrected_t_p,
    fewest_seeds,
    probability_of_less,
    signed_rank_p,
)


def frame(accuracies: dict[str, Values]) -> pd.DataFrame:
    """Return the trials of initializers that differ in test accuracy alone, or nearly so."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "initializer": name,
                    "learning_rate": 0.1,
                    "seed": np.arange(len(of)),
                    "train_cost": 1 - of,
                    "test_cost": 1 - of,
                    "test_accuracy": of,
                }
            )
            for name, of in accuracies.items()
        ],
        ignore_index=True,
    )


def test_seeds_are_averaged_within_their_split() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.uniform(0.5, 0.9, 40), rng.uniform(0.5, 0.9, 40)
    trials = frame({"a": a, "b": b})
    row = weigh(trials, trials.assign(iteration=1), 1.0, counting=Counting(10)).pair(
        "test_accuracy", "a", "b"
    )
    means = [of.reshape(4, 10).mean(axis=0) for of in (a, b)]  # seed s is of split s mod 10
    assert row["difference"] == pytest.approx(np.median(means[0] - means[1]))
    assert row["p_value"] == pytest.approx(signed_rank_p(means[0] - means[1]))
    within = [probability_of_less(a[k::10], b[k::10]) for k in range(10)]
    assert row["a_beats_b"] == pytest.approx(1 - np.mean(within))


def test_many_seeds_on_few_splits_rank_nothing() -> None:
    trials = frame({"a": np.linspace(0.8, 0.9, 60), "b": np.linspace(0.5, 0.6, 60)})
    found = weigh(trials, trials.assign(iteration=1), 1.0, counting=Counting(5))
    assert found.size == 5 < fewest_seeds(2)
    assert not found.pairs["told_apart"].any()
    assert found.statements == (
        "5 splits are an illustration, not evidence: to tell any two of 2 initializers apart takes "
        "at least 6.",
    )


def test_a_cost_is_averaged_by_its_median_and_an_r2_too() -> None:
    a, b = np.full(30, 0.8), np.full(30, 0.7)
    a[:10] = 0.2  # one of the three seeds of each split
    trials = frame({"a": a, "b": b})
    for measure, differs in (("accuracy", -0.1), ("R²", 0.1)):
        found = weigh(
            trials, trials.assign(iteration=1), 1.0, measure=measure, counting=Counting(10)
        )
        assert found.pair("test_accuracy", "a", "b")["difference"] == pytest.approx(differs)
        assert found.pair("train_cost", "a", "b")["difference"] == pytest.approx(-0.1)
        assert found.counted("test_accuracy", "a") == pytest.approx(np.full(10, 0.7 + differs))


def test_one_seed_that_fails_is_not_a_split_that_fails() -> None:
    a = np.full(30, 0.8)
    a[0] = 0.1
    counted = Counting(10).rows(pd.DataFrame({"a": 1 / a}), "median")["a"]
    assert counted.max() == pytest.approx(1 / 0.8)  # a cost's median
    counted = Counting(10).rows(pd.DataFrame({"a": a}), "mean")["a"]
    assert counted.min() == pytest.approx((0.1 + 0.8 + 0.8) / 3)  # an accuracy's mean


def test_the_corrected_test_is_that_of_nadeau_and_bengio() -> None:
    # By hand: mean 0.35, deviation 0.18708, √(1/6 + 1/3) = 0.70711: t = 2.6458 with 5 degrees.
    d = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert corrected_t_p(d, 0.25) == pytest.approx(0.0456, abs=1e-4)
    assert corrected_t_p(d, 0.25, "greater") == pytest.approx(0.0228, abs=1e-4)
    assert corrected_t_p(-d, 0.25, "less") == pytest.approx(0.0228, abs=1e-4)
    assert corrected_t_p(d, 0.25, "less") == pytest.approx(0.9772, abs=1e-4)
    assert corrected_t_p(d, 0.0) == pytest.approx(ttest_1samp(d, 0).pvalue)
    for value, p in ((np.inf, 0.0), (-np.inf, 0.0), (0.0, 1.0)):
        assert corrected_t_p(np.full(6, value), 0.25) == p


@given(
    st.lists(st.integers(-4, 4), min_size=2, max_size=7),
    st.sampled_from(["two-sided", "greater", "less"]),
)
def test_ties_and_zeros_are_counted_as_scipy_counts_them(values: list[int], tail: str) -> None:
    d = np.array(values, dtype=float)
    ranks = np.sign(d) * rankdata(np.abs(d))
    with warnings.catch_warnings(action="ignore"):
        expected = 1.0 if not d.any() else wilcoxon(ranks, zero_method="zsplit", alternative=tail)
    assert signed_rank_p(d, tail) == pytest.approx(getattr(expected, "pvalue", expected))


def test_splits_share_more_of_what_they_train_on_than_of_what_they_test_on() -> None:
    assert Counting(10, 0.25).shared("test_accuracy") == 0.25
    assert Counting(10, 0.25).shared("train_cost") == 0.75
    assert Counting(10, 0.25).shared("iterations_to_half_chance") == 0.75


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=12), st.floats(0.01, 0.99))
def test_overlap_never_makes_evidence_stronger(values: list[float], share: float) -> None:
    d = np.array(values)
    plain, corrected = Counting(len(values)), Counting(len(values), share)
    for outcome in ("train_cost", "test_accuracy"):
        assert corrected.test(d, outcome) >= plain.test(d, outcome)
        assert corrected.equivalence(d, 0.1, outcome) >= plain.equivalence(d, 0.1, outcome)


@pytest.mark.parametrize(("outcome", "common"), [("test_cost", 0.3), ("train_cost", 2.0)])
def test_splits_of_the_same_examples_fool_the_plain_tests(outcome: str, common: float) -> None:
    # What a set of examples favours is the same on all its splits, and looks like evidence; other
    # data favour something else. How much that is of the variance of splits, as measured.
    rng = np.random.default_rng(1)
    studies = np.sqrt(common) * rng.standard_normal((200, 1)) + rng.standard_normal((200, 20))
    plain, corrected = Counting(20), Counting(20, 0.25)
    assert np.mean([plain.test(of, outcome) <= 0.05 for of in studies]) > 0.3
    assert np.mean([corrected.test(of, outcome) <= 0.05 for of in studies]) < 0.075
    at_margin = studies + 9.0
    assert np.mean([plain.equivalence(of, 9.0, outcome) <= 0.05 for of in at_margin]) > 0.2
    assert np.mean([corrected.equivalence(of, 9.0, outcome) <= 0.05 for of in at_margin]) < 0.075


def test_it_is_said_of_what_a_study_speaks() -> None:
    few = {"initializers": ["zeros", "he"], "iterations": 10, "record": 2}
    one = gi.compare("iris", seeds=6, **few)  # type: ignore[arg-type]
    assert "All seeds share one split" in one.warnings[-1]
    several = gi.compare("iris", seeds=12, splits=6, **few)  # type: ignore[arg-type]
    assert "over 6 splits of the same examples, with 2 seeds on each," in several.warnings[-1]
    drawn = gi.compare("moons", seeds=6, splits=6, **few)  # type: ignore[arg-type]
    assert "over 6 draws of the data and speaks of such data" in drawn.warnings[-1]
    unheld = gi.compare("iris", seeds=6, test_fraction=0, **few)  # type: ignore[arg-type]
    assert not any("split" in said for said in unheld.warnings)
    assert any("6 splits" in said for said in several.evidence.statements)
