"""A comparison as text: what was run, a row for each initializer, and the verdict on each."""

import math
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from goodinit.evidence.verdict import Verdict
from goodinit.study.trials import AnyStudy

WIDTH = 100  # where there is no screen


def as_text(study: AnyStudy, summary: pd.DataFrame, verdicts: Sequence[Verdict]) -> str:
    """Return the table, and below it the verdicts, as ``goodinit compare`` prints them."""
    text = StringIO()
    console = Console(file=text, width=WIDTH, highlight=False, color_system=None)
    for part in (*summary_parts(study, summary), Text(), verdict_lines(verdicts)):
        console.print(part)
    return "\n".join(line.rstrip() for line in text.getvalue().strip("\n").splitlines())


def summary_parts(study: AnyStudy, summary: pd.DataFrame) -> Iterator[RenderableType]:
    """Yield what was run, a row for each initializer, and what the numbers are.

    A measure that no trial has is left out.
    """
    yield Text(f"\n{study.describe()}")
    measure, show = ("R²", _decimal) if study.task == "regression" else ("accuracy", _share)
    rates = len(study.learning_rates) > 1  # each initializer is shown at its own best
    longest = max(len(name) for name in summary["initializer"])
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("initializer", overflow="fold", min_width=min(16, longest))
    measured = [
        part for part in ("train", "test") if bool(summary[f"{part}_accuracy"].notna().any())
    ]
    headings = [
        *(["rate"] if rates else []),
        *(f"{part} {measure}" for part in measured),
        "initial cost",
        "final cost",
        *(["diverged"] if summary["diverged"].any() else []),
    ]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in summary.to_dict("records"):
        cells = {
            "rate": f"{row['learning_rate']:g}",
            **{f"{part} {measure}": _ranged(row, f"{part}_accuracy", show) for part in measured},
            "initial cost": _significant(row["initial_cost"]),
            "final cost": _ranged(row, "train_cost", _significant),
            "diverged": f"{row['diverged']} of {row['seeds']}",
        }
        table.add_row(escape(row["initializer"]), *[cells[heading] for heading in headings])
    yield table
    middle = "Accuracy is the mean, cost the median" if measured else "Costs are medians"
    if measured and measure == "R²":
        middle = "R² and costs are medians"
    yield (
        f"{middle} over seeds; in brackets, their 5th to 95th percentile. Best first, by median "
        "final cost."
    )


def verdict_lines(verdicts: Sequence[Verdict]) -> RenderableType:
    """Return a sentence for each initializer."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(max_width=30, overflow="fold")
    grid.add_column()
    for verdict in verdicts:
        label = Text(verdict.label, style="bold")
        grid.add_row(Text(verdict.initializer), Text.assemble(label, ": ", verdict.reason))
    return Padding(grid, (0, 2))


def _ranged(row: dict[Any, Any], measure: str, show: Callable[[float, bool], str]) -> str:
    low, high = (show(row[f"{measure}_{end}"], True) for end in ("low", "high"))
    spread = "" if low == high else f" [dim]({low}–{high})[/dim]"
    return show(row[measure], False) + spread


def _share(value: float, short: bool = False) -> str:
    return f"{100 * value:.0f}" if short else f"{100 * value:.1f} %"


def _decimal(value: float, short: bool = False) -> str:
    return f"{value:.{2 if short else 3}f}" if abs(value) < 100 else _significant(value)


def _significant(value: float, _: bool = False) -> str:
    if not math.isfinite(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:#.3g}".rstrip(".")
    return f"{float(text):.0f}" if "e+" in text and abs(value) < 1e6 else text
