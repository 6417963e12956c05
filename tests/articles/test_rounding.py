"""What another order of the examples does to a training run, and the rule that judges by it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from goodinit.articles.experiments import Experiment, circles, in_span, photographs, train
from goodinit.articles.published import Run
from goodinit.articles.rounding import RERUNS, Spread, rerun, spreads

pytestmark = pytest.mark.slow

PHOTOGRAPHS = Path(__file__).parents[3] / "shared" / "data" / "cats_vs_dogs"
HE, XAVIER = Run("cats_vs_dogs", "he"), Run("cats_vs_dogs", "xavier")


@pytest.fixture(scope="module")
def cats_vs_dogs() -> Experiment:
    if not PHOTOGRAPHS.is_dir():
        pytest.skip("the shared photographs of article 004 are not here")
    return in_span(photographs(PHOTOGRAPHS))


def random_images(seed: int) -> Experiment:
    """Article 004's network on noise: 40 pixels, 12 examples, few iterations."""
    random = np.random.default_rng(seed)
    X, Y = random.random((40, 12)), random.integers(0, 2, (1, 12)).astype(float)
    return Experiment(
        {"train": (X, Y)},
        hidden="tanh",
        learning_rate=0.1,
        iterations=20,
        draw=lambda run: {
            "W1": np.random.default_rng(seed).normal(size=(5, 40)) / 10,
            "b1": np.zeros((5, 1)),
            "W2": np.random.default_rng(seed + 1).normal(size=(1, 5)),
            "b2": np.zeros((1, 1)),
        },
        accuracy=lambda X, parameters, Y: 0.0,
    )


@given(st.integers(0, 2**32))
def test_the_span_and_another_order_change_nothing_but_rounding(seed: int) -> None:
    experiment = random_images(seed)
    (plain,) = train(experiment, [HE], threads=1).values()
    (small,) = train(in_span(experiment), [HE], threads=1).values()
    names = ["cost at iteration 0", "cost at iteration 7", "cost at iteration 19"]
    for again in rerun(in_span(experiment), HE, names, reruns=2):
        for name in names:
            assert small[name] == pytest.approx(plain[name], rel=1e-11)
            assert again[name] == pytest.approx(plain[name], rel=1e-11)


def test_he_on_the_circles_keeps_twelve_digits() -> None:
    found = rerun(circles(), Run("circles", "he"), ["cost at iteration 1000"], reruns=8)
    spread = spreads(found)["cost at iteration 1000"]
    assert spread.digits >= 12
    assert spread.low == pytest.approx(0.687982591973, abs=1e-12)


def test_large_random_on_the_circles_keeps_two_digits_at_iteration_1000() -> None:
    found = rerun(circles(), Run("circles", "random"), ["cost at iteration 1000"])
    assert len(found) == RERUNS == 64
    spread = spreads(found)["cost at iteration 1000"]
    assert spread.low == pytest.approx(0.6228, abs=0.0005)
    assert spread.high == pytest.approx(0.6255, abs=0.0010)
    assert spread.digits == 2


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_orders_are_seeded_and_no_thread_changes_a_bit(threads: int) -> None:
    names = ["cost at iteration 300", "cost at iteration 20"]
    run = Run("circles", "random", unseeded=True)
    alone = rerun(circles(), run, names, reruns=3, threads=1)
    assert alone == rerun(circles(), run, names, reruns=9, threads=threads)[:3]
    assert list(alone[0]) == names


def test_rounding_alone_leaves_no_digit_of_the_photographs_costs(cats_vs_dogs: Experiment) -> None:
    for run in (HE, XAVIER):
        found = spreads(rerun(cats_vs_dogs, run, [f"cost at iteration {i}" for i in (99, 999)]))
        early, late = found["cost at iteration 99"], found["cost at iteration 999"]
        assert early.low < 0.58
        assert early.high > 0.64
        assert late.low < 0.062
        assert early.digits == late.digits == 0


def test_a_tenth_of_the_learning_rate_brings_the_digits_back(cats_vs_dogs: Experiment) -> None:
    slower = replace(cats_vs_dogs, learning_rate=0.001)
    cost = "cost at iteration 999"
    left = {run: spreads(rerun(slower, run, [cost]))[cost].digits for run in (HE, XAVIER)}
    assert left[XAVIER] >= 12
    assert 2 <= left[HE] <= 6


def test_the_digits_vanish_one_after_another(cats_vs_dogs: Experiment) -> None:
    names = [f"cost at iteration {i}" for i in (10, 30, 50, 99)]
    found = spreads(rerun(cats_vs_dogs, HE, names))
    left = [found[name].digits for name in names]
    assert left == sorted(left, reverse=True)
    assert left[0] >= 11
    assert left[-1] == 0


def false_differences(draw: Callable[[int], NDArray[np.float64]], cases: int) -> tuple[float, ...]:
    """How often one more value is outside the range of 65, and not explained by it."""
    outside = unexplained = 0
    for _ in range(cases):
        *values, one_more = draw(RERUNS + 2).tolist()
        spread = Spread(min(values), max(values))
        outside += not spread.reaches(one_more)
        unexplained += not spread.explains(one_more)
    return outside / cases, unexplained / cases


@pytest.mark.parametrize("shape", ["uniform", "normal", "exponential"])
def test_one_more_run_is_outside_in_3_percent_and_falsely_differs_in_less_than_half_a_percent(
    shape: str,
) -> None:
    random = np.random.default_rng(0)
    outside, unexplained = false_differences(
        lambda size: np.asarray(getattr(random, shape)(size=size)), cases=4000
    )
    assert outside == pytest.approx(2 / 66, abs=0.01)  # four standard errors
    assert unexplained < 0.005


def test_the_rule_rarely_errs_on_the_photographs(cats_vs_dogs: Experiment) -> None:
    name = "cost at iteration 699"
    costs = np.array([run[name] for run in rerun(cats_vs_dogs, HE, [name], reruns=512)])
    random = np.random.default_rng(0)
    outside, unexplained = false_differences(
        lambda size: random.choice(costs, size, replace=False), cases=4000
    )
    assert outside == pytest.approx(0.03, abs=0.015)
    assert unexplained < 0.005


@given(st.floats(-1e3, 1e3), st.floats(0, 1e3))
def test_the_range_is_at_most_one_unit_of_the_last_digit_that_is_left(
    low: float, width: float
) -> None:
    spread = Spread(low, low + width)
    assert 0 <= spread.digits <= 15
    if 0 < spread.digits < 15:
        size = min(abs(spread.low), abs(spread.high))
        unit = 10.0 ** (np.floor(np.log10(size)) + 1 - spread.digits)
        assert 0.1 * unit <= (spread.high - spread.low) * 1.000001
        assert spread.high - spread.low <= unit * 1.000001


def test_digits_at_the_ends() -> None:
    assert Spread(0.5, 0.5).digits == Spread(np.inf, np.inf).digits == 15
    assert Spread(0.5, np.inf).digits == 0
    assert Spread(0.1, 0.9).digits == Spread(0.63, 1.0).digits == Spread(0.0, 0.1).digits == 0
    assert Spread(0.5999, 0.6001).digits == 3
    assert str(Spread(np.inf, np.inf)) == "inf"
    assert str(Spread(0.04, 0.7)) == "0.040 to 0.70"


def test_the_runs_that_share_inputs_advance_side_by_side_as_they_do_alone() -> None:
    experiment = random_images(0)
    both = train(experiment, [HE, XAVIER], threads=2)
    assert both[HE] == train(experiment, [HE], threads=1)[HE]
