"""The figures that the articles publish, with the run each is read from and its printed digits."""

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import NamedTuple

Value = float | list[list[float]]


class Run(NamedTuple):
    """One training run, or one drawing of weights; several articles print figures of the same.

    Attributes
    ----------
    experiment : str
        "circles", "cats_vs_dogs", "weights [3, 2, 1]" or "weights [2, 4, 1]".
    initialization : str
        The articles' word for it.
    unseeded : bool
        Whether the weights go on with the global stream as ``load_dataset`` leaves it.
    """

    experiment: str
    initialization: str
    unseeded: bool = False


@dataclass(frozen=True)
class Figure:
    """A published figure.

    Attributes
    ----------
    article : str
        The number of the article, "000" to "004".
    run : Run
        What the article read it from.
    quantity : str
        For example "cost at iteration 1000", "train accuracy" (0 to 1) or "W1".
    value : float or list of list of float
    printed : str
        The format that the article prints it in: ".12g" has 12 significant digits, ".2f" two
        decimals.
    note : str
        Where in the article, if it prints the quantity twice.
    """

    article: str
    run: Run
    quantity: str
    value: Value
    printed: str
    note: str


def figures() -> list[Figure]:
    """Return every figure of articles 000, 001, 003 and 004 (002 prints none), in their order.

    Examples
    --------
    >>> figure = figures()[6]
    >>> figure.run.initialization, figure.quantity, format(figure.value, figure.printed)
    ('random', 'cost at iteration 1000', '0.386009576858')
    """
    text = files("goodinit.articles").joinpath("published.json").read_text(encoding="utf-8")
    return [
        Figure(
            article=group["article"],
            run=Run(group["experiment"], group["initialization"], group.get("unseeded", False)),
            quantity=quantity,
            value=_numbers(value),
            printed=group["printed"],
            note=group.get("note", ""),
        )
        for group in json.loads(text)["groups"]
        for quantity, value in group["figures"].items()
    ]


def _numbers(value: str | float | list[list[float]]) -> Value:
    if isinstance(value, list):
        return [[float(entry) for entry in row] for row in value]
    return float(value)  # JSON has no infinity: the first cost of "random" stands there as "inf"
