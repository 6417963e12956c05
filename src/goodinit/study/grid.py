"""What is compared: the grid of initializer × learning rate × seed on one network and data set."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import pairwise, product
from typing import Any

import numpy as np

from goodinit import activations, memory
from goodinit.datasets import Dataset
from goodinit.datasets.dataset import chance_cost
from goodinit.datasets.parts import with_validation
from goodinit.datasets.resampling import Splits
from goodinit.errors import ArgumentError, bad_argument, bad_name, number, whole
from goodinit.initializers import Scheme, zeros
from goodinit.initializers.biases import ZEROS, Biases, read_biases
from goodinit.initializers.scheme import Arrays, draw_biases, draw_weights
from goodinit.network import Network
from goodinit.study.asked import Initializer, read_schemes
from goodinit.study.trials import (
    Trial,
    describe_grid,
    read_rates,
    read_splits,
    several,
)

_LARGEST_NETWORK = 8_000_000_000  # bytes
_COPIES = 3  # of the weights, that training one network holds
_ARRAYS_PER_LAYER = 6  # of the size (examples, units), that measuring it holds
_ROW = 100  # bytes of a table's row, about
_MOST_RECORDED = 1_000_000

OPTIMIZERS = ("gradient_descent", "momentum", "nesterov", "adam")
DTYPES = ("float64", "float32")

_OUTPUTS = {"binary": "sigmoid", "multiclass": "softmax", "regression": "linear"}


@dataclass(frozen=True)
class Training:
    """How each network is trained.

    Attributes
    ----------
    iterations : int
        Updates, above 0.
    optimizer : str
        One of ``OPTIMIZERS``. Momentum and Nesterov are v ← μv + g with the step v, or g + μv;
        Adam is Kingma and Ba 2015, algorithm 1, with β₂ = 0.999 and ε = 1e-8.
    momentum : float
        μ, or Adam's β₁; from 0 to below 1. Gradient descent has none.
    batch_size : int, optional
        Examples per update. Each epoch visits all of them once, in an order that follows from the
        trial's seed alone. Where not given, every update sees all examples.
    weight_decay : float
        λ ≥ 0; λW is added to the gradient of the weights W, nothing to that of the biases.
    dtype : {"float64", "float32"}
        Of everything that is trained.
    record : int
        At about how many iterations, spread evenly over the training, costs and accuracies are
        measured; above 0. With 1 these are the ends alone, and sharpness isn't measured.

    Raises
    ------
    ArgumentError
        Where a value is out of range.

    Examples
    --------
    >>> Training(iterations=10, record=5).moments
    (0, 2, 4, 6, 8, 10)
    >>> print(Training(iterations=200, optimizer="adam", batch_size=32))
    adam, 200 iterations, batches of 32
    """

    iterations: int = 15_000
    optimizer: str = "gradient_descent"
    momentum: float = 0.9
    batch_size: int | None = None
    weight_decay: float = 0.0
    dtype: str = "float64"
    record: int = 100

    def __post_init__(self) -> None:
        whole("iterations", self.iterations, at_least=1)
        if whole("record", self.record, at_least=1) > _MOST_RECORDED:
            raise bad_argument("record", self.record, f"at most {_MOST_RECORDED:,}")
        if self.batch_size is not None:
            whole("batch_size", self.batch_size, at_least=1)
        for argument, names in (("optimizer", OPTIMIZERS), ("dtype", DTYPES)):
            if getattr(self, argument) not in names:
                raise bad_name(argument, str(getattr(self, argument)), names)
        number("momentum", self.momentum, "a number from 0 to below 1", lambda n: 0 <= n < 1)
        number("weight_decay", self.weight_decay, "a number from 0", lambda n: n >= 0)

    @property
    def moments(self) -> tuple[int, ...]:
        """The iterations that are recorded: the number of updates made, from 0 to the last."""
        spread = np.linspace(0, self.iterations, min(self.record, self.iterations) + 1)
        return tuple(int(moment) for moment in np.unique(spread.round()))

    @property
    def stability_limit(self) -> float:
        """The learning rate × sharpness above which the optimizer is unstable on a quadratic.

        2 for gradient descent; 2 + 2μ with momentum μ, (2 + 2μ)/(1 + 2μ) with Nesterov's (Cohen et
        al. 2021, appendix B). For Adam (2 + 2β₁)/(1 - β₁) of the preconditioned sharpness, 38 at
        β₁ = 0.9 (Cohen et al. 2022).
        """
        mu = self.momentum
        limits = {
            "gradient_descent": 2.0,
            "momentum": 2 + 2 * mu,
            "nesterov": (2 + 2 * mu) / (1 + 2 * mu),
            "adam": (2 + 2 * mu) / (1 - mu),
        }
        return limits[self.optimizer]

    @property
    def noise_limit(self) -> float:
        """The same limit where the sharpness is another at each step, so that its mean is 0.

        On a quadratic of sharpness h with mean a and variance v, momentum's mean square is stable
        while the learning rate times a/(2 + 2μ) + v/a/(2 - 2μ) is below 1. Nesterov's is taken to
        be alike; for Adam, of what is preconditioned, 2.
        """
        return 2 - 2 * self.momentum if self.optimizer in ("momentum", "nesterov") else 2.0

    def __str__(self) -> str:
        size = "full batch" if self.batch_size is None else f"batches of {self.batch_size}"
        parts = [self.optimizer.replace("_", " "), f"{self.iterations:,} iterations", size]
        if self.weight_decay:
            parts.append(f"weight decay {self.weight_decay:g}")
        if self.dtype != "float64":
            parts.append(self.dtype)
        return ", ".join(parts)


@dataclass(frozen=True)
class Study:
    """The grid of trials; made by ``plan``, which checks it.

    ``dataset`` is split 0, ``others`` are the further splits, divided or drawn (``fresh``) anew.
    """

    dataset: Dataset
    network: Network
    training: Training
    schemes: tuple[Scheme, ...]
    learning_rates: tuple[float, ...]
    seeds: tuple[int, ...]
    biases: Biases = ZEROS
    others: tuple[Dataset, ...] = ()
    fresh: bool = False
    _by_name: dict[str, Scheme] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {scheme.name: scheme for scheme in self.schemes})

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """Every trial, seed by seed: a study that is cut short has whole pairs."""
        return tuple(
            Trial(scheme.name, rate, seed)
            for seed, scheme, rate in product(self.seeds, self.schemes, self.learning_rates)
        )

    def scheme(self, name: str) -> Scheme:
        """Return the scheme of that display name."""
        return self._by_name[name]

    @cached_property
    def datasets(self) -> Splits:
        """The data of every split."""
        return Splits((self.dataset, *self.others), self.fresh)

    @property
    def splits(self) -> int:
        """How many splits there are; seed s belongs to split s mod as many."""
        return 1 + len(self.others)

    @property
    def test_share(self) -> float:
        """The part of the examples that each of several splits tests on; see ``Splits``."""
        return self.datasets.test_share

    def on(self, split: int) -> "Study":
        """Return the study of one split alone, with the features that its training part makes."""
        if self.splits == 1:
            return self
        dataset = self.datasets.datasets[split]
        layers = (dataset.n_features, *self.network.layers[1:])
        seeds = tuple(seed for seed in self.seeds if seed % self.splits == split)
        network = replace(self.network, layers=layers)
        return replace(self, dataset=dataset, network=network, seeds=seeds, others=())

    @property
    def task(self) -> str:
        """What there is to learn; see ``Dataset``."""
        return self.dataset.task

    @cached_property
    def chance(self) -> float:
        """The cost of chance, of the best answer that doesn't look at the example.

        The mean over the splits.
        """
        return float(np.mean([chance_cost(dataset) for dataset in self.datasets.datasets]))

    @property
    def has_boundaries(self) -> bool:
        """Whether the data have two features: their networks are kept, to be drawn."""
        return self.dataset.n_features == 2

    @cached_property
    def input_rms(self) -> float:
        """Root mean square of the training inputs, the mean over the splits."""
        every = [float(np.sqrt(np.mean(of.X_train**2))) for of in self.datasets.datasets]
        return float(np.mean(every))

    @property
    def title(self) -> str:
        """Data and network in a few words."""
        return f"{self.dataset.name}, {self._described}"

    @property
    def headline(self) -> str:
        """Data, network and training in one line."""
        return f"{self.dataset.describe()} · {self._described} · {self.training}"

    @property
    def _described(self) -> str:
        """The network, and how its biases start where that isn't at zero."""
        begin = f", biases {self.biases}" if self.biases.std != 0 else ""
        return f"{self.network}{begin}"

    def describe(self) -> str:
        """Return data, network, training and seeds in one line."""
        return f"{self.headline} · {describe_grid(self)}"

    def as_dict(self) -> dict[str, Any]:
        """Return what was run, in plain values that JSON can hold."""
        return {
            "data": {
                "name": self.dataset.name,
                "task": self.dataset.task,
                "train_examples": len(self.dataset.X_train),
                "test_examples": len(self.dataset.X_test),
                "features": self.dataset.n_features,
                "classes": list(self.dataset.classes) if self.dataset.classes else None,
                **_prepared(self.dataset),
            },
            "network": {
                "layers": list(self.network.layers),
                "activation": self.network.activation,
                "output": self.network.output,
                "bias": str(self.biases),
            },
            "training": asdict(self.training),
            "initializers": [scheme.name for scheme in self.schemes],
            "learning_rates": list(self.learning_rates),
            "seeds": list(self.seeds),
            "splits": self.splits,
        }

    def identity(self) -> dict[str, Any]:
        """Return what every run in one folder must agree in; see ``goodinit.store.folder``."""
        said = self.as_dict()
        shape, fingerprint = self.dataset.image_shape, self.dataset.fingerprint
        others = [_prepared(of) | {"fingerprint": of.fingerprint} for of in self.others]
        return {
            "kind": "network",
            "data": said["data"] | {"image_shape": shape, "fingerprint": fingerprint},
            "network": said["network"],
            "training": said["training"],
            **({"splits": {"fresh": self.fresh, "others": others}} if others else {}),
        }

    def largest_weights(self, name: str, seed: int) -> list[float]:
        """Return the largest weight of each layer: by these an initializer is known again.

        Raises
        ------
        ArgumentError
            Where the initializer draws no such weights.
        """
        weights = draw_weights(self.scheme(name), self.network.layers, seed)
        return [float(np.abs(of).max()) for of in weights]


def _prepared(dataset: Dataset) -> dict[str, Any]:
    """Return what was made of the user's columns and numbers, where something was."""
    said: dict[str, Any] = {}
    if dataset.X_validation is not None:
        said["validation_examples"] = len(dataset.X_validation)
    if dataset.preparation:
        said["preparation"] = list(dataset.preparation)
    if dataset.target_scale is not None:
        said["target_scale"] = dataset.target_scale._asdict()
    return said


def plan(
    dataset: Dataset | Splits,
    *,
    initializers: Iterable[Initializer] | Initializer,
    hidden: Sequence[int],
    activation: str,
    learning_rate: float | Sequence[float],
    seeds: int | Sequence[int],
    training: Training,
    bias: str = "zeros",
    split_seed: int = 0,
    aside: bool | None = None,
) -> Study:
    """Check everything that a comparison was asked for, and return its study.

    Parameters
    ----------
    dataset : Dataset or Splits
    initializers : spec strings, schemes, callables or lists of arrays
        ``"articles"`` stands for ``ARTICLES``; arrays alone are the weights of one network.
    hidden : sequence of int
        Units of each hidden layer; empty for a model without any.
    activation : str
    learning_rate : float or sequence of float
        Above 0.
    seeds : int or sequence of int
        How many (0, 1, ...), or the seeds themselves.
    training : Training
    bias : str
        How biases start where an initializer draws none; see
        ``goodinit.initializers.biases.read_biases``.
    split_seed : int
        Of the examples set aside to choose among several learning rates, and one more for each
        further split; see ``goodinit.datasets.parts.with_validation``.
    aside : bool, optional
        Whether they are. Where not given: if there are several rates, and so a choice.

    Raises
    ------
    ArgumentError
        The first argument that cannot be used.

    Examples
    --------
    >>> from goodinit.datasets import circles
    >>> study = plan(circles(), initializers="articles", hidden=(10, 5), activation="relu",
    ...              learning_rate=0.01, seeds=3, training=Training())
    >>> print(study.network, len(study.trials))
    2-10-5-1, relu, sigmoid 18
    """
    resampled = dataset if isinstance(dataset, Splits) else Splits((dataset,))
    dataset = resampled.datasets[0]
    units = tuple(whole("hidden", size, at_least=1) for size in several("hidden", hidden))
    first, last, output = ends(dataset)
    layers = (first, *units, last)
    _check_network(dataset, layers)
    rates = read_rates(learning_rate)
    cut = len(rates) > 1 if aside is None else aside
    dataset, *others = _set_aside(resampled.datasets, split_seed) if cut else resampled.datasets
    study = Study(
        dataset,
        Network(layers, activations.trained(activation).name, output),
        training,
        read_schemes(initializers),
        rates,
        read_splits(len(resampled.datasets), seeds),
        read_biases(bias),
        tuple(others),
        resampled.fresh,
    )
    _check_tables(study)
    _check_biases(study)
    for scheme in study.schemes:
        for layers in {study.on(split).network.layers for split in range(study.splits)}:
            if isinstance(scheme.draw, Arrays):
                draw_weights(scheme, layers, seed=0)
    return study


def _set_aside(datasets: Sequence[Dataset], split_seed: int) -> Sequence[Dataset]:
    """Return each split with examples set aside; none where one has a class too small for it."""
    found = [with_validation(of, split_seed + k) for k, of in enumerate(datasets)]
    return datasets if any(of.X_validation is None for of in found) else found


def ends(dataset: Dataset) -> tuple[int, int, str]:
    """Return how many inputs and outputs a network for these data has, and of what kind these are.

    Examples
    --------
    >>> from goodinit.datasets import iris
    >>> ends(iris())
    (4, 3, 'softmax')
    """
    outputs = len(dataset.classes or ()) if dataset.task == "multiclass" else 1
    return dataset.n_features, outputs, _OUTPUTS[dataset.task]


def _check_network(dataset: Dataset, layers: Sequence[int]) -> None:
    """Raise ArgumentError where one network, while it is measured, has no room in memory."""
    weights = sum(a * b for a, b in pairwise(layers))
    examples = max(len(dataset.X_train), len(dataset.X_test))
    needed = 8 * (_COPIES * weights + _ARRAYS_PER_LAYER * examples * sum(layers[1:]))
    there = min(_LARGEST_NETWORK, memory.available())
    if needed > there:
        takes = (
            f"layers that fit into memory ({memory.gigabytes(there)}; these take "
            f"{memory.gigabytes(needed)})"
        )
        raise bad_argument("hidden", layers[1:-1], takes)


def _check_biases(study: Study) -> None:
    """Raise ArgumentError where the biases that are drawn are too large to be numbers."""
    try:
        draw_biases(zeros(), study.network.layers, study.seeds[0], study.biases.scheme)
    except ArgumentError:
        raise bad_argument("bias", str(study.biases), "biases that are finite numbers") from None


def _check_tables(study: Study) -> None:
    """Raise ArgumentError where what is measured of all trials has no room in memory."""
    trials = len(study.seeds) * len(study.schemes) * len(study.learning_rates)
    rows = len(study.training.moments) + 2 * len(study.network.layers)
    needed, there = _ROW * trials * rows, memory.available()
    if needed > there:
        takes = (
            f"fewer: {trials:,} trials, measured {len(study.training.moments)} times each, take "
            f"{memory.gigabytes(needed)} of memory, and there are {memory.gigabytes(there)}"
        )
        raise bad_argument("seeds", len(study.seeds), takes)
