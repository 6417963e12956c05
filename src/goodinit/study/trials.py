"""What a trial is, and what every study of trials is to what comes after it."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, ClassVar, Protocol, TypeVar

from goodinit.errors import bad_argument, number, whole

_MOST_SEEDS = 1_000_000


class AnyTraining(Protocol):
    """What is known of any training; see ``Training``."""

    @property
    def iterations(self) -> int: ...
    @property
    def moments(self) -> tuple[int, ...]: ...


class Named(Protocol):
    """An initializer, as far as tables know it."""

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Trial:
    """One network to be trained."""

    initializer: str
    learning_rate: float
    seed: int


class AnyStudy(Protocol):
    """What the study of a network, and that of a PyTorch module, are to what comes after them.

    The members are those of ``Study``.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def training(self) -> AnyTraining: ...
    @property
    def schemes(self) -> Sequence[Named]: ...
    @property
    def learning_rates(self) -> tuple[float, ...]: ...
    @property
    def seeds(self) -> tuple[int, ...]: ...
    @property
    def splits(self) -> int: ...
    @property
    def test_share(self) -> float: ...
    @property
    def trials(self) -> tuple[Trial, ...]: ...
    @property
    def task(self) -> str: ...
    @property
    def chance(self) -> float: ...
    @property
    def has_boundaries(self) -> bool: ...
    @property
    def input_rms(self) -> float: ...
    @property
    def title(self) -> str: ...
    @property
    def headline(self) -> str: ...
    def on(self, split: int) -> "AnyStudy": ...
    def describe(self) -> str: ...
    def as_dict(self) -> dict[str, Any]: ...
    def identity(self) -> dict[str, Any]: ...
    def largest_weights(self, name: str, seed: int) -> list[float]: ...


class SelfTrained(AnyStudy, Protocol):
    """A study that trains its batches itself."""

    @property
    def trials_per_batch(self) -> int: ...
    def measure(
        self, trials: Sequence[Trial], progress: Callable[[int], None], *, networks: bool
    ) -> Any: ...


S = TypeVar("S", bound=AnyStudy)


def describe_grid(study: AnyStudy) -> str:
    """Return learning rates and the number of seeds, and of splits where there are several."""
    rates = ", ".join(f"{rate:g}" for rate in study.learning_rates)
    seeds = f"{len(study.seeds)} seed{'s' if len(study.seeds) > 1 else ''}"
    over = f" over {study.splits} splits" if study.splits > 1 else ""
    return f"learning rate {rates} · {seeds}{over}"


def finished(study: S, done: Collection[Trial]) -> S:
    """Return the part of a study whose seeds have all their trials among those that are done.

    Examples
    --------
    >>> from goodinit.datasets import circles
    >>> from goodinit.study.grid import Training, plan
    >>> study = plan(circles(), initializers=["zeros", "he"], hidden=(10,), activation="relu",
    ...              learning_rate=0.01, seeds=3, training=Training())
    >>> finished(study, study.trials[:5]).seeds
    (0, 1)
    """
    known = set(study.trials)
    made = Counter(trial.seed for trial in done if trial in known)
    per_seed = len(study.schemes) * len(study.learning_rates)
    return replace(study, seeds=tuple(seed for seed in study.seeds if made[seed] == per_seed))


def read_rates(learning_rate: float | Sequence[float]) -> tuple[float, ...]:
    """Return the learning rates that are meant, one or several.

    Raises
    ------
    ArgumentError
        Where there is none, one is not above 0, or one is there twice.
    """
    rates = [
        number("learning_rate", rate, "a number above 0", lambda n: n > 0)
        for rate in several("learning_rate", learning_rate)
    ]
    return distinct("learning_rate", rates, "at least one number above 0")


def read_seeds(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Return the seeds that are meant, from 0 on where it is said how many.

    Raises
    ------
    ArgumentError
        Where there is none, one is not a whole number from 0, or one is there twice.
    """
    if isinstance(seeds, Integral):
        count = whole("seeds", seeds, at_least=1)
        if count > _MOST_SEEDS:
            raise bad_argument("seeds", seeds, f"at most {_MOST_SEEDS:,} seeds")
        return tuple(range(count))
    chosen = [whole("seeds", seed, at_least=0) for seed in several("seeds", seeds)]
    return distinct("seeds", chosen, "at least one seed")


def read_splits(splits: int, seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Return the seeds that are meant, of which each split has at least one.

    Examples
    --------
    >>> read_splits(3, 2)
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: seeds: got 2, takes at least 3, one for each of 3 splits
    """
    whole("splits", splits, at_least=1)
    found = read_seeds(seeds)
    without = splits - len({seed % splits for seed in found})
    if without and isinstance(seeds, Integral):
        raise bad_argument("seeds", seeds, f"at least {splits}, one for each of {splits} splits")
    if without:
        takes = f"at least one of each split: seed s is of split s mod {splits}"
        raise bad_argument("seeds", list(found), takes)
    return found


def several(argument: str, value: object) -> list[Any]:
    """Return a list of what may be one value or several."""
    if isinstance(value, str) or value is None:
        raise bad_argument(argument, value, "a number or several")
    return list(value) if isinstance(value, Iterable) else [value]


def distinct(argument: str, values: list[Any], takes: str) -> tuple[Any, ...]:
    """Return values of which there is at least one, and each only once."""
    if not values:
        raise bad_argument(argument, values, takes)
    twice = next((value for value, times in Counter(values).items() if times > 1), None)
    if twice is not None:
        raise bad_argument(argument, f"{twice} twice", "each only once")
    return tuple(values)
