"""How a comparison is told: printed, and drawn where there is a place for pictures."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from goodinit.cli import printing
from goodinit.cli.ending import writing
from goodinit.cli.watching import doing

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from goodinit.comparison import Comparison


def tell(
    result: "Comparison",
    folder: Path | None,
    formats: Sequence[str],
    figure_size: str,
    *,
    as_json: bool,
    lap: Callable[[str], None] = lambda done: None,
) -> None:
    """Print a comparison, and draw it where there is a place for pictures; say what is done."""
    if as_json:
        printing.print_comparison_json(result)
    else:
        printing.print_summary(result)
        printing.print_verdicts(result)
    lap("verdicts")
    if folder:
        _export(result, folder, formats, figure_size, quiet=as_json)
        lap("pictures, tables, report")


def _export(
    result: "Comparison", folder: Path, formats: Sequence[str], figure_size: str, *, quiet: bool
) -> None:
    with writing(folder), doing("drawing", quiet or not formats):
        result.export(folder, formats, figure_size)
    if not quiet:
        printing.say(f"{'Pictures and tables' if formats else 'Tables'}: {folder}{os.sep}")


def keep(
    folder: Path,
    name: str,
    draw: "Callable[[], Figure]",
    table: "pd.DataFrame",
    figure_size: str = "screen",
) -> None:
    """Write a picture and a table of one name, in place of goodinit's own only."""
    from goodinit.figures.writing import files
    from goodinit.store.written import write_file

    with writing(folder):
        for picture, content in files({name: draw}, ["png"], figure_size):
            write_file("out", folder, picture, content)
        write_file("out", folder, f"{name}.csv", table.to_csv(index=False).encode())
