"""The checks that newer notebooks of the course import as ``public_tests``, under those names.

Each takes the reader's function, and compares what it returns with the article's own.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from goodinit.articles import aliases, layers
from goodinit.articles.three_layer import (
    initialize_parameters_he,
    initialize_parameters_random,
    initialize_parameters_zeros,
)

__all__ = [
    "initialize_parameters_he_test",
    "initialize_parameters_random_test",
    "initialize_parameters_zeros_test",
]

_SIZES = ([3, 2, 1], [2, 4, 1], [3, 1, 2])  # the course's checks of all ages ask for these
_DIGITS = 1e-7  # relative: the articles print nine digits

aliases.restore()

Initialize = Callable[[Sequence[int]], Any]


def initialize_parameters_zeros_test(target: Initialize) -> None:
    """Check the reader's ``initialize_parameters_zeros``.

    Parameters
    ----------
    target : callable
        Layer sizes to a dict "W1", "b1", …

    Raises
    ------
    AssertionError
        Naming the first entry that is missing, or of another type, shape or value.

    Examples
    --------
    >>> initialize_parameters_zeros_test(initialize_parameters_zeros)
    All tests passed.
    """
    _check(target, initialize_parameters_zeros)


def initialize_parameters_random_test(target: Initialize) -> None:
    """Check the reader's ``initialize_parameters_random``: N(0, 10²) after seed 3.

    Parameters and errors as for ``initialize_parameters_zeros_test``.

    Examples
    --------
    >>> initialize_parameters_random_test(initialize_parameters_random)
    All tests passed.
    """
    _check(target, initialize_parameters_random)


def initialize_parameters_he_test(target: Initialize) -> None:
    """Check the reader's ``initialize_parameters_he``: N(0, 2/fan_in) after seed 3.

    Parameters and errors as for ``initialize_parameters_zeros_test``.

    Examples
    --------
    >>> initialize_parameters_he_test(initialize_parameters_zeros)
    Traceback (most recent call last):
        ...
    AssertionError: initialize_parameters_zeros([3, 2, 1]): W1 has other values than the article's
    """
    _check(target, initialize_parameters_he)


def _check(target: Initialize, article: Callable[[Sequence[int]], layers.Parameters]) -> None:
    name = getattr(target, "__name__", "the function")
    for sizes in _SIZES:
        expected, made = article(sizes), target(sizes)
        call = f"{name}({sizes})"
        if not isinstance(made, dict):
            raise AssertionError(f"{call} returns a {type(made).__name__}, not a dict")
        for key, values in expected.items():
            wrong = _difference(made.get(key), values)
            if wrong:
                raise AssertionError(f"{call}: {key} {wrong}")
    print("All tests passed.")


def _difference(made: Any, expected: layers.Array) -> str:
    """Return in what an entry differs from the article's, nothing where it doesn't."""
    if made is None:
        return "is missing"
    if not isinstance(made, np.ndarray) or made.dtype != expected.dtype:
        kind = made.dtype if isinstance(made, np.ndarray) else type(made).__name__
        return f"is of type {kind}, not an array of {expected.dtype}"
    if made.shape != expected.shape:
        return f"has the shape {made.shape}, not {expected.shape}"
    same = np.allclose(made, expected, rtol=_DIGITS, atol=0)
    return "" if same else "has other values than the article's"
