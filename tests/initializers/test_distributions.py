"""Every scheme's weights against theory: distribution, fans, structure, other frameworks' formulas.

The statistical tests draw once, from a fixed seed, so each passes or fails for good. Each would
refuse a correct scheme with probability ``ALPHA`` = 1e-3 if its seed were drawn anew. There are
about 150, so a change of the stream alone fails something in at most one of seven attempts: a whole
family at once, because schemes of one distribution draw the same standard values from a seed.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from goodinit import initializers
from goodinit.initializers import TRUNCATED_STD, Scheme, read
from goodinit.initializers.scheme import Shape, Weights

ALPHA = 1e-3
Z = stats.norm.isf(ALPHA / 2)  # two-sided: 3.29 standard errors
TALL, WIDE = (400, 100), (50, 800)  # (fan_out, fan_in), never square, so that no fan passes for one


def symmetric(bound: float) -> Any:
    return stats.uniform(-bound, 2 * bound)


def cut(std: float) -> Any:
    """Return the normal cut at two of its standard deviations, of the given one after the cut."""
    return stats.truncnorm(-2, 2, scale=std / stats.truncnorm(-2, 2).std())


def draw(scheme: str | Scheme, shape: Shape, seed: int = 0) -> Weights:
    return read(scheme)(np.random.default_rng(seed), shape)


def assert_same(weights: Weights, others: Weights) -> None:
    """Compare up to rounding, which for a uniform is relative to its bounds."""
    np.testing.assert_allclose(weights, others, rtol=1e-12, atol=1e-15 * np.abs(others).max())


# Each scheme's law as a function of its fans, from the papers.
LAWS: dict[str, Callable[[int, int], Any]] = {
    "normal(std=10)": lambda fan_out, fan_in: stats.norm(0, 10),
    "normal(std=0.01)": lambda fan_out, fan_in: stats.norm(0, 0.01),
    "uniform(low=-1, high=3)": lambda fan_out, fan_in: stats.uniform(-1, 4),
    "truncated_normal(std=2)": lambda fan_out, fan_in: stats.truncnorm(-2, 2, scale=2),
    "lecun_normal": lambda fan_out, fan_in: stats.norm(0, np.sqrt(1 / fan_in)),
    "lecun_uniform": lambda fan_out, fan_in: symmetric(np.sqrt(3 / fan_in)),
    "glorot_normal": lambda fan_out, fan_in: stats.norm(0, np.sqrt(2 / (fan_in + fan_out))),
    "glorot_uniform": lambda fan_out, fan_in: symmetric(np.sqrt(6 / (fan_in + fan_out))),
    "he_normal": lambda fan_out, fan_in: stats.norm(0, np.sqrt(2 / fan_in)),
    "he_uniform": lambda fan_out, fan_in: symmetric(np.sqrt(6 / fan_in)),
    "variance_scaling(3, fan_out, normal)": lambda fan_out, fan_in: stats.norm(
        0, np.sqrt(3 / fan_out)
    ),
    "variance_scaling(3, fan_out, uniform)": lambda fan_out, fan_in: symmetric(
        3 / np.sqrt(fan_out)
    ),
    "variance_scaling(0.5, fan_in, truncated_normal)": lambda fan_out, fan_in: cut(
        np.sqrt(0.5 / fan_in)
    ),
    "variance_scaling(2, fan_avg, truncated_normal)": lambda fan_out, fan_in: cut(
        np.sqrt(4 / (fan_in + fan_out))
    ),
}
every_law = pytest.mark.parametrize(
    ("spec", "shape"), [(spec, shape) for spec in LAWS for shape in (TALL, WIDE)]
)


@every_law
def test_the_distribution_is_the_one_that_the_papers_say(spec: str, shape: Shape) -> None:
    law = LAWS[spec](*shape)
    assert stats.kstest(draw(spec, shape, seed=shape[1]).ravel(), law.cdf).pvalue > ALPHA


@every_law
def test_the_mean_is_the_one_that_the_papers_say(spec: str, shape: Shape) -> None:
    law, weights = LAWS[spec](*shape), draw(spec, shape, seed=shape[1])
    assert abs(weights.mean() - law.mean()) < Z * law.std() / np.sqrt(weights.size)


@every_law
def test_the_standard_deviation_is_the_one_that_the_papers_say(spec: str, shape: Shape) -> None:
    law, weights = LAWS[spec](*shape), draw(spec, shape, seed=shape[1])
    error = np.sqrt((law.stats("k") + 2) / (4 * weights.size))  # relative; 0.35 % for a normal
    assert weights.std() == pytest.approx(law.std(), rel=Z * error)


@every_law
def test_the_bounds_are_kept_and_reached(spec: str, shape: Shape) -> None:
    law, weights = LAWS[spec](*shape), draw(spec, shape, seed=shape[1])
    low, high = law.support()
    assert low * (1 + 1e-15) <= weights.min()
    assert weights.max() <= high * (1 + 1e-15)
    tail = -np.log(ALPHA) / weights.size  # the largest of n lies below it with (1 - tail)ⁿ
    assert weights.min() < law.ppf(tail)
    assert weights.max() > law.isf(tail)


@pytest.mark.parametrize(("spec", "value"), [("zeros", 0), ("ones", 1), ("constant(-2.5)", -2.5)])
def test_constants_are_constant(spec: str, value: float) -> None:
    assert (draw(spec, TALL) == np.full(TALL, value)).all()


@pytest.mark.parametrize(
    ("spec", "ratio"),
    [
        ("he_normal", np.sqrt(100)),
        ("lecun_uniform", np.sqrt(100)),
        ("variance_scaling(1, fan_in, truncated_normal)", np.sqrt(100)),
        ("variance_scaling(1, fan_out, normal)", np.sqrt(1 / 100)),
        ("glorot_normal", 1),
        ("variance_scaling(1, fan_avg, uniform)", 1),
        ("normal(3)", 1),
    ],
)
def test_a_shape_is_fan_out_then_fan_in(spec: str, ratio: float) -> None:
    few_inputs, many_inputs = draw(spec, (1000, 10)), draw(spec, (10, 1000))
    assert_same(few_inputs.ravel(), ratio * many_inputs.ravel())


# PyTorch 2 (torch/nn/init.py) and JAX (jax/_src/nn/initializers.py), on paper: the bound of a
# uniform, the std of a normal, the std before the cut of a truncated normal. JAX's he_normal,
# glorot_normal and lecun_normal are truncated; ours, as PyTorch's, are not.
JAX_TRUNCATED_STD = 0.87962566103423978
FORMULAS: list[tuple[str, str, Callable[[int, int], float]]] = [
    ("torch xavier_uniform_", "glorot_uniform", lambda o, i: np.sqrt(3) * np.sqrt(2 / (i + o))),
    ("torch xavier_normal_", "glorot_normal", lambda o, i: np.sqrt(2 / (i + o))),
    (
        "torch xavier_uniform_, gain 5/3",
        f"variance_scaling({25 / 9}, fan_avg, uniform)",
        lambda o, i: np.sqrt(3) * 5 / 3 * np.sqrt(2 / (i + o)),
    ),
    ("torch kaiming_uniform_", "he_uniform", lambda o, i: np.sqrt(2) * np.sqrt(3 / i)),
    ("torch kaiming_normal_", "he_normal", lambda o, i: np.sqrt(2) / np.sqrt(i)),
    (
        "torch kaiming_normal_, fan_out",
        "variance_scaling(2, fan_out, normal)",
        lambda o, i: np.sqrt(2) / np.sqrt(o),
    ),
    (
        "torch kaiming_uniform_, a=0.2",
        f"variance_scaling({2 / (1 + 0.2**2)}, fan_in, uniform)",
        lambda o, i: np.sqrt(2 / (1 + 0.2**2)) * np.sqrt(3 / i),
    ),
    (
        "torch Linear's own, a=√5",
        f"variance_scaling({1 / 3}, fan_in, uniform)",
        lambda o, i: 1 / np.sqrt(i),
    ),
    ("jax he_uniform", "he_uniform", lambda o, i: np.sqrt(3 * 2 / i)),
    ("jax glorot_uniform", "glorot_uniform", lambda o, i: np.sqrt(3 * 1 / ((i + o) / 2))),
    ("jax lecun_uniform", "lecun_uniform", lambda o, i: np.sqrt(3 * 1 / i)),
    (
        "jax variance_scaling, normal",
        "variance_scaling(3, fan_avg, normal)",
        lambda o, i: np.sqrt(3 / ((i + o) / 2)),
    ),
    (
        "jax he_normal",
        "variance_scaling(2, fan_in, truncated_normal)",
        lambda o, i: np.sqrt(2 / i) / JAX_TRUNCATED_STD,
    ),
    (
        "jax glorot_normal",
        "variance_scaling(1, fan_avg, truncated_normal)",
        lambda o, i: np.sqrt(1 / ((i + o) / 2)) / JAX_TRUNCATED_STD,
    ),
    (
        "jax lecun_normal",
        "variance_scaling(1, fan_in, truncated_normal)",
        lambda o, i: np.sqrt(1 / i) / JAX_TRUNCATED_STD,
    ),
    ("jax truncated_normal", "truncated_normal(0.3)", lambda o, i: 0.3),
]


@pytest.mark.parametrize(("formula", "spec", "scale"), FORMULAS, ids=[row[0] for row in FORMULAS])
def test_the_scale_is_that_of_the_frameworks(
    formula: str, spec: str, scale: Callable[[int, int], float]
) -> None:
    standard = {"uniform": "uniform(-1, 1)", "truncated": "truncated_normal(1)"}
    kind = re.search("uniform|truncated", spec)
    unit = draw(standard[kind[0]] if kind else "normal(1)", TALL)
    assert_same(draw(spec, TALL), scale(*TALL) * unit)


def test_the_correction_of_the_truncated_normal_is_that_of_jax_and_scipy() -> None:
    assert pytest.approx(JAX_TRUNCATED_STD, rel=1e-15) == TRUNCATED_STD
    assert pytest.approx(stats.truncnorm(-2, 2).std(), rel=1e-12) == TRUNCATED_STD


@pytest.mark.parametrize(
    ("spec", "function", "arguments"),
    [
        ("glorot_uniform", "xavier_uniform_", {}),
        ("glorot_normal", "xavier_normal_", {}),
        ("he_uniform", "kaiming_uniform_", {"nonlinearity": "relu"}),
        ("he_normal", "kaiming_normal_", {"nonlinearity": "relu"}),
        ("variance_scaling(2, fan_out, uniform)", "kaiming_uniform_", {"mode": "fan_out"}),
        ("truncated_normal(2)", "trunc_normal_", {"std": 2.0, "a": -4.0, "b": 4.0}),
        ("normal(0.01)", "normal_", {"std": 0.01}),
        ("uniform(-1, 3)", "uniform_", {"a": -1.0, "b": 3.0}),
        ("orthogonal(2)", "orthogonal_", {"gain": 2.0}),
    ],
)
def test_pytorch_draws_from_the_same_distribution(
    spec: str, function: str, arguments: dict[str, Any]
) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch, the other side, is not installed")
    theirs = torch.empty(TALL, dtype=torch.float64)
    generator = torch.Generator().manual_seed(1)
    getattr(torch.nn.init, function)(theirs, **arguments, generator=generator)
    assert stats.ks_2samp(draw(spec, TALL).ravel(), theirs.numpy().ravel()).pvalue > ALPHA


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)), st.floats(1e-100, 1e100), st.integers(0, 99)
)
def test_orthogonal_keeps_every_singular_value_at_gain(
    shape: Shape, scale: float, seed: int
) -> None:
    weights = draw(initializers.orthogonal(scale), shape, seed) / scale
    gram = weights @ weights.T if shape[0] <= shape[1] else weights.T @ weights
    np.testing.assert_allclose(gram, np.eye(min(shape)), rtol=0, atol=1e-12)


@cache
def rotations(shape: Shape) -> NDArray[np.float64]:
    """Return 5,000 orthogonal draws."""
    return np.array([draw("orthogonal", shape, seed) for seed in range(5_000)])


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_orthogonal_is_uniform_over_the_group(n: int) -> None:
    """Moments of the Haar measure; the Q of QR alone has a trace below 0."""
    drawn = rotations((n, n))
    trace, determinant = np.trace(drawn, axis1=1, axis2=2), np.linalg.det(drawn)
    for values, mean, variance in [
        (drawn[:, 0, 0], 0, 1 / n),
        (drawn[:, -1, 0] ** 2, 1 / n, 3 / (n * (n + 2)) - 1 / n**2),
        (trace, 0, 1),
        (trace**2, 1, 2 if n > 1 else 0),
        (determinant, 0, 1),
    ]:
        error = np.sqrt(variance / len(drawn))
        assert values.mean() == pytest.approx(mean, abs=Z * error + 1e-12)


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (5, 2), (2, 5)], ids=str)
def test_orthogonal_columns_point_everywhere_alike(shape: Shape) -> None:
    """An entry of a uniform direction in n dimensions, squared, is Beta(1/2, (n - 1)/2)."""
    entries = rotations(shape)[:, -1, -1]
    law = stats.beta(0.5, (max(shape) - 1) / 2)
    assert stats.kstest(entries**2, law.cdf).pvalue > ALPHA
    assert stats.binomtest(int((entries > 0).sum()), len(entries)).pvalue > ALPHA


@given(st.tuples(st.integers(1, 9), st.integers(1, 9)), st.floats(1e-3, 1e3))
def test_identity_is_a_padded_identity(shape: Shape, scale: float) -> None:
    weights = draw(initializers.identity(scale), shape)
    size = min(shape)
    assert (weights[:size, :size] == scale * np.eye(size)).all()
    assert np.count_nonzero(weights) == size


@given(st.floats(0, 1, exclude_max=True), st.tuples(st.integers(1, 9), st.integers(1, 60)))
def test_sparse_silences_the_same_number_of_inputs_of_every_unit_and_never_all(
    sparsity: float, shape: Shape
) -> None:
    weights = draw(initializers.sparse(sparsity, 2), shape)
    silent = np.ceil(round(sparsity * shape[1], 9))
    assert ((weights == 0).sum(axis=1) == min(silent, shape[1] - 1)).all()


def test_sparse_silences_every_input_alike_and_leaves_the_others_normal() -> None:
    fan_out, fan_in, silent = 4000, 20, 15
    weights = draw("sparse(0.75, 0.3)", (fan_out, fan_in))
    assert stats.kstest(weights[weights != 0], stats.norm(0, 0.3).cdf).pvalue > ALPHA
    share = silent / fan_in
    spread = fan_out * share * (1 - share) * fan_in / (fan_in - 1)  # drawn without replacement
    misfit = (((weights == 0).sum(axis=0) - fan_out * share) ** 2).sum() / spread
    assert misfit < stats.chi2(fan_in - 1).isf(ALPHA)
