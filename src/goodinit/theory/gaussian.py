"""Expectations of an activation under Gaussian pre-activations, of one example and of two."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.polynomial.polynomial import polyval
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.special import gammaln

from goodinit.activations import Activation

Array = NDArray[np.floating]
Function = Callable[[Array], Array]

_REACH = 9.0  # standard deviations; what lies beyond weighs 1e-19
_NODES = 120  # on either side of 0, where activations bend
_DEGREES = 40  # of the Hermite series
_NOTHING = 1e-100
_FEW = 8  # inputs of which all powers of their correlations are made at once
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
_STEP_SERIES = np.zeros(_DEGREES)
_STEP_SERIES[1::2] = _ARCSINE[: _DEGREES // 2]
_BEND_SERIES = np.zeros(_DEGREES + 1)
_BEND_SERIES[2::2] = _ARCSINE[: _DEGREES // 2] / (2 * np.arange(_DEGREES // 2) + 2)


def _sum(c: Array, series: Array) -> Array:
    """Return the sum of a power series at each c; few are done at once, as one product."""
    if c.size > _FEW**2:
        return np.asarray(polyval(c, series))
    powers: Array = c[..., np.newaxis] ** np.arange(len(series))
    return powers @ series


def _step_tail(c: Array) -> Array:
    """Return what of a step's kernel lies beyond the series, 1 at c = 1."""
    tail: Array = (np.arcsin(c) - _sum(c, _STEP_SERIES)) / (0.5 * np.pi - _STEP_SERIES.sum())
    return tail


def _bend_tail(c: Array) -> Array:
    """Return what of a bend's kernel lies beyond the series, 1 at c = 1."""
    left = np.sqrt(1 - c * c) + c * np.arcsin(c) - 1
    tail: Array = (left - _sum(c, _BEND_SERIES)) / (0.5 * np.pi - 1 - _BEND_SERIES.sum())
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
    coefficients, left = _series(function, q)
    tail = _step_tail if step else _bend_tail
    if len(q) <= _FEW:
        products = coefficients[:, np.newaxis] * coefficients
        powers = c[..., np.newaxis] ** np.arange(products.shape[-1])
        few: Array = (products * powers).sum(-1) + left * tail(c)
        return few
    total = np.zeros_like(c)
    for a in coefficients.T[::-1]:
        total = total * c + np.outer(a, a)
    return total + left * tail(c)


def kernel(function: Function, q: float) -> Callable[[float], float]:
    """Return E[f(z) f(z')], z and z' of variance q, as a function of their correlation.

    As ``pairs``, with the series made once for many correlations.

    Examples
    --------
    >>> round(kernel(lambda z: np.maximum(z, 0), 1.0)(0.5), 6)
    0.304499
    """
    coefficients, left = _series(function, np.array([q]))
    squares, rest = coefficients[0] ** 2, float(left[0, 0])

    def follows(c: float) -> float:
        at = np.array(c)
        return float(_sum(at, squares) + rest * _bend_tail(at))

    return follows


def _series(function: Function, q: Array) -> tuple[Array, Array]:
    """Return the Hermite coefficients, (m, degrees), and the part of (m, m) beyond them."""
    values = function(np.sqrt(q)[:, np.newaxis] * _X)
    coefficients = values @ _H
    coefficients[np.abs(coefficients) < _NOTHING] = 0.0  # products of such numbers are slow
    return coefficients, (values * _W) @ values.T - coefficients @ coefficients.T


@dataclass(frozen=True)
class Moments:
    """One activation's expectations, as functions of the length q of its pre-activations."""

    activation: Activation

    @cached_property
    def _log_square(self) -> CubicSpline:
        return self._table(lambda z: self.activation.function(z) ** 2)

    @cached_property
    def _log_slope(self) -> CubicSpline:
        return self._table(lambda z: self.activation.slope(z) ** 2)

    def _table(self, function: Function) -> CubicSpline:
        with np.errstate(all="ignore"):
            logs = np.log(mean(function, np.exp(_LOG_Q)))
        return CubicSpline(_LOG_Q, np.where(np.isfinite(logs), logs, -1e3))

    def square(self, q: Array) -> Array:
        """Return E[φ(z)²]."""
        return self._read(self._log_square, lambda z: self.activation.function(z) ** 2, q)

    def slope(self, q: Array) -> Array:
        """Return E[φ'(z)²]."""
        return self._read(self._log_slope, lambda z: self.activation.slope(z) ** 2, q)

    def square_follows(self, q: Array) -> Array:
        """Return d log E[φ²] / d log q: 1 where the activation scales what it gets."""
        return self._derivative(self._log_square, q)

    def slope_follows(self, q: Array) -> Array:
        """Return d log E[φ'²] / d log q: 0 where the slope doesn't look at the scale."""
        return self._derivative(self._log_slope, q)

    @staticmethod
    def _derivative(table: CubicSpline, q: Array) -> Array:
        inside = np.clip(np.log(np.maximum(q, 1e-300)), _LOG_Q[0], _LOG_Q[-1])
        found: Array = table(inside, 1)
        return found

    @staticmethod
    def _read(table: CubicSpline, function: Function, q: Array) -> Array:
        """Read a table; beyond its ends the logarithm goes on as it went, at 0 the value is."""
        q = np.asarray(q, dtype=float)
        with np.errstate(all="ignore"):
            log_q = np.log(np.where(q > 0, q, 1.0))
            inside = np.clip(log_q, _LOG_Q[0], _LOG_Q[-1])
            found = np.exp(table(inside) + (log_q - inside) * table(inside, 1))
        rest = function(np.zeros(1))[0]
        return np.asarray(np.where(q > 0, found, np.where(np.isnan(q), np.nan, rest)))


@lru_cache(maxsize=64)
def moments(activation: Activation) -> Moments:
    """Return an activation's moments, whose tables are made once."""
    return Moments(activation)
