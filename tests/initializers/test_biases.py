"""How biases start: at zero, drawn, or at the base rate of the targets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import logit

import goodinit as gi
from goodinit.datasets import load
from goodinit.datasets.dataset import chance_cost
from goodinit.errors import ArgumentError
from goodinit.initializers.biases import read_biases
from goodinit.network import Network, base_rate, initialize

QUICK: dict[str, Any] = {"iterations": 3, "seeds": 2, "record": 3}


def skewed() -> tuple[np.ndarray, np.ndarray]:
    """One in ten is of the second class."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 3)), (np.arange(200) % 10 == 0).astype(int)


def test_they_are_zero_unless_asked() -> None:
    drawn = gi.compare("moons", initializers="he_normal", keep_networks=True, **QUICK)
    asked = gi.compare("moons", initializers="he_normal", bias="zeros", **QUICK)
    assert drawn.trials.equals(asked.trials)
    starts = initialize(Network((2, 10, 1)), gi.initializers.he_normal(), seed=0)
    assert all((biases == 0).all() for _, biases in starts)


@pytest.mark.parametrize(
    ("spec", "mean", "std"),
    [
        ("constant(0.01)", 0.01, 0.0),
        ("normal(std=0.5)", 0.0, 0.5),
        ("uniform(-1, 1)", 0.0, 1 / np.sqrt(3)),
        ("uniform(low=2, high=4)", 3.0, 1 / np.sqrt(3)),
    ],
)
def test_each_layer_draws_its_own_from_what_was_asked(spec: str, mean: float, std: float) -> None:
    network = Network((2, 4000, 4000, 1))
    starts = initialize(network, gi.initializers.zeros(), 3, read_biases(spec))
    first, second = starts[0][1], starts[1][1]
    for biases in (first, second):
        assert biases.shape == (4000,)
        assert biases.mean() == pytest.approx(mean, abs=4 * std / np.sqrt(4000))
        assert biases.std() == pytest.approx(std, rel=0.05)
    assert std == 0 or abs(np.corrcoef(first, second)[0, 1]) < 0.07


def test_an_initializer_keeps_its_own() -> None:
    own = gi.initializers.read("he_normal + bias(std=0.1)")
    network = Network((2, 10, 1))
    alone, beside = (
        initialize(network, own, 0, read_biases(b)) for b in ("zeros", "uniform(2, 3)")
    )
    given = initialize(network, gi.initializers.he_normal(), 0, read_biases("normal(std=0.1)"))
    for one, other, same in zip(alone, beside, given, strict=True):
        np.testing.assert_array_equal(one[1], other[1])
        np.testing.assert_array_equal(one[1], same[1])


def test_the_base_rate_is_the_best_constant_answer() -> None:
    y = np.array([0] * 6 + [1] * 3 + [2])
    np.testing.assert_allclose(base_rate(Network((2, 1)), (y > 0) * 1), logit(0.4))
    shares = base_rate(Network((2, 3), output="softmax"), y)
    np.testing.assert_allclose(shares, np.log([0.6, 0.3, 0.1]))
    np.testing.assert_allclose(base_rate(Network((2, 1), output="linear"), y), 0.5)


def test_a_class_without_examples_keeps_its_logit_finite() -> None:
    assert np.isfinite(base_rate(Network((2, 1)), np.zeros(10))).all()
    four = base_rate(Network((2, 4), output="softmax"), np.array([0, 0, 1, 2]))
    assert four[3] == pytest.approx(np.log(1 / 8))


@pytest.mark.parametrize("data", ["skewed", "wine", "breast_cancer", "regression"])
def test_with_the_prior_the_first_cost_is_that_of_guessing(data: str) -> None:
    X, y = skewed()
    given: Any = {"skewed": (X, y), "regression": (X, X @ [1.0, 2.0, 3.0] + 7)}.get(data, data)
    tiny = {"initializers": "normal(std=0.00001)", "standardize": True, **QUICK}
    result = gi.compare(given, bias="prior", **tiny)
    np.testing.assert_allclose(result.trials["initial_cost"], result.chance, rtol=1e-6)
    np.testing.assert_allclose(result.chance, chance_cost(load(given, standardize=True)))
    if data == "skewed":  # one in ten: a network that starts at even odds has all this to learn
        assert (gi.compare(given, **tiny).trials["initial_cost"] > 2 * result.chance).all()


def test_numbers_far_from_zero_begin_at_their_mean() -> None:
    X, _ = skewed()
    y = X @ [1.0, 2.0, 3.0] + 100
    first = {
        bias: gi.compare(
            (X, y), initializers="he_normal", bias=bias, standardize=False, **QUICK
        ).trials["initial_cost"]
        for bias in ("zeros", "prior")
    }
    assert (first["zeros"] > 1000).all()
    assert (first["prior"] < 50).all()


def test_it_is_kept_with_the_study_which_goes_on_with_no_other(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"initializers": "he_normal", "out": tmp_path / "study", **QUICK}
    made = gi.compare("moons", bias="uniform(-1, 1)", **asked)
    assert made.study.as_dict()["network"]["bias"] == "uniform(low=-1, high=1)"
    assert "biases uniform(low=-1, high=1)" in made.study.describe()
    with pytest.raises(ArgumentError, match=r"bias uniform\(low=-1, high=1\) and not zeros"):
        gi.compare("moons", **asked)
    more = gi.compare("moons", bias="uniform(-1, 1)", **asked | {"seeds": 3})
    again = gi.load(tmp_path / "study")
    assert again.study.as_dict() == more.study.as_dict()
    anew = gi.compare("moons", bias="uniform(-1, 1)", **asked | {"seeds": 3, "out": None})
    assert anew.trials.equals(again.trials)


@pytest.mark.parametrize(
    ("bias", "said"),
    [
        ("priors", "did you mean 'prior'"),
        ("he_normal", "takes one of zeros, constant, normal, uniform, prior"),
        ("normal", "takes normal(std)"),
        ("normal(std=-1)", "std: got -1, takes a number above 0"),
        ("normal(std=1e308)", "biases that are finite numbers"),
        ("uniform(1, -1)", "takes a finite number above low"),
        ("prior(0.1)", "takes prior()"),
        ("normal(std=__import__('os').getpid())", "takes a name with literal arguments"),
        ("", "takes a name with literal arguments"),
        (0.1, "takes one of zeros, constant, normal, uniform, prior"),
        (None, "takes one of zeros"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_line(bias: Any, said: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        gi.compare("moons", bias=bias, **QUICK)
    assert str(caught.value).startswith("bias")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_theory_speaks_of_gaussian_biases_and_is_silent_of_others() -> None:
    asked: dict[str, Any] = {"initializers": "he_normal", "hidden": (200, 200), **QUICK, "seeds": 5}
    said = gi.compare("moons", bias="normal(std=2)", **asked)
    start = said.signals[said.signals["moment"] == "start"]
    inside = start["preactivation_rms"].between(
        start["preactivation_rms_low"], start["preactivation_rms_high"]
    )
    assert inside.mean() > 0.7
    assert start["preactivation_rms_theory"].min() > 2
    for bias in ("uniform(1, 2)", "prior"):
        other = gi.compare("moons", bias=bias, **asked)
        assert other.signals["preactivation_rms_theory"].isna().all()
        assert not any("theory, he_normal: layer" in line for line in other.warnings)
