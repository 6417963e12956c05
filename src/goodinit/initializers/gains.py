"""The gain of each activation: by how much it wants its weights scaled."""

from collections.abc import Callable
from typing import Any

import numpy as np

from goodinit import activations
from goodinit.activations import Activation
from goodinit.errors import bad_argument


def _elu_gain(_: Activation) -> float:
    from scipy.special import ndtr

    return float((1 + np.exp(2) * ndtr(-2.0) - 2 * np.exp(0.5) * ndtr(-1.0)) ** -0.5)


# The values that frameworks and textbooks use. tanh's 5/3 and sigmoid's 1 are conventions
# (``torch.nn.init.calculate_gain``); the others preserve the second moment of N(0, 1) exactly.
_CLOSED_GAINS: dict[str, Callable[[Activation], float]] = {
    "linear": lambda _: 1.0,
    "sigmoid": lambda _: 1.0,
    "tanh": lambda _: 5 / 3,
    "selu": lambda _: 1.0,
    "elu": _elu_gain,
    "celu": _elu_gain,
    "relu": lambda _: float(np.sqrt(2.0)),
    "leaky_relu": lambda a: float(np.sqrt(2) / np.hypot(1, a.parameter)),
}
_REACH = 12.0  # standard deviations; what lies beyond weighs 1e-32
_PIECE = 0.5  # activations bend at multiples of it
_NODES = 20  # in each piece


def _nodes() -> tuple[activations.Array, activations.Array]:
    x, w = np.polynomial.legendre.leggauss(_NODES)
    starts = np.arange(-_REACH, _REACH, _PIECE)[:, np.newaxis]
    z = (starts + 0.5 * _PIECE * (x + 1)).ravel()
    density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    return z, np.tile(0.5 * _PIECE * w, len(starts)) * density


def _second_moment(function: Callable[[activations.Array], activations.Array]) -> float:
    """Return E[f(z)²], z ~ N(0, 1), by Gauss and Legendre's rule between the bends."""
    z, weights = _nodes()
    return float(weights @ function(z) ** 2)


# What PyTorch's users give a gain to, though it is no function of one number, or learns its slope.
_NO_ACTIVATIONS: dict[str, Callable[[], float]] = {
    "glu": lambda: _second_moment(activations.sigmoid) ** -0.5,
    "prelu": lambda: float(np.sqrt(2 / (1 + 0.25**2))),  # at the slope that PyTorch gives it
    **{f"conv{rank}d": lambda: 1.0 for rank in (1, 2, 3)},
    **{f"conv_transpose{rank}d": lambda: 1.0 for rank in (1, 2, 3)},
}


def gain(activation: Any) -> float:
    """Return the factor by which an activation wants its weights scaled, √(scale).

    With Var W = gain² / fan_in a layer keeps the second moment 1 of its pre-activations. Whether a
    deep network stays there is another matter: an excess grows by 14 % a layer under gelu and by
    17 % under silu, stays under relu, and dies out under selu and elu.

    - Closed form: linear 1, relu √2, leaky_relu(slope) √(2 / (1 + slope²)) for any slope, selu 1
      (its constants are made for that; PyTorch gives 3/4), elu 1 / √(1 + e² Φ(-2) - 2 √e Φ(-1)).
      A convolution alone, in PyTorch's words ``conv2d``, is linear.
    - By convention, as in ``torch.nn.init.calculate_gain``: tanh 5/3, sigmoid 1.
    - By quadrature, 1 / √E[f(z)²] with z ~ N(0, 1): all others, and any function of yours. ``glu``
      is a gated unit, which multiplies one half of its inputs by the sigmoid of the other.

    Parameters
    ----------
    activation : str or callable
        A name or spec of ``goodinit.activations``, such as ``"leaky_relu(0.2)"``; or a function
        that maps arrays, or tensors of PyTorch, elementwise.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        Where there is no such activation, or no gain helps, as where it is 0 everywhere.

    References
    ----------
    He et al. 2015, equation 10, for the condition; He et al. 2015, equation 15, for leaky_relu.

    Examples
    --------
    >>> [round(gain(name), 4) for name in ("relu", "tanh", "gelu", "silu")]
    [1.4142, 1.6667, 1.5335, 1.6765]
    >>> round(gain(lambda z: np.maximum(z, 0) ** 3), 4)  # E[z⁶]/2 = 15/2
    0.3651
    """
    if isinstance(activation, str) and activation in _NO_ACTIVATIONS:
        return _NO_ACTIVATIONS[activation]()
    function = activations.read(activation)
    closed = _CLOSED_GAINS.get(function.name.partition("(")[0])
    if closed and isinstance(activation, str | Activation):
        return closed(function)
    with np.errstate(over="ignore"):
        moment = _second_moment(function.function)
    if not 0 < moment < np.inf:
        takes = "one whose mean square under N(0, 1) is finite and above 0"
        raise bad_argument("activation", function.name, takes)
    return float(1 / np.sqrt(moment))
