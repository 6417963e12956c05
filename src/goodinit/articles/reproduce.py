"""Every published figure beside the one measured here, and how far rounding alone moves it."""

from collections.abc import Callable
from math import isclose, nan
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from goodinit.articles import experiments, published, rounding
from goodinit.articles.experiments import Experiment, Figures
from goodinit.articles.published import Figure, Run, Value
from goodinit.articles.rounding import WITHIN_ROUNDING, Spread
from goodinit.errors import bad_argument, whole
from goodinit.training.loop import available_processors

EXACT = "exact"
NEEDS_IMAGES = "needs --images DIR"
RELATIVE_TOLERANCE = 1e-9

# In how many parts the progress of one run, or of its re-runs, is told.
_PARTS = 50


class _Measured(NamedTuple):
    value: Value | None
    spread: Spread | None = None  # where it was re-run


def reproduce(
    images: str | Path | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
) -> pd.DataFrame:
    """Return every published figure beside the one measured here.

    Each run is trained once, silently, through the articles' own functions. A run with a figure
    that isn't exact is trained 64 times more by ``rounding.rerun``, its examples each time in
    another order: the same mathematics in another rounding. All its figures are measured then, so
    that one that is exact by luck shows it. NumPy's global stream is left as it was. The table is
    the same to the last bit with any number of threads: BLAS, whose own threads would change the
    order of its sums, is held to one.

    Parameters
    ----------
    images : str or Path, optional
        The folder with the photographs of article 004; without it its figures are not measured.
    progress : callable, optional
        Called as ``progress(done, total)`` now and then, in parts of the work.
    threads : int, optional
        Where not given, one for each processor that this process may use.

    Returns
    -------
    DataFrame
        One row per figure, in the order of the articles: ``article, experiment, initialization,
        quantity, published, measured, verdict, low, high, digits``. Accuracies are 0 to 1; a matrix
        is a list of rows. For the verdict see ``verdict``; it is "needs --images DIR" where nothing
        was measured. ``low`` and ``high`` are the smallest and largest value of the 65 runs,
        ``digits`` the significant digits that rounding leaves; NaN where the run was not repeated.

    Raises
    ------
    ArgumentError
        If there is no such folder, its photographs can't be read, or threads isn't above 0.

    Examples
    --------
    >>> table = reproduce()
    >>> costs = table[table.quantity == "cost at iteration 14000"].set_index("initialization")
    >>> f"{costs.measured['he']:.12f}", costs.verdict["he"]
    ('0.073578959627', 'exact')
    >>> costs.verdict["random"].partition(":")[0], int(costs.digits["random"]) in (3, 4)
    ('within rounding', True)
    """
    check_images(images)
    workers = available_processors() if threads is None else whole("threads", threads, at_least=1)
    state = np.random.get_state()
    try:
        with threadpool_limits(1, user_api="blas"):
            measured = _measure(images, workers, progress or (lambda done, total: None))
    finally:
        np.random.set_state(state)
    return pd.DataFrame([_row(figure, measured) for figure in published.figures()])


def check_images(images: str | Path | None) -> None:
    """Raise ArgumentError unless ``images`` is a folder, or not given.

    Examples
    --------
    >>> check_images("nowhere")
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: images: got 'nowhere', takes a folder of JPEG photographs
    """
    if images is not None and not Path(images).is_dir():
        raise bad_argument("images", images, "a folder of JPEG photographs")


def must_be_exact(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that should be exact and aren't; it is empty where all is well.

    These are the weight matrices and the zeros and He runs on the circles, which rounding hardly
    moves. The other runs magnify it.

    Parameters
    ----------
    table : DataFrame
        As ``reproduce`` returns it.

    Examples
    --------
    >>> row = {"experiment": "circles", "initialization": "he", "verdict": "differs by 1e-3"}
    >>> len(must_be_exact(pd.DataFrame([row])))
    1
    """
    settled = table.experiment.str.startswith("weights") | (
        (table.experiment == "circles") & table.initialization.isin(["zeros", "he"])
    )
    return table[settled & (table.verdict != EXACT)]


def verdict(value: Value, measured: Value, printed: str, spread: Spread | None = None) -> str:
    """Return how a measured number or matrix stands to the published one.

    "exact": equal to the digits printed, or within 1e-9 relative. "within rounding": in the range
    over the re-runs, or "near" it, where one more run could lie (``Spread.explains`` says how near,
    and how often that errs). "differs by …" otherwise; for a matrix by its largest difference.

    Parameters
    ----------
    value, measured : float or list of list of float
        Of the same shape.
    printed : str
        The format of the published digits.
    spread : Spread, optional
        Of a number that was re-run.

    Examples
    --------
    >>> verdict(0.99, 0.9933, ".2f"), verdict(0.25, 0.5, ".12g")
    ('exact', 'differs by 2.5e-01 (relative 1.0e+00)')
    >>> verdict(0.6249, 0.6231, ".12g", Spread(0.62286, 0.62538))
    'within rounding: 0.6229 to 0.6254, 2 digits left'
    """
    pairs = list(zip(np.ravel(value), np.ravel(measured), strict=True))
    if all(_exact(float(a), float(b), printed) for a, b in pairs):
        return EXACT
    if spread is not None and not isinstance(value, list) and spread.explains(value):
        near = "" if spread.reaches(value) else "near "
        return f"{WITHIN_ROUNDING}: {near}{spread}, {_digits(spread.digits)} left"
    difference = np.max(np.abs(np.subtract(value, measured)))
    largest = np.max(np.abs(value))
    relative = difference / largest if 0 < largest < np.inf else np.inf
    return f"differs by {difference:.1e} (relative {relative:.1e})"


def _exact(value: float, measured: float, printed: str) -> bool:
    close = isclose(value, measured, rel_tol=RELATIVE_TOLERANCE)
    return close or format(value, printed) == format(measured, printed)


def _digits(count: int) -> str:
    return f"{count} digit" if count == 1 else f"{count} digits"


def _row(figure: Figure, measured: dict[tuple[Run, str], _Measured]) -> dict[str, object]:
    value, spread = measured.get((figure.run, figure.quantity), _Measured(None))
    return {
        "article": figure.article,
        "experiment": figure.run.experiment,
        "initialization": figure.run.initialization,
        "quantity": figure.quantity + (f" ({figure.note})" if figure.note else ""),
        "published": figure.value,
        "measured": value,
        "verdict": NEEDS_IMAGES
        if value is None
        else verdict(figure.value, value, figure.printed, spread),
        "low": spread.low if spread else nan,
        "high": spread.high if spread else nan,
        "digits": spread.digits if spread else nan,
    }


def _measure(
    images: str | Path | None, threads: int, progress: Callable[[int, int], None]
) -> dict[tuple[Run, str], _Measured]:
    wanted: dict[Run, list[Figure]] = {}
    for figure in published.figures():
        wanted.setdefault(figure.run, []).append(figure)
    trained = {"circles": experiments.circles()}
    if images is not None:
        trained["cats_vs_dogs"] = experiments.photographs(images)
    tick = _ticker(sum(2 for run in wanted if run.experiment in trained), progress)
    measured = {
        (run, name): _Measured(array.tolist())
        for run in wanted
        if (layers := experiments.WEIGHTS.get(run.experiment))
        for name, array in experiments.circles_weights(layers, run).items()
    }
    for name, experiment in trained.items():
        runs = {run: figures for run, figures in wanted.items() if run.experiment == name}
        measured |= _train(experiment, runs, threads, tick)
    return measured


def _train(
    experiment: Experiment,
    runs: dict[Run, list[Figure]],
    threads: int,
    tick: Callable[[float], None],
) -> dict[tuple[Run, str], _Measured]:
    """Train each run once, and again where a figure isn't exact."""
    faithful = experiments.train(experiment, runs, threads, tick)
    exact = {run: _all_exact(figures, faithful[run]) for run, figures in runs.items()}
    smaller = experiment if all(exact.values()) else experiments.in_span(experiment)
    measured = {}
    for run, figures in runs.items():
        quantities = [figure.quantity for figure in figures]
        if exact[run]:
            spreads: dict[str, Spread] = {}
            tick(1)
        else:
            again = rounding.rerun(smaller, run, quantities, threads=threads, tick=tick)
            spreads = rounding.spreads([{name: faithful[run][name] for name in quantities}, *again])
        for name in quantities:
            measured[run, name] = _Measured(faithful[run][name], spreads.get(name))
    return measured


def _all_exact(figures: list[Figure], measured: Figures) -> bool:
    return all(
        verdict(figure.value, measured[figure.quantity], figure.printed) == EXACT
        for figure in figures
    )


def _ticker(work: int, progress: Callable[[int, int], None]) -> Callable[[float], None]:
    """Return what is told of each piece of work done, and tells of each whole part."""
    done = 0.0

    def tick(piece: float) -> None:
        nonlocal done
        before, done = done, done + piece
        part = int(done * _PARTS + 1e-6)  # the pieces' sum is rounded
        if part > int(before * _PARTS + 1e-6):
            progress(part, work * _PARTS)

    return tick
