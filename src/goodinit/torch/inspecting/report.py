"""What ``inspect`` found, as a table, a text, a picture and an assertion."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from goodinit.evidence.causes import shown
from goodinit.measuring.signals import LAYER_SIGNALS
from goodinit.torch.inspecting.findings import WHOLE, Finding
from goodinit.torch.inspecting.measuring import Call

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 200  # the table takes what its names need
_SHOWN = {
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


@dataclass(frozen=True, repr=False)
class Report:
    """What a module's layers look like before training, and what is wrong with them.

    Attributes
    ----------
    layers : DataFrame
        A row per seed, layer and call, in forward order: ``seed`` (0 for a module that was given
        as it is), ``layer`` as ``named_modules`` names it, ``type``, ``call`` (from 1),
        ``activation`` (that follows; "linear" where none does), ``gain`` (pre-activation RMS over
        that of the input), and each of ``measuring.signals.LAYER_SIGNALS``. A layer that is called
        more than once has one weight and one gradient, the sum over its calls.
    findings : tuple of Finding
        In forward order; empty for a healthy module.
    """

    layers: pd.DataFrame
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        text = StringIO()
        console = Console(file=text, width=_WIDTH, highlight=False, color_system=None)
        console.print(_table(self.layers))
        lines = [line.rstrip() for line in text.getvalue().splitlines()]
        return "\n".join([*lines, told(self.findings) or "Nothing is wrong with these layers."])

    def assert_healthy(self) -> None:
        """Raise where there are findings, for a test of one's own.

        Raises
        ------
        AssertionError
            With a line per finding, and the cures that were found.
        """
        if self.findings:
            raise AssertionError(told(self.findings))

    def plot(self) -> "Figure":
        """Draw the scale of activations and gradients over the layers.

        Layers with a finding are marked. Over several seeds: the median, and their 90 % range.
        """
        from goodinit.torch.inspecting.pictures import plot_layers

        return plot_layers(self.layers, self.findings)


def told(findings: Sequence[Finding]) -> str:
    """Return the findings, a line each, and below those that one cure mends its code.

    Examples
    --------
    >>> print(told([Finding("2", "dead units", "all of them", cure="mend(model)")]))
    2: dead units: all of them
        mend(model)
    """
    together: dict[tuple[str | None, str], list[str]] = {}
    for one in findings:
        line = f"{one.layer or WHOLE}: {one.label}: {one.reason}"
        together.setdefault((one.cure, one.remark), []).append(line)
    for (cure, remark), lines in together.items():
        below = cure or (f"({remark})" if remark else "")
        lines += [f"    {line}" for line in below.splitlines()]
    return "\n".join(line for lines in together.values() for line in lines)


def tabulate(calls: Sequence[Call], seed: int) -> pd.DataFrame:
    """Return the table of one pass."""
    rows = [
        {
            "seed": seed,
            "layer": call.layer,
            "type": call.type,
            "call": call.number,
            "activation": call.activation,
            "gain": call.gain,
            **call.signals,
        }
        for call in calls
        if call.kind != "sum"
    ]
    columns = ["seed", "layer", "type", "call", "activation", "gain", *LAYER_SIGNALS]
    return pd.DataFrame(rows, columns=columns)


def _table(layers: pd.DataFrame) -> Table:
    """Return the middle of all seeds, a row per call of a layer."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("layer")
    table.add_column("followed\nby")
    for name in _SHOWN.values():
        table.add_column(name, justify="right")
    middles = layers.groupby(["layer", "call", "activation"], sort=False)[list(_SHOWN)].median()
    for row in middles.reset_index().to_dict("records"):
        layer = row["layer"] or WHOLE
        name = f"{layer} ({row['call']})" if row["call"] > 1 else layer
        then = "-" if row["activation"] == "linear" else row["activation"]
        table.add_row(name, then, *(_shown(signal, row[signal]) for signal in _SHOWN))
    return table


def _shown(signal: str, number: float) -> str:
    if np.isnan(number):
        return "-"
    return f"{number:.0%}" if signal in _SHARES else shown(number)
