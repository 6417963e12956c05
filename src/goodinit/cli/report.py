"""``goodinit report``: a study that was kept, as one page."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from goodinit.cli import printing
from goodinit.cli.ending import writing
from goodinit.cli.options import By, Margin
from goodinit.cli.reading import folder_of


def report(
    folder: Annotated[str, typer.Argument(help="What `compare --out` was given.")],
    out: Annotated[
        str | None,
        typer.Option(help="The file to write. \\[default: report.html in the study's folder]"),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    by: By = None,
    margin: Margin = 0.02,
) -> None:
    """Write a study that was kept as one HTML page, which opens anywhere and needs no network."""
    from goodinit.evidence.pairs import check_ranking
    from goodinit.pages.page import REPORT, check_page
    from goodinit.running.loading import load

    kept = folder_of("folder", folder)
    check_ranking(by, margin)
    result = replace(load(kept), by=by, margin=margin)
    path = check_page("out", kept / REPORT if out is None else out)
    with writing(path):
        result.report(path)
    printing.say(f"Report: {path}")
    if open_it:
        import webbrowser

        webbrowser.open(Path(path).resolve().as_uri())
