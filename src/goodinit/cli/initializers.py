"""``goodinit initializers``: the schemes."""

from typing import TYPE_CHECKING

from rich import box
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from goodinit.cli import printing

if TYPE_CHECKING:
    from goodinit.initializers.registry import Description

_TABLE = 100  # columns from which on a table has room for a name in one piece


def initializers() -> None:
    """List the schemes, with formula, what each is derived for, and source."""
    from goodinit.initializers import SCHEMES, describe

    console = printing.terminal()
    known = [describe(name) for name in SCHEMES]
    if console.width < _TABLE:
        for one in known:
            console.print(Text(f"\n{_written(one)}", style="bold"))
            for said in (one.formula, f"for {one.derived_for}", _source(one)):
                console.print(Padding(Text(said), (0, 0, 0, 2)))
        return
    table = Table(box=box.SIMPLE_HEAD, show_lines=True)
    for heading in ("write", "formula", "derived for", "source"):
        table.add_column(heading, overflow="fold")
    for one in known:
        table.add_row(*map(Text, (_written(one), one.formula, one.derived_for, _source(one))))
    console.print(table)


def _written(known: "Description") -> str:
    return known.spec + (f"\nor {', '.join(known.aliases)}" if known.aliases else "")


def _source(known: "Description") -> str:
    return known.source.replace("``", "")
