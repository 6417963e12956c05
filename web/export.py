"""Write what the pages take from goodinit: points, thresholds, and networks to be checked against.

    python web/export.py        # from the checkout; writes web/src/generated/*.json

The pages hold no copy made by hand, so that they say what goodinit says.
"""

import json
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import numpy as np

from goodinit import datasets
from goodinit.evidence.causes import CAUSES, THRESHOLDS
from goodinit.figures.looks import class_colours, styles
from goodinit.initializers import read
from goodinit.measuring.signals import FLAT_EXAMPLES, FLAT_SLOPE, SAME_UNIT, measure
from goodinit.network import Network, backward, cost, forward, initialize, pack, targets, update

HERE = Path(__file__).parent / "src" / "generated"
SETS = ("circles", "moons", "spirals", "xor", "blobs")
LAYERS = (2, 10, 5, 1)
MOST = 6  # initializers on the page
RATE, ITERATIONS, EVERY = 0.01, 1000, 50
SIGNALS = ("distinct_units", "dead_fraction", "preactivation_rms", "activation_rms", "gradient_rms")
DRAWN = ("he_normal", "glorot_normal", "lecun_normal", "he_uniform", "normal(std=10)", "orthogonal")


def points() -> dict[str, Any]:
    """Return each set's examples as the page trains on them, to the last digit."""
    return {name: _points(datasets.load(name)) for name in SETS}


def _points(data: datasets.Dataset) -> dict[str, Any]:
    parts = {"train": (data.X_train, data.y_train), "test": (data.X_test, data.y_test)}
    return {
        "classes": list(data.classes or ()),
        **{name: {"X": X.T.ravel().tolist(), "y": y.tolist()} for name, (X, y) in parts.items()},
    }


def thresholds() -> dict[str, Any]:
    """Return the limits above which a cause is named, and those of the signals themselves."""
    own = {"flat_slope": FLAT_SLOPE, "flat_examples": FLAT_EXAMPLES, "same_unit": SAME_UNIT}
    return {name: limit.value for name, limit in THRESHOLDS.items()} | own


def causes() -> dict[str, Any]:
    """Return each cause's label and sentence."""
    return {name: {"label": c.label, "sentence": c.sentence} for name, c in CAUSES.items()}


def colours() -> dict[str, Any]:
    """Return the colours of initializers by their place, and of classes."""
    names = [str(place) for place in range(MOST)]
    drawn = [style.colour for style in styles(names).values()]
    return {"initializers": drawn, "classes": class_colours(3)}


def ziggurat() -> list[float]:
    """Return where the 256 steps of NumPy's normal end, the outermost last.

    In forty digits, since an error in one step grows in the next.
    """
    with localcontext(prec=40):
        x = Decimal("3.6541528853610087963519472518")
        area = Decimal("0.004928673233974654931590913431847148883305")
        edges = [x]
        for _ in range(254):
            x = (-2 * (area / x + (-x * x / 2).exp()).ln()).sqrt()
            edges.append(x)
        return [float(edge) for edge in reversed(edges)]


def reference() -> dict[str, Any]:
    """Return the articles' network as NumPy trains it, and draws of several schemes."""
    network, data = Network(LAYERS), datasets.load("circles")
    wanted = targets(network, data.y_train)
    parameters = initialize(network, read("he_normal"), seed=0)
    start, costs = pack(parameters), []
    for iteration in range(ITERATIONS + 1):
        if iteration % EVERY == 0:
            logits = forward(network, parameters, data.X_train)[0][-1]
            costs.append(float(cost(network, logits, wanted)))
        slopes = backward(network, parameters, data.X_train, wanted)
        parameters = update(parameters, slopes, RATE)
    return {
        "layers": LAYERS,
        "learning_rate": RATE,
        "every": EVERY,
        "start": start.tolist(),
        "costs": costs,
        "signals": {name: _signals(network, name) for name in DRAWN},
        "drawn": {
            name: [pack(initialize(network, read(name), seed)).tolist() for seed in (0, 7, 2**40)]
            for name in DRAWN
        },
    }


def _signals(network: Network, scheme: str) -> dict[str, list[float]]:
    data = datasets.load("circles")
    one = [(W[None], b[None]) for W, b in initialize(network, read(scheme), seed=0)]
    wanted = targets(network, data.y_train)
    layers = measure(network, one, data.X_train, wanted, np.array([RATE])).layers
    return {name: layers[name][0, :-1].tolist() for name in SIGNALS}


def main() -> None:
    """Write the files."""
    HERE.mkdir(parents=True, exist_ok=True)
    for made in (points, thresholds, causes, colours, ziggurat, reference):
        text = json.dumps(made(), separators=(",", ":"))
        (HERE / f"{made.__name__}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    np.seterr(all="raise")
    main()
