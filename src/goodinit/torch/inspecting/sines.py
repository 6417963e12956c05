"""Sines of the inputs: whether a first layer's waves are too long or too short for them.

A network of sines (Sitzmann et al. 2020) is as fine as its first layer's waves: where they are too
long, it is nearly linear; where they are too short, it says of neighbours nothing alike.
"""

from collections.abc import Sequence
from math import isnan, pi

import torch
from torch import Tensor

from goodinit.evidence.causes import shown
from goodinit.torch.inspecting.measuring import Call, places
from goodinit.torch.inspecting.passage import WHOLE, Finding

LABEL = "sine bandwidth"
_STRAIGHT = 0.1  # radians: up to there a sine departs from its argument by 0.2%
_FEWEST = 16  # inputs, of which one may be near another
_ASKED, _AMONG, _UNITS = 64, 2**16, 32  # inputs whose nearest is sought, among how many, by what


def waves(z: Tensor) -> tuple[float, float]:
    """Return how far a sine's arguments spread, and how far apart they are of the nearest inputs.

    Parameters
    ----------
    z : Tensor, shape (inputs, units)
        The arguments.

    Returns
    -------
    spread, apart : float
        In radians: the standard deviation of the units that spread furthest (the upper tenth), and
        the step from an input to its nearest, of units with long waves (the lower quarter). NaN of
        few inputs.

    Examples
    --------
    >>> z = torch.linspace(-1, 1, 101)[:, None] * torch.tensor([1.0, 10.0, 30.0])
    >>> spread, apart = waves(z)
    >>> round(spread, 1), round(apart, 2)
    (15.2, 0.11)
    """
    if len(z) < _FEWEST:
        return float("nan"), float("nan")
    z = z.detach().float()[:, places(z.shape[1], _UNITS, z.device)]
    spread = z.std(0).quantile(0.9)
    some = z[:_AMONG]  # neighbours lie beside each other, so no sample of them would do
    asked = some[places(len(some), _ASKED, z.device)]
    distances = torch.cdist(asked, some)
    nearest = distances.masked_fill(distances < 1e-6 * distances.max(), float("inf")).argmin(1)
    apart = (asked - some[nearest]).abs().median(0).values.quantile(0.25)
    return float(spread), float(apart)


def find_waves(calls: Sequence[Call]) -> list[Finding]:
    """Return what is wrong with the sines that the inputs are given to."""
    found = {call.layer: _judged(call) for call in calls if not isnan(call.waves[0])}
    return [one for one in found.values() if one is not None]


def _judged(call: Call) -> Finding | None:
    spread, apart = call.waves
    layer, numbers = call.layer or WHOLE, {"spread": spread, "apart": apart}
    if spread < _STRAIGHT:
        reason = (
            f"the sines of layer {layer} are given numbers that spread by {shown(spread)} over the "
            f"inputs, where a sine is a straight line"
        )
        way = "make w0 larger: 30 for inputs from -1 to 1"
    elif apart > pi:
        reason = (
            f"from an input to the nearest the sines of layer {layer} go on by {shown(apart)} or "
            f"more, so that neighbours have nothing in common: up to {pi:.2f} they would"
        )
        way = "bring the inputs between -1 and 1, or make w0 smaller"
    else:
        return None
    return Finding(call.layer, LABEL, reason, numbers, remark=way)
