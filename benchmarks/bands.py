"""How often networks lie in theory's bands: drawn anew, over activations, widths, depths and data.

``python benchmarks/bands.py`` prints what docs/theory.md quotes; a band should hold 90 %.
"""

import argparse
from itertools import pairwise, product

import numpy as np
import pandas as pd

from goodinit import network as oracle
from goodinit.datasets import Dataset, load
from goodinit.theory import predict

SCHEMES = {
    "relu": "he_normal",
    "leaky_relu": "he_uniform",
    "tanh": "lecun_normal",
    "sigmoid": "glorot_normal",
    "gelu": "he_normal",
    "selu": "lecun_normal",
    "linear": "orthogonal",
}
MULTIPLICATIONS = 60_000_000_000  # of the networks of one cell
FEWEST = 20  # networks, of which a cell can say anything
EXAMPLES = 300  # of a data set
AIM = (0.87, 0.93)
DRAWN = 96  # networks that a band is made of where it is drawn, about
_SLACK = 1e-9


def some(name: str) -> Dataset:
    """Return a data set's first training examples."""
    data = load(name)
    return load((data.X_train[:EXAMPLES], data.y_train[:EXAMPLES], data.X_test, data.y_test))


def inside(
    name: str, activation: str, width: int, depth: int, networks: int
) -> dict[str, object] | None:
    """Return the shares of layers of networks drawn that lie in each band; None if too large."""
    scheme, dataset = SCHEMES[activation], some(name)
    sizes = (dataset.n_features, *(width,) * depth, 10)
    each = 3 * len(dataset.X_train) * sum(a * b for a, b in pairwise(sizes))
    networks = min(networks, MULTIPLICATIONS // each)
    if networks < FEWEST:
        return None
    found = predict(dataset, scheme, hidden=(width,) * depth, activation=activation)
    network, table = found.network, found.layers
    y = oracle.targets(network, dataset.y_train)
    ends = {
        line: (table[low].to_numpy() * (1 - _SLACK), table[high].to_numpy() * (1 + _SLACK))
        for line, low, high in (
            ("preactivations", "low", "high"),
            ("gradients", "gradient_low", "gradient_high"),
        )
    }
    hits: dict[str, list[float]] = {line: [] for line in ends}
    for seed in range(networks):
        parameters = oracle.initialize(network, found.scheme, seed)
        lengths, _ = oracle.forward(network, parameters, dataset.X_train)
        slopes = [w for w, _ in oracle.backward(network, parameters, dataset.X_train, y)]
        for line, arrays in (("preactivations", lengths), ("gradients", slopes)):
            rms = np.array([np.sqrt(np.mean(of**2)) for of in arrays])
            low, high = ends[line]
            hits[line].append(float(np.mean((rms >= low) & (rms <= high))))
    bands = found.bands
    return {
        "data": name,
        "activation": activation,
        "width": width,
        "depth": depth,
        "networks": networks,
        "preactivations": np.mean(hits["preactivations"]),
        "by": bands["preactivation_rms"],
        "gradients": np.mean(hits["gradients"]),
        "by_": bands["gradient_rms"],
    }


def main() -> None:
    """Print the share of each cell, and of all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="circles,digits")
    parser.add_argument("--activations", default=",".join(SCHEMES))
    parser.add_argument("--widths", default="16,64,256,512")
    parser.add_argument("--depths", default="1,3,10,50")
    parser.add_argument("--networks", type=int, default=100)
    asked = parser.parse_args()
    rows = []
    grid = product(
        asked.data.split(","),
        asked.activations.split(","),
        map(int, asked.widths.split(",")),
        map(int, asked.depths.split(",")),
    )
    for data, activation, width, depth in grid:
        row = inside(data, activation, width, depth, asked.networks)
        if row is None:
            print(data, activation, width, depth, "is too large", flush=True)
            continue
        rows.append(row)
        print(*row.values(), flush=True)
    table = pd.DataFrame(rows)
    print(table.groupby("by")["preactivations"].mean().round(3).to_string())
    print(table.groupby("by_")["gradients"].mean().round(3).to_string())
    lines = ["preactivations", "gradients"]
    for columns in (["activation"], ["data"], ["width", "depth"]):
        print(table.groupby(columns)[lines].mean().round(3).to_string())
    print(table[lines].mean().round(3).to_string())
    for line in lines:
        share = table[line]
        luck = 2 * np.sqrt(0.9 * 0.1 * (1 / table["networks"] + 1 / DRAWN))
        beyond = table[(share < AIM[0] - luck) | (share > AIM[1] + luck)]
        print(f"{len(beyond)} of {len(table)} cells have {line} beyond 87 to 93 % and luck")
        print(beyond[["data", "activation", "width", "depth", line]].to_string(index=False))


if __name__ == "__main__":
    main()
