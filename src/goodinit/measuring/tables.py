"""What was measured of a batch of trials, as tidy tables: a row per observation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from goodinit.study.trials import AnyStudy, Trial

KEYS = ("initializer", "learning_rate", "seed")
TABLES = ("curves", "signals", "sharpness", "trials")

Networks = dict[str, NDArray[Any]]
Array = NDArray[np.float64]


class Part(Protocol):
    """What was measured of some trials, in memory or on disk."""

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return one of ``TABLES``, the trials in one order in each, a trial's rows together."""
        ...

    @property
    def seconds(self) -> float | None:
        """How long training and measuring took; None where that isn't known."""
        ...

    @property
    def has_networks(self) -> bool:
        """Whether the trained networks are kept."""
        ...

    def networks(self) -> Networks:
        """Return ``weight_1`` (trials, fan_out, fan_in), ``bias_1`` ...; empty if not kept."""
        ...


@dataclass(frozen=True)
class Measured:
    """A part in memory; see ``Part``."""

    tables: Mapping[str, pa.Table]
    arrays: Networks = field(default_factory=dict)
    seconds: float | None = None

    def table(self, name: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Return one of the tables, or some of its columns."""
        return self.tables[name] if columns is None else self.tables[name].select(list(columns))

    @property
    def has_networks(self) -> bool:
        """Whether the trained networks are kept."""
        return bool(self.arrays)

    def networks(self) -> Networks:
        """Return the trained parameters, layer by layer."""
        return self.arrays


def merge(parts: Sequence[Measured]) -> Measured:
    """Return several batches as one."""
    if len(parts) == 1:
        return parts[0]
    return Measured(
        {name: pa.concat_tables([part.tables[name] for part in parts]) for name in TABLES},
        {name: np.concatenate([part.arrays[name] for part in parts]) for name in parts[0].arrays},
        seconds_of(parts),
    )


def seconds_of(parts: Sequence[Part]) -> float | None:
    """Return how long training and measuring took, one part after the other."""
    each = [part.seconds for part in parts]
    known = [seconds for seconds in each if seconds is not None]
    return sum(known) if len(known) == len(each) else None


def choose(part: Part, chosen: NDArray[np.bool_]) -> Measured:
    """Return the trials of a part that are chosen, as a part in memory."""
    whole = {name: part.table(name) for name in TABLES}
    rows = {name: np.repeat(chosen, len(table) // len(chosen)) for name, table in whole.items()}
    return Measured(
        {name: table.filter(rows[name]) for name, table in whole.items()},
        {name: array[chosen] for name, array in part.networks().items()},
        None if part.seconds is None else part.seconds * float(chosen.mean()),
    )


def trials_of(part: Part) -> list[Trial]:
    """Return a part's trials in its order."""
    columns = part.table("trials", KEYS).to_pydict()
    return [Trial(*key) for key in zip(*(columns[key] for key in KEYS), strict=True)]


class Placed(NamedTuple):
    """A part, and the place of each of its trials in a study; -1 for a trial of another one."""

    part: Part
    places: NDArray[np.int64]


def place(study: AnyStudy, parts: Sequence[Part]) -> list[Placed]:
    """Return where in a study the trials of each part belong, without parts that have none."""
    index = {trial: i for i, trial in enumerate(study.trials)}
    placed = [
        Placed(part, np.array([index.get(trial, -1) for trial in trials_of(part)], np.int64))
        for part in parts
    ]
    return [one for one in placed if (one.places >= 0).any()]


def in_order(placed: Sequence[Placed], name: str) -> pd.DataFrame:
    """Return a table with the rows of a study's trials in their order, whatever its parts are."""
    chosen, places = [], []
    for part, of in placed:
        table = part.table(name)
        rows = np.repeat(of, len(table) // len(of))
        chosen.append(table.filter(rows >= 0))
        places.append(rows[rows >= 0])
    order = np.argsort(np.concatenate(places), kind="stable")
    table = pa.concat_tables(chosen)
    sorted_already = (order == np.arange(len(order))).all()
    frame: pd.DataFrame = (table if sorted_already else table.take(order)).to_pandas()
    return frame


def arranged(
    rows: pd.DataFrame, columns: Sequence[str], **axes: Sequence[Any] | NDArray[Any]
) -> dict[str, Array]:
    """Return some columns as arrays, with an axis for each of some other columns.

    Parameters
    ----------
    rows : DataFrame
        At most one row for each place in an array; others don't count.
    columns : sequence of str
    **axes : sequence
        By its name, the values of each other column that there are places for.

    Returns
    -------
    dict of str to array
        NaN where there is no row.

    Examples
    --------
    >>> rows = pd.DataFrame({"layer": [1, 2, 1], "seed": [0, 0, 5], "gain": [0.5, 1.5, 2.5]})
    >>> arranged(rows, ["gain"], layer=[1, 2], seed=[0, 5])["gain"]
    array([[0.5, 2.5],
           [1.5, nan]])
    """
    places = [pd.Index(labels).get_indexer(pd.Index(rows[name])) for name, labels in axes.items()]
    known = np.min(places, axis=0) >= 0
    at = tuple(place[known] for place in places)
    arrays = {name: np.full([len(of) for of in axes.values()], np.nan) for name in columns}
    for name, array in arrays.items():
        array[at] = rows[name].to_numpy(np.float64)[known]
    return arrays


class CostCurves(NamedTuple):
    """The costs of an initializer at a learning rate, shape (seeds, iterations).

    The training costs, where nothing else is said.
    """

    initializer: str
    learning_rate: float
    seeds: NDArray[np.int64]
    iterations: NDArray[np.int64]
    costs: NDArray[np.float64]


def cost_curves(
    study: AnyStudy, placed: Sequence[Placed], measure: str = "train_cost"
) -> Iterator[CostCurves]:
    """Yield the costs of a study, of which its other curves needn't be in memory."""
    moments = np.array(study.training.moments)
    costs = np.full((len(study.trials), len(moments)), np.nan)
    for part, places in placed:
        values = part.table("curves", [measure])[measure].to_numpy()
        ours = places >= 0
        costs[places[ours]] = values.reshape(len(places), len(moments))[ours]
    groups = len(study.schemes) * len(study.learning_rates)
    for first, (name, rate, _) in enumerate(map(astuple, study.trials[:groups])):
        yield CostCurves(name, rate, np.array(study.seeds), moments, costs[first::groups])


def by_initializer(curves: pd.DataFrame | Iterable[CostCurves]) -> Iterator[CostCurves]:
    """Yield the training costs of a table like ``Comparison.curves``, a trial's rows together."""
    if not isinstance(curves, pd.DataFrame):
        yield from curves
        return
    for (name, rate), rows in curves.groupby(["initializer", "learning_rate"], sort=False):
        moments = rows["iteration"].unique()
        costs = rows["train_cost"].to_numpy().reshape(-1, len(moments))
        yield CostCurves(str(name), float(str(rate)), rows["seed"].unique(), moments, costs)


class TrainedNetworks(Mapping[Trial, Any]):
    """The trained networks that were kept, read when they are asked for."""

    def __init__(self, study: AnyStudy, placed: Sequence[Placed]) -> None:
        self._homes = {
            study.trials[i]: (part, row)
            for part, places in placed
            if part.has_networks
            for row, i in enumerate(places)
            if i >= 0
        }

    def __contains__(self, trial: object) -> bool:
        return trial in self._homes  # without reading it

    def __getitem__(self, trial: Trial) -> Any:
        part, row = self._homes[trial]
        arrays = part.networks()
        if "weight_1" not in arrays:  # of a module, by their names there
            return {name: array[row] for name, array in arrays.items()}
        layers = range(1, len(arrays) // 2 + 1)
        return [(arrays[f"weight_{layer}"][row], arrays[f"bias_{layer}"][row]) for layer in layers]

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


def trials_table(
    trials: Sequence[Trial], curves: Mapping[str, Array], diverged: NDArray[np.bool_]
) -> pa.Table:
    """Return a row per trial, from each measure's curve, shape (iterations, trials)."""
    last = {measure: curve[-1] for measure, curve in curves.items()}
    return _rows(trials, 1, initial_cost=curves["train_cost"][0], **last, diverged=diverged)


def curves_table(
    trials: Sequence[Trial], iterations: Sequence[int], curves: Mapping[str, Array]
) -> pa.Table:
    """Return a row per trial and iteration, from each measure's curve, (iterations, trials)."""
    return _rows(
        trials,
        len(iterations),
        iteration=np.tile(iterations, len(trials)),
        **{measure: curve.T.ravel() for measure, curve in curves.items()},
    )


def signals_table(trials: Sequence[Trial], signals: Mapping[str, NDArray[Any]]) -> pa.Table:
    """Return a row per trial, moment and layer, from each signal, shape (trials, 2, layers)."""
    layers = next(iter(signals.values())).shape[2]
    return _rows(
        trials,
        2 * layers,
        moment=np.tile(np.repeat(["start", "end"], layers), len(trials)),
        layer=np.tile(np.arange(1, layers + 1), 2 * len(trials)),
        **{name: of.ravel() for name, of in signals.items()},
    )


def sharpness_table(
    trials: Sequence[Trial], iterations: Sequence[int], sharpness: Array, stability: Array
) -> pa.Table:
    """Return a row per trial and iteration, from arrays of shape (trials, iterations).

    What they are, says ``goodinit.measuring.stability.Bend``.
    """
    return _rows(
        trials,
        len(iterations),
        iteration=np.tile(iterations, len(trials)),
        sharpness=sharpness.ravel(),
        stability=stability.ravel(),
    )


def _rows(trials: Sequence[Trial], each: int, **columns: NDArray[Any]) -> pa.Table:
    """Return a table with the keys of each trial in front of as many rows of the columns."""
    frame = {key: np.repeat([getattr(trial, key) for trial in trials], each) for key in KEYS}
    return pa.table(frame | columns)
