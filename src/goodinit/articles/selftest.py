"""Whether this machine comes to digits that the articles print, in about two seconds."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from goodinit import datasets
from goodinit.articles import experiments, published, three_layer
from goodinit.articles.experiments import Experiment
from goodinit.articles.layers import Array, Parameters
from goodinit.articles.published import Figure, Run, Value
from goodinit.articles.reproduce import EXACT, verdict
from goodinit.network import pack, unpack
from goodinit.study.grid import Study, Training, plan
from goodinit.training import kernel
from goodinit.training.problem import prepare

# Rounding hardly moves these runs, so that every machine should come to their digits.
_ZEROS, _HE = Run("circles", "zeros"), Run("circles", "he")
NUMPY, KERNEL = "NumPy", "compiled kernel"


class Digits(NamedTuple):
    """A published figure, and what it is here.

    Attributes
    ----------
    by : str
        What trained: "NumPy", with the articles' own functions, or "compiled kernel".
    figure : Figure
    measured : float or list of list of float
    verdict : str
        As ``goodinit.articles.reproduce.verdict`` says it; "exact" is as it should be.
    """

    by: str
    figure: Figure
    measured: Value
    verdict: str

    @property
    def agrees(self) -> bool:
        """Whether the printed digits are those measured here."""
        return self.verdict == EXACT


def self_test() -> list[Digits]:
    """Return figures of the articles beside those that NumPy and the compiled kernel come to here.

    These are the weights that the articles print, and the costs and accuracies of zeros and He on
    the circles. NumPy's global stream is left as it was.

    Examples
    --------
    >>> found = self_test()
    >>> len(found), all(digits.agrees for digits in found)
    (37, True)
    """
    state = np.random.get_state()
    try:
        with threadpool_limits(1, user_api="blas"):
            return [*_by_numpy(), *_by_kernel()]
    finally:
        np.random.set_state(state)


def _by_numpy() -> list[Digits]:
    circles = experiments.circles()
    he: dict[str, Value] = {**experiments.train(circles, [_HE], threads=1)[_HE]}
    drawn = [
        _digits(NUMPY, figure, experiments.circles_weights(layers, figure.run)[figure.quantity])
        for figure in published.figures()
        if (layers := experiments.WEIGHTS.get(figure.run.experiment))
    ]
    return [*drawn, *_beside(NUMPY, _HE, he)]


def _by_kernel() -> list[Digits]:
    circles, study = experiments.circles(), _study()
    return [
        digits
        for run in (_ZEROS, _HE)
        for digits in _beside(KERNEL, run, _trained(circles, study, run))
    ]


def _study() -> Study:
    """Return the articles' network as the kernel takes it."""
    return plan(
        datasets.circles(),
        initializers="zeros",
        hidden=tuple(three_layer.HIDDEN_DIMS),
        activation=three_layer.HIDDEN,
        learning_rate=three_layer.LEARNING_RATE,
        seeds=1,
        training=Training(iterations=three_layer.NUM_ITERATIONS),
    )


def _trained(circles: Experiment, study: Study, run: Run) -> dict[str, Value]:
    """Return a run's figures, trained by the kernel from where the articles start."""
    problem = prepare(study)
    layers, drawn = study.network.layers, circles.draw(run)
    depth = range(1, len(layers))
    flat = pack([(drawn[f"W{i}"], drawn[f"b{i}"].ravel()) for i in depth])[np.newaxis]
    state = np.zeros((1, 0, flat.shape[1]))
    reached, measured = 0, dict[str, Value]()
    for updates in sorted({circles.updates_before(of.quantity) for of in _figures(run)}):
        kernel.advance(
            flat,
            state,
            problem.X,
            problem.Y,
            network=problem.network,
            optimizer=problem.optimizer,
            learning_rates=np.array([circles.learning_rate]),
            seeds=np.zeros(1, np.uint64),
            batch_size=problem.X.shape[1],
            start=reached,
            iterations=updates - reached,
        )
        reached = updates
        measured |= circles.figures(_parameters(layers, flat[0]), updates)
    return measured


def _parameters(layers: tuple[int, ...], flat: Array) -> Parameters:
    """Return packed parameters as the articles hold them."""
    return {
        name: np.array(value)
        for i, (weights, biases) in enumerate(unpack(layers, flat), 1)
        for name, value in ((f"W{i}", weights), (f"b{i}", biases[:, np.newaxis]))
    }


def _figures(run: Run) -> list[Figure]:
    return [figure for figure in published.figures() if figure.run == run]


def _beside(by: str, run: Run, measured: Mapping[str, Value]) -> list[Digits]:
    return [_digits(by, figure, measured[figure.quantity]) for figure in _figures(run)]


def _digits(by: str, figure: Figure, measured: Any) -> Digits:
    value: Value = np.asarray(measured).tolist()
    return Digits(by, figure, value, verdict(figure.value, value, figure.printed))
