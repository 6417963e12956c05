"""How a file that cannot be read is said, and how much may be read at once."""

from collections.abc import Iterator
from contextlib import contextmanager

from goodinit.errors import ArgumentError, bad_argument

LARGEST_BYTES = 8_000_000_000


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
