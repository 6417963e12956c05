"""How a batch of trials is trained, and what is measured on the way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from goodinit import network as oracle
from goodinit.network import Network, Parameters
from goodinit.study import Study, Trial

MEASURES = ("train_cost", "test_cost", "train_accuracy", "test_accuracy")

Progress = Callable[[int], None]  # called with the number of iterations just made, over all trials


@dataclass(frozen=True)
class Record:
    """What was measured while a batch of trials was trained.

    Attributes
    ----------
    trials : tuple of Trial
    curves : dict of str to array, shape (moments, trials)
        Each of ``MEASURES`` at the training's moments. NaN for the test part where there is none.
        For a number to predict, accuracy is the coefficient of determination R².
    diverged : array of bool, shape (trials,)
        Whether the training cost or a parameter ceased to be a finite number.
    parameters : Parameters
        Of the trained networks, with the trials as leading axis.
    """

    trials: tuple[Trial, ...]
    curves: dict[str, NDArray[np.float64]]
    diverged: NDArray[np.bool_]
    parameters: Parameters


def initialize(study: Study, trials: Sequence[Trial]) -> Parameters:
    """Return the trials' initial parameters, with the trials as leading axis.

    Examples
    --------
    >>> from goodinit.datasets import circles
    >>> from goodinit.study import Training, plan
    >>> study = plan(circles(), initializers="he", hidden=(10,), activation="relu",
    ...              learning_rate=0.01, seeds=4, training=Training())
    >>> [weights.shape for weights, _ in initialize(study, study.trials)]
    [(4, 10, 2), (4, 1, 10)]
    """
    drawn = [
        oracle.initialize(study.network, study.scheme(trial.initializer), trial.seed)
        for trial in trials
    ]
    return [
        (np.stack([w for w, _ in layer]), np.stack([b for _, b in layer]))
        for layer in zip(*drawn, strict=True)
    ]


def train(study: Study, trials: Sequence[Trial], progress: Progress = lambda _: None) -> Record:
    """Train a batch of trials of one study together.

    Parameters
    ----------
    study : Study
    trials : sequence of Trial
    progress : callable
        Called after each segment between two recorded moments.

    Examples
    --------
    >>> from goodinit.datasets import circles
    >>> from goodinit.study import Training, plan
    >>> study = plan(circles(), initializers="zeros", hidden=(10, 5), activation="relu",
    ...              learning_rate=0.01, seeds=1, training=Training(iterations=20, record=2))
    >>> train(study, study.trials).curves["train_cost"].round(4).tolist()
    [[0.6931], [0.6931], [0.6931]]
    """
    network, data = study.network, study.dataset
    X, T = data.X_train, oracle.targets(network, data.y_train)
    rates = np.array([trial.learning_rate for trial in trials])
    parameters = initialize(study, trials)
    moments = study.training.moments
    with np.errstate(all="ignore"):  # a trial that overflows is marked, not announced
        rows = [_measure(study, parameters)]
        for before, after in pairwise(moments):
            for _ in range(after - before):
                gradients = oracle.backward(network, parameters, X, T)
                parameters = oracle.update(parameters, gradients, rates)
            rows.append(_measure(study, parameters))
            progress((after - before) * len(trials))
    curves = dict(zip(MEASURES, np.stack(rows, axis=1), strict=True))
    finite = np.isfinite(curves["train_cost"]).all(axis=0) & _finite(parameters)
    return Record(tuple(trials), curves, ~finite, parameters)


def _measure(study: Study, parameters: Parameters) -> NDArray[np.float64]:
    """Return a row for each of ``MEASURES``, shape (4, trials)."""
    data = study.dataset
    train_cost, train_accuracy = _evaluate(study.network, parameters, data.X_train, data.y_train)
    if not len(data.X_test):
        missing = np.full_like(train_cost, np.nan)
        return np.array([train_cost, missing, train_accuracy, missing])
    test_cost, test_accuracy = _evaluate(study.network, parameters, data.X_test, data.y_test)
    return np.array([train_cost, test_cost, train_accuracy, test_accuracy])


def _evaluate(
    network: Network, parameters: Parameters, X: oracle.Array, y: oracle.Array
) -> tuple[oracle.Array, oracle.Array]:
    logits = oracle.forward(network, parameters, X)[0][-1]
    return (
        oracle.cost(network, logits, oracle.targets(network, y)),
        oracle.score(network, logits, y),
    )


def _finite(parameters: Parameters) -> NDArray[np.bool_]:
    """Return whether all parameters of each network are finite, shape (trials,)."""
    layers = [np.isfinite(w).all(axis=(1, 2)) & np.isfinite(b).all(axis=1) for w, b in parameters]
    finite: NDArray[np.bool_] = np.logical_and.reduce(layers)
    return finite
