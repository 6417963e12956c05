"""The two matrix products of training, as tiles held in vector registers.

Both are written in vectors of explicit width, because what a compiler makes of a plain loop varies
with the processor, with the loop's neighbours and with what it can prove about overlap. Here the
order of every addition is fixed by this file: no flag that lets a compiler reorder is needed, and
infinities and NaNs are what IEEE 754 says they are. Arrays hold examples last.
"""

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

# A vector is as wide as the processor's widest, named here because compilers prefer half of it.
VECTOR_BYTES = 64 if llvm.get_host_cpu_features().get("avx512f") else 32
# The tile's accumulators: 8 independent sums hide the 4 cycles that each of two multiply-add units
# takes, and with their operands they still fit the 16 registers of AVX2.
ROWS, VECTORS = 4, 2

_INDEX = ir.IntType(32)


class _Emitter:
    """Emits one function's vector code; all vectors have one element type."""

    def __init__(self, context: Any, builder: Any, element: Any) -> None:
        self.context, self.builder = context, builder
        self.bytes = element.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.bytes
        self.vector = ir.VectorType(context.get_value_type(element), self.lanes)

    def pointer(self, array: Any, row: Any, column: Any) -> Any:
        """The address of array[row, column]."""
        kind, value = array
        struct = self.context.make_array(kind)(self.context, self.builder, value)
        return cgutils.get_item_pointer(self.context, self.builder, kind, struct, [row, column])

    def load(self, array: Any, row: Any, column: Any) -> Any:
        address = self.builder.bitcast(self.pointer(array, row, column), self.vector.as_pointer())
        return self.builder.load(address, align=self.bytes)

    def store(self, value: Any, array: Any, row: Any, column: Any) -> None:
        address = self.builder.bitcast(self.pointer(array, row, column), self.vector.as_pointer())
        self.builder.store(value, address, align=self.bytes)

    def repeated(self, array: Any, row: Any, column: Any) -> Any:
        """The number array[row, column] in every lane."""
        number = self.builder.load(self.pointer(array, row, column))
        vector = ir.Constant(self.vector, ir.Undefined)
        vector = self.builder.insert_element(vector, number, ir.Constant(_INDEX, 0))
        return self._shuffled(vector, [0] * self.lanes)

    def sum(self) -> Any:
        """A vector of running sums, zero at first."""
        return cgutils.alloca_once_value(self.builder, ir.Constant(self.vector, [0.0] * self.lanes))

    def add(self, total: Any, a: Any, b: Any) -> None:
        """Total += a × b, rounded once where the processor can."""
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


def _affine_tile(_typing, rows, out, weights, bias, inputs, terms, row, column):
    """Set out to weights @ inputs + bias, on `rows` rows and VECTORS vectors of columns."""

    def emit(context, builder, signature, values):
        emitter = _Emitter(context, builder, out.dtype)
        (y, w, b, x), (count, first, left) = _split(signature, values, 1, 4)
        at_row = [emitter.offset(first, r) for r in range(rows.literal_value)]
        at_column = [emitter.offset(left, v * emitter.lanes) for v in range(VECTORS)]
        zero = ir.Constant(first.type, 0)
        sums = {}
        for r in at_row:
            start = emitter.repeated(b, r, zero)
            for c in at_column:
                sums[r, c] = cgutils.alloca_once_value(builder, start)
        with cgutils.for_range(builder, count) as loop:
            columns = {c: emitter.load(x, loop.index, c) for c in at_column}
            for r in at_row:
                weight = emitter.repeated(w, r, loop.index)
                for c in at_column:
                    emitter.add(sums[r, c], weight, columns[c])
        for (r, c), total in sums.items():
            emitter.store(builder.load(total), y, r, c)
        return context.get_dummy_value()

    return types.void(rows, out, weights, bias, inputs, types.intp, types.intp, types.intp), emit


def _inner_tile(_typing, rows, columns, out, left, right, length, row, column):
    """Add left @ right.T to out, on `rows` rows and `columns` columns."""

    def emit(context, builder, signature, values):
        emitter = _Emitter(context, builder, out.dtype)
        (y, a, b), (count, first, second) = _split(signature, values, 2, 3)
        at_row = [emitter.offset(first, r) for r in range(rows.literal_value)]
        at_column = [emitter.offset(second, c) for c in range(columns.literal_value)]
        sums = {(r, c): emitter.sum() for r in at_row for c in at_column}
        zero, step = (ir.Constant(count.type, n) for n in (0, emitter.lanes))
        with cgutils.for_range_slice(builder, zero, count, step, count.type) as (position, _):
            lefts = {r: emitter.load(a, r, position) for r in at_row}
            for c in at_column:
                vector = emitter.load(b, c, position)
                for r in at_row:
                    emitter.add(sums[r, c], lefts[r], vector)
        for (r, c), total in sums.items():
            address = emitter.pointer(y, r, c)
            part = emitter.over_lanes(builder.load(total))
            builder.store(builder.fadd(builder.load(address), part), address)
        return context.get_dummy_value()

    return types.void(rows, columns, out, left, right, types.intp, types.intp, types.intp), emit


def _matrix(_typing, flat, first, rows, columns):
    """Return flat[first : first + rows × columns] as a matrix that does not keep `flat` alive.

    An ordinary view counts its references, atomically: for a small network that costs more time
    than the arithmetic does. The caller keeps `flat`.
    """
    kind = types.Array(flat.dtype, 2, "C")

    def emit(context, builder, signature, values):
        source, start, *shape = values
        array = context.make_array(flat)(context, builder, source)
        bytes_each = context.get_constant(types.intp, flat.dtype.bitwidth // 8)
        view = context.make_array(kind)(context, builder)
        arrayobj.populate_array(
            view,
            data=builder.gep(array.data, [start]),
            shape=shape,
            strides=[builder.mul(shape[1], bytes_each), bytes_each],
            itemsize=bytes_each,
            meminfo=None,
        )
        return view._getvalue()

    return kind(flat, types.intp, types.intp, types.intp), emit


def _split(signature: Any, values: Any, constants: int, arrays: int) -> Any:
    """An intrinsic's arrays, each with its type, and its indices; the constants are skipped."""
    kinds, values = signature.args[constants:], values[constants:]
    return list(zip(kinds[:arrays], values[:arrays], strict=True)), values[arrays:]


# Typed as Any: a call leaves out an intrinsic's first parameter, which no type checker can know.
affine_tile: Any = intrinsic(prefer_literal=True)(_affine_tile)
inner_tile: Any = intrinsic(prefer_literal=True)(_inner_tile)
matrix: Any = intrinsic(_matrix)
