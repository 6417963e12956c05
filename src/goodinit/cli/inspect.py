"""``goodinit inspect``: what is wrong with a PyTorch module's initialization."""

import sys
from io import BytesIO
from typing import Annotated

import typer

from goodinit.cli.ending import writing
from goodinit.cli.reading import folder_of, needs_torch, seeds_of

_PICTURE = "layers.png"


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
    out: Annotated[
        str | None, typer.Option(help="Where a picture of the layers goes. [default: nowhere]")
    ] = None,
) -> None:
    """Say what is wrong with a PyTorch module's initialization, layer by layer, and what mends it.

    This imports and runs your code. The exit code is 1 where something is wrong.
    """
    from goodinit.store.written import RECORD, check_files, check_place, write_file

    needs_torch("module", module)
    place = folder_of("out", out)
    if place:
        check_files("out", check_place("out", place, marks=[RECORD]), [_PICTURE])
    from torch import nn

    from goodinit.torch import inspect as look
    from goodinit.torch import shell

    found = shell.load_builder(module)
    given = shell.read_inputs(shapes)
    alone = isinstance(found, nn.Module)
    report = look(found, given) if alone else look(found, given, seeds=seeds_of(seeds))
    sys.stdout.write(f"{report}\n")
    if place:
        picture = BytesIO()
        report.plot().savefig(picture, format="png", dpi=150)
        with writing(place):
            write_file("out", place, _PICTURE, picture.getvalue())
    if report.findings:
        raise typer.Exit(1)
