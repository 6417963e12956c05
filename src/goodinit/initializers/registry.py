"""Which scheme is meant: by a spec string, an alias, or a callable of the user's own."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from typing import Any

import numpy as np

from goodinit.errors import ArgumentError, bad_argument, bad_name
from goodinit.initializers.peers import PEERS
from goodinit.initializers.scaled import (
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
)
from goodinit.initializers.scheme import Arrays, Scheme, Weights, with_biases
from goodinit.initializers.schemes import SCHEMES
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


def makers() -> dict[str, Callable[..., Scheme]]:
    """Return what a spec may name."""
    return SCHEMES | ALIASES | PEERS


def read(spec: Any) -> Scheme:
    """Return the scheme that is meant.

    Parameters
    ----------
    spec : str, Scheme, callable, array or sequence of arrays
        A spec string such as ``"he_normal"``, ``"normal(std=10)"`` or
        ``"variance_scaling(2, fan_in, uniform)"``, also by a name that Keras or PyTorch has for it;
        a scheme, or the function of this module that makes it; any callable ``(rng, shape) ->
        array``, shown by its ``__name__``; or the weights themselves, as an array of one layer or
        several arrays, one for each layer of a network. A string may have random biases too:
        ``"he_normal + bias(std=0.1)"``.

    Raises
    ------
    ArgumentError
        Where there is no such scheme, its arguments are out of range, or the string is no spec.

    Examples
    --------
    >>> read("xavier_normal").name, read("normal(10)").name, read("kaiming_normal_(a=0.1)").name
    ('glorot_normal', 'normal(std=10)', 'he_normal(slope=0.1)')
    >>> import numpy as np
    >>> def halves(rng, shape):
    ...     return np.full(shape, 0.5)
    >>> read(halves).name, read([np.ones((3, 2)), np.ones((1, 3))]).name
    ('halves', 'arrays')
    """
    if isinstance(spec, Scheme):
        return spec
    if isinstance(spec, str) and (split := _WITH_BIASES.fullmatch(spec)):
        takes = {"bias": lambda std: with_biases(read(split["weights"]), std)}
        return build("initializer", split["biases"], takes)
    if isinstance(spec, str):
        return build("initializer", spec, makers(), [*SCHEMES, *ALIASES])
    if is_weights(spec):
        one = hasattr(spec, "__array__")
        given = tuple(_array(each) for each in ([spec] if one else spec))
        return Scheme("array" if one else "arrays", Arrays(given))
    if not callable(spec):
        raise bad_argument(
            "initializer",
            spec,
            "a spec string, a callable (rng, shape) -> array, or arrays of weights",
        )
    if name := _maker(spec):
        return build("initializer", name, SCHEMES)
    return Scheme(name_of(spec), spec)


def is_weights(spec: Any) -> bool:
    """Return whether weights are given: an array, or nothing but arrays, one for each layer.

    Examples
    --------
    >>> is_weights(np.ones((2, 3))), is_weights([np.ones((2, 3))]), is_weights(["zeros"])
    (True, True, False)
    """
    if isinstance(spec, list | tuple):
        return bool(spec) and all(hasattr(each, "__array__") for each in spec)
    return hasattr(spec, "__array__") and not isinstance(spec, np.generic)


def _array(given: Any) -> Weights:
    try:
        array = np.array(given).astype(np.float64, casting="same_kind")
    except Exception as error:  # arrays of other libraries may raise anything
        raise bad_argument("initializer", given, "arrays of numbers") from error
    if not np.isfinite(array).all():
        raise bad_argument("initializer", "NaN or infinity", "finite weights")
    return array


def _maker(spec: Any) -> str:
    """Return the name of the scheme that a function makes, if it does."""
    return next((name for name, maker in SCHEMES.items() if maker is spec), "")


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
        own = not isinstance(spec, str | Scheme) and not _maker(spec)
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
        tuple(alias for alias, of in (ALIASES | PEERS).items() if of is maker),
        *(" ".join(found[part].split()) for part in ("formula", "purpose", "source")),
    )
