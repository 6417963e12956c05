"""What stands in for SciPy where SciPy takes long to import gives what SciPy does."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq
from scipy.stats import qmc

from goodinit.theory.roots import root
from goodinit.theory.sobol import COUNT, sobol
from goodinit.theory.spline import Spline


@pytest.mark.parametrize("dimensions", [1, 2, 3, 13, 24, 25, 26, 101])
def test_sobol_points_are_those_of_scipy_to_the_bit(dimensions: int) -> None:
    theirs = qmc.Sobol(dimensions, scramble=True, rng=np.random.default_rng(0)).random(COUNT)
    np.testing.assert_array_equal(sobol(dimensions), theirs)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("at", [-3.0, 0.1, 2.0])
def test_a_root_is_where_scipy_finds_it(at: float, sign: float) -> None:
    def function(x: float) -> float:
        return sign * float(np.sinh(x) - np.sinh(at))

    assert root(function, -4.0, 9.0) == pytest.approx(brentq(function, -4.0, 9.0), abs=1e-11)
    assert root(function, -4.0, 9.0, to=1e-3) == pytest.approx(at, abs=1e-3)


def test_a_root_is_found_from_infinities_and_to_the_spacing_of_floats() -> None:
    assert root(lambda x: -np.inf if x < 0.25 else np.inf, -1.0, 1.0) == pytest.approx(0.25)
    assert root(lambda x: x - 3e15, 1e15, 9e15) == pytest.approx(3e15, rel=1e-15)


@pytest.mark.parametrize("knots", [6, 7, 40, 553])
def test_a_spline_is_that_of_scipy(knots: int) -> None:
    x = np.linspace(-3.0, 5.0, knots)
    y = np.random.default_rng(knots).standard_normal(knots)
    between = np.linspace(-3.0, 5.0, 1001)
    theirs, ours = CubicSpline(x, y), Spline(x, y)
    np.testing.assert_allclose(ours.at(between), theirs(between), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.slope(between), theirs(between, 1), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.at(x), y, rtol=1e-12, atol=1e-12)
    assert np.isnan(ours.at(np.array([np.nan]))).all()
