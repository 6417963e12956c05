"""``goodinit scale``: what becomes of a PyTorch module's layers as it grows."""

from typing import Annotated, Any

import typer

from goodinit.cli import printing
from goodinit.cli.options import Json
from goodinit.cli.reading import folder_of, needs_torch, numbers, seeds_of
from goodinit.cli.telling import keep
from goodinit.cli.yours import Whole, printing_aside, users_code

_FILES = ("scaling.png", "scaling.csv")


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
        str | None, typer.Option(help="Where picture and table go. \\[default: nowhere]")
    ] = None,
    as_json: Json = False,
    whole: Whole = False,
) -> None:
    """Say how each layer's output, and its change in an update, follow a PyTorch module's size.

    This imports and runs your code. The exit code is 1 where a change grows or shrinks.
    """
    from goodinit.store.written import begin

    needs_torch("module", module)
    asked: dict[str, Any] = {
        "widths": None if widths is None else numbers("widths", widths, int),
        "depths": None if depths is None else numbers("depths", depths, int),
        "seeds": seeds_of(seeds),
    }
    home = folder_of("out", out)
    place = None if home is None else begin("out", home, _FILES)
    from goodinit.torch import scale as look
    from goodinit.torch import shell

    with printing_aside(as_json), users_code(whole):
        found = look(
            shell.load_sized_builder(module),
            data,
            steps=steps,
            optimizer=optimizer,
            learning_rate=learning_rate,
            **asked,
        )
    if as_json:
        printing.print_json(found.as_dict())
    else:
        printing.say_lines(str(found).splitlines())
    if place:
        keep(place, _FILES, found.plot(), found.layers)
    if found.layers["verdict"].isin(["grows", "shrinks"]).any():
        raise typer.Exit(1)
