"""Which initializer is good for this module: what is asked of ``goodinit.torch.compare``."""

import inspect as signatures
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial
from hashlib import sha256
from math import isfinite, nan
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from goodinit.comparison import Comparison
from goodinit.datasets import Dataset
from goodinit.datasets.parts import with_validation
from goodinit.datasets.resampling import Splits, already_divided, load_splits
from goodinit.errors import bad_argument, whole
from goodinit.initializers import Scheme, read
from goodinit.initializers.registry import is_weights, name_of, tell_apart
from goodinit.running.compare import Progress, run
from goodinit.specs import build
from goodinit.store.begun import sets_aside
from goodinit.store.written import check_out
from goodinit.study.trials import distinct, read_rates, read_splits, several
from goodinit.torch.comparing.curvature import chance_cost, own_chance
from goodinit.torch.comparing.engines import Loss
from goodinit.torch.comparing.examples import (
    Examples,
    Whole,
    from_tensors,
    in_units,
    set_aside,
    split,
    test_share,
)
from goodinit.torch.comparing.inputs import Inputs, Parts, give_shapes, given, joined, own_cost, say
from goodinit.torch.comparing.scoring import NONE, NUMBER, score_of
from goodinit.torch.comparing.study import Initializer, ModuleStudy, Work, seeded
from goodinit.torch.comparing.training import ModuleTraining
from goodinit.torch.initializing.initialization import OF_MODULES, initialize
from goodinit.torch.inspecting.asking import ask
from goodinit.torch.inspecting.costs import OWN, own_loss, usual_loss
from goodinit.torch.inspecting.nested import leaves
from goodinit.torch.state import generators_as_they_were, modules_as_they_were

DEFAULT = "default"  # the module's own initialization
INITIALIZERS = (DEFAULT, "glorot_normal", "he_normal", "auto")
_SPLIT_SEED = 0
_NOT_TO_LOAD = (Splits, DataLoader, TensorDataset, Mapping)
_ASKED = 16  # training examples of which the outputs are looked at
_IMAGES = 4  # axes: examples, channels, height, width

Found = tuple[Examples, ...] | Examples | Whole  # each split's, those that came divided, or all


def compare(
    model_factory: Callable[[], nn.Module],
    data: Any,
    *,
    initializers: Iterable[Any] | Any = INITIALIZERS,
    learning_rate: float | Sequence[float] = 0.01,
    steps: int = 1000,
    seeds: int | Sequence[int] = 10,
    splits: int = 1,
    optimizer: Any = "sgd",
    momentum: float = 0.9,
    batch_size: int | None = 32,
    weight_decay: float = 0.0,
    loss: Loss | str | None = None,
    record: int = 50,
    device: str = "cpu",
    target: str | None = None,
    out: str | Path | None = None,
    keep_networks: bool = False,
    executor: Executor | None = None,
    progress: Progress = lambda done, total: None,
) -> Comparison:
    """Train a module from each initializer, learning rate and seed, and compare what came of it.

    Parameters
    ----------
    model_factory : callable
        Returns the module; a function of a file of yours where workers are to build it.
    data : str, Path, Dataset, tuple of arrays or tensors, TensorDataset or DataLoader
        What ``goodinit.datasets.load`` takes; or ``(X, y)`` or ``(X_train, y_train, X_test,
        y_test)`` of any shapes, examples first; or a dict of tensors, or a DataLoader, which is
        read once: of its batches goes in what ``forward`` takes, by place or by name, and what is
        left over, or called "labels" or the like, is the targets. Where there is no test part, a
        quarter is held out, the same for every trial.
    initializers : spec strings, schemes or callables
        ``"default"``: the module's own; what ``goodinit.torch.initialize`` takes, a callable
        ``(rng, shape) -> array`` among it; or a callable ``(module) -> None``, of this library or
        another, shown by its ``__name__``.
    learning_rate : float or sequence of float
        Of several, each initializer is compared at its own best. Where there is a test part, a
        fifth of the training part is set aside to choose it by.
    steps : int
        Updates of each module.
    seeds : int or sequence of int
        How many, or the seeds themselves. A seed decides what is drawn, the order of the examples
        and what is random in the module.
    splits : int
        Into how many splits of train and test the data are divided, the seeds taking turns, as
        ``goodinit.compare`` has it.
    optimizer : {"sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"} or callable
        A callable takes the parameters, and returns an optimizer with a rate of its own.
    momentum, batch_size, weight_decay, record, device
        See ``goodinit.torch.comparing.training.ModuleTraining``.
    loss : callable or "model", optional
        Of outputs and targets, a mean over the batch. "model": the one that the module returns,
        which is taken by itself where the targets are among the inputs. Otherwise by default
        cross-entropy for whole numbers (of logits), the mean squared error for others.
    target : str, optional
        The column of a table that is to be predicted, as ``goodinit.compare`` has it.
    out, keep_networks, executor, progress
        As those of ``goodinit.compare``.

    Returns
    -------
    Comparison
        As that of ``goodinit.compare``. Accuracy is what the loss makes it: the share of right
        classes, of right signs or of shares on the right side of a half, R² of numbers, NaN where
        none of them is meant. Where measuring all examples would take longer than training,
        some are drawn, the same for all. ``signals`` has the layer's ``name`` too, and what
        ``goodinit.torch.inspect`` finds wrong with it at the start and the end.

    Raises
    ------
    ArgumentError
        Before any training, for the first argument that cannot be used.
    StudyStoppedError
        As of ``goodinit.compare``.

    Examples
    --------
    >>> def build():
    ...     return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
    >>> result = compare(build, "moons", initializers=["default", "zeros"], steps=50, seeds=2)
    >>> list(result.summary()["initializer"])
    ['default', 'zeros']
    """
    training = ModuleTraining(
        iterations=whole("steps", steps, at_least=1),
        optimizer=optimizer,
        momentum=momentum,
        batch_size=batch_size,
        weight_decay=weight_decay,
        record=record,
        device=device,
    )
    if out is not None:
        check_out(out, data)
    study = plan(
        model_factory,
        data,
        initializers=initializers,
        learning_rate=learning_rate,
        seeds=seeds,
        splits=splits,
        training=training,
        loss=loss,
        target=target,
        aside=sets_aside(out),
    )
    return run(study, progress, out=out, keep_networks=keep_networks, executor=executor)


def plan(
    model_factory: Callable[[], nn.Module],
    data: Any,
    *,
    initializers: Any,
    learning_rate: float | Sequence[float],
    seeds: int | Sequence[int],
    training: ModuleTraining,
    splits: int = 1,
    loss: Loss | str | None = None,
    target: str | None = None,
    split_seed: int = _SPLIT_SEED,
    aside: bool | None = None,
) -> ModuleStudy:
    """Check what a comparison of a module was asked for, and return its study.

    The arguments are those of ``compare``, and raise what it raises; `data` may be ``Splits``.
    Examples are set aside to choose among several learning rates, or if `aside` says so, as
    ``goodinit.study.grid.plan`` has it.
    """
    schemes = _initializers(initializers)
    rates, chosen = read_rates(learning_rate), read_splits(splits, seeds)
    if not callable(model_factory) or isinstance(model_factory, nn.Module):
        raise bad_argument("model_factory", model_factory, "a function that returns a module")
    if loss is not None and loss != OWN and not callable(loss):
        raise bad_argument("loss", loss, f"a callable (outputs, targets) -> cost, or {OWN!r}")
    if not isinstance(data, _NOT_TO_LOAD) and not _are_tensors(data):
        data = load_splits(data, splits, target=target)
    cut = len(rates) > 1 if aside is None else aside
    name, prepared, read_in = _read(data, split_seed if cut else None)
    with seeded(chosen[0]):
        module = model_factory()
    _check_trainable(module)
    found, inside = _asked(module, read_in, loss)
    examples, *others = _divided(found, splits, split_seed if cut else None)
    said = _said(module, examples)
    own = loss == OWN or (loss is None and inside and own_loss(said) is not None)
    cost, loss_name = _loss(said, examples, OWN if own else loss)
    outputs = said if isinstance(said, Tensor) and not own else None
    width = 1 if outputs is None or outputs.dim() == 0 else max(1, outputs[0].numel())
    work = Work(model_factory, examples, cost, width, tuple(others))
    chance = _chance(module, (examples, *others), None if own else cost)
    score = score_of(outputs, examples.y_train, cost)
    numbers = score == NUMBER or (score == NONE and examples.y_train.is_floating_point())
    scales = [of.target_scale for of in data.datasets] if isinstance(data, Splits) else []
    facts = {
        "module": getattr(model_factory, "__qualname__", type(module).__name__),
        "parameters": sum(p.numel() for p in module.parameters()),
        "loss": loss_name,
        "data": _facts(name, examples, prepared) | in_units(scales, (examples, *others)),
        "task": "regression" if numbers else "multiclass",
        "chance": chance if isfinite(chance) else None,
    }
    if others:
        drawn = isinstance(data, Splits) and data.fresh
        prints = [{"fingerprint": _fingerprint(of)} for of in others]
        facts["splits"] = {"test_share": 0.0 if drawn else test_share(examples), "others": prints}
    return ModuleStudy(facts, training, schemes, rates, chosen, work)


def _check_trainable(module: Any) -> None:
    """Raise ArgumentError for what is no module, or one in which nothing can be trained."""
    makes = "a function that returns a torch.nn.Module"
    if not isinstance(module, nn.Module):
        raise bad_argument("model_factory", module, makes)
    if any(held.is_meta for held in (*module.parameters(), *module.buffers())):
        raise bad_argument(
            "model_factory", "parameters on the meta device", f"{makes} with numbers"
        )
    if not any(leaf.requires_grad for leaf in module.parameters()):
        raise bad_argument(
            "model_factory", type(module).__name__, f"{makes} with trainable parameters"
        )


def _initializers(asked: Any) -> tuple[Initializer, ...]:
    one = isinstance(asked, str | Scheme) or callable(asked)
    specs = [asked] if one else several("initializers", asked)
    found = [_initializer(spec) for spec in specs]
    names = tell_apart([each.name for each in found], specs)
    made = [replace(each, name=name) for each, name in zip(found, names, strict=True)]
    distinct("initializers", [each.name for each in made], "at least one initializer")
    return tuple(made)


def _initializer(spec: Any) -> Initializer:
    """Return what initializes a module: a callable of a module itself, or a scheme."""
    if callable(spec) and not isinstance(spec, Scheme) and _takes_one(spec):
        return Initializer(name_of(spec), partial(_called, spec))
    if isinstance(spec, str) and spec == DEFAULT:
        return Initializer(DEFAULT, _left_alone)
    if is_weights(spec) or isinstance(spec, Tensor):
        takes = "schemes; arrays in a callable (module) -> None, by initialize's rules"
        raise bad_argument("initializers", "an array", takes)
    if not isinstance(spec, str):
        return Initializer(getattr(spec, "name", name_of(spec)), partial(_by_scheme, spec))
    name = spec
    if _of_modules(spec):
        build("initializers", spec, OF_MODULES)  # refuses its arguments before any work
    elif not spec.startswith("torch."):
        name = read(spec).name
    return Initializer(name, partial(_by_scheme, spec))


def _of_modules(spec: Any) -> bool:
    """Return whether a spec names a scheme that looks at more than a parameter."""
    return isinstance(spec, str) and spec.partition("(")[0].strip() in OF_MODULES


def _takes_one(function: Callable[..., Any]) -> bool:
    try:
        parameters = signatures.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (signatures.Parameter.POSITIONAL_ONLY, signatures.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p for p in parameters if p.default is p.empty and p.kind in positional]
    return len(needed) == 1


def _called(
    function: Callable[[nn.Module], Any], module: nn.Module, inputs: Any, targets: Any, seed: int
) -> None:
    torch.manual_seed(seed)
    function(module)


def _left_alone(module: nn.Module, inputs: Any, targets: Any, seed: int) -> None:
    """Keep the module's own initialization."""


def _by_scheme(spec: Any, module: nn.Module, inputs: Any, targets: Any, seed: int) -> None:
    seen = inputs if _of_modules(spec) else None
    known = targets if spec == "prior" else None
    initialize(module, spec, seed=seed, inputs=seen, targets=known)


def _read(data: Any, aside: int | None) -> tuple[str, str, Any]:
    """Return the name of data, what was made of them, and their examples as tensors.

    These are those of each split, or are to be divided, or are all batches as one. Of a data set
    some are set aside by the seed `aside`, where it is given.
    """
    if isinstance(data, Splits):
        first = data.datasets[0]
        every = enumerate(data.datasets)
        kept = [of if aside is None else with_validation(of, aside + k) for k, of in every]
        return first.name, first.prepared, tuple(map(_tensors, kept))
    if isinstance(data, DataLoader):
        batches = list(data)
        if not batches:
            raise bad_argument("data", data, "a loader of batches")
        return "data", "", joined(batches)
    if isinstance(data, Mapping) and all(isinstance(part, Tensor) for part in data.values()):
        return "data", "", joined([data])
    parts = data.tensors if isinstance(data, TensorDataset) else data
    return "data", "", from_tensors(tuple(torch.as_tensor(part) for part in parts))


def _tensors(data: Dataset) -> Examples:
    kept = () if data.X_validation is None else ("validation",)
    parts = []
    for part in ("train", "test", *kept):
        X = torch.from_numpy(getattr(data, f"X_{part}")).float()
        if data.image_shape:
            X = X.reshape(-1, *data.image_shape).movedim(-1, 1).contiguous()
        y = torch.from_numpy(getattr(data, f"y_{part}"))
        parts += [X, y.float() if y.is_floating_point() else y]
    return Examples(*parts)


def _are_tensors(data: Any) -> bool:
    return isinstance(data, tuple) and any(isinstance(part, Tensor) for part in data)


def _asked(module: nn.Module, data: Any, loss: Any) -> tuple[Found, bool]:
    """Return the examples, and whether targets are among what the module is given.

    Of a batch goes in what ``forward`` takes, as ``goodinit.torch.inspect`` has it.
    """
    if isinstance(data, tuple | Examples | Whole):
        return data, False
    asked = ask(module, data, None, loss if loss == OWN else None, nan, loaded=True)
    tensors, y = leaves(asked.inputs), asked.targets
    if y is None and loss in (None, OWN):
        y = torch.zeros(len(tensors[0]))  # a loss of its own may do without
    if not isinstance(y, Tensor):
        raise bad_argument("data", "batches without targets", "inputs and targets, or 'labels'")
    X = asked.inputs if isinstance(asked.inputs, Tensor) else Parts(asked.inputs)
    return Whole(X, y), asked.inside or asked.targets is None


def _divided(found: Found, splits: int, aside: int | None) -> list[Examples]:
    """Return the examples of each split; some of each are set aside by a seed, where it is given.

    Raises
    ------
    ArgumentError
        Where they came divided, and are to be divided anew, or splits are of different shapes.
    """
    if isinstance(found, Examples):
        if splits > 1:
            raise already_divided(splits)
        found = (found,)
    if isinstance(found, Whole):
        whole = found
        found = tuple(split(whole, number) for number in range(splits))
    shapes = {tuple(of.X_train.shape[1:]) for of in found}
    if len(shapes) > 1:
        sizes = ", ".join("×".join(map(str, shape)) for shape in sorted(shapes))
        takes = f"1 where splits make other columns of a table ({sizes}): a module has one width"
        raise bad_argument("splits", splits, takes)
    return [of if aside is None else set_aside(of, aside + k) for k, of in enumerate(found)]


def _chance(module: nn.Module, every: Sequence[Examples], cost: Loss | None) -> float:
    """Return the cost of chance, the mean over the splits; without a loss by the module's own."""
    parts = [(of.X_train, of.y_train) for of in every]
    if cost is None:
        return mean(own_chance(module, *of) for of in parts)
    return mean(chance_cost(module, *of, cost) for of in parts)


def _said(module: nn.Module, examples: Examples) -> Any:
    """Return what a module says to a few examples."""
    some = examples.X_train[:_ASKED].clone()
    try:
        with generators_as_they_were():
            give_shapes(module, some)
        with modules_as_they_were(module), generators_as_they_were(), torch.no_grad():
            return say(module.eval(), some)
    except Exception as error:
        if len(some.shape) == _IMAGES:
            size = "×".join(map(str, some.shape[1:]))
            hint = f"an example comes as an image of {size}: nn.Flatten() makes a row of it"
            error.add_note(hint)
        raise


def _loss(said: Any, examples: Examples, loss: Any) -> tuple[Loss, str]:
    """Return the loss that is meant, and its name."""
    if loss == OWN:
        own_cost(said, examples.y_train)
        return own_cost, "its own loss"
    if loss is not None:
        return loss, name_of(loss)
    if not isinstance(said, Tensor):
        raise bad_argument("loss", None, f"a loss for outputs that are a {type(said).__name__}")
    name = "mean squared error" if examples.y_train.is_floating_point() else "cross-entropy"
    return usual_loss(said, examples.y_train[: len(said)]), name


def _facts(name: str, examples: Examples, prepared: str) -> dict[str, Any]:
    """Return what tells these data from any others."""
    first = examples.X_train
    shapes = first.described if isinstance(first, Parts) else Parts((first,)).described
    shape = ", ".join(shapes)
    kept = 0 if examples.X_validation is None else len(examples.X_validation)
    aside = f", {kept} validation" if kept else ""
    counts = f"{len(first)} train{aside} and {len(examples.X_test)} test"
    described = f"{counts} examples of {shape}"
    return {
        "name": name,
        "described": f"{name}: {described}{prepared}",
        "fingerprint": _fingerprint(examples),
        **({"validation_examples": kept} if kept else {}),
    }


def _fingerprint(examples: Examples) -> str:
    parts: list[Inputs] = [part for part in vars(examples).values() if part is not None]
    found = sha256()
    for part in (one for inputs in parts for one in leaves(given(inputs))):
        found.update(f"{part.dtype} {tuple(part.shape)}".encode())
        found.update(part.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()[:16]
