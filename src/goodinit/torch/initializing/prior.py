"""The scheme "prior": last biases at which the first outputs are the best guess without inputs."""

from math import log
from typing import Any

import numpy as np
import torch
from torch import Tensor

from goodinit.errors import bad_argument, number
from goodinit.network import Network, base_rate
from goodinit.torch.initializing.auto import place_of
from goodinit.torch.initializing.fans import Parameter
from goodinit.torch.initializing.schemes import Choice, Recipe, copied, keep
from goodinit.torch.initializing.structure import Structure

_TAKES = "targets: classes, one for each example, or numbers, as many for each as there are outputs"


def prior(
    listed: list[Parameter], places: Structure, targets: object, rate: float | None = None
) -> Recipe:
    """Return the recipe that sets the biases of the output layers, and leaves all else alone.

    Parameters
    ----------
    listed : list of Parameter
    places : Structure
    targets : array or tensor, optional
        Classes: the logarithms of their frequencies, the logit for a single output (a class without
        examples counts as half of one). Numbers: the mean of each output, or its logit where there
        are only 0 and 1.
    rate : float, optional
        Between 0 and 1, instead: the logit of it at each output.

    Raises
    ------
    ArgumentError
        Where there is neither, no output layer has a bias, or targets don't fit the outputs.

    References
    ----------
    Lin et al. 2017, Focal loss for dense object detection, section 3.3, with a rate of 0.01.
    """
    if (rate is None) == (targets is None):
        takes = "one of targets and a rate: targets=y, or the scheme 'prior(base_rate=0.01)'"
        raise bad_argument("scheme", "prior", takes)
    ends = {
        parameter.name
        for parameter in listed
        if parameter.role == "bias" and place_of(parameter, places).output
    }
    if not ends:
        raise bad_argument("scheme", "prior", "a model whose output layer has a bias")
    at_rate = logit(rate)

    def choose(parameter: Parameter, named: bool) -> Choice:
        if parameter.name not in ends:
            return keep(parameter)
        if at_rate is not None:
            values = torch.full(parameter.tensor.shape, at_rate)
            return Choice("prior", copied(values), f"logit of {rate:g}")
        return Choice("prior", copied(_at_rates(targets, len(parameter.tensor))), "from targets")

    return choose


def logit(base_rate: float | None = None) -> float | None:
    """Return the logit of a rate, None without one.

    Raises
    ------
    ArgumentError
        Where it isn't between 0 and 1.

    Examples
    --------
    >>> round(logit(0.01), 3)
    -4.595
    """
    if base_rate is None:
        return None
    takes = "a number between 0 and 1"
    rate = number("base_rate", base_rate, takes, lambda value: 0 < value < 1)
    return log(rate / (1 - rate))


def _at_rates(targets: Any, outputs: int) -> Tensor:
    try:
        y = torch.as_tensor(targets).detach().cpu()
    except (TypeError, ValueError, RuntimeError):
        raise bad_argument("targets", targets, _TAKES) from None
    if y.is_floating_point():
        return torch.from_numpy(_of_numbers(y.double().numpy(), outputs))
    if y.is_complex() or not y.numel():
        raise bad_argument("targets", f"{y.dtype} of shape {tuple(y.shape)}", _TAKES)
    classes = y.flatten().long().numpy()
    classes = classes[classes >= 0]  # losses ignore the others
    most = max(outputs, 2)
    if not len(classes) or classes.max() >= most:
        raise bad_argument("targets", f"classes to {y.max()}", f"classes from 0 to {most - 1}")
    kind = "softmax" if outputs > 1 else "sigmoid"
    return torch.from_numpy(base_rate(Network((1, outputs), output=kind), classes))


def _of_numbers(y: Any, outputs: int) -> Any:
    columns = y.reshape(-1, outputs) if outputs == 1 or y.shape[-1:] == (outputs,) else None
    if columns is None or not len(columns) or not np.isfinite(columns).all():
        raise bad_argument("targets", f"numbers of shape {y.shape}", _TAKES)
    if not np.isin(columns, (0, 1)).all():
        return columns.mean(axis=0)
    network = Network((1, 1), output="sigmoid")
    return np.concatenate([base_rate(network, column) for column in columns.T])
