"""What a scheme is: a name, and a draw of weights from a generator and a shape."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from goodinit.errors import ArgumentError, bad_argument, number

Shape = tuple[int, int]
Weights = NDArray[np.float64]
_BIASES = 2**20  # the first spawn key of biases; no network has so many layers

Draw = Callable[[np.random.Generator, Shape], Weights]


@dataclass(frozen=True)
class Scheme:
    """A named initialization scheme.

    Attributes
    ----------
    name : str
        Shown in tables and pictures, and, for a scheme of this module, what ``read`` takes.
    draw : callable
        ``draw(rng, shape)`` returns weights of ``shape = (fan_out, fan_in)``.
    bias_std : float
        The biases are drawn from N(0, bias_std²).

    Examples
    --------
    >>> from goodinit.initializers import he_normal
    >>> weights = he_normal()(np.random.default_rng(0), shape=(10, 2))
    >>> weights.shape
    (10, 2)
    """

    name: str
    draw: Draw
    bias_std: float = 0.0

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Weights:
        """Return weights of ``shape = (fan_out, fan_in)``, as float64.

        Raises
        ------
        ArgumentError
            Where the draw raises an error, or is not an array of finite numbers of that shape.
        """
        drawn = self._drawn(rng, shape)
        try:
            weights = np.asarray(drawn).astype(np.float64, casting="same_kind")
        except (TypeError, ValueError):
            raise bad_argument(f"initializer {self.name}", drawn, "an array of numbers") from None
        if weights.shape != tuple(shape):
            raise bad_argument(
                f"initializer {self.name}",
                f"shape {weights.shape}",
                f"weights of the shape that was asked for, {shape}",
            )
        if not np.isfinite(weights).all():
            raise bad_argument(f"initializer {self.name}", "NaN or infinity", "finite weights")
        return weights

    def _drawn(self, rng: np.random.Generator, shape: Shape) -> object:
        try:
            with np.errstate(over="ignore", invalid="ignore"):  # the line on finite weights says it
                return self.draw(rng, shape)
        except ArgumentError:
            raise
        except Exception as error:  # a callable of the user's own may raise anything
            raise bad_argument(
                f"initializer {self.name}",
                f"{type(error).__name__}: {error}",
                "a callable (rng, shape) that returns weights",
            ) from error

    def __str__(self) -> str:
        return self.name


def generator(seed: int, layer: int) -> np.random.Generator:
    """Return the generator of one layer, independent of every other layer's and seed's."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(layer,)))


def with_biases(scheme: Scheme, std: float) -> Scheme:
    """Return the scheme with biases from N(0, std²), named as ``read`` takes it.

    Examples
    --------
    >>> from goodinit.initializers import he_normal, read
    >>> with_biases(he_normal(), 0.5).name, read("he_normal + bias(std=0.5)").bias_std
    ('he_normal + bias(std=0.5)', 0.5)
    """
    std = number("std", std, "a number above 0", lambda n: n > 0)
    shown = repr(std).removesuffix(".0")
    return Scheme(f"{scheme.name} + bias(std={shown})", scheme.draw, std)


def draw_biases(
    scheme: Scheme, layers: tuple[int, ...], seed: int, others: Scheme | None = None
) -> list[Weights]:
    """Return each layer's biases, (layers[l + 1],), from streams that no weights have.

    They are the scheme's own; where it draws none, those of `others`, or else zeros.
    """
    drawn = []
    for layer, units in enumerate(layers[1:]):
        rng = generator(seed, _BIASES + layer)
        if scheme.bias_std:
            drawn.append(scheme.bias_std * rng.standard_normal(units))
        else:
            drawn.append(others(rng, (units, 1))[:, 0] if others else np.zeros(units))
    return drawn


def draw_weights(scheme: Scheme, layers: tuple[int, ...], seed: int) -> list[Weights]:
    """Return one weight matrix per layer of a fully connected network.

    Each layer has a generator of its own, made from ``(seed, layer)``, so that two schemes of one
    distribution get the same standard values from the same seed: they are compared in pairs.

    Parameters
    ----------
    scheme : Scheme
    layers : tuple of int
        Sizes from the input to the output, at least two.
    seed : int
        Not negative.

    Returns
    -------
    list of array
        Shapes ``(layers[l + 1], layers[l])``.

    Examples
    --------
    >>> from goodinit.initializers import normal
    >>> small, large = (draw_weights(normal(std), (2, 3, 1), seed=4) for std in (1, 10))
    >>> np.allclose(10 * small[0], large[0])
    True
    """
    return [
        scheme(generator(seed, layer), (fan_out, fan_in))
        for layer, (fan_in, fan_out) in enumerate(pairwise(layers))
    ]
