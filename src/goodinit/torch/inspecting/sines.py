"""Sines of the inputs: whether a first layer's waves are too long or too short for them.

A network of sines (Sitzmann et al. 2020) is as fine as its first layer's waves: where they are too
long, it is nearly linear; where they are too short, it says of neighbours nothing alike.
"""

from collections.abc import Sequence
from math import pi
from typing import Any

import torch
from torch import Tensor

from goodinit.evidence.causes import shown
from goodinit.torch.inspecting.beginning import UNSCALED
from goodinit.torch.inspecting.measuring import Call, Waves, places
from goodinit.torch.inspecting.passage import WHOLE, Finding

LABEL = "sine bandwidth"
_STRAIGHT = 0.1  # radians: up to there a sine departs from its argument by 0.2%
_FEWEST = 16  # inputs, of which one may be near another
_ASKED, _AMONG, _UNITS = 64, 2**16, 32  # inputs whose nearest is sought, among how many, by what
# Of the variance, that targets change from an input to its nearest: below, they are smooth; above,
# noise, or inputs too few to show what they are.
_SMOOTH, _NOISE = 0.05, 0.5
_SLOWER = 35.0  # times: 300 steps of Adam fit targets that change 30 times as fast, no more 40
_FORGOTTEN = 0.5  # of the variance: where sines of neighbours are as good as unrelated


def waves(z: Tensor) -> Waves | None:
    """Return what sines are given, and what they make of neighbours; None of few inputs.

    Spread are the units that spread furthest (the upper tenth), apart those with long waves (the
    lower quarter).

    Parameters
    ----------
    z : Tensor, shape (inputs, units)
        The arguments.

    Examples
    --------
    >>> z = torch.linspace(-1, 1, 101)[:, None] * torch.tensor([1.0, 10.0, 30.0])
    >>> found = waves(z)
    >>> round(found.spread, 1), round(found.apart, 2)
    (15.2, 0.11)
    """
    if len(z) < _FEWEST:
        return None
    z = z.detach().float()[:, places(z.shape[1], _UNITS, z.device)]
    spread = z.std(0).quantile(0.9)
    some = z[:_AMONG]  # neighbours lie beside each other, so no sample of them would do
    chosen = places(len(some), _ASKED, z.device)
    distances = torch.cdist(some[chosen], some)
    nearest = distances.masked_fill(distances < 1e-6 * distances.max(), float("inf")).argmin(1)
    pairs = torch.stack([chosen, nearest])
    apart = (some[chosen] - some[nearest]).abs().median(0).values.quantile(0.25)
    return Waves(float(spread), float(apart), _change(z.sin(), pairs), pairs)


def _change(values: Tensor, pairs: Tensor) -> float:
    """Return half the mean square of the change over pairs, as a part of the variance."""
    variance = float(values.var(0, correction=0).mean())
    change = float((values[pairs[0]] - values[pairs[1]]).square().mean()) / 2
    return change / variance if variance > 0 else 0.0


def find_waves(calls: Sequence[Call], targets: Any = None) -> list[Finding]:
    """Return what is wrong with the sines that the inputs are given to, beside the targets."""
    found = {c.layer: _judged(c, c.waves, targets) for c in calls if c.waves is not None}
    return [one for one in found.values() if one is not None]


def _judged(call: Call, seen: Waves, targets: Any) -> Finding | None:
    layer, wanted = call.layer or WHOLE, _wanted(seen, targets)
    numbers = {"spread": seen.spread, "apart": seen.apart}
    way = "make w0 larger: 30 for inputs from -1 to 1"
    if seen.spread < _STRAIGHT:
        reason = (
            f"the sines of layer {layer} are given numbers that spread by {shown(seen.spread)} "
            f"over the inputs, where a sine is a straight line"
        )
    elif seen.change * _SLOWER < wanted <= _NOISE:
        times = wanted / seen.change if seen.change > 0 else float("inf")
        numbers["times"] = times
        reason = (
            f"from an input to the nearest the targets change by {shown(times)} times as much of "
            f"their variance as the sines of layer {layer}, whose waves are too long for them"
        )
    elif seen.apart > pi or (
        call.input_rms >= UNSCALED and seen.change > _FORGOTTEN and wanted < _SMOOTH
    ):
        way = "bring the inputs between -1 and 1, or make w0 smaller"
        reason = (
            f"from an input to the nearest the sines of layer {layer} go on by "
            f"{shown(seen.apart)} or more, so that neighbours have "
            f"{'nothing' if seen.apart > pi else 'little'} in common: the network learns them one "
            f"by one"
        )
    else:
        return None
    return Finding(call.layer, LABEL, reason, numbers, remark=way)


def _wanted(seen: Waves, targets: Any) -> float:
    """Return how far targets change from an input to its nearest; NaN where that isn't known."""
    known = isinstance(targets, Tensor) and targets.is_floating_point() and targets.dim() > 0
    if not known or len(targets) <= int(seen.pairs.max()):
        return float("nan")
    return _change(
        targets.detach().float().reshape(len(targets), -1), seen.pairs.to(targets.device)
    )
