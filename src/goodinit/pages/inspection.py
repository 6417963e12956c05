"""The page of an inspection: a module's layers as a ladder, and what is wrong at each."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from goodinit.pages.columns import evenly, packed
from goodinit.pages.lines import middle
from goodinit.store.folder import versions
from goodinit.summary import duration

_RUNGS = 600  # layers that are drawn
_SPREAD = ("activation_rms", "gradient_rms")
_MIDDLE = ("units", "distinct_units", "dead_fraction", "saturated_fraction", "gain")
_KEYS = ["layer", "type", "call", "activation"]


class Found(Protocol):
    """A finding, as the page tells it; see ``goodinit.torch.inspecting.passage.Finding``."""

    @property
    def layer(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def cure(self) -> str | None: ...
    @property
    def remark(self) -> str: ...


def inspection_data(
    layers: pd.DataFrame,
    findings: Sequence[Found],
    remarks: Sequence[Found],
    cured: Mapping[str, pd.DataFrame],
    *,
    whole: str,
    depth: str = "",
    seconds: float | None = None,
    title: str,
    command: str = "",
) -> dict[str, Any]:
    """Return what the page of an inspection holds.

    Parameters
    ----------
    layers : DataFrame
        As ``Report.layers``.
    findings, remarks : sequence of Finding
    cured : mapping of str to DataFrame
        By cure, the layers after it; drawn beside is that of most findings.
    whole : str
        What the module itself is called, which has no name.
    depth : str
        How far signals carry, in sentences.
    seconds : float, optional
        How long it took to look.
    title, command : str
        What was inspected, and the command that did.
    """
    groups = list(layers.groupby(_KEYS, sort=False))
    names = [str(keys[0]) for keys, _ in groups]
    marked = {_place(one.layer, names) for one in findings}
    some = sorted({*map(int, evenly(len(groups), _RUNGS)), *(marked - {-1})})
    seeds = int(layers["seed"].nunique())
    left_out = len(groups) - len(some)
    cure = _widest(findings)
    after = _scales(cured[cure]) if cure in cured else {}
    return {
        "kind": "inspection",
        "title": title,
        "described": f"{len(groups):,} layers in forward order, before training"
        + (f" · median over {seeds} seeds" if seeds > 1 else ""),
        "answer": _answer(findings),
        "layers": [_rung(*groups[place], after, whole) for place in some],
        "cure": cure if after else None,
        "findings": [_told(one, names, some, whole) for one in findings],
        "remarks": [_told(one, names, some, whole) for one in remarks],
        "depth": depth,
        "csv": layers.to_csv(index=False),
        "made": {
            "command": command,
            "note": "",
            "took": "" if seconds is None else f"Looking took {duration(seconds)}.",
            "versions": versions(),
            "written": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "study": None,
            "thinned": [f"Of {len(groups):,} layers, {left_out:,} are left out."]
            if left_out
            else [],
        },
    }


def _answer(findings: Sequence[Found]) -> str:
    if not findings:
        return "Nothing is wrong with the layers that were looked at."
    labels = list(dict.fromkeys(one.label for one in findings))
    cured = len({one.cure for one in findings if one.cure})
    cures = f" {cured} cure{'s' if cured > 1 else ''} below mended it when tried." if cured else ""
    plural = "s" if len(findings) > 1 else ""
    return f"{len(findings)} finding{plural}: {', '.join(labels)}.{cures}"


def _widest(findings: Sequence[Found]) -> str:
    """Return the cure of most findings, the first of several; nothing where there is none."""
    cures = [one.cure for one in findings if one.cure]
    return max(cures, key=cures.count, default="")


def _scales(layers: pd.DataFrame) -> dict[tuple[str, int], list[float]]:
    """Return both scales of each layer's call."""
    return {
        (str(row["layer"]), int(row["call"])): [float(row[signal]) for signal in _SPREAD]
        for row in layers.to_dict("records")
    }


def _rung(
    keys: Any, of: pd.DataFrame, after: Mapping[tuple[str, int], list[float]], whole: str
) -> dict[str, Any]:
    layer, kind, call, activation = keys
    name = str(layer) or whole
    spread = np.concatenate([_spread(of[signal]) for signal in _SPREAD])
    mended = after.get((str(layer), int(call)), [np.nan] * len(_SPREAD))
    return {
        "name": f"{name} ({call})" if call > 1 else name,
        "type": str(kind),
        "activation": "" if activation == "linear" else str(activation),
        "numbers": packed([*(of[signal].median() for signal in _MIDDLE), *spread, *mended], "f64"),
    }


def _spread(values: "pd.Series[float]") -> NDArray[np.float64]:
    """Return median and 90 % range, of what was measured."""
    known = np.asarray(values.dropna(), dtype=np.float64)
    return middle(known) if len(known) else np.full(3, np.nan)


def _told(one: Found, names: Sequence[str], some: Sequence[int], whole: str) -> dict[str, Any]:
    place = _place(one.layer, names)
    return {
        "layer": one.layer or whole,
        "place": some.index(place) if place in some else -1,
        "label": one.label,
        "reason": one.reason,
        "cure": one.cure,
        "remark": one.remark,
    }


def _place(layer: str, names: Sequence[str]) -> int:
    """Return where a layer, or what holds it, first stands; -1 for nowhere."""
    while layer and layer not in names:
        layer = layer.rpartition(".")[0]
    return names.index(layer) if layer in names else -1
