"""Where panels stand in a picture, what is drawn around them, and the file that it becomes."""

from io import BytesIO

import numpy as np
import pytest
from by_hand import assert_nothing_is_clipped
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from goodinit.figures.layout import Grid
from goodinit.figures.looks import fill_bands, new_grid, new_panels
from goodinit.figures.writing import files


def rows_of_three(count: int) -> tuple[Figure, list[Axes]]:
    """Return a figure whose rows have numbers of one and of seven digits."""
    figure, panels = new_panels(count, columns=3)
    panels[0].set(xlim=(0, 1), ylim=(0, 1), ylabel="y")
    panels[3].set(ylabel="below", xlabel="x", title="two\nlines")
    figure.suptitle("title")
    figure.draw_without_rendering()
    return figure, panels


def test_panels_are_equal_in_line_and_do_not_overlap() -> None:
    figure, panels = rows_of_three(6)
    places = np.array([axes.get_position().extents for axes in panels]).reshape(2, 3, 4)
    np.testing.assert_allclose(np.diff(places[:, :, 0]), np.diff(places[:, :, 0])[0, 0])
    sizes = places[..., 2:] - places[..., :2]
    np.testing.assert_allclose(sizes, np.broadcast_to(sizes[0, 0], sizes.shape))
    np.testing.assert_allclose(places[0, :, 1], places[0, 0, 1])
    title = panels[3].title.get_window_extent().transformed(figure.transFigure.inverted())
    assert title.y1 < places[0, 0, 1]
    assert_nothing_is_clipped(figure)


def test_labels_of_a_column_are_in_line_beyond_the_longest_number() -> None:
    figure, axes = new_grid(2, 1, 4.0, 4.0)
    for panel, top in zip(axes[:, 0], (1, 10_000_000), strict=True):
        panel.set(ylim=(0, top), ylabel="label")
        panel.yaxis.set_major_formatter("{x:.0f}")
    figure.draw_without_rendering()
    short, long = (panel.yaxis.label.get_window_extent() for panel in axes[:, 0])
    assert short.x1 == pytest.approx(long.x1)
    numbers = [text.get_window_extent() for text in axes[1, 0].get_yticklabels()]
    assert long.x1 < min(number.x0 for number in numbers)
    assert_nothing_is_clipped(figure)


def test_a_picture_that_is_laid_out_again_stays_as_it_is() -> None:
    figure, panels = rows_of_three(6)
    before = [axes.get_position().extents for axes in panels]
    figure.draw_without_rendering()
    np.testing.assert_allclose([axes.get_position().extents for axes in panels], before)


def test_ticks_stand_where_they_are_numbered() -> None:
    _, panels = rows_of_three(5)
    shown = [axes.xaxis.get_tick_params() for axes in panels]
    assert [of["labelbottom"] for of in shown] == [False, False, True, True, True]
    assert [of["bottom"] for of in shown] == [of["labelbottom"] for of in shown]
    left = [axes.yaxis.get_tick_params()["left"] for axes in panels]
    assert left == [True, False, False, True, False]


def test_what_has_no_room_at_all_is_drawn_all_the_same() -> None:
    figure = Figure(figsize=(0.3, 0.3), layout=Grid())
    figure.subplots(2, 2)[0, 0].set(ylabel="label", title="title")
    figure.draw_without_rendering()


def outlines(low: list[float], high: list[float]) -> list[NDArray[np.float64]]:
    axes = Figure().subplots()
    x = np.arange(len(low))
    fill_bands(axes, x, [(np.array(low), np.array(high))], ["red"])
    (drawn,) = axes.collections
    return [np.asarray(path.vertices)[:-1] for path in drawn.get_paths()]


def test_a_band_has_a_gap_where_an_end_is_not_finite() -> None:
    first, second = outlines([0, 1, np.nan, 3, 4], [10, 11, 12, 13, 14])
    np.testing.assert_array_equal(first, [[0, 0], [1, 1], [1, 11], [0, 10]])
    np.testing.assert_array_equal(second, [[3, 3], [4, 4], [4, 14], [3, 13]])
    assert len(outlines([0, 1, 2], [1, np.inf, 3])) == 2
    assert not outlines([np.nan] * 2, [1, 2])


def test_a_png_file_holds_every_dot_and_how_many_make_an_inch() -> None:
    figure, panels = new_panels(1)
    panels[0].plot([1, 3, 2], color="red")
    expected = BytesIO()
    figure.savefig(expected, format="png", dpi=150)
    ((name, content),) = files({"curve": lambda: figure}, ["png"], "screen")
    written, same = (Image.open(BytesIO(of)) for of in (content, expected.getvalue()))
    assert name == "curve.png"
    assert written.size == same.size
    assert written.info["dpi"] == pytest.approx((150, 150), abs=0.1)  # metres in whole dots
    difference = np.abs(np.asarray(written, float) - np.asarray(same.convert("RGB"), float))
    assert (difference > 0).mean() < 0.01  # laid out at other dots an inch, a letter may move
