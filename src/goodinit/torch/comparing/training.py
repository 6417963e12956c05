"""How modules are trained and measured: many of one architecture at once, or one by one."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim import Optimizer

from goodinit.errors import bad_argument, bad_name
from goodinit.study.grid import Training
from goodinit.torch.comparing.budget import rows_measured, shared
from goodinit.torch.comparing.engines import (
    Alone,
    Batch,
    Engine,
    Loss,
    MakeOptimizer,
    Stack,
    Task,
    lanes_for,
    measuring,
    stacked,
)
from goodinit.torch.comparing.examples import Examples, some_of
from goodinit.torch.comparing.inputs import give_shapes
from goodinit.torch.comparing.scoring import AT_ONCE, Score, evaluate, score_of
from goodinit.torch.state import generators_as_they_were
from goodinit.training import MEASURES, VALIDATION

# Of the iteration, the model's place, the model, and the mean squared gradients that an adaptive
# optimizer has come to; none of others, and before the first step.
Observe = Callable[[int, int, nn.Module, Sequence[Tensor]], None]

_ASKED = 16  # examples of which a model's outputs are looked at
_ORDER, _CHANCE = (2**32 - 1, 0), (2**32 - 1, 1)  # spawn keys that no layer's draws have

_BY_NAME: dict[str, Callable[["ModuleTraining"], Callable[..., Optimizer]]] = {
    "sgd": lambda training: torch.optim.SGD,
    "momentum": lambda training: partial(torch.optim.SGD, momentum=training.momentum),
    "nesterov": lambda training: partial(
        torch.optim.SGD, momentum=training.momentum, nesterov=training.momentum > 0
    ),
    "adam": lambda training: partial(torch.optim.Adam, betas=(training.momentum, 0.999)),
    "adamw": lambda training: partial(torch.optim.AdamW, betas=(training.momentum, 0.999)),
    "rmsprop": lambda training: torch.optim.RMSprop,
}
OPTIMIZERS = tuple(_BY_NAME)
_PLAIN_LIMIT = 2.0  # of steps without momentum
_SQUARES = ("exp_avg_sq", "square_avg")  # Adam's and RMSprop's word for them
_OURS = {"sgd": "gradient_descent", "momentum": "momentum", "nesterov": "nesterov"}


@dataclass(frozen=True)
class ModuleTraining:
    """How each module is trained.

    Attributes
    ----------
    iterations : int
        Updates, above 0.
    optimizer : str or callable
        One of ``OPTIMIZERS``, as ``torch.optim`` has them; or what makes a
        ``torch.optim.Optimizer`` of the trainable parameters, with a learning rate of its own.
    momentum : float
        Of momentum and Nesterov; Adam's and AdamW's β₁. From 0 to below 1; others have none.
    batch_size : int, optional
        Examples per update. Each epoch visits all of them once, in an order that follows from the
        trial's seed alone; a single one that is left over joins the batch before it, since batch
        normalization takes no batch of one. None: every update sees all examples.
    weight_decay : float
        λ ≥ 0, on all parameters, as ``torch.optim`` has it.
    record : int
        At about how many iterations costs and accuracies are measured; above 0.
    device : str
        Where the modules are trained, and stay.

    Raises
    ------
    ArgumentError
        Where a value is out of range.

    Examples
    --------
    >>> ModuleTraining(iterations=10, record=5).moments
    (0, 2, 4, 6, 8, 10)
    >>> print(ModuleTraining(optimizer="adam", weight_decay=0.01))
    adam, 1,000 iterations, batches of 32, weight decay 0.01
    """

    iterations: int = 1000
    optimizer: str | MakeOptimizer = "sgd"
    momentum: float = 0.9
    batch_size: int | None = 32
    weight_decay: float = 0.0
    record: int = 50
    device: str = "cpu"

    def __post_init__(self) -> None:
        given: Any = self.optimizer
        if isinstance(given, str):
            if given not in OPTIMIZERS:
                raise bad_name("optimizer", given, OPTIMIZERS)
        elif not callable(given):
            takes = f"one of {', '.join(OPTIMIZERS)}, or a function of the parameters"
            raise bad_argument("optimizer", given, takes)
        elif self.weight_decay:
            takes = "nothing beside an optimizer of your own, which has one of its own"
            raise bad_argument("weight_decay", self.weight_decay, takes)
        try:
            torch.device(self.device)
        except (RuntimeError, TypeError):
            raise bad_argument("device", self.device, "a device of PyTorch, as 'cpu'") from None
        _ = self._as_ours

    @property
    def _as_ours(self) -> Training:
        """What it shares with the training of our own networks, which checks it."""
        ours = _OURS.get(self.optimizer, "adam") if isinstance(self.optimizer, str) else "adam"
        return Training(
            iterations=self.iterations,
            optimizer=ours,
            momentum=self.momentum,
            batch_size=self.batch_size,
            weight_decay=self.weight_decay,
            record=self.record,
        )

    @property
    def moments(self) -> tuple[int, ...]:
        """The iterations that are recorded: the number of updates made, from 0 to the last."""
        return self._as_ours.moments

    @property
    def stability_limit(self) -> float:
        """The learning rate × sharpness above which the optimizer is unstable on a quadratic.

        See ``goodinit.study.grid.Training``; of adaptive ones, of what is preconditioned. NaN for
        those of your own.
        """
        if not isinstance(self.optimizer, str):
            return float("nan")
        return _PLAIN_LIMIT if self.optimizer == "rmsprop" else self._as_ours.stability_limit

    @property
    def noise_limit(self) -> float:
        """The same limit of what mini-batches add; see ``goodinit.study.grid.Training``."""
        return self._as_ours.noise_limit

    def make_optimizer(self, learning_rate: float) -> MakeOptimizer:
        """Return what makes the optimizer of parameters; one of your own has its own rate."""
        if not isinstance(self.optimizer, str):
            return self.optimizer
        make = _BY_NAME[self.optimizer](self)
        return partial(make, lr=learning_rate, weight_decay=self.weight_decay)

    def as_dict(self) -> dict[str, Any]:
        """Return its values, plain ones that JSON can hold: of a function its name."""
        own = getattr(self.optimizer, "__name__", type(self.optimizer).__name__)
        name = self.optimizer if isinstance(self.optimizer, str) else own
        return {**vars(self), "optimizer": name}

    def __str__(self) -> str:
        size = "full batch" if self.batch_size is None else f"batches of {self.batch_size}"
        parts = [self.as_dict()["optimizer"], f"{self.iterations:,} iterations", size]
        if self.weight_decay:
            parts.append(f"weight decay {self.weight_decay:g}")
        if self.device != "cpu":
            parts.append(self.device)
        return ", ".join(parts)


@dataclass(frozen=True)
class History:
    """What was measured while modules were trained.

    Attributes
    ----------
    curves : dict of str to array, shape (moments, trials)
        Each of ``goodinit.training.MEASURES`` at the training's moments, and of ``VALIDATION``
        where examples have such a part.
    diverged : array of bool, shape (trials,)
        Whether the training cost or a parameter ceased to be a finite number.
    stacked : bool
        Whether they were trained together.
    """

    curves: dict[str, NDArray[np.float64]]
    diverged: NDArray[np.bool_]
    stacked: bool


@dataclass(frozen=True)
class _Run:
    """What all trials share; ``ends`` and ``between`` are the examples that are measured."""

    examples: Examples
    task: Task
    training: ModuleTraining
    score: Score
    ends: Examples
    between: Examples


def train(  # noqa: PLR0917  # models and seeds, and what trains them
    models: Sequence[nn.Module],
    seeds: Sequence[int],
    learning_rate: float,
    examples: Examples,
    loss: Loss,
    training: ModuleTraining,
    *,
    observe: Observe = lambda *_: None,
    progress: Callable[[int], None] = lambda _: None,
    together: bool = True,
) -> History:
    """Train initialized models of one architecture in place, and measure them on the way.

    Where the module allows it, small ones are trained together by ``torch.func``, with the same
    numbers within rounding: what must agree on the first batch is loss, gradients and buffers. One
    by one go those whose step keeps more than ½ MB, which gain nothing, those that use random
    numbers, and those that ``vmap`` refuses. A trial's random numbers follow from its seed alone;
    the global generators are left as they were.

    Parameters
    ----------
    models : sequence of Module
        K of them, each a module of its own.
    seeds : sequence of int
        Of the order of examples, and of what is random in a module; one for each model.
    learning_rate : float
        Of all; an optimizer of the user's own has its own.
    examples : Examples
    loss : callable
        Of outputs and targets; returns the mean over the batch.
    training : ModuleTraining
    observe : callable
        Called with iteration, index and model, in training mode, at each moment, and with the mean
        squared gradients that an adaptive optimizer remembers.
    progress : callable
        Called with the number of iterations just made, over all trials.
    together : bool
        Whether models may be trained together.

    Returns
    -------
    History
        Training costs and accuracies are measured with batch normalization by batch statistics and
        nothing random, on at most 1024 examples at a time; test ones in evaluation mode. Where
        measuring all examples would take longer than training, it is a draw of them: see
        ``budget``. Accuracy is what the loss makes it: see ``scoring.score_of``.

    Raises
    ------
    ArgumentError
        Where a model has nothing to train. What the module or loss raises goes through.

    Examples
    --------
    >>> X, y = torch.eye(4), torch.tensor([0, 1, 0, 1])
    >>> models = [nn.Linear(4, 2) for _ in range(3)]
    >>> history = train(models, [0, 1, 2], 1.0, Examples(X, y, X[:0], y[:0]),
    ...                 nn.CrossEntropyLoss(), ModuleTraining(iterations=40, record=2))
    >>> history.curves["train_accuracy"][-1], history.stacked
    (array([1., 1., 1.]), True)
    """
    given = [part for part in vars(examples).values() if part is not None]
    moved = Examples(*(part.to(training.device) for part in given))
    task = Task(loss, training.make_optimizer(learning_rate))
    modes = {module: module.training for model in models for module in model.modules()}
    rows, finite, whether = [], [], []
    with torch.inference_mode(False), torch.enable_grad():
        try:
            for model, seed in zip(models, seeds, strict=True):
                _prepare(model, seed, moved, training.device)
            run = _plan(models[0], moved, task, training)
            for first, engine in _engines(models, seeds, run, together):
                own = seeds[first : first + len(engine.models)]
                look = partial(_look, observe, first, engine)
                rows.append(_trained(engine, own, run, look, progress))
                finite.append(_finite(engine))
                whether.append(isinstance(engine, Stack))
        finally:
            for module, mode in modes.items():
                module.training = mode
    measures = np.concatenate(rows, axis=-1).swapaxes(0, 1)
    names = (*MEASURES, *VALIDATION) if examples.X_validation is not None else MEASURES
    curves = dict(zip(names, measures, strict=True))
    usable = np.isfinite(curves["train_cost"]).all(axis=0) & np.concatenate(finite)
    return History(curves, ~usable, all(whether))


def _plan(model: nn.Module, examples: Examples, task: Task, training: ModuleTraining) -> _Run:
    """Return what all trials share, by what a model says to a few examples."""
    engine = Alone([model], task)
    with measuring(engine, by_batch=False):
        few = Batch(examples.X_train[:_ASKED], examples.y_train[:_ASKED]).copied()
        said = engine.says(few)
    score = score_of(said, examples.y_train, task.loss)
    n_train, n_test = len(examples.X_train), len(examples.X_test)
    rows = rows_measured(
        n_train + n_test,
        updates=training.iterations,
        batch=min(training.batch_size or n_train, n_train),
        moments=len(training.moments),
        outputs=1 if said is None or said.dim() == 0 else max(1, said[0].numel()),
    )
    ends, between = (some_of(examples, *shared(count, n_train, n_test)) for count in rows)
    return _Run(examples, task, training, score, ends, between)


def _prepare(model: nn.Module, seed: int, examples: Examples, device: str) -> None:
    """Move a model to its device, give lazy layers their shapes, and put it in training mode."""
    model.to(device)
    with generators_as_they_were():
        _seed(seed)
        give_shapes(model, examples.X_train)
    if not any(leaf.requires_grad for leaf in model.parameters()):
        raise bad_argument("model", type(model).__name__, "a module with trainable parameters")
    model.train()


def _seed(seed: int) -> None:
    """Let all that is random in a module follow from the trial's seed."""
    chance = int(np.random.SeedSequence(seed, spawn_key=_CHANCE).generate_state(1)[0])
    torch.manual_seed(chance)
    np.random.seed(chance)  # noqa: NPY002
    random.seed(chance)


def _engines(
    models: Sequence[nn.Module], seeds: Sequence[int], run: _Run, together: bool
) -> Iterator[tuple[int, Engine]]:
    """Yield each stack, or each model alone, with the place of its first model."""
    measured = min(AT_ONCE, len(run.examples.X_train))
    batch = next(_batches(run, seeds[:1]))
    lanes = lanes_for(models, run.task, batch, measured) if together else 1
    first = 0
    while first < len(models):
        engine: Engine | None = None
        if lanes > 1:
            batch = next(_batches(run, seeds[first : first + lanes]))
            engine = stacked(models[first : first + lanes], run.task, batch, lanes)
        if engine is None:  # then the rest wouldn't agree either
            lanes, engine = 1, Alone(models[first : first + 1], run.task)
        yield first, engine
        first += len(engine.models)


def _batches(run: _Run, seeds: Sequence[int]) -> Iterator[Batch]:
    """Yield the batches of each trial, epoch by epoch, without end."""
    X, y = run.examples.X_train, run.examples.y_train
    n, size = len(X), run.training.batch_size
    while size is None or size >= n:
        yield Batch(X, y).copied()
    edges = [*range(0, n, size), n]
    if n % size == 1 and size > 1:
        del edges[-2]
    for epoch in count():
        orders = np.stack([_order(seed, epoch, n) for seed in seeds])
        for start, stop in pairwise(edges):
            chosen = torch.from_numpy(orders[:, start:stop]).to(X.device)
            yield Batch(X[chosen], y[chosen], several=True)


def _order(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    """Return in which order an epoch visits the examples."""
    sequence = np.random.SeedSequence(seed, spawn_key=(*_ORDER, epoch))
    return np.random.default_rng(sequence).permutation(n)


def _trained(
    engine: Engine,
    seeds: Sequence[int],
    run: _Run,
    look: Callable[[int, Optimizer], None],
    progress: Callable[[int], None],
) -> NDArray[np.float64]:
    """Train the engine's models; return what was measured, shape (moments, measures, K)."""
    with generators_as_they_were():
        _seed(seeds[0])  # a stack has nothing random
        optimizer, batches = engine.optimizer(), _batches(run, seeds)
        rows = [_measure(engine, run, run.ends)]
        look(0, optimizer)
        for before, after in pairwise(run.training.moments):
            for _ in range(before, after):
                _step(engine, optimizer, next(batches))
            progress((after - before) * len(seeds))
            last = after == run.training.iterations
            rows.append(_measure(engine, run, run.ends if last else run.between))
            look(after, optimizer)
        optimizer.zero_grad()
    return np.stack(rows)


def _step(engine: Engine, optimizer: Optimizer, batch: Batch) -> None:
    """Update all models at once: of the sum of losses, each has its own gradient."""

    def total() -> Tensor:
        optimizer.zero_grad()
        losses, _ = engine(batch)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        return losses.detach().sum()

    optimizer.step(total)  # type: ignore[arg-type]  # any tensor of one number


def _look(observe: Observe, first: int, engine: Engine, moment: int, optimizer: Optimizer) -> None:
    engine.load()
    with generators_as_they_were():
        for place, model in enumerate(engine.models):
            observe(moment, first + place, model, _squares(engine, optimizer, place))


def _squares(engine: Engine, optimizer: Optimizer, place: int) -> list[Tensor]:
    """Return the mean squared gradients that an optimizer remembers of one model's leaves."""
    known = [optimizer.state.get(leaf, {}) for leaf in engine.leaves]
    name = next((name for name in _SQUARES if all(name in of for of in known)), None)
    if name is None:
        return []
    return [of[name][place] if isinstance(engine, Stack) else of[name] for of in known]


def _finite(engine: Engine) -> NDArray[np.bool_]:
    """Return whether all of a model's parameters are finite, shape (K,)."""
    return np.array([all(bool(p.isfinite().all()) for p in m.parameters()) for m in engine.models])


def _measure(engine: Engine, run: _Run, data: Examples) -> NDArray[np.float64]:
    """Return a row for each of ``MEASURES``, and ``VALIDATION`` if there is such a part: (…, K)."""
    score = run.score
    train_cost, train_accuracy = evaluate(
        engine, data.X_train, data.y_train, by_batch=True, score=score
    )
    test_cost, test_accuracy = evaluate(
        engine, data.X_test, data.y_test, by_batch=False, score=score
    )
    rows = [train_cost, test_cost, train_accuracy, test_accuracy]
    if data.X_validation is not None and data.y_validation is not None:
        rows += evaluate(engine, data.X_validation, data.y_validation, by_batch=False, score=score)
    return np.array(rows)
