"""``goodinit show``: a study that was kept."""

import sys
from dataclasses import replace
from typing import Annotated

import typer

from goodinit.cli.options import By, FigureSize, Json, Margin
from goodinit.cli.reading import checked_size, folder_of, formats_of
from goodinit.cli.telling import tell


def show(
    folder: Annotated[str, typer.Argument(help="What `compare --out` was given.")],
    out: Annotated[
        str | None,
        typer.Option(help="Where pictures and the summary go. \\[default: the study's folder]"),
    ] = None,
    by: By = None,
    margin: Margin = 0.02,
    figures: Annotated[
        str | None,
        typer.Option(
            help="Draw: png, svg, pdf, several with commas, or none. \\[default: png with --out; "
            "without, nothing is drawn]"
        ),
    ] = None,
    figure_size: FigureSize = "screen",
    as_json: Json = False,
) -> None:
    """Print a study that was kept, without training anything; draw it where asked to."""
    from goodinit.evidence.pairs import check_ranking
    from goodinit.running.loading import load
    from goodinit.store.folder import check_export

    formats, size = formats_of(figures or "png"), checked_size(figure_size)
    place, kept = folder_of("out", out), folder_of("folder", folder)
    check_ranking(by, margin)
    result = replace(load(kept), by=by, margin=margin)
    drawn = place or (kept if figures else None)
    if drawn:
        check_export(drawn, result.study, result.exports(formats))
    tell(result, drawn, formats, size, as_json=as_json)
    if result.interrupted and not as_json:
        sys.stdout.write("The study isn't finished: the command that began it goes on with it.\n")
