"""Pictures: what they show, that nothing is clipped, and that one initializer has one look."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.collections import Collection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.typing import NDArray

import goodinit as gi
from goodinit import figures
from goodinit.errors import ArgumentError

SCHEMES = ["zeros", "normal(std=10)", "variance_scaling(2, fan_in, truncated_normal)", "he_normal"]


@pytest.fixture(scope="module")
def result() -> gi.Comparison:
    return gi.compare(
        "circles", initializers=SCHEMES, iterations=40, seeds=3, learning_rate=[0.01, 0.1]
    )


def assert_nothing_is_clipped(figure: Figure) -> None:
    figure.draw_without_rendering()  # lays the figure out
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) >= -0.01
    assert drawn.x1 <= width + 0.01
    assert drawn.y1 <= height + 0.01


def points(drawn: Collection) -> NDArray[np.float64]:
    return np.asarray(drawn.get_offsets(), dtype=np.float64)


def test_no_picture_is_clipped(result: gi.Comparison) -> None:
    pictures = dict(result.plots())
    assert list(pictures) == ["data", "costs", "accuracy-0.01", "accuracy-0.1", "boundaries"]
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


def test_one_feature_is_drawn_against_the_target() -> None:
    X = np.linspace(0, 1, 20)[:, np.newaxis]
    figure = figures.plot_data(gi.datasets.load((X, np.sin(3 * X[:, 0]))))
    assert figure.axes[0].get_ylabel() == "target"


def test_styles_are_distinct_for_as_many_initializers_as_one_compares() -> None:
    names = [str(i) for i in range(40)]
    looks = figures.styles(names)
    assert len(set(looks.values())) == 40
    for a, b in pairwise(looks.values()):
        assert a.colour != b.colour
        assert a.dash != b.dash


def test_an_initializer_has_one_colour_in_every_picture(result: gi.Comparison) -> None:
    look = figures.styles([scheme.name for scheme in result.study.schemes])
    lines = result.plot_costs().axes[0].lines
    assert {line.get_label(): line.get_color() for line in lines} == {
        name: style.colour for name, style in look.items()
    }
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


def test_costs_are_logarithmic_where_they_span_much(result: gi.Comparison) -> None:
    assert result.plot_costs().axes[0].get_yscale() == "log"
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
    assert_nothing_is_clipped(figure)
    with pytest.raises(ArgumentError, match="a folder of images"):
        figures.plot_images(gi.datasets.circles())


def test_pictures_leave_pyplot_alone(result: gi.Comparison) -> None:
    before = plt.get_fignums()
    list(result.plots())
    assert plt.get_fignums() == before
    assert isinstance(result.trials, pd.DataFrame)
