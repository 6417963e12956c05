"""A callback of PyTorch Lightning that inspects a module before its first step."""

import inspect as signatures
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from torch import nn

from goodinit.torch.callbacks.telling import OnFinding, check_way, tell_findings
from goodinit.torch.inspecting.inspecting import inspect
from goodinit.torch.inspecting.report import Report

_NAMES = ("lightning.pytorch", "pytorch_lightning")  # the same library, of two packages


def _library() -> Any:
    """Return the package of the two that the user has imported, or else has installed."""
    for name in sorted(_NAMES, key=lambda one: one not in sys.modules):
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            if (error.name or "") not in name:
                raise
    said = "goodinit.torch.callbacks.lightning needs Lightning: pip install 'goodinit[lightning]'"
    raise ModuleNotFoundError(said, name="lightning")


_Callback: Any = _library().Callback


class Inspection(_Callback):  # type: ignore[misc]  # whichever of two packages it is of
    """Inspects a ``LightningModule`` on the first batch that it trains on.

    Its ``training_step`` is called once, and the loss that it returns goes back once; what it logs
    isn't logged. Afterwards all is as it was: training goes on to the same bits. A module that
    steps its optimizers itself is called by its ``forward`` instead.

    Parameters
    ----------
    on_finding : {"warn", "raise", "ignore"} or callable
        What is done where something is wrong; a callable is given the report.
    cures : {"proved", "quick", "none"} or bool
        Whether what mends it is sought as well, by passes and short trainings that leave no trace.

    Attributes
    ----------
    report : Report or None
        None before training has begun.

    Examples
    --------
    ``Trainer(callbacks=[Inspection(on_finding="raise")])``
    """

    def __init__(self, on_finding: OnFinding = "warn", *, cures: str | bool = False) -> None:
        super().__init__()
        check_way(on_finding)
        self.on_finding, self.cures = on_finding, cures
        self.report: Report | None = None

    def on_train_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        """Inspect, once, where training begins and doesn't go on from a checkpoint."""
        if self.report is not None or trainer.global_step or not trainer.is_global_zero:
            return
        with _silent(pl_module):
            if pl_module.automatic_optimization:
                asked: dict[str, Any] = {"loss": "model", "call": _training_step}
                self.report = inspect(pl_module, (batch,), cures=self.cures, **asked)
            else:
                self.report = inspect(pl_module, [batch], cures=self.cures)
        tell_findings(self.report, self.on_finding)


def _training_step(module: nn.Module, inputs: tuple[Any]) -> Any:
    step: Any = module.training_step
    takes = signatures.signature(step).parameters
    said = step(inputs[0], 0) if len(takes) > 1 else step(inputs[0])
    return said["loss"] if isinstance(said, dict) else said


@contextmanager
def _silent(module: nn.Module) -> Iterator[None]:
    """Let nothing be logged meanwhile: it is no step of training."""
    names = ("log", "log_dict")
    for name in names:
        setattr(module, name, _nothing)
    try:
        yield
    finally:
        for name in names:
            delattr(module, name)


def _nothing(*_: Any, **__: Any) -> None:
    """Log nothing."""
