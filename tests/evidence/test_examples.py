"""What is said of the training examples themselves."""

import numpy as np
import pytest

import goodinit as gi
from goodinit.datasets import Dataset, load
from goodinit.evidence.examples import look_at, warnings


def of(X: np.ndarray, y: np.ndarray, classes: tuple[str, ...] | None = ("a", "b")) -> Dataset:
    return Dataset("made", X, y, X[:0], y[:0], classes)


@pytest.mark.parametrize("name", ["circles", "moons", "blobs", "iris", "digits", "breast_cancer"])
def test_the_named_data_have_nothing_against_them(name: str) -> None:
    data = load(name)
    found = look_at(data)
    assert 1 / 3 < found.input_rms < 3
    assert found.scales < 10
    assert warnings(found, len(data.X_train)) == ()


def test_the_floor_of_contradicting_labels_is_the_entropy_within_equal_inputs() -> None:
    # Four equal inputs, one of them with the other label, and four that agree.
    X, y = np.repeat([[0.0], [1.0]], 4, axis=0), np.array([0, 0, 0, 1, 1, 1, 1, 1])
    found = look_at(of(X, y))
    assert found.contradicted == 4
    assert found.floor == pytest.approx(-0.5 * (0.25 * np.log(0.25) + 0.75 * np.log(0.75)))


def test_the_floor_of_contradicting_numbers_is_half_their_variance() -> None:
    found = look_at(of(np.ones((2, 1)), np.array([1.0, 3.0]), None))
    assert (found.floor, found.contradicted) == (0.5, 2)
    assert found.target_rms == pytest.approx(5**0.5)


def test_zeros_of_both_signs_are_equal_inputs() -> None:
    found = look_at(of(np.array([[0.0, 1.0], [-0.0, 1.0]]), np.array([0, 1])))
    assert found.contradicted == 2


def test_a_constant_and_a_repeated_feature_are_named_by_their_place() -> None:
    X = np.random.default_rng(0).normal(size=(20, 4))
    X[:, 1], X[:, 3] = 7.0, X[:, 0]
    found = look_at(of(X, np.arange(20) % 2))
    assert (found.constant, found.repeated) == ((2,), ((4, 1),))
    said = " ".join(warnings(found, 20))
    assert "Feature 2 has the same value" in said
    assert "feature 4 repeats 1." in said


def test_a_feature_of_nothing_but_zeros_is_no_bias() -> None:
    X = np.column_stack([np.arange(4.0), np.zeros(4)])
    assert look_at(of(X, np.array([0, 1, 0, 1]))).constant == ()


def test_no_network_that_learns_is_scolded_for_its_data() -> None:
    data = load("breast_cancer")
    far = Dataset("far", 60 * data.X_train, data.y_train, data.X_test, data.y_test, data.classes)
    assert look_at(far).input_rms == pytest.approx(60)
    for initializer, label in (("zeros", "recommended"), ("normal(std=10)", "data not scaled")):
        (verdict,) = gi.compare(
            far, initializers=initializer, hidden=(), learning_rate=1e-4, iterations=100, seeds=8
        ).verdicts
        assert verdict.label == label, verdict.reason
