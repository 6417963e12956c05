"""The command line: each command asks the library for one thing, and prints what it says."""

import io
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from goodinit.errors import ArgumentError, bad_argument

if TYPE_CHECKING:
    import pandas as pd

    from goodinit.comparison import Comparison
    from goodinit.datasets import Dataset

app = typer.Typer(
    name="goodinit",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_UsageError: type[Exception] = typer.BadParameter.__bases__[0]  # of the parser inside Typer
_LONGER_THAN_LOADING = 1.0  # seconds
_INTERRUPTED = 130  # what shells report for a program that Ctrl-C ended

Images = Annotated[
    Path | None, typer.Option(help="The folder of the fourth article's 100 photographs.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")]


def main() -> None:
    """Run the command line; a wrong argument is one line on standard error and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without × or ² is still a terminal
    try:
        code = app(standalone_mode=False)
    except ArgumentError as error:
        code = _complain(str(error), 2)
    except _UsageError as error:
        code = _complain(" ".join(str(error.format_message()).split()), 2)  # type: ignore[attr-defined]  # every usage error has it
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"goodinit: {message}\n")
    return code


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"goodinit {version('goodinit')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Say which weight initialization is good for a network on data, with evidence."""


@app.command()
def compare(
    data: Annotated[
        str,
        typer.Argument(
            help="A data set (circles, moons, blobs, spirals, xor, digits, breast_cancer, wine, "
            "iris), a table (.csv, .parquet, .npz), or a folder of images."
        ),
    ],
    init: Annotated[
        list[str] | None,
        typer.Option(
            help="Initializers, split at commas, or given again. `goodinit initializers` lists "
            "them; 'articles' (the default) means the six that the articles speak of."
        ),
    ] = None,
    hidden: Annotated[
        str, typer.Option(help="Units of each hidden layer; 'none' for none.")
    ] = "10,5",
    activation: Annotated[str, typer.Option(help="Of the hidden layers.")] = "relu",
    learning_rate: Annotated[str, typer.Option(help="One, or several with commas.")] = "0.01",
    iterations: Annotated[int, typer.Option(help="Updates of each network.")] = 15_000,
    seeds: Annotated[
        str, typer.Option(help="How many; or the seeds themselves, with commas.")
    ] = "20",
    optimizer: Annotated[
        str, typer.Option(help="gradient_descent, momentum, nesterov or adam.")
    ] = "gradient_descent",
    momentum: Annotated[float, typer.Option(help="Of momentum and Nesterov; Adam's β₁.")] = 0.9,
    batch_size: Annotated[
        int | None, typer.Option(help="Examples per update. [default: all of them]")
    ] = None,
    weight_decay: Annotated[float, typer.Option(help="λ; λW is added to W's gradient.")] = 0.0,
    dtype: Annotated[str, typer.Option(help="float64 or float32.")] = "float64",
    record: Annotated[int, typer.Option(help="How often costs are measured, about.")] = 100,
    target: Annotated[
        str | None, typer.Option(help="The column of a table that is to be predicted.")
    ] = None,
    test_fraction: Annotated[
        float, typer.Option(help="Held out for testing where there is no test part.")
    ] = 0.25,
    split_seed: Annotated[int, typer.Option(help="Seed of that split.")] = 0,
    standardize: Annotated[
        bool, typer.Option("--standardize", help="Features to mean 0, variance 1 on train.")
    ] = False,
    image_size: Annotated[
        int | None, typer.Option(help="Resize images to this many pixels on each side.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where pictures and tables go. [default: goodinit-NAME; with --json, nowhere]"
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train one network per initializer and seed, and compare what became of them."""
    from goodinit import datasets, specs
    from goodinit.comparison import run
    from goodinit.study import Training, plan

    dataset = datasets.load(
        data,
        target=target,
        test_fraction=test_fraction,
        split_seed=split_seed,
        standardize=standardize,
        image_size=image_size,
    )
    study = plan(
        dataset,
        initializers=[
            spec for text in init or ["articles"] for spec in specs.split("initializers", text)
        ],
        hidden=[] if hidden == "none" else _numbers("hidden", hidden, int),
        activation=activation,
        learning_rate=_numbers("learning_rate", learning_rate, float),
        seeds=_seeds(seeds),
        training=Training(
            iterations=iterations,
            optimizer=optimizer,
            momentum=momentum,
            batch_size=batch_size,
            weight_decay=weight_decay,
            dtype=dtype,
            record=record,
        ),
    )
    folder = out or (None if as_json else _default_folder(dataset))
    with _folder(folder), _progress("training", quiet) as (progress, say):
        _compile(dtype, say)
        result = run(study, progress)
    if as_json:
        _print_json(
            {
                "study": result.study.as_dict(),
                "summary": _rows(result.summary()),
                "verdicts": [_plain(asdict(verdict)) for verdict in result.verdicts],
                "warnings": list(result.warnings),
                "statements": list(result.evidence.statements),
            }
        )
    else:
        _print_summary(result)
        _print_verdicts(result)
    if folder:
        _export(result, folder, quiet=as_json)
    if result.interrupted:
        kept = len(result.study.seeds)
        raise typer.Exit(
            _complain(f"interrupted: this is {kept} of {len(study.seeds)} seeds", _INTERRUPTED)
        )


@app.command()
def reproduce(images: Images = None, as_json: Json = False, quiet: Quiet = False) -> None:
    """Run every figure that the five articles publish, and set the measured one beside it."""
    from goodinit.articles.reproduce import check_images, must_be_exact
    from goodinit.articles.reproduce import reproduce as run

    check_images(images)
    with _progress("reproducing", quiet) as (progress, say):
        _compile("float64", say)
        table = run(images, progress=progress)
    failed = must_be_exact(table)
    if as_json:
        _print_json({"figures": _rows(table)})
    else:
        _print_figures(table)
    if len(failed):
        raise typer.Exit(_complain(f"{len(failed)} figures that should be exact are not", 1))


@app.command()
def initializers() -> None:
    """List the schemes, with formula, what each is derived for, and source."""
    from goodinit.initializers import SCHEMES, describe

    table = Table(box=box.SIMPLE_HEAD, show_lines=True)
    for heading in ("write", "formula", "derived for", "source"):
        table.add_column(heading, overflow="fold")
    for name in SCHEMES:
        known = describe(name)
        also = f"\nor {', '.join(known.aliases)}" if known.aliases else ""
        table.add_row(
            known.spec + also, known.formula, known.derived_for, known.source.replace("``", "")
        )
    _console().print(table)


def _console() -> Console:
    """Return the standard output, as wide as the terminal; 100 columns where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=100)


def _numbers(argument: str, text: str, kind: type[int] | type[float]) -> list[Any]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        what = "whole numbers" if kind is int else "numbers"
        raise bad_argument(argument, text, f"{what} with commas between them") from None


def _seeds(text: str) -> int | list[int]:
    numbers = _numbers("seeds", text, int)
    return int(numbers[0]) if len(numbers) == 1 else numbers


def _default_folder(dataset: "Dataset") -> Path:
    return Path(f"goodinit-{re.sub(r'[^A-Za-z0-9_.-]+', '-', dataset.name)}")


@contextmanager
def _folder(folder: Path | None) -> Iterator[None]:
    """Make the folder before any work, so that nothing is computed for a place that isn't one."""
    if folder is None:
        yield
        return
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        _remove(made)
        takes = f"a folder that can be written ({error.strerror or error})"
        raise bad_argument("out", folder, takes) from None
    try:
        yield
    except BaseException:
        _remove(made)
        raise


def _remove(made: list[Path]) -> None:
    """Remove the folders that were made, from the inside out; they stay where something lies in."""
    with suppress(OSError):
        for place in made:
            place.rmdir()


@contextmanager
def _progress(
    what: str, quiet: bool
) -> Iterator[tuple[Callable[[int, int], None], Callable[[str], None]]]:
    """Show a bar with the time left, on standard error, where someone is watching.

    Yields how to move the bar, by what is done and the total, and how to say what is going on.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    ) as bar:
        task = bar.add_task(what, total=None)
        try:
            yield (
                lambda done, total: bar.update(task, completed=done, total=total, description=what),
                lambda words: bar.update(task, description=words),
            )
        except KeyboardInterrupt:
            bar.stop()
            code = _complain("interrupted before anything was finished", _INTERRUPTED)
            raise typer.Exit(code) from None


def _compile(dtype: str, say: Callable[[str], None]) -> None:
    """Compile the training kernel, and say so where it isn't in the cache yet."""
    from goodinit.training import compile_kernel

    compiling = Thread(target=compile_kernel, args=(dtype,), daemon=True)
    compiling.start()
    compiling.join(_LONGER_THAN_LOADING)
    if compiling.is_alive():
        say("compiling the training kernel (first run only)")
        compiling.join()


def _print_json(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _rows(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the rows as JSON holds them: a number that is none becomes null."""
    return [
        {str(key): _plain(value) for key, value in row.items()} for row in table.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _print_summary(result: "Comparison") -> None:
    study, summary = result.study, result.summary()
    console = _console()
    console.print(f"\n{study.describe()}", markup=False)
    measure, show = ("R²", _decimal) if study.dataset.task == "regression" else ("accuracy", _share)
    rates = len(study.learning_rates) > 1  # each initializer is shown at its own best
    tested = bool(summary["test_accuracy"].notna().any())
    longest = max(len(name) for name in summary["initializer"])
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("initializer", overflow="fold", min_width=min(16, longest))
    headings = [
        *(["rate"] if rates else []),
        f"train {measure}",
        *([f"test {measure}"] if tested else []),
        "initial cost",
        "final cost",
        *(["diverged"] if summary["diverged"].any() else []),
    ]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in summary.to_dict("records"):
        cells = {
            "rate": f"{row['learning_rate']:g}",
            f"train {measure}": _ranged(row, "train_accuracy", show),
            f"test {measure}": _ranged(row, "test_accuracy", show),
            "initial cost": _significant(row["initial_cost"]),
            "final cost": _ranged(row, "train_cost", _significant),
            "diverged": f"{row['diverged']} of {row['seeds']}",
        }
        table.add_row(escape(row["initializer"]), *[cells[heading] for heading in headings])
    console.print(table)
    middle = (
        "R² and costs are medians" if measure == "R²" else "Accuracy is the mean, cost the median"
    )
    console.print(
        f"{middle} over seeds; in brackets, their 5th to 95th percentile. Best first, by median "
        "final cost."
    )


def _print_verdicts(result: "Comparison") -> None:
    """Print a sentence for each initializer, and what else the seeds carry or don't."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(max_width=30, overflow="fold")
    grid.add_column()
    for verdict in result.verdicts:
        label = Text(verdict.label, style="bold")
        grid.add_row(Text(verdict.initializer), Text.assemble(label, ": ", verdict.reason))
    console = _console()
    console.print()
    console.print(Padding(grid, (0, 2)))
    said = dict.fromkeys([*result.evidence.statements, *result.warnings])
    for sentence in said:
        console.print(Padding(Text(sentence), (1, 2, 0, 2)))
    console.print()


def _ranged(row: dict[Any, Any], measure: str, show: Callable[[float, bool], str]) -> str:
    low, high = (show(row[f"{measure}_{end}"], True) for end in ("low", "high"))
    spread = "" if low == high else f" [dim]({low}–{high})[/dim]"
    return show(row[measure], False) + spread


def _share(value: float, short: bool = False) -> str:
    return f"{100 * value:.0f}" if short else f"{100 * value:.1f} %"


def _decimal(value: float, short: bool = False) -> str:
    return f"{value:.{2 if short else 3}f}" if abs(value) < 100 else _significant(value)


def _significant(value: float, _: bool = False) -> str:
    if not math.isfinite(value):
        return "∞" if value > 0 else "-∞"
    text = f"{value:#.3g}".rstrip(".")
    return f"{float(text):.0f}" if "e+" in text and abs(value) < 1e6 else text


def _print_figures(figures: "pd.DataFrame") -> None:
    from goodinit.articles.explain import explain
    from goodinit.articles.reproduce import NEEDS_IMAGES

    console = _console()
    console.print(_figures_table(header=True))
    parts = figures["quantity"].str.partition(" (")
    named = figures.assign(quantity=parts[0], note=parts[1] + parts[2])
    runs = named.groupby(["article", "experiment", "initialization", "note"], sort=False)
    for (article, experiment, initialization, note), rows in runs:
        heading = f"article {article}, {experiment}, {initialization}{note}"
        if (rows["verdict"] == NEEDS_IMAGES).all():
            console.print(Text(f"{heading}: {len(rows)} figures, {NEEDS_IMAGES}", style="bold"))
            continue
        console.print(Text(heading, style="bold"))
        table = _figures_table(header=False)
        for row in rows.to_dict("records"):
            numbers = [_figure(row[column]) for column in ("published", "measured")]
            text = row["verdict"].partition(":")[0]
            table.add_row(f"  {row['quantity']}", *numbers, _rounding(row), text)
        console.print(table)
    verdicts = figures["verdict"].str.replace("differs.*|:.*", "", regex=True)
    counts = verdicts.replace("", "differs").value_counts(sort=False)
    console.print("\n" + " · ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    for sentence in explain(figures):
        console.print(f"\n{sentence}", markup=False)


def _figures_table(*, header: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=header)
    table.add_column("figure", width=25, no_wrap=True)
    for heading in ("published", "measured"):
        table.add_column(heading, justify="right", width=13, no_wrap=True)
    table.add_column("rounding alone gives\n(digits left)", width=22, no_wrap=True)
    table.add_column("verdict", overflow="fold")
    return table


def _figure(value: Any) -> str:
    """Return ten digits of a published or measured figure, or a matrix's shape."""
    if isinstance(value, list):
        return f"{len(value)} × {len(value[0])} matrix"
    return "" if value is None else f"{value:.10g}"


def _rounding(row: dict[Any, Any]) -> str:
    """Return the range over the re-runs and the digits that it leaves, where there is one."""
    from goodinit.articles.rounding import Spread

    if math.isnan(row["low"]):
        return ""
    near = "near " if ": near" in row["verdict"] else ""
    spread = str(Spread(row["low"], row["high"])).replace(" to ", "–")
    left = "all" if row["low"] == row["high"] else f"{row['digits']:.0f}"
    return f"{near}{spread} ({left})"


def _export(result: "Comparison", folder: Path, *, quiet: bool) -> None:
    try:
        result.export(folder)
    except OSError as error:
        raise typer.Exit(_complain(f"{folder}: {error.strerror or error}", 1)) from None
    if not quiet:
        _console().print(f"Pictures and tables: {folder}{os.sep}", soft_wrap=True, markup=False)
