"""Curves and trials made by hand: what became of each initializer, seed by seed."""

import numpy as np
import pandas as pd
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from goodinit.figures import results as figures
from goodinit.figures import seeds as seed_figures


def curves_of(costs: dict[str, list[list[float]]]) -> pd.DataFrame:
    """Return curves of each initializer's seeds, each a list of costs at iterations 0, 1, ..."""
    return pd.DataFrame(
        [
            {"initializer": name, "learning_rate": 0.1, "seed": seed}
            | {"iteration": iteration, "train_cost": cost}
            for name, seeds in costs.items()
            for seed, curve in enumerate(seeds)
            for iteration, cost in enumerate(curve)
        ]
    )


def trials_of(accuracies: dict[str, list[float]]) -> pd.DataFrame:
    """Return trials of one learning rate, an accuracy per seed; NaN has diverged."""
    return pd.DataFrame(
        [
            {"initializer": name, "train_accuracy": accuracy, "test_accuracy": accuracy}
            | {"diverged": np.isnan(accuracy), "seed": seed}
            for name, seeds in accuracies.items()
            for seed, accuracy in enumerate(seeds)
        ]
    )


def assert_nothing_is_clipped(figure: Figure) -> None:
    figure.draw_without_rendering()  # lays the figure out
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert min(drawn.x0, drawn.y0) >= -0.01
    assert drawn.x1 <= width + 0.01
    assert drawn.y1 <= height + 0.01


def points(drawn: Collection) -> NDArray[np.float64]:
    return np.asarray(drawn.get_offsets(), dtype=np.float64)


def costs_picture(costs: dict[str, list[list[float]]]) -> Figure:
    figure = figures.plot_costs(curves_of(costs), list(costs), "made by hand")
    assert_nothing_is_clipped(figure)
    return figure


def accuracy_picture(accuracies: dict[str, list[float]], measure: str = "accuracy") -> Figure:
    figure = seed_figures.plot_accuracy(
        trials_of(accuracies), list(accuracies), "made by hand", measure
    )
    assert_nothing_is_clipped(figure)
    return figure
