"""The activations and their derivatives, as loops that the compiler turns into vector code.

A call of the C library's exponential cannot be vectorised, so it is a polynomial here, and the
other functions are made of it. Each is evaluated in float64, whatever the array's type, and
branches only by choosing between two computed values.
"""

import math
from enum import IntEnum
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.ccallback import CFunc
from numba.extending import intrinsic

from goodinit.training.jit import inlined, pointed


class Activation(IntEnum):
    """What a hidden layer does to z; LEAKY_RELU takes its slope, ELU its α, as the parameter."""

    LINEAR = 0
    RELU = 1
    LEAKY_RELU = 2
    TANH = 3
    SIGMOID = 4
    ELU = 5
    SELU = 6
    GELU = 7
    SILU = 8
    SOFTPLUS = 9


def polynomial(coefficients: list[float]) -> Any:
    """Return x ↦ c₀ + (c₁ + c₂x + …)x, in brackets even and odd terms by Horner's rule in x².

    Each of the two waits for itself alone, so that a processor has both under way. They are written
    out: a loop over the coefficients would keep its caller from being vectorised.
    """

    @intrinsic
    def two_by_horner(_typing, _x):
        def emit(_context, builder, _signature, arguments):
            def multiply_add(a, b, c):
                product = builder.fmul(a, b, flags=["contract"])
                return builder.fadd(product, c, flags=["contract"])

            (x,), halves = arguments, []
            square = builder.fmul(x, x)
            constants = [ir.Constant(ir.DoubleType(), c) for c in coefficients]
            for first in (1, 2):
                *others, total = constants[first::2]
                for constant in reversed(others):
                    total = multiply_add(total, square, constant)
                halves.append(total)
            bracket = multiply_add(halves[1], x, halves[0])
            return multiply_add(bracket, x, constants[0])

        return types.float64(types.float64), emit

    return two_by_horner


# ln 2 in two parts; the first ends in zero bits, so that its product with an integer is exact.
LN2_HIGH, LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
# Added to a float64 of size below 2⁵¹ it rounds that number to an integer, held in the lowest bits.
ROUNDER = 1.5 * 2.0**52

# (exp r - 1)/r = Σ rᵏ/(k+1)!: with |r| ≤ ln(2)/2 what is left out of exp r is below 10⁻¹⁷.
_exponential_series = polynomial([1.0 / math.factorial(k + 1) for k in range(13)])
# atanh(s)/s = Σ s²ᵏ/(2k+1), in s²: with s ≤ 1/3 the first term left out is below 10⁻¹⁸.
_atanh_series = polynomial([1.0 / (2 * k + 1) for k in range(18)])
# Mills' ratio: Φ(-u) exp(u²/2) (1 + u/4) for u ≥ 0, as a polynomial in 2/(1 + u/4) - 1, to 5×10⁻¹⁵:
# numpy.polynomial.chebyshev.chebinterpolate at degree 20 of scipy.special.erfcx(u/√2)/2 (1 + u/4).
_mills_ratio = polynomial(
    [
        1.8882128260393766e-01, 1.5197416049296986e-01, 9.6784350185621320e-02,
        4.6630464490160370e-02, 1.5099143719911575e-02, 1.8850472358860912e-03,
        -8.6992304740211400e-04, -4.0770455279482115e-04, 3.3335723690176773e-05,
        5.7773381091339235e-05, -4.7542678949962550e-07, -8.7849884404226740e-06,
        1.7445877121371960e-07, 1.4776505374660427e-06, -1.4872011688387835e-07,
        -2.5255323808822146e-07, 5.7557950937061580e-08, 3.7070887715045520e-08,
        -1.3572599260148918e-08, -3.2772394922064035e-09, 1.5672032286543583e-09,
    ]
)  # fmt: skip


@inlined
def _reduce(x):
    """Return r and an integer k with x = k ln 2 + r and |r| ≤ ln(2)/2."""
    k = (x * (1 / math.log(2)) + ROUNDER) - ROUNDER
    return (x - k * LN2_HIGH) - k * LN2_LOW, k


@inlined
def _power_of_two(k):
    """2ᵏ for an integer -1022 ≤ k ≤ 1023: k written into the exponent bits of a float64."""
    integer = np.float64(k + ROUNDER).view(np.int64)
    return np.int64((integer + 1023) << 52).view(np.float64)


@inlined
def exp(x):
    """Return eˣ, to one unit in the last place; 0, 1, infinity and NaN come out exact."""
    x = min_of(max_of(x, -746.0), 710.0)
    r, k = _reduce(x)
    # Two factors, since 2ᵏ itself may be too large or too small where eˣ is not.
    half = (0.5 * k + ROUNDER) - ROUNDER
    return (1.0 + r * _exponential_series(r)) * _power_of_two(half) * _power_of_two(k - half)


@inlined
def _expm1(x):
    """Return eˣ - 1 for x ≤ 0, to the last few bits also where x is tiny."""
    r, k = _reduce(max_of(x, -40.0))
    scale = _power_of_two(k)
    return scale * (r * _exponential_series(r)) + (scale - 1.0)


@inlined
def max_of(x, bound):
    """The larger; x where x is NaN."""
    return bound if x < bound else x


@inlined
def min_of(x, bound):
    """The smaller; x where x is NaN."""
    return bound if x > bound else x


@inlined
def _linear(z, _):
    return z, 1.0


@inlined
def _relu(z, _):
    return max_of(z, 0.0), (1.0 if z > 0.0 else 0.0)


@inlined
def _leaky_relu(z, slope):
    derivative = 1.0 if z > 0.0 else slope
    return z * derivative, derivative


@inlined
def _tanh(z, _):
    """Tanh|z| = (1 - e)/(1 + e), e = exp(-2|z|), found by e - 1, which keeps small z's digits."""
    t = _expm1(-2.0 * abs(z))
    t = t / (t + 2.0)
    t = t if z < 0.0 else -t
    return t, 1.0 - t * t


@inlined
def sigmoid(z):
    """Return 1/(1 + exp(-z)), where exp(-z) = 2 × (2ᵏ⁻¹ exp r) may be infinite, but not 2ᵏ⁻¹ exp r.

    Below z = 708, where the sum is 1 anyway, 2ᵏ⁻¹ is no smaller than a float64 may be.
    """
    x = min_of(max_of(-z, -708.0), 710.0)
    rounder = ROUNDER + 1022.0  # which leaves k - 1 in the lowest bits, as an exponent has it
    shifted = x * (1 / math.log(2)) + rounder
    k = shifted - rounder
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    half = np.int64(np.float64(shifted).view(np.int64) << 52).view(np.float64)
    return 1.0 / (1.0 + 2.0 * ((1.0 + r * _exponential_series(r)) * half))


@inlined
def _sigmoid(z, _):
    s = sigmoid(z)
    return s, s * (1.0 - s)


@inlined
def _elu(z, alpha):
    below = alpha * _expm1(min_of(z, 0.0))
    return (z, 1.0) if z > 0.0 else (below, below + alpha)


SELU_SCALE, SELU_ALPHA = 1.0507009873554804934, 1.6732632423543772848


@inlined
def _selu(z, _):
    value, slope = _elu(z, SELU_ALPHA)
    return SELU_SCALE * value, SELU_SCALE * slope


@inlined
def _gelu(z, _):
    """Z Φ(z), Φ the normal distribution; its derivative is Φ(z) + z φ(z)."""
    u = abs(z)
    q = 1.0 / (1.0 + 0.25 * u)
    bell = exp(-0.5 * z * z)
    tail = bell * q * _mills_ratio(2.0 * q - 1.0)
    area = tail if z < 0.0 else 1.0 - tail
    return z * area, area + z * bell * (1 / math.sqrt(2 * math.pi))


@inlined
def _silu(z, _):
    s = sigmoid(z)
    return z * s, s * (1.0 + z * (1.0 - s))


@inlined
def _softplus(z, _):
    """Log(1 + eᶻ) = max(z, 0) + log(1 + e), e = exp(-|z|), and log(1 + e) = 2 atanh(e/(2 + e))."""
    e = exp(-abs(z))
    s = e / (2.0 + e)
    logarithm = 2.0 * s * _atanh_series(s * s)
    return max_of(z, 0.0) + logarithm, (e if z < 0.0 else 1.0) / (1.0 + e)


_FUNCTIONS: dict[Activation, Any] = {
    Activation.LINEAR: _linear,
    Activation.RELU: _relu,
    Activation.LEAKY_RELU: _leaky_relu,
    Activation.TANH: _tanh,
    Activation.SIGMOID: _sigmoid,
    Activation.ELU: _elu,
    Activation.SELU: _selu,
    Activation.GELU: _gelu,
    Activation.SILU: _silu,
    Activation.SOFTPLUS: _softplus,
}


@cache
def activate(activation: Activation, dtype: str) -> CFunc:
    """Return the compiled loop that turns z into the activation's values and its slopes there.

    It takes values, slopes, how many there are, and the activation's parameter.
    """
    function = _FUNCTIONS[activation]

    def loop(values, slopes, size, parameter):
        for i in range(size):
            values[i], slopes[i] = function(values[i], parameter)

    return pointed(loop, activation.name, dtype, "array", "array", "intp", "float64")


@inlined
def _no_curve(z, value, slope):
    return 0.0


@inlined
def _tanh_curve(z, value, slope):
    return -2.0 * value * slope


@inlined
def _sigmoid_curve(z, value, slope):
    return slope * (1.0 - 2.0 * value)


@inlined
def _exponential_curve(z, value, slope):
    """Of ELU and SELU, which are an exponential below 0, and there their own slope's slope."""
    return 0.0 if z > 0.0 else slope


@inlined
def _gelu_curve(z, value, slope):
    return exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi)) * (2.0 - z * z)


@inlined
def _silu_curve(z, value, slope):
    s = sigmoid(z)
    return s * (1.0 - s) * (2.0 + z * (1.0 - 2.0 * s))


@inlined
def _softplus_curve(z, value, slope):
    return slope * (1.0 - slope)


_CURVES: dict[Activation, Any] = {
    Activation.LINEAR: _no_curve,
    Activation.RELU: _no_curve,
    Activation.LEAKY_RELU: _no_curve,
    Activation.TANH: _tanh_curve,
    Activation.SIGMOID: _sigmoid_curve,
    Activation.ELU: _exponential_curve,
    Activation.SELU: _exponential_curve,
    Activation.GELU: _gelu_curve,
    Activation.SILU: _silu_curve,
    Activation.SOFTPLUS: _softplus_curve,
}


@cache
def bend(activation: Activation, dtype: str) -> CFunc:
    """Return the compiled loop that does what ``activate``'s does, and sets the slopes' slopes.

    It takes values, slopes, their slopes, how many there are, and the activation's parameter.
    """
    function, curve = _FUNCTIONS[activation], _CURVES[activation]

    def loop(values, slopes, curves, size, parameter):
        for i in range(size):
            z = values[i]
            value, slope = function(z, parameter)
            values[i], slopes[i], curves[i] = value, slope, curve(z, value, slope)

    kind = f"{activation.name} bend"
    return pointed(loop, kind, dtype, "array", "array", "array", "intp", "float64")
