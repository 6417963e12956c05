"""What a call of a layer looks like: ``goodinit.measuring.signals``, measured as it passes.

Large layers are sampled where a signal costs more than one look at each number: at most ``SAMPLE``
numbers of a tensor, spread evenly over examples and places, and at most ``UNITS`` units and
``INPUTS`` incoming weights of each. The sample is the same each time; no random number is drawn.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, nan, prod
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from goodinit.measuring.signals import (
    FLAT_EXAMPLES,
    FLAT_SLOPE,
    LAYER_SIGNALS,
    _alike,
    _effective_rank,
)

SAMPLE = 2**16
UNITS = 128
INPUTS = 1024
_LEAST_ROWS = 64
_GOLDEN = 0.6180339887498949
LINE = torch.linspace(-20, 20, 8001, dtype=torch.float64)  # where a function is tabulated
_GRID = (-10, 10, 2001)  # where an activation's largest slope is looked for, as in signals.py
_NEAR = 50  # of its steps: half a unit from zero

Elementwise = Callable[[Tensor], Tensor]
Matrix = NDArray[np.float64]


class Waves(NamedTuple):
    """What sines of the inputs are given; see ``sines``.

    Attributes
    ----------
    spread, apart : float
        In radians: how far the arguments spread, and from an input to its nearest.
    change : float
        How far the sines change from an input to its nearest, as a part of their variance.
    pairs : Tensor, shape (2, some)
        Which inputs, and which are nearest to them.
    """

    spread: float
    apart: float
    change: float
    pairs: Tensor


@dataclass(eq=False)
class Call:
    """One call of a layer, or one sum of two ways (``kind`` "sum"), which has a scale alone.

    Attributes
    ----------
    layer, type : str
        The layer's name, as ``named_modules`` has it, and its class.
    kind : str
        "linear", "norm", "embedding", "recurrent" or "sum".
    index, number : int
        Its place among all calls, and among those of its layer, from 1.
    weights : tuple of Tensor
        As they are used: a parametrized weight, not what it is made of.
    incoming : callable
        Brings the weights, or their gradients, to a row per unit.
    gain : float
        Root mean square of the pre-activation over that of the input. A normalisation's input
        counts as 1, as does an embedding's.
    passes : float
        The gain of the weights alone, without the bias.
    signals : dict of str to float
        Those of ``LAYER_SIGNALS`` that are known so far.
    backward_norm : float
        Euclidean norm of the cost's gradient with respect to the pre-activation.
    without_weights : bool
        Whether all weights are zero.
    distinct_after : float
        How many distinct units are left after a step of gradient descent.
    fed : float
        Root mean square of a normalisation's input, 1 for others.
    states : int
        Units times examples and places.
    through : int
        The calls that every way to it passes, a bit for each index.
    after : int
        The calls on any way to it, since a scale was last set.
    before : int
        The inputs and calls that feed it with none between, each by its place in ``Ways``.
    whole : bool
        Whether it is a module that did its work out of sight.
    over_time : list of float
        Of a recurrent layer, the norm of the gradient with respect to each step of its input.
    stepped : Tensor or None
        That input, and along which axis its steps are.
    step_axis : int
    flat : float
        Share of the states of an activation with two flat ends that lie on them.
    softmax : float
        Share of the rows of the softmax that it feeds which are one-hot, or nearly.
    softmax_width : int
        How many numbers each of its logits is a sum of, where their square root, by which nothing
        divided them, would part such rows; else 0.
    drowns : float
        How many times it is larger than what it is added to.
    alike, tokens_alike : float
        The mean cosine of what it says of two examples, and of two tokens of one.
    curve : Tensor or None
        The activation that follows, tabulated on ``LINE``.
    jacobian : float
        Its averaged partial Jacobian norm: the sum of the squares of the outputs' slopes with
        respect to what it says, a number of the outputs.
    beside : float
        Root mean square of what it was added to, of a layer that is called again.
    waves : Waves or None
        Of a sine of the inputs.
    any_size : bool
        Whether its weights are standardised before they are used, so that their size is nothing.
    no_number : bool
        Whether any of what it says is NaN.
    """

    layer: str
    type: str
    kind: str
    index: int
    number: int = 1
    weights: tuple[Tensor, ...] = ()
    bias: Tensor | None = None
    incoming: Callable[[Sequence[Tensor]], Tensor] | None = None
    axis: int = -1
    input_rms: float = 1.0
    fed: float = 1.0
    states: int = 0
    through: int = 0
    after: int = 0
    before: int = 0
    gain: float = nan
    passes: float = nan
    activation: str = "linear"
    output: bool = False
    signals: dict[str, float] = field(default_factory=dict)
    without_weights: bool = False
    distinct_after: float = nan
    backward_norm: float = nan
    whole: bool = False
    over_time: list[float] = field(default_factory=list)
    stepped: Tensor | None = None
    step_axis: int = 0
    flat: float = 0.0
    softmax: float = 0.0
    softmax_width: int = 0
    drowns: float = 0.0
    alike: float = nan
    tokens_alike: float = nan
    curve: Tensor | None = None
    jacobian: float = nan
    beside: float = nan
    waves: Waves | None = None
    any_size: bool = False
    no_number: bool = False
    sample: Tensor | None = None
    pull: float = nan
    pulled: Matrix | None = None

    @property
    def units(self) -> int:
        """How many units it has."""
        return int(self.signals.get("units", 0))

    def take(self, z: Tensor) -> None:
        """Measure the pre-activation, and count it as the activation until there is another."""
        scale, middle = rms(z), mean(z)
        self.no_number = not isfinite(scale) and bool(z.isnan().any())
        self.gain = _ratio(scale, self.input_rms) if self.kind != "sum" else nan
        self.signals |= {"preactivation_rms": scale, "preactivation_mean": middle}
        self.signals |= {"activation_rms": scale, "activation_mean": middle}
        if self.kind != "sum":
            self.signals |= {"units": float(z.shape[self.axis]), "dead_fraction": 0.0}
            self.signals["saturated_fraction"] = 0.0
            self.sample, self.states = rows(z, self.axis), z.numel()
            self.passes = self.gain
            if self.bias is not None and self.bias.numel() == self.units:
                self.passes = _ratio(rms(self.sample - self.bias.detach()), self.input_rms)

    def say(self, activation: str, said: Tensor) -> None:
        """Measure the activation that follows."""
        self.activation, self.sample = activation, rows(said, self.axis)
        self.signals |= {"activation_rms": rms(said), "activation_mean": mean(said)}

    def activate(self, name: str, function: Elementwise, before: Tensor, said: Tensor) -> None:
        """Measure an elementwise activation, of which slopes can be told: where it was flat.

        Parameters
        ----------
        name : str
        function : callable
            The activation, to be called once more.
        before : Tensor, shape (examples and places, units)
            A sample of what it was given.
        said : Tensor
            All that it made of it.
        """
        self.say(name, said)
        if said.is_complex():
            return
        slopes, sample = slope(function, before), rows(said, self.axis)
        silent = ((sample == 0) & (slopes == 0)).all(0)
        self.signals["dead_fraction"] = _still_silent(said, self.axis, silent)
        all_slopes = _slopes_on_a_line(function, slopes)
        self.curve = _tabulated(function, before)
        self.signals["saturated_fraction"] = _saturated(all_slopes, slopes)
        if _squashes(all_slopes):
            self.flat = float(_flat(all_slopes, slopes).double().mean())

    def feel(self, gradient: Tensor | None) -> None:
        """Measure the gradient with respect to the pre-activation, where one comes."""
        if gradient is None:
            return
        self.backward_norm = rms(gradient) * gradient.numel() ** 0.5

    def feel_steps(self, gradient: Tensor | None) -> None:
        """Measure the gradient with respect to each step of a recurrent layer's input."""
        if gradient is not None and self.stepped is not None:
            steps = gradient.detach().movedim(self.step_axis, 0).flatten(1)
            self.over_time = torch.linalg.vector_norm(steps.double(), dim=1).tolist()
        self.stepped = None

    def feel_weights(self, gradients: Sequence[Tensor]) -> None:
        """Measure the gradients of all weights; a sample stays, to tell units apart."""
        self.pull = rms(*gradients)
        if self.incoming is None:
            return
        into = self.incoming(gradients)
        if len(into) == self.units:
            self.pulled = self._sampled(into)

    def _sampled(self, into: Tensor) -> Matrix:
        """Return some of the numbers that go into some of the units."""
        some = places(self.units, UNITS, into.device)
        inputs = places(into.shape[1], INPUTS, into.device)
        return _numbers(parted(into[some[:, None], inputs], 1))

    def settle(self, largest: float, rate: float) -> None:
        """Measure the weights, and which units coincide; then let go of all.

        Parameters
        ----------
        largest : float
            The largest root mean square of a layer's gradient: far below it, there is none.
        rate : float
            The learning rate.
        """
        size, pull = rms(*self.weights), self.pull
        self.signals |= {"weight_rms": size, "gradient_rms": pull}
        self.signals["gradient_to_weight"] = pull / size if size else inf if pull > 0 else nan
        self.signals["update_to_weight"] = rate * self.signals["gradient_to_weight"]
        self._count(moves=pull > 1e-6 * largest)
        self.weights, self.bias, self.sample, self.incoming = (), None, None, None
        self.pulled = None
        if self.output:
            self.signals |= {"dead_fraction": nan, "saturated_fraction": nan}
        self.signals = {name: self.signals.get(name, nan) for name in LAYER_SIGNALS}

    def _count(self, *, moves: bool) -> None:
        if self.sample is None:
            return
        some = places(self.units, UNITS, self.sample.device)
        said = _numbers(self.sample[:, some])
        if not said.size or not np.isfinite(said).all():
            return
        self.signals["effective_rank"] = float(_effective_rank(said))
        if self.incoming is None:
            return
        weights = self.incoming(self.weights)
        if len(weights) != self.units or not weights.numel():
            return
        into = self._sampled(weights)
        count = into.shape[1]
        if self.bias is not None:
            into = np.concatenate([into, _numbers(parted(self.bias[some][:, None], 1))], axis=1)
        # What rounding leaves where a sum comes to nothing tells no unit from another.
        rounding = 1e-6 * self.input_rms * np.abs(into).max() * count**0.5
        same = _alike(into) & (_alike(said.T) | (np.abs(said).max() < rounding))
        self.signals["distinct_units"] = _distinct(same) * self.units / len(same)
        self.without_weights = not into[:, :count].any()
        if moves and self.pulled is not None:
            same &= _alike(self.pulled)
        self.distinct_after = _distinct(same) * self.units / len(same)


def fits(call: Call, tensor: Tensor) -> bool:
    """Return whether a tensor has a layer's units where its output has them."""
    return -call.axis <= tensor.dim() and tensor.shape[call.axis] == call.units


def rms(*tensors: Tensor) -> float:
    """Return the root mean square of all numbers of some tensors, 0 for none."""
    count = sum(tensor.numel() for tensor in tensors)
    square = sum(_norm(tensor) ** 2 for tensor in tensors)
    return float((square / count) ** 0.5) if count else 0.0


def _norm(tensor: Tensor) -> float:
    """Return the Euclidean norm."""
    numbers = _real(tensor.detach())
    found = _sum_of_norms(numbers, torch.promote_types(numbers.dtype, torch.float32))
    if found == 0 or not isfinite(found):  # where single precision has no square
        found = _sum_of_norms(numbers.double(), torch.float64)
    return found if found < 1e150 else inf


def _sum_of_norms(tensor: Tensor, dtype: torch.dtype) -> float:
    """Return the norm of the norms of an array's rows: a long sum in single precision drifts."""
    others = tuple(range(1, tensor.dim())) or None
    parts = torch.linalg.vector_norm(tensor, dim=others, dtype=dtype)
    return float(torch.linalg.vector_norm(parts.double()))


def mean(tensor: Tensor) -> float:
    """Return the mean of a tensor's numbers, of complex ones that of both parts."""
    numbers = _real(tensor.detach())
    wide = torch.promote_types(numbers.dtype, torch.float32)
    return float(numbers.mean(dtype=wide))


def _real(tensor: Tensor) -> Tensor:
    """Return a tensor's numbers as real ones, without places that hold none."""
    dense = tensor if tensor.layout is torch.strided else tensor.to_dense()
    return torch.view_as_real(dense.resolve_conj()) if dense.is_complex() else dense


def parted(tensor: Tensor, axis: int) -> Tensor:
    """Return real numbers: of complex ones the real parts, and after them the others."""
    return torch.cat([tensor.real, tensor.imag], axis) if tensor.is_complex() else tensor


def places(count: int, most: int, device: torch.device) -> Tensor:
    """Return at most so many of the numbers from 0 to `count`, ascending, in no simple step."""
    if count <= most:
        return torch.arange(count, device=device)
    steps = torch.arange(most, device=device, dtype=torch.float64) * _GOLDEN
    return torch.unique(((steps % 1) * count).long())  # type: ignore[no-any-return]


def rows(tensor: Tensor, axis: int) -> Tensor:
    """Return a sample of a tensor, shape (examples and places, units).

    Complex numbers count as two examples, of their real and their imaginary parts.
    """
    last = tensor.detach().movedim(axis, -1)
    *others, units = last.shape
    if last.numel() <= SAMPLE:
        taken = last.reshape(-1, units).clone()
    else:
        some = places(prod(others), max(_LEAST_ROWS, SAMPLE // units), tensor.device)
        taken = last[torch.unravel_index(some, tuple(others))]
    return parted(taken, 0).to(torch.promote_types(taken.real.dtype, torch.float32))


def slope(function: Elementwise, z: Tensor) -> Tensor:
    """Return an elementwise function's slopes."""
    with torch.enable_grad():
        at = z.detach().clone().requires_grad_()
        (slopes,) = torch.autograd.grad(function(at.clone()).sum(), at)
    return slopes


def _slopes_on_a_line(function: Elementwise, like: Tensor) -> Tensor:
    return slope(function, torch.linspace(*_GRID, dtype=like.dtype, device=like.device))


def _tabulated(function: Elementwise, like: Tensor) -> Tensor:
    """Return a function's values on ``LINE``."""
    with torch.no_grad():
        dtype = torch.promote_types(like.dtype, torch.float32)
        return function(LINE.to(like.device, dtype, copy=True)).double().cpu()


def _flat(all_slopes: Tensor, slopes: Tensor) -> Tensor:
    return slopes.abs() < FLAT_SLOPE * all_slopes.max()


def _squashes(all_slopes: Tensor) -> bool:
    """Return whether a function is flat at both ends, and steep on either side of zero."""
    flat = _flat(all_slopes, all_slopes)
    middle = len(flat) // 2
    near = flat[[middle - _NEAR, middle + _NEAR]]
    return bool(flat[0] and flat[-1] and not near.any())


def _saturated(all_slopes: Tensor, slopes: Tensor) -> float:
    """Return the share of units that are flat on nearly all examples, of a function with flat ends.

    One slope below and another above zero, as ReLU has it, are no flat ends.
    """
    kinds = torch.unique(all_slopes)
    if len(kinds) == 1 or (len(kinds) == 2 and all_slopes[0] != all_slopes[-1]):
        return 0.0
    flat = _flat(all_slopes, slopes)
    return float((flat.double().mean(0) > FLAT_EXAMPLES).double().mean())


def _still_silent(said: Tensor, axis: int, silent: Tensor) -> float:
    """Return the share of units, silent on the sample, that are silent everywhere."""
    if not silent.any():
        return 0.0
    units = said.detach().movedim(axis, -1)[..., silent.nonzero()[:, 0]]
    loud = (units != 0).reshape(-1, units.shape[-1]).any(0)
    return float((~loud).sum()) / len(silent)


def _distinct(same: NDArray[np.bool_]) -> float:
    return float((~np.tril(same, k=-1).any(axis=-1)).sum())


def _numbers(tensor: Tensor) -> Matrix:
    return tensor.detach().double().cpu().numpy()


def _ratio(scale: float, of: float) -> float:
    if of == 0 or not isfinite(of):
        return nan
    return scale / of if isfinite(scale) else inf
