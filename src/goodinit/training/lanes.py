"""The two matrix products of training, as tiles held in vector registers.

A vector's lanes are filled in one of two ways. Where a network trains *alone*, they hold examples
of it that lie beside each other: a weight is one number for all lanes, and the gradient is summed
over them at the end. Where networks train *together*, each lane is a network: a weight is a vector,
and nothing is ever summed across. `alone` is a constant of the compiled code.

Everything is written in vectors of explicit width, because what a compiler makes of a plain loop
varies with the processor, with the loop's neighbours and with what it can prove about overlap. Here
the order of every addition is fixed by this file: no flag that lets a compiler reorder is needed,
and infinities and NaNs are what IEEE 754 says they are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

# A vector is as wide as the processor's widest, named here because compilers prefer half of it.
VECTOR_BYTES = 64 if llvm.get_host_cpu_features().get("avx512f") else 32
# A tile's accumulators, with their operands, fit the processor's 32 or 16 vector registers; 8 of
# them hide the 4 cycles that each of two multiply-add units takes.
ROWS = 4
COLUMNS = {True: 2, False: 4 if VECTOR_BYTES == 64 else 2}  # vectors, where alone and together

_INDEX = ir.IntType(32)


class _Emitter:
    """Emits one function's vector code; all vectors have one element type."""

    def __init__(self, context: Any, builder: Any, element: Any, alone: Any) -> None:
        self.context, self.builder, self.alone = context, builder, bool(alone.literal_value)
        self.bytes = element.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.bytes
        self.vector = ir.VectorType(context.get_value_type(element), self.lanes)

    def place(self, array: Any, row: Any, column: Any) -> Any:
        """The address of array[row, column], from where `load` and `store` count vectors.

        One address for a tile's whole row: a processor has few registers for addresses.
        """
        kind, value = array
        struct = self.context.make_array(kind)(self.context, self.builder, value)
        steps = cgutils.unpack_tuple(self.builder, struct.strides)
        rows, columns = (self.builder.mul(i, s) for i, s in zip((row, column), steps, strict=True))
        first = self.builder.bitcast(struct.data, cgutils.voidptr_t)
        address = self.builder.gep(first, [self.builder.add(rows, columns)])
        return self.builder.bitcast(address, self.vector.as_pointer())

    def load(self, place: Any, step: int = 0) -> Any:
        return self.builder.load(self._beside(place, step), align=self.bytes)

    def store(self, value: Any, place: Any, step: int = 0) -> None:
        self.builder.store(value, self._beside(place, step), align=self.bytes)

    def _beside(self, place: Any, step: int) -> Any:
        return self.builder.gep(place, [ir.Constant(_INDEX, step)]) if step else place

    def number(self, place: Any, step: int = 0) -> Any:
        """The address of a number, `step` numbers behind a place."""
        numbers = self.builder.bitcast(place, self.vector.element.as_pointer())
        return self._beside(numbers, step)

    def repeated(self, place: Any) -> Any:
        """The number at a place, in every lane."""
        return self.everywhere(self.builder.load(self.number(place)))

    def everywhere(self, number: Any) -> Any:
        vector = ir.Constant(self.vector, ir.Undefined)
        vector = self.builder.insert_element(vector, number, ir.Constant(_INDEX, 0))
        return self._shuffled(vector, [0] * self.lanes)

    @property
    def zeros(self) -> Any:
        return ir.Constant(self.vector, [0.0] * self.lanes)

    @property
    def ones(self) -> Any:
        return ir.Constant(self.vector, [1.0] * self.lanes)

    def multiplied(
        self, rows: int, w: Any, x: Any, count: Any, row: Any, column: Any, bias: Any = None
    ) -> list[list[Any]]:
        """The sums of w @ x, + bias if there is one, of `rows` rows and COLUMNS vectors."""
        weight = self.repeated if self.alone else self.load
        at_row = [self.offset(row, r) for r in range(rows)]
        columns = range(COLUMNS[self.alone])
        sums = []
        for r in at_row:
            start = weight(self.place(bias, r, ir.Constant(row.type, 0))) if bias else self.zeros
            sums.append([cgutils.alloca_once_value(self.builder, start) for _ in columns])
        with self.loop(count) as term:
            inputs = self.place(x, term, column)
            factors = [self.load(inputs, c) for c in columns]
            for r, totals in zip(at_row, sums, strict=True):
                of = weight(self.place(w, r, term))
                for total, factor in zip(totals, factors, strict=True):
                    self.add(total, of, factor)
        return sums

    @contextmanager
    def loop(self, count: Any) -> Iterator[Any]:
        """A loop that isn't unrolled: of its few turns most would be left over."""
        with cgutils.for_range(self.builder, count) as loop:
            yield loop.index
            body = self.builder.basic_block
        module = self.builder.module
        rolled = module.add_metadata(["llvm.loop.unroll.disable"])
        own = module.add_metadata([f"loop {len(module.metadata)}", rolled])
        own.operands = (own, rolled)  # a loop's node names itself
        body.terminator.set_metadata("llvm.loop", own)

    def add(self, total: Any, a: Any, b: Any) -> None:
        """Total += a × b, rounded once where the processor can; a alone where there is no b."""
        if b is None:
            self.builder.store(self.builder.fadd(self.builder.load(total), a), total)
            return
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        name = f"llvm.fmuladd.v{self.lanes}f{8 * self.bytes}"
        multiply_add = cgutils.get_or_insert_function(self.builder.module, kind, name)
        self.builder.store(self.builder.call(multiply_add, [a, b, self.builder.load(total)]), total)

    def over_lanes(self, vector: Any) -> Any:
        """The sum of a vector's lanes, by halves."""
        half = self.lanes // 2
        while half:
            opposite = [(lane + half) % self.lanes for lane in range(self.lanes)]
            vector = self.builder.fadd(vector, self._shuffled(vector, opposite))
            half //= 2
        return self.builder.extract_element(vector, ir.Constant(_INDEX, 0))

    def offset(self, index: Any, by: int) -> Any:
        return self.builder.add(index, ir.Constant(index.type, by))

    def _shuffled(self, vector: Any, order: list[int]) -> Any:
        mask = ir.Constant(ir.VectorType(_INDEX, self.lanes), order)
        return self.builder.shuffle_vector(vector, vector, mask)


def _forward_tile(_typing, alone, rows, out, weights, bias, inputs, terms, row, column, least):
    """Set out to max(weights @ inputs + bias, least), on `rows` rows and COLUMNS vectors.

    `least` is 0 for ReLU, whose slopes need no place: they are 1 where its values are above 0.
    """

    def emit(context, builder, signature, values):
        emitter = _Emitter(context, builder, out.dtype, alone)
        (y, w, b, x), (count, first, left, bound) = _split(signature, values, 2, 4)
        bound = emitter.everywhere(context.cast(builder, bound, types.float64, out.dtype))
        sums = emitter.multiplied(rows.literal_value, w, x, count, first, left, bias=b)
        for r, totals in enumerate(sums):
            into = emitter.place(y, emitter.offset(first, r), left)
            for c, total in enumerate(totals):
                z = builder.load(total)
                below = builder.fcmp_ordered("<", z, bound)  # false where z is NaN, which stays
                emitter.store(builder.select(below, bound, z), into, c)
        return context.get_dummy_value()

    counts = [types.intp] * 3
    return types.void(alone, rows, out, weights, bias, inputs, *counts, types.float64), emit


def _backward_tile(_typing, alone, rows, out, weights, inputs, factors, terms, row, column, gated):
    """Set out to weights @ inputs × factors, or × 1 where those are above 0 if `gated`, else 0."""

    def emit(context, builder, signature, values):
        emitter = _Emitter(context, builder, out.dtype, alone)
        (y, w, x, f), (count, first, left, gate) = _split(signature, values, 2, 4)
        sums = emitter.multiplied(rows.literal_value, w, x, count, first, left)
        for r, totals in enumerate(sums):
            at = emitter.offset(first, r)
            into, factors = emitter.place(y, at, left), emitter.place(f, at, left)
            for c, total in enumerate(totals):
                factor = emitter.load(factors, c)
                above = builder.fcmp_ordered(">", factor, emitter.zeros)
                step = builder.select(above, emitter.ones, emitter.zeros)
                factor = builder.select(gate, step, factor)
                emitter.store(builder.fmul(builder.load(total), factor), into, c)
        return context.get_dummy_value()

    counts = [types.intp] * 3
    return types.void(alone, rows, out, weights, inputs, factors, *counts, types.boolean), emit


def _inner_tile(_typing, alone, rows, columns, out, left, right, length, row, column, fresh):
    """Add left @ right.T, sums over `length` vectors, to out, on `rows` rows and `columns` columns.

    No columns stand for one whose right side is 1. Alone, the lanes' sums are added up and then to
    out; together, the sums go on from out, or from 0 where `fresh`.
    """

    def emit(context, builder, signature, values):
        emitter = _Emitter(context, builder, out.dtype, alone)
        (y, a, b), (count, first, second, new) = _split(signature, values, 3, 3)
        at_row = [emitter.offset(first, r) for r in range(rows.literal_value)]
        at_column = [emitter.offset(second, c) for c in range(max(1, columns.literal_value))]
        into = [emitter.place(y, r, second) for r in at_row]
        sums = []
        for out_row in into:
            totals = []
            for c in range(len(at_column)):
                start = emitter.zeros
                if not alone.literal_value:
                    start = builder.select(new, start, emitter.load(out_row, c))
                totals.append(cgutils.alloca_once_value(builder, start))
            sums.append(totals)
        with emitter.loop(count) as step:
            lefts = [emitter.load(emitter.place(a, r, step)) for r in at_row]
            for c, at in enumerate(at_column):
                right_one = (
                    emitter.load(emitter.place(b, at, step)) if columns.literal_value else None
                )
                for totals, left_one in zip(sums, lefts, strict=True):
                    emitter.add(totals[c], left_one, right_one)
        for out_row, totals in zip(into, sums, strict=True):
            for c, total in enumerate(totals):
                if alone.literal_value:
                    address = emitter.number(out_row, c)
                    part = emitter.over_lanes(builder.load(total))
                    builder.store(builder.fadd(builder.load(address), part), address)
                else:
                    emitter.store(builder.load(total), out_row, c)
        return context.get_dummy_value()

    counts = [types.intp] * 3
    return types.void(alone, rows, columns, out, left, right, *counts, types.boolean), emit


def _spread(_typing, out, row, column, number):
    """Set the vector that begins at out[row, column] to a number in every lane."""

    def emit(context, builder, signature, values):
        emitter = _Emitter(context, builder, out.dtype, types.literal(False))
        place = emitter.place((out, values[0]), *values[1:3])
        emitter.store(emitter.everywhere(values[3]), place)
        return context.get_dummy_value()

    return types.void(out, types.intp, types.intp, out.dtype), emit


# A view here does not keep `flat` alive. An ordinary one counts its references, atomically: for a
# small network that costs more time than the arithmetic does. The caller keeps `flat`.


def _borrowed(_typing, value):
    """Return an array, or a tuple that holds arrays, whose references aren't counted."""

    def bare(context, builder, kind, value):
        if isinstance(kind, types.BaseTuple):
            kinds: Any = kind  # whose stubs don't say that it holds types
            parts = zip(kinds, cgutils.unpack_tuple(builder, value), strict=True)
            bared = [bare(context, builder, of, part) for of, part in parts]
            return context.make_tuple(builder, kind, bared)
        if not isinstance(kind, types.Array):
            return value
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = ir.Constant(array.meminfo.type, None)
        return array._getvalue()

    def emit(context, builder, signature, values):
        return bare(context, builder, value, values[0])

    return value(value), emit


def _matrix(_typing, flat, first, rows, columns):
    """Return flat[first : first + rows × columns] as a matrix."""
    kind = types.Array(flat.dtype, 2, "C")

    def emit(context, builder, signature, values):
        source, start, *shape = values
        size = flat.dtype.bitwidth // 8
        row = builder.mul(shape[1], context.get_constant(types.intp, size))
        return _view(context, builder, kind, (flat, source), start, shape, [row, size])

    return kind(flat, types.intp, types.intp, types.intp), emit


def _stretch(_typing, flat, first, length):
    """Return flat[first : first + length]."""
    kind = types.Array(flat.dtype, 1, "C")

    def emit(context, builder, signature, values):
        source, start, size = values
        step = flat.dtype.bitwidth // 8
        return _view(context, builder, kind, (flat, source), start, [size], [step])

    return kind(flat, types.intp, types.intp), emit


def _places(_typing, numbers, turned, flat, first, rows, columns):
    """Return a table of the places in an array where numbers begin, or vectors.

    `first` counts places. Where `turned`, the table is the transpose of what lies there, which has
    `columns` rows. Steps from place to place are constants, which keeps addresses simple.
    """
    kind = types.Array(flat.dtype, 2, "A")

    def emit(context, builder, signature, values):
        source, start, *shape = values[2:]
        size = flat.dtype.bitwidth // 8
        unit = 1 if numbers.literal_value else VECTOR_BYTES // size
        start = builder.mul(start, context.get_constant(types.intp, unit))
        other = shape[0] if turned.literal_value else shape[1]
        steps = [builder.mul(other, context.get_constant(types.intp, unit * size)), unit * size]
        if turned.literal_value:
            steps.reverse()
        return _view(context, builder, kind, (flat, source), start, shape, steps)

    return kind(numbers, turned, flat, types.intp, types.intp, types.intp), emit


def _view(
    context: Any, builder: Any, kind: Any, source: Any, first: Any, shape: Any, strides: Any
) -> Any:
    """A view from the number `first` of a source on; strides in bytes."""
    size = context.get_constant(types.intp, kind.dtype.bitwidth // 8)
    view = context.make_array(kind)(context, builder)
    arrayobj.populate_array(
        view,
        data=builder.gep(context.make_array(source[0])(context, builder, source[1]).data, [first]),
        shape=shape,
        strides=[context.get_constant(types.intp, s) if isinstance(s, int) else s for s in strides],
        itemsize=size,
        meminfo=None,
    )
    return view._getvalue()


def _split(signature: Any, values: Any, constants: int, arrays: int) -> Any:
    """An intrinsic's arrays, each with its type, and its indices; the constants are skipped."""
    kinds, values = signature.args[constants:], values[constants:]
    return list(zip(kinds[:arrays], values[:arrays], strict=True)), values[arrays:]


# Typed as Any: a call leaves out an intrinsic's first parameter, which no type checker can know.
forward_tile: Any = intrinsic(prefer_literal=True)(_forward_tile)
backward_tile: Any = intrinsic(prefer_literal=True)(_backward_tile)
inner_tile: Any = intrinsic(prefer_literal=True)(_inner_tile)
spread: Any = intrinsic(_spread)
borrowed: Any = intrinsic(_borrowed)
matrix: Any = intrinsic(_matrix)
places: Any = intrinsic(prefer_literal=True)(_places)
stretch: Any = intrinsic(_stretch)
