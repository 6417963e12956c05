"""How a page takes numbers: arrays in base64, thinned to what a screen can show."""

from base64 import b64encode
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

_SINGLE = np.finfo(np.float32)
KINDS = {"f32": "<f4", "f64": "<f8", "u8": "|u1", "i32": "<i4"}


def packed(values: ArrayLike, kind: str = "f32") -> dict[str, str]:
    """Return an array for the page, row by row, as the type of that name; see ``KINDS``.

    In single precision what is finite stays finite, and what isn't zero stays that: whatever is
    larger or smaller than it can hold is drawn at its ends.

    Examples
    --------
    >>> packed([1, 2], "u8")
    {'u8': 'AQI='}
    >>> packed([1e300]) == packed([3.4028235e38])
    True
    """
    array = np.asarray(values, dtype=np.float64 if kind.startswith("f") else None)
    if kind == "f32":
        finite = np.isfinite(array)
        held = np.clip(np.abs(array), _SINGLE.tiny, _SINGLE.max) * np.sign(array)
        array = np.where(finite & (array != 0), held, array)
    return {kind: b64encode(array.astype(KINDS[kind]).tobytes()).decode()}


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """Return which of some things are kept where at most so many are: evenly, both ends among them.

    Examples
    --------
    >>> evenly(9, 3), evenly(2, 3)
    (array([0, 4, 8]), array([0, 1]))
    """
    if count <= most:
        return np.arange(count)
    if most == 1:
        return np.zeros(1, np.int64)
    return np.unique(np.linspace(0, count - 1, most).round()).astype(np.int64)


def plain(value: Any) -> Any:
    """Return a value as JSON holds it: a number that is none becomes null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
