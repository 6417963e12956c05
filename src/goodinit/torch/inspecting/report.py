"""What ``inspect`` found, as a table, a text, a picture and an assertion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from goodinit.measuring.signals import LAYER_SIGNALS
from goodinit.pages.inspection import inspection_data
from goodinit.pages.page import check_page, filled, write_page
from goodinit.torch.inspecting import carrying
from goodinit.torch.inspecting.carrying import Carried
from goodinit.torch.inspecting.drawn import UNSEEN
from goodinit.torch.inspecting.measuring import Call
from goodinit.torch.inspecting.passage import WHOLE, Finding
from goodinit.torch.inspecting.telling import WIDTH, as_values, table_text, wrapped

_STATIONS = 200  # that JSON holds

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
        Faults, from which training suffers: those of data and loss first, then in forward order.
        Empty for a healthy module.
    remarks : tuple of Finding
        What is worth knowing and no fault; they raise nothing and fail nothing.
    passes : tuple of (int, Carried)
        What ``stations`` are made of, by seed.
    cured : mapping of str to DataFrame
        For each cure that was found, the layers after it, as ``layers``; of one seed.
    seconds : float, optional
        How long it took to look, cures included.
    """

    layers: pd.DataFrame
    findings: tuple[Finding, ...]
    remarks: tuple[Finding, ...] = ()
    passes: tuple[tuple[int, Carried], ...] = ()
    cured: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    seconds: float | None = None

    def __repr__(self) -> str:
        return self.text()

    def text(self, width: int = WIDTH) -> str:
        """Return the table, and below it what was found, within so many columns."""
        what = "what was looked at" if self._partly else "these layers"
        said = told(self.findings) or f"Nothing is wrong with {what}."
        said += f"\n\n{self.depth}" if self.depth else ""
        said += "\n\nWorth knowing:\n" + told(self.remarks) if self.remarks else ""
        return f"{table_text(self.layers, width)}\n{wrapped(said, width)}"

    @cached_property
    def stations(self) -> pd.DataFrame:
        """A row per seed and station: a layer, or a sum, that everything on its way must pass.

        ``rms`` and ``correlation`` of two examples (the first axis counts as theirs) of what it
        says; ``jacobian``, the averaged partial Jacobian norm (Doshi et al. 2023): the sum of the
        squares of the outputs' slopes with respect to it, a number of the outputs. ``expected_rms``
        with the band ``low`` to ``high`` of 90 % of such networks, for the first layers that theory
        knows: plain maps through one activation. For tokens, ``token_correlation``, and by block
        ``angle_exponent`` and ``gradient_exponent`` (Cowsik et al. 2024). NaN where there is none.
        """
        return carrying.tabulate(self.passes)

    @cached_property
    def depth(self) -> str:
        """How far a signal, a difference and a gradient carry; empty for shallow modules."""
        return carrying.tell(self.stations)

    @property
    def _partly(self) -> bool:
        return any(one.label == UNSEEN for one in self.remarks)

    def as_dict(self) -> dict[str, Any]:
        """Return the report in plain values that JSON can hold, at most 256 kB of them.

        Findings come ranked, causes before what may be their consequence; layers with the medians
        of all seeds. The schema is in ``docs/torch-inspect.md``.
        """
        more = {"remarks": [vars(one) for one in self.remarks], "depth": self.depth}
        return as_values(self.layers, self.findings, **more, stations=self._few_stations())

    def _few_stations(self) -> list[dict[str, Any]]:
        """Return the stations of the first seed, as many as a picture could show."""
        first = self.stations[self.stations["seed"] == self.stations["seed"].min()]
        rows: list[dict[str, Any]] = first.drop(columns="seed").head(_STATIONS).to_dict("records")
        return rows

    def assert_healthy(self) -> None:
        """Raise where there are findings, for a test of one's own.

        Raises
        ------
        AssertionError
            With a line per finding, and the cures that were found.
        """
        if self.findings:
            raise AssertionError(told(self.findings))

    def save_html(
        self, path: str | Path, *, title: str = "A PyTorch module", command: str = ""
    ) -> None:
        """Write the report as one HTML page that opens anywhere and loads nothing.

        Parameters
        ----------
        path : str or Path
            Of the file; only a page that goodinit wrote is replaced. See ``docs/report.md``.
        title, command : str
            What the module is called there, and a command to be copied, where there is one.

        Raises
        ------
        ArgumentError
            Where anything else is there.
        OSError
            Where it cannot be written.
        """
        check_page("path", path)
        found = inspection_data(
            self.layers,
            self.findings,
            self.remarks,
            self.cured,
            whole=WHOLE,
            depth=self.depth,
            seconds=self.seconds,
            title=title,
            command=command,
        )
        write_page("path", path, filled(found))

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
        below = [cure or "", f"({remark})" if remark else ""]
        lines += [f"    {line}" for part in below for line in part.splitlines()]
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
