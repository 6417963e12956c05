"""A prediction of one network on one data set, worked out as it is asked for."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
from threadpoolctl import ThreadpoolController

from goodinit.activations import Activation
from goodinit.datasets import Dataset
from goodinit.initializers import Scheme
from goodinit.network import Network
from goodinit.theory import drawn
from goodinit.theory.bands import Walk, quantiles, walk
from goodinit.theory.examples import Examples
from goodinit.theory.fixedpoints import FixedPoint, fixed_point
from goodinit.theory.gaussian import Array, Moments, moments
from goodinit.theory.gradients import Gradients, Sums, gradients, owns, pair_sums
from goodinit.theory.meanfield import Layer, alike_after, forward, jacobian, mean_correlation
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

_TAKEN = 0.4  # of a gradient's sum over few examples, that more of them don't have
# Layers over width up to which the first order in 1/width keeps 90 % of networks in the band:
# docs/theory.md has the rates.
_SHORT_FORWARD, _SHORT_BACKWARD = 0.1, 0.012


@lru_cache(maxsize=1)
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()  # looking for them takes longer than most predictions


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
        return self._through(self._examples)

    def _through(self, examples: Examples) -> list[Layer]:
        variances = [of.variance if of else float("nan") for of in self._laws]
        biases = [self._bias_std**2] * len(variances)
        with np.errstate(all="ignore"):  # a signal that explodes is no number at the end
            return forward(examples.X, self.network.layers, variances, biases, self._moments)

    @cached_property
    def _walk(self) -> Walk:
        with np.errstate(all="ignore"):
            return walk(self._forward, self._orthogonal, self._moments)

    @cached_property
    def _answer(self) -> FirstAnswer | None:
        return self._answers(self._forward, self._examples)

    def _answers(self, layers: list[Layer], examples: Examples) -> FirstAnswer | None:
        with np.errstate(all="ignore"):
            kernel = layers[-1].kernel
        if not np.isfinite(kernel).all():
            return None
        spread = (float(self._walk.mean[-1]), float(self._walk.deviation[-1]))
        return first_answer(self.network, kernel, examples.y, spread)

    @cached_property
    def _sums(self) -> Sums | None:
        with np.errstate(all="ignore"):
            return None if self._answer is None else pair_sums(self._forward, self._answer)

    @cached_property
    def _owns(self) -> tuple[Array, Array | None]:
        """How often examples' products with themselves count, of all and of few, if these do."""
        few = self._examples.few
        ones = np.full(len(self._forward), self._examples.own)
        if few is None or self._sums is None:
            return ones, None
        with np.errstate(all="ignore"):
            layers = self._through(few)
            answer = self._answers(layers, few)
            if answer is None:
                return ones, None
            fewer = pair_sums(layers, answer)
            first, second = owns(self._sums, fewer, self._examples.own, few.of)
            return first, second if fewer.taken(second) < _TAKEN else None

    @cached_property
    def _gradients(self) -> Gradients:
        missing = np.full(len(self._forward), np.nan)
        if self._answer is None or self._sums is None:
            return Gradients(missing, missing, missing)
        with np.errstate(all="ignore"):
            return gradients(
                self._forward,
                orthogonal=self._orthogonal,
                answer=self._answer,
                walk=self._walk,
                moments=self._moments,
                sums=self._sums,
                own=self._owns[0],
                count=self._examples.own,
                band=self.bands["gradient_rms"] == "formula",
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
        examples, (own, fewer) = self._examples, self._owns
        costly = drawn.costly(self.network.layers, len(examples.X))
        if examples.few is not None and fewer is not None and costly:
            examples, own = examples.few, fewer
        with np.errstate(all="ignore"):
            reach = np.abs(np.log([layer.q.mean() for layer in self._forward]))
            return drawn.draw(
                self.network,
                activation=self._activation,
                scheme=self.scheme,
                bias_std=self._bias_std,
                examples=examples,
                own=own,
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
        return jacobian(self._forward, self._orthogonal, self._activation, self._moments)

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
        after = alike_after(self._forward[-2], self._activation, ALIKE, most - len(seen))
        return None if after is None else len(seen) + after

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
