"""How weights meet their input: which of their numbers meet in one output, as a call showed it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import torch
from torch import Tensor, nn

Kind = Literal["product", "lookup", "added", "factor"]
_LARGEST_MASK = 2**24  # numbers of a tensor whose parts are told from each other one by one


@dataclass(frozen=True)
class Block:
    """Weights that connect one set of inputs with one set of outputs.

    Attributes
    ----------
    view : Tensor
        Shape (outputs..., inputs..., kernel...), sharing the parameter's memory.
    fan_in, fan_out : float
        How many weights meet in one output, and how many leave one input, on the average over
        positions: of a transposed convolution of kernel k and stride s, k/s meet in an output.
    taps : tuple of slice
        The positions of the kernel through which an output sees one input only: the middle one,
        and for a transposed convolution as many as its stride.
    leading : int
        How many dimensions of the view are outputs.
    """

    view: Tensor
    fan_in: float
    fan_out: float
    taps: tuple[slice, ...] = ()
    leading: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """Its form as a matrix, (outputs, inputs × kernel)."""
        return prod(self.view.shape[: self.leading]), prod(self.view.shape[self.leading :])


@dataclass(frozen=True)
class Use:
    """A view of a parameter in the call of a function, and what its dimensions are there.

    Attributes
    ----------
    kind : {"product", "lookup", "added", "factor"}
    size, stride, offset
        Of the view, within the parameter.
    batch, outputs, inputs : tuple of int
        Dimensions: each index of the first is a layer of its own; over the last is summed.
    """

    kind: Kind
    size: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int
    batch: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    inputs: tuple[int, ...] = ()

    def blocks(self, tensor: Tensor) -> Iterator[Block]:
        """Yield the blocks of a tensor that lies in memory as the parameter does."""
        start = tensor.storage_offset() + self.offset
        seen = tensor.as_strided(self.size, self.stride, start)
        seen = seen.permute(*self.batch, *self.outputs, *self.inputs)
        fan_in = float(prod(self.size[d] for d in self.inputs))
        fan_out = float(prod(self.size[d] for d in self.outputs))
        for part in _unbound(seen, len(self.batch)):
            yield Block(part, fan_in, fan_out, leading=len(self.outputs))

    @property
    def count(self) -> int:
        """How many numbers it shows."""
        return prod(self.size)


def _unbound(seen: Tensor, depth: int) -> Sequence[Tensor]:
    parts: list[Tensor] = [seen]
    for _ in range(depth):
        parts = [part for whole in parts for part in whole.unbind(0)]
    return parts


def cover(uses: Sequence[Use], shape: torch.Size) -> tuple[Use, ...]:
    """Return uses that show each number of a parameter once, none where they don't show all.

    Of slices along the first dimension, as experts are, one speaks for those that weren't called.
    """
    total, products = prod(shape), [use for use in uses if use.kind == "product"]
    for use in products:
        if use.count == total:
            return (use,)
    for use in products:
        if len(shape) > 1 and use.count * shape[0] == total:
            size, stride = (shape[0], *use.size), (total // shape[0], *use.stride)
            dims = [tuple(d + 1 for d in some) for some in (use.batch, use.outputs, use.inputs)]
            if use.offset % (total // shape[0]) == 0:
                return (Use("product", size, stride, 0, (0, *dims[0]), dims[1], dims[2]),)
    return _disjoint(products, total) if 0 < total <= _LARGEST_MASK else ()


def _disjoint(uses: Sequence[Use], total: int) -> tuple[Use, ...]:
    places, free, chosen = torch.arange(total), torch.ones(total, dtype=torch.bool), []
    for use in uses:
        if use.offset < 0 or _reach(use) > total:
            continue
        own = places.as_strided(use.size, use.stride, use.offset).flatten()
        if bool(free[own].all()):
            free[own] = False
            chosen.append(use)
    return () if bool(free.any()) else tuple(chosen)


def _reach(use: Use) -> int:
    steps = ((size - 1) * stride for size, stride in zip(use.size, use.stride, strict=True))
    return use.offset + sum(steps) + 1


class Known:
    """Knows the parameters of a model by their place in memory, and so the views of them."""

    def __init__(self, model: nn.Module) -> None:
        self._at: dict[int, list[Tensor]] = {}
        for tensor in model.parameters():
            if not tensor.is_meta and tensor.numel():
                place = tensor.untyped_storage().data_ptr()
                self._at.setdefault(place, []).append(tensor)

    def parameter(self, tensor: Any) -> Tensor | None:
        """Return the parameter that a tensor is, or is a view of."""
        if not isinstance(tensor, Tensor) or tensor.is_meta or not tensor.numel():
            return None
        try:
            held = self._at.get(tensor.untyped_storage().data_ptr(), [])
        except (RuntimeError, NotImplementedError):  # sparse tensors have no storage
            return None
        for one in held:
            begin = one.storage_offset()
            if begin <= tensor.storage_offset() < begin + max(one.numel(), 1):
                return one if one.dtype == tensor.dtype else None
        return None


def use_of(name: str, args: Sequence[Any], kwargs: dict[str, Any], known: Known) -> list[Any]:
    """Return each parameter that a function was given, with the use that it made of it.

    Parameters
    ----------
    name : str
        Of the function, as PyTorch has it.
    args, kwargs
        What it was called with.
    known : Known

    Returns
    -------
    list of (Tensor, Use)
    """
    reader = _READERS.get(name.rstrip("_").strip("_"))
    if reader is None:
        return []
    return [
        (parameter, use)
        for view, dims in reader(args, kwargs, known)
        if (parameter := known.parameter(view)) is not None
        and (use := _use(view, parameter, *dims)) is not None
    ]


_Dims = tuple[Kind, tuple[int, ...], tuple[int, ...], tuple[int, ...]]
_Reader = Callable[[Sequence[Any], dict[str, Any], Known], list[tuple[Tensor, _Dims]]]


def _use(  # noqa: PLR0917
    view: Tensor, parameter: Tensor, kind: Kind, batch: Any, outputs: Any, inputs: Any
) -> Use | None:
    """Return the use of a view without the dimensions that only repeat it."""
    real = [d for d in range(view.dim()) if view.stride(d) and view.shape[d] > 1]
    if any(view.shape[d] > 1 and not view.stride(d) for d in (*outputs, *inputs)):
        return None  # a number that stands for several
    place = {d: i for i, d in enumerate(real)}
    return Use(
        kind,
        tuple(view.shape[d] for d in real),
        tuple(view.stride(d) for d in real),
        int(view.storage_offset() - parameter.storage_offset()),
        *(tuple(place[d] for d in some if d in place) for some in (batch, outputs, inputs)),
    )


def _argument(args: Sequence[Any], kwargs: dict[str, Any], place: int, name: str) -> Any:
    return args[place] if len(args) > place else kwargs.get(name)


def _linear(args: Sequence[Any], kwargs: dict[str, Any], known: Known) -> Any:
    weight, bias = _argument(args, kwargs, 1, "weight"), _argument(args, kwargs, 2, "bias")
    found = (
        [] if weight is None else [(weight, ("product", (), (0,), tuple(range(1, weight.dim()))))]
    )
    return found + ([] if bias is None else [(bias, _ADDED)])


def _product(args: Sequence[Any], kwargs: dict[str, Any], known: Known) -> Any:
    first, second = args[0], _argument(args, kwargs, 1, "other")
    second = kwargs.get("mat2") if second is None else second
    return _pair(first, second, known)


def _pair(first: Any, second: Any, known: Known) -> Any:
    left, right = (known.parameter(one) is not None for one in (first, second))
    if left == right:
        return []
    weight = first if left else second
    rank = weight.dim()
    batch = tuple(range(rank - 2))
    if rank == 1:
        return [(weight, ("product", (), (), (0,)))]
    rows, columns = rank - 2, rank - 1
    dims = ((rows,), (columns,)) if left else ((columns,), (rows,))
    return [(weight, ("product", batch, *dims))]


def _added_product(args: Sequence[Any], kwargs: dict[str, Any], known: Known) -> Any:
    return [(args[0], _ADDED), *_pair(args[1], args[2], known)]


def _einsum(args: Sequence[Any], kwargs: dict[str, Any], known: Known) -> Any:
    if not args or not isinstance(args[0], str):
        return []
    operands = list(args[1]) if isinstance(args[1], list | tuple) else list(args[1:])
    terms, _, out = args[0].replace(" ", "").partition("->")
    letters = terms.split(",")
    if len(letters) != len(operands) or len(operands) < 2:
        return []
    if not out and "->" not in args[0]:
        every = "".join(letters)
        out = "".join(sorted(x for x in set(every) if every.count(x) == 1))
    found = []
    for own, operand in zip(letters, operands, strict=True):
        others = {x for term in letters if term is not own for x in term}
        if "." in own or known.parameter(operand) is None:
            continue
        batch = tuple(i for i, x in enumerate(own) if x in out and x in others)
        outputs = tuple(i for i, x in enumerate(own) if x in out and x not in others)
        inputs = tuple(i for i, x in enumerate(own) if x not in out)
        found.append((operand, ("product", batch, outputs, inputs)))
    return found if len(found) == 1 else []


def _lookup(args: Sequence[Any], kwargs: dict[str, Any], known: Known) -> Any:
    weight = _argument(args, kwargs, 1, "weight")
    return [] if weight is None else [(weight, ("lookup", (), (1,), (0,)))]


def _sum(args: Sequence[Any], kwargs: dict[str, Any], known: Known) -> Any:
    return [(one, _ADDED) for one in args[:2] if known.parameter(one) is not None]


def _factor(args: Sequence[Any], kwargs: dict[str, Any], known: Known) -> Any:
    return [(one, _FACTOR) for one in args[:2] if known.parameter(one) is not None]


_ADDED: _Dims = ("added", (), (), ())
_FACTOR: _Dims = ("factor", (), (), ())
_READERS: dict[str, _Reader] = {
    **dict.fromkeys(("linear", "conv1d", "conv2d", "conv3d"), _linear),
    **dict.fromkeys(("matmul", "mm", "bmm", "mv"), _product),
    **dict.fromkeys(("addmm", "baddbmm"), _added_product),
    "einsum": _einsum,
    "embedding": _lookup,
    **dict.fromkeys(("add", "radd", "iadd", "sub"), _sum),
    **dict.fromkeys(("mul", "rmul", "imul", "multiply"), _factor),
}
