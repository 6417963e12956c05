"""``goodinit scale``: what becomes of a PyTorch module's layers as it grows."""

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from goodinit.cli import printing
from goodinit.cli.options import (
    Columns,
    Drop,
    FigureSize,
    ImageSize,
    Json,
    Missing,
    SplitSeed,
    Standardize,
    Target,
    Task,
    TestFraction,
)
from goodinit.cli.reading import (
    checked_size,
    column_names,
    folder_of,
    needs_torch,
    numbers,
    seeds_of,
)
from goodinit.cli.telling import keep
from goodinit.cli.yours import Whole, printing_aside, users_code

if TYPE_CHECKING:
    from goodinit.torch.scaling import Scaling

_FILES = ("scaling.png", "scaling.csv")
_SCALES = ("start", "change", "own", "passed")


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
    target: Target = None,
    columns: Columns = None,
    drop: Drop = None,
    missing: Missing = "fill",
    task: Task = None,
    test_fraction: TestFraction = 0.25,
    split_seed: SplitSeed = 0,
    standardize: Standardize = None,
    image_size: ImageSize = None,
    out: Annotated[
        str | None, typer.Option(help="Where picture and table go. \\[default: nowhere]")
    ] = None,
    figure_size: FigureSize = "screen",
    as_json: Json = False,
    whole: Whole = False,
) -> None:
    """Say how each layer's output, and its change in an update, follow a PyTorch module's size.

    This imports and runs your code. The exit code is 1 where a change grows, shrinks or diverges.
    """
    from goodinit import datasets
    from goodinit.store.written import begin

    needs_torch("module", module)
    asked: dict[str, Any] = {
        "widths": None if widths is None else numbers("widths", widths, int),
        "depths": None if depths is None else numbers("depths", depths, int),
        "seeds": seeds_of(seeds),
    }
    dataset = datasets.load(
        data,
        target=target,
        columns=column_names("columns", columns),
        drop=column_names("drop", drop),
        missing=missing,
        task=task,
        test_fraction=test_fraction,
        split_seed=split_seed,
        standardize=standardize,
        image_size=image_size,
    )
    size, home = checked_size(figure_size), folder_of("out", out)
    place = None if home is None else begin("out", home, _FILES, data)
    from goodinit.torch import scale as look
    from goodinit.torch import shell

    with printing_aside(as_json), users_code(whole):
        found = look(
            shell.load_sized_builder(module),
            dataset,
            steps=steps,
            optimizer=optimizer,
            learning_rate=learning_rate,
            **asked,
        )
    if as_json:
        printing.print_json(found.as_dict())
    else:
        _print_table(found)
        printing.say_lines(found.sentences)
    if place:
        keep(place, "scaling", found.plot, found.layers, size)
    if found.layers["verdict"].isin(["grows", "shrinks", "diverges"]).any():
        raise typer.Exit(1)


def _print_table(found: "Scaling") -> None:
    """Print a row of exponents for each layer; what has none is told in the sentences."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("layer", overflow="fold", min_width=6)
    for heading in ("start", "change", "95 %", "own", "passed"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in found.layers.to_dict("records"):
        start, change, own, passed = (_cell(row, name) for name in _SCALES)
        table.add_row(str(row["layer"]), start, change, _interval(row), own, passed)
    printing.say_lines(
        [
            f"The s in scale ∝ {found.axis}^s, of each layer's output at the start, of its change "
            "in a step, and of that change's parts, by its own update and passed on:"
        ]
    )
    printing.print_table(table)


def _cell(row: dict[Any, Any], name: str) -> str:
    why = row[f"{name}_none"]
    return _places(row[name]) if not why else "diverges" if why.startswith("div") else "zero"


def _interval(row: dict[Any, Any]) -> str:
    ends = row["change_low"], row["change_high"]
    return "–" if math.isnan(ends[0]) else " to ".join(map(_places, ends))


def _places(power: float) -> str:
    return f"{round(power, 2) + 0.0:.2f}"  # a 0 isn't below 0
