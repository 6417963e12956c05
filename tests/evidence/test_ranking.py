"""Who is recommended: soundness first, then what is held out, then training; three states."""

import numpy as np
import pandas as pd
import pytest

import goodinit as gi
from goodinit.errors import ArgumentError
from goodinit.evidence.pairs import MARGIN, Evidence, weigh
from goodinit.evidence.ranking import recommend, standing, told_failures
from goodinit.evidence.statistics import equivalence_p, fails_more_p, share_interval

CHANCE = 2.3
SEEDS = 20


def weighed(
    results: dict[str, tuple[np.ndarray, np.ndarray]],
    by: str | None = None,
    margin: float = MARGIN,
    measure: str = "accuracy",
) -> Evidence:
    """Return the evidence of made-up final costs and test accuracies."""
    rows = [
        (name, 0.1, seed, cost, cost, accuracy)
        for name, (costs, accuracies) in results.items()
        for seed, (cost, accuracy) in enumerate(zip(costs, accuracies, strict=True))
    ]
    columns = ["initializer", "learning_rate", "seed", "train_cost", "test_cost", "test_accuracy"]
    trials = pd.DataFrame(rows, columns=columns)
    curves = trials.assign(iteration=100)
    return weigh(trials, curves, CHANCE, by=by, margin=margin, measure=measure)


def about(middle: float, spread: float, seed: int) -> np.ndarray:
    return middle + spread * np.random.default_rng(seed).standard_normal(SEEDS)


def digits() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What large weights do on digits: they fit perfectly and generalize badly."""
    return {
        "std 3": (about(4e-6, 1e-6, 0), about(0.869, 0.01, 1)),
        "he": (about(0.158, 0.01, 2), about(0.954, 0.004, 3)),
        "glorot": (about(0.197, 0.01, 4), about(0.954, 0.004, 5)),
    }


def test_what_generalizes_is_recommended_and_not_what_fits_best() -> None:
    evidence = weighed(digits())
    names = list(digits())
    assert recommend(names, evidence) == "he"
    large = standing("std 3", "he", names, evidence)
    assert large.label == "fits faster than he, generalizes worse"
    assert "86." in large.reason
    assert "95." in large.reason
    assert standing("glorot", "he", names, evidence).label == "slower than he"


def test_by_the_training_cost_the_best_fit_is_first() -> None:
    evidence = weighed(digits(), by="train_cost")
    assert recommend(list(digits()), evidence) == "std 3"
    assert standing("he", "std 3", list(digits()), evidence).label == "worse than std 3"


def test_without_a_test_part_the_training_cost_ranks() -> None:
    none = np.full(SEEDS, np.nan)
    evidence = weighed({name: (costs, none) for name, (costs, _) in digits().items()})
    assert evidence.lead == "train_cost"
    with pytest.raises(ArgumentError, match="by: got 'test_accuracy'"):
        weighed({"a": (about(1, 0.1, 0), none)}, by="test_accuracy")


def test_of_those_that_generalize_alike_the_one_that_trains_best_is_first() -> None:
    results = {
        "lecun": (about(0.10, 0.01, 0), about(0.941, 0.01, 1)),
        "he": (about(0.08, 0.01, 2), about(0.940, 0.01, 3)),
    }
    assert recommend(list(results), weighed(results)) == "he"


def test_copies_with_little_luck_are_equivalent_and_with_much_undecided() -> None:
    for spread, label in ((0.001, "equivalent to a"), (0.2, "undecided against a")):
        results = {
            "a": (about(0.5, spread, 0), about(0.9, spread, 1)),
            "b": (about(0.5, spread, 2), about(0.9, spread, 3)),
        }
        found = standing("b", "a", ["a", "b"], weighed(results))
        assert found.label == label


def test_what_is_not_told_apart_is_never_called_alike() -> None:
    # A cost three times as high, in few seeds with much luck: p above 5 % is no equality.
    a = (about(0.04, 0.02, 0)[:7], about(0.95, 0.01, 1)[:7])
    b = (a[0] + np.array([0.3, -0.05, 0.2, 0.1, -0.02, 0.25, 0.1]), a[1])
    evidence = weighed({"a": a, "b": b})
    assert not evidence.pair("train_cost", "a", "b")["told_apart"]
    found = standing("b", "a", ["a", "b"], evidence)
    assert found.label == "undecided against a"
    assert "seeds would show" in found.reason


@pytest.mark.slow
def test_a_difference_at_the_margin_is_called_equivalent_in_at_most_a_twentieth() -> None:
    rng = np.random.default_rng(0)
    studies = MARGIN + 0.01 * rng.standard_normal((2000, SEEDS))
    called = np.mean([equivalence_p(study, MARGIN) <= 0.05 for study in studies])
    assert called <= 0.06  # 2,000 studies: 5 % and two standard errors


def test_a_difference_of_nothing_is_called_equivalent_where_luck_is_small() -> None:
    rng = np.random.default_rng(1)
    studies = 0.01 * rng.standard_normal((200, SEEDS))
    assert np.mean([equivalence_p(study, MARGIN) <= 0.05 for study in studies]) > 0.99


def test_one_that_fails_in_some_seeds_is_not_as_good_as_one_that_fails_in_none() -> None:
    a = (np.full(SEEDS, 0.1), np.full(SEEDS, 0.95))
    costs, accuracies = (of.copy() for of in a)
    costs[:3], accuracies[:3] = CHANCE, 0.1
    evidence = weighed({"a": a, "b": (costs, accuracies)})
    assert recommend(["b", "a"], evidence) == "a"
    assert standing("b", "a", ["a", "b"], evidence).label == "undecided against a"
    assert "fails to learn in 3 of 20 seeds (90 % interval 6% to 32%)" in told_failures(
        "b", evidence
    )


def test_one_that_fails_in_half_of_the_seeds_fails_more_often() -> None:
    a = (np.full(SEEDS, 0.1), np.full(SEEDS, 0.95))
    costs = a[0].copy()
    costs[:6] = np.nan
    evidence = weighed({"a": a, "b": (costs, a[1])}, by="test_accuracy")
    assert evidence.fails("b").sum() == 6
    assert fails_more_p(6, 0) == pytest.approx(1 / 64)
    assert "fails" in standing("b", "a", ["a", "b"], evidence).label


def test_wilsons_interval_is_the_published_one() -> None:
    low, high = share_interval(3, 20, confidence=0.95)  # Newcombe 1998, by the same formula
    np.testing.assert_allclose((low, high), (0.0524, 0.3604), atol=1e-4)


def test_the_table_is_in_the_order_of_the_verdicts() -> None:
    result = gi.compare(
        "iris", initializers=["zeros", "normal(std=3)", "he"], iterations=1500, seeds=8
    )
    names = [verdict.initializer for verdict in result.verdicts]
    assert list(result.summary()["initializer"]) == names
    assert result.verdicts[0].label == "recommended"
    assert names[-1] == "zeros"
    assert result.summary()["fails"].iloc[-1] == 8


@pytest.mark.parametrize(
    ("wrong", "says"),
    [({"by": "accuracy"}, "by: got 'accuracy'"), ({"margin": 0.0}, "margin: got 0.0")],
)
def test_wrong_ranking_is_refused_before_any_work(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        gi.compare("circles", initializers="he", seeds=10**5, **wrong)  # type: ignore[arg-type]


def test_of_a_number_to_predict_every_sentence_says_r_squared() -> None:
    results = {
        "good": (about(0.1, 0.001, 0), about(0.9, 0.001, 1)),
        "same": (about(0.1, 0.001, 2), about(0.9, 0.001, 3)),
        "bad": (about(0.2, 0.01, 4), about(0.2, 0.01, 5)),
        "wild": (about(0.2, 0.01, 6), about(0.3, 2.0, 7)),
    }
    evidence = weighed(results, measure="R²")
    names = list(results)
    said = [standing(name, "good", names, evidence).reason for name in names]
    said += evidence.statements
    assert not any("accuracy" in sentence for sentence in said)
    assert "test R² 0.196 against 0.9" in said[2]
    assert "within 0.02 of test R²" in said[1]
    assert any("higher test R²" in sentence for sentence in said)


def test_medians_that_look_alike_are_told_in_more_digits() -> None:
    results = {
        "a": (about(0.1, 1e-7, 0), about(0.9, 0.01, 1)),
        "b": (about(0.10001, 1e-7, 2), about(0.9, 0.01, 1)),
    }
    reason = standing("b", "a", ["a", "b"], weighed(results)).reason
    assert "cost ends at 0.10001 against 0.1" in reason


def test_nobody_is_slower_whose_median_is_the_same() -> None:
    costs = np.full(SEEDS, 0.5)
    rows, curves = [], []
    for name, reached in (("a", 100), ("b", 100)):
        for seed in range(SEEDS):
            late = name == "b" and seed < 8  # told apart: no seed of b is ever earlier
            rows.append((name, 0.1, seed, costs[seed], costs[seed], 0.9))
            curves += [
                (name, 0.1, seed, at, 1.2 if at < reached + 50 * late else 0.5)
                for at in (0, 100, 150)
            ]
    columns = ["initializer", "learning_rate", "seed", "train_cost", "test_cost", "test_accuracy"]
    evidence = weigh(
        pd.DataFrame(rows, columns=columns),
        pd.DataFrame(curves, columns=[*columns[:3], "iteration", "train_cost"]),
        chance=2.0,
    )
    assert evidence.beats("iterations_to_half_chance", "a", "b")
    assert standing("b", "a", ["a", "b"], evidence).label == "equivalent to a"


def test_who_is_slower_is_told_how_it_stands_in_what_ranks_where_that_is_open() -> None:
    results = {
        "a": (about(0.08, 0.01, 0), about(0.94, 0.04, 1)),
        "b": (about(0.20, 0.01, 2), about(0.93, 0.05, 3)),
        "c": (about(0.20, 0.01, 4), about(0.94, 0.001, 5)),
    }
    evidence = weighed({**results, "a": (results["a"][0], about(0.94, 0.001, 1))})
    assert standing("c", "a", list("abc"), evidence).reason.endswith("probability 0%")
    open_ = standing("b", "a", list("abc"), evidence)
    assert open_.label == "slower than a"
    assert "; test accuracy 9" in open_.reason
    assert open_.reason.endswith("undecided")


def test_no_difference_at_all_is_not_told_as_one_that_would_be_seen() -> None:
    results = {name: (about(0.1, 0.001, i), np.ones(SEEDS)) for i, name in enumerate("abc")}
    said = weighed(results).statements
    assert "No two initializers can be told apart by their test accuracy on 20 seeds." in said
    assert "Equivalent in test accuracy on 20 seeds: a and b; a and c; b and c." in said


def test_by_speed_one_takes_fewer_iterations_and_equal_margins_are_told_once() -> None:
    rows, curves = [], []
    for name, reached in (("a", 100), ("b", 200)):
        for seed in range(SEEDS):
            rows.append((name, 0.1, seed, 0.5, 0.5, 0.9))
            curves += [
                (name, 0.1, seed, at, 1.2 if at < reached + seed else 0.5)
                for at in range(0, 300, 5)
            ]
    columns = ["initializer", "learning_rate", "seed", "train_cost", "test_cost", "test_accuracy"]
    trials = pd.DataFrame(rows, columns=columns)
    table = pd.DataFrame(curves, columns=[*columns[:3], "iteration", "train_cost"])
    said = weigh(trials, table, 2.0, by="speed").statements
    assert "a takes fewer iterations to half the cost of guessing than b." in said
    by_cost = weigh(trials, trials.assign(iteration=1), 2.0, by="test_cost")
    reason = standing("b", "a", ["a", "b"], by_cost).reason
    assert reason.count("of the cost of guessing") == 1


def test_of_those_not_told_apart_the_better_one_is_first_and_not_the_one_that_fits_best() -> None:
    results = {
        "fits": (about(1e-9, 1e-10, 0), about(0.92, 0.05, 1)),
        "holds": (about(0.10, 0.01, 2), about(0.945, 0.03, 3)),
    }
    evidence = weighed(results)
    assert not evidence.beats("test_accuracy", "holds", "fits")
    assert not evidence.pair("test_accuracy", "holds", "fits")["equivalent"]
    assert recommend(list(results), evidence) == "holds"
