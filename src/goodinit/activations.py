"""What each activation does to a pre-activation, and its slope and curvature there."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit.errors import bad_argument, number
from goodinit.specs import also, build

Array = NDArray[np.floating]

# Klambauer et al. 2017, equation 14: the fixed point (mean 0, variance 1) in closed form.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
_STEP = 1e-5  # of the difference that is the slope of a function which brings none


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


@also(negative_slope="slope")
def leaky_relu(slope: float = 0.01) -> Activation:
    """Return the leaky ReLU: z above zero, slope × z below (Maas et al. 2013).

    Any slope has its gain: 1 is the identity, -1 the absolute value.

    Raises
    ------
    ArgumentError
        Where the slope is not a finite number.
    """
    slope = number("slope", slope, "a finite number")
    return Activation(
        "leaky_relu" if slope == 0.01 else f"leaky_relu({slope})",
        partial(_leaky_relu, slope=slope),
        partial(_leaky_relu_slope, slope=slope),
        parameter=slope,
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

# What networks are trained with here; it is compiled in ``training.elementwise``.
NAMES = ("relu", "leaky_relu", *[name for name in _PLAIN if name != "relu"])


def _by_difference(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    def slope(z: Array) -> Array:
        step = _STEP * np.maximum(1.0, np.abs(z))  # large numbers have no room for small steps
        found: Array = (function(z + step) - function(z - step)) / (2 * step)
        return found

    return slope


# What has a gain and a theory besides, with the constants of PyTorch.
_FURTHER: dict[str, Callable[[Array], Array]] = {
    "mish": lambda z: z * np.tanh(softplus(z)),
    "hardswish": lambda z: z * np.clip(z + 3, 0, 6) / 6,
    "celu": lambda z: _elu(z, alpha=1.0, scale=1.0),
    "relu6": lambda z: np.clip(z, 0, 6),
    "softsign": lambda z: z / (1 + np.abs(z)),
    "hardsigmoid": lambda z: np.clip(z + 3, 0, 6) / 6,
    "hardtanh": lambda z: np.clip(z, -1, 1),
    "tanhshrink": lambda z: z - np.tanh(z),
    "softshrink": lambda z: z - np.clip(z, -0.5, 0.5),
    "hardshrink": lambda z: np.where(np.abs(z) > 0.5, z, 0.0),
    "logsigmoid": lambda z: -softplus(-z),
    "sin": np.sin,
}
_SAME = {"swish": "silu", "identity": "linear"}
KNOWN = (*NAMES, *_FURTHER)


def _maker(name: str) -> Callable[..., Activation]:
    if name == "leaky_relu":
        return leaky_relu
    if name in _FURTHER:
        return lambda: Activation(name, _FURTHER[name], _by_difference(_FURTHER[name]))
    return lambda: _PLAIN[_SAME.get(name, name)]


_MAKERS = {name: _maker(name) for name in (*KNOWN, *_SAME)}


def read(spec: Any) -> Activation:
    """Return the activation that is meant.

    Parameters
    ----------
    spec : str, Activation or callable
        One of ``KNOWN``; ``leaky_relu`` also as ``leaky_relu(0.2)``. A callable maps arrays, or
        tensors of PyTorch, elementwise; its slope is its central difference.

    Raises
    ------
    ArgumentError
        Where there is no such activation; the nearest name is offered. For a callable that doesn't
        map arrays to arrays of as many finite numbers.

    Examples
    --------
    >>> read("leaky_relu(0.2)").function(np.array([-1.0, 2.0]))
    array([-0.2,  2. ])
    >>> read(np.square).slope(np.array([1.0, 2.0])).round(6)
    array([2., 4.])
    """
    if isinstance(spec, Activation):
        return spec
    return _called(spec) if callable(spec) else named(spec)


def named(spec: Any) -> Activation:
    """Return the activation that a spec string names.

    Raises
    ------
    ArgumentError
        Where it is none.
    """
    if not isinstance(spec, str):
        raise bad_argument("activation", spec, f"one of {', '.join(KNOWN)}")
    return _built(spec)


@lru_cache  # it is asked for at every measurement
def _built(spec: str) -> Activation:
    return build("activation", spec, _MAKERS, KNOWN)


def trained(spec: Any) -> Activation:
    """Return the activation that is meant, where networks are trained with it here.

    Raises
    ------
    ArgumentError
        As ``read``; and for one that isn't compiled.

    Examples
    --------
    >>> trained(np.square)
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: activation: got 'the function square', takes one that networks
    are trained with, relu, leaky_relu, tanh, sigmoid, elu, selu, gelu, silu, softplus, linear;
    others have a gain and a theory, and goodinit.torch.compare trains any
    """
    activation = read(spec)
    if isinstance(spec, str) and activation.name.partition("(")[0] in NAMES:
        return activation
    got = activation.name if isinstance(spec, str) else f"the function {activation.name}"
    takes = (
        f"one that networks are trained with, {', '.join(NAMES)}; others have a gain and a theory, "
        "and goodinit.torch.compare trains any"
    )
    raise bad_argument("activation", got, takes)


@lru_cache(maxsize=64)
def _called(function: Callable[[Any], Any]) -> Activation:
    name = str(getattr(function, "__name__", type(function).__name__)).strip("<>")
    probe = np.linspace(-3, 3, 7)
    try:
        mapped = _of_arrays(function, probe)
        said = mapped(probe)
    except Exception as error:  # a callable of the user's own may raise anything
        got = f"{name}, which raises {type(error).__name__}: {error}"
        raise bad_argument("activation", got, "a function of arrays") from error
    if said.shape != probe.shape or not np.isfinite(said).all():
        takes = "an elementwise function of arrays that returns finite numbers"
        raise bad_argument("activation", name, takes)
    return Activation(name, mapped, _by_difference(mapped))


def _of_arrays(function: Callable[[Any], Any], probe: Array) -> Callable[[Array], Array]:
    """Return what maps arrays; where the function takes tensors only, these are made of them."""
    try:
        function(probe)
    except (TypeError, AttributeError):
        torch: Any = sys.modules.get("torch")  # whoever has a function of tensors imported it
        if torch is None:
            raise
        function(torch.from_numpy(probe))
        return lambda z: np.asarray(function(torch.from_numpy(np.ascontiguousarray(z))).detach())
    return lambda z: np.asarray(function(z), dtype=float)
