"""How the training kernel's functions are compiled, and where the machine code is kept."""

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit

# `contract` lets a product and a sum be rounded together. No other rule of arithmetic is relaxed,
# so that NaN and infinity keep their meaning and the compiler reorders nothing.
_ARITHMETIC: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
# A function that only compiled code calls needs no way in from Python or C: half the compile time.
_INTERNAL: dict[str, Any] = {**_ARITHMETIC, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

# The files whose functions are compiled into the entry, besides the entry's own.
_SOURCES = ("elementwise.py", "jit.py", "lanes.py", "order.py", "update.py")

compiled = njit(**_INTERNAL)
# Never left as a call, so that the loop around it can be vectorised.
inlined = njit(**_INTERNAL, forceinline=True)
# Copied into its caller before either is compiled. The compiler optimises a function anew with each
# caller that it is linked into: where there is but one caller, this saves a second or more.
spliced = njit(**_INTERNAL, inline="always")


def entry(make: Callable[[str], Callable[..., None]]) -> Any:
    """Compile `make(version)` at its first call, and keep the machine code on the disk.

    Numba's cache looks at the source file of the function itself and at its closure's values, not
    at the files that it imports. `version` is a digest of those; the function has to use it. Where
    no folder can be written, the code is compiled again by every process.
    """
    folder = Path(__file__).parent
    digest = hashlib.sha256(b"".join((folder / name).read_bytes() for name in _SOURCES))
    function = njit(**_ARITHMETIC)(make(digest.hexdigest()))
    with contextlib.suppress(RuntimeError):  # "no locator available": nowhere to write
        function.enable_caching()
    return function
