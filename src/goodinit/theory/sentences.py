"""What theory says of depth, in words."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

_MUCH = 10.0  # times that a scale must change over the hidden layers to be spoken of
_DEEP = 3  # hidden layers from which on depth is spoken of
_DEAD = 0.1  # probability of being born dead from which on it is spoken of


def say(
    *, depth: int, alike_after: int | None, signal: Array, gradient: Array, born_dead: float
) -> tuple[str, ...]:
    """Return what there is to say: of inputs that grow alike, signals, gradients, dead units.

    Parameters
    ----------
    depth : int
        How many hidden layers there are.
    alike_after : int or None
        After how many such layers two inputs look alike.
    signal, gradient : array, shape (depth,)
        Their scale in each hidden layer.
    born_dead : float
        The probability that the network is born dead on an example.

    Examples
    --------
    >>> flat = np.ones(40)
    >>> print(*say(depth=40, alike_after=18, signal=flat, gradient=flat, born_dead=0.0))
    theory: two inputs look alike after about 18 such layers; there are 40
    """
    said = []
    if depth >= _DEEP:
        said += [
            _alike(alike_after, depth),
            _scale("signal", signal),
            _scale("gradient", gradient[::-1]),
        ]
    if born_dead >= _DEAD:
        said.append(
            f"theory: such a network is dead on an example with probability {born_dead:.2g}"
        )
    return tuple(sentence for sentence in said if sentence)


def _alike(after: int | None, depth: int) -> str:
    if after is None or after > depth:
        return ""
    layers = f"{after} such layer{'s' if after > 1 else ''}"
    return f"theory: two inputs look alike after about {layers}; there are {depth}"


def _scale(what: str, scales: Array) -> str:
    """Return how a scale changes on its way, from the first number to the last."""
    start, end, steps = float(scales[0]), float(scales[-1]), len(scales)
    if start == 0 or end == 0:
        return f"theory: the {what} vanishes"
    if not np.isfinite([start, end]).all():
        return f"theory: the {what} explodes"
    times = max(end / start, start / end)
    if times < _MUCH:
        return ""
    how = "grows" if end > start else "shrinks"
    return f"theory: the {what} {how} {times:,.3g} times in {steps} layers"
