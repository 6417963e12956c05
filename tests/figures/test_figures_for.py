"""Pictures of few seeds and of many, of nothing, of grids of rates, and for a paper."""

import numpy as np
import pytest
from by_hand import accuracy_picture, costs_picture, curves_of, points
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

import goodinit as gi
from goodinit.errors import ArgumentError
from goodinit.figures import results as figures
from goodinit.figures.sizes import read_size


@pytest.fixture(scope="module")
def result() -> gi.Comparison:
    names = ["zeros", "variance_scaling(2, fan_in, truncated_normal)", "he_normal"]
    return gi.compare(
        "circles", initializers=names, iterations=40, seeds=3, learning_rate=[0.01, 0.1]
    )


def test_one_seed_is_a_dot_in_the_middle_of_its_row_and_no_median() -> None:
    figure = accuracy_picture({"he": [0.9], "zeros": [0.5]})
    axes = figure.axes[0]
    assert [points(drawn).tolist() for drawn in axes.collections] == [[[0.9, 0.0]], [[0.5, 1.0]]]
    assert not axes.lines
    assert figure.get_suptitle().endswith("accuracy of one seed")
    costs = costs_picture({"he": [[1.0, 0.5]]}).get_suptitle()
    assert "of one seed" in costs
    assert "90 %" not in costs


def test_a_thousand_seeds_are_a_hill_as_high_where_most_of_them_lie() -> None:
    values = np.random.default_rng(0).normal(0.8, 0.03, 1000)
    axes = accuracy_picture({"he": values.tolist()}).axes[0]
    (hill,) = axes.collections
    outline = np.concatenate([np.asarray(path.vertices) for path in hill.get_paths()])
    assert outline[outline[:, 1].argmax(), 0] == pytest.approx(0.8, abs=0.02)
    assert float(np.asarray(axes.lines[0].get_xdata())[0]) == pytest.approx(np.median(values))


def said_in(axes: Axes) -> list[str]:
    return [" ".join(text.get_text().split()) for text in axes.texts]


def test_an_empty_panel_says_why() -> None:
    assert said_in(accuracy_picture({"he": [np.nan, np.nan]}).axes[0]) == ["every seed diverged"]
    assert said_in(costs_picture({"he": [[1.0, np.inf]]}).axes[0]) == [
        "every cost ceases to be a number"
    ]
    flat = gi.compare("circles", initializers="he", hidden=(), iterations=2, seeds=2)
    said = [said_in(axes) for axes in flat.plot_signals().axes]
    assert said == [[]] * 6 + [["no hidden layer has units to count"]] * 2


def test_a_curve_that_leaves_the_panel_is_named_at_its_edge() -> None:
    axes = costs_picture({"he": [[1.0, 0.5]], "normal(std=10)": [[9e9, 8e9]]}).axes[0]
    assert said_in(axes) == ["above: normal(std=10)"]


def test_a_curve_that_ends_above_chance_does_not_stretch_the_axis() -> None:
    curves = curves_of({"he": [[0.8, 0.5]], "normal(std=10)": [[900.0, 700.0]]})
    figure = figures.plot_costs(curves, ["he", "normal(std=10)"], "by hand", chance=0.69)
    assert figure.axes[0].get_ylim()[1] < 2
    figure = figures.plot_costs(curves, ["he", "normal(std=10)"], "by hand")
    assert figure.axes[0].get_ylim()[1] > 900


def rate_of(axes: Axes) -> str:
    return axes.get_title().split("\nat ")[1].split(",")[0]


def test_rates_stand_below_each_other_and_the_last_panel_of_each_column_is_numbered() -> None:
    result = gi.compare(
        "circles",
        initializers=["zeros", "he_normal"],
        iterations=3,
        seeds=2,
        learning_rate=[0.01, 0.1, 1, 3],
    )
    shown = [axes for axes in result.plot_boundaries().axes if axes.get_visible()]
    places = {(rate_of(axes), axes.get_position().x0) for axes in shown}
    assert len(places) == 4
    costs = [axes for axes in result.plot_costs().axes if axes.get_visible()]
    numbered = [axes.xaxis.get_tick_params()["labelbottom"] for axes in costs]
    assert numbered == [False, True, True, True]


def test_the_rate_at_which_each_is_compared_is_framed() -> None:
    result = gi.compare(
        "circles", initializers=["he", "zeros"], iterations=20, seeds=2, learning_rate=[0.1, 1, 1e9]
    )
    axes = result.plot_learning_rates().axes[0]
    framed = {patch.get_xy() for patch in axes.patches if isinstance(patch, Rectangle)}
    rates = [0.1, 1, 1e9]
    rows = {"he_normal": 0, "zeros": 1}
    assert framed == {(rates.index(at), rows[name]) for name, at in result.evidence.rates.items()}


@pytest.mark.parametrize(
    ("name", "inches"), [("column", 3.25), ("page", 6.75), ("3.5x2.6", 3.5), ("6x3", 6.0)]
)
def test_a_picture_for_a_paper_is_as_wide_as_asked_and_read_there(
    result: gi.Comparison, name: str, inches: float
) -> None:
    for picture, figure in result.plots(name):
        width, height = figure.get_size_inches()
        assert width == inches
        if "x" in name and picture in {"costs", "accuracy-0.1"}:
            assert height == float(name.split("x")[1])
        assert figure.get_suptitle() == ""
        figure.draw_without_rendering()
        shown = [text for axes in figure.axes for text in [*axes.texts, *axes.get_xticklabels()]]
        labels = [text for axes in figure.axes for text in (axes.title, axes.xaxis.label)]
        assert {7.0 <= float(text.get_fontsize()) <= 9 for text in shown + labels} == {True}
        assert figure.get_tightbbox().x1 <= width + 0.02


def test_a_size_that_is_none_is_refused_in_one_line() -> None:
    for wrong in ("huge", "3x", "0.5x2", "3x900"):
        with pytest.raises(ArgumentError, match="figure_size"):
            read_size(wrong)


def test_signals_of_a_tanh_network_show_what_saturates() -> None:
    result = gi.compare(
        "circles", initializers="normal(std=10)", activation="tanh", iterations=2, seeds=2
    )
    figure = result.plot_signals()
    assert [axes.get_ylabel() for axes in figure.axes[::2]][-1] == "saturated\nunits"
    wide, _ = figure.get_size_inches()
    assert wide <= 7.5  # 900 pixels of a page make letters of 10 points 14 pixels high
