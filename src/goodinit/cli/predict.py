"""``goodinit predict``: what theory says of a network, before anything is trained."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from goodinit.cli import printing
from goodinit.cli.options import (
    Columns,
    Drop,
    ImageSize,
    Json,
    Missing,
    SplitSeed,
    Standardize,
    Target,
    Task,
    TestFraction,
)
from goodinit.cli.reading import column_names, hidden_units

if TYPE_CHECKING:
    from goodinit.theory import Prediction


_HEADINGS = {
    "pre-activation RMS": "pre-activation\nRMS",
    "gradient RMS": "gradient\nRMS",
    "band of the gradient": "90 %",
    "band": "90 %",
}
_CELLS: dict[str, Callable[[dict[Any, Any]], str]] = {
    "layer": lambda row: f"{row['layer']}",
    "pre-activation RMS": lambda row: _shown(row["preactivation_rms"]),
    "band": lambda row: f"{_shown(row['low'])}–{_shown(row['high'])}",
    "correlation": lambda row: f"{row['correlation']:.3f}",
    "gradient RMS": lambda row: _shown(row["gradient_rms"]),
    "band of the gradient": lambda row: (
        f"{_shown(row['gradient_low'])}–{_shown(row['gradient_high'])}"
    ),
}
_LEAST_FIRST = ("band of the gradient", "correlation", "band")


def predict(
    data: Annotated[str, typer.Argument(help="What `compare` takes: a name, a table, a folder.")],
    init: Annotated[
        list[str] | None, typer.Option(help="Initializers, as in `compare`. \\[default: he_normal]")
    ] = None,
    hidden: Annotated[
        str, typer.Option(help="Units of each hidden layer; 64x30 is 30 of 64; 'none' for none.")
    ] = "10,5",
    activation: Annotated[str, typer.Option(help="Of the hidden layers.")] = "relu",
    bias: Annotated[
        str,
        typer.Option(
            help="How biases start, as in `compare`; theory knows zeros, normal(std=...)."
        ),
    ] = "zeros",
    bias_std: Annotated[float, typer.Option(help="Standard deviation of the biases.")] = 0.0,
    draws: Annotated[
        int, typer.Option(help="Networks drawn for a band where no formula holds; 0 for none.")
    ] = 200,
    target: Target = None,
    columns: Columns = None,
    drop: Drop = None,
    missing: Missing = "fill",
    task: Task = None,
    test_fraction: TestFraction = 0.25,
    split_seed: SplitSeed = 0,
    standardize: Standardize = None,
    image_size: ImageSize = None,
    as_json: Json = False,
) -> None:
    """Print what theory predicts, layer by layer, with the band that 90 % of networks keep to."""
    from goodinit import datasets, specs
    from goodinit.theory.predict import predict as ask

    asked = [spec for text in init or ["he_normal"] for spec in specs.split("init", text)]
    units = hidden_units(hidden)
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
    found = [
        ask(
            *(dataset, spec),
            hidden=units,
            activation=activation,
            bias=bias,
            bias_std=bias_std,
            draws=draws,
        )
        for spec in asked
    ]
    if as_json:
        printing.print_json({"predictions": [_as_dict(one) for one in found]})
        return
    console = printing.terminal()
    for one in found:
        console.print(f"\n{dataset.describe()} · {one.network} · {one.scheme}", markup=False)
        if not one.silent:
            _print_layers(console, one)
            console.print(Text(_numbers(one)))
        for sentence in one.sentences():
            console.print(Text(f"\n{sentence}"))
    console.print()


def _print_layers(console: Console, one: "Prediction") -> None:
    """Print a row per layer, in the columns that there is room for; what is left out is said."""
    left_out: list[str] = []
    for name in (*_LEAST_FIRST, ""):
        table = _layers(one, left_out)
        if printing.fits(table) or not name:
            break
        left_out.append(name)
    printing.print_table(table)
    if left_out:
        console.print(f"Left out, for want of room: {', '.join(left_out)}.\n")


def _layers(one: "Prediction", left_out: Sequence[str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    kept = [name for name in _CELLS if name not in left_out]
    for name in kept:
        table.add_column(_HEADINGS.get(name, name), justify="right", no_wrap=True)
    for row in one.layers.to_dict("records"):
        table.add_row(*(_CELLS[name](row) for name in kept))
    return table


def _numbers(one: "Prediction") -> str:
    bands = " and ".join(dict.fromkeys(one.bands.values()))
    parts = [f"first cost {_shown(one.initial_cost)}"]
    if not math.isnan(one.chi):
        depths = [_shown(depth) for depth in (one.correlation_depth, one.signal_depth)]
        parts += [f"χ₁ {_shown(one.chi)}", f"ξ_c {depths[0]} and ξ_q {depths[1]} layers"]
    return f"{' · '.join(parts)} · bands by {bands}"


def _shown(value: float) -> str:
    return ("∞" if value > 0 else "-") if not math.isfinite(value) else f"{value:.3g}"


def _as_dict(one: "Prediction") -> dict[str, Any]:
    numbers = {
        name: getattr(one, name)
        for name in ("chi", "correlation_depth", "signal_depth", "initial_cost", "born_dead")
    }
    mean, variance = one.jacobian
    numbers |= {"jacobian_mean": mean, "jacobian_variance": variance}
    return {
        "network": {
            "layers": list(one.network.layers),
            "activation": one.network.activation,
            "output": one.network.output,
        },
        "initializer": one.scheme.name,
        "layers": printing.rows(one.layers),
        **{name: value if math.isfinite(value) else None for name, value in numbers.items()},
        "bands": one.bands,
        "sentences": list(one.sentences()),
    }
