"""Which initializers a study is asked to compare."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from goodinit.errors import bad_argument
from goodinit.initializers import Draw, Scheme, read
from goodinit.initializers.registry import is_weights, tell_apart
from goodinit.study.trials import distinct, several

Initializer = str | Scheme | Draw | NDArray[Any] | Sequence[NDArray[Any]]

ARTICLES: tuple[str, ...] = (
    "zeros",
    "normal(std=10)",
    "normal(std=0.01)",
    "lecun_normal",
    "glorot_normal",
    "he_normal",
)

_MOST_INITIALIZERS = 200  # each is compared with each


def read_schemes(initializers: Iterable[Initializer] | Initializer) -> tuple[Scheme, ...]:
    """Return the schemes that are meant, each under a name of its own.

    Raises
    ------
    ArgumentError
        Where there is none or are too many, or one can't be read or is there twice.

    Examples
    --------
    >>> [scheme.name for scheme in read_schemes(["he", "zeros"])]
    ['he_normal', 'zeros']
    """
    one = isinstance(initializers, str | Scheme) or callable(initializers)
    one |= is_weights(initializers)  # the weights of one network
    asked: list[Any] = [initializers] if one else several("initializers", initializers)
    specs = [
        spec
        for item in asked
        for spec in (ARTICLES if isinstance(item, str) and item == "articles" else (item,))
    ]
    if len(specs) > _MOST_INITIALIZERS:
        takes = f"at most {_MOST_INITIALIZERS}, since each is compared with each"
        raise bad_argument("initializers", f"{len(specs):,} of them", takes)
    found = [read(spec) for spec in specs]
    names = tell_apart([scheme.name for scheme in found], specs)
    schemes = [replace(scheme, name=name) for scheme, name in zip(found, names, strict=True)]
    distinct("initializers", [scheme.name for scheme in schemes], "at least one initializer")
    return tuple(schemes)
