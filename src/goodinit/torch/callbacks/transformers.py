"""A callback of the trainer of Hugging Face that inspects a model before its first step."""

from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from goodinit.torch.callbacks.telling import OnFinding, check_way, tell_findings
from goodinit.torch.inspecting.asking import call
from goodinit.torch.inspecting.inspecting import inspect
from goodinit.torch.inspecting.nested import mapped
from goodinit.torch.inspecting.report import Report
from goodinit.torch.state import generators_as_they_were

try:
    from transformers import TrainerCallback
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "goodinit.torch.callbacks.transformers needs transformers: "
        "pip install 'goodinit[transformers]'",
        name="transformers",
    ) from None


class Inspection(TrainerCallback):
    """Inspects a model on a batch of its training data, in training mode, by its own loss.

    The batch is drawn past the trainer's loader, whose order and random numbers stay what they
    were: training goes on to the same bits.

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
    ``Trainer(model, args, train_dataset=data, callbacks=[Inspection(on_finding="raise")])``
    """

    def __init__(self, on_finding: OnFinding = "warn", *, cures: str | bool = False) -> None:
        super().__init__()
        check_way(on_finding)
        self.on_finding, self.cures = on_finding, cures
        self.report: Report | None = None

    def on_train_begin(  # type: ignore[no-untyped-def]  # as the library has it
        self, args, state, control, model=None, train_dataloader=None, **kwargs
    ) -> None:
        """Inspect, once, where training begins and doesn't go on from a checkpoint."""
        begun = self.report is not None or state.global_step or not state.is_world_process_zero
        if begun or model is None or train_dataloader is None:
            return
        with generators_as_they_were():
            batch = _batch(train_dataloader, args.per_device_train_batch_size)
        home = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
        given = [mapped(partial(Tensor.to, device=home), batch)]
        self.report = inspect(model, given, cures=self.cures, call=_in_training)
        tell_findings(self.report, self.on_finding)


def _batch(loader: Any, size: int) -> Any:
    """Return a batch that the loader didn't yield: the same draw each time, or the first ones."""
    data = loader.dataset
    if hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        places = np.random.default_rng(0).permutation(len(data))[:size]
        rows = [data[int(place)] for place in places]
    else:
        rows = list(islice(iter(data), size))
    return loader.collate_fn(rows)


def _in_training(module: nn.Module, inputs: Any) -> Any:
    module.train()  # inspecting puts its mode back
    return call(module, inputs)
