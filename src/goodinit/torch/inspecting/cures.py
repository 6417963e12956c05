"""What mends a finding: initializations are tried, and the first that does is its cure."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import torch
from torch import nn
from torch.autograd.grad_mode import _unsafe_preserve_version_counter

from goodinit.torch.initializing.initialization import initialize
from goodinit.torch.inspecting.passage import Finding
from goodinit.torch.inspecting.remedies import Patient, Trial, code, trials
from goodinit.torch.state import modules_as_they_were

_SEEDS = (0, 1)  # of the draws that must mend; the first is that of a pasted line
FROZEN = "its weights are frozen: no initialization may touch them while requires_grad is False"
NOTHING_MENDS = "no initialization that was tried mends it"


def seek(
    patient: Patient, here: Sequence[Finding], wanted: Sequence[Finding]
) -> tuple[Finding, ...]:
    """Return the wanted ones of a module's findings, each with the first trial that mends it.

    It mends one if that is gone when the module is inspected again, and no other has come. A trial
    that mends all findings of a label goes before smaller ones that mend but some of them, and one
    that mends all that was found is the cure of all. The module is as it was afterwards.

    Parameters
    ----------
    patient : Patient
    here : sequence of Finding
        All that were found in it.
    wanted : sequence of Finding
        Those of them that are to be mended.
    """
    left: dict[Trial, frozenset[_Fault] | None] = {}
    before = frozenset(map(fault, here))

    def mends(trial: Trial, some: Sequence[Finding]) -> bool:
        if trial not in left:
            left[trial] = _left_by(trial, patient)
        found = left[trial]
        return found is not None and found <= before and found.isdisjoint(map(fault, some))

    frozen = [one for one in wanted if _frozen(patient, one)]
    cures: dict[_Fault, Trial | None] = dict.fromkeys(map(fault, frozen))
    for label in dict.fromkeys(one.label for one in wanted if one not in frozen):
        same = [one for one in here if one.label == label and not _frozen(patient, one)]
        tried = list(trials(label, [one.layer for one in same], patient))
        best = next((trial for trial in tried if mends(trial, same)), None)
        for one in same:
            own = best or next((trial for trial in tried if mends(trial, [one])), None)
            cures[fault(one)] = own
    for trial in filter(None, cures.values()):
        if left[trial] == frozenset():  # one cause, and what follows from it
            cures = {key: trial if own else None for key, own in cures.items()}
            break
    return tuple(_with_cure(one, cures[fault(one)], patient) for one in wanted)


_Fault = tuple[str, str]


def fault(finding: Finding) -> _Fault:
    """Return the layer and the label, which tell one finding from another."""
    return finding.layer, finding.label


def _with_cure(one: Finding, trial: Trial | None, patient: Patient) -> Finding:
    if trial is not None:
        return replace(one, cure=code(trial))
    return replace(one, remark=FROZEN if _frozen(patient, one) else NOTHING_MENDS)


def _frozen(patient: Patient, one: Finding) -> bool:
    """Return whether a layer has parameters, and none of them may change."""
    own = [
        tensor
        for name, tensor in patient.model.named_parameters(remove_duplicate=False)
        if name.rpartition(".")[0] == one.layer
    ]
    return bool(own) and not any(tensor.requires_grad for tensor in own)


# --- A trial ---


def _left_by(trial: Trial, patient: Patient) -> frozenset[_Fault] | None:
    """Return what is found after either of two draws; None where one fails.

    Some schemes mend only by luck: what a random matrix does thirty times over, for one.
    """
    left: frozenset[_Fault] = frozenset()
    for seed in _SEEDS:
        found = _left_by_one_draw(trial, patient, seed)
        if found is None:
            return None
        left |= found
    return left


def _left_by_one_draw(trial: Trial, patient: Patient, seed: int) -> frozenset[_Fault] | None:
    inputs = patient.inputs() if trial.looks else None
    with (
        _counts_as_they_were(patient.model),
        modules_as_they_were(patient.model),
        torch.inference_mode(False),
        torch.enable_grad(),
    ):
        try:
            rules = dict(trial.rules)
            initialize(patient.model, trial.scheme, seed=seed, rules=rules, inputs=inputs)
            return frozenset(map(fault, patient.again()))
        except Exception:  # with other weights the module and the loss may raise anything
            return None


@contextmanager
def _counts_as_they_were(model: nn.Module) -> Iterator[None]:
    """Hide from autograd that weights change: at the end they are those it knows."""
    with ExitStack() as stack:
        for tensor in (*model.parameters(), *model.buffers()):
            if not tensor.is_inference():
                counted = _unsafe_preserve_version_counter(tensor)
                stack.enter_context(counted)
        yield
