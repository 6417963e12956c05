"""What was decided when a study folder was begun."""

from contextlib import suppress
from pathlib import Path

from goodinit.errors import ArgumentError
from goodinit.store.description import read_description


def sets_aside(folder: str | Path | None) -> bool | None:
    """Return whether the study of a folder has examples set aside; None where there is none yet.

    That was decided when the folder was begun: another learning rate doesn't change its data.
    """
    if folder is None:
        return None
    with suppress(ArgumentError):  # there is none, or what is wrong is said when it is opened
        return "validation_examples" in read_description(Path(folder))["data"]
    return None
