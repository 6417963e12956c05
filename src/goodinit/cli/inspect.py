"""``goodinit inspect``: what is wrong with a PyTorch module's initialization."""

import shlex
import sys
from enum import StrEnum
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import typer

from goodinit.cli import printing
from goodinit.cli.ending import writing
from goodinit.cli.options import Json, Quiet
from goodinit.cli.reading import folder_of, needs_torch, seeds_of
from goodinit.cli.watching import progress_bar
from goodinit.cli.yours import Whole, printing_aside, users_code

_PICTURE = "layers.png"


class Cures(StrEnum):
    """Whether what mends it is sought, and whether a short training proves it."""

    PROVED = "proved"
    QUICK = "quick"
    NONE = "none"


class Fail(StrEnum):
    """What makes the exit code 1."""

    FINDING = "finding"
    NEVER = "never"


def inspect(
    module: Annotated[
        str,
        typer.Argument(help="package.module:build, a function of yours that returns a module."),
    ],
    shapes: Annotated[
        list[str],
        typer.Option(
            "--input",
            help="Shape of an input, such as 32,3,224,224, drawn from N(0, 1); or 8,128@50257, "
            "whole numbers below 50257. Once for each input.",
        ),
    ],
    seeds: Annotated[str, typer.Option(help="How many modules are built; or their seeds.")] = "10",
    cures: Annotated[
        Cures,
        typer.Option(
            help="What mends it: proved by a short training, where the module says its own loss; "
            "quick without; none isn't sought."
        ),
    ] = Cures.PROVED,
    fail_on: Annotated[
        Fail, typer.Option(help="Exit with 1 where something is wrong, for CI.")
    ] = Fail.NEVER,
    out: Annotated[
        str | None, typer.Option(help="Where a picture of the layers goes. \\[default: nowhere]")
    ] = None,
    page: Annotated[
        str | None,
        typer.Option("--report", help="The HTML page to write. \\[default: none]"),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    whole: Whole = False,
) -> None:
    """Say what is wrong with a PyTorch module's initialization, layer by layer, and what mends it.

    This imports and runs your code.
    """
    from goodinit.pages.page import check_page
    from goodinit.store.written import RECORD, check_files, check_place, write_file

    needs_torch("module", module)
    place = folder_of("out", out)
    if place:
        check_files("out", check_place("out", place, marks=[RECORD]), [_PICTURE])
    if page is not None:
        check_page("report", page)
    from torch import nn

    from goodinit.torch import inspect as look
    from goodinit.torch import shell

    given = shell.read_inputs(shapes)
    asked: dict[str, Any] = {"cures": cures.value}
    with progress_bar("importing", quiet) as (_, say), printing_aside(as_json), users_code(whole):
        found = shell.load_builder(module)
        if not isinstance(found, nn.Module):
            asked["seeds"] = seeds_of(seeds)
        report = look(found, given, progress=say, **asked)
    if as_json:
        printing.print_json({"module": module, "inputs": shapes, **report.as_dict()})
    else:
        screen = printing.terminal()
        text = report.text(screen.width) if screen.is_terminal else report.text()
        printing.say(text)
    if place:
        picture = BytesIO()
        report.plot().savefig(picture, format="png", dpi=150)
        with writing(place):
            write_file("out", place, _PICTURE, picture.getvalue())
    if page is not None:
        with writing(Path(page)):
            report.save_html(page, title=module, command=shlex.join(["goodinit", *sys.argv[1:]]))
        if not as_json:
            printing.say(f"Report: {page}")
    if report.findings and fail_on is Fail.FINDING:
        raise typer.Exit(1)
