"""``goodinit compare``: the main job."""

import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goodinit.cli.ending import INTERRUPTED, complain
from goodinit.cli.options import (
    COMPARISON,
    NETWORK,
    OUTPUT,
    TRAINING,
    By,
    Columns,
    Drop,
    Figures,
    FigureSize,
    ImageSize,
    Json,
    Margin,
    Missing,
    Quiet,
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
    formats_of,
    hidden_units,
    needs_torch,
    numbers,
    seeds_of,
)
from goodinit.cli.telling import tell
from goodinit.cli.timing import Stopwatch
from goodinit.cli.watching import study_bar, workers
from goodinit.cli.yours import Whole, own_initializer, printing_aside, users_code
from goodinit.errors import bad_argument

if TYPE_CHECKING:
    from goodinit.study.trials import AnyStudy


def compare(
    data: Annotated[
        str,
        typer.Argument(
            help="A data set (circles, moons, blobs, spirals, xor, digits, breast_cancer, wine, "
            "iris), a table (.csv, .tsv, .parquet, .feather, .xlsx, .jsonl, .npz), or a folder of "
            "images."
        ),
    ],
    init: Annotated[
        list[str] | None,
        typer.Option(
            rich_help_panel=COMPARISON,
            help="Initializers, split at commas, or given again. `goodinit initializers` lists "
            "them; 'articles' (the default) means the six that the articles speak of; "
            "package.module:function is your own (rng, shape) -> array, whose code is run. With "
            "--torch also 'default' (the module's own), 'auto' and 'lsuv'.",
        ),
    ] = None,
    hidden: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=NETWORK,
            help="Units of each hidden layer; 64x30 is 30 of 64; 'none' for none. "
            "\\[default: 10,5]",
        ),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(rich_help_panel=NETWORK, help="Of the hidden layers. \\[default: relu]"),
    ] = None,
    bias: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=NETWORK,
            help="How biases start: zeros, constant(value), normal(std=...), uniform(low, high), "
            "or prior: the last layer's at the base rate of the targets. \\[default: zeros]",
        ),
    ] = None,
    learning_rate: Annotated[
        str, typer.Option(rich_help_panel=TRAINING, help="One, or several with commas.")
    ] = "0.01",
    iterations: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=TRAINING,
            help="Updates of each network. \\[default: 15000; with --torch 1000]",
        ),
    ] = None,
    seeds: Annotated[
        str,
        typer.Option(
            rich_help_panel=COMPARISON, help="How many; or the seeds themselves, with commas."
        ),
    ] = "20",
    optimizer: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=TRAINING,
            help="gradient_descent (the default), momentum, nesterov or adam; with --torch sgd "
            "(the default), momentum, nesterov, adam, adamw or rmsprop.",
        ),
    ] = None,
    momentum: Annotated[
        float, typer.Option(rich_help_panel=TRAINING, help="Of momentum and Nesterov; Adam's β₁.")
    ] = 0.9,
    batch_size: Annotated[
        int | None,
        typer.Option(
            rich_help_panel=TRAINING,
            help="Examples per update. \\[default: all of them; with --torch 32]",
        ),
    ] = None,
    weight_decay: Annotated[
        float, typer.Option(rich_help_panel=TRAINING, help="λ; λW is added to W's gradient.")
    ] = 0.0,
    dtype: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=NETWORK,
            help="float64 or float32. \\[default: float64; with --torch the module's own]",
        ),
    ] = None,
    record: Annotated[
        int, typer.Option(rich_help_panel=COMPARISON, help="How often costs are measured, about.")
    ] = 100,
    target: Target = None,
    columns: Columns = None,
    drop: Drop = None,
    missing: Missing = "fill",
    task: Task = None,
    test_fraction: TestFraction = 0.25,
    split_seed: SplitSeed = 0,
    splits: Annotated[
        int,
        typer.Option(
            rich_help_panel=COMPARISON,
            help="Divide the data into train and test (or draw them) in this many ways, seeds "
            "taking turns: what holds over splits holds for such data. At least as many seeds.",
        ),
    ] = 1,
    standardize: Standardize = None,
    image_size: ImageSize = None,
    by: By = None,
    margin: Margin = 0.02,
    out: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=OUTPUT,
            help="A folder that keeps the study, with pictures: the same command goes on where it "
            "stopped. \\[default: nothing is kept]",
        ),
    ] = None,
    figures: Figures = "png",
    figure_size: FigureSize = "screen",
    keep_networks: Annotated[
        bool,
        typer.Option(
            "--keep-networks", rich_help_panel=OUTPUT, help="Keep every trained network in --out."
        ),
    ] = False,
    scheduler: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=COMPARISON, help="A Dask cluster that trains, such as tcp://host:8786."
        ),
    ] = None,
    module: Annotated[
        str | None,
        typer.Option(
            "--torch",
            rich_help_panel=NETWORK,
            help="package.module:build, a function of yours that returns a PyTorch module, which "
            "is trained instead of a network of --hidden and --activation. Runs your code.",
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    timing: Annotated[
        bool,
        typer.Option(
            "--timing", rich_help_panel=OUTPUT, help="Print on standard error where time went."
        ),
    ] = False,
    whole: Whole = False,
) -> None:
    """Train one network per initializer and seed, and compare what became of them."""
    clock = Stopwatch()
    from goodinit import datasets, specs
    from goodinit.evidence.pairs import check_ranking
    from goodinit.running.compare import run
    from goodinit.store.begun import sets_aside
    from goodinit.study.grid import Training, plan
    from goodinit.study.trials import read_splits

    formats, size, place = formats_of(figures), checked_size(figure_size), folder_of("out", out)
    check_ranking(by, margin)
    kept_there: dict[str, bool | str] = {
        "keep_networks": keep_networks,
        "figures": figures,
        "figure_size": figure_size,
    }
    _check_written(place, data, formats, kept_there)
    read_splits(splits, seeds_of(seeds))
    data_splits = datasets.load_splits(
        data,
        splits,
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
    named = [spec for text in init or [] for spec in specs.split("initializers", text)]
    with users_code(whole), printing_aside(as_json):
        asked = [own_initializer(spec) if ":" in spec else spec for spec in named]
    own = bool(module) or asked != named
    grid: dict[str, Any] = {
        "learning_rate": numbers("learning_rate", learning_rate, float),
        "seeds": seeds_of(seeds),
    }
    some = {"iterations": iterations, "optimizer": optimizer, "batch_size": batch_size}
    how: dict[str, Any] = {name: given for name, given in some.items() if given is not None}
    how |= {"momentum": momentum, "weight_decay": weight_decay, "record": record}
    study: AnyStudy
    if module:
        _refuse_ignored(hidden=hidden, activation=activation, bias=bias, dtype=dtype)
        needs_torch("torch", module)
        from goodinit.torch import shell
        from goodinit.torch.comparing import comparing, training

        with users_code(whole), printing_aside(as_json):
            study = comparing.plan(
                shell.load_builder(module),
                data_splits,
                initializers=asked or comparing.INITIALIZERS,
                training=training.ModuleTraining(**how),
                splits=splits,
                split_seed=split_seed,
                aside=sets_aside(place),
                **grid,
            )
    else:
        with users_code(whole) if own else nullcontext(), printing_aside(own and as_json):
            study = plan(
                data_splits,
                initializers=asked or ["articles"],
                hidden=hidden_units(hidden or "10,5"),
                activation=activation or "relu",
                bias="zeros" if bias is None else bias,
                training=Training(**how, dtype=dtype or "float64"),
                split_seed=split_seed,
                aside=sets_aside(place),
                **grid,
            )
    clock.lap("importing, reading the data")
    with (
        study_bar(quiet) as bar,
        workers(scheduler, study, bar.say) as executor,
        users_code(whole) if own else nullcontext(),
        printing_aside(own and as_json),
    ):
        clock.lap("compiling, or loading what was compiled")
        result = run(
            study,
            watch=clock.watching(bar),
            out=place,
            keep_networks=keep_networks,
            executor=executor,
        )
    clock.lap("keeping")
    result = replace(result, by=by, margin=margin, command=shlex.join(["goodinit", *sys.argv[1:]]))
    tell(
        result,
        None if result.interrupted else place,
        formats,
        size,
        as_json=as_json,
        lap=clock.lap,
    )
    if timing:
        clock.print()
    if result.interrupted:
        kept = f"{len(result.study.seeds)} of {len(study.seeds)} seeds"
        again = "the same command goes on" if out else "with --out it could go on"
        raise typer.Exit(complain(f"interrupted: this is {kept}; {again}", INTERRUPTED))


def _check_written(
    place: Path | None, data: str, formats: Sequence[str], asked: dict[str, bool | str]
) -> None:
    """Refuse a place that cannot hold what is written, or to write what only a place could hold."""
    from goodinit.pages.page import REPORT
    from goodinit.store.written import check_files, check_out, recorded

    if place:
        check_out(place, data)
        drawn = [name for name in recorded(place) if name.endswith((".csv", *formats))]
        check_files("out", place, {*drawn, REPORT})
        return
    for name, value in asked.items():
        if value not in (False, "png", "none", "screen"):  # what isn't asked for
            raise bad_argument(name, value, "no value without `out`, where it would be written")


def _refuse_ignored(**given: str | None) -> None:
    """Refuse options of a plain network where a module of the user's own is trained."""
    for name, value in given.items():
        if value is not None:
            raise bad_argument(name, value, "no value beside --torch: the module says it itself")
