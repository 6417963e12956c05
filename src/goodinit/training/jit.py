"""How the training kernel's functions are compiled, and where the machine code is kept."""

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc
from numba.extending import intrinsic

# `contract` lets a product and a sum be rounded together. No other rule of arithmetic is relaxed,
# so that NaN and infinity keep their meaning and the compiler reorders nothing.
_ARITHMETIC: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
# A function that only compiled code calls needs no way in from Python or C: half the compile time.
_INTERNAL: dict[str, Any] = {**_ARITHMETIC, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

# The files whose functions are compiled into the entry, besides the entry's own.
_SOURCES = (
    "alone.py",
    "answers.py",
    "elementwise.py",
    "gradient.py",
    "hessian.py",
    "jit.py",
    "kernel.py",
    "lanes.py",
    "order.py",
    "outputs.py",
    "products.py",
    "tiles.py",
    "together.py",
    "update.py",
)

compiled = njit(**_INTERNAL)
# Never left as a call, so that the loop around it can be vectorised.
inlined = njit(**_INTERNAL, forceinline=True)


class _Kept(FunctionCache):
    """Numba's cache, whose key is what the code was made of.

    Numba's own looks at the source file of the function itself and at its closure's values, not at
    the files that it imports nor at the functions that the closure holds.

    Each key has files of its own. Numba gives all that the same lines make one index, which numbers
    their files; of two processes that compile for the first time, one could overwrite the file that
    the other's index names, and a later process would run the wrong code.
    """

    def __init__(self, function: Callable[..., Any], made_of: str) -> None:
        super().__init__(function)
        self._made_of = made_of

    def _load_overload(self, sig: Any, target_context: Any) -> Any:
        self._take_file(sig, target_context.codegen())
        return super()._load_overload(sig, target_context)

    def _save_overload(self, sig: Any, data: Any) -> None:
        self._take_file(sig, data.codegen)
        # A full disk cannot keep what was compiled, which this process has nevertheless.
        with contextlib.suppress(OSError):
            super()._save_overload(sig, data)

    def _take_file(self, signature: Any, codegen: Any) -> None:
        key = repr(self._index_key(signature, codegen))
        name = f"{self._impl.filename_base}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = IndexDataCacheFile(self._cache_path, name, stamp)

    def _index_key(self, signature: Any, codegen: Any) -> Any:
        return signature, codegen.magic_tuple(), self._made_of


def entry(function: Callable[..., None], kind: str) -> Any:
    """Compile a function at its first call, and keep the machine code on the disk.

    `kind` tells it from others that the same lines make. Where no folder can be written, the code
    is compiled again by every process.
    """
    made = njit(**_ARITHMETIC)(function)
    _keep(made, function, kind)
    return made


def kept() -> tuple[Path | None, list[Path]]:
    """Return the folder in which machine code is kept, and our files in it.

    None where no folder can be written.
    """
    try:
        folder = Path(_Kept(entry, "").cache_path)
    except RuntimeError:  # "no locator available"
        return None, []
    stems = tuple(f"{Path(name).stem}." for name in _SOURCES)
    files = [path for path in folder.glob("*.nb[ic]") if path.name.startswith(stems)]
    return folder, sorted(files)


def pointed(function: Callable[..., None], kind: str, dtype: str, *takes: str) -> CFunc:
    """Compile a function that the kernel calls by its address, and keep it as ``entry`` does.

    What of the kernel a study may choose is compiled apart from it: a choice costs its own lines.

    Parameters
    ----------
    function : callable
    kind : str
    dtype : str
        Of its arrays, which it takes as bare pointers.
    takes : str
        Of each argument: "array", or the type of a number; with a star, of an array's numbers.
    """
    names = [f"{dtype}*" if name == "array" else name for name in takes]
    arguments = [
        types.CPointer(getattr(types, name[:-1])) if name[-1] == "*" else getattr(types, name)
        for name in names
    ]
    made = CFunc(function, (tuple(arguments), types.void), {}, {"nopython": True, **_ARITHMETIC})
    _keep(made, function, kind)
    made.compile()
    return made


def pointer_of(made: CFunc) -> int:
    """Return the address for ``call_at``."""
    return int(made.address or 0)


def _keep(made: Any, function: Callable[..., None], kind: str) -> None:
    folder = Path(__file__).parent
    digest = hashlib.sha256(b"".join((folder / name).read_bytes() for name in _SOURCES))
    with contextlib.suppress(RuntimeError):  # "no locator available": nowhere to write
        made._cache = _Kept(function, f"{kind} {digest.hexdigest()}")


def _call_at(_typing, address, arguments):
    """Call what ``pointed`` made at an address, with a tuple of its arguments."""

    def emit(context, builder, signature, values):
        given = []
        for i, kind in enumerate(arguments):
            value = builder.extract_value(values[1], i)
            if isinstance(kind, types.Array):
                value = context.make_array(kind)(context, builder, value).data
            given.append(value)
        function = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        builder.call(builder.inttoptr(values[0], function.as_pointer()), given)
        return context.get_dummy_value()

    return types.void(address, arguments), emit


call_at: Any = intrinsic(_call_at)
