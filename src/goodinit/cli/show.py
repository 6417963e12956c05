"""``goodinit show``: a study that was kept."""

import sys
from typing import Annotated

import typer

from goodinit.cli.options import Json
from goodinit.cli.reading import folder_of, formats_of
from goodinit.cli.telling import tell


def show(
    folder: Annotated[str, typer.Argument(help="What `compare --out` was given.")],
    out: Annotated[
        str | None,
        typer.Option(help="Where pictures and the summary go. \\[default: the study's folder]"),
    ] = None,
    figures: Annotated[
        str | None,
        typer.Option(
            help="Draw: png, svg, pdf, several with commas, or none. \\[default: png with --out; "
            "without, nothing is drawn]"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print a study that was kept, without training anything; draw it where asked to."""
    from goodinit.running.compare import load
    from goodinit.store.folder import check_export

    formats = formats_of(figures or "png")
    place, kept = folder_of("out", out), folder_of("folder", folder)
    result = load(kept)
    drawn = place or (kept if figures else None)
    if drawn:
        check_export(drawn, result.study, result.exports(formats))
    tell(result, drawn, formats, as_json=as_json)
    if result.interrupted and not as_json:
        sys.stdout.write("The study isn't finished: the command that began it goes on with it.\n")
