"""Vectors of explicit width, and views of arrays that hold them.

A vector's lanes are filled in one of two ways. Where a network trains *alone*, they hold examples
of it that lie beside each other: a weight is one number for all lanes, and the gradient is summed
over them at the end. Where networks train *together*, each lane is a network: a weight is a vector,
and nothing is ever summed across. `alone` is a constant of the compiled code.

What a compiler makes of a plain loop varies with the processor, with the loop's neighbours and with
what it can prove about overlap. In explicit vectors the order of every addition is fixed by what is
written: no flag that lets a compiler reorder is needed, and infinities and NaNs are what IEEE 754
says they are.
"""

from collections.abc import Callable, Iterator
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
COLUMNS = 2  # of vectors, whose multiples rows are long

_BIT = ir.IntType(1)
_INDEX = ir.IntType(32)


class Emitter:
    """Emits one function's vector code; all vectors have one element type."""

    def __init__(self, context: Any, builder: Any, element: Any, alone: bool) -> None:
        self.context, self.builder, self.alone = context, builder, alone
        self.bytes = element.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.bytes
        self.vector = ir.VectorType(context.get_value_type(element), self.lanes)

    def vectors(self, numbers: Any, first: Any = None) -> Any:
        """Where vectors begin, at an address of numbers; `first` is how many numbers behind it."""
        place = self.builder.gep(numbers, [first]) if first is not None else numbers
        return self.builder.bitcast(place, self.vector.as_pointer())

    def weights(self, numbers: Any) -> Any:
        """Where parameters begin: numbers where alone, otherwise vectors."""
        return numbers if self.alone else self.vectors(numbers)

    def at(self, place: Any, *steps: Any) -> Any:
        """The address so many numbers or vectors behind a place."""
        for step in steps:
            index = ir.Constant(_INDEX, step) if isinstance(step, int) else step
            place = self.builder.gep(place, [index])
        return place

    def load(self, place: Any) -> Any:
        """The vector that lies at a place."""
        return self.builder.load(place, align=self.bytes)

    def store(self, value: Any, place: Any) -> None:
        """Lay a vector there."""
        self.builder.store(value, place, align=self.bytes)

    def weight(self, place: Any) -> Any:
        """A parameter, in every lane."""
        return self.everywhere(self.builder.load(place)) if self.alone else self.load(place)

    def everywhere(self, number: Any) -> Any:
        """The vector of a number in every lane."""
        vector = ir.Constant(ir.VectorType(number.type, self.lanes), ir.Undefined)
        vector = self.builder.insert_element(vector, number, ir.Constant(_INDEX, 0))
        return self._shuffled(vector, [0] * self.lanes)

    def constant(self, number: float) -> Any:
        """The vector of a constant in every lane."""
        return ir.Constant(self.vector, [number] * self.lanes)

    def total(self, start: Any) -> Any:
        """A place for a sum, which becomes a register."""
        return cgutils.alloca_once_value(self.builder, start)

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

    def cut(self, count: Any, most: int, emit: Callable[[Any, int], None]) -> None:
        """Cut rows into tiles of at most so many, the last two of equal height or nearly.

        What ``emit(first, rows)`` emits is there once for each height; `count` is 1 or more.
        """
        builder, kind = self.builder, count.type
        place = cgutils.alloca_once_value(builder, ir.Constant(kind, 0))
        again, met, done = (builder.append_basic_block(name) for name in ("cut", "met", "done"))
        builder.branch(again)
        builder.position_at_end(again)
        first = builder.load(place)
        left = builder.sub(count, first)
        half = builder.lshr(builder.add(left, ir.Constant(kind, 1)), ir.Constant(kind, 1))
        whole = ir.Constant(kind, most)
        two = builder.icmp_unsigned(">=", left, ir.Constant(kind, 2 * most))
        fits = builder.icmp_unsigned("<=", left, whole)
        height = builder.select(fits, left, builder.select(two, whole, half))
        choice = builder.switch(height, met)
        for rows in range(1, most + 1):
            case = builder.append_basic_block(f"rows{rows}")
            choice.add_case(ir.Constant(kind, rows), case)
            builder.position_at_end(case)
            emit(first, rows)
            builder.branch(met)
        builder.position_at_end(met)
        reached = builder.add(first, height)
        builder.store(reached, place)
        builder.cbranch(builder.icmp_unsigned("<", reached, count), again, done)
        builder.position_at_end(done)

    def _shuffled(self, vector: Any, order: list[int]) -> Any:
        mask = ir.Constant(ir.VectorType(_INDEX, self.lanes), order)
        return self.builder.shuffle_vector(vector, vector, mask)


def _spread(_typing, out, first, number):
    """Set the vector that begins at out[first] to a number in every lane."""

    def emit(context, builder, signature, values):
        emitter = Emitter(context, builder, out.dtype, alone=False)
        data = context.make_array(out)(context, builder, values[0]).data
        emitter.store(emitter.everywhere(values[2]), emitter.vectors(data, values[1]))
        return context.get_dummy_value()

    return types.void(out, types.intp, out.dtype), emit


# Nothing here keeps alive what it points to; the caller does. An ordinary array counts its
# references, atomically: for a small network that costs more time than the arithmetic does.


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


def _numbers(_typing, like, address, size):
    """Return so many numbers from an address on, of the type that an array has."""
    kind = types.Array(like.dtype, 1, "C")

    def emit(context, builder, signature, values):
        of_numbers = context.get_value_type(like.dtype).as_pointer()
        step = context.get_constant(types.intp, like.dtype.bitwidth // 8)
        view = context.make_array(kind)(context, builder)
        arrayobj.populate_array(
            view,
            data=builder.inttoptr(values[1], of_numbers),
            shape=[values[2]],
            strides=[step],
            itemsize=step,
            meminfo=None,
        )
        return view._getvalue()

    return kind(like, types.intp, types.intp), emit


def _behind(_typing, array, count):
    """Return the address so many numbers behind an array's first, for ``call_at``."""

    def emit(context, builder, signature, values):
        data = context.make_array(array)(context, builder, values[0]).data
        return builder.ptrtoint(builder.gep(data, [values[1]]), context.get_value_type(types.intp))

    return types.intp(array, types.intp), emit


# Typed as Any: a call leaves out an intrinsic's first parameter, which no type checker can know.
spread: Any = intrinsic(_spread)
borrowed: Any = intrinsic(_borrowed)
numbers: Any = intrinsic(_numbers)
behind: Any = intrinsic(_behind)
