"""How a report is told: as a table and sentences that fit a width, and as plain values for JSON."""

import json
import textwrap
from collections.abc import Sequence
from io import StringIO
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from goodinit.evidence.causes import CAUSES, shown
from goodinit.measuring.signals import LAYER_SIGNALS
from goodinit.torch.inspecting.passage import WHOLE, Finding

WIDTH = 200  # where nobody says how wide a screen is
MOST_BYTES = 256_000  # of a report as JSON, indented by two

_SHOWN = {
    "activation": "followed\nby",
    "units": "units",
    "distinct_units": "distinct\nunits",
    "dead_fraction": "dead\nunits",
    "saturated_fraction": "saturated\nunits",
    "gain": "gain",
    "preactivation_rms": "pre-\nactivation",
    "activation_rms": "activation\nRMS",
    "gradient_rms": "gradient\nRMS",
}
_SHARES = ("dead_fraction", "saturated_fraction")
# Where a screen is narrow, what matters least goes first.
_LEAST_FIRST = ("preactivation_rms", "distinct_units", "units", "activation", "saturated_fraction")
_LONGEST_NAME = 28  # of a layer, where room is short
_DIGITS = 6


def table_text(layers: pd.DataFrame, width: int = WIDTH) -> str:
    """Return the middle of all seeds as a table, a row per call of a layer.

    Parameters
    ----------
    layers : DataFrame
        As ``Report.layers``.
    width : int
        Columns of the screen. Where it is too narrow, columns are left out, and said below; long
        names of layers lose their middle.
    """
    rows = _middles(layers)
    cells = [[_cell(signal, row[signal]) for signal in _SHOWN] for row in rows]
    names = [_name(row) for row in rows]
    kept = dict(zip(_SHOWN, range(len(_SHOWN)), strict=True))
    left_out = []
    for signal in (*_LEAST_FIRST, None):
        longest = max([len("layer"), *map(len, names)])
        others = sum(_column_width(name, place, cells) for name, place in kept.items())
        room = width - others - 5
        if signal is None or room >= min(longest, _LONGEST_NAME):
            break
        del kept[signal]
        left_out.append(_SHOWN[signal].replace("-\n", "-").replace("\n", " "))
    table = Table(box=SIMPLE_HEAD)
    table.add_column("layer", no_wrap=True)
    for name in kept:
        table.add_column(_SHOWN[name], justify="left" if name == "activation" else "right")
    for name, row in zip(names, cells, strict=True):
        short = shortened(name, max(8, room))
        table.add_row(Text(short), *(row[place] for place in kept.values()))
    text = StringIO()
    console = Console(file=text, width=width, highlight=False, color_system=None)
    console.print(table)
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    if left_out:
        said = f"Left out, for want of room: {', '.join(left_out)}."
        lines += [*textwrap.wrap(said, width), ""]
    return "\n".join(lines)


def _column_width(name: str, place: int, cells: Sequence[Sequence[str]]) -> int:
    heading = max(map(len, _SHOWN[name].splitlines()))
    return max([heading, *(len(row[place]) for row in cells)]) + 3  # with what is between


def shortened(name: str, most: int) -> str:
    """Return a name without its middle where it is too long.

    Examples
    --------
    >>> shortened("encoder.layers.0.self_attn.out_proj", 20)
    'encoder.l….out_proj'
    """
    if len(name) <= most:
        return name
    half = (most - 1) // 2
    return f"{name[:half]}…{name[-half:]}"


def _middles(layers: pd.DataFrame) -> list[dict[str, Any]]:
    numbers = [signal for signal in _SHOWN if signal != "activation"]
    keys = ["layer", "call", "activation"]
    return layers.groupby(keys, sort=False)[numbers].median().reset_index().to_dict("records")  # type: ignore[return-value]


def _name(row: dict[str, Any]) -> str:
    layer = row["layer"] or WHOLE
    return f"{layer} ({row['call']})" if row["call"] > 1 else layer


def _cell(signal: str, value: Any) -> str:
    if signal == "activation":
        return "-" if value == "linear" else str(value)
    if np.isnan(value):
        return "-"
    return f"{value:.0%}" if signal in _SHARES else shown(value)


def wrapped(text: str, width: int) -> str:
    """Return lines that fit a width; code is broken where Python allows it, and can be pasted.

    Examples
    --------
    >>> print(wrapped('    initialize(model, "keep", rules={"a": "auto"})  # as it is', 34))
        # as it is
        initialize(model, "keep",
            rules={"a": "auto"})
    """
    return "\n".join(part for line in text.splitlines() for part in _wrapped(line, width))


def _wrapped(line: str, width: int) -> list[str]:
    if len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    if line.endswith("."):  # a sentence, not code
        return textwrap.wrap(line, width, subsequent_indent=indent)
    code, _, comment = line.strip().partition("  # ")
    before = [f"{indent}# {comment}"] if comment else []
    return before + textwrap.wrap(
        code,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def ranked(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings, what is cause before what may be its consequence; else in their order.

    The order is that of ``goodinit.evidence.causes``.
    """
    order = list(dict.fromkeys(cause.label for cause in CAUSES.values()))
    place = {label: number for number, label in enumerate(order)}
    return sorted(findings, key=lambda one: place.get(one.label, -1))


def as_values(layers: pd.DataFrame, findings: Sequence[Finding], **more: Any) -> dict[str, Any]:
    """Return a report in plain values: at most ``MOST_BYTES`` as JSON, as the docs describe it."""
    told = [
        {"rank": rank, **_plain(vars(one)), "layer": one.layer or WHOLE}
        for rank, one in enumerate(ranked(findings), start=1)
    ]
    numbers = ["gain", *LAYER_SIGNALS]
    keys = ["layer", "type", "call", "activation"]
    middles = layers.groupby(keys, sort=False)[numbers].median().reset_index()
    middles["layer"] = middles["layer"].replace("", WHOLE)
    rows = [_plain(row) for row in middles.to_dict("records")]
    value = {
        "findings": told,
        **_plain(more),
        "seeds": [int(seed) for seed in layers["seed"].unique()],
        "layers": rows,
        "left_out": {"findings": 0, "layers": 0},
    }
    for part in ("layers", "findings"):  # what is too much goes from the end, layers first
        value[part], value["left_out"][part] = _cut(value, part)
    return value


def _cut(value: dict[str, Any], part: str) -> tuple[list[Any], int]:
    rows = value[part]
    room = MOST_BYTES - _size({**value, part: []}) - 100
    kept = 0
    for row in rows:
        room -= _size(row) + 4 * (len(row) + 3)  # its indentation, and a comma
        if room < 0:
            break
        kept += 1
    return rows[:kept], len(rows) - kept


def _size(value: Any) -> int:
    return len(json.dumps(value, indent=2, ensure_ascii=False).encode())


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it: six digits, and null for a number that is none."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bool | str) or value is None:
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    return float(f"{value:.{_DIGITS}g}") if isfinite(value) else None
