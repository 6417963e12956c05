"""How a spec string such as ``"normal(std=10)"`` is read: a name and literals, never code."""

import ast
import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from goodinit.errors import ArgumentError, bad_argument, bad_name

Literal = float | int | str
T = TypeVar("T")
P = ParamSpec("P")

_LONGEST = 200
_TAKES = "a name with literal arguments, such as he_normal or normal(std=10)"


@dataclass(frozen=True)
class Spec:
    """A name and the literal arguments that stood behind it in parentheses."""

    name: str
    args: tuple[Literal, ...]
    kwargs: dict[str, Literal]


def parse(argument: str, text: str) -> Spec:
    """Read a spec string.

    Parameters
    ----------
    argument : str
        The argument that the text was given for; errors name it.
    text : str
        ``name`` or ``name(literal, ..., key=literal, ...)``. A literal is a number, a quoted
        string, or a bare word, which stands for itself as a string.

    Returns
    -------
    Spec

    Raises
    ------
    ArgumentError
        Where the text is anything else: an expression, a nested call, an attribute.

    Examples
    --------
    >>> parse("init", "variance_scaling(2, fan_in, distribution=uniform)")
    Spec(name='variance_scaling', args=(2, 'fan_in'), kwargs={'distribution': 'uniform'})
    >>> parse("init", "normal(std=__import__('os').getpid())")
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: init: got "normal(std=__import__('os').getpid())", takes a name
    with literal arguments, such as he_normal or normal(std=10)
    """
    refusal = bad_argument(argument, text, _TAKES)
    if len(text) > _LONGEST:
        raise refusal
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Python warns of "1or 2" and the like: no specs
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise refusal from None
    match tree:
        case ast.Name(id=name):
            return Spec(name, (), {})
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            values = [_literal(node) for node in args]
            named = {keyword.arg: _literal(keyword.value) for keyword in keywords}
            unique = len(named) == len(keywords)
            if unique and None not in [*values, *named, *named.values()]:
                return Spec(
                    name,
                    tuple(value for value in values if value is not None),
                    {k: v for k, v in named.items() if k is not None and v is not None},
                )
    raise refusal


def _literal(node: ast.expr) -> Literal | None:
    """Return the number or word that a node writes out, None for anything else."""
    match node:
        case ast.Constant(value=bool()) | ast.UnaryOp(operand=ast.Constant(value=bool())):
            return None
        case ast.Constant(value=int() | float() | str() as value):
            return value
        case ast.Name(id=word):
            return word
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
    return None


def build(
    argument: str,
    text: str,
    makers: Mapping[str, Callable[..., T]],
    listed: Iterable[str] | None = None,
) -> T:
    """Read a spec string and call the maker that it names with the literals that it holds.

    Where it names none, those that are listed are shown, by default all.

    Raises
    ------
    ArgumentError
        An unknown name (the nearest one is offered), or arguments that the maker does not take.

    Examples
    --------
    >>> build("size", "square(side=3)", {"square": lambda side: side * side})
    9
    """
    spec = parse(argument, text)
    if spec.name not in makers:
        raise bad_name(argument, spec.name, makers, listed)
    maker = makers[spec.name]
    signature = inspect.signature(maker)
    words = getattr(maker, "also", {})
    try:
        signature.bind(*spec.args, **{words.get(name, name): v for name, v in spec.kwargs.items()})
    except TypeError:
        takes = f"{spec.name}({', '.join(signature.parameters)})"
        raise bad_argument(argument, text, takes) from None
    try:
        return maker(*spec.args, **spec.kwargs)
    except ArgumentError as error:
        raise ArgumentError(f"{argument} {text!r}: {error}") from None


def also(**words: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Let a maker take arguments by the words of other libraries too, each with its own.

    Examples
    --------
    >>> @also(stddev="std")
    ... def variance(std):
    ...     return std * std
    >>> variance(stddev=3)
    9
    >>> variance(2, stddev=3)
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: stddev: got 3, takes nothing beside std, which it stands for
    """

    def decorate(maker: Callable[P, T]) -> Callable[P, T]:
        own = tuple(inspect.signature(maker).parameters)

        def make(*args: Any, **kwargs: Any) -> T:
            for word in [word for word in words if word in kwargs]:
                value, name = kwargs.pop(word), words[word]
                if name in kwargs or name in own[: len(args)]:
                    takes = f"nothing beside {name}, which it stands for"
                    raise bad_argument(word, value, takes)
                kwargs[name] = value
            return maker(*args, **kwargs)

        vars(make)["also"] = words
        return wraps(maker)(make)

    return decorate


def split(argument: str, text: str) -> list[str]:
    """Split a list of specs at the commas that stand outside parentheses.

    Raises
    ------
    ArgumentError
        Where a part is empty or a parenthesis is left open.

    Examples
    --------
    >>> split("init", "he_normal,variance_scaling(2, fan_in, uniform), zeros")
    ['he_normal', 'variance_scaling(2, fan_in, uniform)', 'zeros']
    """
    depth, parts = 0, [""]
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    specs = [part.strip() for part in parts]
    if depth or not all(specs):
        raise bad_argument(argument, text, "specs with commas between them")
    return specs
