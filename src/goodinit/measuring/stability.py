"""How near a trial's steps come to overshooting: what bends along them over what may."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodinit import network as oracle
from goodinit.measuring.sharpness import batch_sharpness, sharpness
from goodinit.network import Network
from goodinit.study.trials import Trial
from goodinit.training import Problem
from goodinit.training.problem import Floats
from goodinit.training.update import Optimizer, Rule

Measured = NDArray[np.float64]

SHARPNESS_MOMENTS = 10
# Lanczos steps, and what ends them: within 3 % of what 40 give on circles, digits and the
# photographs, where it is asked whether sharpness goes over twice a limit.
_STEPS, _TOLERANCE = 16, 0.003
# Adam's steps before its preconditioner has seen enough: until then a unit that has just come alive
# bends along steps that its gradients so far don't bound.
WARM = 20
PLAIN_LIMIT = 2.0  # of a step without momentum


class Bend(NamedTuple):
    """What was measured of some trials at one moment, shape (trials,).

    Attributes
    ----------
    sharpness : array
        The largest eigenvalue of the cost's Hessian.
    stability : array
        The learning rate times how sharply the cost bends where the optimizer steps, in limits of
        stability; NaN where that isn't known.
    """

    sharpness: Measured
    stability: Measured


def observe_bend(
    problem: Problem, trials: Sequence[Trial], flat: Floats, state: Floats, moment: int
) -> Bend:
    """Return how sharply the cost bends for some trials in training.

    Where inputs are compressed it is measured in the span: the Hessian is 0 outside of it.

    Against ``Training.stability_limit`` counts the sharpness, of Adam that of its preconditioned
    Hessian (Cohen et al. 2022); by how much mini-batches bend more sharply along their own steps
    (Andreyev and Beneventano 2024) counts against ``Training.noise_limit``, and both add up. Before
    Adam's first step, when it has seen nothing, the bend along that step counts.

    Parameters
    ----------
    problem : Problem
    trials : sequence of Trial
    flat : array, shape (trials, P)
        As in ``Record.flat``.
    state : array, shape (trials, memory, P)
        What the optimizer remembers.
    moment : int
        The iterations made.
    """
    training, adam = problem.study.training, problem.optimizer.rule == Rule.ADAM
    net = Network(problem.layers, problem.study.network.activation, problem.study.network.output)
    targets = oracle.targets(net, problem.study.dataset.y_train)
    X = problem.X_train.astype(np.float64)
    rates = np.array([trial.learning_rate for trial in trials])
    batch_size = min(training.batch_size or len(X), len(X))
    with np.errstate(all="ignore"):  # a diverged network has none: NaN
        parameters = oracle.unpack(net.layers, flat.astype(np.float64))
        whole = sharpness(net, parameters, X, targets, _STEPS, tolerance=_TOLERANCE)
        if adam and moment < WARM:
            if moment > 0:
                return Bend(whole, np.full_like(whole, np.nan))
            first = batch_sharpness(
                net, parameters, X, targets, batch_size, step=_first_step(problem.optimizer)
            )
            return Bend(whole, rates * first / PLAIN_LIMIT)
        inverse = None
        if adam:
            inverse = 1 / _preconditioner(problem.optimizer, state.astype(np.float64), moment)
            root = np.sqrt(inverse)
            steepest = sharpness(
                net, parameters, X, targets, _STEPS, scales=root, tolerance=_TOLERANCE
            )
        else:
            steepest = whole
        stable = steepest / training.stability_limit
        if batch_size < len(X):
            step = (lambda g: g) if inverse is None else (lambda g: inverse * g)
            of = batch_sharpness(net, parameters, X, targets, batch_size, step=step)
            stable = stable + np.fmax(of - steepest, 0.0) / training.noise_limit
        return Bend(whole, rates * stable)


def _first_step(adam: Optimizer) -> Callable[[Floats], Floats]:
    """Return Adam's first step of a gradient: by its signs, since both biases are corrected."""
    return lambda gradient: gradient / (np.abs(gradient) + adam.epsilon)


def _preconditioner(adam: Optimizer, state: Measured, steps: int) -> Measured:
    """Return the diagonal of Adam's preconditioner after so many steps, (trials, P)."""
    root = np.sqrt(state[:, 1] / (1 - adam.squares**steps))
    return np.asarray((1 - adam.momentum**steps) * (root + adam.epsilon))


def bend_moments(moments: Sequence[int]) -> tuple[int, ...]:
    """Return about ten of the recorded moments, denser at the start, where sharpness moves most.

    Examples
    --------
    >>> bend_moments(range(0, 1001, 10))
    (0, 10, 20, 40, 70, 120, 210, 350, 590, 1000)
    """
    places = np.geomspace(1, len(moments), SHARPNESS_MOMENTS).round().astype(int) - 1
    return tuple(int(moments[place]) for place in np.unique(places))
