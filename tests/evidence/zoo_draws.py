"""Initializations of the zoo that goodinit has no name for."""

import numpy as np
from numpy.typing import NDArray

from goodinit.initializers import Draw, Scheme, read

Array = NDArray[np.float64]


def repeated(units: int, *, distinct: int = 1, base: Draw | None = None) -> Draw:
    """Repeat the first units of the layer of that many, and their outgoing weights with them."""
    base = base or read("he_normal")

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        weights = np.array(base(rng, shape))
        fan_out, fan_in = shape
        if fan_out == units:
            weights = weights[np.arange(fan_out) % distinct]
        elif fan_in == units:
            weights = weights[:, np.arange(fan_in) % distinct]
        return weights

    return draw


def negative_bias(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Weigh the constant feature, the last of three, so that no ReLU of the first layer opens."""
    weights = np.array(read("he_normal")(rng, shape))
    if shape[1] == 3:
        weights[:, -1] = -10
    return weights


def all_negative(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Draw weights below zero alone: positive features, as pixels are, open no unit."""
    return -np.abs(read("he_normal")(rng, shape))


def some_dead(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Kill every fifth unit of the first layer, over three features."""
    weights = np.array(read("he_normal")(rng, shape))
    if shape[1] == 3:
        weights[::5, -1] = -10
    return weights


def layers(first: str, output: str) -> Draw:
    """Draw all layers but that of one unit by one scheme, and that one by another."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        scheme: Scheme = read(output if shape[0] == 1 else first)
        return scheme(rng, shape)

    return draw


def one_layer(chosen: tuple[int, int], std: float) -> Draw:
    """Draw the layer of one shape too large or small, and the others as He et al. do."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        spec = f"normal(std={std})" if shape == chosen else "he_normal"
        scheme: Scheme = read(spec)
        return scheme(rng, shape)

    return draw


def scaled(factor: float, spec: str) -> Draw:
    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        return np.asarray(factor * read(spec)(rng, shape))

    return draw
