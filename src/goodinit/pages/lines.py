"""What a page draws as lines: costs by iteration, signals by layer, sharpness by iteration."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from goodinit.evidence.spread import seed_range
from goodinit.measuring.tables import CostCurves, arranged
from goodinit.pages.columns import evenly, packed

_MOMENTS = 121  # of a curve: about one in ten pixels
_LAYERS = 64
_GROUPS = 64  # of initializer and learning rate; beyond, each initializer's own rate
_NUMBERS = 210_000  # of all curves, about 1.1 MB
SIGNALS = {
    "preactivation_rms": "pre-activation RMS",
    "gradient_rms": "gradient RMS",
    "activation_rms": "activation RMS",
    "dead_fraction": "dead units",
    "saturated_fraction": "saturated units",
    "distinct_units": "distinct units",
}
_BANDS = ("preactivation_rms", "gradient_rms")  # of which theory speaks
_ENDS = ("low", "high")
_MOMENTS_OF_SIGNALS = ("start", "end")


class Drawn(NamedTuple):
    """Part of the page's data, and what was thinned of it, in sentences."""

    data: dict[str, Any]
    thinned: list[str]


def middle(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return median and 90 % range over the last axis, shape (..., 3); NaN counts as infinite."""
    filled = np.where(np.isnan(values), np.inf, values)
    with np.errstate(over="ignore"):  # the mean of the two middle costs
        median = np.median(filled, axis=-1)
    return np.stack([median, *seed_range(filled)], axis=-1)


def costs(
    curves: Mapping[str, Iterable[CostCurves]], names: Sequence[str], rates: dict[str, float]
) -> Drawn:
    """Return each measure's curves: median and range over all seeds, and as many seeds as fit.

    Parameters
    ----------
    curves : mapping of str to iterable of CostCurves
        By measure, each over all initializers and learning rates.
    names : sequence of str
        The initializers that are drawn.
    rates : dict of str to float
        The learning rate at which each is compared.
    """
    kept = {
        measure: [of for of in every if of.initializer in names]
        for measure, every in curves.items()
    }
    thinned = []
    if len(next(iter(kept.values()))) > _GROUPS:
        kept = {
            m: [of for of in every if of.learning_rate == rates[of.initializer]]
            for m, every in kept.items()
        }
        thinned.append("Curves are drawn at each initializer's own best learning rate alone.")
    groups = next(iter(kept.values()))
    moments = groups[0].iterations
    some = evenly(len(moments), _MOMENTS)
    if len(some) < len(moments):
        thinned.append(f"Of {len(moments):,} recorded iterations, curves show {len(some)}.")
    each = len(kept) * len(groups) * len(some)
    seeds = groups[0].seeds
    shown = evenly(len(seeds), max(1, (_NUMBERS - 3 * each) // each))
    if len(shown) < len(seeds):
        thinned.append(
            f"Of {len(seeds):,} seeds, {len(shown)} have a curve of their own; median and range "
            "are of all."
        )
    return Drawn(
        {
            "moments": moments[some].tolist(),
            "seeds": seeds[shown].tolist(),
            "groups": [[names.index(of.initializer), of.learning_rate] for of in groups],
            "measures": {
                measure: {
                    "spread": packed(np.stack([middle(of.costs[:, some].T) for of in every])),
                    "each": packed(np.stack([of.costs[np.ix_(shown, some)] for of in every])),
                }
                for measure, every in kept.items()
            },
        },
        thinned,
    )


def signals(table: pd.DataFrame, names: Sequence[str]) -> Drawn:
    """Return each signal by moment, initializer and layer: median, range, and theory's band.

    Parameters
    ----------
    table : DataFrame
        As ``Comparison.signals``, each initializer at its own learning rate.
    names : sequence of str
        The initializers that are drawn.
    """
    layers = np.sort(table["layer"].unique())
    some = layers[evenly(len(layers), _LAYERS)]
    thinned = (
        [f"Of {len(layers)} layers, signals show {len(some)}."] if len(some) < len(layers) else []
    )
    theory = [f"{signal}_{end}" for signal in _BANDS for end in _ENDS]
    values = arranged(
        table,
        [*SIGNALS, *filter(table.columns.__contains__, theory)],
        moment=_MOMENTS_OF_SIGNALS,
        initializer=names,
        layer=some,
        seed=table["seed"].unique(),
    )
    drawn = {}
    for signal, words in SIGNALS.items():
        if np.isnan(values[signal]).all():
            continue
        drawn[signal] = {"words": words, "spread": packed(_spread(values[signal]))}
        if signal in _BANDS and f"{signal}_low" in values:
            band = [values[f"{signal}_{end}"][0, ..., 0] for end in _ENDS]  # alike for all seeds
            drawn[signal]["theory"] = packed(np.stack(band, axis=-1))
    return Drawn({"layers": some.tolist(), "signals": drawn}, thinned)


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return median and range over the last axis, the seeds; NaN where no seed has a value."""
    known = ~np.isnan(values).all(axis=-1)
    spread = np.full((*known.shape, 3), np.nan)
    spread[known] = middle(values[known])
    return spread


def sharpness(table: pd.DataFrame, names: Sequence[str]) -> Drawn:
    """Return sharpness over training, in limits of stability where the optimizer has one.

    Parameters
    ----------
    table : DataFrame
        As ``Comparison.sharpness``, each initializer at its own learning rate.
    names : sequence of str
    """
    limited = bool(table["stability"].notna().any())
    measure = "stability" if limited else "sharpness"
    moments = np.sort(table["iteration"].unique())
    values = arranged(
        table, [measure], initializer=names, iteration=moments, seed=table["seed"].unique()
    )[measure]
    spread = packed(_spread(values))
    return Drawn({"moments": moments.tolist(), "limited": limited, "spread": spread}, [])
