"""How often networks lie in theory's bands: drawn anew, over activations, widths, depths and data.

``python benchmarks/bands.py`` prints what docs/theory.md quotes; a band should hold 90 %.
"""

import argparse
from itertools import product

import numpy as np
import pandas as pd

from goodinit import network as oracle
from goodinit.datasets import load
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
MULTIPLICATIONS = 40_000_000_000  # of the networks of one cell
_SLACK = 1e-9


def inside(data: str, activation: str, width: int, depth: int, networks: int) -> dict[str, object]:
    """Return the shares of layers of networks drawn that lie in each band."""
    scheme = SCHEMES[activation]
    found = predict(data, scheme, hidden=(width,) * depth, activation=activation)
    dataset, network, table = load(data), found.network, found.layers
    y = oracle.targets(network, dataset.y_train)
    size = sum(a * b for a, b in zip(network.layers[:-1], network.layers[1:], strict=True))
    networks = max(20, min(networks, MULTIPLICATIONS // (3 * size * len(y))))
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
        "data": data,
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
        rows.append(inside(data, activation, width, depth, asked.networks))
        print(*rows[-1].values(), flush=True)
    table = pd.DataFrame(rows)
    print(table.groupby("by")["preactivations"].mean().round(3).to_string())
    print(table.groupby("by_")["gradients"].mean().round(3).to_string())
    for column in ("activation", "width", "depth", "data"):
        shares = table.groupby(column)[["preactivations", "gradients"]].mean()
        print(shares.round(3).to_string())
    print(table[["preactivations", "gradients"]].mean().round(3).to_string())


if __name__ == "__main__":
    main()
