"""A cubic spline over evenly spaced knots: what ``scipy.interpolate`` takes longer to import."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Spline:
    """The cubic spline through values at evenly spaced knots, at least six.

    Its third derivative goes on through the second knot from either end ("not-a-knot").

    Attributes
    ----------
    knots, values : array, shape (n,)

    Examples
    --------
    A cubic is its own spline:

    >>> x = np.linspace(0, 2, 9)
    >>> cube = Spline(x, x**3)
    >>> cube.at(np.array([0.5, 1.7])).round(6), cube.slope(np.array([0.5, 1.7])).round(6)
    (array([0.125, 4.913]), array([0.75, 8.67]))
    """

    knots: Array
    values: Array

    @property
    def step(self) -> float:
        """The distance between two knots."""
        return float(self.knots[1] - self.knots[0])

    @cached_property
    def _bends(self) -> Array:
        """The second derivative at each knot, of which any three in a row add up as 1, 4, 1."""
        inner = (6 * np.diff(self.values, 2) / self.step**2).tolist()
        inner[0], inner[-1] = inner[0] / 6, inner[-1] / 6  # as not-a-knot has it
        inner[1], inner[-2] = inner[1] - inner[0], inner[-2] - inner[-1]
        pivots = [4.0, 4.0]
        for i in range(2, len(inner) - 1):
            inner[i] -= inner[i - 1] / pivots[-1]
            pivots.append(4.0 - 1 / pivots[-1])
        inner[-2] /= pivots[-1]
        for i in range(len(inner) - 3, 0, -1):
            inner[i] = (inner[i] - inner[i + 1]) / pivots[i]
        first, last = 2 * inner[0] - inner[1], 2 * inner[-1] - inner[-2]
        return np.array([first, *inner, last])

    def _pieces(self, x: Array) -> tuple[Array, Array, Array, Array, Array]:
        """Return how far each x lies from the knot below, and the powers' coefficients there."""
        below = np.floor((x - self.knots[0]) / self.step)
        i = np.clip(np.nan_to_num(below), 0, len(self.knots) - 2).astype(int)
        y, bend, h = self.values, self._bends, self.step
        slope = (y[i + 1] - y[i]) / h - h * (2 * bend[i] + bend[i + 1]) / 6
        return x - self.knots[i], y[i], slope, bend[i] / 2, (bend[i + 1] - bend[i]) / (6 * h)

    def at(self, x: Array) -> Array:
        """Return the spline at x."""
        t, a, b, c, d = self._pieces(x)
        return np.asarray(a + t * (b + t * (c + t * d)))

    def slope(self, x: Array) -> Array:
        """Return its derivative at x."""
        t, _, b, c, d = self._pieces(x)
        return np.asarray(b + t * (2 * c + 3 * t * d))
