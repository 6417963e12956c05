"""What theory expects of the layers that it knows: plain maps from the input on.

A network counts as known as long as each layer is a matrix that only the one before feeds, through
one elementwise activation and nothing else, which is the same everywhere. Behind a convolution, a
norm, a dropout or a sum theory is silent.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from goodinit.activations import Activation
from goodinit.theory.bands import quantiles, walk
from goodinit.theory.gaussian import Moments
from goodinit.theory.meanfield import forward
from goodinit.torch.inspecting.measuring import LINE, Call, rms

_MOST_EXAMPLES = 32
_SAME = 1e-3  # relative difference of two scales that are one

_Array = NDArray[np.float64]


class Known(NamedTuple):
    """The first layers of a pass, as far as theory knows them.

    Attributes
    ----------
    places : tuple of int
        Of each layer, its ``Call.index``.
    X : array, shape (examples, features)
        Some of the inputs.
    sizes : tuple of int
        Units from the input on.
    weights, biases : tuple of float
        The mean square of each layer's weights and biases, as they were drawn.
    curve : array, shape (8001,)
        The activation from -20 to 20.
    """

    places: tuple[int, ...]
    X: _Array
    sizes: tuple[int, ...]
    weights: tuple[float, ...]
    biases: tuple[float, ...]
    curve: _Array


def known(stations: Sequence[Call], inputs: Sequence[Tensor]) -> Known | None:
    """Return what theory needs of the first stations; None where it knows none of them."""
    if not stations or not inputs or not inputs[0].is_floating_point():
        return None
    if inputs[0].layout is not torch.strided:
        return None
    X = inputs[0].detach().flatten(1).double().cpu() if inputs[0].dim() > 1 else inputs[0]
    layers: list[Call] = []
    for call in stations:
        if not _goes_on(call, layers, X, len(inputs)):
            break
        layers.append(call)
    if not layers:
        return None
    curve = layers[0].curve
    with torch.no_grad():
        return Known(
            tuple(call.index for call in layers),
            X[:_MOST_EXAMPLES].numpy(),
            (X.shape[1], *(call.units for call in layers)),
            tuple(rms(*call.weights) ** 2 for call in layers),
            tuple(0.0 if call.bias is None else rms(call.bias) ** 2 for call in layers),
            (LINE if curve is None else curve).numpy(),
        )


def _goes_on(call: Call, layers: Sequence[Call], X: Tensor, inputs: int) -> bool:
    """Return whether a call is a plain map of the one before, or of the input itself."""
    if call.kind != "linear" or call.number > 1 or len(call.weights) != 1:
        return False
    if call.weights[0].dim() != 2 or X.dim() != 2:
        return False
    if not layers:
        fits = call.before == 1 and call.weights[0].numel() == call.units * X.shape[1]
        return fits and _same(call.input_rms, rms(X))
    last = layers[-1]
    if call.before != 1 << inputs + last.index:
        return False
    plain = call.weights[0].numel() == call.units * last.units
    whole = plain and _same(call.input_rms, last.signals["activation_rms"])
    return whole and _one_curve(last, layers[0])


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= _SAME * max(one, other)


def _one_curve(call: Call, first: Call) -> bool:
    if call.curve is None or first.curve is None:
        return call.curve is first.curve
    return bool(torch.equal(call.curve, first.curve))


def expected(of: Known) -> dict[int, tuple[float, float, float]]:
    """Return low end, middle and high end of the RMS that theory expects, by place.

    Low to high hold 90 % of the networks of these widths; see ``docs/theory.md``.
    """
    known = _moments(of.curve.tobytes())
    with np.errstate(all="ignore"):
        layers = forward(of.X, of.sizes, of.weights, of.biases, known)
        steps = walk(layers, [False] * len(layers), known)
        ends = quantiles(steps.mean, steps.deviation, steps.last)
    found = {}
    for place, layer, *between in zip(of.places, layers, *ends, strict=True):
        middle = float(np.sqrt(layer.q.mean()))
        low, high = (float(middle * np.exp(0.5 * end)) for end in between)
        found[place] = (low, middle, high)
    return found


@lru_cache(maxsize=8)
def _moments(values: bytes) -> Moments:
    """Return the moments of what a curve shows: straight between its points, and beyond them."""
    curve, grid = np.frombuffer(values), LINE.numpy()
    slopes = np.diff(curve) / np.diff(grid)

    def function(z: NDArray[np.floating]) -> NDArray[np.floating]:
        inside = np.interp(z, grid, curve)
        below, above = np.minimum(z - grid[0], 0) * slopes[0], np.maximum(z - grid[-1], 0)
        return np.asarray(inside + below + above * slopes[-1])

    def slope(z: NDArray[np.floating]) -> NDArray[np.floating]:
        place = np.ceil((z - grid[0]) / (grid[1] - grid[0])) - 1
        return np.asarray(slopes[np.clip(np.nan_to_num(place), 0, len(slopes) - 1).astype(int)])

    return Moments(Activation("activation", function, slope))
