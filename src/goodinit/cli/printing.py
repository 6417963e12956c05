"""How results are told on a terminal, and in JSON."""

import json
import math
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    import pandas as pd

    from goodinit.comparison import Comparison


def terminal() -> Console:
    """Return the standard output, as wide as the terminal; 100 columns where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=100)


def print_json(value: dict[str, Any]) -> None:
    """Print one object."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def print_comparison_json(result: "Comparison") -> None:
    """Print a comparison as one object."""
    print_json(
        {
            "study": result.study.as_dict(),
            "summary": rows(result.summary()),
            "verdicts": [_plain(asdict(verdict)) for verdict in result.verdicts],
            "warnings": list(result.warnings),
            "statements": list(result.evidence.statements),
            "theory": list(result.theory),
        }
    )


def rows(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the rows as JSON holds them: a number that is none becomes null."""
    return [
        {str(key): _plain(value) for key, value in row.items()} for row in table.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_summary(result: "Comparison") -> None:
    """Print what was run, and a row for each initializer."""
    study, summary = result.study, result.summary()
    console = terminal()
    console.print(f"\n{study.describe()}", markup=False)
    measure, show = ("R²", _decimal) if study.task == "regression" else ("accuracy", _share)
    rates = len(study.learning_rates) > 1  # each initializer is shown at its own best
    tested = bool(summary["test_accuracy"].notna().any())
    longest = max(len(name) for name in summary["initializer"])
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("initializer", overflow="fold", min_width=min(16, longest))
    headings = [
        *(["rate"] if rates else []),
        f"train {measure}",
        *([f"test {measure}"] if tested else []),
        "initial cost",
        "final cost",
        *(["diverged"] if summary["diverged"].any() else []),
    ]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in summary.to_dict("records"):
        cells = {
            "rate": f"{row['learning_rate']:g}",
            f"train {measure}": _ranged(row, "train_accuracy", show),
            f"test {measure}": _ranged(row, "test_accuracy", show),
            "initial cost": _significant(row["initial_cost"]),
            "final cost": _ranged(row, "train_cost", _significant),
            "diverged": f"{row['diverged']} of {row['seeds']}",
        }
        table.add_row(escape(row["initializer"]), *[cells[heading] for heading in headings])
    console.print(table)
    middle = (
        "R² and costs are medians" if measure == "R²" else "Accuracy is the mean, cost the median"
    )
    console.print(
        f"{middle} over seeds; in brackets, their 5th to 95th percentile. Best first, by median "
        "final cost."
    )


def print_verdicts(result: "Comparison") -> None:
    """Print a sentence for each initializer, and what else the seeds carry or don't."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(max_width=30, overflow="fold")
    grid.add_column()
    for verdict in result.verdicts:
        label = Text(verdict.label, style="bold")
        grid.add_row(Text(verdict.initializer), Text.assemble(label, ": ", verdict.reason))
    console = terminal()
    console.print()
    console.print(Padding(grid, (0, 2)))
    said = dict.fromkeys([*result.evidence.statements, *result.warnings, *result.theory])
    for sentence in said:
        console.print(Padding(Text(sentence), (1, 2, 0, 2)))
    console.print()


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


def print_figures(figures: "pd.DataFrame") -> None:
    """Print each published figure beside the measured one, and what explains the difference."""
    from goodinit.articles.explain import explain
    from goodinit.articles.reproduce import NEEDS_IMAGES

    console = terminal()
    console.print(_figures_table(header=True))
    parts = figures["quantity"].str.partition(" (")
    named = figures.assign(quantity=parts[0], note=parts[1] + parts[2])
    runs = named.groupby(["article", "experiment", "initialization", "note"], sort=False)
    for (article, experiment, initialization, note), rows in runs:
        heading = f"article {article}, {experiment}, {initialization}{note}"
        if (rows["verdict"] == NEEDS_IMAGES).all():
            console.print(Text(f"{heading}: {len(rows)} figures, {NEEDS_IMAGES}", style="bold"))
            continue
        console.print(Text(heading, style="bold"))
        table = _figures_table(header=False)
        for row in rows.to_dict("records"):
            numbers = [_figure(row[column]) for column in ("published", "measured")]
            text = row["verdict"].partition(":")[0]
            table.add_row(f"  {row['quantity']}", *numbers, _rounding(row), text)
        console.print(table)
    verdicts = figures["verdict"].str.replace("differs.*|:.*", "", regex=True)
    counts = verdicts.replace("", "differs").value_counts(sort=False)
    console.print("\n" + " · ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    for sentence in explain(figures):
        console.print(f"\n{sentence}", markup=False)


def _figures_table(*, header: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=header)
    table.add_column("figure", width=25, no_wrap=True)
    for heading in ("published", "measured"):
        table.add_column(heading, justify="right", width=13, no_wrap=True)
    table.add_column("rounding alone gives\n(digits left)", width=22, no_wrap=True)
    table.add_column("verdict", overflow="fold")
    return table


def _figure(value: Any) -> str:
    """Return ten digits of a published or measured figure, or a matrix's shape."""
    if isinstance(value, list):
        return f"{len(value)} × {len(value[0])} matrix"
    return "" if value is None else f"{value:.10g}"


def _rounding(row: dict[Any, Any]) -> str:
    """Return the range over the re-runs and the digits that it leaves, where there is one."""
    from goodinit.articles.rounding import Spread

    if math.isnan(row["low"]):
        return ""
    near = "near " if ": near" in row["verdict"] else ""
    spread = str(Spread(row["low"], row["high"])).replace(" to ", "–")
    left = "all" if row["low"] == row["high"] else f"{row['digits']:.0f}"
    return f"{near}{spread} ({left})"
