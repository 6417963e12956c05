"""What each activation does to a pre-activation, and its slope and curvature there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from goodinit.errors import bad_argument
from goodinit.specs import build

Array = NDArray[np.floating]

# Klambauer et al. 2017, equation 14: the fixed point (mean 0, variance 1) in closed form.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


@dataclass(frozen=True)
class Activation:
    """An elementwise function with its derivatives.

    Attributes
    ----------
    name : str
        As written in a spec string.
    function, slope : callable
        Pre-activations of any shape to activations, and to d activation / d pre-activation, of
        the same shape. At a kink the slope is the one from the left, as frameworks have it.
    curvature : callable
        The second derivative, likewise; 0 at a kink.
    parameter : float
        The slope below zero of ``leaky_relu``; 0 for the others.
    """

    name: str
    function: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    curvature: Callable[[Array], Array] = np.zeros_like
    parameter: float = 0.0

    def __str__(self) -> str:
        return self.name


def sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(-z)), without overflow.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def softplus(z: Array) -> Array:
    """Return log(1 + exp(z)), without overflow.

    Examples
    --------
    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).round(4).tolist()
    [0.0, 0.6931, 1000.0]
    """
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _normal_cdf(z: Array) -> Array:
    from scipy.special import ndtr

    cdf: Array = ndtr(z)
    return cdf


def _normal_pdf(z: Array) -> Array:
    pdf: Array = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    return pdf


def _elu(z: Array, alpha: float, scale: float) -> Array:
    return scale * np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))


def _elu_slope(z: Array, alpha: float, scale: float) -> Array:
    return scale * np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0)))


def _elu_curvature(z: Array, alpha: float, scale: float) -> Array:
    return scale * np.where(z > 0, 0.0, alpha * np.exp(np.minimum(z, 0)))


def _leaky_relu(z: Array, slope: float) -> Array:
    return np.where(z > 0, z, slope * z)


def _leaky_relu_slope(z: Array, slope: float) -> Array:
    return np.where(z > 0, 1.0, slope)


def _sigmoid_slope(z: Array) -> Array:
    a = sigmoid(z)
    return a * (1 - a)


def _silu_slope(z: Array) -> Array:
    a = sigmoid(z)
    return a * (1 + z * (1 - a))


def _sigmoid_curvature(z: Array) -> Array:
    a = sigmoid(z)
    return a * (1 - a) * (1 - 2 * a)


def _tanh_curvature(z: Array) -> Array:
    a = np.tanh(z)
    curvature: Array = -2 * a * (1 - a * a)
    return curvature


def _silu_curvature(z: Array) -> Array:
    a = sigmoid(z)
    return a * (1 - a) * (2 + z * (1 - 2 * a))


def leaky_relu(slope: float = 0.01) -> Activation:
    """Return the leaky ReLU: z above zero, slope × z below (Maas et al. 2013).

    Raises
    ------
    ArgumentError
        Where the slope is not a number from 0 to below 1.
    """
    if not isinstance(slope, int | float) or not 0 <= slope < 1:
        raise bad_argument("slope", slope, "a number from 0 to below 1")
    return Activation(
        "leaky_relu" if slope == 0.01 else f"leaky_relu({float(slope)})",
        partial(_leaky_relu, slope=float(slope)),
        partial(_leaky_relu_slope, slope=float(slope)),
        parameter=float(slope),
    )


def _identity(z: Array) -> Array:
    return z


def _elu_activation(name: str, alpha: float, scale: float) -> Activation:
    f, slope, curvature = (
        partial(part, alpha=alpha, scale=scale) for part in (_elu, _elu_slope, _elu_curvature)
    )
    return Activation(name, f, slope, curvature)


_PLAIN = {
    activation.name: activation
    for activation in (
        Activation("relu", lambda z: np.maximum(z, 0), lambda z: np.where(z > 0, 1.0, 0.0)),
        Activation("tanh", np.tanh, lambda z: 1 - np.tanh(z) ** 2, _tanh_curvature),
        Activation("sigmoid", sigmoid, _sigmoid_slope, _sigmoid_curvature),
        _elu_activation("elu", alpha=1.0, scale=1.0),
        _elu_activation("selu", alpha=SELU_ALPHA, scale=SELU_SCALE),
        Activation(
            "gelu",
            lambda z: z * _normal_cdf(z),
            lambda z: _normal_cdf(z) + z * _normal_pdf(z),
            lambda z: (2 - z * z) * _normal_pdf(z),
        ),
        Activation("silu", lambda z: z * sigmoid(z), _silu_slope, _silu_curvature),
        Activation("softplus", softplus, sigmoid, _sigmoid_slope),
        Activation("linear", _identity, np.ones_like),
    )
}

NAMES = ("relu", "leaky_relu", *[name for name in _PLAIN if name != "relu"])


def _maker(name: str) -> Callable[..., Activation]:
    return leaky_relu if name == "leaky_relu" else lambda: _PLAIN[name]


_MAKERS = {name: _maker(name) for name in NAMES}


def read(spec: str) -> Activation:
    """Return the activation that a spec string names.

    Parameters
    ----------
    spec : str
        One of ``NAMES``; ``leaky_relu`` also as ``leaky_relu(0.2)``.

    Raises
    ------
    ArgumentError
        Where there is no such activation; the nearest name is offered.

    Examples
    --------
    >>> read("leaky_relu(0.2)").function(np.array([-1.0, 2.0]))
    array([-0.2,  2. ])
    """
    if not isinstance(spec, str):
        raise bad_argument("activation", spec, f"one of {', '.join(NAMES)}")
    return build("activation", spec, _MAKERS)
