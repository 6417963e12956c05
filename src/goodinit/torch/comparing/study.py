"""What is compared of a PyTorch module: the grid of trials, and how each is made and measured."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from threading import Lock
from typing import Any, Literal, Required, TypedDict, get_type_hints

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from goodinit.errors import bad_argument
from goodinit.measuring.signals import LAYER_SIGNALS
from goodinit.measuring.stability import bend_moments
from goodinit.measuring.tables import (
    Measured,
    Networks,
    curves_table,
    merge,
    sharpness_table,
    signals_table,
    trials_table,
)
from goodinit.store.description import check_groups, inside
from goodinit.store.written import DESCRIPTION
from goodinit.study.trials import Trial, describe_grid
from goodinit.torch.comparing.budget import rows_looked_at
from goodinit.torch.comparing.engines import Loss
from goodinit.torch.comparing.examples import Examples
from goodinit.torch.comparing.inputs import Inputs, give_shapes, given, own_cost
from goodinit.torch.comparing.stability import bend_of
from goodinit.torch.comparing.training import OPTIMIZERS, ModuleTraining, train
from goodinit.torch.inspecting.costs import OWN
from goodinit.torch.inspecting.inspecting import inspect
from goodinit.torch.state import generators_as_they_were

# Initializes a module, from some inputs, all targets and a seed.
Prepare = Callable[[nn.Module, Any, Any, int], None]

_ONE_AT_A_TIME = Lock()  # what modules draw from is the process's, not the thread's
_DRAWN_BY = 256  # training examples that initializers may look at
_TOGETHER = 2**28  # bytes of parameters, with what their optimizer remembers
_MOST_TOGETHER = 32
_COPIES = 6  # of the parameters, that training several modules at once holds


@dataclass(frozen=True)
class Initializer:
    """What initializes a module, and what it is called."""

    name: str
    prepare: Prepare = field(repr=False, compare=False)


@dataclass(frozen=True)
class Work:
    """What it takes to train a module: where it comes from, on what, and towards what.

    ``outputs`` is how many numbers the module says of one example; ``others`` are the examples of
    further splits.
    """

    build: Callable[[], nn.Module]
    examples: Examples
    loss: Loss
    outputs: int = 1
    others: tuple[Examples, ...] = ()

    @property
    def train_part(self) -> tuple[Inputs, Tensor]:
        """Training examples and their targets."""
        return self.examples.X_train, self.examples.y_train


@dataclass(frozen=True)
class ModuleStudy:
    """The grid of trials on a module; made by ``goodinit.torch.compare``, which checks it.

    Attributes
    ----------
    facts : dict
        What is known of module and data, in plain values: ``module`` (its name), ``parameters``
        (how many), ``data`` (their description and fingerprint), ``task``, ``loss``, ``chance``;
        where there are several, ``splits``, with those of the others.
    training : ModuleTraining
    schemes : tuple of Initializer
    learning_rates : tuple of float
    seeds : tuple of int
    work : Work or None
        None in a study that was read from a folder, which can only be looked at.
    """

    facts: dict[str, Any]
    training: ModuleTraining
    schemes: tuple[Initializer, ...]
    learning_rates: tuple[float, ...]
    seeds: tuple[int, ...]
    work: Work | None = field(default=None, repr=False, compare=False)

    @property
    def splits(self) -> int:
        """How many splits there are; seed s belongs to split s mod as many."""
        return 1 + len(self.facts["splits"]["others"]) if "splits" in self.facts else 1

    @property
    def test_share(self) -> float:
        """The part of the examples that each of several splits tests on; see ``Splits``."""
        return float(self.facts["splits"]["test_share"]) if "splits" in self.facts else 0.0

    def on(self, split: int) -> "ModuleStudy":
        """Return the study of one split alone."""
        if self.splits == 1:
            return self
        work = self._work
        seeds = tuple(seed for seed in self.seeds if seed % self.splits == split)
        own = replace(work, examples=(work.examples, *work.others)[split], others=())
        facts = {name: of for name, of in self.facts.items() if name != "splits"}
        if self.in_units is not None:
            one = {
                name: of[split : split + 1] if isinstance(of, list) else of
                for name, of in self.in_units.items()
            }
            facts["data"] = {**facts["data"], "in_units": one}
        return replace(self, facts=facts, seeds=seeds, work=own)

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """Every trial, seed by seed: a study that is cut short has whole pairs."""
        return tuple(
            Trial(scheme.name, rate, seed)
            for seed, scheme, rate in product(self.seeds, self.schemes, self.learning_rates)
        )

    @property
    def task(self) -> str:
        """What there is to learn, as of a ``Dataset``."""
        return str(self.facts["task"])

    @property
    def in_units(self) -> dict[str, Any] | None:
        """How standardised targets spread in their own units; see ``examples.in_units``."""
        found: dict[str, Any] | None = self.facts["data"].get("in_units")
        return found

    @property
    def chance(self) -> float:
        """The cost of the best answer that doesn't look at the example.

        NaN where it is unknown, or not above 0: then no cost is a part of it.
        """
        found = self.facts["chance"]
        return float(found) if found is not None and found > 0 else float("nan")

    @property
    def has_boundaries(self) -> bool:
        """No: what a module makes of its inputs isn't drawn."""
        return False

    @property
    def input_rms(self) -> float:
        """NaN: each layer's own input is measured instead."""
        return float("nan")

    @property
    def title(self) -> str:
        """Module and data, in a few words."""
        return f"{self.facts['module']} on {self.facts['data']['name']}"

    @property
    def headline(self) -> str:
        """Data, module and training in one line."""
        said = self.facts
        return (
            f"{said['data']['described']} · {said['module']}, {said['parameters']:,} parameters, "
            f"{said['loss']} · {self.training}"
        )

    def describe(self) -> str:
        """Return data, module, training and seeds in one line."""
        return f"{self.headline} · {describe_grid(self)}"

    def as_dict(self) -> dict[str, Any]:
        """Return what was run, in plain values that JSON can hold."""
        return {
            "data": self.facts["data"],
            "module": {name: self.facts[name] for name in ("module", "parameters", "loss")},
            "training": self.training.as_dict(),
            "initializers": [scheme.name for scheme in self.schemes],
            "learning_rates": list(self.learning_rates),
            "seeds": list(self.seeds),
            "splits": self.splits,
        }

    def identity(self) -> dict[str, Any]:
        """Return what every run in one folder must agree in, and what it tells besides."""
        said = self.as_dict()
        kept = {name: said[name] for name in ("data", "module", "training")}
        known = {
            name: of for name, of in self.facts.items() if name in ("task", "chance", "splits")
        }
        return {"kind": "module", **kept, **known}

    @property
    def trials_per_batch(self) -> int:
        """How many trials are trained at once, by what their parameters take."""
        each = 4 * _COPIES * int(self.facts["parameters"])
        return int(max(1, min(_MOST_TOGETHER, _TOGETHER // each)))

    def largest_weights(self, name: str, seed: int) -> list[float]:
        """Return the largest of each parameter: by these an initializer is known again."""
        made = self.made(Trial(name, self.learning_rates[0], seed))
        return [float(parameter.detach().abs().max()) for parameter in made.parameters()]

    def made(self, trial: Trial) -> nn.Module:
        """Return the module that a trial starts from.

        It is built after the generators of PyTorch, NumPy and Python were seeded, whose states stay
        as they were.
        """
        prepare = {scheme.name: scheme.prepare for scheme in self.schemes}[trial.initializer]
        work = self._work
        with seeded(trial.seed):
            module = work.build()
            inputs, targets = work.examples.X_train[:_DRAWN_BY], work.examples.y_train
            give_shapes(module, inputs)
            prepare(module, given(inputs), targets, trial.seed)
        return module.to(self.training.device)

    @property
    def _work(self) -> Work:
        if self.work is None:
            takes = "a study with its module: give `compare` the function that makes it again"
            raise bad_argument("model_factory", None, takes)
        return self.work

    def measure(
        self, trials: Sequence[Trial], progress: Callable[[int], None], *, networks: bool
    ) -> Measured:
        """Train some trials, those of one learning rate together, and return what was measured.

        On one thread of PyTorch's, since on several the last bits follow from how many there are.
        """
        by_rate = {
            rate: [trial for trial in trials if trial.learning_rate == rate]
            for rate in dict.fromkeys(trial.learning_rate for trial in trials)
        }
        with _ONE_AT_A_TIME, _one_thread():
            parts = [self._measure(of, progress, networks=networks) for of in by_rate.values()]
        return merge(parts)

    def _measure(
        self, trials: Sequence[Trial], progress: Callable[[int], None], *, networks: bool
    ) -> Measured:
        """Train and measure trials of one learning rate."""
        moments, work, rate = self.training.moments, self._work, trials[0].learning_rate
        X_all, _ = work.train_part
        batch = min(self.training.batch_size or len(X_all), len(X_all))
        rows = rows_looked_at(self.training.iterations, batch, work.outputs)
        X = X_all[:rows].to(self.training.device)
        y = work.train_part[1][:rows].to(self.training.device)
        ends, bends = (moments[0], moments[-1]), bend_moments(moments)
        layers: dict[tuple[int, int], pd.DataFrame] = {}
        bend = np.full((2, len(trials), len(bends)), np.nan)  # sharpness, and stability

        def observe(
            iteration: int, index: int, module: nn.Module, squares: Sequence[Tensor]
        ) -> None:
            if iteration in ends:
                layers[index, iteration] = _look(module, X, y, work.loss, rate)
            if iteration in bends:
                bend[:, index, bends.index(iteration)] = bend_of(
                    *(module, X, y, work.loss, self.training),
                    squares=squares,
                    moment=iteration,
                    batch=batch,
                )

        modules = [self.made(trial) for trial in trials]
        history = train(
            modules,
            [trial.seed for trial in trials],
            rate,
            work.examples,
            work.loss,
            self.training,
            observe=observe,
            progress=progress,
        )
        seen = [[layers[index, end] for end in ends] for index in range(len(trials))]
        signals = {
            str(name): np.stack([np.stack([table[name] for table in tables]) for tables in seen])
            for name in seen[0][0]
        }
        return Measured(
            {
                "trials": trials_table(trials, history.curves, history.diverged),
                "curves": curves_table(trials, moments, history.curves),
                "signals": signals_table(trials, signals),
                "sharpness": sharpness_table(trials, bends, bend[0], rate * bend[1]),
            },
            _parameters(modules) if networks else {},
        )


class _InUnits(TypedDict):
    name: str
    train: list[float]
    test: list[float]
    guessing: list[float]


class _Data(TypedDict, total=False):
    name: Required[str]
    described: Required[str]
    fingerprint: Required[str]
    validation_examples: int
    in_units: _InUnits


class _Module(TypedDict):
    module: str
    parameters: int
    loss: str


class _Split(TypedDict):
    fingerprint: str


class _Splits(TypedDict):
    test_share: float
    others: list[_Split]


class _Kept(TypedDict):
    """What a folder says of a module's study besides what it says of any."""

    data: _Data
    module: _Module
    training: ModuleTraining
    task: Literal["multiclass", "regression"]
    chance: float | None


def described_study(
    folder: Path, described: Mapping[str, Any], names: Sequence[str], **grid: Any
) -> ModuleStudy:
    """Return the study that a folder describes, without its module, to be looked at."""
    path = folder / DESCRIPTION
    check_groups(path, described, get_type_hints(_Kept), optional={"splits": _Splits})
    facts = {**described["module"], "data": described["data"]}
    facts |= {name: of for name, of in described.items() if name in ("task", "chance", "splits")}
    schemes = tuple(Initializer(name, _not_kept) for name in names)
    how = dict(described["training"])
    if how["optimizer"] not in OPTIMIZERS:  # one of the user's own, of which the name is kept
        how["optimizer"] = _named(str(how["optimizer"]))
    with inside(path, "training"):
        training = ModuleTraining(**how)
    return ModuleStudy(facts, training, schemes, **grid)


def _named(name: str) -> Callable[[list[Tensor]], torch.optim.Optimizer]:
    def optimizer(parameters: list[Tensor]) -> torch.optim.Optimizer:
        raise bad_argument("optimizer", name, "the function itself, to train with it")

    optimizer.__name__ = name
    return optimizer


def _not_kept(module: nn.Module, inputs: Any, targets: Any, seed: int) -> None:
    raise bad_argument("initializers", "a name alone", "the initializer itself, to initialize")


@contextmanager
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed the generators of PyTorch, NumPy and Python, and put them back after the block."""
    with generators_as_they_were():
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002  # what a module of the user's may draw from
        random.seed(seed)
        yield


def _look(module: nn.Module, X: Inputs, y: Tensor, loss: Loss, rate: float) -> pd.DataFrame:
    """Return the layers' signals at one moment, with what is wrong with each layer."""
    asked = OWN if loss is own_cost else loss
    report = inspect(module, given(X), y, asked, learning_rate=rate, cures=False)
    wrong = {found.layer: found for found in reversed(report.findings)}
    names = report.layers["layer"]
    return report.layers[["gain", *LAYER_SIGNALS]].assign(
        name=names,
        finding=[wrong[name].label if name in wrong else "" for name in names],
        reason=[wrong[name].reason if name in wrong else "" for name in names],
    )


def _parameters(modules: Sequence[nn.Module]) -> Networks:
    states = [dict(module.named_parameters()) for module in modules]
    return {
        name: np.stack([state[name].detach().float().cpu().numpy() for state in states])
        for name in states[0]
    }
