"""How far a signal, a difference between two inputs, and a gradient carry, against the depth.

Stations are the layers and sums that everything on its way from the inputs to the outputs must
pass: of a plain network all of its layers, of a residual one its stem and what each branch is added
to. Between them no formula is needed: what is measured holds for norms, branches and attentions.
"""

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from goodinit.torch.inspecting.expecting import Known, expected, known
from goodinit.torch.inspecting.measuring import Call
from goodinit.torch.inspecting.ways import Ways

COLUMNS = (
    "seed",
    "layer",
    "type",
    "rms",
    "correlation",
    "jacobian",
    "expected_rms",
    "low",
    "high",
    "token_correlation",
    "angle_exponent",
    "gradient_exponent",
)
_FEWEST = 4  # stations of which a depth can be told
_MUCH = 3.0  # times that something has to change on the whole way to be spoken of
_STEADY = 1.5  # times that a steady rate may be off the change on the whole way
_NOISE = 1e-6  # a correlation nearer to one is rounding

_Array = NDArray[np.float64]


class Carried(NamedTuple):
    """The stations of one pass, and what theory needs to say what they should be."""

    stations: tuple[Call, ...] = ()
    known: Known | None = None


def pull_back(calls: Sequence[Call], said: Sequence[Tensor], inputs: int) -> None:
    """Give each call its averaged partial Jacobian norm, by one random vector at the outputs.

    Of v ~ N(0, 1) E|Jᵀv|² is the sum of the squares of J (Doshi et al. 2023, section 2); a number
    of the outputs has its share of it. The random vector is the same each time.

    Parameters
    ----------
    calls : sequence of Call
    said : sequence of Tensor
        The outputs.
    inputs : int
        How many inputs the module was given.
    """
    several = (one for one in said if one.numel() > 1 and one.requires_grad)
    out = next((one for one in several if one.is_floating_point()), None)
    first = [weight for call in calls if not call.before >> inputs for weight in call.weights]
    reached = [weight for weight in first if weight.requires_grad]
    if out is None or not reached:
        return
    random = torch.Generator().manual_seed(0)
    v = torch.randn(out.shape, generator=random, dtype=torch.float32).to(out)
    size = float(v.double().square().sum())  # what it is on average is how many numbers there are
    steps = [call.stepped for call in calls]
    for call in calls:
        call.stepped = None  # what waits for the gradient of the cost
    torch.autograd.grad(out, reached, v, retain_graph=True, allow_unused=True)
    for call, stepped in zip(calls, steps, strict=True):
        call.stepped = stepped
        call.jacobian = call.backward_norm**2 / size
        call.backward_norm = float("nan")


def carried(calls: Sequence[Call], ways: Ways, inputs: Sequence[Tensor]) -> Carried:
    """Return the stations of a pass, before its calls let go of their weights."""
    if not calls:
        return Carried()
    passed = set(ways.unavoidable([call.index for call in calls]))
    stations = [call for call in calls if call.index in passed and call.kind != "norm"]
    return Carried(tuple(stations), known(stations, inputs))


def tabulate(passes: Sequence[tuple[int, Carried]]) -> pd.DataFrame:
    """Return a row per seed and station, in forward order."""
    rows = [row for seed, passed in passes for row in _rows(seed, passed)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(seed: int, passed: Carried) -> list[dict[str, object]]:
    bands = expected(passed.known) if passed.known is not None else {}
    ends = _blocks(passed.stations)
    rows = []
    for call in passed.stations:
        low, middle, high = bands.get(call.index, (float("nan"),) * 3)
        angle, gradient = ends.get(call.index, (float("nan"),) * 2)
        cells = (
            *(seed, call.layer, "sum" if call.kind == "sum" else call.type),
            *(call.signals["preactivation_rms"], call.alike, call.jacobian),
            *(middle, low, high, call.tokens_alike, angle, gradient),
        )
        rows.append(dict(zip(COLUMNS, cells, strict=True)))
    return rows


def _blocks(stations: Sequence[Call]) -> dict[int, tuple[float, float]]:
    """Return each block's two exponents, by the sum that ends it (Cowsik et al. 2024, section 4).

    That of the angle is how much nearer to one, or farther from it, the correlation of two tokens
    is behind the block; that of the gradient how much larger its square is before the block.
    """
    seen = [call for call in stations if not np.isnan(call.tokens_alike)]
    ends = [[*calls][-1] for _, calls in groupby(seen, key=lambda call: call.layer)]
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            call.index: (
                float(np.log(np.float64(1 - call.tokens_alike) / (1 - before.tokens_alike))),
                float(np.log(np.float64(before.jacobian) / call.jacobian)),
            )
            for before, call in pairwise(ends)
            if call.kind == "sum" and not _only_adds(before, call)
        }


def _only_adds(before: Call, call: Call) -> bool:
    """Return whether what is added doesn't depend on what it is added to, as positions don't."""
    return before.jacobian == call.jacobian and before.tokens_alike != call.tokens_alike


def tell(stations: pd.DataFrame) -> str:
    """Return how far a signal, a difference and a gradient carry; empty where nothing is deep.

    Over several seeds it is their median that is told.

    Examples
    --------
    >>> table = pd.DataFrame({"seed": 0, "layer": list("abcdef"), "rms": 1.0})
    >>> table["correlation"] = 1 - 0.5 ** np.arange(6.0)
    >>> table["jacobian"] = 1e-8 ** (np.arange(5, -1, -1) / 5)
    >>> print(tell(table))
    Over the 6 layers and sums that everything passes, the signal keeps its scale; of a difference
    between two inputs 3.1 % is left (a factor of e every 1.4); the gradient shrinks 10,000 times on
    its way back (a factor of e every 0.54).
    """
    middles = stations.groupby(stations.groupby("seed").cumcount())[
        ["rms", "correlation", "jacobian"]
    ].median()
    depth = len(middles)
    if depth < _FEWEST:
        return ""
    gap = 1 - middles["correlation"].to_numpy()
    with np.errstate(invalid="ignore"):
        back = np.sqrt(middles["jacobian"].to_numpy())[::-1]
    said = [
        _scale("the signal", middles["rms"].to_numpy(), ""),
        _difference(np.where(gap > _NOISE, gap, 0.0)),
        _scale("the gradient", back, " on its way back"),
    ]
    told = "; ".join(one for one in said if one)
    return f"Over the {depth} layers and sums that everything passes, {told}." if told else ""


def _scale(what: str, values: _Array, where: str) -> str:
    for how, lost in (("overflows", np.isinf(values)), ("is gone", values == 0)):
        if lost[-1] and not lost[0]:
            return f"{what} {how} after {int(np.argmax(lost))} of them{where}"
    times = _times(values)
    if times is None:
        return ""
    if max(times, 1 / times) < _MUCH:
        return f"{what} keeps its scale{where}"
    how = "grows" if times > 1 else "shrinks"
    return f"{what} {how} {_number(max(times, 1 / times))} times{where}{_every(values)}"


def _difference(gap: _Array) -> str:
    if gap[0] > 0 and gap[-1] == 0:
        gone = int(np.argmax(gap == 0))
        return f"a difference between two inputs is gone after {gone} of them"
    times = _times(gap)
    if times is None:
        return ""
    if times >= _MUCH:
        return f"a difference between two inputs grows {_number(times)} times{_every(gap)}"
    if times > 1 / _MUCH:
        return "a difference between two inputs carries through"
    return f"of a difference between two inputs {100 * times:.2g} % is left{_every(gap)}"


def _times(values: _Array) -> float | None:
    ends = values[[0, -1]]
    return float(ends[1] / ends[0]) if np.isfinite(ends).all() and (ends > 0).all() else None


def _every(values: _Array) -> str:
    """Return over how many stations something changes by a factor of e, where that is steady."""
    seen = np.isfinite(values) & (values > 0)
    slope = float(np.polyfit(np.flatnonzero(seen), np.log(values[seen]), 1)[0])
    steady = slope * (len(values) - 1) / np.log(values[-1] / values[0])
    if not 1 / _STEADY < steady < _STEADY:
        return ""
    return f" (a factor of e every {_number(1 / abs(slope), 2)})"


def _number(value: float, digits: int = 3) -> str:
    return f"{value:,.0f}" if 10**digits <= value < 1e6 else f"{value:.{digits}g}"
