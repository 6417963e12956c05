"""``goodinit scale``: what becomes of a PyTorch module's layers as it grows."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from goodinit.cli import printing
from goodinit.cli.ending import writing
from goodinit.cli.options import Json
from goodinit.cli.reading import needs_torch, numbers, seeds_of


def scale(
    module: Annotated[
        str, typer.Argument(help="package.module:build, a function of yours of one size.")
    ],
    data: Annotated[str, typer.Option(help="What `compare` takes; its first 256 examples.")],
    widths: Annotated[
        str | None, typer.Option(help="At least three. [default: 64,128,256,512]")
    ] = None,
    depths: Annotated[str | None, typer.Option(help="Instead of widths.")] = None,
    steps: Annotated[int, typer.Option(help="Updates of each module.")] = 4,
    seeds: Annotated[
        str, typer.Option(help="How many modules of each size; or their seeds.")
    ] = "5",
    optimizer: Annotated[str, typer.Option(help="sgd, adam or adamw.")] = "adam",
    learning_rate: Annotated[float, typer.Option(help="Of every size.")] = 0.001,
    out: Annotated[
        Path | None, typer.Option(help="Where picture and table go. [default: nowhere]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say how each layer's output, and its change in an update, follow a PyTorch module's size.

    This imports and runs your code. The exit code is 1 where a change grows or shrinks.
    """
    needs_torch("module", module)
    from goodinit.torch import scale as look
    from goodinit.torch import shell

    found = look(
        shell.load_sized_builder(module),
        data,
        widths=None if widths is None else numbers("widths", widths, int),
        depths=None if depths is None else numbers("depths", depths, int),
        steps=steps,
        seeds=seeds_of(seeds),
        optimizer=optimizer,
        learning_rate=learning_rate,
    )
    if as_json:
        printing.print_json(found.as_dict())
    else:
        sys.stdout.write(f"{found}\n")
    if out:
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
            found.plot().savefig(out / "scaling.png", dpi=150)
            found.layers.to_csv(out / "scaling.csv", index=False)
    if found.layers["verdict"].isin(["grows", "shrinks"]).any():
        raise typer.Exit(1)
