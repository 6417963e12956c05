"""Evidence: what seeds can and cannot say, against SciPy, by hand, and on draws that are known."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

import goodinit as gi
from goodinit.evidence import pairs as evidence
from goodinit.evidence import statistics

FINITE = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))


def frames(costs: dict[str, list[float]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return trials and curves of made-up final costs; accuracy follows the cost."""
    trials = pd.DataFrame(
        [
            (name, 0.1, seed, cost, cost, -cost)
            for name, of in costs.items()
            for seed, cost in enumerate(of)
        ],
        columns=[
            "initializer",
            "learning_rate",
            "seed",
            "train_cost",
            "test_cost",
            "test_accuracy",
        ],
    )
    curves = trials.assign(iteration=100)
    return trials, curves


def luck(seed: int, n: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n)


@given(arrays(float, st.integers(6, 25), elements=FINITE, unique=True))
def test_the_p_value_is_that_of_scipy(differences: np.ndarray) -> None:
    if np.unique(np.abs(differences)).size == differences.size and differences.all():
        expected = stats.wilcoxon(differences).pvalue
        assert statistics.signed_rank_p(differences) == pytest.approx(expected, rel=1e-12)


def test_differences_of_nothing_but_zeros_are_no_evidence() -> None:
    assert statistics.signed_rank_p(np.zeros(20)) == 1.0


@pytest.mark.parametrize("initializers", range(2, 9))
def test_as_many_seeds_as_needed_can_tell_apart_and_one_fewer_cannot(initializers: int) -> None:
    pairs = initializers * (initializers - 1) // 2
    fewest = statistics.fewest_seeds(initializers)
    unanimous = [
        pairs * statistics.signed_rank_p(np.arange(1.0, n + 1)) for n in (fewest - 1, fewest)
    ]
    assert unanimous[0] > statistics.LEVEL >= unanimous[1]


def test_five_seeds_can_never_reject_and_six_can() -> None:
    assert statistics.signed_rank_p(np.arange(1.0, 6.0)) > statistics.LEVEL
    assert statistics.signed_rank_p(np.arange(1.0, 7.0)) < statistics.LEVEL


def test_failures_on_either_side_have_a_median_of_no_difference() -> None:
    differences = np.array([np.inf, -np.inf] * 4)
    assert statistics.interval(differences) == (-np.inf, np.inf)
    trials, curves = frames({"a": [1.0, np.inf] * 4, "b": [np.inf, 1.0] * 4})
    row = evidence.weigh(trials, curves, chance=4.0).pair("train_cost", "a", "b")
    assert row["difference"] == 0
    assert not row["told_apart"]


def test_infinite_costs_count_as_the_worst_rank_and_equal_failures_as_equal() -> None:
    a, b = np.array([1.0, 2, 3, 4, 5, 6, 7]), np.array([np.inf] * 7)
    assert statistics.signed_rank_p(statistics.paired_differences(a, b)) == pytest.approx(2 / 2**7)
    assert not statistics.paired_differences(b, b).any()
    assert statistics.probability_of_less(a, b) == 1.0


@given(arrays(float, st.integers(1, 30), elements=st.floats(0, 1)))
def test_holm_is_never_below_the_p_value_nor_above_bonferroni(p_values: np.ndarray) -> None:
    corrected = statistics.holm(p_values)
    assert (corrected >= p_values).all()
    assert (corrected <= np.minimum(1, len(p_values) * p_values) + 1e-15).all()
    order = np.argsort(p_values)
    assert (np.diff(corrected[order]) >= 0).all()


@given(
    arrays(float, st.integers(1, 12), elements=FINITE),
    arrays(float, st.integers(1, 12), elements=FINITE),
)
def test_the_probability_that_a_beats_b_is_the_mann_whitney_share(
    a: np.ndarray, b: np.ndarray
) -> None:
    share = stats.mannwhitneyu(b, a).statistic / (len(a) * len(b))
    assert statistics.probability_of_less(a, b) == pytest.approx(share, abs=1e-12)
    assert statistics.probability_of_less(b, a) == pytest.approx(1 - share, abs=1e-12)


def test_intervals_hold_the_median_in_about_nine_of_ten_studies() -> None:
    # 400 studies of 20 normal differences around 0.3; three standard errors are 4.5 %.
    held = 0
    for seed in range(400):
        low, high = statistics.interval(luck(seed) + 0.3)
        held += low <= 0.3 <= high
    assert held / 400 == pytest.approx(0.9, abs=0.045)


def test_the_detectable_difference_is_found_in_about_eight_of_ten_new_studies() -> None:
    # A paired t test on 20 normal differences finds (1.96 + 0.84)/√20 = 0.63; ranks lose little.
    shifts = [statistics.detectable_difference(luck(seed)) for seed in range(100)]
    assert np.median(shifts) == pytest.approx(0.66, abs=0.08)
    found = [statistics.signed_rank_p(luck(1000 + i) + s) <= 0.05 for i, s in enumerate(shifts)]
    assert np.mean(found) == pytest.approx(0.8, abs=0.13)


def test_four_times_the_seeds_show_half_the_difference() -> None:
    differences = luck(3, 20) + 0.2
    needed = statistics.seeds_needed(differences)
    assert needed is not None
    ratio = statistics.detectable_difference(differences) / abs(np.median(differences))
    assert needed == max(6, int(np.ceil(20 * ratio**2)))
    assert statistics.seeds_needed(np.zeros(20)) is None


def test_what_differs_clearly_is_told_apart_and_what_does_not_is_not() -> None:
    base = 1 + 0.1 * luck(0)
    weighed = evidence.weigh(
        *frames(
            {
                "low": list(base),
                "same": list(1 + 0.1 * luck(1)),
                "high": list(base + 1),
            }
        ),
        chance=4.0,
    )
    assert weighed.pair("train_cost", "low", "high")["told_apart"]
    assert weighed.pair("train_cost", "high", "same")["told_apart"]
    assert not weighed.pair("train_cost", "low", "same")["told_apart"]
    row = weighed.pair("train_cost", "low", "high")
    assert row["difference"] == pytest.approx(-1)
    assert row["a_beats_b"] == 1.0
    assert weighed.friedman["train_cost"] < 1e-6
    alike = "Equivalent in training cost on 20 seeds: low and same"
    assert any(alike in said for said in weighed.statements)


def test_holm_is_over_all_pairs_of_an_outcome() -> None:
    costs = {name: list(luck(i)) for i, name in enumerate("abcd")}
    pairs = evidence.weigh(*frames(costs), chance=1.0).pairs.query("outcome == 'train_cost'")
    assert len(pairs) == len(list(combinations("abcd", 2)))
    np.testing.assert_allclose(pairs["p_holm"], statistics.holm(pairs["p_value"].to_numpy()))


def test_where_nothing_is_told_apart_it_says_what_would_have_been() -> None:
    weighed = evidence.weigh(
        *frames({"a": list(1 + 0.1 * luck(0)), "b": list(1 + 0.1 * luck(1))}), chance=4.0
    )
    said = next(said for said in weighed.statements if said.startswith("No two initializers"))
    assert "can be told apart" in said
    assert "three of four studies" in said


@pytest.mark.parametrize("seeds", [1, 2, 5])
def test_fewer_than_six_seeds_are_an_illustration_not_evidence(seeds: int) -> None:
    weighed = evidence.weigh(
        *frames({"a": [1.0 + i / 10 for i in range(seeds)], "b": [9.0 + i for i in range(seeds)]}),
        chance=4.0,
    )
    (said,) = weighed.statements
    assert said.startswith(f"{seeds} seed")
    assert "illustration, not evidence" in said
    assert not weighed.pairs["told_apart"].any()


def test_each_initializer_is_compared_at_its_own_best_learning_rate() -> None:
    result = gi.compare(
        "circles",
        initializers=["he", "normal(std=10)"],
        iterations=400,
        seeds=6,
        learning_rate=[0.001, 0.1, 1e6],
    )
    costs = result.trials.fillna({"train_cost": np.inf})
    medians = costs.groupby(["initializer", "learning_rate"])["train_cost"].median().unstack()
    assert result.evidence.rates == medians.idxmin(axis=1).to_dict()
    summary = result.summary()
    assert len(summary) == 2
    assert dict(zip(summary["initializer"], summary["learning_rate"], strict=True)) == (
        result.evidence.rates
    )


def test_speed_is_the_first_recorded_iteration_below_half_of_chance() -> None:
    result = gi.compare("circles", initializers=["he", "zeros"], iterations=9000, seeds=6)
    half = result.chance / 2
    for row in result.evidence.outcomes.to_dict("records"):
        curve = result.curves.query(
            f"initializer == '{row['initializer']}' and seed == {row['seed']}"
        )
        below = curve.loc[curve["train_cost"] <= half, "iteration"]
        expected = below.min() if len(below) else np.inf
        assert row["iterations_to_half_chance"] == expected


def test_two_copies_of_one_scheme_are_not_told_apart() -> None:
    def copy_of_he(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        rng.standard_normal(shape)
        return gi.initializers.he_normal()(rng, shape)

    result = gi.compare("circles", initializers=["he", copy_of_he], iterations=2000, seeds=20)
    assert not result.evidence.pairs["told_apart"].any()


VALUES = st.floats(-1e6, 1e6) | st.sampled_from([np.inf, -np.inf, np.nan])


@given(arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=VALUES))
def test_the_median_of_differences_is_numpys_and_0_where_that_is_no_number(d: np.ndarray) -> None:
    with np.errstate(invalid="ignore"):
        expected = np.nan_to_num(np.median(d, axis=-1), posinf=np.inf, neginf=-np.inf)
    np.testing.assert_array_equal(statistics.median_difference(d), expected)


def test_an_interval_is_of_the_same_resamples_however_many_are_drawn_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = statistics.interval(luck(0))
    monkeypatch.setattr(statistics, "_DRAWN_AT_ONCE", 20 * 300)
    assert statistics.interval(luck(0)) == whole
