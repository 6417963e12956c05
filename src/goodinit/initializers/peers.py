"""The names that PyTorch and Keras have for schemes, with their arguments and defaults.

A name draws with the variance, or between the bounds, that it has there. Two things are goodinit's:
shapes are (fan_out, fan_in, *kernel), and ``HeNormal`` and its siblings are whole normals of that
variance, where Keras and JAX cut them at two standard deviations.
"""

from collections.abc import Callable

from goodinit.initializers.arguments import choice
from goodinit.initializers.plain import constant, normal, ones, truncated_normal, uniform, zeros
from goodinit.initializers.scaled import (
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    variance_scaling,
)
from goodinit.initializers.scheme import Scheme
from goodinit.initializers.structured import dirac, identity, orthogonal, sparse

# Keras's "normal" is cut.
_DISTRIBUTIONS = {
    "truncated_normal": "truncated_normal",
    "normal": "truncated_normal",
    "untruncated_normal": "normal",
    "uniform": "uniform",
}


def _random_normal(mean: float = 0.0, stddev: float = 0.05) -> Scheme:
    return normal(stddev, mean)


def _random_uniform(minval: float = -0.05, maxval: float = 0.05) -> Scheme:
    return uniform(minval, maxval)


def _truncated_normal(mean: float = 0.0, stddev: float = 0.05) -> Scheme:
    return truncated_normal(stddev, mean)


def _variance_scaling(
    scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal"
) -> Scheme:
    choice("distribution", distribution, tuple(_DISTRIBUTIONS))
    return variance_scaling(scale, mode, _DISTRIBUTIONS[distribution])


def _constant(value: float = 0.0) -> Scheme:
    return constant(value)


def _normal_(mean: float = 0.0, std: float = 1.0) -> Scheme:
    return normal(std, mean)


def _uniform_(a: float = 0.0, b: float = 1.0) -> Scheme:
    return uniform(a, b)


def _trunc_normal_(mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0) -> Scheme:
    return truncated_normal(std, mean, a, b)


def _constant_(val: float) -> Scheme:
    return constant(val)


def _eye_() -> Scheme:
    return identity()


def _kaiming(maker: Callable[..., Scheme]) -> Callable[..., Scheme]:
    def make(a: float = 0.0, mode: str = "fan_in", nonlinearity: str = "leaky_relu") -> Scheme:
        leaky = nonlinearity == "leaky_relu"
        return maker(slope=a, mode=mode) if leaky else maker(mode=mode, gain=nonlinearity)

    return make


KERAS: dict[str, Callable[..., Scheme]] = {
    **dict.fromkeys(("Zeros", "zero"), zeros),
    **dict.fromkeys(("Ones", "one"), ones),
    "Constant": _constant,
    **dict.fromkeys(("Identity", "IdentityInitializer"), identity),
    **dict.fromkeys(("Orthogonal", "OrthogonalInitializer"), orthogonal),
    "GlorotNormal": glorot_normal,
    "GlorotUniform": glorot_uniform,
    "HeNormal": he_normal,
    "HeUniform": he_uniform,
    "LecunNormal": lecun_normal,
    "LecunUniform": lecun_uniform,
    "RandomNormal": _random_normal,
    "random_normal": _random_normal,
    "RandomUniform": _random_uniform,
    "random_uniform": _random_uniform,
    "TruncatedNormal": _truncated_normal,
    "VarianceScaling": _variance_scaling,
}
TORCH: dict[str, Callable[..., Scheme]] = {
    "zeros_": zeros,
    "ones_": ones,
    "constant_": _constant_,
    "normal_": _normal_,
    "uniform_": _uniform_,
    **dict.fromkeys(("trunc_normal", "trunc_normal_"), _trunc_normal_),
    **dict.fromkeys(("eye", "eye_"), _eye_),
    "dirac_": dirac,
    "orthogonal_": orthogonal,
    "sparse_": sparse,
    "xavier_normal_": glorot_normal,
    "xavier_uniform_": glorot_uniform,
    "kaiming_normal_": _kaiming(he_normal),
    "kaiming_uniform_": _kaiming(he_uniform),
}
PEERS = KERAS | TORCH
