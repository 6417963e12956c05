"""``goodinit initializers``: the schemes."""

from rich import box
from rich.table import Table

from goodinit.cli import printing


def initializers() -> None:
    """List the schemes, with formula, what each is derived for, and source."""
    from goodinit.initializers import SCHEMES, describe

    table = Table(box=box.SIMPLE_HEAD, show_lines=True)
    for heading in ("write", "formula", "derived for", "source"):
        table.add_column(heading, overflow="fold")
    for name in SCHEMES:
        known = describe(name)
        also = f"\nor {', '.join(known.aliases)}" if known.aliases else ""
        table.add_row(
            known.spec + also, known.formula, known.derived_for, known.source.replace("``", "")
        )
    printing.terminal().print(table)
