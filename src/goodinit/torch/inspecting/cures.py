"""What mends a finding: initializations are tried, and the first that does is its cure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial

import pandas as pd
import torch
from torch import Tensor, nn
from torch.autograd.grad_mode import _unsafe_preserve_version_counter

from goodinit.errors import ArgumentError
from goodinit.torch.initializing.auto import on_purpose
from goodinit.torch.initializing.initialization import draw, initialize
from goodinit.torch.inspecting.changes import Change, changes, known
from goodinit.torch.inspecting.passage import Finding
from goodinit.torch.inspecting.proving import NOT_ASKED, Proof
from goodinit.torch.inspecting.remedies import Patient, Trial, code, trials
from goodinit.torch.state import modules_as_they_were

_SEEDS = (0, 1)  # of draws; the first is that of a pasted line
_MOST_PROOFS = 3  # that may fail before no more are made
FROZEN = "its weights are frozen: no initialization may touch them while requires_grad is False"
NOTHING_MENDS = "no initialization that was tried mends it"
NO_BETTER = "tried, and trains no better: "


def seek(
    patient: Patient, here: Sequence[Finding], wanted: Sequence[Finding]
) -> list[tuple[Finding, pd.DataFrame | None]]:
    """Return the wanted ones of a module's findings, each with the first trial that mends it.

    Beside each stand the module's layers after its cure; None where there is none.

    It mends one if the first cost is no worse, that finding is gone when the module is inspected
    again, no other has come, and a short training ends at least as low as without; where there is
    nothing to train by, another draw must mend it as well. A trial that mends all findings of a
    label goes before smaller ones that mend but some of them, and one that mends all that was found
    is the cure of all. The module is as it was afterwards.

    Parameters
    ----------
    patient : Patient
    here : sequence of Finding
        All that were found in it.
    wanted : sequence of Finding
        Those of them that are to be mended.
    """
    tests = _Tests(patient, frozenset(map(fault, here)))
    frozen = [one for one in wanted if _frozen(patient, one)]
    cures: dict[_Fault, Trial | None] = dict.fromkeys(map(fault, frozen))
    refused: dict[str, str] = {}
    instead: dict[str, str] = {}
    for label in dict.fromkeys(one.label for one in wanted if one not in frozen):
        same = [one for one in here if one.label == label and not _frozen(patient, one)]
        tried = _Replayed(trials(label, [one.layer for one in same], patient))
        best = next((trial for trial in tried if tests.mends(trial, same)), None)
        for one in same:
            own = best or next((trial for trial in tried if tests.mends(trial, [one])), None)
            cures[fault(one)] = own
        uncured = [one for one in same if cures[fault(one)] is None]
        refused[label] = tests.refusal(tried) if uncured else ""
        unknown = [one for one in uncured if not known(one)]
        instead[label] = tests.instead(unknown) if unknown else ""
        if best is not None and not tests.left[best]:  # one cause, and what follows from it
            free = [fault(one) for one in wanted if one not in frozen]
            cures |= dict.fromkeys(free, best)
            break
    told = []
    for one in wanted:
        trial = cures[fault(one)]
        said = _with_cure(one, trial, tests, refused.get(one.label, ""), instead)
        told.append((said, trial and tests.layers[trial]))
    return told


class _Replayed:
    """Trials that are thought of when they are asked for, and again in that order.

    What may be tried last takes longest to think of, and most often something before it mends.
    """

    def __init__(self, new: Iterator[Trial]) -> None:
        self._new, self._seen = new, list[Trial]()

    def __iter__(self) -> Iterator[Trial]:
        yield from self._seen
        for trial in self._new:
            self._seen.append(trial)
            yield trial


_Fault = tuple[str, str]


def fault(finding: Finding) -> _Fault:
    """Return the layer and the label, which tell one finding from another."""
    return finding.layer, finding.label


def _with_cure(
    one: Finding, trial: Trial | None, tests: "_Tests", refused: str, instead: Mapping[str, str]
) -> Finding:
    if trial is not None:
        return replace(one, cure=code(trial), remark=tests.unproved)
    if _frozen(tests.patient, one):
        return replace(one, remark=FROZEN)
    does = known(one) or instead.get(one.label, "")
    return replace(one, remark="; ".join(filter(None, (refused or NOTHING_MENDS, does))))


def _frozen(patient: Patient, one: Finding) -> bool:
    """Return whether a layer has parameters, and none of them may change."""
    own = [
        tensor
        for name, tensor in patient.model.named_parameters(remove_duplicate=False)
        if name.rpartition(".")[0] == one.layer
    ]
    return bool(own) and not any(tensor.requires_grad for tensor in own)


# --- A trial ---


class _Tests:
    """What became of the trials so far.

    Attributes
    ----------
    patient : Patient
    left : dict of Trial to frozenset or None
        What is found after each; None where it fails, or begins worse.
    layers : dict of Trial to DataFrame
        The module's layers after each that could be looked at.
    unproved : str
        Why no training proves a cure; empty where one does.
    """

    def __init__(self, patient: Patient, before: frozenset[_Fault]) -> None:
        self.patient, self.unproved = patient, patient.unproved
        self.left: dict[Trial, frozenset[_Fault] | None] = {}
        self.layers: dict[Trial, pd.DataFrame] = {}
        self._before = before
        with _as_it_was(patient.model):  # reading a parametrized weight may take a step of it
            self._meant = _set_on_purpose(patient, {layer for layer, _ in before})
        self._proof = patient.proof
        self._worse: dict[Trial, str] = {}  # in what its first cost is worse
        self._proved: dict[Trial, str] = {}  # in what its training is worse; empty where it isn't
        self._kept: tuple[Trial, list[Tensor]] | None = None  # the numbers of the last one drawn
        self._found = _numbers(patient.model)
        self._ask(lambda proof: (proof.first, proof.constant))

    def mends(self, trial: Trial, some: Sequence[Finding]) -> bool:
        """Return whether some findings are gone after a trial, and nothing is worse."""
        if trial not in self.left:
            self.left[trial] = self._left_by(trial, _SEEDS[0])
        if not self._clears(self.left[trial], some):
            return False
        if trial not in self._proved and self._proof is not None:
            self._ask(lambda proof: proof.before)
        if trial not in self._proved:
            self._proved[trial] = self._training_of(trial) if self._proof else self._by_luck(trial)
        return not self._proved[trial]

    def refusal(self, tried: Iterable[Trial]) -> str:
        """Return what is worse after the first of some trials that makes anything worse."""
        said = (
            f"{NO_BETTER}{code(trial)}: {worse[trial]}"
            for worse in (self._proved, self._worse)
            for trial in tried
            if worse.get(trial)
        )
        return next(said, "") if self._proof else ""

    def instead(self, some: Sequence[Finding]) -> str:
        """Return which change of the module mends what no draw does, or which don't either."""
        tried = []
        self._ask(lambda proof: proof.before)  # while the module is as it was found
        for change in changes(some, self.patient):
            tried.append(change.told)
            if self._does(change, some):
                return f"what does, tried: {change.told}"
        return f"nor does {' or '.join(tried)}" if tried else ""

    def _does(self, change: Change, some: Sequence[Finding]) -> bool:
        """Return whether some findings are gone after a change, and nothing is worse."""
        proof = self._proof
        with _as_it_was(self.patient.model), change.made():
            try:
                if proof is not None and proof.begins_worse():
                    return False
                _, found = self.patient.again()
                left = frozenset(map(fault, found))
                return self._clears(left, some) and not (proof and proof.ends_worse())
            except Exception:  # the module may refuse the change in any way
                return False

    def _clears(self, found: frozenset[_Fault] | None, some: Sequence[Finding]) -> bool:
        return found is not None and found <= self._before and found.isdisjoint(map(fault, some))

    def _ask(self, of: Callable[[Proof], object]) -> None:
        """Ask of the module as it was found; where that can't be trained, nothing can be proved."""
        if self._proof is None:
            return
        with _as_it_was(self.patient.model):
            try:
                of(self._proof)
            except Exception as error:  # a user's module and loss may raise anything
                self._proof = None
                self.unproved = f"{NOT_ASKED}: a step of it raises {type(error).__name__}"

    def _left_by(self, trial: Trial, seed: int) -> frozenset[_Fault] | None:
        """Return what is found after a draw; None where it fails, or where its cost is worse."""
        model = self.patient.model
        with _as_it_was(model):
            try:
                _draw(trial, self.patient, seed)
                numbers = _numbers(model)
                if all(map(torch.equal, numbers, self._found)):
                    return self._before  # as where biases that are 0 become 0
                worse = self._erased(trial)
                worse = worse or (self._proof.begins_worse() if self._proof else "")
                if worse:
                    self._worse[trial] = worse
                    return None
                self._kept = trial, numbers
                layers, found = self.patient.again()
                self.layers.setdefault(trial, layers)
                return frozenset(map(fault, found))
            except Exception:  # with other weights the module and the loss may raise anything
                return None

    def _erased(self, trial: Trial) -> str:
        """Return which bias that is meant to be as it is a draw of the whole module has changed."""
        if trial.scheme == "keep":
            return ""
        now = dict(self.patient.inner.named_parameters(remove_duplicate=False))
        changed = (name for name, was in self._meant.items() if not torch.equal(now[name], was))
        name = next(changed, "")
        return f"it changes {name}, which was set on purpose" if name else ""

    def _training_of(self, trial: Trial) -> str:
        """Return in what short trainings are worse after a trial; nothing where they aren't."""
        if self._proof is None or sum(map(bool, self._proved.values())) >= _MOST_PROOFS:
            return "others were tried first"
        with _as_it_was(self.patient.model):
            try:
                if self._kept is not None and self._kept[0] == trial:
                    for tensor, numbers in zip(
                        _tensors(self.patient.model), self._kept[1], strict=True
                    ):
                        tensor.data.copy_(numbers)
                else:
                    _draw(trial, self.patient, _SEEDS[0])
                return self._proof.ends_worse()
            except Exception as error:  # as above
                return f"it raises {type(error).__name__}"

    def _by_luck(self, trial: Trial) -> str:
        """Return what another draw does worse: what a random matrix does many times over, say."""
        again = self._left_by(trial, _SEEDS[1])
        return "" if again is not None and again <= (self.left[trial] or frozenset()) else "luck"


def _set_on_purpose(patient: Patient, found: set[str]) -> dict[str, Tensor]:
    """Return the biases that someone set, but for those of layers where something was found."""
    try:
        listed = patient.listed
    except ArgumentError:  # nothing that initialize refuses is drawn either
        return {}
    return {
        one.name: one.tensor.detach().clone()
        for one in listed
        if one.role == "bias" and one.layer not in found and on_purpose(one) is not None
    }


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*model.parameters(), *model.buffers()]


def _numbers(model: nn.Module) -> list[Tensor]:
    return [tensor.detach().clone() for tensor in _tensors(model)]


def _draw(trial: Trial, patient: Patient, seed: int) -> None:
    rules = dict(trial.rules)
    if not trial.looks:
        initialize(patient.inner, trial.scheme, seed=seed, rules=rules)
        return
    seen, inputs = partial(getattr, patient, "structure"), patient.inputs()
    draw(patient.inner, trial.scheme, seen, seed=seed, rules=rules, inputs=inputs)


@contextmanager
def _as_it_was(model: nn.Module) -> Iterator[None]:
    with (
        _counts_as_they_were(model),
        modules_as_they_were(model),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.compiler.set_stance("force_eager"),
    ):
        yield


@contextmanager
def _counts_as_they_were(model: nn.Module) -> Iterator[None]:
    """Hide from autograd that weights change: at the end they are those it knows."""
    with ExitStack() as stack:
        for tensor in _tensors(model):
            if not tensor.is_inference():
                counted = _unsafe_preserve_version_counter(tensor)
                stack.enter_context(counted)
        yield
