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
from goodinit.evidence.causes import THRESHOLDS
from goodinit.initializers import read
from goodinit.network import Network, backward, cost, forward, initialize, pack, targets, update

HERE = Path(__file__).parent / "src" / "generated"
SETS = ("circles", "moons", "spirals", "xor", "blobs")
LAYERS = (2, 10, 5, 1)
RATE, ITERATIONS, EVERY = 0.01, 1000, 50
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
    """Return the limits above which a cause is named."""
    return {name: limit.value for name, limit in THRESHOLDS.items()}


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
        "drawn": {
            name: [pack(initialize(network, read(name), seed)).tolist() for seed in (0, 7, 2**40)]
            for name in DRAWN
        },
    }


def main() -> None:
    """Write the files."""
    HERE.mkdir(parents=True, exist_ok=True)
    for made in (points, thresholds, ziggurat, reference):
        text = json.dumps(made(), separators=(",", ":"))
        (HERE / f"{made.__name__}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    np.seterr(all="raise")
    main()
