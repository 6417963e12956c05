"""The gain of each activation: by how much it wants its weights scaled."""

from collections.abc import Callable

import numpy as np

from goodinit import activations


def _elu_gain(_: activations.Activation) -> float:
    from scipy.special import ndtr

    return float((1 + np.exp(2) * ndtr(-2.0) - 2 * np.exp(0.5) * ndtr(-1.0)) ** -0.5)


# The values that frameworks and textbooks use. tanh's 5/3 and sigmoid's 1 are conventions
# (``torch.nn.init.calculate_gain``); the others preserve the second moment of N(0, 1) exactly.
_CLOSED_GAINS: dict[str, Callable[[activations.Activation], float]] = {
    "linear": lambda _: 1.0,
    "sigmoid": lambda _: 1.0,
    "tanh": lambda _: 5 / 3,
    "selu": lambda _: 1.0,
    "elu": _elu_gain,
    "relu": lambda _: float(np.sqrt(2.0)),
    "leaky_relu": lambda a: float(np.sqrt(2 / (1 + a.parameter**2))),
}


def gain(activation: str) -> float:
    """Return the factor by which an activation wants its weights scaled, √(scale).

    With Var W = gain² / fan_in a layer keeps the second moment 1 of its pre-activations. Whether a
    deep network stays there is another matter: an excess grows by 14 % a layer under gelu and by
    17 % under silu, stays under relu, and dies out under selu and elu.

    - Closed form: linear 1, relu √2, leaky_relu(slope) √(2 / (1 + slope²)), selu 1 (its constants
      are made for that; PyTorch gives 3/4), elu 1 / √(1 + e² Φ(-2) - 2 √e Φ(-1)), whose bend at 0
      would cost the quadrature the sixth digit.
    - By convention, as in ``torch.nn.init.calculate_gain``: tanh 5/3, sigmoid 1.
    - By Gauss-Hermite quadrature, 1 / √E[f(z)²] with z ~ N(0, 1): gelu, silu, softplus.

    Parameters
    ----------
    activation : str
        A name or spec of ``goodinit.activations``, such as ``"leaky_relu(0.2)"``.

    Returns
    -------
    float

    Raises
    ------
    ArgumentError
        Where there is no such activation.

    References
    ----------
    He et al. 2015, equation 10, for the condition; He et al. 2015, equation 15, for leaky_relu.

    Examples
    --------
    >>> [round(gain(name), 4) for name in ("relu", "tanh", "gelu", "silu")]
    [1.4142, 1.6667, 1.5335, 1.6765]
    """
    function = activations.read(activation)
    closed = _CLOSED_GAINS.get(function.name.partition("(")[0])
    if closed:
        return closed(function)
    nodes, weights = np.polynomial.hermite_e.hermegauss(200)
    second_moment = weights @ function.function(nodes) ** 2 / np.sqrt(2 * np.pi)
    return float(1 / np.sqrt(second_moment))
