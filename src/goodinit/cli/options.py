"""The options that several commands share."""

from typing import Annotated

import typer

# The groups in which --help shows the options of a command that has many.
DATA, NETWORK, TRAINING, COMPARISON, OUTPUT = (
    "Data",
    "Network",
    "Training",
    "Comparison",
    "Output",
)
Target = Annotated[
    str | None,
    typer.Option(rich_help_panel=DATA, help="The column of a table that is to be predicted."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        rich_help_panel=DATA,
        help="The columns to learn from, split at commas. \\[default: all others]",
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option(rich_help_panel=DATA, help="Columns not to learn from, split at commas."),
]
Missing = Annotated[
    str,
    typer.Option(
        rich_help_panel=DATA,
        help="'fill' missing values (median, or a category of their own), or 'error'.",
    ),
]
Task = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=DATA,
        help="classification or regression. \\[default: what the target looks like]",
    ),
]
TestFraction = Annotated[
    float,
    typer.Option(rich_help_panel=DATA, help="Held out for testing where there is no test part."),
]
SplitSeed = Annotated[int, typer.Option(rich_help_panel=DATA, help="Seed of that split.")]
Standardize = Annotated[
    bool | None,
    typer.Option(
        "--standardize/--no-standardize",
        rich_help_panel=DATA,
        help="Features and numbers to predict to mean 0, variance 1 on train. \\[default: "
        "numbers to predict, and features whose sizes need it]",
    ),
]
ImageSize = Annotated[
    int | None,
    typer.Option(rich_help_panel=DATA, help="Resize images to this many pixels on each side."),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        rich_help_panel=OUTPUT,
        help="No progress, and no warning that it takes long.",
    ),
]
Figures = Annotated[
    str,
    typer.Option(
        rich_help_panel=OUTPUT,
        help="How pictures are written: png, svg, pdf, several with commas, or none.",
    ),
]
FigureSize = Annotated[
    str,
    typer.Option(
        rich_help_panel=OUTPUT,
        help="How large pictures are: screen; for a paper, column or page (3.25 and 6.75 inches), "
        "or inches as 3.5x2.6, with small letters and no title.",
    ),
]
By = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=COMPARISON,
        help="What ranks: train_cost, test_cost, test_accuracy or speed. \\[default: "
        "test_accuracy, or without a test part train_cost]",
    ),
]
Margin = Annotated[
    float,
    typer.Option(
        rich_help_panel=COMPARISON,
        help="Within which two are called equivalent: of accuracy, or a part of the cost of "
        "guessing.",
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", rich_help_panel=OUTPUT, help="Print one JSON object instead of the table."
    ),
]
