"""Lengths, correlations and gradients by depth in a network of infinite width, from real inputs."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from goodinit.activations import Activation
from goodinit.theory.gaussian import Array, Moments, mean, pairs
from goodinit.theory.pairing import Pairs


@dataclass(frozen=True)
class Layer:
    """One layer, as theory sees it, on m examples.

    Attributes
    ----------
    fan_in, fan_out : int
    gain : float
        σ_w² = fan_in × the weights' variance.
    bias : float
        σ_b², the biases' variance.
    inputs : array, shape (m, m)
        E[a_i a_j], of one unit of what the layer is given.
    pairs : Pairs
        Lengths and correlations of the pre-activations, and what the activation makes of them.
    """

    fan_in: int
    fan_out: int
    gain: float
    bias: float
    inputs: Array
    pairs: Pairs

    @property
    def q(self) -> Array:
        """E[z_i²], the lengths of the pre-activations, shape (m,)."""
        return self.pairs.q

    @property
    def c(self) -> Array:
        """Their correlations, shape (m, m)."""
        return self.pairs.c

    @property
    def kernel(self) -> Array:
        """E[z_i z_j], shape (m, m)."""
        root = np.sqrt(self.q)
        return np.asarray(self.c * np.outer(root, root))


def forward(
    X: Array,
    sizes: Sequence[int],
    variances: Sequence[float],
    bias_variances: Sequence[float],
    moments: Moments,
) -> list[Layer]:
    """Return every layer's lengths and correlations, from the inputs on.

    q' = σ_w² E[φ(z)²] + σ_b² and its polarisation (Poole et al. 2016, equations 3 and 5), the
    first layer exactly, from the inputs' own products.

    Parameters
    ----------
    X : array, shape (m, n_features)
    sizes : sequence of int
        Units from the input to the output.
    variances : sequence of float
        Of one weight, layer by layer.
    bias_variances : sequence of float
        Of one bias, likewise.
    moments : Moments
        Of the hidden layers' activation.
    """
    inputs = X @ X.T / X.shape[1]
    layers: list[Layer] = []
    shapes = pairwise(sizes)
    for (fan_in, fan_out), variance, bias in zip(shapes, variances, bias_variances, strict=True):
        gain = fan_in * variance
        if layers:
            inputs = layers[-1].pairs.values
        kernel = gain * inputs + bias
        q = np.diag(kernel).copy()
        root = np.sqrt(np.outer(q, q))
        c = np.divide(kernel, root, out=np.zeros_like(kernel), where=root > 0)
        c = np.clip(c, -1, 1)
        np.fill_diagonal(c, 1.0)
        layers.append(Layer(fan_in, fan_out, gain, bias, inputs, Pairs(moments, q, c)))
    return layers


def backward(layers: Sequence[Layer], residuals: Array) -> tuple[list[Array], list[Array]]:
    """Return E[δ_i δ_j] of one unit of each layer, and E[φ'(z_i) φ'(z_j)] of each hidden one.

    δ is the slope of an example's cost with respect to a pre-activation. The weights that carry it
    back count as independent of those that carry the signal (Schoenholz et al. 2017, section 4).

    Parameters
    ----------
    layers : sequence of Layer
    residuals : array, shape (m, m)
        E[δ_i δ_j] at the output.
    """
    deltas, slopes = [residuals], []
    for layer, above in zip(layers[-2::-1], layers[:0:-1], strict=True):
        slope = layer.pairs.slopes
        variance = above.gain / above.fan_in
        deltas.append(variance * above.fan_out * deltas[-1] * slope)
        slopes.append(slope)
    return deltas[::-1], slopes[::-1]


def mean_correlation(c: Array) -> float:
    """Return the mean correlation of two different examples; NaN where there is only one."""
    m = len(c)
    return float((c.sum() - np.trace(c)) / (m * (m - 1))) if m > 1 else float("nan")


def jacobian(
    layers: Sequence[Layer], orthogonal: Sequence[bool], activation: Activation, moments: Moments
) -> tuple[float, float]:
    """Return mean and variance of the squared singular values of dz_last / dz_first, both hidden.

    Pennington, Schoenholz and Ganguli 2017, equation 17 with s₁ = -1 for independent and 0 for
    orthogonal weights.
    """
    middle, varies = 1.0, 0.0
    hidden = zip(layers[1:-1], layers[:-2], orthogonal[1:-1], strict=True)
    for layer, below, whole_rows in hidden:
        first = float(moments.slope(below.q).mean())
        with np.errstate(all="ignore"):  # what explodes is infinite
            second = float(mean(lambda z: activation.slope(z) ** 4, below.q).mean())
        middle *= layer.gain * first * layer.fan_out / layer.fan_in
        varies += second / first / first - (1.0 if whole_rows else 0.0) if first > 0 else 0.0
    return middle, middle * middle * varies


def alike_after(last: Layer, activation: Activation, alike: float, most: int) -> int | None:
    """Return after how many more such layers, up to ``most``, two inputs are so alike, or None."""
    q, c = float(last.q.mean()), mean_correlation(last.c)
    if not np.isfinite([q, c]).all():
        return None
    for place in range(1, most + 1):
        two = np.array([[1.0, c], [c, 1.0]])
        inputs = last.gain * pairs(activation.function, np.array([q, q]), two) + last.bias
        q, c = float(inputs[0, 0]), float(inputs[0, 1] / inputs[0, 0]) if inputs[0, 0] else 0.0
        if c >= alike:
            return place
    return None
