"""Every scheme by its name."""

from collections.abc import Callable

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
from goodinit.initializers.structured import (
    delta_orthogonal,
    dirac,
    identity,
    orthogonal,
    sparse,
)

SCHEMES: dict[str, Callable[..., Scheme]] = {
    maker.__name__: maker
    for maker in (
        zeros,
        ones,
        constant,
        normal,
        uniform,
        truncated_normal,
        variance_scaling,
        lecun_normal,
        lecun_uniform,
        glorot_normal,
        glorot_uniform,
        he_normal,
        he_uniform,
        orthogonal,
        delta_orthogonal,
        identity,
        dirac,
        sparse,
    )
}
