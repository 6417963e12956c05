"""Where a command's own time went."""

import sys
from time import perf_counter


class Stopwatch:
    """The seconds between one lap and the next, each under a name."""

    def __init__(self) -> None:
        self._last = perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        """Say what the time since the last lap was spent on."""
        now = perf_counter()
        self._laps[name] = now - self._last
        self._last = now

    def print(self) -> None:
        """Print the laps on standard error, one a line, and their sum."""
        for name, seconds in [*self._laps.items(), ("in all", sum(self._laps.values()))]:
            sys.stderr.write(f"{seconds:8.2f} s  {name}\n")
