"""How a comparison is told: printed, and drawn where there is a place for pictures."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from goodinit.cli import printing
from goodinit.cli.ending import writing

if TYPE_CHECKING:
    from goodinit.comparison import Comparison


def tell(result: "Comparison", folder: Path | None, *, as_json: bool) -> None:
    """Print a comparison, and draw it where there is a place for pictures."""
    if as_json:
        printing.print_comparison_json(result)
    else:
        printing.print_summary(result)
        printing.print_verdicts(result)
    if folder:
        _export(result, folder, quiet=as_json)


def _export(result: "Comparison", folder: Path, *, quiet: bool) -> None:
    with writing(folder):
        result.export(folder)
    if not quiet:
        sys.stdout.write(f"Pictures and tables: {folder}{os.sep}\n")
