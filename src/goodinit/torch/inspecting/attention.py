"""What an attention does inside: its logits, and PyTorch's own layer, which is one function."""

from inspect import signature
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from goodinit.evidence.causes import value
from goodinit.torch.inspecting.flows import Flow, Way, joined
from goodinit.torch.inspecting.layers import argument, by_rows
from goodinit.torch.inspecting.measuring import Call, fits, rms
from goodinit.torch.inspecting.sight import Named, Seer

_MOST_LOGITS = 2**18  # that are looked at
_HIDDEN = -1e4  # logits below it are masked
_SEVERAL = 4  # places: of two or three, one may well be all


def one_hot_share(logits: Tensor) -> float:
    """Return the share of rows, of four places or more, whose softmax sees fewer than two of them.

    How many it sees is one over the sum of its squares: one where it is one-hot, and all where it
    is uniform, however small each of its numbers is then.

    Examples
    --------
    >>> one_hot_share(torch.tensor([[0.0, 9.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]))
    0.5
    """
    several = (logits > _HIDDEN).sum(-1) >= _SEVERAL
    if not several.any():
        return 0.0
    squares = torch.softmax(logits[several].detach().double(), -1).square().sum(-1)
    return float((squares > 1 / 2).double().mean())


def attention_logits(
    query: Tensor, key: Tensor, mask: Tensor | None, causal: bool, scale: float | None
) -> Tensor:
    """Return the logits of the first examples, as ``scaled_dot_product_attention`` has them."""
    examples = query.shape[0]
    few = _few(query, key)
    query, key = query.detach()[:few], key.detach()[:few]
    if query.dim() == 4 and key.shape[1] != query.shape[1]:  # several queries share a key
        key = key.repeat_interleave(query.shape[1] // key.shape[1], 1)
    logits = query @ key.transpose(-1, -2) * (scale or query.shape[-1] ** -0.5)
    if causal:
        seen = torch.ones(logits.shape[-2:], dtype=torch.bool, device=logits.device).tril()
        logits = logits.masked_fill(~seen, float("-inf"))
    if mask is None:
        return logits
    of_each = mask.dim() == logits.dim() and mask.shape[0] == examples
    mask = mask[:few] if of_each else mask
    return logits.masked_fill(~mask, float("-inf")) if mask.dtype == torch.bool else logits + mask


def _few(query: Tensor, key: Tensor) -> int:
    each = query[0].numel() // query.shape[-1] * key.shape[-2]
    return max(1, _MOST_LOGITS // max(1, each))


def see_softmax(tracer: Seer, name: str, func: Any, args: Any, kwargs: Named) -> Any:
    """See a softmax, which sets the scale anew, and weighs what it is multiplied with."""
    x, dim = argument(args, kwargs, 0, "input"), argument(args, kwargs, 1, "dim")
    flow = tracer.origins.of(x)
    out = func(*args, **kwargs)
    if flow is not None:
        if flow.call is not None and flow.call.units == 1 == x.shape[-1 if dim is None else dim]:
            tracer.origins.alone.add(flow.call.layer)
        way = flow.some if flow.call is None else 1 << flow.call.index
        logits = x.detach().movedim(-1 if dim is None else dim, -1)
        few = max(1, _MOST_LOGITS * len(logits) // max(1, logits.numel()))
        _blame(tracer, logits[:few] if logits.dim() > 1 else logits, way, flow.width)
        if flow.call is not None and not flow.activated and fits(flow.call, out):
            flow.call.say(name, out)
        tracer.ends.append(flow.every)
        seen = Flow(call=flow.call, activated=True, gate=True, feeds=flow.feeds, made=flow.made)
        tracer.origins.mark(out, seen)
    return out


def see_attention(tracer: Seer, name: str, func: Any, args: Any, kwargs: Named) -> Any:
    """See an attention in one function: the values pass through it, weighed."""
    names = ("query", "key", "value", "attn_mask")
    query, key, given, mask = (argument(args, kwargs, i, name) for i, name in enumerate(names))
    flows = [tracer.origins.of(tensor) or Flow() for tensor in (query, key, given)]
    causal = argument(args, kwargs, 5, "is_causal", False)
    logits = attention_logits(query, key, mask, causal, kwargs.get("scale"))
    width, scale = int(query.shape[-1]), kwargs.get("scale")
    wide = scale is not None and scale > width**-0.5
    _blame(tracer, logits, flows[0].some | flows[1].some, width if wide else 0, scale or 1.0)
    out = func(*args, **kwargs)
    tracer.ends += [flows[0].every, flows[1].every]
    tracer.origins.mark(out, Flow(flows[2].every, flows[2].some, feeds=joined(flows).feeds))
    return out


def _blame(tracer: Seer, logits: Tensor, way: Way, width: int, scale: float = 1.0) -> None:
    """Note how many rows of a softmax are one-hot, with the layer that makes them largest.

    Where its logits aren't divided by the square root of their width, would they be less then?
    """
    every = list(tracer.among(way))
    layers = [call for call in every if call.kind != "norm"] or every
    blamed = max(layers, key=lambda call: np.nan_to_num(call.gain), default=None)
    if blamed is not None:
        share = one_hot_share(logits)
        if share > blamed.softmax:
            much = width > 1 and share >= value("one_hot")
            rest = one_hot_share(logits * (width**-0.5 / scale)) if much else share
            blamed.softmax_width = width if rest < value("one_hot") <= share else 0
        blamed.softmax = max(blamed.softmax, share)


def see_multi_head(tracer: Seer, name: str, func: Any, args: Any, kwargs: Named) -> Any:
    """See what ``nn.MultiheadAttention`` does: two layers with an attention between them."""
    bound = signature(functional.multi_head_attention_forward).bind(*args, **kwargs)
    bound.apply_defaults()
    given = bound.arguments
    separate = given["use_separate_proj_weight"]
    names = [f"{part}_proj_weight" for part in "qkv"] if separate else ["in_proj_weight"]
    weights = [given[name] for name in names]
    out = func(*args, **kwargs)
    within = tracer.called(
        "linear",
        weights,
        bias=given["in_proj_bias"],
        incoming=by_rows if not separate else None,
        input_rms=rms(given["query"]),
    )
    after = tracer.called(
        "linear", (given["out_proj_weight"],), bias=given["out_proj_bias"], incoming=by_rows
    )
    if within is not None and after is not None:
        with torch.no_grad():
            after.input_rms = _look_inside(within, given)
        tracer.watch(after, out[0])
    asked = tracer.origins.of_each([given["query"], given["key"]])
    tracer.come_from(within, out[0], tracer.origins.of_each([given["value"]]), asked)
    tracer.come_from(after, out[0], tracer.origins.of_each([out[0]]))
    return out


def _look_inside(call: Call, given: Named) -> float:
    """Measure the projections of the first examples; return the RMS of what attention gives."""
    inputs = [given[part] for part in ("query", "key", "value")]
    inputs = [x.unsqueeze(1) if x.dim() == 2 else x for x in inputs]
    count = given["num_heads"]
    few = max(1, _MOST_LOGITS // (count * len(inputs[0]) * len(inputs[1])))
    weights = call.weights if len(call.weights) == 3 else call.weights[0].chunk(3)
    biases = [None] * 3 if call.bias is None else call.bias.chunk(3)
    projected = [
        functional.linear(x[:, :few], weight, bias)
        for x, weight, bias in zip(inputs, weights, biases, strict=True)
    ]
    # A row for each place of each example; of the query where the others have more or fewer.
    alike = len({x.shape for x in projected}) == 1
    call.take(torch.cat(projected, -1) if alike else projected[0])
    heads = [x.reshape(*x.shape[:2], count, -1).permute(1, 2, 0, 3) for x in projected]
    mask, padding = given["attn_mask"], given["key_padding_mask"]
    if mask is not None and mask.dim() == 3:
        mask = mask.reshape(-1, count, *mask.shape[1:])[:few]
    logits = _masked(attention_logits(heads[0], heads[1], None, False, None), mask)
    if padding is not None:
        padding = padding.unsqueeze(0) if padding.dim() == 1 else padding[:few]
        logits = _masked(logits, padding[:, None, None, :])
    call.softmax = one_hot_share(logits)
    return rms(torch.softmax(logits, -1).nan_to_num() @ heads[2])


def _masked(logits: Tensor, mask: Tensor | None) -> Tensor:
    """Hide what the mask says: of ``multi_head_attention_forward``, true means hidden."""
    if mask is None:
        return logits
    return logits.masked_fill(mask, float("-inf")) if mask.dtype == torch.bool else logits + mask
