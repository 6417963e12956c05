"""What a scheme is: a name, and a draw of weights from a generator and a shape."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Integral
from typing import Any, overload

import numpy as np
from numpy.typing import DTypeLike, NDArray

from goodinit.errors import ArgumentError, bad_argument, number, whole

Shape = tuple[int, ...]
Weights = NDArray[np.float64]
_BIASES = 2**20  # the first spawn key of biases; no network has so many layers

# A callable of the user's own may be typed for matrices only.
Draw = Callable[[np.random.Generator, Any], Weights]


@dataclass(frozen=True)
class Scheme:
    """A named initialization scheme.

    Attributes
    ----------
    name : str
        Shown in tables and pictures, and, for a scheme of this module, what ``read`` takes.
    draw : callable
        ``draw(rng, shape)`` returns weights of that shape.
    bias_std : float
        The biases are drawn from N(0, bias_std²).

    Examples
    --------
    >>> from goodinit.initializers import he_normal
    >>> weights = he_normal()(np.random.default_rng(0), shape=(10, 2))
    >>> weights.shape
    (10, 2)
    >>> he_normal()(np.random.default_rng(0), shape=(8, 4, 3, 3), dtype="float32").dtype
    dtype('float32')
    """

    name: str
    draw: Draw
    bias_std: float = 0.0

    @overload
    def __call__(self, rng: np.random.Generator, shape: int | Sequence[int]) -> Weights: ...
    @overload
    def __call__(
        self, rng: np.random.Generator, shape: int | Sequence[int], dtype: DTypeLike
    ) -> NDArray[Any]: ...

    def __call__(
        self, rng: np.random.Generator, shape: int | Sequence[int], dtype: DTypeLike = np.float64
    ) -> NDArray[Any]:
        """Return weights.

        Parameters
        ----------
        rng : Generator
        shape : int or sequence of int
            ``(fan_out, fan_in)``, as PyTorch has it; of a convolution ``(outputs, inputs,
            *kernel)``, whose fans are each times the size of the kernel. A scheme that looks at no
            fan takes any shape. Nothing is drawn where a size is 0.
        dtype : data type, optional
            Any of real floating point. Draws are made in float64, and rounded.

        Returns
        -------
        array

        Raises
        ------
        ArgumentError
            For no shape or no such type; where the scheme takes no such shape; where the draw
            raises an error, or is not an array of finite numbers of that shape.
        """
        sizes, kind = _sizes(shape), _floating(dtype)
        if 0 in sizes:
            return np.empty(sizes, kind)
        drawn = self._drawn(rng, sizes)
        try:
            exact = np.asarray(drawn).astype(np.float64, casting="same_kind")
        except (TypeError, ValueError):
            raise bad_argument(f"initializer {self.name}", drawn, "an array of numbers") from None
        if exact.shape != sizes:
            raise bad_argument(
                f"initializer {self.name}",
                f"shape {exact.shape}",
                f"weights of the shape that was asked for, {sizes}",
            )
        with np.errstate(over="ignore"):  # the line on finite weights says it
            weights = exact.astype(kind, copy=False)
        if not np.isfinite(weights).all():
            takes = "finite weights" if kind == np.float64 else f"weights that {kind} can hold"
            raise bad_argument(f"initializer {self.name}", "NaN or infinity", takes)
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


@dataclass(frozen=True, eq=False)
class Arrays:
    """Draws nothing: the weights are given, one array for each layer of a network."""

    arrays: tuple[Weights, ...]

    def __call__(self, rng: np.random.Generator, shape: Shape) -> Weights:
        """Return the only array."""
        if len(self.arrays) > 1:
            takes = "an array for each layer of a network; for one layer, one array"
            raise bad_argument("initializer", f"{len(self.arrays)} arrays", takes)
        return self.arrays[0]

    def of_layers(self, count: int) -> tuple[Weights, ...]:
        """Return the arrays of a network of so many layers."""
        if len(self.arrays) != count:
            got = f"{len(self.arrays)} arrays of weights"
            raise bad_argument("initializer", got, f"as many as the network has layers, {count}")
        return self.arrays


def _sizes(shape: Any) -> Shape:
    given = (shape,) if isinstance(shape, Integral) else shape
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise bad_argument("shape", shape, "whole numbers from 0")
    return tuple(whole("shape", size, at_least=0) for size in given)


def _floating(dtype: DTypeLike) -> np.dtype[Any]:
    takes = "a type of real floating point numbers, such as float32"
    try:
        kind = np.dtype(dtype)
    except TypeError:
        raise bad_argument("dtype", dtype, takes) from None
    if not np.issubdtype(kind, np.floating):
        raise bad_argument("dtype", str(kind), takes)
    return kind


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

    Raises
    ------
    ArgumentError
        As of a call of the scheme; or where it has not an array for each layer.

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
    shapes = [(fan_out, fan_in) for fan_in, fan_out in pairwise(layers)]
    of_layer = [scheme] * len(shapes)
    if isinstance(scheme.draw, Arrays):
        arrays = scheme.draw.of_layers(len(shapes))
        of_layer = [Scheme(f"{scheme.name} {i}", Arrays((a,))) for i, a in enumerate(arrays, 1)]
    return [
        drawn(generator(seed, layer), shape)
        for layer, (drawn, shape) in enumerate(zip(of_layer, shapes, strict=True))
    ]
