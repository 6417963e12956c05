"""What theory predicts of one network on one data set, before anything is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from goodinit import activations, datasets
from goodinit.activations import Activation
from goodinit.datasets import Dataset
from goodinit.errors import bad_argument, number, whole
from goodinit.initializers import Draw, Scheme, read
from goodinit.initializers.biases import ZEROS, read_biases
from goodinit.network import Network
from goodinit.study.trials import several
from goodinit.theory import drawn
from goodinit.theory.bands import Walk, quantiles, walk
from goodinit.theory.examples import Examples, representatives
from goodinit.theory.fixedpoints import FixedPoint, fixed_point
from goodinit.theory.gaussian import Array, Moments, mean, moments, pairs
from goodinit.theory.gradients import Gradients, gradients
from goodinit.theory.meanfield import Layer, forward, mean_correlation
from goodinit.theory.outputs import FirstAnswer, first_answer
from goodinit.theory.sentences import say
from goodinit.theory.weights import Law, law

COLUMNS = (
    "preactivation_rms",
    "low",
    "high",
    "correlation",
    "gradient_rms",
    "gradient_low",
    "gradient_high",
)
ALIKE = 0.99  # the correlation from which on two inputs count as alike

_LARGEST = 1e100  # of a standard deviation, whose square is to be a number
_STD = f"a number from 0 to {_LARGEST:.0e}"
_OTHER_BIASES = "theory knows zero and Gaussian biases alone: of these it is silent"
_OUTPUTS = {"binary": "sigmoid", "multiclass": "softmax", "regression": "linear"}
# Layers over width up to which the first order in 1/width keeps 90 % of networks in the band:
# docs/theory.md has the rates.
_SHORT_FORWARD, _SHORT_BACKWARD = 0.2, 0.012


@dataclass(frozen=True, repr=False)
class Prediction:
    """What theory predicts; made by ``predict``.

    Attributes
    ----------
    network : Network
    scheme : Scheme
    silent : str
        Why theory says nothing of this initializer; empty where it does.
    """

    network: Network
    scheme: Scheme
    silent: str
    _activation: Activation
    _laws: tuple[Law | None, ...]
    _bias_std: float
    _data: Dataset
    _examples: Examples
    _draws: int

    @property
    def _moments(self) -> Moments:
        return moments(self._activation)

    @property
    def _orthogonal(self) -> list[bool]:
        return [of is not None and of.orthogonal for of in self._laws]

    @cached_property
    def _forward(self) -> list[Layer]:
        variances = [of.variance if of else float("nan") for of in self._laws]
        biases = [self._bias_std**2] * len(variances)
        with np.errstate(all="ignore"):  # a signal that explodes is no number at the end
            return forward(self._examples.X, self.network.layers, variances, biases, self._moments)

    @cached_property
    def _walk(self) -> Walk:
        with np.errstate(all="ignore"):
            return walk(self._forward, self._orthogonal, self._moments)

    @cached_property
    def _answer(self) -> FirstAnswer | None:
        with np.errstate(all="ignore"):
            kernel = self._forward[-1].kernel
        if not np.isfinite(kernel).all():
            return None
        spread = (float(self._walk.mean[-1]), float(self._walk.deviation[-1]))
        return first_answer(self.network, kernel, self._examples.y, spread)

    @cached_property
    def _gradients(self) -> Gradients:
        missing = np.full(len(self._forward), np.nan)
        if self._answer is None:
            return Gradients(missing, missing, missing)
        with np.errstate(all="ignore"):
            return gradients(
                self._forward,
                orthogonal=self._orthogonal,
                answer=self._answer,
                walk=self._walk,
                moments=self._moments,
                own=self._examples.own,
            )

    @cached_property
    def _strays(self) -> Array:
        """How far each layer lies from the input, in layers over width."""
        hidden = np.array(self.network.layers[1:-1], dtype=float)
        return np.concatenate([[0.0], np.cumsum(1 / hidden)])

    @property
    def bands(self) -> dict[str, str]:
        """Where the bands come from: "formula" or "draws" for each of the two lines."""
        if self.silent:
            return {"preactivation_rms": "none", "gradient_rms": "none"}
        strays = float(self._strays[-1])
        limits = {"preactivation_rms": _SHORT_FORWARD, "gradient_rms": _SHORT_BACKWARD}
        return {
            line: "draws" if strays > limit and self._draws else "formula"
            for line, limit in limits.items()
        }

    @property
    def preactivation_rms(self) -> Array:
        """Of each layer at infinite width, shape (layers,)."""
        return np.sqrt([layer.q.mean() for layer in self._forward])

    @property
    def gradient_rms(self) -> Array:
        """Of each layer's weights at infinite width, shape (layers,)."""
        return np.asarray(np.exp(0.5 * self._gradients.log_square))

    @cached_property
    def layers(self) -> pd.DataFrame:
        """A row per layer: ``preactivation_rms, low, high, correlation, gradient_rms, ...``.

        ``layer`` counts from 1, the output last. ``low`` to ``high`` and ``gradient_low`` to
        ``gradient_high`` hold 90 % of the networks of this width; the RMS itself is that of
        infinite width, of which narrow and deep networks fall short. ``correlation`` is the mean
        over pairs of examples. NaN where theory is silent.
        """
        places = pd.Index(range(1, len(self.network.layers)), name="layer")
        if self.silent:
            return pd.DataFrame(np.nan, index=places, columns=list(COLUMNS)).reset_index()
        with _libraries().limit(limits=1, user_api="blas"):  # several would wait for each other
            return self._table(places)

    def _table(self, places: "pd.Index[int]") -> pd.DataFrame:
        with np.errstate(divide="ignore"):
            logs = 2 * np.log(self.preactivation_rms)
        low, high = self._forward_band(logs)
        slopes = self._gradients
        grad_low, grad_high = slopes.low, slopes.high
        if self.bands["gradient_rms"] == "draws":
            grad_low, grad_high = drawn.band(self._drawn.gradients)
        correlations = [mean_correlation(layer.c) for layer in self._forward]
        rows = (logs, low, high, correlations, slopes.log_square, grad_low, grad_high)
        with np.errstate(over="ignore"):
            table = {
                name: of if name == "correlation" else np.exp(0.5 * np.asarray(of))
                for name, of in zip(COLUMNS, rows, strict=True)
            }
        return pd.DataFrame(table, index=places).reset_index()

    def _forward_band(self, logs: Array) -> tuple[Array, Array]:
        steps = self._walk
        ends = quantiles(steps.mean, steps.deviation, steps.last)
        low, high = (logs + end for end in ends)
        if self.bands["preactivation_rms"] == "draws":
            far = self._strays > _SHORT_FORWARD
            seen = drawn.band(self._drawn.preactivations)
            low, high = (np.where(far, a, b) for a, b in zip(seen, (low, high), strict=True))
        return low, high

    @cached_property
    def _drawn(self) -> drawn.Drawn:
        with np.errstate(all="ignore"):
            reach = np.abs(np.log([layer.q.mean() for layer in self._forward]))
            return drawn.draw(
                self.network,
                activation=self._activation,
                scheme=self.scheme,
                bias_std=self._bias_std,
                examples=drawn.enough(self._data, self.network.layers, self._examples),
                most=self._draws,
                reach=float(np.max(reach[reach < np.inf], initial=0.0)),
            )

    @cached_property
    def fixed_point(self) -> FixedPoint | None:
        """Where layers like the last hidden one lead; None where there is none, or no theory."""
        if self.silent or len(self._laws) < 2:
            return None
        last = self._laws[-2]
        width = self.network.layers[-2]
        of = law(self.scheme, (width, width)) if len(self._laws) == 2 else last
        if of is None:
            return None
        fan_in = width if len(self._laws) == 2 else self.network.layers[-3]
        return fixed_point(self._activation, fan_in * of.variance, self._bias_std**2)

    @property
    def chi(self) -> float:
        """χ₁ at the fixed point: the gradient's mean square by layer; NaN without hidden layers."""
        return self.fixed_point.chi if self.fixed_point else float("nan")

    @property
    def correlation_depth(self) -> float:
        """ξ_c, in layers."""
        return self.fixed_point.correlation_depth if self.fixed_point else float("nan")

    @property
    def signal_depth(self) -> float:
        """ξ_q, in layers."""
        return self.fixed_point.signal_depth if self.fixed_point else float("nan")

    @property
    def initial_cost(self) -> float:
        """The expected first cost on the training examples; infinite where the signal explodes."""
        if self.silent:
            return float("nan")
        return float("inf") if self._answer is None else float(self._answer.costs.mean())

    @property
    def jacobian(self) -> tuple[float, float]:
        """Mean and variance of the squared singular values of dz_last / dz_first.

        Both hidden; Pennington, Schoenholz and Ganguli 2017, equation 17 with s₁ = -1 for
        independent and 0 for orthogonal weights. NaN with fewer than two hidden layers.
        """
        if self.silent or len(self._forward) < 3:
            return float("nan"), float("nan")
        middle, varies = 1.0, 0.0
        slope = self._activation.slope
        hidden = zip(self._forward[1:-1], self._forward[:-2], self._orthogonal[1:-1], strict=True)
        for layer, below, whole_rows in hidden:
            first = float(self._moments.slope(below.q).mean())
            with np.errstate(all="ignore"):  # what explodes is infinite
                second = float(mean(lambda z: slope(z) ** 4, below.q).mean())
            middle *= layer.gain * first * layer.fan_out / layer.fan_in
            varies += second / first / first - (1.0 if whole_rows else 0.0) if first > 0 else 0.0
        return middle, middle * middle * varies

    @property
    def born_dead(self) -> float:
        """The probability that a ReLU network is born dead on an example: 1 - Π (1 - 2^-width).

        Exact for one example, and an upper bound for all of them (Lu et al. 2019, theorem 3; Rister
        and Rubin 2020). 0 for an activation that passes something below 0, NaN where theory is
        silent.
        """
        if self.silent:
            return float("nan")
        if any(of is not None and of.variance == 0 for of in self._laws[:-1]):
            return float(self._activation.name == "relu" and self._bias_std == 0)
        if self._activation.name != "relu":
            return 0.0
        alive = np.prod([1 - 0.5**units for units in self.network.layers[1:-1]])
        return float(1 - alive)

    def alike_after(self, most: int = 1000) -> int | None:
        """Return after how many such layers, up to ``most``, two inputs look alike, or None."""
        point = self.fixed_point
        if point is None:
            return None
        seen = [mean_correlation(layer.c) for layer in self._forward[:-1]]
        for place, c in enumerate(seen, start=1):
            if c >= ALIKE:
                return place
        if point.correlation < ALIKE:
            return None
        gain = self._forward[-2].gain
        bias, q, c = self._bias_std**2, float(self._forward[-2].q.mean()), seen[-1]
        if not np.isfinite([q, c]).all():
            return None
        for place in range(len(seen) + 1, most + 1):
            two = np.array([[1.0, c], [c, 1.0]])
            inputs = gain * pairs(self._activation.function, np.array([q, q]), two) + bias
            q, c = float(inputs[0, 0]), float(inputs[0, 1] / inputs[0, 0]) if inputs[0, 0] else 0.0
            if c >= ALIKE:
                return place
        return None

    def sentences(self) -> tuple[str, ...]:
        """Return what theory has to say of depth, in words; empty where nothing is amiss."""
        if self.silent:
            return (self.silent,)
        with _libraries().limit(limits=1, user_api="blas"):
            return self._sentences()

    def _sentences(self) -> tuple[str, ...]:
        return say(
            depth=len(self.network.layers) - 2,
            alike_after=self.alike_after(len(self.network.layers) - 2),
            signal=self.preactivation_rms[:-1],
            gradient=self.gradient_rms[:-1],
            born_dead=self.born_dead,
        )

    def __repr__(self) -> str:
        return "\n".join([f"{self.network}, {self.scheme}", *self.sentences(), f"{self.layers}"])


def predict(
    data: Any,
    initializer: str | Scheme | Draw,
    *,
    hidden: Sequence[int] = (10, 5),
    activation: Any = "relu",
    bias: str = "zeros",
    bias_std: float = 0.0,
    draws: int = 200,
    **reading: Any,
) -> Prediction:
    """Return what theory predicts of this network on these data, before any training.

    Lengths, correlations and gradients by depth are those of infinite width, from the data's own
    scales and correlations; the bands hold 90 % of the networks of this width.

    Parameters
    ----------
    data : str, Path, tuple of arrays, or Dataset
        What ``goodinit.datasets.load`` takes. More than 100 training examples are represented
        by 100.
    initializer : spec string, scheme or callable
    hidden : sequence of int
        Units of each hidden layer.
    activation : str or callable
        Of the hidden layers; a callable maps arrays elementwise.
    bias : str
        How biases start, as in ``goodinit.compare``; theory knows zero and Gaussian biases, and is
        silent of others.
    bias_std : float
        Standard deviation of Gaussian biases; where it is 0, that of the initializer counts.
    draws : int
        How many networks may be drawn for a band where no formula holds (narrow and deep networks:
        ``Prediction.bands`` says where); 0 for formulas only, which take milliseconds.
    **reading
        How the data are read, such as a table's ``target``, as ``goodinit.datasets.load`` takes it.

    Returns
    -------
    Prediction

    Raises
    ------
    ArgumentError
        For the first argument that cannot be used.

    References
    ----------
    Poole et al. 2016; Schoenholz et al. 2017; Pennington et al. 2017; Hanin and Rolnick 2018.

    Examples
    --------
    >>> found = predict("digits", "lecun_normal", hidden=(64,) * 5, activation="tanh")
    >>> found.layers[["layer", "preactivation_rms", "low", "high"]].head(3).round(2)
       layer  preactivation_rms   low  high
    0      1               0.48  0.43  0.53
    1      2               0.41  0.35  0.46
    2      3               0.36  0.31  0.41
    """
    biases = read_biases(bias)
    if bias_std and biases != ZEROS:
        raise bad_argument("bias_std", bias_std, f"nothing beside bias={bias!r}, which says it")
    own = read(initializer).bias_std  # which an initializer keeps, whatever the others' are
    known = isinstance(data, str) and data in datasets.NAMES and not reading
    dataset, examples = _known(data) if known else (datasets.load(data, **reading), None)
    return of_network(
        dataset,
        initializer,
        hidden=hidden,
        activation=activation,
        bias_std=bias_std or own or biases.std,
        draws=draws,
        examples=examples,
    )


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()  # looking for them takes longer than most predictions


@lru_cache(maxsize=4)
def _known(name: str) -> tuple[Dataset, Examples]:
    """Return a data set that is the same whenever it is asked for, and those that stand for it."""
    dataset = datasets.load(name)
    return dataset, representatives(dataset)


def of_network(
    data: Dataset,
    initializer: str | Scheme | Draw,
    *,
    hidden: Sequence[int],
    activation: Any,
    bias_std: float | None = 0.0,
    draws: int = 200,
    examples: Examples | None = None,
) -> Prediction:
    """Return the prediction for a data set that is loaded; see ``predict``.

    ``examples`` are its ``representatives``, where they are known; a ``bias_std`` of None stands
    for biases that theory doesn't know.
    """
    units = [whole("hidden", size, at_least=1) for size in several("hidden", hidden)]
    known = activations.read(activation)
    scheme = read(initializer)
    given = number("bias_std", bias_std or 0.0, _STD, lambda n: 0 <= n <= _LARGEST)
    std = given or scheme.bias_std
    count = whole("draws", draws, at_least=0)
    if 0 < count < drawn.LEAST:
        raise bad_argument("draws", draws, f"0, or at least {drawn.LEAST} for a band of 90 %")
    outputs = len(data.classes or ()) if data.task == "multiclass" else 1
    sizes = (data.n_features, *units, outputs)
    named = known.name if isinstance(activation, str) else "linear"
    laws = tuple(law(scheme, (fan_out, fan_in)) for fan_in, fan_out in pairwise(sizes))
    odd = [place for place, of in enumerate(laws, start=1) if of is None]
    silent = (
        f"{scheme} draws no independent weights of mean 0 in layer {odd[0]}: theory is silent"
        if odd
        else _OTHER_BIASES * (bias_std is None)
    )
    return Prediction(
        network=Network(sizes, named, _OUTPUTS[data.task]),
        scheme=scheme,
        silent=silent,
        _activation=known,
        _laws=laws,
        _bias_std=std,
        _data=data,
        _examples=examples or representatives(data),
        _draws=count,
    )
