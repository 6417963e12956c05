"""Draws that fail: one line that names the initializer, and the cause for who calls from Python."""

from typing import Any

import numpy as np
import pytest

from goodinit.errors import ArgumentError
from goodinit.initializers import normal, read


def test_a_draw_that_overflows_is_refused_without_a_warning() -> None:
    with pytest.raises(ArgumentError, match=r"^initializer normal\(std=1e\+?308\): .* finite weig"):
        normal(1e308)(np.random.default_rng(0), (50, 50))


def divides_by_zero(rng: np.random.Generator, shape: Any) -> Any:
    return 1 // 0


def takes_a_shape_only(shape: Any) -> Any:
    return np.ones(shape)


@pytest.mark.parametrize(
    ("mine", "cause", "says"),
    [
        (divides_by_zero, ZeroDivisionError, "got 'ZeroDivisionError: "),
        (takes_a_shape_only, TypeError, "got 'TypeError: "),
    ],
)
def test_a_callable_that_raises_is_named_with_its_error(
    mine: Any, cause: type[Exception], says: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        read(mine)(np.random.default_rng(0), (6, 4))
    line = str(caught.value)
    assert line.startswith(f"initializer {mine.__name__}: {says}")
    assert line.endswith("takes a callable (rng, shape) that returns weights")
    assert "\n" not in line
    assert isinstance(caught.value.__cause__, cause)


def test_an_argument_error_of_a_draw_comes_through_as_it_is() -> None:
    def refused(rng: np.random.Generator, shape: Any) -> Any:
        raise ArgumentError("std: got -1, takes a number from 0")

    with pytest.raises(ArgumentError, match=r"^std: got -1"):
        read(refused)(np.random.default_rng(0), (6, 4))
