"""Whatever the data and the trials hold, it is drawn, without a warning."""

from io import BytesIO

import numpy as np
import pytest
from by_hand import curves_of, trials_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.figure import Figure
from numpy.typing import NDArray

import goodinit as gi
from goodinit.figures import results as figures
from goodinit.figures import seeds as seed_figures
from goodinit.figures.looks import plain
from goodinit.network import Network, Parameters

pytestmark = pytest.mark.slow
NAMES = ["$x^{$", "price in $ and $", "价格", "_\udcff", "a\tb\x00", "", "a" * 300, "\\frac{1}$"]
SIGMOID: Parameters = [(np.array([[1.0, -1.0]]), np.zeros(1))]


def draw(figure: Figure) -> None:
    figure.savefig(BytesIO(), format="png", dpi=20)


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_drawn_and_nothing_of_it_is_clipped(name: str) -> None:
    X, y = np.random.default_rng(0).random((4, 12)), np.array([0, 1, 0, 1])
    image = gi.Dataset(name, X, y, X, y, (name, "other"), (2, 2, 3))
    plane = gi.Dataset(name, X[:, :2], y, X[:, :2], y, (name, "other"))
    scheme = name.replace("\udcff", "")  # the name of a function, never of a file
    for figure in (
        figures.plot_data(image),
        figures.plot_images(image),
        figures.plot_costs(curves_of({scheme: [[1.0, 0.5]]}), [scheme], name),
        seed_figures.plot_accuracy(trials_of({scheme: [0.5]}), [scheme], name),
        figures.plot_boundaries(plane, Network((2, 1)), [(name, SIGMOID)], name),
    ):
        draw(figure)
        figure.savefig(BytesIO(), format="svg")
        figure.draw_without_rendering()
        drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert min(drawn.x0, drawn.y0) >= -0.01
        assert drawn.x1 <= width + 0.01
        assert drawn.y1 <= height + 0.01


def test_what_looks_like_mathematics_is_drawn_as_it_is() -> None:
    drawn = Figure().text(0, 0, plain("$x^{2}$"))
    assert drawn._preprocess_math(drawn.get_text()) == ("$x^{2}$", False)  # type: ignore[attr-defined]


MAGNITUDES = [0.0, 1.0, -1.0, 5e-324, 1e-200, 1e15, 1e15 + 1, 1e200, 1.7e308, -1.7e308]
VALUES = st.sampled_from(MAGNITUDES) | st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=25)
@given(arrays(float, st.tuples(st.integers(2, 5), st.integers(1, 4)), elements=VALUES))
def test_any_finite_features_can_be_drawn(X: NDArray[np.float64]) -> None:
    y = np.arange(len(X)) % 2
    data = gi.Dataset("d", X, y, X[:1], y[:1], ("a", "b"))
    draw(figures.plot_data(data))
    if data.n_features == 2:
        draw(figures.plot_boundaries(data, Network((2, 1)), [("he", SIGMOID)], "d"))


@settings(max_examples=25)
@given(
    st.integers(1, 3), st.lists(VALUES, min_size=2, max_size=5).filter(lambda y: len(set(y)) > 1)
)
def test_any_finite_targets_can_be_drawn(n_features: int, y: list[float]) -> None:
    X, targets = np.ones((len(y), n_features)), np.array(y)
    draw(figures.plot_data(gi.Dataset("d", X, targets, X, targets[::-1], None)))


COSTS = st.sampled_from([np.nan, np.inf, *map(abs, MAGNITUDES)]) | st.floats(min_value=0)


@settings(max_examples=25)
@given(arrays(float, (2, 3, 4), elements=COSTS), st.floats(0, allow_nan=False))
def test_any_costs_can_be_drawn(costs: NDArray[np.float64], chance: float) -> None:
    curves = curves_of({"he": costs[0].tolist(), "zeros": costs[1].tolist()})
    draw(figures.plot_costs(curves, ["he", "zeros"], "made by hand", chance))


R2 = st.sampled_from([np.nan, -np.inf, -1.7e308, 1.0, 0.0]) | st.floats(max_value=1)


@settings(max_examples=25)
@given(arrays(float, (2, 3), elements=R2))
def test_any_accuracies_can_be_drawn(values: NDArray[np.float64]) -> None:
    trials = trials_of({"he": values[0].tolist(), "zeros": values[1].tolist()})
    draw(seed_figures.plot_accuracy(trials, ["he", "zeros"], "made by hand", "R²"))
