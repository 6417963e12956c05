"""Curves and trials made by hand: what became of each initializer, seed by seed."""

import numpy as np
import pandas as pd


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
