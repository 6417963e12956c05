"""``goodinit map``: what became of a grid of networks along two axes."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

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
    Quiet,
    SplitSeed,
    Standardize,
    Target,
    Task,
    TestFraction,
)
from goodinit.cli.reading import checked_size, column_names, folder_of, numbers, seeds_of
from goodinit.cli.telling import keep
from goodinit.cli.watching import progress_bar
from goodinit.errors import bad_argument

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pandas as pd

    from goodinit.running.mapping import Map

_FILES = ("map.png", "map.csv")
_BEYOND = "* theory: deeper than 6 × the correlation depth ξ_c"
_AXIS = "depth, width, bias_variance, learning_rate or *, and values: depth=5,10,20."


def map(  # noqa: A001  # the command's name
    data: Annotated[str, typer.Argument(help="What `compare` takes: a name, a table, a folder.")],
    x: Annotated[str, typer.Option(help=_AXIS)] = "*=0.5,1,1.5,2,2.5,3",
    y: Annotated[str, typer.Option(help=_AXIS)] = "depth=2,5,10,20,40",
    init: Annotated[
        str, typer.Option(help="With * for the number that varies.")
    ] = "variance_scaling(*, fan_in, normal)",
    activation: Annotated[str, typer.Option(help="Of the hidden layers.")] = "tanh",
    depth: Annotated[int, typer.Option(help="Hidden layers.")] = 10,
    width: Annotated[int, typer.Option(help="Units of each hidden layer.")] = 50,
    bias_variance: Annotated[float, typer.Option(help="σ_b².")] = 0.0,
    learning_rate: Annotated[float, typer.Option(help="Of every cell.")] = 0.01,
    iterations: Annotated[int, typer.Option(help="Updates of each network.")] = 200,
    seeds: Annotated[str, typer.Option(help="How many; or the seeds, with commas.")] = "2",
    optimizer: Annotated[str, typer.Option(help="As in `compare`.")] = "gradient_descent",
    batch_size: Annotated[int | None, typer.Option(help="[default: all examples]")] = None,
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
        str | None, typer.Option(help="A folder that keeps the cells, with picture and table.")
    ] = None,
    scheduler: Annotated[str | None, typer.Option(help="A Dask cluster that trains.")] = None,
    figure_size: FigureSize = "screen",
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a small comparison in each cell of a grid, with theory's boundary beside it."""
    from goodinit import datasets
    from goodinit.running.mapping import map as run
    from goodinit.store.written import begin

    across, up = _axis("x", x), _axis("y", y)
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
    with progress_bar("training", quiet) as (progress, say), _workers(scheduler, say) as executor:
        found = run(
            dataset,
            x=across,
            y=up,
            initializer=init,
            activation=activation,
            depth=depth,
            width=width,
            bias_variance=bias_variance,
            learning_rate=learning_rate,
            iterations=iterations,
            seeds=seeds_of(seeds),
            optimizer=optimizer,
            batch_size=batch_size,
            out=place,
            executor=executor,
            progress=progress,
        )
    if as_json:
        printing.print_json({"x": found.x, "y": found.y, "cells": printing.rows(found.cells)})
    else:
        show(found)
    if place:
        keep(place, "map", found.plot, found.cells, size)


def show(found: "Map") -> None:
    """Print the cells' accuracies, in as many columns beside each other as there is room for."""
    across, up = found.labels
    printing.say_lines(
        [
            "",
            f"{found.title}; training accuracy",
            f"down: {up}; across: {across}",
            *([_BEYOND] if (found.cells["reach"] < 1).any() else []),
        ]
    )
    shares, reach = (
        found.cells.pivot(index="y", columns="x", values=values).iloc[::-1]
        for values in ("train_accuracy", "reach")
    )
    for room in range(shares.shape[1], 0, -1):
        places = [slice(first, first + room) for first in range(0, shares.shape[1], room)]
        blocks = [_block(shares.iloc[:, at], reach.iloc[:, at]) for at in places]
        if all(printing.fits(block) for block in blocks):
            break
    for block in blocks:
        printing.print_table(block)


def _block(shares: "pd.DataFrame", reach: "pd.DataFrame") -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in ("", *(f"{value:g} " for value in shares.columns)):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = zip(shares.index, shares.to_numpy(), reach.to_numpy(), strict=True)
    for height, row, far in rows:
        cells = zip(row, far, strict=True)
        table.add_row(f"{height:g}", *(f"{a:.3f}{'*' if b < 1 else ' '}" for a, b in cells))
    return table


def _workers(
    scheduler: str | None, say: Callable[[str], None]
) -> "AbstractContextManager[Executor | None]":
    if scheduler is None:
        return nullcontext()
    from goodinit.running.cluster import Cluster

    say("waiting for the workers")
    return Cluster(scheduler)


def _axis(argument: str, text: str) -> tuple[str, list[float]]:
    name, _, values = text.partition("=")
    if not values:
        raise bad_argument(argument, text, "an axis and its values, such as depth=5,10,20")
    kind = int if name.strip() in {"depth", "width"} else float
    return name.strip(), numbers(argument, values, kind)
