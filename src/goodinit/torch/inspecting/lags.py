"""What many steps in time do to a gradient: of recurrent layers, and of recurrences by hand."""

from collections.abc import Container, Mapping, Sequence

import numpy as np

from goodinit.evidence.causes import Numbers, value
from goodinit.torch.inspecting.measuring import Call
from goodinit.torch.inspecting.passage import Finding, tell

_FEWEST = 20  # steps


_SAME = 1e-5  # relative


def find_lags(
    calls: Sequence[Call],
    products: Mapping[str, Sequence[float]],
    later: Mapping[str, Sequence[float]] | None = None,
) -> list[Finding]:
    """Return the layers and parameters whose gradient vanishes or explodes over time.

    Where each step is given the same once more, as on the way to an equilibrium, nothing is lost
    with the first of them.

    Parameters
    ----------
    calls : sequence of Call
        A layer that is called again and again is taken for one of a step each.
    products : mapping of str to sequence of float
        For each parameter that states were multiplied with, the gradients' norms, step by step.
    later : mapping of str to sequence of float, optional
        The same of each layer's calls that come after those.

    Examples
    --------
    >>> print(find_lags([], {"decay": [0.5 ** (40 - t) for t in range(41)]})[0].reason)
    over 41 steps the gradient of decay falls to 9.09e-13 of its largest
    """
    steps: dict[str, list[float]] = {}
    for call in calls:
        if call.kind in ("linear", "recurrent"):
            steps.setdefault(call.layer, []).append(call.backward_norm)
    steps = {layer: [*norms, *(later or {}).get(layer, ())] for layer, norms in steps.items()}
    steps |= {call.layer: call.over_time for call in calls if call.over_time}
    fed = _fed_the_same(calls)
    found = [_judged(layer, norms, fed) for layer, norms in (*steps.items(), *products.items())]
    return [one for one in found if one is not None]


def _fed_the_same(calls: Sequence[Call]) -> set[str]:
    """Return the layers that are called again and again, and added to the same each time."""
    beside: dict[str, list[float]] = {}
    for call in calls:
        if call.number > 1 and call.beside > 0:
            beside.setdefault(call.layer, []).append(call.beside)
    return {
        layer for layer, sizes in beside.items() if max(sizes) - min(sizes) < _SAME * max(sizes)
    }


def _judged(layer: str, norms: Sequence[float], fed: Container[str]) -> Finding | None:
    given = [norm for norm in norms if np.isfinite(norm)]
    known = np.array([norm for norm in given if norm > 0])  # the smallest come to nothing
    if len(given) < _FEWEST or not len(known):
        return None
    numbers: Numbers = {"steps": float(len(norms))}
    least, growth = known.min() / known.max(), known[0] / known[-1]
    if growth >= value("time_growth"):
        return tell(layer, "time grows", {**numbers, "ratio": float(growth)})
    if least <= value("time_decay") and layer not in fed:
        numbers["reach"] = float((known >= value("time_decay") * known.max()).sum())
        return tell(layer, "time decays", {**numbers, "ratio": float(least)})
    return None
