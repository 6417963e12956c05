"""What many steps in time do to a gradient: of recurrent layers, and of recurrences by hand."""

from collections.abc import Mapping, Sequence

import numpy as np

from goodinit.evidence.causes import Numbers, value
from goodinit.torch.inspecting.measuring import Call
from goodinit.torch.inspecting.passage import Finding, tell

_FEWEST = 20  # steps


def find_lags(calls: Sequence[Call], products: Mapping[str, Sequence[float]]) -> list[Finding]:
    """Return the layers and parameters whose gradient vanishes or explodes over time.

    Parameters
    ----------
    calls : sequence of Call
        A layer that is called again and again is taken for one of a step each.
    products : mapping of str to sequence of float
        For each parameter that states were multiplied with, the gradients' norms, step by step.

    Examples
    --------
    >>> print(find_lags([], {"decay": [0.5 ** (40 - t) for t in range(41)]})[0].reason)
    over 41 steps the gradient of decay falls to 9.09e-13 of its largest
    """
    steps: dict[str, list[float]] = {}
    for call in calls:
        if call.kind in ("linear", "recurrent"):
            steps.setdefault(call.layer, []).append(call.backward_norm)
    steps |= {call.layer: call.over_time for call in calls if call.over_time}
    found = [_judged(layer, norms) for layer, norms in (*steps.items(), *products.items())]
    return [one for one in found if one is not None]


def _judged(layer: str, norms: Sequence[float]) -> Finding | None:
    known = np.array([norm for norm in norms if np.isfinite(norm) and norm > 0])
    if len(known) < _FEWEST:
        return None
    numbers: Numbers = {"steps": float(len(norms))}
    least, growth = known.min() / known.max(), known[0] / known[-1]
    if growth >= value("time_growth"):
        return tell(layer, "time grows", {**numbers, "ratio": float(growth)})
    if least <= value("time_decay"):
        return tell(layer, "time decays", {**numbers, "ratio": float(least)})
    return None
