"""What all trials of a study share in training: the examples, as the kernel wants them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from goodinit import activations
from goodinit import network as oracle
from goodinit.network import Parameters
from goodinit.study.grid import Study, Training
from goodinit.study.trials import Trial
from goodinit.training import compression, kernel
from goodinit.training.compression import Span
from goodinit.training.elementwise import Activation
from goodinit.training.outputs import Output
from goodinit.training.update import Optimizer, Rule

Floats = NDArray[np.floating[Any]]

_ELU_ALPHA = 1.0


@dataclass(frozen=True)
class Problem:
    """A study, prepared for training.

    Attributes
    ----------
    study : Study
    X_train, X_test : array, shape (n_samples, features)
        The latter is ``Dataset.held_out``. In the coordinates of the training examples' span
        where ``span`` is there.
    X, Y : array, shapes (features, n_train) and (outputs, n_train)
        Training examples and targets, examples last and contiguous, in the training's dtype.
    network : kernel.Network
    optimizer : Optimizer
    span : Span, optional
        Where the inputs are compressed.
    """

    study: Study
    X_train: Floats
    X_test: Floats
    X: Floats
    Y: Floats
    network: kernel.Network
    optimizer: Optimizer
    span: Span | None

    @property
    def layers(self) -> tuple[int, ...]:
        """Units per layer of what is trained, from the (compressed) features on."""
        return tuple(int(units) for units in self.network.layers)


def prepare(study: Study) -> Problem:
    """Return what the trials of a study share.

    Examples
    --------
    >>> from goodinit.datasets import circles
    >>> from goodinit.study.grid import Training, plan
    >>> study = plan(circles(), initializers="he", hidden=(10,), activation="relu",
    ...              learning_rate=0.01, seeds=1, training=Training())
    >>> prepare(study).X.shape
    (2, 300)
    """
    data, training, network = study.dataset, study.training, study.network
    span = compression.span(data) if compression.applies(data, training) else None
    X_train, X_test = (span.X_train, span.X_test) if span else (data.X_train, data.held_out)
    return Problem(
        study,
        X_train.astype(training.dtype, copy=False),
        X_test.astype(training.dtype, copy=False),
        # Copies, since the kernel would be compiled anew for a user's array that is read-only.
        X=np.array(X_train.T, training.dtype, order="C"),
        Y=np.array(oracle.targets(network, data.y_train).T, training.dtype, order="C"),
        network=network_of(study),
        optimizer=optimizer_of(training),
        span=span,
    )


def network_of(study: Study) -> kernel.Network:
    """Return what is trained, from the (compressed) features on."""
    data = study.dataset
    compressed = compression.applies(data, study.training)
    features = len(data.X_train) if compressed else data.n_features
    return in_numbers(replace(study.network, layers=(features, *study.network.layers[1:])))


def in_numbers(network: oracle.Network) -> kernel.Network:
    """Return a network as compiled code takes it."""
    activation = activations.read(network.activation)
    code = Activation[activation.name.partition("(")[0].upper()]
    return kernel.Network(
        np.array(network.layers),
        int(code),
        _ELU_ALPHA if code is Activation.ELU else activation.parameter,
        int(Output[network.output.upper()]),
    )


def optimizer_of(training: Training) -> Optimizer:
    """Return how the parameters follow their gradient."""
    return Optimizer(
        int(Rule[training.optimizer.upper()]),
        momentum=float(training.momentum),
        weight_decay=float(training.weight_decay),
    )


def initial(study: Study, trial: Trial) -> Parameters:
    """Return the parameters that a trial starts from, in full."""
    return oracle.initialize(
        study.network,
        study.scheme(trial.initializer),
        trial.seed,
        study.biases,
        study.dataset.y_train,
    )
