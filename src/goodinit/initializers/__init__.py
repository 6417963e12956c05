"""Every initialization scheme, called as ``scheme(rng, shape)``, ``shape = (fan_out, fan_in)``.

- ``draws``: the distributions
- ``scheme``: what a scheme is
- ``schemes``: each with its formula, purpose, source
- ``biases``: how biases start where a scheme draws none
- ``gains``: the gain of each activation
- ``registry``: which scheme a name or spec means
"""

from goodinit.initializers.draws import TRUNCATED_STD
from goodinit.initializers.gains import gain
from goodinit.initializers.registry import ALIASES, describe, read
from goodinit.initializers.scheme import Draw, Scheme, draw_weights
from goodinit.initializers.schemes import (
    SCHEMES,
    constant,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    identity,
    lecun_normal,
    lecun_uniform,
    normal,
    ones,
    orthogonal,
    sparse,
    truncated_normal,
    uniform,
    variance_scaling,
    zeros,
)

xavier = glorot = xavier_normal = glorot_normal
xavier_uniform = glorot_uniform
he = kaiming = kaiming_normal = he_normal
kaiming_uniform = he_uniform
lecun = lecun_normal

__all__ = [
    "ALIASES",
    "SCHEMES",
    "TRUNCATED_STD",
    "Draw",
    "Scheme",
    "constant",
    "describe",
    "draw_weights",
    "gain",
    "glorot",
    "glorot_normal",
    "glorot_uniform",
    "he",
    "he_normal",
    "he_uniform",
    "identity",
    "kaiming",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun",
    "lecun_normal",
    "lecun_uniform",
    "normal",
    "ones",
    "orthogonal",
    "read",
    "sparse",
    "truncated_normal",
    "uniform",
    "variance_scaling",
    "xavier",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
