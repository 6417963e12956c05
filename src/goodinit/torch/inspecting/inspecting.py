"""Is this module's initialization sound? One pass forward and one back, and no trace of them."""

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from goodinit.errors import bad_argument, number, whole
from goodinit.torch.inspecting.asking import Question, ask, call, first_batch, its_own, own_question
from goodinit.torch.inspecting.beginning import End, begin, standardised, suspicious, unscaled
from goodinit.torch.inspecting.carrying import Carried, carried, pull_back
from goodinit.torch.inspecting.costs import (
    OWN,
    Loss,
    cost_of,
    probe,
    said_by,
    usual_loss,
)
from goodinit.torch.inspecting.cures import fault, seek
from goodinit.torch.inspecting.depth import find_drowned
from goodinit.torch.inspecting.drawn import find_drawn, not_looked_at, still_copies
from goodinit.torch.inspecting.findings import find, most
from goodinit.torch.inspecting.finite import find_no_numbers
from goodinit.torch.inspecting.fitting import last_function
from goodinit.torch.inspecting.gradients import settle
from goodinit.torch.inspecting.idle import all_frozen, find_idle, flat_end
from goodinit.torch.inspecting.labels import find_strange
from goodinit.torch.inspecting.lags import find_lags
from goodinit.torch.inspecting.measuring import rms
from goodinit.torch.inspecting.nested import copied, leaves, mapped
from goodinit.torch.inspecting.passage import Finding, Passage
from goodinit.torch.inspecting.proving import NONE, PROVED, QUICK, proof_of
from goodinit.torch.inspecting.remedies import Patient
from goodinit.torch.inspecting.report import Report, tabulate
from goodinit.torch.inspecting.sights import SIGHTS
from goodinit.torch.inspecting.sines import find_waves
from goodinit.torch.inspecting.tracing import Tracer
from goodinit.torch.inspecting.unregistered import find_unregistered, of_any_size
from goodinit.torch.inspecting.ways import Ways
from goodinit.torch.state import generators_as_they_were, modules_as_they_were

_MOST_SEEDS = 1000
_SEEDS = 10


def inspect(
    model: nn.Module | Callable[[], nn.Module],
    inputs: Any,
    targets: Any = None,
    loss: Loss | str | None = None,
    *,
    seeds: int | Sequence[int] | None = None,
    learning_rate: float | None = None,
    cures: bool | str = PROVED,
    call: Callable[[nn.Module, Any], Any] = call,
    progress: Callable[[str], None] = lambda words: None,
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
        ``DataLoader``, or anything else that yields batches, the first is taken. What of it goes
        in is what ``forward`` takes, by place or by name; the part that is left over, or that is
        called "labels" or the like, is the targets. A list of tensors is such a batch.
    targets : optional
        What the module should say, as the loss takes it. Without targets each output number counts
        with a weight of its own in the cost, drawn once from N(0, 1), and is as large as it
        should be where its scale is about 1.
    loss : callable or "model", optional
        Of outputs and targets; returns a tensor of one number. "model": the one that the module
        returns (``outputs.loss``, ``outputs["loss"]``, a dict of losses, or a tuple's one number);
        it is taken by itself where the targets are among the inputs, or nothing else is returned.
        Otherwise by default cross-entropy for whole numbers (of logits; of single ones where
        outputs and targets have one shape) and the mean squared error for others, of the first
        output where there are several.
    seeds : int or sequence of int, default 10
        How many modules are made, or from which seeds; for a callable only.
    learning_rate : float, optional
        For ``update_to_weight``, which is NaN without it.
    cures : {"proved", "quick", "none"}, default "proved"
        Whether other initializations are tried where something is wrong, and each finding gets the
        smallest that mends it. It is proved where the first cost gets no worse and a short training
        on this batch, of module and cure alike, ends at least as low; "quick" leaves the training
        out. True and False stand for "proved" and "none". Where nothing is wrong, nothing is tried.
    call : callable
        Of the module and the inputs: how the module is called, by default as a function.
    progress : callable
        Told in a few words what is going on.

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
    began = perf_counter()
    chosen = _seeds(model, seeds)
    rate = float("nan") if learning_rate is None else _rate(learning_rate)
    sought = _sought(cures)
    batch, loaded = first_batch(inputs)
    passes: list[_Seen] = []
    with generators_as_they_were():
        asked: Question | None = None
        for number, seed in enumerate(chosen, start=1):
            progress(f"looking at seed {number} of {len(chosen)}")
            module = _made(model, seed)
            if asked is None:
                asked = ask(module, batch, targets, loss, rate, loaded=loaded)._replace(call=call)
            passes.append(_pass(module, seed, asked))
            del module
        layers = pd.concat([table for table, *_ in passes], ignore_index=True)
        findings = _common(model, passes, layers)
        after: dict[tuple[str, str], pd.DataFrame] = {}
        if sought != NONE and asked is not None:
            seen = list(zip(chosen, passes, strict=True))
            proved = sought == PROVED
            findings, after = _cured(model, seen, findings, asked, progress, proved=proved)
    if batch is not inputs:
        findings = tuple(map(_of_the_first_batch, findings))
    cured = {one.cure: after[fault(one)] for one in findings if one.cure}
    faults = tuple(one for one in findings if one.fault)
    remarks = tuple(one for one in findings if not one.fault)
    carried = tuple(passed for *_, passed in passes)
    return Report(layers, faults, remarks, carried, cured, perf_counter() - began)


_Seen = tuple[pd.DataFrame, tuple[Finding, ...], tuple[int, Carried]]


def _common(model: Any, passes: Sequence[_Seen], layers: pd.DataFrame) -> tuple[Finding, ...]:
    """Return the findings of a module, or those that most of several have."""
    findings = [found for _, found, _ in passes]
    if isinstance(model, nn.Module):
        return findings[0]
    order = layers["layer"].drop_duplicates().tolist()
    return tuple(sorted(most(findings), key=lambda one: _place(one.layer, order)))


def _place(layer: str, order: Sequence[str]) -> int:
    """Return where in forward order a layer, or what is inside it, stands; -1 for nowhere."""
    while layer not in order and layer:
        layer = layer.rpartition(".")[0]
    return order.index(layer) if layer in order else -1


def _cured(
    model: Any,
    passes: Sequence[tuple[int, _Seen]],
    findings: Sequence[Finding],
    asked: Question,
    progress: Callable[[str], None],
    *,
    proved: bool,
) -> tuple[tuple[Finding, ...], dict[tuple[str, str], pd.DataFrame]]:
    """Return the findings with their cures, each sought where the first seed shows it.

    Returned too are the layers after each one's cure.
    """
    found: dict[tuple[str, str], Finding] = {}
    after: dict[tuple[str, str], pd.DataFrame] = {}
    tried = count(1)
    known = {layer for _, (layers, *_) in passes for layer in layers["layer"]}

    def look_at(module: nn.Module, seed: int) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
        progress(f"trying what mends it: look {next(tried)}")
        layers, found, _ = _pass(module, seed, asked, deep=False)
        return layers, tuple(one for one in found if one.fault and not one.remark)

    for seed, (layers, here, _) in passes:
        shown = set(map(fault, here))
        wanted = [one for one in findings if fault(one) in shown and fault(one) not in found]
        mendable = {fault(one) for one in here if one.layer in known and not one.remark}
        others = tuple(one for one in here if fault(one) in mendable)
        wanted = [one for one in wanted if fault(one) in mendable and one.fault]
        if wanted:
            module = _made(model, seed)
            again = partial(look_at, module, seed)
            proof = proof_of(module, asked, wanted=proved)
            patient = Patient(module, layers, partial(copied, asked.inputs), again, *proof)
            sought = seek(patient, others, wanted)
            found |= {fault(one): one for one, _ in sought}
            after |= {fault(one): mended for one, mended in sought if mended is not None}
    return tuple(found.get(fault(one), one) for one in findings), after


def _of_the_first_batch(one: Finding) -> Finding:
    """Say of which inputs a cure speaks, where batches were given."""
    if one.cure is None or "inputs=" not in one.cure:
        return one
    return replace(one, cure=f"{one.cure}  # inputs: those of the first batch")


def _sought(cures: bool | str) -> str:
    if isinstance(cures, bool):
        return PROVED if cures else NONE
    if cures not in (PROVED, QUICK, NONE):
        raise bad_argument("cures", cures, f"{PROVED!r}, {QUICK!r} or {NONE!r}")
    return cures


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
    count = whole("seeds", seeds, at_least=1)
    if count > _MOST_SEEDS:
        raise bad_argument("seeds", seeds, f"at most {_MOST_SEEDS:,} seeds, a module for each")
    return list(range(count))


def _rate(learning_rate: float) -> float:
    return number("learning_rate", learning_rate, "a number above 0", lambda n: n > 0)


def _pass(module: nn.Module, seed: int, asked: Question, *, deep: bool = True) -> _Seen:
    """Call a module and its cost's gradient; return its table, and what is wrong."""
    passage = _passage(module, seed, asked, deep=deep)
    return tabulate(passage.calls, seed), find(passage), (seed, passage.carried)


def _made(model: Any, seed: int) -> nn.Module:
    """Return the module that is given, or that a seed makes, fit to be called and derived."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    module = model if isinstance(model, nn.Module) else model()
    if not isinstance(module, nn.Module):
        raise bad_argument("model", module, "a torch.nn.Module, or a function that returns one")
    held = [*module.parameters(), *module.buffers()]
    if any(isinstance(p, nn.UninitializedParameter) for p in held):
        raise bad_argument("model", "lazy layers", "a module that has been called once")
    if any(tensor.is_meta for tensor in held):
        takes = "a module whose parameters hold numbers: to_empty(device=...), then draw them"
        raise bad_argument("model", "parameters on the meta device", takes)
    if any(".quantized" in type(part).__module__ for part in module.modules()):
        takes = "the module of floats that it was made from: quantised layers have no gradient"
        raise bad_argument("model", "quantised layers", takes)
    if any(tensor.is_inference() for tensor in held):  # these have no gradient, a copy's do
        with torch.inference_mode(False):
            return copy.deepcopy(module)
    return module


def _passage(module: nn.Module, seed: int, asked: Question, *, deep: bool) -> Passage:
    torch.manual_seed(seed)
    watched = (module, asked.loss) if isinstance(asked.loss, nn.Module) else (module,)
    with (
        modules_as_they_were(*watched),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.compiler.set_stance("force_eager"),
    ):
        return _look(module, asked, deep=deep)


def _look(module: nn.Module, asked: Question, *, deep: bool = True, once: bool = False) -> Passage:
    """Call a module and its cost's gradient, and look at what they leave.

    Where inputs aren't scaled, it is called once more with inputs that are. How far signals and
    gradients carry, of which no finding is made, takes another way back: it is left out unless it
    goes deep.
    """
    own = own_question(asked)
    tracer = Tracer(module, SIGHTS)
    tracer.begin(leaves(own.inputs, objects=True))
    with tracer:
        outputs = own.call(module, own.inputs)
    said = said_by(outputs)
    tracer.end(said)
    strange = _strange_labels(outputs, said[0], own)
    if strange is not None:  # there is no cost, so that each output counts
        asked, own = (one._replace(targets=None, loss=None) for one in (asked, own))
    cost, ratio, costed = _cost(outputs, said, own)
    first = Ways([call.before for call in tracer.calls], tracer.inputs, tracer.exits)
    known = Carried()
    if deep:
        known = carried(tracer.calls, first, leaves(own.inputs, objects=True))
        pull_back(tracer.calls, said, tracer.inputs)

    def again() -> tuple[Any, Question]:
        own = own_question(asked)
        return own.call(module, own.inputs), own

    def cost_again() -> Tensor:
        outputs, own = again()
        return _cost(outputs, said_by(outputs), own)[0]

    def said_again() -> list[Tensor]:
        return said_by(again()[0])

    for one in tracer.calls:
        one.any_size = of_any_size(one)
    begun = [] if once else [*find_drawn(module), *not_looked_at(module, tracer.calls)]
    begun += [] if strange is None else [strange]
    begun += all_frozen(module)
    begun += find_waves(tracer.calls, own.targets)
    begun += _begun(outputs, tracer, own) if costed else []
    if not once and own.call is call:  # of a caller of the user's own the module may be but a part
        own_inputs = leaves(own.inputs, objects=True)
        begun += find_unregistered(module, said, own_inputs, said_again, tracer.calls)
    gradients = settle(tracer.calls, [*module.parameters()], cost, asked.learning_rate)
    begun += [] if once else still_copies(module, gradients)
    real = costed or its_own(outputs, own) is not None  # what is asked instead tells nothing
    no_numbers = find_no_numbers(module, tracer.calls, said, cost if real else None, gradients)
    satisfied = real and float(cost.detach()) == 0  # as margins may be
    del own, outputs, said, cost

    idle = find_idle(module, tracer.origins, gradients, cost_again, lambda: probe(said_again()))
    passed = [one for one in tracer.calls if first.unavoidable([one.index])]
    every = range(len(tracer.calls))
    ends = [tracer.calls[i] for i in first.unavoidable(every)] if every else []
    flat = [] if satisfied else flat_end(idle.asleep, tracer.calls, passed)
    otherwise = (*no_numbers, *flat, *find_drowned(ends, tracer.calls))
    del gradients
    exits = tracer.every_exit, tracer.some_exit
    ways = tracer.exits, tracer.inputs
    lags = find_lags(tracer.calls, tracer.products, tracer.later)
    more = tuple(begun), tuple(idle.found)
    seen = Passage(tracer.calls, tracer.ends, *exits, ratio, costed, *ways, *more, carried=known)
    seen = replace(seen, woken=idle.woken, lags=tuple(lags), otherwise=otherwise)
    return seen if once else _with_scaled_inputs(module, asked, seen)


def _loss(outputs: Any, first: Tensor, asked: Question) -> Loss | None:
    """Return the loss as one of the first output and targets; None where there is no such."""
    given, targets = asked.loss, asked.targets
    if not isinstance(targets, Tensor) or isinstance(given, str) or first.is_complex():
        return None
    if given is None:
        return None if asked.inside else usual_loss(first, targets)

    def loss(out: Tensor, wanted: Tensor) -> Tensor:
        return given(mapped(lambda one: out if one is first else one, outputs), wanted)

    return loss


def _strange_labels(outputs: Any, first: Tensor, asked: Question) -> Finding | None:
    loss = _loss(outputs, first, asked)
    return None if loss is None else find_strange(first, asked.targets, loss)


def _begun(outputs: Any, tracer: Tracer, asked: Question) -> list[Finding]:
    """Return what is wrong with targets and loss, and with how the first output begins."""
    first = said_by(outputs)[0]
    loss, flow = _loss(outputs, first, asked), tracer.origins.of(first)
    if loss is None:
        return []
    squashed, last = flow is not None and flow.gate, last_function(first)
    made = 0 if flow is None else flow.made
    end = End(frozenset(call.layer for call in tracer.among(made)), squashed=squashed, last=last)
    return begin(first.detach(), asked.targets, loss, tracer.calls, end)


def _with_scaled_inputs(module: nn.Module, asked: Question, seen: Passage) -> Passage:
    """Return what was seen, with what is gone where inputs are standardised."""
    inputs = leaves(asked.inputs, objects=True)
    which = suspicious(inputs, seen.calls)
    if not which:
        return seen
    place = count()
    scaled = mapped(lambda x: standardised(x) if next(place) in which else x, asked.inputs)
    left = set(
        map(fault, find(_look(module, asked._replace(inputs=scaled), deep=False, once=True)))
    )
    gone = [one for one in find(seen) if fault(one) not in left]
    said = [one for i in which if (one := unscaled(inputs[i], gone)) is not None]
    if not said:
        return seen
    return replace(seen, begun=(*said, *seen.begun), of_inputs=frozenset(map(fault, gone)))


def _cost(outputs: Any, said: Sequence[Tensor], asked: Question) -> tuple[Tensor, float, bool]:
    """Return the cost, how large it is beside that of guessing, and whether that is known.

    Without targets, or where the module says its own loss, it is how large the outputs are.
    """
    loss, targets = asked.loss, asked.targets
    own = its_own(outputs, asked)
    if own is not None:
        return own, rms(*said) if said[0] is not own else 1.0, False
    if isinstance(loss, str):
        raise bad_argument("loss", OWN, "a module whose outputs hold their loss")
    if targets is None or (loss is None and not isinstance(targets, Tensor)):
        return probe(said), rms(*said), False
    return *cost_of(outputs, said[0], targets, loss), True
