"""The products of one layer, over whole matrices: forwards, backwards, and the gradient.

What they take is laid out as in ``tiles``; where a layer is wide, BLAS multiplies. Each is compiled
apart from its callers, of which there are several.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numba import carray  # type: ignore[attr-defined]  # public, but not listed
from numba.core.ccallback import CFunc

from goodinit.training.elementwise import max_of
from goodinit.training.jit import pointed
from goodinit.training.tiles import backward, forward, gradient


class Kind(NamedTuple):
    """What is a constant of the compiled code: each kind is compiled when it is first met."""

    alone: bool  # whether the lanes hold examples of one network, or a network each
    wide: int  # from how many units on both sides a product is BLAS's; 0 where none is


_ARRAYS, _COUNTS = ["array"] * 3, ["intp"] * 3


@cache
def forwards(kind: Kind, dtype: str) -> CFunc:
    """Return what sets z to max(W x + b, least), column by column."""
    lone, wide = int(kind.alone), kind.wide

    def tiled(W, z, x, fan_out, fan_in, columns, least):
        forward(lone, W, z, x, fan_out, fan_in, columns, least)

    def by_blas(W, z, x, fan_out, fan_in, columns, least):
        if min(fan_out, fan_in) < wide:
            forward(lone, W, z, x, fan_out, fan_in, columns, least)
            return
        out, biases = carray(z, (fan_out, columns)), carray(W, fan_out * (fan_in + 1))
        np.dot(carray(W, (fan_out, fan_in)), carray(x, (fan_in, columns)), out)
        for row in range(fan_out):
            for j in range(columns):
                out[row, j] = max_of(out[row, j] + biases[fan_out * fan_in + row], least)

    takes = [*_ARRAYS, *_COUNTS, "float64"]
    return pointed(by_blas if wide else tiled, f"forwards {kind!r}", dtype, *takes)


@cache
def backwards(kind: Kind, gated: bool, dtype: str) -> CFunc:
    """Return what sets the deltas below to Wᵀ δ × slopes.

    Where `gated`, to Wᵀ δ where slopes are above 0, and to 0 elsewhere. It takes a spare matrix for
    BLAS.
    """
    lone, gate, wide = int(kind.alone), int(gated), kind.wide

    def tiled(W, below, deltas, slopes, _spare, fan_in, fan_out, columns):
        backward(lone, gate, W, below, deltas, slopes, fan_in, fan_out, columns)

    def by_blas(W, below, deltas, slopes, spare, fan_in, fan_out, columns):
        if min(fan_out, fan_in) < wide:
            backward(lone, gate, W, below, deltas, slopes, fan_in, fan_out, columns)
            return
        size, product = fan_in * columns, carray(spare, (fan_in, columns))
        np.dot(carray(W, (fan_out, fan_in)).T, carray(deltas, (fan_out, columns)), product)
        for i in range(size):
            if gate:
                below[i] = spare[i] if slopes[i] > 0.0 else 0.0
            else:
                below[i] = spare[i] * slopes[i]

    takes = [*_ARRAYS, "array", "array", *_COUNTS]
    name = f"backwards {gate} {kind!r}"
    return pointed(by_blas if wide else tiled, name, dtype, *takes)


@cache
def gradients(kind: Kind, dtype: str) -> CFunc:
    """Return what adds δ xᵀ to the weights' sums, and if `biased` δ 1 to those of the biases.

    Over the first `length` vectors of examples; where together, sums start anew if `fresh`.
    """
    lone, wide = int(kind.alone), kind.wide

    def tiled(sums, deltas, x, fan_out, fan_in, columns, length, biased, fresh):
        gradient(lone, sums, deltas, x, fan_out, fan_in, columns, length, 0, biased, fresh)

    def by_blas(sums, deltas, x, fan_out, fan_in, columns, length, biased, fresh):
        if min(fan_out, fan_in) < wide:
            gradient(lone, sums, deltas, x, fan_out, fan_in, columns, length, 0, biased, fresh)
            return
        out, of = carray(sums, (fan_out, fan_in)), carray(deltas, (fan_out, columns))
        product = np.dot(of, carray(x, (fan_in, columns)).T)
        for row in range(fan_out):
            for j in range(fan_in):
                out[row, j] += product[row, j]
        if biased:
            gradient(lone, sums, deltas, x, fan_out, fan_in, columns, length, fan_in, biased, fresh)

    takes = [*_ARRAYS, *_COUNTS, *_COUNTS]
    return pointed(by_blas if wide else tiled, f"gradients {kind!r}", dtype, *takes)
