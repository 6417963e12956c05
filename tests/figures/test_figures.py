"""Pictures: what they show, that nothing is clipped, and that one initializer has one look."""

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from by_hand import (
    accuracy_picture,
    assert_nothing_is_clipped,
    costs_picture,
    points,
    trials_of,
)
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure

import goodinit as gi
from goodinit.errors import ArgumentError
from goodinit.figures import results as figures
from goodinit.figures import seeds as seed_figures
from goodinit.figures.looks import class_colours, marker_groups, styles
from goodinit.network import Network, Parameters

SCHEMES = ["zeros", "normal(std=10)", "variance_scaling(2, fan_in, truncated_normal)", "he_normal"]


@pytest.fixture(scope="module")
def result() -> gi.Comparison:
    return gi.compare(
        "circles", initializers=SCHEMES, iterations=40, seeds=3, learning_rate=[0.01, 0.1]
    )


def test_no_picture_is_clipped(result: gi.Comparison) -> None:
    pictures = dict(result.plots())
    assert {"data", "costs", "accuracy-0.01", "accuracy-0.1", "boundaries"} <= set(pictures)
    for figure in pictures.values():
        assert_nothing_is_clipped(figure)


@pytest.mark.parametrize("name", ["blobs", "spirals", "iris", "digits", "breast_cancer"])
def test_every_kind_of_data_can_be_drawn(name: str) -> None:
    dataset = gi.datasets.load(name)
    figure = figures.plot_data(dataset)
    assert figure.get_suptitle() == dataset.describe()
    drawn = sum(len(points(c)) for axes in figure.axes for c in axes.collections)
    assert drawn == len(dataset.X_train) + len(dataset.X_test)
    assert_nothing_is_clipped(figure)


def test_a_number_to_predict_has_one_colour_scale_for_both_parts_and_a_bar_that_tells_it() -> None:
    X = np.random.default_rng(0).normal(size=(40, 3))
    figure = figures.plot_data(gi.datasets.load((X, X[:, 0] + 0.5), standardize=False))
    train, test, bar = figure.axes
    scales = [axes.collections[0].get_clim() for axes in (train, test)]
    assert scales == [(X[:, 0].min() + 0.5, X[:, 0].max() + 0.5)] * 2
    assert bar.get_ylabel() == "target"
    assert_nothing_is_clipped(figure)


def test_one_feature_is_drawn_against_the_target() -> None:
    X = np.linspace(0, 1, 20)[:, np.newaxis]
    figure = figures.plot_data(gi.datasets.load((X, np.sin(3 * X[:, 0]))))
    assert figure.axes[0].get_ylabel() == "target"


def test_styles_are_distinct_for_as_many_initializers_as_one_compares() -> None:
    names = [str(i) for i in range(40)]
    looks = styles(names)
    assert len(set(looks.values())) == 40
    for a, b in pairwise(looks.values()):
        assert a.colour != b.colour
        assert a.dash != b.dash


def test_an_initializer_has_one_colour_in_every_picture(result: gi.Comparison) -> None:
    look = styles([scheme.name for scheme in result.study.schemes])
    lines = result.plot_costs().axes[0].lines
    drawn = {line.get_label(): line.get_color() for line in lines if line.get_label() in look}
    assert drawn == {name: style.colour for name, style in look.items()}
    dots = result.plot_accuracy().axes[0].collections
    assert [to_hex(tuple(np.asarray(c.get_facecolor())[0])) for c in dots if len(points(c))] == [
        style.colour for style in look.values()
    ]


def test_the_cost_curve_is_the_median_over_seeds(result: gi.Comparison) -> None:
    line = next(x for x in result.plot_costs().axes[0].lines if x.get_label() == "he_normal")
    he = result.curves.query("initializer == 'he_normal' and learning_rate == 0.01")
    np.testing.assert_allclose(
        np.asarray(line.get_ydata()), he.groupby("iteration")["train_cost"].median()
    )


def test_costs_are_linear_where_they_span_little() -> None:
    calm = gi.compare("circles", initializers="he", iterations=5, seeds=2)
    assert calm.plot_costs().axes[0].get_yscale() == "linear"


def test_diverged_trials_leave_a_gap_and_no_warning() -> None:
    result = gi.compare("circles", initializers="normal(std=1e200)", iterations=5, seeds=2)
    assert result.trials["diverged"].all()
    for _, figure in result.plots():
        assert_nothing_is_clipped(figure)


def test_boundaries_need_two_features_and_classes() -> None:
    iris = gi.compare("iris", initializers="he", iterations=2, seeds=1)
    with pytest.raises(ArgumentError, match="two features"):
        iris.plot_boundaries()


def test_sample_images_show_each_class() -> None:
    rng = np.random.default_rng(0)
    dataset = gi.Dataset(
        name="noise",
        X_train=rng.random((6, 12)),
        y_train=np.array([0, 1, 0, 1, 0, 1]),
        X_test=np.empty((0, 12)),
        y_test=np.empty(0, dtype=np.int64),
        classes=("cat", "dog"),
        image_shape=(2, 2, 3),
    )
    figure = figures.plot_images(dataset)
    titles = [axes.get_title() for axes in figure.axes if axes.images]
    assert titles == ["cat"] * 3 + ["dog"] * 3
    assert figure.get_suptitle() == "noise: sample training images, 2 × 2 pixels"
    assert_nothing_is_clipped(figure)
    with pytest.raises(ArgumentError, match="a folder of images"):
        figures.plot_images(gi.datasets.circles())


@pytest.mark.parametrize("shape", [(1, 2, 3), (2, 3, 1), (3, 1, 2)])
def test_images_of_any_shape_and_many_classes_show_the_first_ten(
    shape: tuple[int, int, int],
) -> None:
    X, y = np.random.default_rng(0).random((60, 6)), np.arange(60) % 30
    dataset = gi.Dataset("many", X, y, X[:0], y[:0], tuple(f"class {i}" for i in range(30)), shape)
    figure = figures.plot_images(dataset)
    assert len([axes for axes in figure.axes if axes.images]) == 20
    assert "of the first 10 of 30 classes" in figure.get_suptitle()
    assert_nothing_is_clipped(figure)


# --- hand-made trials: what became of each initializer, a row per seed


def test_one_exploded_seed_does_not_stretch_the_axis_of_costs() -> None:
    axes = costs_picture({"he": [[1.0, 0.9], [1.1, 0.8], [1.2, 1e99]]}).axes[0]
    bottom, top = axes.get_ylim()
    assert 0 <= bottom < 0.9
    assert 1.1 < top < 5
    assert axes.get_ylabel() == "training cost"


def test_an_exploding_curve_leaves_the_axis_to_the_others_and_the_label_says_so() -> None:
    tame, wild = [1.0, 0.5, 0.01], [1e6, 1e30, np.inf]
    axes = costs_picture({"he": [tame], "normal(std=10)": [wild]}).axes[0]
    assert axes.get_ylim()[1] < 2
    assert axes.get_ylabel() == "training cost (drawn up to 1)"


@pytest.mark.parametrize(
    ("last", "scale"), [(1.0, "linear"), (0.21, "linear"), (0.19, "log"), (1e-12, "log")]
)
def test_costs_are_logarithmic_from_a_ratio_of_five(last: float, scale: str) -> None:
    assert costs_picture({"he": [[1.0, last]]}).axes[0].get_yscale() == scale


def test_iterations_are_whole_and_few_on_the_axis() -> None:
    for n in (2, 4, 301):
        axes = costs_picture({"he": [[1.0] * n]}).axes[0]
        ticks = [tick for tick in axes.get_xticks() if 0 <= tick < n]
        assert 2 <= len(ticks) <= 5
        assert ticks == [round(tick) for tick in ticks]


def test_a_legend_of_many_initializers_leaves_room_for_the_curves() -> None:
    long = "variance_scaling(scale=2, mode=fan_in, distribution=truncated_normal)"
    figure = costs_picture(
        {name: [[1.0, 0.5]] for name in [long, *map("mine_{}".format, range(11))]}
    )
    assert figure.axes[0].get_window_extent().height / figure.dpi > 2.4  # inches


def legend_of(figure: Figure) -> list[str]:
    return [" ".join(text.get_text().split()) for text in figure.legends[0].get_texts()]


def test_a_name_that_starts_with_an_underscore_stands_in_the_legend() -> None:
    assert legend_of(costs_picture({"_mine": [[1.0, 0.5]]})) == ["_mine"]


def test_seeds_far_below_are_drawn_at_the_edge_and_the_label_says_so() -> None:
    axes = accuracy_picture({"he": [0.9, 0.8], "normal(std=10)": [0.5, -1e39]}, "R²").axes[0]
    assert axes.get_xlim()[0] > -1.5
    assert axes.get_xlabel() == "train R²\n(values below -1 drawn at -1)"
    assert [points(drawn)[:, 0].tolist() for drawn in axes.collections] == [
        [0.9, 0.8],
        [0.5],
        [-1.0],
    ]
    circle, same, other = (np.shape(drawn.get_paths()[0].vertices) for drawn in axes.collections)
    assert circle == same != other
    assert accuracy_picture({"he": [0.9, -0.9]}, "R²").axes[0].get_xlabel() == "train R²"


def test_diverged_trials_are_counted_beside_the_name() -> None:
    axes = accuracy_picture({"he": [0.5, np.nan, 0.7], "zeros": [np.nan, np.nan]}).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["he\n(1 of 3 diverged)", "zeros\n(2 of 2 diverged)"]
    assert [float(np.asarray(line.get_xdata())[0]) for line in axes.lines] == [0.6]


def test_long_names_are_wrapped_and_ticks_are_few() -> None:
    name = "variance_scaling(scale=2, mode=fan_in, distribution=truncated_normal)"
    figure = accuracy_picture({name: [0.5123, 0.9871]})
    label = figure.axes[0].get_yticklabels()[0].get_text()
    assert max(map(len, label.split("\n"))) <= 26
    assert "".join(label.split()) == name.replace(" ", "")
    for axes in figure.axes:
        low, high = axes.get_xlim()
        assert sum(low <= tick <= high for tick in axes.get_xticks()) <= 5


def test_accuracy_pictures_are_the_same_every_run_and_leave_the_global_stream_alone() -> None:
    before = np.random.get_state()[1].tobytes()  # type: ignore[index]  # noqa: NPY002
    first, second = (accuracy_picture({"he": [0.5, 0.6, 0.7]}).axes[0] for _ in range(2))
    assert np.random.get_state()[1].tobytes() == before  # type: ignore[index]  # noqa: NPY002
    np.testing.assert_array_equal(points(first.collections[0]), points(second.collections[0]))


def test_no_trials_are_refused_in_one_line() -> None:
    with pytest.raises(ArgumentError, match="takes at least one trial, of a learning rate that"):
        seed_figures.plot_accuracy(trials_of({"he": [0.5]})[:0], ["he"], "circles")


# --- classes and boundaries


def test_up_to_21_classes_look_different_and_more_than_20_have_no_legend() -> None:
    assert len(set(class_colours(21))) == 21
    assert marker_groups(np.array([0, 6, 7, 13, 14, 20])).tolist() == [0, 0, 1, 1, 2, 2]
    for n, legends in ((20, 1), (21, 0)):
        X, y = np.random.default_rng(0).random((2 * n, 2)), np.arange(2 * n) % n
        names = tuple(f"_a class with a long name, {i}" for i in range(n))
        figure = figures.plot_data(gi.Dataset("many", X, y, X, y, names))
        assert len(figure.legends) == legends
        assert_nothing_is_clipped(figure)
        if legends:
            assert legend_of(figure) == list(names)


def softmax_of(*columns: tuple[float, float, float]) -> Parameters:
    """Return one layer whose classes' logits are a + b·x₁ + c·x₂."""
    table = np.array(columns)
    return [(table[:, 1:], table[:, 0])]


# Class 0 on the left of x₁ = 1, class 2 on the right of x₁ = 2, class 1 between them.
HEALTHY = softmax_of((1, -1, 0), (0, 0, 0), (-2, 1, 0))


def boundaries(panels: list[tuple[str, Parameters]], **options: Any) -> list[Axes]:
    X, y = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 0.0], [3.0, 1.0]]), np.array([0, 1, 2, 0])
    data = gi.Dataset("line", X, y, X, y, ("a", "b", "c"))
    network = Network((2, 3), output="softmax")
    figure = figures.plot_boundaries(data, network, panels, "by hand", **options)
    assert_nothing_is_clipped(figure)
    return figure.axes[: len(panels)]


def borders(axes: Axes) -> list[float]:
    """Return the mean x₁ of every border drawn."""
    paths = [path for c in axes.collections if isinstance(c, ContourSet) for path in c.get_paths()]
    lines = [np.asarray(path.vertices) for path in paths]
    return sorted(float(line[:, 0].mean()) for line in lines if len(line))


def test_each_border_between_classes_is_drawn_once() -> None:
    without_class_1 = softmax_of((1, -1, 0), (-9, 0, 0), (-2, 1, 0))
    three, two = boundaries([("three", HEALTHY), ("two", without_class_1)])
    np.testing.assert_allclose(borders(three), [1, 2], atol=0.02)
    np.testing.assert_allclose(borders(two), [1.5], atol=0.02)


def test_a_diverged_network_has_no_regions_and_its_title_says_so() -> None:
    nan = [(weights * np.nan, biases) for weights, biases in HEALTHY]
    panels = boundaries([("he\nseed 0", HEALTHY), ("normal\nseed 0", nan)])
    painted = [len(axes.images) > 0 for axes in panels]
    assert painted == [True, False]
    titles = [axes.get_title() for axes in panels]
    assert titles == ["he\nseed 0", "normal\nseed 0\ndiverged"]


def test_a_panel_is_framed_in_its_initializers_colour() -> None:
    colours = ["#0072b2", "#e69f00"]
    for axes, colour in zip(
        boundaries([("he", HEALTHY), ("zeros", HEALTHY)], colours=colours), colours, strict=True
    ):
        assert {to_hex(spine.get_edgecolor()) for spine in axes.spines.values()} == {colour}
        assert all(spine.get_visible() for spine in axes.spines.values())


def test_pictures_leave_pyplot_alone(result: gi.Comparison) -> None:
    before = plt.get_fignums()
    list(result.plots())
    assert plt.get_fignums() == before
    assert isinstance(result.trials, pd.DataFrame)


def test_two_dozen_initializers_share_no_colour() -> None:
    looks = styles([f"scheme {i}" for i in range(24)])
    assert len({look.colour for look in looks.values()}) == 24


def test_one_that_explodes_flattens_no_other_and_is_named_at_the_edge() -> None:
    result = gi.compare(
        "circles",
        initializers=["he_normal", "lecun_normal", "glorot_normal", "normal(std=1000)"],
        hidden=(10,) * 6,
        iterations=5,
        seeds=2,
    )
    axes = result.plot_signals().axes[0]
    low, high = axes.get_ylim()
    assert high / low < 1e11
    assert [text.get_text() for text in axes.texts] == ["above: normal(std=1000)"]
