"""``goodinit show``: a study that was kept."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from goodinit.cli.options import Figures, Json
from goodinit.cli.reading import formats_of
from goodinit.cli.telling import tell


def show(
    folder: Annotated[Path, typer.Argument(help="What `compare --out` was given.")],
    out: Annotated[
        Path | None, typer.Option(help="Where pictures go. [default: the study's folder]")
    ] = None,
    figures: Figures = "png",
    as_json: Json = False,
) -> None:
    """Print and plot a study that was kept, without training anything."""
    from goodinit.running.compare import load

    formats = formats_of(figures)
    result = load(folder)
    tell(result, out or folder, formats, as_json=as_json)
    if result.interrupted and not as_json:
        sys.stdout.write("The study isn't finished: the command that began it goes on with it.\n")
