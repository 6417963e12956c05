"""What the layers of a network look like at one moment, for a whole batch of networks at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from goodinit import activations
from goodinit import network as oracle
from goodinit.network import Network, Parameters
from goodinit.study.trials import Trial
from goodinit.training import Problem, whole
from goodinit.training.problem import Floats

Measured = NDArray[np.float64]

LAYER_SIGNALS = (
    "units",
    "distinct_units",
    "dead_fraction",
    "saturated_fraction",
    "preactivation_rms",
    "preactivation_mean",
    "activation_rms",
    "activation_mean",
    "effective_rank",
    "weight_rms",
    "gradient_rms",
    "gradient_to_weight",
    "update_to_weight",
)

# A unit is saturated where its slope is below this part of the activation's largest slope ...
FLAT_SLOPE = 0.05
# ... on more than this part of the examples.
FLAT_EXAMPLES = 0.95
# Units whose weights and activations differ by less than this part of their size are one unit: far
# above rounding, far below any difference that random initial weights make.
SAME_UNIT = 1e-6
# Activations with flat ends; the others have one slope below zero and one above.
_SATURATING = ("tanh", "sigmoid", "elu", "selu", "gelu", "silu", "softplus")


@dataclass(frozen=True)
class Signals:
    """The signals of K networks with L layers, the output among them, at one moment.

    Attributes
    ----------
    layers : dict of str to array, shape (K, L)
        Each of ``LAYER_SIGNALS``. Of a layer's units on the training examples:

        - ``distinct_units``: how many are left when those whose incoming weights and activations
          coincide count once. Zero initialization has 1.
        - ``dead_fraction``: that no example activates: activation and slope are 0 on all of them.
        - ``saturated_fraction``: whose slope is below 5 % of its largest on over 95 % of the
          examples. 0 for activations without flat ends. Neither is defined for the output (NaN).
        - ``preactivation_rms, preactivation_mean, activation_rms, activation_mean``.
        - ``effective_rank`` of the activations, the exponential of the entropy of their singular
          values (Roy and Vetterli 2007).
        - ``weight_rms, gradient_rms`` of the weights and the cost's gradient with respect to
          them, their ratio ``gradient_to_weight``, and ``update_to_weight``, that ratio times the
          learning rate: what a step of gradient descent moves.
    """

    layers: dict[str, Measured]


def measure(
    network: Network,
    parameters: Parameters,
    X: Floats,
    targets: Floats,
    learning_rates: Measured,
    *,
    features: int | None = None,
) -> Signals:
    """Return the signals of a batch of networks.

    Parameters
    ----------
    network : Network
    parameters : Parameters
        Of K networks, weights (K, fan_out, fan_in).
    X : array, shape (n_samples, n_features)
    targets : array, shape (n_samples, outputs)
    learning_rates : array, shape (K,)
    features : int, optional
        Of the data, over which the first layer's means are taken, where ``X`` has other axes.

    Examples
    --------
    >>> from goodinit.initializers import zeros
    >>> net = Network((2, 10, 1))
    >>> one = [(w[np.newaxis], b[np.newaxis]) for w, b in oracle.initialize(net, zeros(), 0)]
    >>> X, targets = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0], [1.0]])
    >>> measure(net, one, X, targets, np.array([0.01])).layers["distinct_units"]
    array([[1., 1.]])
    """
    hidden = activations.read(network.activation)
    with np.errstate(all="ignore"):  # signals of a diverged network are what they are: NaN
        preactivations, inputs = oracle.forward(network, parameters, X)
        gradients = oracle.backward(network, parameters, X, targets)
        rows = []
        for layer, z in enumerate(preactivations):
            last = layer == len(preactivations) - 1
            said = oracle.OUTPUTS[network.output].activation(z) if last else inputs[layer + 1]
            weights, biases = parameters[layer]
            weight_rms, gradient_rms = _rms(weights), _rms(gradients[layer][0])
            if layer == 0 and features is not None:
                spread = np.sqrt(X.shape[1] / features)
                weight_rms, gradient_rms = weight_rms * spread, gradient_rms * spread
            ratio = gradient_rms / weight_rms
            dead, saturated = _dead(hidden, z, said), _saturated(hidden, z)
            missing = np.full(len(weights), np.nan)
            rows.append(
                (
                    np.full(len(weights), float(weights.shape[-2])),
                    _distinct(weights, biases, said),
                    missing if last else dead,
                    missing if last else saturated,
                    _rms(z),
                    z.mean(axis=(-2, -1)),
                    _rms(said),
                    said.mean(axis=(-2, -1)),
                    _effective_rank(said),
                    weight_rms,
                    gradient_rms,
                    ratio,
                    learning_rates * ratio,
                )
            )
    stacked = np.stack([np.stack(row) for row in rows], axis=-1)
    return Signals(dict(zip(LAYER_SIGNALS, stacked, strict=True)))


def observe(
    problem: Problem, trials: Sequence[Trial], flat: Floats, outside: Floats, moment: int
) -> Signals:
    """Return the signals of some trials in training, on the training examples."""
    study = problem.study
    parameters, X = whole(problem, trials, flat, outside, moment)
    return measure(
        study.network,
        parameters,
        X,
        oracle.targets(study.network, study.dataset.y_train),
        np.array([trial.learning_rate for trial in trials]),
        features=None if problem.span is None else study.dataset.n_features,
    )


def _rms(values: Floats) -> Measured:
    return np.asarray(np.sqrt(np.mean(values**2, axis=(-2, -1))))


def _dead(hidden: activations.Activation, z: Floats, said: Floats) -> Measured:
    silent = (said == 0) & (hidden.slope(z) == 0)
    return np.asarray(silent.all(axis=-2).mean(axis=-1))


def _saturated(hidden: activations.Activation, z: Floats) -> Measured:
    if hidden.name not in _SATURATING:
        return np.zeros(z.shape[:-2])
    largest = hidden.slope(np.linspace(-10, 10, 2001)).max()
    flat = np.abs(hidden.slope(z)) < FLAT_SLOPE * largest
    return np.asarray((flat.mean(axis=-2) > FLAT_EXAMPLES).mean(axis=-1))


def _distinct(weights: Floats, biases: Floats, said: Floats) -> Measured:
    """Count units, those once that agree in incoming weights and bias and in activations."""
    incoming = np.concatenate([weights, biases[..., np.newaxis]], axis=-1)
    same = _alike(incoming) & _alike(np.swapaxes(said, -1, -2))
    repeated = np.tril(same, k=-1).any(axis=-1)
    return np.asarray((~repeated).sum(axis=-1), dtype=np.float64)


def _alike(rows: Floats) -> NDArray[np.bool_]:
    """Return which pairs of rows differ by less than ``SAME_UNIT`` of the larger of the two.

    Or by what rounding may leave of rows that are 0 beside the others.
    """
    largest = np.abs(rows).max(axis=(-2, -1), keepdims=True)
    scaled = rows / np.where(largest > 0, largest, 1.0)  # so that no square overflows
    products = scaled @ np.swapaxes(scaled, -1, -2)
    squares = np.diagonal(products, axis1=-2, axis2=-1)
    sums = squares[..., np.newaxis] + squares[..., np.newaxis, :]
    larger = np.maximum(squares[..., np.newaxis], squares[..., np.newaxis, :])
    rounding = rows.shape[-1] * (64 * np.finfo(np.float64).eps) ** 2
    return np.asarray(sums - 2 * products <= SAME_UNIT**2 * larger + rounding)


def _effective_rank(said: Floats) -> Measured:
    """Exponential of the entropy of the singular values, by way of the smaller Gram matrix."""
    tall = said.shape[-2] >= said.shape[-1]
    gram = np.swapaxes(said, -1, -2) @ said if tall else said @ np.swapaxes(said, -1, -2)
    finite = np.isfinite(gram).all(axis=(-2, -1))
    rank = np.full(finite.shape, np.nan)
    eigenvalues = np.linalg.eigvalsh(gram[finite])
    values = np.sqrt(np.maximum(eigenvalues, 0))
    total = values.sum(axis=-1, keepdims=True)
    shares = values / np.where(total > 0, total, 1.0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    rank[finite] = np.where(total[..., 0] > 0, np.exp(-np.sum(shares * logs, axis=-1)), 0.0)
    return rank
