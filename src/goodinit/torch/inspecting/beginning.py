"""What is wrong before any weight is: data that aren't scaled, targets and loss that don't fit.

And how the first cost stands beside that of the best constant answer: what lies between is made of
the outputs' means, which a bias sets, and of how far they spread, which inputs or weights do.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor
from torch.nn import functional

from goodinit.evidence.causes import CAUSES, shown, value
from goodinit.torch.inspecting.answers import Answers, answers
from goodinit.torch.inspecting.fitting import (
    LOSS,
    as_logits,
    not_logarithms,
    out_of_reach,
    over_examples,
)
from goodinit.torch.inspecting.guessing import class_axis
from goodinit.torch.inspecting.labels import OUT_OF_RANGE, TARGETS
from goodinit.torch.inspecting.measuring import Call, rms
from goodinit.torch.inspecting.passage import WHOLE, Finding

Loss = Callable[[Tensor, Tensor], Tensor]
INPUTS, OUTPUTS = "(inputs)", "(outputs)"
LARGE, BIAS, POLE = CAUSES["large"].label, "output bias", "outputs explode"

UNSCALED = 10.0  # root mean square of inputs: standardised ones have 1
_APART = 1000.0  # times: the scales of two features
_SAME = 1e-4  # relative
_LEFT = 0.1  # of the first cost, that the surest probabilities leave
_FEW_OF = 0.01  # of the outputs, that make
_MOST_OF = 0.9  # of their sum of squares, where something is divided by what may be 0
_GAIN = 1.5  # from which on a layer is named among those that together make outputs large


@dataclass(frozen=True)
class End:
    """How a module's first output comes to be.

    Attributes
    ----------
    layers : frozenset of str
        Those of whose outputs it is made by elementwise arithmetic alone.
    squashed : bool
        Whether a sigmoid or softmax made it.
    last : str or None
        What the last function is, see ``fitting.last_function``.
    """

    layers: frozenset[str] = frozenset()
    squashed: bool = False
    last: str | None = None


def begin(
    said: Tensor,
    targets: Tensor,
    loss: Loss,
    calls: Sequence[Call],
    end: End | None = None,
) -> list[Finding]:
    """Return what is wrong with targets and loss, or else with how the outputs begin.

    Parameters
    ----------
    said : Tensor, shape (examples, ...)
        The module's outputs.
    targets : Tensor
    loss : callable
        Of such outputs and the targets.
    calls : sequence of Call
        Those of the module.
    end : End, optional
    """
    end = end or End()
    squashed = end.squashed
    first = (_broadcast, _already_probabilities) if squashed else (_broadcast,)
    fit = (over_examples, not_logarithms)
    looks = (*first, *fit, _outside, _one_class, _far_targets, out_of_reach(end.last))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the module's own cost has warned already
        for look in looks:
            found = look(said, targets, loss)
            if found is not None:
                return [found]
    if said.dim() == 0 or targets.dim() == 0 or len(said) != len(targets):
        return []
    if bool((targets == targets.reshape(-1)[0]).all()):
        return []  # a constant answer is all that they ask for
    logits, of_logits = as_logits(said, targets, loss, squashed=squashed)
    compared = answers(logits, targets, of_logits)
    if compared is None:
        return []
    found = _spread(compared, logits, calls, end) or _bias(compared, calls, end)
    return [] if found is None else [found]


# --- Targets and loss ---


def _cost(loss: Loss, said: Tensor, targets: Tensor) -> float:
    with torch.no_grad():
        return float(loss(said, targets))


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= _SAME * max(abs(one), abs(other))


def _broadcast(said: Tensor, targets: Tensor, loss: Loss) -> Finding | None:
    """Find outputs and targets of two shapes, of which the loss takes all pairs."""
    if said.shape == targets.shape or said.numel() != targets.numel() or said.numel() < 2:
        return None
    like = targets.to(said)  # what differs as they do: outputs may be as good as constant
    try:
        pairs, each = (_cost(loss, like.reshape(one.shape), targets) for one in (said, targets))
    except Exception:  # it doesn't take both, so it takes no pairs
        return None
    if _close(pairs, each):
        return None
    shapes = f"{tuple(said.shape)} and targets {tuple(targets.shape)}"
    reason = f"outputs {shapes} are spread against each other, so that the cost is one of all pairs"
    way = "give both one shape, as by outputs.squeeze(-1)"
    return Finding(LOSS, "shapes broadcast", reason, {"pairs": pairs, "each": each}, remark=way)


def _already_probabilities(said: Tensor, targets: Tensor, loss: Loss) -> Finding | None:
    """Find outputs that are probabilities, given to a loss that takes logits."""
    if not bool(((said >= 0) & (said <= 1)).all()) or said.numel() < value("fewest_states"):
        return None
    try:
        first = _cost(loss, said, targets)
        least = _of_certain(said, targets, loss)
    except Exception:  # a user's loss may refuse in any way what isn't said by the module itself
        return None
    if least is None or not least > _LEFT * first:
        return None
    reason = (
        f"the outputs are probabilities already, and the loss takes logits: no cost below "
        f"{shown(least)} can be had"
    )
    way = "give the loss what comes before the softmax or sigmoid"
    return Finding(LOSS, "probabilities as logits", reason, {"least": least}, remark=way)


def _of_certain(said: Tensor, targets: Tensor, loss: Loss) -> float | None:
    """Return what a loss of logits makes of probabilities that are right; None of another loss.

    One of classes takes no notice of what is added to all of an example's logits; a binary one is
    nearly 0 where they are far on the right side, and grows as they go further on the wrong one.
    """
    axis = class_axis(said, targets)
    if axis is not None:
        if bool(((said.sum(axis) - 1).abs() > 1e-3).any()):
            return None
        added = torch.arange(len(said)).to(said).reshape(-1, *[1] * (said.dim() - 1))
        if not _close(_cost(loss, said + added, targets), _cost(loss, said, targets)):
            return None
        whole = targets.long().clamp(0, said.shape[axis] - 1).unsqueeze(axis)
        return _cost(loss, torch.zeros_like(said).scatter(axis, whole, 1.0), targets)
    if said.numel() != targets.numel():
        return None
    for answer, sign in ((torch.ones_like(targets), 1.0), (torch.zeros_like(targets), -1.0)):
        right, wrong, further = (
            _cost(loss, torch.full_like(said, sign * far), answer) for far in (30.0, -30.0, -60.0)
        )
        if not (right <= _SAME * wrong and abs(further / wrong - 2) < 0.1):
            return None
    return _cost(loss, targets.reshape(said.shape).to(said), targets)


def _usual(said: Tensor, targets: Tensor) -> float | None:
    """Return the cross-entropy of outputs as logits, None where there is none."""
    axis = class_axis(said, targets)
    if axis is not None:
        whole = targets.long()
        if bool(((whole < 0) | (whole >= said.shape[axis])).any()):
            return None
        return float(functional.cross_entropy(said.float().movedim(axis, 1), whole))
    if said.numel() != targets.numel():
        return None
    like = targets.reshape(said.shape).float()
    return float(functional.binary_cross_entropy_with_logits(said.float(), like))


def _outside(said: Tensor, targets: Tensor, loss: Loss) -> Finding | None:
    """Find targets of a binary cross-entropy that are no probabilities."""
    if class_axis(said, targets) is not None or said.numel() != targets.numel():
        return None
    least, most = float(targets.min()), float(targets.max())
    usual = _usual(said, targets)
    within = least >= 0 and most <= 1
    if within or usual is None or not _close(_cost(loss, said, targets), usual):
        return None
    reason = f"targets from {shown(least)} to {shown(most)} in a loss that takes 0 to 1"
    numbers = {"least": least, "most": most}
    way = "number the two classes 0 and 1, or give the module an output for each class"
    return Finding(TARGETS, OUT_OF_RANGE, reason, numbers, remark=way)


def _one_class(said: Tensor, targets: Tensor, loss: Loss) -> Finding | None:
    """Find targets that are all one: a small batch of rare ones may be, so it is but a remark."""
    if len(targets) < value("fewest_states") or bool((targets != targets.reshape(-1)[0]).any()):
        return None
    one = float(targets.reshape(-1)[0])
    reason = f"all targets are {shown(one)}: the best answer sees no example"
    return Finding(TARGETS, "one class", reason, {"target": one}, fault=False)


def _far_targets(said: Tensor, targets: Tensor, loss: Loss) -> Finding | None:
    """Find targets that spread a thousand times as far as the outputs."""
    if not targets.is_floating_point() or said.numel() != targets.numel() or targets.numel() < 2:
        return None
    spread, own = float(targets.double().std()), rms(said)
    if not spread >= _APART * max(own, 0.1):
        return None
    reason = f"the targets spread by {shown(spread)}, the outputs have an RMS of {shown(own)}"
    numbers = {"targets": spread, "outputs": own}
    way = "standardise the targets"
    return Finding(TARGETS, "unscaled targets", reason, numbers, remark=way)


# --- The first cost ---


def _of_bias(found: Answers, calls: Sequence[Call]) -> bool:
    """Return whether means are off for the sake of a bias, one that is there or one that isn't.

    Otherwise weights make them so large.
    """
    biases = [call.bias for call in calls if call.output and call.bias is not None]
    there = max((float(bias.detach().abs().max()) for bias in biases), default=0.0)
    return max(there, float(found.best.abs().max())) >= found.shift / 2


def _bias(found: Answers, calls: Sequence[Call], end: End) -> Finding | None:
    """Find outputs whose means are far from the best constant answer."""
    gained = found.first / found.shifted if found.shifted > 0 else 0.0
    if found.shift < value("bias_shift") or gained < value("above_chance"):
        return None
    layer = _last(calls, end)
    best = found.best.flatten()
    numbers = {"initial_ratio": found.ratio, "shift": found.shift, "gained": gained}
    reason = (
        f"the first cost is {shown(found.ratio)} times that of the best constant answer, and "
        f"{shown(gained)} times what it is where the outputs begin around that answer"
    )
    some = ", ".join(f"{number:.3g}" for number in best[:4].tolist())
    ends = f"{some}{', …' if len(best) > 4 else ''}"
    way = f"the best constant answer is {ends}: let the output's bias begin there"
    fault = gained >= value("bias_gained")
    return Finding(layer, BIAS, reason, numbers, remark=way, fault=fault)


def _spread(found: Answers, said: Tensor, calls: Sequence[Call], end: End) -> Finding | None:
    """Find outputs that spread so far that the first cost is many times that of a constant."""
    of_bias = _of_bias(found, calls)
    ratio = found.ratio_shifted if of_bias else found.ratio
    size = found.spread if of_bias else max(found.spread, found.shift)
    if size < value("above_chance") or ratio < value("far_above_chance"):
        return None
    numbers = {"spread": found.spread, "initial_ratio": ratio}
    begun = f"the first cost is {shown(ratio)} times that of the best constant answer"
    squares = said.detach().double().square().flatten().sort(descending=True).values
    few = max(1, int(_FEW_OF * len(squares)))
    share = float(squares[:few].sum() / squares.sum())
    if len(squares) >= 2 / _FEW_OF and share > _MOST_OF:
        reason = (
            f"{begun}, and {shown(100 * share)}% of the outputs' squares are those of one in "
            f"{len(squares) // few}, as where something is divided by what may be near 0"
        )
        return Finding(OUTPUTS, POLE, reason, numbers, remark="keep the divisor away from 0")
    large = [call for call in calls if call.passes >= _GAIN and call.kind in ("linear", "norm")]
    if not large and any(call.output and call.any_size for call in calls):
        return None  # of weights whose size doesn't count the scale is a number of the user's own
    if not large:
        reason = f"{begun}: the outputs spread by {shown(found.spread)}"
        return Finding(_last(calls, end), LARGE, reason, numbers)
    gains = {call.layer: call.passes for call in reversed(large)}
    names = list(gains)[::-1]
    told = ", ".join(f"{name or OUTPUTS} by {shown(gains[name])}" for name in names[:4])
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    together = shown(prod(gains.values()))
    reason = f"{begun}: layers multiply their input, {told}{more}, together by {together}"
    return Finding(names[0], LARGE, reason, {**numbers, "layers": float(len(names))})


def _last(calls: Sequence[Call], end: End) -> str:
    """Return the layer that the outputs are of, where it is one."""
    own = [call for call in calls if call.output and call.kind == "linear"]
    names = {call.layer for call in own if call.layer in end.layers} or {c.layer for c in own}
    return names.pop() if len(names) == 1 else OUTPUTS


# --- The inputs ---


def suspicious(inputs: Sequence[Tensor], calls: Sequence[Call]) -> list[int]:
    """Return which inputs aren't scaled, though a layer of weights takes them as they are."""
    taken = 0
    for call in calls:
        taken |= call.before if call.kind in ("linear", "recurrent") else 0
    return [
        i
        for i, x in enumerate(inputs)
        if taken >> i & 1 and x.is_floating_point() and x.layout is torch.strided
        if rms(x) >= UNSCALED or _apart(x) >= _APART
    ]


def _apart(x: Tensor) -> float:
    """Return how many times as far as another a feature of an input spreads."""
    if x.dim() != 2 or len(x) < value("fewest_states") / 2:
        return 1.0
    scales = x.double().square().mean(0).sqrt()
    scales = scales[x.double().std(0) > 0]
    return float(scales.max() / scales.min()) if len(scales) > 1 and scales.min() > 0 else 1.0


def standardised(x: Tensor) -> Tensor:
    """Return an input with a mean of 0 and a standard deviation of 1, by feature where it has any.

    Examples
    --------
    >>> standardised(torch.tensor([[1.0, 300.0], [3.0, 100.0]])).tolist()
    [[-1.0, 1.0], [1.0, -1.0]]
    """
    axes = [0] if x.dim() == 2 else list(range(x.dim()))
    std = x.std(axes, correction=0, keepdim=True)
    centred = x - x.mean(axes, keepdim=True)
    return torch.where(std > 0, centred / std.clamp_min(torch.finfo(x.dtype).tiny), centred)


def unscaled(x: Tensor, gone: Sequence[Finding]) -> Finding | None:
    """Return the finding of an input that isn't scaled, where anything is gone once it is.

    Features of very different sizes are one anyhow: a step that fits one is nothing to another.
    """
    scale, apart = rms(x), _apart(x)
    if not gone and apart < _APART:
        return None
    what = f"inputs of RMS {shown(scale)}"
    if apart >= _APART:
        what += f", features {shown(apart)} times as large as others"
    first = f"{gone[0].label} ({gone[0].layer or WHOLE})" if gone else ""
    more = f" and {len(gone) - 1} more findings" if len(gone) > 1 else ""
    harm = f": once they are standardised, {first}{more} is gone" if gone else ""
    way = "standardise the inputs: (x - x.mean(0)) / x.std(0), of the training data"
    numbers = {"scale": scale, "apart": apart}
    return Finding(INPUTS, "unscaled inputs", f"{what}{harm}", numbers, remark=way)
