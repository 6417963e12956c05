"""The three matrix products of a layer, as tiles whose sums are held in vector registers.

Matrices of examples are (units, columns), and their columns hold whole vectors; a layer's
parameters are W (fan_out, fan_in) and then b (fan_out,), each one a number where a network trains
alone and a vector where networks train together (see ``lanes``). All are taken by their addresses.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from goodinit.training.lanes import COLUMNS, VECTOR_BYTES, Emitter

# A tile's sums, with what they are made of, fit the processor's 32 or 16 vector registers; 8 of
# them hide the 4 cycles that each of two multiply-add units takes. Where alone, and where together.
_LARGE = VECTOR_BYTES == 64
_ROWS = {True: 8, False: 5} if _LARGE else {True: 5, False: 5}
_COLUMNS = {True: COLUMNS, False: 2 * COLUMNS if _LARGE else COLUMNS}
_GRADIENT_ROWS = 4
_GRADIENT_COLUMNS = {True: 4, False: 6} if _LARGE else {True: 2, False: 2}


def _forward(_typing, alone, W, z, x, fan_out, fan_in, columns, least):
    """Set z to max(W x + b, least).

    `least` is 0 for ReLU, whose slopes need no place: they are 1 where its values are above 0.
    """

    def emit(context, builder, signature, values):
        emitter = _emitter(context, builder, W, alone)
        begin, out, inputs = emitter.weights(values[1]), *map(emitter.vectors, values[2:4])
        rows, terms = values[4:6]
        width = _vectors(emitter, values[6])
        biases = emitter.at(begin, builder.mul(rows, terms))
        bound = emitter.everywhere(context.cast(builder, values[7], types.float64, W.dtype))

        def tile(column: Any, across: int, row: Any, height: int) -> None:
            biased = [emitter.weight(emitter.at(biases, row, r)) for r in range(height)]
            weights = _rows(emitter, begin, terms, row, height)
            starts = [[bias] * across for bias in biased]
            sums = _multiply(emitter, starts, weights, None, (inputs, width, column), terms)
            for place, totals in zip(_rows(emitter, out, width, row, height), sums, strict=True):
                for c, total in enumerate(totals):
                    value = builder.load(total)
                    less = builder.fcmp_ordered("<", value, bound)  # not of NaN, which stays
                    emitter.store(builder.select(less, bound, value), emitter.at(place, column, c))

        _over(emitter, rows, width, tile)
        return context.get_dummy_value()

    counts = [types.intp] * 3
    return types.void(alone, W, z, x, *counts, types.float64), emit


def _backward(_typing, alone, gated, W, below, deltas, slopes, fan_in, fan_out, columns):
    """Set the deltas below to Wᵀ δ × slopes; where `gated`, to Wᵀ δ where slopes are above 0."""

    def emit(context, builder, signature, values):
        emitter = _emitter(context, builder, W, alone)
        begin, out = emitter.weights(values[2]), emitter.vectors(values[3])
        inputs, factors = map(emitter.vectors, values[4:6])
        rows, terms = values[6:8]
        width = _vectors(emitter, values[8])
        zero = emitter.constant(0)

        def tile(column: Any, across: int, row: Any, height: int) -> None:
            weights = [emitter.at(begin, row, r) for r in range(height)]
            x, starts = (inputs, width, column), [[zero] * across] * height
            sums = _multiply(emitter, starts, weights, rows, x, terms)
            into = _rows(emitter, out, width, row, height)
            beside = _rows(emitter, factors, width, row, height)
            for place, by, totals in zip(into, beside, sums, strict=True):
                for c, total in enumerate(totals):
                    value, slope = builder.load(total), emitter.load(emitter.at(by, column, c))
                    if gated.literal_value:  # chosen, not multiplied: one operation less
                        value = builder.select(builder.fcmp_ordered(">", slope, zero), value, zero)
                    else:
                        value = builder.fmul(value, slope)
                    emitter.store(value, emitter.at(place, column, c))

        _over(emitter, rows, width, tile)
        return context.get_dummy_value()

    counts = [types.intp] * 3
    return types.void(alone, gated, W, below, deltas, slopes, *counts), emit


def _gradient(
    _typing, alone, sums, deltas, x, fan_out, fan_in, columns, length, first, biased, fresh
):
    """Add δ xᵀ to the weights' part of `sums`, and if `biased` δ 1 to the biases' part.

    From input `first` on, over `length` vectors of examples. Alone, the lanes' sums are added up
    and then to what is there; together, sums go on from what is there, or from 0 where `fresh`.
    """

    def emit(context, builder, signature, values):
        emitter = _emitter(context, builder, sums, alone)
        begin, left, right = emitter.weights(values[1]), *map(emitter.vectors, values[2:4])
        rows, terms, _, length, first, biased, fresh = values[4:]
        width = _vectors(emitter, values[6])
        number = rows.type
        biases, one = emitter.at(begin, builder.mul(rows, terms)), emitter.constant(1)
        ones, zero = emitter.total(one), emitter.constant(0)
        is_new = emitter.everywhere(builder.icmp_signed("!=", fresh, ir.Constant(number, 0)))

        def tile(row: Any, height: int, column: Any, across: int) -> None:
            # The biases are a last column, that of a unit which is 1 for every example.
            last = builder.add(column, ir.Constant(number, across - 1))
            is_bias = builder.icmp_signed("==", last, terms)
            stride = builder.select(is_bias, ir.Constant(number, 1), terms)
            ends = builder.select(is_bias, biases, emitter.at(begin, last))
            unit = builder.select(is_bias, ones, emitter.at(right, builder.mul(last, width)))
            moves = builder.select(is_bias, ir.Constant(number, 0), ir.Constant(number, -1))
            into = [
                [*(emitter.at(place, column, c) for c in range(across - 1)), end]
                for place, end in zip(
                    _rows(emitter, begin, terms, row, height),
                    _rows(emitter, ends, stride, row, height),
                    strict=True,
                )
            ]
            lefts = _rows(emitter, left, width, row, height)
            rights = [*_rows(emitter, right, width, column, across - 1), unit]

            def start(place: Any) -> Any:
                if emitter.alone:
                    return emitter.total(zero)
                return emitter.total(builder.select(is_new, zero, emitter.load(place)))

            totals = [[start(place) for place in places] for places in into]
            with emitter.loop(length) as step:
                factors = [emitter.load(emitter.at(place, step)) for place in lefts]
                steps = [step] * (across - 1) + [builder.and_(step, moves)]
                for c, (place, at) in enumerate(zip(rights, steps, strict=True)):
                    other = emitter.load(emitter.at(place, at))
                    for row_totals, factor in zip(totals, factors, strict=True):
                        emitter.add(row_totals[c], factor, other)
            for places, row_totals in zip(into, totals, strict=True):
                for place, total in zip(places, row_totals, strict=True):
                    value = builder.load(total)
                    if emitter.alone:
                        part = emitter.over_lanes(value)
                        builder.store(builder.fadd(builder.load(place), part), place)
                    else:
                        emitter.store(value, place)

        most = _GRADIENT_COLUMNS[emitter.alone]

        def strip(row: Any, height: int) -> None:
            def across(column: Any, count: int) -> None:
                tile(row, height, builder.add(first, column), count)

            emitter.cut(builder.sub(builder.add(terms, biased), first), most, across)

        emitter.cut(rows, _GRADIENT_ROWS, strip)
        return context.get_dummy_value()

    counts = [types.intp] * 7
    return types.void(alone, sums, deltas, x, *counts), emit


def _emitter(context: Any, builder: Any, pointer: Any, alone: Any) -> Emitter:
    return Emitter(context, builder, pointer.dtype, bool(alone.literal_value))


def _vectors(emitter: Emitter, columns: Any) -> Any:
    """How many vectors so many numbers fill."""
    return emitter.builder.udiv(columns, ir.Constant(columns.type, emitter.lanes))


def _rows(emitter: Emitter, begin: Any, width: Any, row: Any, height: int) -> list[Any]:
    """Where so many rows from a row on begin, each `width` numbers or vectors long."""
    builder = emitter.builder
    rows = [builder.add(row, ir.Constant(row.type, r)) for r in range(height)]
    return [emitter.at(begin, builder.mul(at, width)) for at in rows]


def _multiply(
    emitter: Emitter, starts: list[list[Any]], weights: list[Any], stride: Any, x: Any, terms: Any
) -> list[list[Any]]:
    """The sums, from their starts on, of weights × x over all terms, of some rows and columns.

    A row's weights lie `stride` apart, or beside each other if None.
    """
    builder, (inputs, width, column) = emitter.builder, x
    sums = [[emitter.total(start) for start in of_row] for of_row in starts]
    with emitter.loop(terms) as term:
        begin = emitter.at(inputs, builder.mul(term, width), column)
        factors = [emitter.load(emitter.at(begin, c)) for c in range(len(starts[0]))]
        step = term if stride is None else builder.mul(term, stride)
        for place, totals in zip(weights, sums, strict=True):
            weight = emitter.weight(emitter.at(place, step))
            for total, factor in zip(totals, factors, strict=True):
                emitter.add(total, weight, factor)
    return sums


def _over(emitter: Emitter, rows: Any, width: Any, tile: Any) -> None:
    """Emit tile(column, across, row, height) over all rows and columns, some vectors at once."""
    builder, most = emitter.builder, _ROWS[emitter.alone]
    across = _COLUMNS[emitter.alone]

    def strip(column: Any, across: int) -> None:
        emitter.cut(rows, most, lambda row, height: tile(column, across, row, height))

    with emitter.loop(builder.udiv(width, ir.Constant(width.type, across))) as group:
        strip(builder.mul(group, ir.Constant(width.type, across)), across)
    if across > COLUMNS:
        left = builder.urem(width, ir.Constant(width.type, across))
        with builder.if_then(builder.icmp_unsigned("!=", left, ir.Constant(width.type, 0))):
            strip(builder.sub(width, left), COLUMNS)


# Typed as Any: a call leaves out an intrinsic's first parameter, which no type checker can know.
forward: Any = intrinsic(prefer_literal=True)(_forward)
backward: Any = intrinsic(prefer_literal=True)(_backward)
gradient: Any = intrinsic(prefer_literal=True)(_gradient)
