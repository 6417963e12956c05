"""The options that several commands share."""

from typing import Annotated

import typer

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]
Figures = Annotated[
    str, typer.Option(help="How pictures are written: png, svg, pdf, several with commas, or none.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")]
