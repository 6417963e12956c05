"""What was decided when a study folder was begun."""

from contextlib import suppress
from pathlib import Path

from goodinit.errors import ArgumentError
from goodinit.store.folder import read_description
from goodinit.store.written import DESCRIPTION


def sets_aside(folder: str | Path | None) -> bool | None:
    """Return whether the study of a folder has examples set aside; None where there is none yet.

    That was decided when the folder was begun: another learning rate doesn't change its data.
    """
    if folder is None or not (Path(folder) / DESCRIPTION).exists():
        return None
    with suppress(ArgumentError):  # what is wrong there is said when it is opened
        return "validation_examples" in read_description(Path(folder)).get("data", {})
    return None
