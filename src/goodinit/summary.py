"""A comparison as text: what was run, a row for each initializer, and the verdict on each."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from io import StringIO
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from goodinit.evidence.pairs import OUTCOMES
from goodinit.evidence.verdict import Verdict
from goodinit.study.trials import AnyStudy

WIDTH = 100  # where there is no screen
_NAME, _NAME_FOLDED = 24, 16  # columns that names are given, and that they have at least
_NAME_BESIDE = 30  # columns of a name beside a sentence


def as_text(study: AnyStudy, summary: pd.DataFrame, verdicts: Sequence[Verdict], lead: str) -> str:
    """Return the table, and below it the verdicts, as ``goodinit compare`` prints them."""
    text = StringIO()
    console = Console(file=text, width=WIDTH, highlight=False, color_system=None)
    for part in (*summary_parts(study, summary, lead), Text(), verdict_lines(verdicts)):
        console.print(part)
    return "\n".join(line.rstrip() for line in text.getvalue().strip("\n").splitlines())


def summary_parts(
    study: AnyStudy, summary: pd.DataFrame, lead: str, width: int | None = WIDTH
) -> Iterator[RenderableType]:
    """Yield what was run, a row for each initializer, and what the numbers are.

    A measure that no trial has is left out. Where a screen of some width has no room for all of the
    table, what matters least is left out too, and said; by what is sorted stays: `lead`, a key of
    ``evidence.pairs.OUTCOMES``, and the final cost.
    """
    yield Text(f"\n{study.describe()}")
    measure, show = ("R²", _decimal) if study.task == "regression" else ("accuracy", _share)
    measured = [
        part for part in ("train", "test") if bool(summary[f"{part}_accuracy"].notna().any())
    ]
    accuracies = [f"{part} {measure}" for part in measured]
    headings = [
        *(["rate"] if len(study.learning_rates) > 1 else []),  # each at its own best
        *accuracies,
        "initial cost",
        "final cost",
        *(["fails"] if summary["fails"].any() else []),
    ]
    rows = [
        {
            "initializer": (row["initializer"], ""),
            "rate": (f"{row['learning_rate']:g}", ""),
            **{f"{part} {measure}": _ranged(row, f"{part}_accuracy", show) for part in measured},
            "initial cost": (_significant(row["initial_cost"]), ""),
            "final cost": _ranged(row, "train_cost", _significant),
            "fails": (f"{row['fails']} of {row['seeds']}", ""),
        }
        for row in summary.to_dict("records")
    ]
    ranges = [*accuracies, "final cost"]
    left_out: list[str] = []
    least = [
        "initial cost",
        *(f"ranges of {name}" for name in ranges),
        *accuracies[:-1],
        "fails",
    ]
    longest = None  # of a name's lines: rather than that a column goes, long names are folded
    table = _table(rows, headings, ranges, longest)
    if not _fits(table, width):
        table = _table(rows, headings, ranges, longest := _NAME)
    for name in least:
        if _fits(table, width):
            break
        if not name.startswith("ranges") and name not in headings:
            continue
        left_out.append(name)
        headings = [heading for heading in headings if heading != name]
        ranges = [heading for heading in ranges if f"ranges of {heading}" != name]
        table = _table(rows, headings, ranges, longest)
    yield table if _fits(table, width) else _table(rows, headings, ranges, _NAME_FOLDED)
    middle = "Accuracy is the mean, cost the median" if measured else "Costs are medians"
    if measured and measure == "R²":
        middle = "R² and costs are medians"
    brackets = "; in brackets, their 5th to 95th percentile" if ranges else ""
    ranked = OUTCOMES[lead].words.replace("accuracy", measure)
    then = "" if lead == "train_cost" else ", then by final cost"
    failing = " A network that learns nothing fails." if "fails" in headings else ""
    yield f"{middle} over seeds{brackets}. Best first, by {ranked}{then}.{failing}"
    if left_out:
        yield f"Left out to fit {width} columns: {', '.join(left_out)}."


def _fits(table: Table, width: int | None) -> bool:
    return width is None or Console(width=10_000).measure(table).maximum <= width


def folded(name: str, width: int | None) -> str:
    """Return an initializer's name on lines of a width, broken beside its arguments alone.

    Examples
    --------
    >>> print(folded("truncated_normal(std=0.0123456)", 24))
    truncated_normal(std=
    0.0123456)
    """
    if width is None or len(name) <= width:
        return name
    lines = [""]
    for part in re.split(r"(?<=[(,=])", name):
        if lines[-1] and len(lines[-1] + part.rstrip()) > width:
            lines.append("")
        lines[-1] += part if lines[-1] else part.lstrip()
    return "\n".join(line.rstrip() for line in lines)


def _table(
    rows: Sequence[dict[str, tuple[str, str]]],
    headings: Sequence[str],
    ranges: Sequence[str],
    longest: int | None,
) -> Table:
    """Return the table of those columns, with the ranges of some; only names may be folded."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    names = [folded(row["initializer"][0], longest) for row in rows]
    least = min(_NAME_FOLDED, max(len(line) for name in names for line in name.splitlines()))
    table.add_column("initializer", overflow="fold", min_width=least)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, row in zip(names, rows, strict=True):
        cells = [
            Text.assemble(row[heading][0], (row[heading][1] if heading in ranges else "", "dim"))
            for heading in headings
        ]
        table.add_row(Text(name), *cells)
    return table


def verdict_lines(verdicts: Sequence[Verdict]) -> RenderableType:
    """Return a sentence for each initializer."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(max_width=_NAME_BESIDE, overflow="fold")
    grid.add_column()
    for verdict in verdicts:
        label = Text(verdict.label, style="bold")
        grid.add_row(
            Text(folded(verdict.initializer, _NAME_BESIDE)),
            Text.assemble(label, ": ", verdict.reason),
        )
    return Padding(grid, (0, 2))


def _ranged(
    row: dict[Any, Any], measure: str, show: Callable[[float, bool], str]
) -> tuple[str, str]:
    """Return a measure, and its range in brackets where there is one."""
    low, high = (show(row[f"{measure}_{end}"], True) for end in ("low", "high"))
    return show(row[measure], False), "" if low == high else f" ({low}–{high})"


def _share(value: float, short: bool = False) -> str:
    return f"{100 * value:.0f}" if short else f"{100 * value:.1f} %"


def _decimal(value: float, short: bool = False) -> str:
    digits = 2 if short else 3
    whole = round(value, digits) + 0.0  # no minus before nothing
    return f"{whole:.{digits}f}" if abs(value) < 100 else _significant(value)


def _significant(value: float, _: bool = False) -> str:
    if not math.isfinite(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:#.3g}".rstrip(".")
    return f"{float(text):.0f}" if "e+" in text and abs(value) < 1e6 else text


_LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"–": "--", "²": "$^2$", "∞": r"$\infty$", "<": "$<$", ">": "$>$", "|": "$|$"}
)


def as_latex(study: AnyStudy, summary: pd.DataFrame) -> str:
    """Return the table for a paper that uses the package booktabs."""
    headings, rows, _ = cells(study, summary, "train_cost")
    lines = [" & ".join(cell.translate(_LATEX) for cell in row) + r" \\" for row in rows]
    first = " & ".join(heading.translate(_LATEX) for heading in headings) + r" \\"
    begin = rf"\begin{{tabular}}{{l{'r' * (len(headings) - 1)}}}"
    return "\n".join(
        [begin, r"\toprule", first, r"\midrule", *lines, r"\bottomrule", r"\end{tabular}"]
    )


def as_markdown(study: AnyStudy, summary: pd.DataFrame) -> str:
    """Return the table in Markdown, as GitHub shows it."""
    headings, rows, _ = cells(study, summary, "train_cost")
    rule = ["---", *["---:"] * (len(headings) - 1)]
    escaped = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in [headings, rule, *escaped])


def cells(
    study: AnyStudy, summary: pd.DataFrame, lead: str
) -> tuple[list[str], list[list[str]], list[str]]:
    """Return the headings, the cells of each row, and what the numbers are, of the whole table."""
    parts = list(summary_parts(study, summary, lead, None))
    (table,) = (part for part in parts if isinstance(part, Table))
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    headings = [str(column.header) for column in table.columns]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return headings, rows, [part for part in parts if isinstance(part, str)]


def duration(seconds: float) -> str:
    """Return how long something takes, as one says it.

    Examples
    --------
    >>> [duration(seconds) for seconds in (1, 42, 200, 4800, 20_000, 300_000)]
    ['1 second', '42 seconds', '3 minutes', '80 minutes', '5.6 hours', '3.5 days']
    """
    if seconds < 100:
        whole = max(1, round(seconds))
        return f"{whole} second{'s' if whole > 1 else ''}"
    if seconds < 6000:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"
