"""Modules of several sizes, trained for a few steps, and what the slopes of their scales say."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from goodinit import datasets
from goodinit.errors import ArgumentError, bad_argument, bad_name, number, whole
from goodinit.study.trials import read_seeds, several
from goodinit.torch.inspecting.costs import usual_loss
from goodinit.torch.scaling.measuring import Loss, measure
from goodinit.torch.scaling.pictures import plot_scaling
from goodinit.torch.scaling.slopes import exponent, why_none
from goodinit.torch.state import generators_as_they_were

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALES = ("start", "change", "own", "passed")
OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}

_FLAT = 0.15  # an exponent within ± this carries over: doubling the size changes 11 %
_MOST_EXAMPLES = 256
_FEWEST_SIZES = 3


@dataclass(frozen=True, repr=False)
class Scaling:
    """How each layer's scales follow a module's size; made by ``scale``.

    Attributes
    ----------
    axis : {"width", "depth"}
    measured : DataFrame
        A row per layer, size and seed: ``layer, size, seed, start, change, own, passed``.
    layers : DataFrame
        A row per layer: the exponent of each scale, its 95 % interval over the seeds
        (``..._low, ..._high``), why there is none (``..._none``: "diverges at width 512", "is zero
        at every width"; empty where there is one), and ``verdict``: "carries over", "grows",
        "shrinks", "diverges" or "unclear".
    """

    axis: str
    measured: pd.DataFrame
    layers: pd.DataFrame

    @property
    def sentences(self) -> tuple[str, ...]:
        """What there is to say of each layer."""
        return tuple(_say(row, self.axis) for row in self.layers.to_dict("records"))

    def __repr__(self) -> str:
        return "\n".join(self.sentences)

    def plot(self) -> "Figure":
        """Draw each layer's scales against the size."""
        return plot_scaling(self.measured, self.layers, self.axis)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold; a number that is none is None."""
        rows = self.layers.astype(object).where(self.layers.notna(), None).to_dict("records")
        sizes = [int(size) for size in self.measured["size"].unique()]
        return {
            "axis": self.axis,
            "sizes": sizes,
            "layers": rows,
            "sentences": list(self.sentences),
        }


def scale(
    build: Callable[[int], nn.Module],
    data: Any,
    *,
    widths: Sequence[int] | None = None,
    depths: Sequence[int] | None = None,
    steps: int = 4,
    seeds: int | Sequence[int] = 5,
    optimizer: str | Callable[[nn.Module], Optimizer] = "adam",
    learning_rate: float = 0.001,
    loss: Loss | None = None,
) -> Scaling:
    """Say how each layer's output, and its change in an update, follow the module's size.

    The coordinate check of Yang et al. 2022, on any module and without base shapes: where a change
    grows with width, a learning rate that suits a narrow module is too large for a wide one.

    Parameters
    ----------
    build : callable
        ``build(width)`` (or ``build(depth)``) returns a new module.
    data : (inputs, targets), or what ``goodinit.datasets.load`` takes
        One batch, on which every step is made; of a data set the first 256 training examples.
    widths, depths : sequence of int
        At least three sizes, of one of the two. [default: widths 64, 128, 256, 512]
    steps : int
        Updates, over which changes are averaged.
    seeds : int or sequence of int
        How many modules of each size, or their seeds.
    optimizer : str or callable
        "sgd", "adam", "adamw"; or what makes an optimizer of a module, with learning rates of its
        own.
    learning_rate : float
    loss : callable, optional
        ``loss(outputs, targets)``. Where not given, what suits the targets: cross-entropy for
        classes, half the squared error for numbers.

    Returns
    -------
    Scaling

    Raises
    ------
    ArgumentError
        For the first argument that cannot be used.

    References
    ----------
    Yang et al. 2022, Tensor Programs V, section D.1; Haas et al. 2025 for a change's two parts.

    Examples
    --------
    >>> def build(width):
    ...     return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))
    >>> found = scale(build, "digits", widths=(32, 64, 128), steps=2, seeds=2)
    >>> list(found.layers["layer"])
    ['0', '2']
    """
    axis, sizes = _sizes(widths, depths)
    count, chosen = whole("steps", steps, at_least=1), read_seeds(seeds)
    rate = number("learning_rate", learning_rate, "a number above 0", lambda n: n > 0)
    make = _optimizer(optimizer, rate)
    if not callable(build):
        raise bad_argument("build", build, "a function of one size that returns a torch.nn.Module")
    inputs, targets = _batch(data)
    for name, of in (("inputs", inputs), ("targets", targets)):
        if of.is_floating_point() and not bool(torch.isfinite(of).all()):
            raise bad_argument("data", f"{name} that are NaN or infinite", "finite numbers")
    rows = []
    with generators_as_they_were():
        for size in sizes:
            for seed in chosen:
                torch.manual_seed(seed)
                np.random.seed(seed % 2**32)  # noqa: NPY002  # a build of the user's may draw from it
                module = _built(build, size)
                optimizes = make(module)
                if not isinstance(optimizes, Optimizer):
                    raise bad_argument("optimizer", optimizes, "what returns a torch Optimizer")
                try:
                    cost = loss or _usual(module, inputs, targets)
                    found = measure(
                        module, inputs, targets, loss=cost, optimizer=optimizes, steps=count
                    )
                except (RuntimeError, ValueError, IndexError, TypeError) as error:
                    if isinstance(error, ArgumentError):
                        raise
                    raise _unfit(f"a module of size {size}", error) from error
                rows += [
                    {"layer": name, "size": size, "seed": seed, **scales}
                    for name, scales in found.items()
                ]
    measured = pd.DataFrame(rows)
    present = measured.groupby("layer")["size"].nunique()
    common = present.index[present == len(sizes)]
    measured = measured[measured["layer"].isin(common)].reset_index(drop=True)
    if measured.empty:
        raise bad_argument("build", build, "modules that share layers of one name")
    return Scaling(axis, measured, _tabulate(measured, axis))


def _built(build: Callable[[int], nn.Module], size: int) -> nn.Module:
    try:
        module = build(size)
    except Exception as error:  # a function of the user's own may raise anything
        raise _unfit(f"build({size})", error) from error
    if not isinstance(module, nn.Module):
        raise bad_argument("build", module, "a function that returns a torch.nn.Module")
    return module


def _unfit(what: str, error: Exception) -> ArgumentError:
    said = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return bad_argument("build", f"{what}, which raises {said}", "modules that train on these data")


def _tabulate(measured: pd.DataFrame, axis: str) -> pd.DataFrame:
    rows = []
    for name, of in measured.groupby("layer", sort=False):
        row: dict[str, Any] = {"layer": name}
        for column in SCALES:
            table = of.pivot(index="seed", columns="size", values=column)
            scales = table.to_numpy(dtype=float)
            fitted = exponent(table.columns.to_numpy(dtype=float), scales)
            row |= dict(zip((column, f"{column}_low", f"{column}_high"), fitted, strict=True))
            row[f"{column}_none"] = why_none(axis, [int(size) for size in table.columns], scales)
        rows.append(row | {"verdict": _verdict(row)})
    return pd.DataFrame(rows)


def _verdict(row: dict[str, Any]) -> str:
    low, high = row["change_low"], row["change_high"]
    if row["change_none"].startswith("diverges"):
        return "diverges"
    if np.isnan([low, high]).any():
        return "unclear"
    if low > _FLAT:
        return "grows"
    if high < -_FLAT:
        return "shrinks"
    return "carries over" if low >= -_FLAT and high <= _FLAT else "unclear"


def _say(row: dict[Any, Any], axis: str) -> str:
    change = f"{row['layer']}: its output's change"
    if row["change_none"]:
        return f"{change} {row['change_none']}: no slope"
    power = f"{axis}^{places(row['change'])}"
    if np.isnan(row["change_low"]):
        return f"{change} follows the {axis} like {power} in one seed, which gives no interval"
    how = f"{power} ({places(row['change_low'])} to {places(row['change_high'])})"
    verdict = row["verdict"]
    if verdict == "carries over":
        return f"{change} stays as it is, {how}: this learning rate carries over"
    if verdict == "unclear":
        return f"{row['layer']}: how its output's change follows the {axis} isn't clear: {how}"
    return f"{change} {verdict} like {how}: this learning rate won't carry over; {_mend(row, axis)}"


def _mend(row: dict[Any, Any], axis: str) -> str:
    """Return which of a change's two parts makes its slope, and what would level it."""
    grows, own, passed = row["verdict"] == "grows", row["own"], row["passed"]
    most = f"what {row['verdict']} most is"
    if np.isnan(own) or (passed > own if grows else passed < own):
        return f"{most} what the layers before it pass on"
    level = f"its own update, which a rate that goes like {axis}^{places(-own)} would level"
    return f"{most} {level}{', as μP has it' if axis == 'width' else ''}"


def places(power: float) -> str:
    """Return an exponent with two decimal places, none of them a 0 below 0."""
    return f"{round(power, 2) + 0.0:.2f}"


def _sizes(
    widths: Sequence[int] | None, depths: Sequence[int] | None
) -> tuple[str, tuple[int, ...]]:
    if widths is not None and depths is not None:
        raise bad_argument("depths", depths, "nothing where widths are given")
    axis = "width" if depths is None else "depth"
    given = (64, 128, 256, 512) if widths is None and depths is None else widths or depths
    sizes = [whole(f"{axis}s", size, at_least=1) for size in several(f"{axis}s", given)]
    if len(set(sizes)) < _FEWEST_SIZES:
        raise bad_argument(f"{axis}s", given, f"at least {_FEWEST_SIZES} different sizes")
    return axis, tuple(sorted(set(sizes)))


def _optimizer(
    optimizer: str | Callable[[nn.Module], Optimizer], rate: float
) -> Callable[[nn.Module], Optimizer]:
    if callable(optimizer):
        return optimizer
    if optimizer not in OPTIMIZERS:
        raise bad_name("optimizer", str(optimizer), OPTIMIZERS)
    kind: Any = OPTIMIZERS[optimizer]

    def make(module: nn.Module) -> Optimizer:
        made: Optimizer = kind(module.parameters(), lr=rate)
        return made

    return make


def _usual(module: nn.Module, inputs: Tensor, targets: Tensor) -> Loss:
    with torch.no_grad():
        return usual_loss(module(inputs), targets)


def _batch(data: Any) -> tuple[Tensor, Tensor]:
    if isinstance(data, tuple | list) and len(data) == 2 and isinstance(data[0], Tensor):
        return data[0], torch.as_tensor(data[1])
    found = datasets.load(data)
    X = torch.as_tensor(found.X_train[:_MOST_EXAMPLES], dtype=torch.get_default_dtype())
    y = torch.as_tensor(found.y_train[:_MOST_EXAMPLES])
    return X, y.to(X.dtype) if found.task == "regression" else y.long()
