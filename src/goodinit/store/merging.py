"""How the kept studies of several machines become one, without training or drawing anything."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goodinit.errors import bad_argument
from goodinit.measuring.tables import choose, trials_of
from goodinit.store.data import data_files
from goodinit.store.description import describe, read_description
from goodinit.store.differing import differences, merged
from goodinit.store.folder import kinds_of
from goodinit.store.parts import find_parts, write_part
from goodinit.store.written import check_place, writable


def merge(folders: Sequence[str | Path], out: str | Path) -> None:
    """Make one study folder of several that hold the same study: other seeds, rates or schemes.

    A trial that several hold is taken from the first of them. The folders stay as they are; their
    damaged parts are left out.

    Parameters
    ----------
    folders : sequence of str or Path
    out : str or Path
        A new or empty folder.

    Raises
    ------
    ArgumentError
        Before anything is written, where a folder holds no study or another one than the first, or
        ``out`` is not free.
    """
    places = [Path(folder) for folder in folders]
    if len(places) < 2:
        raise bad_argument("folders", [str(place) for place in places], "at least two studies")
    known = [read_description(place) for place in places]
    for place, other in zip(places[1:], known[1:], strict=True):
        if said := differences(known[0], other):
            takes = f"the study of {places[0]}, {known[0]['summary']} ({', '.join(said)})"
            raise bad_argument("folders", place, takes)
    home, whole = check_place("out", out, marks=[]), known[0]
    for other in known[1:]:
        whole = merged(whole, other)
    kinds = kinds_of(whole)
    with writable(home):
        made = not home.exists()
        home.mkdir(parents=True, exist_ok=True)
        try:
            _fill(home, places, whole, kinds)
        except BaseException:
            if made:
                shutil.rmtree(home, ignore_errors=True)  # all of it was written just now
            raise


def _fill(home: Path, places: Sequence[Path], whole: dict[str, Any], kinds: Sequence[str]) -> None:
    """Write the description, the data, and the trials, each of them once."""
    describe(home, whole)
    for data in max((data_files(place) for place in places), key=len):
        shutil.copyfile(data, home / data.name)
    for kind in kinds:
        (home / kind).mkdir(exist_ok=True)
    held: set[Any] = set()
    number = 0
    for place in places:
        for part in find_parts(place, kinds).whole:
            trials = trials_of(part)
            new = np.array([trial not in held for trial in trials])
            if new.any():
                write_part(home, number, choose(part, new))
                number += 1
                held.update(trials)
