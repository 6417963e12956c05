"""The last layer's activations, and the deltas that they leave with their costs."""

from enum import IntEnum
from functools import cache
from typing import Any

from numba.core.ccallback import CFunc

from goodinit.training.elementwise import exp, max_of, sigmoid
from goodinit.training.jit import pointed


class Output(IntEnum):
    """The last layer's activation, each with the cost whose delta is (output - target)/n."""

    SIGMOID = 0
    SOFTMAX = 1
    LINEAR = 2


def _linear(z, targets, deltas, rows, columns, n):
    scale = 1.0 / n
    for i in range(rows * columns):
        deltas[i] = (z[i] - targets[i]) * scale


def _sigmoid(z, targets, deltas, rows, columns, n):
    scale = 1.0 / n
    for i in range(rows * columns):
        deltas[i] = (sigmoid(z[i]) - targets[i]) * scale


def _softmax(z, targets, deltas, rows, columns, n):
    """Softmax is exp(z - max z)/Σ exp(z - max z), column by column; z's row 0 holds both."""
    scale, size = 1.0 / n, rows * columns
    for i in range(size):
        deltas[i] = z[i]
    for row in range(1, rows):
        for j in range(columns):
            z[j] = max_of(z[j], z[row * columns + j])
    for row in range(rows):
        for j in range(columns):
            deltas[row * columns + j] = exp(deltas[row * columns + j] - z[j])
    for j in range(columns):
        z[j] = deltas[j]
    for row in range(1, rows):
        for j in range(columns):
            z[j] += deltas[row * columns + j]
    for row in range(rows):
        for j in range(columns):
            i = row * columns + j
            deltas[i] = (deltas[i] / z[j] - targets[i]) * scale


_DELTAS: dict[Output, Any] = {
    Output.SIGMOID: _sigmoid,
    Output.SOFTMAX: _softmax,
    Output.LINEAR: _linear,
}


@cache
def set_deltas(output: Output, dtype: str) -> CFunc:
    """Return the compiled loop that sets deltas to (output activation of z - targets)/n.

    It takes z, which it spends, targets and deltas, their rows and columns, and n.
    """
    arrays, counts = ["array"] * 3, ["intp"] * 3
    return pointed(_DELTAS[output], output.name, dtype, *arrays, *counts)


def _linear_turn(_z, moved, turned, rows, columns, n):
    scale = 1.0 / n
    for i in range(rows * columns):
        turned[i] = moved[i] * scale


def _sigmoid_turn(z, moved, turned, rows, columns, n):
    scale = 1.0 / n
    for i in range(rows * columns):
        said = sigmoid(z[i])
        turned[i] = said * (1.0 - said) * moved[i] * scale


def _softmax_turn(z, moved, turned, rows, columns, n):
    """Softmax × (moved - Σ softmax × moved), column by column; a column's numbers lie apart."""
    scale = 1.0 / n
    for j in range(columns):
        largest = z[j]
        for row in range(1, rows):
            largest = max_of(largest, z[row * columns + j])
        total, along = 0.0, 0.0
        for row in range(rows):
            odds = exp(z[row * columns + j] - largest)
            total += odds
            along += odds * moved[row * columns + j]
            turned[row * columns + j] = odds
        for row in range(rows):
            i = row * columns + j
            turned[i] = turned[i] / total * (moved[i] - along / total) * scale


_TURNS: dict[Output, Any] = {
    Output.SIGMOID: _sigmoid_turn,
    Output.SOFTMAX: _softmax_turn,
    Output.LINEAR: _linear_turn,
}


@cache
def set_turns(output: Output, dtype: str) -> CFunc:
    """Return the compiled loop that sets how the deltas move where z moves.

    It takes z, how it moves, how the deltas move, their rows and columns, and n.
    """
    arrays, counts = ["array"] * 3, ["intp"] * 3
    return pointed(_TURNS[output], f"{output.name} turn", dtype, *arrays, *counts)
