"""Every initialization scheme, called as ``scheme(rng, shape)``, ``shape = (fan_out, fan_in)``.

- ``draws``: the distributions
- ``scheme``: what a scheme is
- ``gains``: the gain of each activation
- ``arguments``: what a scheme's arguments may be
- ``plain``, ``scaled``, ``structured``: each scheme with its formula, purpose, source
- ``schemes``: all of them by name
- ``biases``: how biases start where a scheme draws none
- ``peers``: the names that PyTorch and Keras have for them
- ``registry``: which scheme a name or spec means
"""

from collections.abc import Callable

from goodinit.initializers.draws import TRUNCATED_STD
from goodinit.initializers.gains import gain
from goodinit.initializers.peers import PEERS
from goodinit.initializers.plain import constant, normal, ones, truncated_normal, uniform, zeros
from goodinit.initializers.registry import ALIASES, describe, read
from goodinit.initializers.scaled import (
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    lecun_uniform,
    variance_scaling,
)
from goodinit.initializers.scheme import Draw, Scheme, draw_weights
from goodinit.initializers.schemes import SCHEMES
from goodinit.initializers.structured import (
    delta_orthogonal,
    dirac,
    identity,
    orthogonal,
    sparse,
)

xavier = glorot = xavier_normal = glorot_normal
xavier_uniform = glorot_uniform
he = kaiming = kaiming_normal = he_normal
kaiming_uniform = he_uniform
lecun = lecun_normal


def __getattr__(name: str) -> Callable[..., Scheme]:
    """Return a scheme's maker by a name that PyTorch or Keras has for it, such as ``HeNormal``."""
    if name in PEERS:
        return PEERS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "ALIASES",
    "PEERS",
    "SCHEMES",
    "TRUNCATED_STD",
    "Draw",
    "Scheme",
    "constant",
    "delta_orthogonal",
    "describe",
    "dirac",
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
