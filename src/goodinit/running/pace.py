"""How far a study is, how long it still takes, and whether that is long enough to be said."""

import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from goodinit.errors import LongRunWarning
from goodinit.summary import duration
from goodinit.training import SHARPNESS, TRAINING

KEEPING = "keeping"
_LONG = 120.0  # seconds, from which on a study says how long it will take
_SHARE_SAID = 0.1  # of the time, from which on sharpness is worth a word


@dataclass(frozen=True)
class State:
    """Where a study stands.

    Attributes
    ----------
    doing : str
        What is going on: training, measuring, measuring sharpness, keeping.
    trials_done, trials : int
        How many are finished, those that were kept before among them, and how many there are.
    share : float
        Of the time, from 0 to 1.
    seconds_left : float or None
        None until each kind of work was seen once.
    """

    doing: str
    trials_done: int
    trials: int
    share: float
    seconds_left: float | None


class Watch(Protocol):
    """Whoever watches a study."""

    def tell(self, state: State) -> None:
        """Show where it stands."""

    def warn(self, line: str) -> None:
        """Say that it will take long."""


class Unwatched:
    """Nobody: that a study takes long is a warning."""

    def tell(self, state: State) -> None:
        """Show nothing."""

    def warn(self, line: str) -> None:
        """Warn."""
        warnings.warn(line, LongRunWarning, stacklevel=2)


@dataclass
class Pace:
    """What each kind of work takes, as measured so far, and what of it is still to be done.

    Time is predicted kind by kind: sharpness, which is measured at few iterations and most often at
    the start, would otherwise make a study look many times as long as it is.

    Attributes
    ----------
    trials, kept : int
        How many there are, and how many were finished before.
    per_trial : mapping of str to int
        Of each kind of work, how many units a trial takes. Where only training is named, its first
        stretch in each batch isn't timed, since it holds what the others' start takes.
    progress : callable
        Called with the updates made so far, and with their total.
    watch : Watch
        Told where the study stands, and once that it takes long.
    together : bool
        Whether others do the work, several batches at once.
    """

    trials: int
    kept: int
    per_trial: Mapping[str, int]
    progress: Callable[[int, int], None]
    watch: Watch = field(default_factory=Unwatched)
    together: bool = False
    clock: Callable[[], float] = time.monotonic
    _made: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _timed: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _doing: str = KEEPING
    _finished: int = 0
    _begun: bool = False  # whether this batch's work has begun to be timed
    _warned: bool = False

    def __post_init__(self) -> None:
        self._start = self._last = self.clock()

    def advance(self, made: int) -> None:
        """Count updates that were just made, over all trials."""
        timed = self._begun or self.together or len(self.per_trial) > 1
        self._begun = True
        self._count(TRAINING, made, timed=timed)
        total = self.trials * self.per_trial[TRAINING]
        self.progress(self.kept * self.per_trial[TRAINING] + self._made[TRAINING], total)
        self._say()

    def stage(self, doing: str, made: int) -> None:
        """Count other work: 0 where it begins, or how many units of it were just done."""
        if made:
            self._count(doing, made, timed=True)
        else:
            self._pass(self._doing)
            self._doing = doing
        self._say()

    def finish(self, trials: int) -> None:
        """Count trials whose measurements are kept."""
        self._finished += trials
        self._begun = False
        self._count(KEEPING, trials, timed=True)
        self._say()

    @property
    def state(self) -> State:
        """Where the study stands now."""
        left = self._seconds_left()
        elapsed = self._last - self._start
        share = 0.0 if left is None else elapsed / (elapsed + left) if elapsed + left else 1.0
        return State(self._doing, self.kept + self._finished, self.trials, share, left)

    def _count(self, doing: str, made: int, *, timed: bool) -> None:
        self._pass(doing if timed else KEEPING)
        self._doing = doing
        self._made[doing] += made
        self._timed[doing] += made if timed else 0

    def _pass(self, doing: str) -> None:
        now = self.clock()
        self._spent[doing] += now - self._last
        self._last = now

    def _to_do(self, doing: str) -> int:
        units = 1 if doing == KEEPING else self.per_trial[doing]
        return (self.trials - self.kept) * units - self._made[doing]

    def _seconds_left(self) -> float | None:
        if self.together:
            made = self._made[TRAINING]
            return (self._last - self._start) / made * self._to_do(TRAINING) if made else None
        if not all(self._timed[doing] for doing in self.per_trial):
            return None
        return sum(self._of(doing) for doing in (*self.per_trial, KEEPING))

    def _of(self, doing: str) -> float:
        """Return the seconds that the rest of one kind of work takes."""
        seen = self._timed[doing]
        return self._spent[doing] / seen * self._to_do(doing) if seen else 0.0

    def _say(self) -> None:
        state = self.state
        self.watch.tell(state)
        if self._warned or state.seconds_left is None:
            return
        self._warned = True
        if state.seconds_left > _LONG:
            trials = f"{self.trials - self.kept:,} trials"
            self.watch.warn(
                f"this takes about {duration(state.seconds_left)} for {trials}{self._sharpness()}; "
                "fewer seeds or iterations take less, and with `out` what is interrupted goes on"
            )

    def _sharpness(self) -> str:
        left = self._seconds_left() or 0.0
        share = self._of(SHARPNESS) / left if SHARPNESS in self.per_trial and left else 0.0
        return f", {share:.0%} of it to measure sharpness" if share > _SHARE_SAID else ""
