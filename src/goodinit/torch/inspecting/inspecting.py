"""Is this module's initialization sound? One pass forward and one back, and no trace of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn import functional

from goodinit.errors import bad_argument, number, whole
from goodinit.torch.inspecting.cures import fault, seek
from goodinit.torch.inspecting.findings import Finding, Passage, find, most
from goodinit.torch.inspecting.measuring import Call, rms
from goodinit.torch.inspecting.remedies import Patient
from goodinit.torch.inspecting.report import Report, tabulate
from goodinit.torch.inspecting.sights import SIGHTS
from goodinit.torch.inspecting.tracing import Tracer
from goodinit.torch.state import generators_as_they_were, modules_as_they_were

Loss = Callable[[Any, Any], Tensor]
_SEEDS = 10


class Question(NamedTuple):
    """What a module is asked: a batch, its cost, and the learning rate that steps would have."""

    inputs: Any
    targets: Any
    loss: Loss | None
    learning_rate: float


def inspect(
    model: nn.Module | Callable[[], nn.Module],
    inputs: Any,
    targets: Any = None,
    loss: Loss | None = None,
    *,
    seeds: int | Sequence[int] | None = None,
    learning_rate: float | None = None,
    cures: bool = True,
) -> Report:
    """Return what a module's layers look like before training, what is wrong, and what mends it.

    The module is called once, in the mode that it is in (in evaluation mode, batch normalisations
    that have seen no data normalise nothing), and its cost goes back once; afterwards it is as it
    was, to the bit: parameters, gradients, buffers, flags, hooks, attributes, and so are
    the generators of random numbers.

    Parameters
    ----------
    model : Module or callable
        A module; or what makes one, which is then made from each of several seeds, and reported is
        what most of them show.
    inputs : tensor, tuple, dict or iterable of batches
        A tensor is the module's one input; a tuple holds several, a dict several by name. Of a
        ``DataLoader``, or anything else that yields batches, the first is taken: the inputs, or a
        pair of inputs and targets.
    targets : optional
        What the module should say, as the loss takes it. Without targets each output number counts
        with a weight of its own in the cost, drawn once from N(0, 1), and is as large as it
        should be where its scale is about 1.
    loss : callable, optional
        Of outputs and targets; returns a tensor of one number. By default cross-entropy for whole
        numbers (of logits; of single ones where outputs and targets have one shape) and the mean
        squared error for others, of the first output where there are several.
    seeds : int or sequence of int, default 10
        How many modules are made, or from which seeds; for a callable only.
    learning_rate : float, optional
        For ``update_to_weight``, which is NaN without it.
    cures : bool, default True
        Whether other initializations are tried where something is wrong, and each finding gets the
        smallest that mends it: a pass more for each, some ten for each label. Where nothing is
        wrong, nothing is tried.

    Raises
    ------
    ArgumentError
        Where an argument is none of these. What the module or loss raises goes through.

    Notes
    -----
    Looked at are the first 64 calls of a layer. On large layers signals come from a sample, see
    ``torch.inspecting.measuring``. Checkpoints must be of the kind ``use_reentrant=False``.

    Examples
    --------
    >>> import torch
    >>> from torch import nn
    >>> _ = torch.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(20, 50), nn.ReLU(), nn.Linear(50, 3))
    >>> x, y = torch.randn(64, 20), torch.randint(3, (64,))
    >>> inspect(model, x, y).findings
    ()
    >>> _ = nn.init.zeros_(model[0].weight), nn.init.zeros_(model[0].bias)
    >>> print(inspect(model, x, y).findings[0].reason)
    1 distinct of 50 units in layer 0
    """
    if not callable(model):
        raise bad_argument("model", model, "a torch.nn.Module, or a function that returns one")
    chosen = _seeds(model, seeds)
    rate = float("nan") if learning_rate is None else _rate(learning_rate)
    with generators_as_they_were():
        given, wanted = _batch(inputs, targets)
        _check(given, wanted, loss)
        asked = Question(given, wanted, loss, rate)
        passes = [_pass(model, seed, asked) for seed in chosen]
        layers = pd.concat([table for table, _ in passes], ignore_index=True)
        findings = _common(model, passes, layers)
        if cures:
            findings = _cured(model, list(zip(chosen, passes, strict=True)), findings, asked)
    if given is not inputs:
        findings = tuple(map(_of_the_first_batch, findings))
    return Report(layers, findings)


_Seen = tuple[pd.DataFrame, tuple[Finding, ...]]


def _common(model: Any, passes: Sequence[_Seen], layers: pd.DataFrame) -> tuple[Finding, ...]:
    """Return the findings of a module, or those that most of several have."""
    findings = [found for _, found in passes]
    if isinstance(model, nn.Module):
        return findings[0]
    order = layers["layer"].drop_duplicates().tolist()
    return tuple(sorted(most(findings), key=lambda one: order.index(one.layer)))


def _cured(
    model: Any, passes: Sequence[tuple[int, _Seen]], findings: Sequence[Finding], asked: Question
) -> tuple[Finding, ...]:
    """Return the findings with their cures, each sought where the first seed shows it."""
    found: dict[tuple[str, str], Finding] = {}
    for seed, (layers, here) in passes:
        shown = set(map(fault, here))
        wanted = [one for one in findings if fault(one) in shown and fault(one) not in found]
        if wanted:
            module = _made(model, seed)
            again = partial(_findings, module, seed, asked)
            patient = Patient(module, layers, partial(_copied, asked.inputs), again)
            found |= {fault(one): one for one in seek(patient, here, wanted)}
    return tuple(found[fault(one)] for one in findings)


def _of_the_first_batch(one: Finding) -> Finding:
    """Say of which inputs a cure speaks, where batches were given."""
    if one.cure is None or "inputs=" not in one.cure:
        return one
    return replace(one, cure=f"{one.cure}  # inputs: those of the first batch")


def _seeds(model: Any, seeds: Any) -> list[int]:
    if isinstance(model, nn.Module):
        if seeds is not None:
            raise bad_argument("seeds", seeds, "nothing where a module is given, not what makes it")
        return [0]
    if seeds is None:
        return list(range(_SEEDS))
    if isinstance(seeds, Iterable) and not isinstance(seeds, str):
        chosen = [whole("seeds", seed, at_least=0) for seed in seeds]
        if not chosen or len(set(chosen)) < len(chosen):
            raise bad_argument("seeds", seeds, "one seed at least, each once")
        return chosen
    return list(range(whole("seeds", seeds, at_least=1)))


def _rate(learning_rate: float) -> float:
    return number("learning_rate", learning_rate, "a number above 0", lambda n: n > 0)


def _batch(inputs: Any, targets: Any) -> tuple[Any, Any]:
    """Return the module's inputs and the targets, from a batch or the first of several."""
    takes = "a tensor, a tuple or dict of tensors, or an iterable of batches"
    if isinstance(inputs, Tensor | tuple | Mapping):
        return inputs, targets
    if isinstance(inputs, str | bytes | np.ndarray) or not isinstance(inputs, Iterable):
        raise bad_argument("inputs", inputs, takes)
    for batch in inputs:
        if not isinstance(batch, list | tuple):
            return batch, targets
        if len(batch) == 1:
            return batch[0], targets
        if targets is not None:
            return tuple(batch), targets
        if len(batch) == 2:
            first = tuple(batch[0]) if isinstance(batch[0], list) else batch[0]
            return first, batch[1]
        raise bad_argument(
            "inputs", f"batches of {len(batch)}", "batches of inputs, or of inputs and targets"
        )
    raise bad_argument("inputs", "no batch", takes)


def _check(inputs: Any, targets: Any, loss: Any) -> None:
    tensors = leaves(inputs)
    if not tensors:
        raise bad_argument("inputs", inputs, "at least one tensor")
    for tensor in tensors:
        if tensor.numel() == 0:
            raise bad_argument("inputs", f"a tensor of shape {tuple(tensor.shape)}", "examples")
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise bad_argument("inputs", "NaN or infinity", "finite numbers")
    if loss is not None and not callable(loss):
        raise bad_argument("loss", loss, "a function of outputs and targets")
    if loss is not None and targets is None:
        raise bad_argument("loss", loss, "targets beside it")
    if targets is not None and loss is None:
        kind = targets.dtype if isinstance(targets, Tensor) else type(targets).__name__
        if not isinstance(targets, Tensor) or targets.is_complex() or targets.dtype == torch.bool:
            raise bad_argument("targets", str(kind), "whole numbers or floats, or else a loss")


def _pass(model: Any, seed: int, asked: Question) -> _Seen:
    """Call a module and its cost's gradient; return its table, and what is wrong."""
    passage = _passage(_made(model, seed), seed, asked)
    return tabulate(passage.calls, seed), find(passage)


def _findings(module: nn.Module, seed: int, asked: Question) -> tuple[Finding, ...]:
    return find(_passage(module, seed, asked))


def _made(model: Any, seed: int) -> nn.Module:
    """Return the module that is given, or that a seed makes."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    module = model if isinstance(model, nn.Module) else model()
    if not isinstance(module, nn.Module):
        raise bad_argument("model", module, "a torch.nn.Module, or a function that returns one")
    if any(isinstance(p, nn.UninitializedParameter) for p in module.parameters()):
        raise bad_argument("model", "lazy layers", "a module that has been called once")
    return module


def _passage(module: nn.Module, seed: int, asked: Question) -> Passage:
    torch.manual_seed(seed)
    watched = (module, asked.loss) if isinstance(asked.loss, nn.Module) else (module,)
    with (
        modules_as_they_were(*watched),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.compiler.set_stance("force_eager"),
    ):
        return _look(module, asked._replace(inputs=_copied(asked.inputs)))


def _look(module: nn.Module, asked: Question) -> Passage:
    tracer = Tracer(module, SIGHTS)
    tracer.begin(leaves(asked.inputs))
    with tracer:
        outputs = _call(module, asked.inputs)
    said = [tensor for tensor in leaves(outputs) if tensor.is_floating_point()]
    if not said:
        raise bad_argument("model", "outputs without floats", "a module that returns floats")
    tracer.end(said)
    costed = asked.targets is not None
    if costed:
        cost, ratio = _cost(outputs, said[0], asked.targets, asked.loss)
    else:
        cost, ratio = _probe(said), rms(*said)
    _settle(tracer.calls, cost, asked.learning_rate)
    exits = tracer.every_exit, tracer.some_exit
    return Passage(tracer.calls, tracer.ends, *exits, ratio, costed)


def _call(module: nn.Module, inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return module(**inputs)
    plain = isinstance(inputs, tuple) and not hasattr(inputs, "_fields")
    return module(*inputs) if plain else module(inputs)


def _probe(said: Sequence[Tensor]) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    parts = [(out * torch.randn(out.shape, generator=generator).to(out)).mean() for out in said]
    return torch.stack([part.float() for part in parts]).sum()


def _cost(outputs: Any, first: Tensor, targets: Any, loss: Any) -> tuple[Tensor, float]:
    """Return the cost, and how many times that of guessing it is."""
    if loss is None:
        loss, outputs = usual_loss(first, targets), first
    cost = loss(outputs, targets)
    if not isinstance(cost, Tensor) or cost.numel() != 1:
        shape = tuple(cost.shape) if isinstance(cost, Tensor) else type(cost).__name__
        raise bad_argument("loss", f"a result of {shape}", "a loss that returns one number")
    with torch.no_grad():
        chance, first_cost = float(loss(_guess(outputs), targets)), float(cost)
    if not 0 < chance < float("inf"):
        return cost, rms(*[t for t in leaves(outputs) if t.is_floating_point()])
    ratio = first_cost / chance
    return cost, ratio if np.isfinite(ratio) else float("inf")


def usual_loss(said: Tensor, targets: Tensor) -> Loss:
    """Return the loss for targets of their kind, for outputs like these."""
    if targets.is_floating_point():
        return _squared_error
    if said.numel() == targets.numel():
        return _binary_cross_entropy
    return _entropy_over_last if targets.shape == said.shape[:-1] else _cross_entropy


# Functions of the module and not lambdas, so that they can be sent to another process.
def _squared_error(out: Tensor, wanted: Tensor) -> Tensor:
    return functional.mse_loss(out, wanted.reshape(out.shape))


def _binary_cross_entropy(out: Tensor, wanted: Tensor) -> Tensor:
    wanted = wanted.reshape(out.shape).to(out)
    return functional.binary_cross_entropy_with_logits(out, wanted)


def _entropy_over_last(out: Tensor, wanted: Tensor) -> Tensor:
    return functional.cross_entropy(out.flatten(0, -2), wanted.flatten().long())


def _cross_entropy(out: Tensor, wanted: Tensor) -> Tensor:
    return functional.cross_entropy(out, wanted.long())


def _guess(outputs: Any) -> Any:
    """Return what says nothing of the example: zeros; of probabilities, the mean over examples."""
    if isinstance(outputs, Tensor):
        if not outputs.is_floating_point():
            return outputs
        shares = outputs.dim() > 0 and bool(((outputs >= 0) & (outputs <= 1)).all())
        return outputs.mean(0).expand_as(outputs) if shares else torch.zeros_like(outputs)
    return _mapped(_guess, outputs)


def _settle(calls: Sequence[Call], cost: Tensor, rate: float) -> None:
    """Take the gradients of all weights, and let each call measure its own."""
    weights = {
        id(weight): weight for call in calls for weight in call.weights if weight.requires_grad
    }
    found: Sequence[Tensor | None] = [None] * len(weights)
    if weights and cost.requires_grad:
        given = torch.autograd.grad(cost, list(weights.values()), allow_unused=True)
        found = [None if one is None else one.to_dense() for one in given]
    gradients = dict(zip(weights, found, strict=True))
    largest = max((rms(gradient) for gradient in found if gradient is not None), default=0.0)
    with threadpool_limits(1, "blas"):  # the matrices are small, and PyTorch's threads are awake
        for call in calls:
            call.settle([gradients.get(id(weight)) for weight in call.weights], largest, rate)


def leaves(value: Any) -> list[Tensor]:
    """Return the tensors in nested tuples, lists, dicts and dataclasses, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [tensor for part in value.values() for tensor in leaves(part)]
    if isinstance(value, list | tuple):
        return [tensor for part in value for tensor in leaves(part)]
    if is_dataclass(value) and not isinstance(value, type):
        return [tensor for part in fields(value) for tensor in leaves(getattr(value, part.name))]
    return []


def _copied(value: Any) -> Any:
    """Return inputs of the module's own, so that it may write into them."""
    if isinstance(value, Tensor):
        return value.detach().clone().requires_grad_(value.requires_grad)
    return _mapped(_copied, value)


def _mapped(function: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: function(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        parts = [function(part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value
