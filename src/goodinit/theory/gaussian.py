"""Expectations of an activation under Gaussian pre-activations, of one example and of two."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.polynomial.polynomial import polyval
from numpy.typing import NDArray
from scipy.special import gammaln

from goodinit.activations import Activation
from goodinit.theory.spline import Spline

Array = NDArray[np.floating]
Function = Callable[[Array], Array]

_REACH = 9.0  # standard deviations; what lies beyond weighs 1e-19
_NODES = 120  # on either side of 0, where activations bend
_DEGREES = 40  # of the Hermite series
_STRAIGHT = 1e-12
_BEYOND = 100.0  # times a term that may be left out is what all terms beyond the series may be
_LOG_Q = np.linspace(-69.0, 69.0, 553)  # lengths from 1e-30 to 1e30


def _half_line() -> tuple[Array, Array]:
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    x = 0.5 * _REACH * (nodes + 1)
    w = 0.5 * _REACH * weights * np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)
    return np.concatenate([-x[::-1], x]), np.concatenate([w[::-1], w])


_X, _W = _half_line()


def _hermite(x: Array) -> Array:
    """Return the orthonormal Hermite polynomials at x, shape (nodes, degrees)."""
    rows = [np.ones_like(x), x]
    for k in range(1, _DEGREES):
        rows.append((x * rows[k] - np.sqrt(k) * rows[k - 1]) / np.sqrt(k + 1))
    return np.stack(rows, axis=1)


_H = _W[:, np.newaxis] * _hermite(_X)


def _arcsine_terms() -> Array:
    j = np.arange(_DEGREES // 2 + 1)
    terms: Array = np.exp(gammaln(2 * j + 1) - 2 * gammaln(j + 1) - j * np.log(4)) / (2 * j + 1)
    return terms


_ARCSINE = _arcsine_terms()


# Of what lies beyond the series: a step's odd powers 1, 3, ..., a bend's even ones 2, 4, ...
_STEP_SERIES = _ARCSINE[: _DEGREES // 2]
_BEND_SERIES = _STEP_SERIES / (2 * np.arange(_DEGREES // 2) + 2)


def _step_tail(c: Array) -> Array:
    """Return what of a step's kernel lies beyond the series, 1 at c = 1."""
    series = c * polyval(c * c, _STEP_SERIES)
    tail: Array = (np.arcsin(c) - series) / (0.5 * np.pi - _STEP_SERIES.sum())
    return tail


def _bend_tail(c: Array) -> Array:
    """Return what of a bend's kernel lies beyond the series, 1 at c = 1."""
    left = np.sqrt(1 - c * c) + c * np.arcsin(c) - 1 - c * c * polyval(c * c, _BEND_SERIES)
    tail: Array = left / (0.5 * np.pi - 1 - _BEND_SERIES.sum())
    return tail


def mean(function: Function, q: Array) -> Array:
    """Return E[f(z)], z ~ N(0, q), for each length q.

    Examples
    --------
    >>> mean(lambda z: z**4, np.array([1.0, 2.0])).round(6)
    array([ 3., 12.])
    """
    values: Array = function(np.sqrt(q)[..., np.newaxis] * _X) @ _W
    return values


def pairs(function: Function, q: Array, c: Array, *, step: bool = False) -> Array:
    """Return E[f(zᵢ) f(zⱼ)] for jointly Gaussian z with variances q and correlations c.

    By the Hermite series of f (Mehler 1866) to degree 40; of what is left, which is nothing for a
    smooth f, the value at c = 1 is exact and the shape is that of a bend at 0, or of a step.

    Parameters
    ----------
    function : callable
    q : array, shape (m,)
    c : array, shape (m, m)
    step : bool
        Whether f may jump at 0, as the slope of ReLU does.

    Returns
    -------
    array, shape (m, m)

    Examples
    --------
    Cho and Saul 2009 for ReLU, (√(1 - c²) + c (π - arccos c)) / 2π:

    >>> c = np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> pairs(lambda z: np.maximum(z, 0), np.ones(2), c).round(6)
    array([[0.5     , 0.304499],
           [0.304499, 0.5     ]])
    """
    return paired(at_nodes(function, q), c, step=step)


def at_nodes(function: Function, q: Array) -> Array:
    """Return f at the quadrature's nodes, shape (m, nodes), of pre-activations of lengths q."""
    values: Array = function(np.sqrt(q)[:, np.newaxis] * _X)
    return values


def squared_mean(values: Array) -> Array:
    """Return E[f(z)²], shape (m,), of an f that is known at the nodes."""
    return np.asarray((values * values) @ _W)


def paired(values: Array, c: Array, *, step: bool = False, to: float = 1e-11) -> Array:
    """Return what ``pairs`` does, of an f that is known at the nodes.

    Parameters
    ----------
    values : array, shape (m, nodes)
        As ``at_nodes`` returns them.
    c : array, shape (m, m)
    step : bool
    to : float
        How small a part of the largest term may be to be left out.

    Returns
    -------
    array, shape (m, m)
    """
    coefficients = values @ _H
    sizes = np.max(coefficients**2, axis=0)
    kept = np.flatnonzero(sizes > to * sizes.max())
    total, term = np.zeros_like(c), np.empty_like(c)
    if len(kept):
        every = 1 if np.ptp(kept % 2) else 2  # an odd function has odd powers alone
        power = c if every == 1 else c * c
        for k in range(kept[-1], -1, -every):  # Horner's scheme
            total *= power
            np.multiply.outer(coefficients[:, k], coefficients[:, k], out=term)
            total += term
        if kept[-1] % every:
            total *= c
    own = squared_mean(values)
    beyond = own - np.sum(coefficients**2, axis=1)
    if beyond.max() > _BEYOND * to * own.max():
        left = (values * _W) @ values.T - coefficients @ coefficients.T
        total += left * (_step_tail if step else _bend_tail)(c)
    return total


def kernel(function: Function, q: float) -> Callable[[float], float]:
    """Return E[f(z) f(z')], z and z' of variance q, as a function of their correlation.

    As ``pairs``, with the series made once for many correlations.

    Examples
    --------
    >>> round(kernel(lambda z: np.maximum(z, 0), 1.0)(0.5), 6)
    0.304499
    """
    values = at_nodes(function, np.array([q]))
    squares = (values @ _H)[0] ** 2
    rest = float(squared_mean(values)[0] - squares.sum())

    def follows(c: float) -> float:
        at = np.array(c)
        return float(polyval(at, squares) + rest * _bend_tail(at))

    return follows


@dataclass(frozen=True)
class Moments:
    """One activation's expectations, as functions of the length q of its pre-activations."""

    activation: Activation

    @cached_property
    def bend(self) -> tuple[float, float] | None:
        """Return (b, a) where φ(z) = a z + b |z|, as of ReLU (½, ½); None where it isn't so."""
        with np.errstate(all="ignore"):
            above, below = (float(self.activation.function(np.array([z]))[0]) for z in (1.0, -1.0))
            even, odd = 0.5 * (above + below), 0.5 * (above - below)
            wide = np.concatenate([s * _X for s in (1e-3, 1.0, 1e3)])
            away = self.activation.function(wide) - odd * wide - even * np.abs(wide)
            straight = np.abs(away) <= _STRAIGHT * np.abs(wide)
        return (even, odd) if straight.all() else None

    @cached_property
    def _log_square(self) -> Spline:
        return self._table(lambda z: self.activation.function(z) ** 2)

    @cached_property
    def _log_slope(self) -> Spline:
        return self._table(lambda z: self.activation.slope(z) ** 2)

    def _table(self, function: Function) -> Spline:
        with np.errstate(all="ignore"):
            logs = np.log(mean(function, np.exp(_LOG_Q)))
        return Spline(_LOG_Q, np.nan_to_num(logs, nan=-1e3, posinf=1e3, neginf=-1e3))

    def square(self, q: Array) -> Array:
        """Return E[φ(z)²]."""
        if self.bend:
            return np.asarray(sum(part**2 for part in self.bend) * q)
        return self._read(self._log_square, lambda z: self.activation.function(z) ** 2, q)

    def slope(self, q: Array) -> Array:
        """Return E[φ'(z)²]."""
        if self.bend:
            return np.full(np.shape(q), sum(part**2 for part in self.bend))
        return self._read(self._log_slope, lambda z: self.activation.slope(z) ** 2, q)

    def square_follows(self, q: Array) -> Array:
        """Return d log E[φ²] / d log q: 1 where the activation scales what it gets."""
        if self.bend:
            return np.ones_like(q)
        return self._derivative(self._log_square, q)

    def slope_follows(self, q: Array) -> Array:
        """Return d log E[φ'²] / d log q: 0 where the slope doesn't look at the scale."""
        if self.bend:
            return np.zeros_like(q)
        return self._derivative(self._log_slope, q)

    @staticmethod
    def _derivative(table: Spline, q: Array) -> Array:
        inside = np.clip(np.log(np.maximum(q, 1e-300)), _LOG_Q[0], _LOG_Q[-1])
        return table.slope(inside)

    @staticmethod
    def _read(table: Spline, function: Function, q: Array) -> Array:
        """Read a table; beyond its ends the logarithm goes on as it went, at 0 the value is."""
        q = np.asarray(q, dtype=float)
        with np.errstate(all="ignore"):
            log_q = np.log(np.where(q > 0, q, 1.0))
            inside = np.clip(log_q, _LOG_Q[0], _LOG_Q[-1])
            found = np.exp(table.at(inside) + (log_q - inside) * table.slope(inside))
        rest = function(np.zeros(1))[0]
        return np.asarray(np.where(q > 0, found, np.where(np.isnan(q), np.nan, rest)))


@lru_cache(maxsize=64)
def moments(activation: Activation) -> Moments:
    """Return an activation's moments, whose tables are made once."""
    return Moments(activation)
