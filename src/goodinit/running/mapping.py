"""Maps: what became of a grid of networks along two axes, with theory's boundary."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from goodinit import datasets
from goodinit.comparison import Comparison
from goodinit.datasets import Dataset
from goodinit.errors import bad_argument, bad_name, number, whole
from goodinit.evidence.causes import value
from goodinit.initializers import Scheme, read
from goodinit.initializers.scheme import with_biases
from goodinit.running.compare import Progress, run
from goodinit.store.written import begin
from goodinit.study.grid import Study, Training, plan
from goodinit.study.trials import several
from goodinit.theory.examples import Examples, representatives
from goodinit.theory.fixedpoints import FixedPoint
from goodinit.theory.predict import of_network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AXES = ("depth", "width", "bias_variance", "learning_rate", "*")
LABELS = {
    "depth": "hidden layers",
    "width": "units of each hidden layer",
    "bias_variance": "variance of the biases, σ_b²",
    "learning_rate": "learning rate",
}
REACH = 6.0  # correlation depths within which networks train (Schoenholz et al. 2017, section 5)

_OF_WHOLE = ("depth", "width")
_OF_ROW = ("depth", "width", "learning_rate")
_EDGE = 1e-6  # how near to 1 χ₁ is on the edge of chaos


@dataclass(frozen=True, repr=False)
class Map:
    """What became of each cell; made by ``map``.

    Attributes
    ----------
    x, y : str
        The axes, of ``AXES``; "*" is the number that varies in the initializer.
    initializer : str
        Its spec.
    title : str
    cells : DataFrame
        A row per cell: ``x, y, initializer, train_accuracy`` (mean), ``test_accuracy``,
        ``train_cost`` (median), ``trained``, the share of seeds whose cost falls below 0.9 times
        that of guessing, and ``reach``, 6 ξ_c over the depth: theory has networks train where it is
        above 1. NaN where theory is silent.
    """

    x: str
    y: str
    initializer: str
    title: str
    cells: pd.DataFrame

    @property
    def labels(self) -> tuple[str, str]:
        """What x and y are, in words."""
        across, up = (LABELS.get(axis) or self._number(axis) for axis in (self.x, self.y))
        return across, up

    def _number(self, axis: str) -> str:
        """Return the number that varies by its name in the initializer, where it has one."""
        first = self.cells.iloc[0]
        value = repr(float(first["x" if axis == self.x else "y"]))
        found = re.search(rf"(\w+)={re.escape(value)}(?=[,)])", first["initializer"])
        return f"{found[1] if found else '*'} of {self.initializer}"

    def __repr__(self) -> str:
        return f"{self.title}\n{self.cells}"

    def plot(self, column: str = "train_accuracy") -> "Figure":
        """Draw a column of the cells, and theory's boundary as a line."""
        from goodinit.figures.maps import plot_map

        if column not in self.cells.columns[3:]:
            raise bad_name("column", column, self.cells.columns[3:])
        return plot_map(self.cells, self.labels, column, self.title)


class _Row(NamedTuple):
    """Cells that are one study: networks of one size, at one learning rate."""

    study: Study
    places: tuple[tuple[float, float], ...]  # of each of its initializers
    folder: str


def map(  # noqa: A001  # `gi.map`
    data: Any,
    *,
    x: tuple[str, Sequence[float]],
    y: tuple[str, Sequence[float]],
    initializer: str = "variance_scaling(*, fan_in, normal)",
    activation: str = "tanh",
    depth: int = 10,
    width: int = 50,
    bias_variance: float = 0.0,
    learning_rate: float = 0.01,
    iterations: int = 200,
    seeds: int | Sequence[int] = 2,
    optimizer: str = "gradient_descent",
    batch_size: int | None = None,
    out: str | Path | None = None,
    executor: Executor | None = None,
    progress: Progress = lambda done, total: None,
    **reading: Any,
) -> Map:
    """Train a small comparison in each cell of a grid, and say what became of it.

    Parameters
    ----------
    data : str, Path, tuple of arrays, or Dataset
    x, y : (axis, values)
        Two different axes of "depth", "width", "bias_variance", "learning_rate" and "*", the place
        of a number in the initializer's spec; each with at least two values.
    initializer : str
        A spec, with a "*" where "*" is an axis. The default's "*" is σ_w².
    activation, depth, width, bias_variance, learning_rate
        Of the networks, where they aren't an axis; depth counts hidden layers.
    iterations, seeds, optimizer, batch_size, executor, progress
        As in ``goodinit.compare``, for each cell; progress counts the updates of all of them.
    out : str or Path, optional
        A folder that keeps a study for each depth, width and learning rate: cells that they hold
        aren't trained again. It is new, empty, or one that a map began.
    **reading
        How the data are read, such as a table's ``target``, as ``goodinit.datasets.load`` takes it.

    Returns
    -------
    Map

    Raises
    ------
    ArgumentError
        Before any training, for the first argument that cannot be used.

    References
    ----------
    Schoenholz et al. 2017, figure 5.

    Examples
    --------
    >>> found = map("circles", x=("*", (0.5, 2.0)), y=("depth", (1, 3)), width=5, iterations=3)
    >>> found.cells[["x", "y", "initializer"]].head(1)
         x  y                                        initializer
    0  0.5  1  variance_scaling(scale=0.5, mode=fan_in, distr...
    """
    dataset = datasets.load(data, **reading)
    fixed: dict[str, float] = {
        "depth": depth,
        "width": width,
        "bias_variance": bias_variance,
        "learning_rate": learning_rate,
    }
    training = Training(  # the ends alone: sharpness would take most of the time
        iterations=iterations, optimizer=optimizer, batch_size=batch_size, record=1
    )
    axes = (_axis("x", x), _axis("y", y))
    if axes[0][0] == axes[1][0]:
        raise bad_argument("y", y, "another axis than x")
    planned = list(
        _rows(
            dataset,
            axes=axes,
            fixed=fixed,
            named=(initializer, activation),
            seeds=seeds,
            training=training,
        )
    )
    home = None if out is None else begin("out", out, ())
    total = sum(len(row.study.trials) for row in planned) * iterations
    examples = representatives(dataset)
    cells: list[dict[str, Any]] = []
    done = 0
    for row in planned:
        result = run(
            row.study,
            _from(done, total, progress),
            out=None if home is None else home / row.folder,
            executor=executor,
        )
        if result.interrupted:
            raise KeyboardInterrupt("the cells so far are kept" if out else "nothing is kept")
        done += len(row.study.trials) * iterations
        cells += _outcomes(row, result, examples)
    names = f"{initializer}, {activation}, {optimizer.replace('_', ' ')}, {iterations:,} iterations"
    table = pd.DataFrame(cells).sort_values(["x", "y"], ignore_index=True)
    return Map(axes[0][0], axes[1][0], initializer, f"{dataset.name}: {names}", table)


def _from(done: int, total: int, progress: Progress) -> Progress:
    """Return a row's progress as that of all of them."""
    return lambda made, _: progress(done + made, total)


def _axis(argument: str, given: Any) -> tuple[str, list[float]]:
    takes = "an axis and its values, such as ('depth', (5, 10, 20))"
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise bad_argument(argument, given, takes)
    name, values = given
    if name not in AXES:
        raise bad_name(argument, str(name), AXES)
    found: list[float] = [
        whole(argument, one, at_least=0 if name == "depth" else 1)
        if name in _OF_WHOLE
        else number(argument, one, "finite numbers")
        for one in several(argument, values)
    ]
    if len(set(found)) < 2:
        raise bad_argument(argument, values, "at least two values")
    return name, sorted(set(found))


def _rows(
    dataset: Dataset,
    *,
    axes: tuple[tuple[str, list[float]], tuple[str, list[float]]],
    fixed: dict[str, float],
    named: tuple[str, str],
    seeds: int | Sequence[int],
    training: Training,
) -> Iterator[_Row]:
    """Yield the cells in rows, each of one depth, width and learning rate."""
    (x, xs), (y, ys) = axes
    initializer, activation = named
    if not isinstance(initializer, str) or ("*" in initializer) != ("*" in (x, y)):
        raise bad_argument("initializer", initializer, "a spec with * where * is an axis")
    rows: dict[tuple[float, ...], list[dict[str, float]]] = {}
    for across, up in product(xs, ys):
        at = fixed | {x: across, y: up}
        rows.setdefault(tuple(at[name] for name in _OF_ROW), []).append(at)
    for (depth, width, rate), row in rows.items():
        yield _Row(
            plan(
                dataset,
                initializers=[_scheme(initializer, at) for at in row],
                hidden=(whole("width", width, at_least=1),) * whole("depth", depth, at_least=0),
                activation=activation,
                learning_rate=rate,
                seeds=seeds,
                training=training,
            ),
            tuple((at[x], at[y]) for at in row),
            f"depth{depth:g}-width{width:g}-rate{rate:g}",
        )


def _scheme(initializer: str, at: dict[str, float]) -> Scheme:
    scheme = read(initializer.replace("*", repr(at["*"])) if "*" in at else initializer)
    variance = number("bias_variance", at["bias_variance"], "a number from 0", lambda n: n >= 0)
    return with_biases(scheme, variance**0.5) if variance else scheme


def _outcomes(row: _Row, result: Comparison, examples: Examples) -> Iterator[dict[str, Any]]:
    study, trials = row.study, result.trials
    hidden = study.network.layers[1:-1]
    for (x, y), scheme in zip(row.places, study.schemes, strict=True):
        own = trials[trials["initializer"] == scheme.name]
        costs = own["train_cost"].fillna(np.inf)
        point = of_network(
            study.dataset,
            scheme,
            hidden=hidden,
            activation=study.network.activation,
            draws=0,
            examples=examples,
        ).fixed_point
        yield {
            "x": x,
            "y": y,
            "initializer": scheme.name,
            "train_accuracy": float(own["train_accuracy"].mean()),
            "test_accuracy": float(own["test_accuracy"].mean()),
            "train_cost": float(costs.median()),
            "trained": float((costs < value("stuck") * result.chance).mean()),
            "reach": REACH * _carries(point) / len(hidden) if point else float("nan"),
        }


def _carries(point: FixedPoint) -> float:
    """Return how many layers carry a difference, or a gradient, before it changes by e.

    Where inputs end alike that is 1 / |log χ₁|, which for a signal that keeps its length is ξ_c.
    """
    if point.correlation < 1 or point.chi == 0:
        return point.correlation_depth
    away = abs(np.log(point.chi))
    return float(1 / away) if away > _EDGE else float("inf")
