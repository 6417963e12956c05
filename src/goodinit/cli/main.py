"""The command line: each command asks the library for one thing, and prints what it says."""

import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from goodinit.cli import printing
from goodinit.errors import ArgumentError, StudyStoppedError, bad_argument

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from goodinit.comparison import Comparison
    from goodinit.study.trials import AnyStudy

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
    except StudyStoppedError as error:
        code = _stopped(error)
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code)


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"goodinit: {message}\n")
    return code


def _stopped(error: StudyStoppedError) -> int:
    """Print what of a study there is, and why there isn't more."""
    if error.finished is not None:
        _tell(error.finished, None, as_json="--json" in sys.argv)
    return _complain(str(error), 1)


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
            "them; 'articles' (the default) means the six that the articles speak of. With "
            "--torch also 'default' (the module's own), 'auto' and 'lsuv'."
        ),
    ] = None,
    hidden: Annotated[
        str, typer.Option(help="Units of each hidden layer; 64x30 is 30 of 64; 'none' for none.")
    ] = "10,5",
    activation: Annotated[str, typer.Option(help="Of the hidden layers.")] = "relu",
    learning_rate: Annotated[str, typer.Option(help="One, or several with commas.")] = "0.01",
    iterations: Annotated[
        int | None,
        typer.Option(help="Updates of each network. [default: 15000; with --torch 1000]"),
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="How many; or the seeds themselves, with commas.")
    ] = "20",
    optimizer: Annotated[
        str | None,
        typer.Option(
            help="gradient_descent (the default), momentum, nesterov or adam; with --torch sgd "
            "(the default), momentum, nesterov, adam, adamw or rmsprop."
        ),
    ] = None,
    momentum: Annotated[float, typer.Option(help="Of momentum and Nesterov; Adam's β₁.")] = 0.9,
    batch_size: Annotated[
        int | None,
        typer.Option(help="Examples per update. [default: all of them; with --torch 32]"),
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
            help="A folder that keeps the study, with pictures: the same command goes on where it "
            "stopped. [default: nothing is kept]"
        ),
    ] = None,
    keep_networks: Annotated[
        bool, typer.Option("--keep-networks", help="Keep every trained network in --out.")
    ] = False,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask cluster that trains, such as tcp://host:8786.")
    ] = None,
    module: Annotated[
        str | None,
        typer.Option(
            "--torch",
            help="package.module:build, a function of yours that returns a PyTorch module, which "
            "is trained instead of a network of --hidden and --activation. Runs your code.",
        ),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train one network per initializer and seed, and compare what became of them."""
    from goodinit import datasets, specs
    from goodinit.running.compare import run
    from goodinit.study.grid import Training, plan

    dataset = datasets.load(
        data,
        target=target,
        test_fraction=test_fraction,
        split_seed=split_seed,
        standardize=standardize,
        image_size=image_size,
    )
    asked = [spec for text in init or [] for spec in specs.split("initializers", text)]
    grid: dict[str, Any] = {
        "learning_rate": _numbers("learning_rate", learning_rate, float),
        "seeds": _seeds(seeds),
    }
    how: dict[str, Any] = {"momentum": momentum, "weight_decay": weight_decay, "record": record}
    some = {"iterations": iterations, "optimizer": optimizer, "batch_size": batch_size}
    how |= {name: given for name, given in some.items() if given is not None}
    study: AnyStudy
    if module:
        _needs_torch("torch", module)
        from goodinit.torch import shell
        from goodinit.torch.comparing import comparing, training

        build = shell.load_builder(module)
        study = comparing.plan(
            build,
            dataset,
            initializers=asked or comparing.INITIALIZERS,
            training=training.ModuleTraining(**how),
            **grid,
        )
    else:
        study = plan(
            dataset,
            initializers=asked or ["articles"],
            hidden=_hidden(hidden),
            activation=activation,
            training=Training(**how, dtype=dtype),
            **grid,
        )
    with (
        _progress("training", quiet) as (progress, say),
        _workers(scheduler, dtype, say) as executor,
    ):
        result = run(study, progress, out=out, keep_networks=keep_networks, executor=executor)
    _tell(result, None if result.interrupted else out, as_json=as_json)
    if result.interrupted:
        kept = f"{len(result.study.seeds)} of {len(study.seeds)} seeds"
        again = "the same command goes on" if out else "with --out it could go on"
        raise typer.Exit(_complain(f"interrupted: this is {kept}; {again}", _INTERRUPTED))


@app.command()
def show(
    folder: Annotated[Path, typer.Argument(help="What `compare --out` was given.")],
    out: Annotated[
        Path | None, typer.Option(help="Where pictures go. [default: the study's folder]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Print and plot a study that was kept, without training anything."""
    from goodinit.running.compare import load

    result = load(folder)
    _tell(result, out or folder, as_json=as_json)
    if result.interrupted and not as_json:
        sys.stdout.write("The study isn't finished: the command that began it goes on with it.\n")


def _tell(result: "Comparison", folder: Path | None, *, as_json: bool) -> None:
    """Print a comparison, and draw it where there is a place for pictures."""
    if as_json:
        printing.print_comparison_json(result)
    else:
        printing.print_summary(result)
        printing.print_verdicts(result)
    if folder:
        _export(result, folder, quiet=as_json)


@app.command()
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
    _needs_torch("module", module)
    from torch import nn

    from goodinit.torch import inspect as look
    from goodinit.torch import shell

    found = shell.load_builder(module)
    given = shell.read_inputs(shapes)
    alone = isinstance(found, nn.Module)
    report = look(found, given) if alone else look(found, given, seeds=_seeds(seeds))
    sys.stdout.write(f"{report}\n")
    if out:
        with _writing(out):
            out.mkdir(parents=True, exist_ok=True)
            report.plot().savefig(out / "layers.png", dpi=150)
    if report.findings:
        raise typer.Exit(1)


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
        printing.print_json({"figures": printing.rows(table)})
    else:
        printing.print_figures(table)
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
    printing.terminal().print(table)


def _numbers(argument: str, text: str, kind: type[int] | type[float]) -> list[Any]:
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        what = "whole numbers" if kind is int else "numbers"
        raise bad_argument(argument, text, f"{what} with commas between them") from None


def _hidden(text: str) -> list[int]:
    """Return the units of each hidden layer, where 64x3 stands for 64,64,64."""
    if text == "none":
        return []
    takes = "units with commas between them, as 10,5 or 64x30"
    layers: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,9})(?:x(\d{1,4}))?\s*", part)
        if found is None:
            raise bad_argument("hidden", text, takes)
        layers += [int(found[1])] * int(found[2] or 1)
    return layers


def _seeds(text: str) -> int | list[int]:
    numbers = _numbers("seeds", text, int)
    return int(numbers[0]) if len(numbers) == 1 else numbers


def _needs_torch(argument: str, module: str) -> None:
    """Say in one line where PyTorch is missing."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise bad_argument(
            argument, module, "PyTorch to be installed: pip install 'goodinit[torch]'"
        )


@contextmanager
def _workers(
    scheduler: str | None, dtype: str, say: Callable[[str], None]
) -> "Iterator[Executor | None]":
    """Connect with a cluster where one is named, or make ready to train here."""
    if scheduler is None:
        _compile(dtype, say)
        yield None
        return
    from goodinit.running.cluster import Cluster

    say("waiting for the workers")
    with Cluster(scheduler) as cluster:
        yield cluster


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
        except KeyboardInterrupt as interrupt:  # Typer would say nothing
            bar.stop()
            said = str(interrupt) or "nothing was finished"
            raise typer.Exit(_complain(f"interrupted: {said}", _INTERRUPTED)) from None


def _compile(dtype: str, say: Callable[[str], None]) -> None:
    """Compile the training kernel, and say so where it isn't in the cache yet."""
    from goodinit.training import compile_kernel

    compiling = Thread(target=compile_kernel, args=(dtype,), daemon=True)
    compiling.start()
    compiling.join(_LONGER_THAN_LOADING)
    if compiling.is_alive():
        say("compiling the training kernel (first run only)")
        compiling.join()


def _export(result: "Comparison", folder: Path, *, quiet: bool) -> None:
    with _writing(folder):
        result.export(folder)
    if not quiet:
        sys.stdout.write(f"Pictures and tables: {folder}{os.sep}\n")


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Say in one line where a folder can't be written."""
    try:
        yield
    except OSError as error:
        raise typer.Exit(_complain(f"{folder}: {error.strerror or error}", 1)) from None
