"""Where a command's own time went."""

import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goodinit.running.pace import State, Watch


class Stopwatch:
    """The seconds between one lap and the next, each under a name: passed, and worked."""

    def __init__(self) -> None:
        self._last = _now()
        self._laps: dict[str, tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))

    def lap(self, name: str) -> None:
        """Say what the time since the last lap was spent on."""
        now, (passed, worked) = _now(), self._laps[name]
        self._laps[name] = passed + now[0] - self._last[0], worked + now[1] - self._last[1]
        self._last = now

    def watching(self, watch: "Watch") -> "Watch":
        """Return who watches a study as `watch` does, and takes laps by what is going on."""
        return _Timed(self, watch)

    def print(self) -> None:
        """Print the laps on standard error, one a line, and their sum."""
        whole = tuple(map(sum, zip(*self._laps.values(), strict=True)))
        sys.stderr.write("seconds that passed, that the processors worked\n")
        for name, (passed, worked) in [*self._laps.items(), ("in all", whole)]:
            sys.stderr.write(f"{passed:8.2f} {worked:8.2f}  {name}\n")


@dataclass
class _Timed:
    clock: Stopwatch
    watch: "Watch"
    doing: str = "keeping"

    def tell(self, state: "State") -> None:
        self.clock.lap(self.doing)
        self.doing = state.doing
        self.watch.tell(state)

    def warn(self, line: str) -> None:
        self.watch.warn(line)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()
