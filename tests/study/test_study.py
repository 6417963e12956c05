"""The grid of trials: what it holds, in which order, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodinit.datasets import Dataset, blobs, circles
from goodinit.errors import ArgumentError
from goodinit.study.asked import ARTICLES
from goodinit.study.grid import Study, Training, plan

REGRESSION = (np.arange(30.0).reshape(10, 3), np.linspace(0, 1, 10))


def study(dataset: Dataset | None = None, **changed: object) -> Study:
    asked: dict[str, object] = {
        "initializers": "articles",
        "hidden": (10, 5),
        "activation": "relu",
        "learning_rate": 0.01,
        "seeds": 2,
        "training": Training(),
    }
    return plan(dataset or circles(), **(asked | changed))  # type: ignore[arg-type]  # wrong types are what is tested


def test_the_default_is_the_articles_network_on_their_data() -> None:
    assert str(study().network) == "2-10-5-1, relu, sigmoid"
    assert tuple(scheme.name for scheme in study().schemes) == ARTICLES


def test_the_output_follows_the_task() -> None:
    from goodinit.datasets import load

    assert study(blobs()).network.layers[-1] == 3
    assert study(blobs()).network.output == "softmax"
    assert study(load(REGRESSION)).network.output == "linear"


def test_trials_come_seed_by_seed_so_that_a_cut_leaves_whole_pairs() -> None:
    trials = study(initializers=["zeros", "he"], learning_rate=[0.1, 0.01], seeds=[7, 3]).trials
    assert [trial.seed for trial in trials] == [7] * 4 + [3] * 4
    assert len(set(trials)) == 8


def test_seeds_are_a_number_or_the_seeds_themselves() -> None:
    assert study(seeds=3).seeds == (0, 1, 2)
    assert study(seeds=[5, 9]).seeds == (5, 9)


@given(st.integers(1, 10**6), st.integers(1, 300))
def test_recorded_moments_run_from_the_first_iteration_to_the_last(
    iterations: int, record: int
) -> None:
    moments = Training(iterations=iterations, record=record).moments
    assert moments[0] == 0
    assert moments[-1] == iterations
    assert len(moments) == min(record, iterations) + 1
    assert np.ptp(np.diff(moments)) <= 1


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"initializers": []}, "initializers: got [], takes at least one"),
        ({"initializers": ["he", "kaiming_normal"]}, "initializers: got 'he_normal twice'"),
        ({"initializers": "he_nrmal"}, "did you mean 'he_normal'?"),
        ({"initializers": [3]}, "initializer: got 3"),
        ({"hidden": [10, 0]}, "hidden: got 0, takes whole numbers from 1"),
        ({"hidden": [2.5]}, "hidden: got 2.5"),
        ({"hidden": "10"}, "hidden: got '10'"),
        ({"activation": "rleu"}, "did you mean 'relu'?"),
        ({"learning_rate": 0}, "learning_rate: got 0, takes a number above 0"),
        ({"learning_rate": [0.1, -1]}, "learning_rate: got -1"),
        ({"learning_rate": float("nan")}, "learning_rate: got nan"),
        ({"learning_rate": float("inf")}, "learning_rate: got inf"),
        ({"learning_rate": [0.1, 0.1]}, "learning_rate: got '0.1 twice'"),
        ({"learning_rate": []}, "learning_rate: got []"),
        ({"learning_rate": "fast"}, "learning_rate: got 'fast'"),
        ({"seeds": 0}, "seeds: got 0, takes whole numbers from 1"),
        ({"seeds": [1, 1]}, "seeds: got '1 twice'"),
        ({"seeds": [-1]}, "seeds: got -1, takes whole numbers from 0"),
        ({"seeds": []}, "seeds: got []"),
        ({"seeds": 2.0}, "seeds: got 2.0"),
        ({"seeds": True}, "seeds: got True"),
    ],
)
def test_a_wrong_argument_is_one_line_that_names_it(changed: dict[str, object], says: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        study(**changed)  # type: ignore[arg-type]  # wrong types are what is tested
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wrong", [0, -5, 1.5, "many", None])
def test_training_takes_whole_positive_numbers(wrong: object) -> None:
    with pytest.raises(ArgumentError, match="iterations: got"):
        Training(iterations=wrong)  # type: ignore[arg-type]  # wrong types are what is tested
    with pytest.raises(ArgumentError, match="record: got"):
        Training(record=wrong)  # type: ignore[arg-type]  # wrong types are what is tested
