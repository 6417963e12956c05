"""Which scheme is meant: by a spec string, an alias, or a callable of the user's own."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from typing import Any

from goodinit.errors import ArgumentError, bad_argument, bad_name
from goodinit.initializers.scheme import Draw, Scheme, with_biases
from goodinit.initializers.schemes import (
    SCHEMES,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
)
from goodinit.specs import build

ALIASES: dict[str, Callable[..., Scheme]] = {
    "lecun": lecun_normal,
    "glorot": glorot_normal,
    "xavier": glorot_normal,
    "xavier_normal": glorot_normal,
    "xavier_uniform": glorot_uniform,
    "he": he_normal,
    "kaiming": he_normal,
    "kaiming_normal": he_normal,
    "kaiming_uniform": he_uniform,
}

_WITH_BIASES = re.compile(r"(?P<weights>[^+]+?)\s*\+\s*(?P<biases>bias\(.*\))\s*")


def read(spec: str | Scheme | Draw | Callable[[], Scheme]) -> Scheme:
    """Return the scheme that is meant.

    Parameters
    ----------
    spec : str, Scheme or callable
        A spec string such as ``"he_normal"``, ``"normal(std=10)"`` or
        ``"variance_scaling(2, fan_in, uniform)"``; a scheme, or the function of this module that
        makes it; or any callable ``(rng, shape) -> array``, shown by its ``__name__``. A string may
        have random biases too: ``"he_normal + bias(std=0.1)"``.

    Raises
    ------
    ArgumentError
        Where there is no such scheme, its arguments are out of range, or the string is no spec.

    Examples
    --------
    >>> read("xavier_normal").name, read("normal(10)").name
    ('glorot_normal', 'normal(std=10)')
    >>> import numpy as np
    >>> def halves(rng, shape):
    ...     return np.full(shape, 0.5)
    >>> read(halves).name
    'halves'
    """
    if isinstance(spec, Scheme):
        return spec
    if isinstance(spec, str) and (split := _WITH_BIASES.fullmatch(spec)):
        takes = {"bias": lambda std: with_biases(read(split["weights"]), std)}
        return build("initializer", split["biases"], takes)
    if isinstance(spec, str):
        return build("initializer", spec, SCHEMES | ALIASES)
    if not callable(spec):
        raise bad_argument("initializer", spec, "a spec string or a callable (rng, shape) -> array")
    if spec in SCHEMES.values():
        return build("initializer", spec.__name__, SCHEMES)
    return Scheme(name_of(spec), spec)  # type: ignore[arg-type]  # makers of schemes are handled above


def name_of(function: Any) -> str:
    """Return what a callable is called; of a partial, with the arguments that it holds.

    Examples
    --------
    >>> name_of(partial(max, 3, key=abs))
    'max(3, key=abs)'
    >>> name_of(lambda rng, shape: None)
    'lambda'
    """
    if isinstance(function, partial):
        held = [_shown(value) for value in function.args]
        held += [f"{key}={_shown(value)}" for key, value in function.keywords.items()]
        return f"{name_of(function.func)}({', '.join(held)})"
    return str(getattr(function, "__name__", type(function).__name__)).strip("<>")


def _shown(value: Any) -> str:
    return name_of(value) if callable(value) else repr(value)


def tell_apart(names: Sequence[str], specs: Sequence[Any]) -> list[str]:
    """Return the names, numbered where different callables of the user's own have the same.

    Examples
    --------
    >>> tell_apart(["lambda", "zeros", "lambda"], [lambda: 0, "zeros", lambda: 1])
    ['lambda', 'zeros', 'lambda-2']
    """
    told: list[str] = []
    for at, (name, spec) in enumerate(zip(names, specs, strict=True)):
        own = callable(spec) and not isinstance(spec, Scheme) and spec not in SCHEMES.values()
        given_twice = any(spec is other for other in specs[:at])
        numbered = chain([name], (f"{name}-{number}" for number in count(2)))
        free = (each for each in numbered if each not in told)
        told.append(next(free) if own and not given_twice else name)
    return told


@dataclass(frozen=True)
class Description:
    """What a scheme's docstring says of it."""

    spec: str
    aliases: tuple[str, ...]
    formula: str
    derived_for: str
    source: str


def describe(name: str) -> Description:
    """Return what is known of a scheme.

    Examples
    --------
    >>> describe("he_normal").formula
    'W ~ N(0, 2/fan_in)'
    """
    if name not in SCHEMES:
        raise bad_name("scheme", name, SCHEMES)
    maker = SCHEMES[name]
    text = inspect.getdoc(maker) or ""
    found = re.match(
        r"[^:]+: (?P<formula>.+?)\.\n\nDerived for: (?P<purpose>.+?)\.\n\n"
        r".*?References\n-+\n(?P<source>.+?)\.?\n\n",
        text,
        re.DOTALL,
    )
    if not found:
        raise ArgumentError(f"{name}: its docstring lacks the formula, the purpose or the source")
    parameters = ", ".join(inspect.signature(maker).parameters)
    return Description(
        f"{name}({parameters})" if parameters else name,
        tuple(alias for alias, of in ALIASES.items() if of is maker),
        *(" ".join(found[part].split()) for part in ("formula", "purpose", "source")),
    )
