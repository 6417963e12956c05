"""``goodinit inspect``: what is wrong with a PyTorch module's initialization."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from goodinit.cli.ending import writing
from goodinit.cli.reading import needs_torch, seeds_of


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
        Path | None, typer.Option(help="Where a picture of the layers goes. [default: nowhere]")
    ] = None,
) -> None:
    """Say what is wrong with a PyTorch module's initialization, layer by layer, and what mends it.

    This imports and runs your code. The exit code is 1 where something is wrong.
    """
    needs_torch("module", module)
    from torch import nn

    from goodinit.torch import inspect as look
    from goodinit.torch import shell

    found = shell.load_builder(module)
    given = shell.read_inputs(shapes)
    alone = isinstance(found, nn.Module)
    report = look(found, given) if alone else look(found, given, seeds=seeds_of(seeds))
    sys.stdout.write(f"{report}\n")
    if out:
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
            report.plot().savefig(out / "layers.png", dpi=150)
    if report.findings:
        raise typer.Exit(1)
