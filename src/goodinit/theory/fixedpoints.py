"""Where lengths and correlations end when the same layer comes again and again, and how fast."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from goodinit import activations
from goodinit.errors import number
from goodinit.theory.gaussian import Array, Moments, kernel, moments, pairs
from goodinit.theory.roots import root

_SETTLED = 1e-11
_CORRELATIONS = 1 - np.geomspace(1.0, 1e-7, 29)
_LOOKED_AT = 461  # lengths, of which the middle one is 1
_LONGEST, _SHORTEST = 1e25, 1e-25  # lengths beyond which a signal has exploded or vanished
_FLAT = 1e-6  # how near to 1 a rate counts as 1


@dataclass(frozen=True)
class FixedPoint:
    """Where repeated layers lead.

    Attributes
    ----------
    length : float
        q*: of the pre-activations' second moment. 0 or infinity where it vanishes or explodes; NaN
        where every length stays as it is (ReLU with σ_w² = 2, linear with 1).
    correlation : float
        c* of two inputs.
    chi : float
        χ₁ = σ_w² E[φ'(z)²] at q*: below 1 inputs grow alike and gradients vanish, above 1 they
        part and gradients explode.
    signal_depth : float
        ξ_q = -1 / log |dq'/dq|, in layers: the length's distance from q* falls by e.
    correlation_depth : float
        ξ_c = -1 / log |dc'/dc| at c*, in layers; infinite at the edge of chaos.
    """

    length: float
    correlation: float
    chi: float
    signal_depth: float
    correlation_depth: float


def fixed_point(activation: Any, weight_variance: float, bias_variance: float = 0.0) -> FixedPoint:
    """Return where layers of this activation, σ_w² and σ_b² lead.

    Parameters
    ----------
    activation : str or callable
    weight_variance : float
        σ_w² = fan_in × the variance of one weight, not negative.
    bias_variance : float
        σ_b², not negative.

    Raises
    ------
    ArgumentError
        For a variance that isn't one, or no activation.

    References
    ----------
    Poole et al. 2016 for q* and c*; Schoenholz et al. 2017, equations 7 and 9, for the depths.

    Examples
    --------
    >>> at = fixed_point("tanh", 1.3, 0.05)
    >>> print(f"{at.length:.3f} {at.chi:.3f} {at.correlation:.3f} {at.correlation_depth:.1f}")
    0.315 0.880 1.000 7.8
    """
    gain = number("weight_variance", weight_variance, "a number from 0", lambda n: n >= 0)
    bias = number("bias_variance", bias_variance, "a number from 0", lambda n: n >= 0)
    with np.errstate(all="ignore"):  # what explodes is told as such
        return _settled(moments(activations.read(activation)), gain, bias)


def _settled(known: Moments, gain: float, bias: float) -> FixedPoint:
    q = _settled_length(known, gain, bias)
    at = np.array([1.0 if np.isnan(q) else min(max(q, _SHORTEST), _LONGEST)])
    chi = float(gain * known.slope(at)[0])
    square = float(gain * known.square(at)[0])
    follows = float(square / at[0] * known.square_follows(at)[0])  # dq'/dq
    c, rate = _settled_correlation(known, gain, bias, float(at[0]))
    return FixedPoint(q, c, chi, _depth(follows), _depth(rate))


def _settled_length(known: Moments, gain: float, bias: float) -> float:
    """Return where lengths go from 1 on: the next fixed point in the direction that they take.

    The map grows with the length, so none is jumped over.
    """
    if gain == 0:
        return bias
    logs = np.linspace(np.log(_SHORTEST), np.log(_LONGEST), _LOOKED_AT)
    growth = _growth(known, gain, bias, logs)
    if bias == 0 and np.abs(growth).max() < _FLAT:
        return float("nan")  # every length stays
    start = _LOOKED_AT // 2  # 1
    up = bool(growth[start] > 0)
    for place in range(start, _LOOKED_AT) if up else range(start, -1, -1):
        if abs(growth[place]) < _SETTLED:  # on the edge it falls like 1 / layers
            return float(np.exp(logs[place])) if logs[place] > np.log(_FLAT) else 0.0
        if (growth[place] > 0) != up:
            before = logs[place - 1 if up else place + 1]
            low, high = sorted((float(before), float(logs[place])))
            found = root(lambda x: float(_growth(known, gain, bias, np.array([x]))[0]), low, high)
            return float(np.exp(found))
    return float("inf") if up else 0.0


def _growth(known: Moments, gain: float, bias: float, log_q: Array) -> Array:
    """Return log q' - log q."""
    with np.errstate(all="ignore"):  # nothing at all is passed on: -inf
        longer = np.log(gain * known.square(np.exp(log_q)) + bias)
    return np.asarray(np.nan_to_num(longer - log_q, nan=np.inf, posinf=np.inf, neginf=-np.inf))


def _settled_correlation(known: Moments, gain: float, bias: float, q: float) -> tuple[float, float]:
    """Return c* and dc'/dc there."""
    total = float(gain * known.square(np.array([q]))[0] + bias)
    alike = float(gain * known.slope(np.array([q]))[0] * q / total) if total else 0.0
    if alike <= 1 + _FLAT:
        return 1.0, alike
    follows = kernel(known.activation.function, q)

    def excess(c: float) -> float:
        return float((gain * follows(c) + bias) / total) - c

    if not np.isfinite(excess(0.5)):
        return float("nan"), float("nan")
    # The map is a power series of no negative terms: convex, it crosses the diagonal once below 1.
    beyond = next((c for c in _CORRELATIONS if excess(c) < 0), None)
    if beyond is None:
        return 1.0, alike
    c = 0.0 if excess(0.0) <= _SETTLED else root(excess, 0.0, float(beyond))
    slope = pairs(known.activation.slope, np.array([q, q]), _square(c), step=True)[0, 1]
    return c, float(gain * slope * q / total)


def _square(c: float) -> Array:
    return np.array([[1.0, c], [c, 1.0]])


def _depth(rate: float) -> float:
    rate = abs(rate)
    if rate == 0:
        return 0.0
    return float("inf") if abs(rate - 1) < _FLAT else float(abs(1 / np.log(rate)))


def edge_of_chaos(activation: Any, bias_variance: float = 0.0) -> float:
    """Return the σ_w² at which χ₁ = 1, between order and chaos; NaN where there is none up to 100.

    References
    ----------
    Schoenholz et al. 2017, figure 1.

    Examples
    --------
    >>> round(edge_of_chaos("tanh", 0.05), 2), round(edge_of_chaos("relu"), 2)
    (1.76, 2.0)
    """
    bias = number("bias_variance", bias_variance, "a number from 0", lambda n: n >= 0)
    known = moments(activations.read(activation))

    def excess(gain: float) -> float:
        q = _settled_length(known, gain, bias)
        at = 1.0 if np.isnan(q) else min(max(q, _SHORTEST), _LONGEST)
        return float(gain * known.slope(np.array([at]))[0]) - 1

    grid = np.geomspace(0.05, 100, 60)
    above = [excess(float(gain)) > 0 for gain in grid]
    if not any(above) or above[0]:
        return float("nan")
    first = above.index(True)
    return root(excess, float(grid[first - 1]), float(grid[first]), to=1e-6)
