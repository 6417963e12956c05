"""Write what the pages take from goodinit: points, thresholds, and networks to be checked against.

    python web/export.py            # from the checkout; writes web/src/generated/*.json
    python web/export.py --check    # fails where what is written is no longer what goodinit says

The pages hold no copy made by hand, so that they say what goodinit says. Numbers may differ by
1e-12 of their size: processors round sums and exponentials differently.
"""

import json
import math
import sys
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import numpy as np

from goodinit import datasets
from goodinit.activations import NAMES
from goodinit.evidence.causes import CAUSES, THRESHOLDS
from goodinit.figures.looks import class_colours, styles
from goodinit.initializers import read
from goodinit.measuring.sharpness import sharpness
from goodinit.measuring.signals import FLAT_EXAMPLES, FLAT_SLOPE, SAME_UNIT, measure
from goodinit.network import (
    Network,
    backward,
    cost,
    forward,
    initialize,
    pack,
    targets,
    unpack,
    update,
)
from goodinit.theory import drawn, predict

HERE = Path(__file__).parent / "src" / "generated"
SETS = ("circles", "moons", "spirals", "xor", "blobs")
LAYERS = (2, 10, 5, 1)
MOST = 6  # initializers on the page
RATE, ITERATIONS, EVERY = 0.01, 1000, 50
SIGNALS = (
    "distinct_units",
    "dead_fraction",
    "saturated_fraction",
    "preactivation_rms",
    "activation_rms",
    "gradient_rms",
)
MEASURED = ("relu", "tanh", "gelu")
TOLERANCE = 1e-12
OF_ITS_OWN = {"line": 1e-5, "said": 0.5}  # theory's, which are read from tables and drawn
LIMITS = (  # those that the playground looks at
    "most",
    "few",
    "stuck",
    "poor",
    "far_above_chance",
    "large_gain",
    "small_gain",
    "growth",
    "decay",
    "duplicates",
    "dead",
    "saturated",
    "unstable",
)
TOLD = (
    "symmetry",
    "signal grows",
    "gradient grows",
    "large",
    "saturated",
    "dead",
    "unstable",
    "diverges",
    "small",
    "signal decays",
    "gradient decays",
)
SHORT = 100  # iterations
BANDS = (  # scheme, activation, hidden layers
    ("he_normal", "relu", (10, 5)),
    ("glorot_normal", "tanh", (16,) * 4),
    ("orthogonal", "relu", (10, 5)),
    ("normal(std=10)", "gelu", (10, 5)),
)
DRAWS, BEYOND = 60, 2**31  # the page draws networks for its bands from this seed on
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
    return {name: THRESHOLDS[name].value for name in LIMITS} | own


def causes() -> dict[str, Any]:
    """Return each cause's label and sentence."""
    return {
        name: {"label": c.label, "sentence": c.sentence}
        for name, c in CAUSES.items()
        if name in TOLD
    }


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
    """Return the articles' network as NumPy trains it, draws of several schemes, and theory."""
    start = pack(initialize(Network(LAYERS), read("he_normal"), seed=0))
    return {
        "layers": LAYERS,
        "learning_rate": RATE,
        "every": EVERY,
        "start": start.tolist(),
        "costs": _costs("relu", ITERATIONS),
        "activations": {name: _costs(name, SHORT) for name in NAMES},
        "sharpness": _sharpness(start),
        "signals": {
            activation: {name: _signals(Network(LAYERS, activation), name) for name in DRAWN}
            for activation in MEASURED
        },
        "bands": [_band(*case) for case in BANDS],
        "drawn": {
            name: [
                pack(initialize(Network(LAYERS), read(name), seed)).tolist()
                for seed in (0, 7, 2**40)
            ]
            for name in DRAWN
        },
    }


def _costs(activation: str, iterations: int) -> list[float]:
    """Return the training costs every few iterations, the first and the last among them."""
    network, data = Network(LAYERS, activation), datasets.load("circles")
    wanted = targets(network, data.y_train)
    parameters = initialize(network, read("he_normal"), seed=0)
    costs = []
    for iteration in range(iterations + 1):
        if iteration % EVERY == 0:
            logits = forward(network, parameters, data.X_train)[0][-1]
            costs.append(float(cost(network, logits, wanted)))
        slopes = backward(network, parameters, data.X_train, wanted)
        parameters = update(parameters, slopes, RATE)
    return costs


def _sharpness(start: np.typing.NDArray[np.float64]) -> float:
    network, data = Network(LAYERS), datasets.load("circles")
    one = [(W[None], b[None]) for W, b in unpack(network.layers, start)]
    return float(sharpness(network, one, data.X_train, targets(network, data.y_train))[0])


def _band(scheme: str, activation: str, hidden: tuple[int, ...]) -> dict[str, Any]:
    """Return theory of circles' test examples, and the band of networks drawn for it.

    They are few enough to stand for themselves. The networks are the page's own, as NumPy sees
    them; ``goodinit.theory`` draws others, whose ends are near.
    """
    data = datasets.load("circles")
    X, y = data.X_test, data.y_test
    network = Network((2, *hidden, 1), activation)
    looked = [
        _look(network, initialize(network, read(scheme), seed=BEYOND + i), X, y)
        for i in range(DRAWS)
    ]
    signal, slope = (np.log(np.array(rows)) for rows in zip(*looked, strict=True))
    few = datasets.Dataset("few", X, y, X, y, data.classes)
    found = predict(few, scheme, hidden=hidden, activation=activation)
    layers = found.layers
    return {
        "scheme": scheme,
        "activation": activation,
        "hidden": hidden,
        "line": found.preactivation_rms.tolist(),
        "signal": [np.exp(end).tolist() for end in drawn.band(signal)],
        "slope": [np.exp(end).tolist() for end in drawn.band(slope)],
        "said": {
            "signal": layers[["low", "high"]].to_numpy().T.tolist(),
            "slope": layers[["gradient_low", "gradient_high"]].to_numpy().T.tolist(),
        },
    }


def _look(
    network: Network, parameters: Any, X: np.typing.NDArray[np.float64], y: Any
) -> tuple[list[float], list[float]]:
    """Return the RMS of each layer's pre-activations, and of its weights' gradient."""
    before = forward(network, parameters, X)[0]
    slopes = backward(network, parameters, X, targets(network, y))
    return [_rms(z) for z in before], [_rms(W) for W, _ in slopes]


def _rms(values: np.typing.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _signals(network: Network, scheme: str) -> dict[str, list[float]]:
    data = datasets.load("circles")
    one = [(W[None], b[None]) for W, b in initialize(network, read(scheme), seed=0)]
    wanted = targets(network, data.y_train)
    layers = measure(network, one, data.X_train, wanted, np.array([RATE])).layers
    return {name: layers[name][0, :-1].tolist() for name in SIGNALS}


def same(one: Any, other: Any, within: float = TOLERANCE) -> bool:
    """Return whether two values are the same, numbers up to a part of their size."""
    if isinstance(one, float) or isinstance(other, float):
        return math.isclose(one, other, rel_tol=within, abs_tol=within)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            same(*two, within) for two in zip(one, other, strict=True)
        )
    if isinstance(one, dict) and isinstance(other, dict):
        keys = one.keys() if one.keys() == other.keys() else None
        return keys is not None and all(
            same(one[key], other[key], OF_ITS_OWN.get(key, within)) for key in keys
        )
    return bool(one == other)


def main(check: bool) -> int:
    """Write the files, or tell which are out of date; return how many those are."""
    HERE.mkdir(parents=True, exist_ok=True)
    stale = 0
    for made in (points, thresholds, causes, colours, ziggurat, reference):
        text = json.dumps(made(), separators=(",", ":")) + "\n"
        path = HERE / f"{made.__name__}.json"
        if check:
            if path.exists() and same(
                json.loads(path.read_text(encoding="utf-8")), json.loads(text)
            ):
                continue
            stale += 1
            print(f"{path.name} is out of date: python web/export.py, then npm run build in web/")
        else:
            path.write_text(text, encoding="utf-8")
    return stale


if __name__ == "__main__":
    np.seterr(divide="raise", over="raise", invalid="raise")
    sys.exit(min(1, main(check="--check" in sys.argv[1:])))
