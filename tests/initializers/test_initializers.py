"""Schemes as they are asked for: pairing by seed, names and specs, descriptions, refusals."""

import re
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodinit import initializers
from goodinit.errors import ArgumentError
from goodinit.initializers import ALIASES, PEERS, SCHEMES, Scheme, describe, draw_weights, read
from goodinit.initializers.scheme import Shape, Weights

FAMILIES = {
    "normal": ["normal(1)", "normal(10)", "lecun_normal", "glorot_normal", "he_normal"],
    "uniform": [
        "uniform(-1, 1)",
        "uniform(-9, 9)",
        "lecun_uniform",
        "glorot_uniform",
        "he_uniform",
    ],
    "truncated": [
        "truncated_normal(1)",
        "truncated_normal(10)",
        "variance_scaling(2, fan_in, truncated_normal)",
    ],
}
RANDOM = [*(spec for family in FAMILIES.values() for spec in family), "orthogonal", "sparse(0.5)"]

networks = st.lists(st.integers(1, 8), min_size=2, max_size=4).map(tuple)
seeds = st.integers(0, 2**32 - 2)


def draw(scheme: Any, shape: Shape = (6, 4), seed: int = 0) -> Weights:
    return read(scheme)(np.random.default_rng(seed), shape)


def refusal(call: Callable[[], object]) -> str:
    """Return the one line that a call is refused with."""
    with pytest.raises(ArgumentError) as caught:
        call()
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    return message


@pytest.mark.parametrize("family", FAMILIES)
@given(layers=networks, seed=seeds)
def test_one_seed_gives_every_scheme_of_a_distribution_the_same_standard_values(
    family: str, layers: tuple[int, ...], seed: int
) -> None:
    drawn = [draw_weights(read(spec), layers, seed) for spec in FAMILIES[family]]
    for first, *others in zip(*drawn, strict=True):
        for other in others:
            ratio = np.abs(other).max() / np.abs(first).max()
            np.testing.assert_allclose(other / ratio, first, atol=1e-14 * np.abs(first).max())


@given(seeds)
def test_sparse_is_the_normal_draw_with_holes(seed: int) -> None:
    dense, holed = draw("normal(0.01)", (5, 40), seed), draw("sparse(0.9)", (5, 40), seed)
    assert (holed[holed != 0] == dense[holed != 0]).all()


@pytest.mark.parametrize("spec", RANDOM)
@given(seed=seeds)
def test_a_seed_gives_one_draw_bit_for_bit_and_other_layers_and_seeds_others(
    spec: str, seed: int
) -> None:
    layers = (5, 5, 5)
    first, again, next_seed = (draw_weights(read(spec), layers, s) for s in (seed, seed, seed + 1))
    assert [w.tobytes() for w in first] == [w.tobytes() for w in again]
    assert len({w.tobytes() for w in (*first, *next_seed)}) == 4


@given(networks, st.integers(1, 8), seeds)
def test_a_layer_does_not_depend_on_the_layers_around_it(
    layers: tuple[int, ...], other: int, seed: int
) -> None:
    drawn = draw_weights(read("normal(1)"), layers, seed)
    deeper = draw_weights(read("normal(1)"), (*layers, other), seed)
    other_input = draw_weights(read("normal(1)"), (other, *layers[1:]), seed)
    for one, same in [
        *zip(drawn, deeper, strict=False),
        *zip(drawn[1:], other_input[1:], strict=True),
    ]:
        assert one.tobytes() == same.tobytes()


def test_a_layer_is_drawn_from_the_generator_of_its_seed_and_number() -> None:
    for layer, weights in enumerate(draw_weights(read("normal(1)"), (3, 4, 2), seed=7)):
        rng = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(layer,)))
        assert (weights == rng.standard_normal(weights.shape)).all()


def halves(rng: np.random.Generator, shape: Shape) -> Weights:
    return np.full(shape, 0.5)


class Halves:
    def __call__(self, rng: np.random.Generator, shape: Shape) -> Weights:
        return halves(rng, shape)


@pytest.mark.parametrize(
    ("meant", "name"),
    [
        ("he_normal", "he_normal"),
        (" he_normal() ", "he_normal"),
        ("normal(10)", "normal(std=10)"),
        ("normal(std=10.0)", "normal(std=10)"),
        ("normal(1e-2)", "normal(std=0.01)"),
        ("constant(-0.0)", "constant(value=0)"),
        ("uniform(high=2, low=-1)", "uniform(low=-1, high=2)"),
        (
            "variance_scaling(2, fan_in, uniform)",
            "variance_scaling(scale=2, mode=fan_in, distribution=uniform)",
        ),
        ("orthogonal(1)", "orthogonal"),
        ("orthogonal(2)", "orthogonal(gain=2)"),
        ("identity(0.5)", "identity(gain=0.5)"),
        ("sparse(0.9)", "sparse(sparsity=0.9, std=0.01)"),
        (initializers.he_normal(), "he_normal"),
        (initializers.he_normal, "he_normal"),
        (initializers.xavier, "glorot_normal"),
        (initializers.orthogonal, "orthogonal"),
        (halves, "halves"),
        (partial(halves), "halves()"),
        (Halves(), "Halves"),
        (Scheme("mine", halves), "mine"),
    ],
)
def test_read_takes_specs_schemes_makers_and_callables(meant: Any, name: str) -> None:
    assert read(meant).name == str(read(meant)) == name
    assert draw(meant).shape == (6, 4)


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_its_scheme_under_another_name(alias: str) -> None:
    maker = ALIASES[alias]
    assert read(alias).name == maker.__name__
    assert getattr(initializers, alias) is maker
    assert (draw(alias) == draw(maker.__name__)).all()


finite = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**20), 10**20)
positive = st.floats(0, exclude_min=True, allow_infinity=False) | st.integers(1, 10**20)
fractions = st.floats(0, 1, exclude_max=True)
intervals = (
    st.tuples(finite, finite).map(sorted).filter(lambda ends: float(ends[0]) < float(ends[1]))
)
gains = st.tuples(positive | st.sampled_from(["relu", "tanh", "leaky_relu(0.2)"])) | st.just(())
ARGUMENTS: dict[str, st.SearchStrategy[Any]] = {
    "constant": st.tuples(finite),
    "normal": st.tuples(positive) | st.tuples(positive, finite),
    "uniform": intervals,
    "truncated_normal": st.tuples(positive) | st.tuples(positive, finite),
    "variance_scaling": st.tuples(
        positive,
        st.sampled_from(["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]),
        st.sampled_from(["normal", "uniform", "truncated_normal"]),
    ),
    "orthogonal": gains,
    "delta_orthogonal": gains,
    "glorot_normal": st.tuples(st.floats(1e-150, 1e150)),
    "glorot_uniform": st.tuples(st.just("relu")),
    "identity": gains,
    "dirac": st.tuples(st.sampled_from([1, 2, 3])) | st.just(()),
    "sparse": st.tuples(fractions, positive) | st.tuples(fractions),
}


def outcome(scheme: Scheme) -> bytes | str:
    """Return the weights' bits, or for numbers past float64 the refusal."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return draw(scheme).tobytes()
    except ArgumentError as error:
        return str(error)


@pytest.mark.parametrize("name", SCHEMES)
@given(data=st.data())
def test_a_display_name_reads_back_as_the_same_scheme(name: str, data: st.DataObject) -> None:
    scheme = SCHEMES[name](*data.draw(ARGUMENTS.get(name, st.just(()))))
    again = read(scheme.name)
    assert again.name == scheme.name
    assert outcome(again) == outcome(scheme)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("he_norml", "got 'he_norml', takes one of .*did you mean 'he_normal'"),
        ("HE_NORMAL", "did you mean 'he_normal'"),
        ("kaming", "did you mean 'kaiming'"),
        ("qqq", "got 'qqq', takes one of zeros, ones, .*, kaiming_uniform$"),
        ("normal", "std: not given, and has no default"),
        ("normal(1, 2, 3)", r"takes normal\(std, mean\)"),
        ("normal(scale=1)", r"takes normal\(std, mean\)"),
        ("he_normal(2)", r"takes he_normal\(slope, mode, gain, nonlinearity\)"),
        ("normal(0)", "std: got 0, takes a number above 0"),
        ("normal(-1)", "std: got -1, takes a number above 0"),
        ("normal(1e999)", "std: got inf, takes a number above 0"),
        ("normal(nan)", "std: got 'nan', takes a number above 0"),
        ("normal('1')", "std: got '1', takes a number above 0"),
        ("normal(std=True)", "takes a name with literal arguments"),
        ("constant(big)", "value: got 'big', takes a finite number"),
        ("constant(-1e999)", "value: got -inf, takes a finite number"),
        ("uniform(1, 1)", "high: got 1, takes a finite number above low, 1"),
        ("uniform(2, -2)", "high: got -2, takes a finite number above low, 2"),
        ("uniform(low, 1)", "low: got 'low', takes a finite number"),
        ("truncated_normal(0)", "std: got 0, takes a number above 0"),
        ("variance_scaling(0, fan_in, normal)", "scale: got 0, takes a number above 0"),
        ("variance_scaling(1, fan_on, normal)", "mode: got 'fan_on', takes one of fan_in, fan_out"),
        ("variance_scaling(1, 2, normal)", "mode: got 2, takes one of fan_in, fan_out, fan_avg"),
        (
            "variance_scaling(1, fan_in, gauss)",
            "distribution: got 'gauss', takes one of normal, un",
        ),
        ("orthogonal(0)", "gain: got 0, takes a number above 0"),
        ("identity(-1)", "gain: got -1, takes a number above 0"),
        ("sparse(1)", "sparsity: got 1, takes a number from 0 to below 1"),
        ("sparse(-0.1)", "sparsity: got -0.1, takes a number from 0 to below 1"),
        ("sparse(0.5, 0)", "std: got 0, takes a number above 0"),
        ("normal(std=__import__('os').getpid())", "takes a name with literal arguments"),
        ("", "got '', takes a name"),
        (None, "got None, takes a spec string, a callable"),
        (10, "got 10, takes a spec string, a callable"),
        ([], r"got \[\], takes a spec string, a callable"),
        (initializers.normal, "std: not given, and has no default"),
    ],
)
def test_what_is_no_scheme_is_refused_with_what_would_be(spec: Any, message: str) -> None:
    assert re.search(f"^initializer.*{message}", refusal(lambda: read(spec)))


@pytest.mark.parametrize("value", [np.float32(3), np.int64(3), Fraction(3)])
def test_a_maker_takes_any_kind_of_real_number(value: Any) -> None:
    assert initializers.normal(value).name == "normal(std=3)"


@pytest.mark.parametrize("value", [True, "1", 1j, [1.0], np.ones(2), float("nan"), 10**400])
def test_a_maker_takes_numbers_only(value: Any) -> None:
    assert refusal(lambda: initializers.normal(value)).startswith("std: got ")
    assert refusal(lambda: initializers.constant(value)).startswith("value: got ")


@pytest.mark.parametrize("shape", [(6, 4), [6, 4]])
@pytest.mark.parametrize(
    "drawn",
    [
        np.ones((6, 4), dtype=np.float32),
        np.ones((6, 4), dtype=np.int8),
        [[1] * 4] * 6,
        np.ma.ones((6, 4)),
        np.asfortranarray(np.ones((6, 4))),
    ],
    ids=["float32", "int8", "lists", "masked", "Fortran"],
)
def test_whatever_numbers_a_callable_returns_become_float64(drawn: Any, shape: Any) -> None:
    weights = read(lambda rng, shape: drawn)(np.random.default_rng(0), shape)
    assert type(weights) is np.ndarray
    assert weights.dtype == np.float64
    assert (weights == 1).all()


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (
            np.ones((4, 6)),
            r"got 'shape \(4, 6\)', takes weights of the shape .* asked for, \(6, 4\)",
        ),
        (np.ones(24), r"got 'shape \(24,\)', takes weights of the shape"),
        (1.0, r"got 'shape \(\)', takes weights of the shape"),
        (np.full((6, 4), np.nan), "got 'NaN or infinity', takes finite weights"),
        (np.full((6, 4), np.inf), "got 'NaN or infinity', takes finite weights"),
        (np.full((6, 4), 1j), "takes an array of numbers"),
        ([[1j] * 4] * 6, "takes an array of numbers"),
        (np.full((6, 4), "1.5"), "takes an array of numbers"),
        (np.full((6, 4), b"1.5"), "takes an array of numbers"),
        ([["one"] * 4] * 6, "takes an array of numbers"),
        (np.full((6, 4), np.datetime64("2020-01-01")), "takes an array of numbers"),
        ([[10**400] * 4] * 6, "takes an array of numbers"),
        ([[1], [1, 2]], "takes an array of numbers"),
        (None, "got None, takes an array of numbers"),
        ({}, "got {}, takes an array of numbers"),
    ],
    ids=str,
)
def test_a_callable_that_returns_no_weights_is_refused_by_its_name(
    drawn: Any, message: str
) -> None:
    def mine(rng: np.random.Generator, shape: Shape) -> Any:
        return drawn

    assert re.search(f"^initializer mine: .*{message}", refusal(lambda: draw(mine)))


def test_a_draw_never_shares_memory_with_what_the_callable_keeps() -> None:
    kept = np.ones((6, 4))
    weights = draw(lambda rng, shape: kept)
    weights += 1
    assert (kept == 1).all()


@pytest.mark.parametrize("name", SCHEMES)
def test_every_scheme_says_its_formula_purpose_and_source(name: str) -> None:
    said = describe(name)
    assert said.spec.partition("(")[0] == name
    for part in (said.formula, said.derived_for, said.source):
        assert len(part.splitlines()) == 1
        assert part == part.strip()
    assert "W" in said.formula or "weights" in said.formula
    assert any(character.isdigit() for character in said.source) or "jax" in said.source


def test_every_alias_stands_in_the_description_of_its_scheme() -> None:
    said = {alias: name for name in SCHEMES for alias in describe(name).aliases}
    own = {name: maker for name, maker in PEERS.items() if maker in SCHEMES.values()}
    assert said == {alias: maker.__name__ for alias, maker in (ALIASES | own).items()}
    assert describe("glorot_normal").aliases == (
        *("glorot", "xavier", "xavier_normal"),
        *("GlorotNormal", "xavier_normal_"),
    )


def test_a_description_shows_how_a_scheme_is_written() -> None:
    assert describe("zeros").spec == "zeros"
    assert describe("normal").spec == "normal(std, mean)"
    assert describe("variance_scaling").spec == "variance_scaling(scale, mode, distribution)"
