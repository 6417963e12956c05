"""What the parameters themselves look like: never drawn, copies of each other, or not looked at."""

from collections.abc import Mapping, Sequence
from math import isfinite

import torch
from torch import Tensor, nn

from goodinit.evidence.causes import CAUSES, shown
from goodinit.torch.inspecting.measuring import Call
from goodinit.torch.inspecting.passage import Finding

_HUGE = 1e10  # nobody draws such weights, but memory that was never written holds them
_TINY = 1e-37  # nor such: numbers that single precision holds only in part
_OUTLIER = 20.0  # times the typical size: of 10**12 normal numbers the largest is 7
_SAME = 1e-6  # relative: rounding
_MANY = 1000  # numbers, from which on outliers are looked for
_LEAST_SHARE = 0.005  # of all numbers, from which on it is said that some weren't looked at
_MOST_NAMED = 4
UNSEEN = "not looked at"
UNDRAWN = "never initialized"


def find_drawn(module: nn.Module) -> list[Finding]:
    """Return what is wrong with, or worth knowing of, the numbers that parameters start from."""
    own = {n: p.detach() for n, p in module.named_parameters() if p.is_floating_point()}
    found = [_undrawn(name, tensor) for name, tensor in own.items()]
    known = [one for one in found if one is not None]
    trained = {n: p for n, p in module.named_parameters() if p.requires_grad and n in own}
    return known or [*_copies(trained), *_outliers(trained)]


def _layer(name: str) -> str:
    parent, _, leaf = name.rpartition(".")
    return parent if leaf in ("weight", "bias") else name


def _undrawn(name: str, tensor: Tensor) -> Finding | None:
    if not tensor.numel() or tensor.is_meta:
        return None
    largest = float(tensor.abs().max())
    least = tensor.abs().float()
    subnormal = bool(((least > 0) & (least < _TINY)).any())
    if largest < _HUGE and not subnormal:
        return None
    what = f"numbers up to {shown(largest)}" if largest >= _HUGE else f"numbers below {_TINY:g}"
    what = what if isfinite(largest) else "NaN or infinity"
    reason = f"{name} holds {what}, as memory does that was "
    way = f"draw {_layer(name)}: torch.empty leaves what was there"
    numbers = {"largest": largest}
    return Finding(_layer(name), UNDRAWN, f"{reason}never written", numbers, remark=way)


def _pairs(own: Mapping[str, nn.Parameter]) -> list[tuple[str, str]]:
    """Return matrices that start equal to the bit, and are not one: the first, and each copy."""
    alike: dict[tuple[object, ...], list[str]] = {}
    for name, tensor in own.items():
        if tensor.dim() > 1 and tensor.numel() > 1:
            flat = tensor.detach().flatten()
            if bool((flat != flat[0]).any()):
                key = (tensor.shape, tensor.dtype, *flat[:4].tolist())
                alike.setdefault(key, []).append(name)
    return [
        (names[0], other)
        for names in alike.values()
        for other in names[1:]
        if torch.equal(own[names[0]].detach(), own[other].detach())
    ]


def _copies(own: Mapping[str, nn.Parameter]) -> list[Finding]:
    """Find layers that were copied."""
    pairs = _pairs(own)
    if not pairs:
        return []
    first, copy = pairs[0]
    reason = (
        f"{len(pairs)} parameters start as copies of others to the bit, {copy} of {first} for one"
    )
    numbers = {"copies": float(len(pairs))}
    return [Finding(_layer(copy), "copies", reason, numbers, fault=False)]


def still_copies(module: nn.Module, gradients: Mapping[int, Tensor | None]) -> list[Finding]:
    """Find copies that get the gradient of what they are copies of, so that no step parts them.

    Parameters
    ----------
    module : Module
    gradients : mapping of int to Tensor or None
        How large that of each parameter is, by the parameter's id.
    """
    own = {name: one for name, one in module.named_parameters() if one.requires_grad}

    def size(name: str) -> float:
        known = gradients.get(id(own[name]))
        return 0.0 if known is None else float(known)

    pairs = [
        (one, other)
        for one, other in _pairs({n: p for n, p in own.items() if p.is_floating_point()})
        if size(one) > 0 and abs(size(one) - size(other)) <= _SAME * size(one)
    ]
    if not pairs:
        return []
    first, copy = pairs[0]
    reason = (
        f"{len(pairs)} parameters are copies of others and get the same gradient, {copy} as "
        f"{first} for one: no step parts them"
    )
    way = "draw each of them anew"
    numbers = {"copies": float(len(pairs))}
    return [Finding(_layer(copy), CAUSES["symmetry"].label, reason, numbers, remark=way)]


def _outliers(own: Mapping[str, nn.Parameter]) -> list[Finding]:
    """Find numbers so far out that no normal draw of that many has them."""
    found = []
    for name, tensor in own.items():
        sizes = tensor.detach().abs().float().flatten()
        if tensor.dim() < 2 or len(sizes) < _MANY:
            continue
        typical, largest = float(sizes.median()), float(sizes.max())
        times = largest / typical if typical else 0.0
        far = int((sizes > _OUTLIER * typical).sum()) if times > _OUTLIER else len(sizes)
        if far < len(sizes) / 100:
            reason = (
                f"{far} of {len(sizes):,} numbers of {name} lie far out, the largest "
                f"{shown(times)} times the typical one"
            )
            numbers = {"times": times, "far": float(far)}
            found.append(Finding(_layer(name), "outliers", reason, numbers, fault=False))
    return found


def not_looked_at(module: nn.Module, calls: Sequence[Call]) -> list[Finding]:
    """Say which parameters no function was recognised to make use of; nothing where few.

    What runs out of sight, as a traced or scripted module does, was not looked into.
    """
    inside = [call for call in calls if not call.whole and call.kind != "sum"]
    looked = {id(one) for call in inside for one in (*call.weights, call.bias) if one is not None}
    layers = {call.layer for call in inside}
    own = dict(module.named_parameters())
    left = [
        name
        for name, tensor in own.items()
        if id(tensor) not in looked
        and name.partition(".parametrizations.")[0].rpartition(".")[0] not in layers
        and name.partition(".parametrizations.")[0] not in layers
    ]
    numbers = sum(own[name].numel() for name in left)
    total = sum(tensor.numel() for tensor in own.values())
    if not left or numbers < _LEAST_SHARE * total:
        return []
    some = ", ".join(left[:_MOST_NAMED]) + (", …" if len(left) > _MOST_NAMED else "")
    reason = (
        f"{len(left)} of {len(own)} parameters, {100 * numbers / total:.0f}% of all numbers, were "
        f"not looked at: {some}"
    )
    return [Finding("", UNSEEN, reason, {"share": numbers / total}, fault=False)]
