"""How much memory there is for what is asked, and how it is said that it doesn't suffice."""

import os
from pathlib import Path

_UNKNOWN = 8_000_000_000  # taken where a system doesn't say
_GROUPS = (  # what a container may have, and has already
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def available() -> int:
    """Return how many bytes this process may still take, as the system or its container says.

    Examples
    --------
    >>> available() > 0
    True
    """
    return max(1, min([_free(), *filter(None, (_left(*group) for group in _GROUPS))]))


def _free() -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):  # not Linux
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return _UNKNOWN


def _left(limit: str, used: str) -> int | None:
    try:
        return int(Path(limit).read_text()) - int(Path(used).read_text())
    except (OSError, ValueError):  # no such group, or "max"
        return None


def gigabytes(number: float) -> str:
    """Return bytes as a reader would say them.

    Examples
    --------
    >>> gigabytes(12_345_678_901), gigabytes(1_500_000)
    ('12.3 GB', '0.0015 GB')
    """
    return f"{number / 1e9:,.3g} GB" if number < 1e12 else f"{number / 1e9:,.0f} GB"
