"""``goodinit reproduce``: the five articles' figures."""

from pathlib import Path
from typing import Annotated

import typer

from goodinit.cli import printing
from goodinit.cli.ending import complain
from goodinit.cli.options import Json, Quiet
from goodinit.cli.watching import progress_bar

Images = Annotated[
    Path | None, typer.Option(help="The folder of the fourth article's 100 photographs.")
]


def reproduce(images: Images = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Run every figure that the five articles publish, and set the measured one beside it."""
    from goodinit.articles.reproduce import check_images, must_be_exact
    from goodinit.articles.reproduce import reproduce as run

    check_images(images)
    with progress_bar("reproducing", quiet) as (progress, _):
        table = run(images, progress=progress)
    failed = must_be_exact(table)
    if as_json:
        printing.print_json({"figures": printing.rows(table)})
    else:
        printing.print_figures(table)
    if len(failed):
        raise typer.Exit(complain(f"{len(failed)} figures that should be exact are not", 1))
