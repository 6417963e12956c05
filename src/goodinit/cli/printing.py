"""How results are told on a terminal, and in JSON."""

import json
import math
import os
import re
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import asdict
from textwrap import fill
from typing import TYPE_CHECKING, Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from goodinit.cli.ending import shown

if TYPE_CHECKING:
    import pandas as pd

    from goodinit.comparison import Comparison

_UNSEEN = re.compile("[\x7f-\x9f\ud800-\udfff]")  # what a terminal obeys and JSON leaves as it is
_ANY = 10_000  # columns, wider than any table


class Screen(Console):
    """A console that shows the control characters in what it prints, and sends none of them."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Return what is printed, piece by piece."""
        for piece in super().render(renderable, options):
            yield piece if piece.control else piece._replace(text=shown(piece.text))


def terminal() -> Console:
    """Return the standard output, as wide as the terminal; 100 columns where there is none."""
    plain = bool(os.environ.get("NO_COLOR"))  # then nothing is sent but what is to be read
    console = Screen(highlight=False, color_system=None if plain else "auto")
    return console if console.is_terminal else Screen(highlight=False, width=100)


def say(text: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{shown(text)}\n")


def say_lines(lines: Iterable[str]) -> None:
    """Print sentences, folded between words where there is a screen."""
    screen = terminal()
    for line in lines:
        width = screen.width if screen.is_terminal else _ANY
        say(fill(line, width, subsequent_indent="    ", break_long_words=False))


def print_json(value: dict[str, Any]) -> None:
    """Print one object."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(_UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")


def print_comparison_json(result: "Comparison") -> None:
    """Print a comparison as one object."""
    with redirect_stdout(sys.stderr):  # what a user's own initializer prints as it is asked again
        told = {
            "study": result.study.as_dict(),
            "summary": rows(result.summary()),
            "verdicts": [_plain(asdict(verdict)) for verdict in result.verdicts],
            "warnings": list(result.warnings),
            "statements": list(result.evidence.statements),
            "theory": list(result.theory),
        }
    print_json(told)


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


def fits(table: Table) -> bool:
    """Return whether nothing of a table is cut: in a pipe, it is as wide as it is."""
    console = terminal()
    return not console.is_terminal or _natural(table) <= console.width


def print_summary(result: "Comparison") -> None:
    """Print what was run, and a row for each initializer."""
    from goodinit.summary import summary_parts

    console = terminal()
    width = console.width if console.is_terminal else None
    for part in summary_parts(result.study, result.summary(), result.evidence.lead, width):
        if isinstance(part, Table):
            print_table(part)
        else:
            console.print(part)


def print_table(table: Table) -> None:
    """Print a table, in a pipe as wide as it is."""
    console = terminal()
    natural = _natural(table)
    wide = console.is_terminal or natural <= console.width
    (console if wide else Screen(highlight=False, width=natural)).print(table)


def _natural(table: Table) -> int:
    return Screen(width=_ANY).measure(table).maximum


def print_verdicts(result: "Comparison") -> None:
    """Print a sentence for each initializer, and what else the seeds carry or don't."""
    from goodinit.summary import verdict_lines

    console = terminal()
    console.print()
    console.print(verdict_lines(result.verdicts))
    said = dict.fromkeys(
        [*result.errors, *result.evidence.statements, *result.warnings, *result.theory]
    )
    for sentence in said:
        console.print(Padding(Text(sentence), (1, 2, 0, 2)))
    console.print()


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
