"""The products of one layer, over whole matrices: forwards, backwards, and the weights' gradient.

Matrices of examples are (units, columns), and their columns hold whole vectors; parameters lie in a
flat array, each one a number where a network trains alone and a vector where networks train
together (see ``lanes``).
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from goodinit.training.elementwise import max_of
from goodinit.training.jit import compiled, inlined
from goodinit.training.lanes import (
    COLUMNS,
    ROWS,
    VECTOR_BYTES,
    backward_tile,
    forward_tile,
    inner_tile,
    matrix,
    places,
)


class Products(NamedTuple):
    """The functions of a layer whose first weight stands at `first` in a flat array."""

    forward: Any  # z = max(W x + b, least)
    backward: Any  # deltas below = Wᵀ δ × slopes, or if gated × 1 where these are above 0, else 0
    gradient: Any  # G += δ xᵀ over some vectors of examples
    sums: Any  # the bias's part of that, which stands behind the weights', += δ 1


@cache
def products(alone: bool, wide: int) -> Products:
    """Return the three products, for one filling of the lanes.

    Parameters
    ----------
    alone : bool
        Whether the lanes hold examples of one network, or a network each.
    wide : int
        From how many units on both sides a product is BLAS's, which packs what no cache can hold;
        0 for never, as it is where together.
    """
    lone = int(alone)
    rows_4, rows_2, rows_1 = (_inner_rows(alone, rows) for rows in (ROWS, 2, 1))
    at_once = COLUMNS[alone]

    @compiled
    def from_below(parameters, first, z, x, least):
        rows, terms, units = z.shape[0], x.shape[0], z.shape[1] * z.itemsize // VECTOR_BYTES
        out, inputs = places(0, 0, z, 0, rows, units), places(0, 0, x, 0, terms, units)
        w = places(lone, 0, parameters, first, rows, terms)
        b = places(lone, 0, parameters, first + rows * terms, rows, 1)
        whole = rows // ROWS * ROWS
        for column in range(0, units, at_once):
            for row in range(0, whole, ROWS):
                forward_tile(lone, ROWS, out, w, b, inputs, terms, row, column, least)
            if rows - whole >= 2:
                forward_tile(lone, 2, out, w, b, inputs, terms, whole, column, least)
            if rows % 2:
                forward_tile(lone, 1, out, w, b, inputs, terms, rows - 1, column, least)

    @compiled
    def from_above(parameters, first, below, deltas, slopes, gated, _spare):
        rows, terms = below.shape[0], deltas.shape[0]
        units = below.shape[1] * below.itemsize // VECTOR_BYTES
        out, inputs = places(0, 0, below, 0, rows, units), places(0, 0, deltas, 0, terms, units)
        w = places(lone, 1, parameters, first, rows, terms)
        factors = places(0, 0, slopes, 0, rows, units)
        whole = rows // ROWS * ROWS
        for column in range(0, units, at_once):
            for row in range(0, whole, ROWS):
                backward_tile(lone, ROWS, out, w, inputs, factors, terms, row, column, gated)
            if rows - whole >= 2:
                backward_tile(lone, 2, out, w, inputs, factors, terms, whole, column, gated)
            if rows % 2:
                backward_tile(lone, 1, out, w, inputs, factors, terms, rows - 1, column, gated)

    @compiled
    def across(gradient, first, deltas, x, length, fresh):
        fan_out, fan_in, units = (
            deltas.shape[0],
            x.shape[0],
            x.shape[1] * x.itemsize // VECTOR_BYTES,
        )
        out = places(lone, 0, gradient, first, fan_out, fan_in)
        left, right = places(0, 0, deltas, 0, fan_out, units), places(0, 0, x, 0, fan_in, units)
        whole = fan_out // ROWS * ROWS
        for row in range(0, whole, ROWS):
            rows_4(out, left, right, row, length, fresh)
        if fan_out - whole >= 2:
            rows_2(out, left, right, whole, length, fresh)
        if fan_out % 2:
            rows_1(out, left, right, fan_out - 1, length, fresh)

    found = Products(from_below, from_above, across, _sums(alone))
    return _or_blas(found, wide) if wide else found


def _inner_rows(alone: bool, rows: int) -> Any:
    """Make the loop that adds `rows` rows of left @ right.T."""
    lone, most = int(alone), COLUMNS[alone]

    @inlined
    def add(out, left, right, row, length, fresh):
        fan_in = right.shape[0]
        whole = fan_in // most * most
        for column in range(0, whole, most):
            inner_tile(lone, rows, most, out, left, right, length, row, column, fresh)
        if most > 2 and fan_in - whole >= 2:
            inner_tile(lone, rows, 2, out, left, right, length, row, whole, fresh)
            whole += 2
        for column in range(whole, fan_in):
            inner_tile(lone, rows, 1, out, left, right, length, row, column, fresh)

    return add


def _sums(alone: bool) -> Any:
    """Make the loop that adds the deltas of a layer over the examples, its biases' gradient."""
    lone = int(alone)

    @compiled
    def add(gradient, first, deltas, length, fresh):
        rows, units = deltas.shape[0], deltas.shape[1] * deltas.itemsize // VECTOR_BYTES
        out = places(lone, 0, gradient, first, rows, 1)
        left = places(0, 0, deltas, 0, rows, units)
        whole = rows // ROWS * ROWS
        for row in range(0, whole, ROWS):
            inner_tile(lone, ROWS, 0, out, left, left, length, row, 0, fresh)
        for row in range(whole, rows):
            inner_tile(lone, 1, 0, out, left, left, length, row, 0, fresh)

    return add


def _or_blas(narrow: Products, wide: int) -> Products:
    """Return products of one network that leave to BLAS what is wide on both sides."""
    from_below, from_above, across, over_examples = narrow

    @compiled
    def forward(parameters, first, z, x, least):
        fan_out, fan_in = z.shape[0], x.shape[0]
        if min(fan_out, fan_in) < wide:
            from_below(parameters, first, z, x, least)
            return
        np.dot(matrix(parameters, first, fan_out, fan_in), x, z)
        bias = first + fan_out * fan_in
        for row in range(fan_out):
            for j in range(z.shape[1]):
                z[row, j] = max_of(z[row, j] + parameters[bias + row], least)

    @compiled
    def backward(parameters, first, below, deltas, slopes, gated, spare):
        fan_out, fan_in = deltas.shape[0], below.shape[0]
        if min(fan_out, fan_in) < wide:
            from_above(parameters, first, below, deltas, slopes, gated, spare)
            return
        product = matrix(spare, 0, fan_in, below.shape[1])
        np.dot(matrix(parameters, first, fan_out, fan_in).T, deltas, product)
        for row in range(fan_in):
            for j in range(below.shape[1]):
                factor = slopes[row, j]
                if gated:
                    factor = 1.0 if factor > 0.0 else 0.0
                below[row, j] = product[row, j] * factor

    @compiled
    def gradient(sums, first, deltas, x, length, fresh):
        fan_out, fan_in = deltas.shape[0], x.shape[0]
        if min(fan_out, fan_in) < wide:
            across(sums, first, deltas, x, length, fresh)
            return
        product, out = np.dot(deltas, x.T), matrix(sums, first, fan_out, fan_in)
        for row in range(fan_out):
            for j in range(fan_in):
                out[row, j] += product[row, j]

    return Products(forward, backward, gradient, over_examples)
