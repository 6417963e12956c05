"""What a path must be before it is read, how a file that cannot be read is said, and how much."""

import errno
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from goodinit import memory
from goodinit.errors import ArgumentError, bad_argument

LARGEST_BYTES = 8_000_000_000
_SHARE = 2  # of the memory that is there, data may take this part

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


@contextmanager
def reading(shown: str, takes: str) -> Iterator[None]:
    """Turn whatever goes wrong inside into one line that names the file and the reason.

    Parameters
    ----------
    shown : str
        The file, as the user should see it.
    takes : str
        What the file should have been.

    Raises
    ------
    ArgumentError
        For any error inside.

    Examples
    --------
    >>> with reading("a.csv", "a CSV table"):
    ...     raise OSError("disk on fire")
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: data: got 'a.csv', takes a CSV table (disk on fire)
    """
    try:
        yield
    except ArgumentError:
        raise
    except Exception as error:  # a damaged file makes parsers and decoders raise almost anything
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reason = " ".join(said.split()) or type(error).__name__
        raise bad_argument("data", shown, f"{takes} ({reason})") from error


def check_readable(path: Path) -> None:
    """Raise ArgumentError unless a path is a file or a folder: a pipe would wait for ever.

    Examples
    --------
    >>> check_readable(Path("/dev/null"))
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: data: got '/dev/null', takes a file or a folder (this is a
    device: write what it gives into a file first)
    """
    with reading(str(path), "a file or folder that can be read"):
        mode = path.stat().st_mode
    kind = next((said for holds, said in _KINDS if holds(mode)), None)
    if kind:
        takes = f"a file or a folder (this is {kind}: write what it gives into a file first)"
        raise bad_argument("data", str(path), takes)


def why_missing(path: Path) -> str:
    """Return what is known of why a path leads nowhere, "" where it just isn't there.

    Examples
    --------
    >>> why_missing(Path("nowhere"))
    ''
    """
    try:
        path.stat()
    except FileNotFoundError:
        linked = path.is_symlink()
        return f" (it is a link to {str(path.readlink())!r}, which isn't there)" if linked else ""
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) == errno.ELOOP:
            return " (it is a link that leads back to itself)"
        return f" ({getattr(error, 'strerror', None) or error})"
    return ""


def most_bytes() -> int:
    """Return how many bytes data may take: a part of the memory that there is."""
    return min(LARGEST_BYTES, memory.available() // _SHARE)


def check_size(shown: str, n_bytes: float, what: str) -> None:
    """Raise ArgumentError where something that takes so much memory would be read.

    Examples
    --------
    >>> check_size("a.npz", 1e15, "arrays")
    Traceback (most recent call last):
        ...
    goodinit.errors.ArgumentError: data: got 'a.npz', takes arrays of at most ... GB (these are
    1,000,000 GB)
    """
    most = most_bytes()
    if n_bytes > most:
        said = f"these are {memory.gigabytes(n_bytes)}"
        raise bad_argument("data", shown, f"{what} of at most {memory.gigabytes(most)} ({said})")
