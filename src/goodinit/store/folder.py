"""What is kept of a study on disk, and how it goes on where it stopped.

A study folder holds ``study.json``, which says what is compared, ``data.npz``, on what, and the
parts, which say what came of it; ``goodinit.store.parts`` knows how these lie there.
"""

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock

from goodinit.errors import ArgumentError, StudyStoppedError, bad_argument
from goodinit.initializers import Scheme, read
from goodinit.initializers.biases import read_biases
from goodinit.initializers.scheme import Shape
from goodinit.measuring.tables import KEYS, TABLES, Measured, trials_of
from goodinit.network import Network
from goodinit.store.data import data_files, keep_data, read_data
from goodinit.store.description import (
    FORMAT,
    SEVERAL,
    UNSAID,
    NetworkData,
    NetworkLayers,
    NetworkSplits,
    check_agrees,
    check_groups,
    describe,
    inside,
    read_description,
)
from goodinit.store.differing import differences, merged, other_than
from goodinit.store.kinds import reader
from goodinit.store.parts import (
    NETWORKS,
    StoredPart,
    clear,
    find_parts,
    write_part,
)
from goodinit.store.written import (
    DESCRIPTION,
    LOCK,
    RECORD,
    check_files,
    check_out,
    check_place,
    free_place,
    writable,
)
from goodinit.study.grid import Study, Training, ends
from goodinit.study.trials import AnyStudy, finished

_NAMED = 20  # damaged files
_NETWORK = {"data": NetworkData, "network": NetworkLayers, "training": Training}
_SAMPLE = 0  # the seed of the draw by which an initializer is known again


@dataclass
class Store:
    """A study folder that this process alone may write.

    Attributes
    ----------
    folder : Path
    parts : list of StoredPart
    notes : tuple of str
        What the reader of the study should know of the folder.
    """

    folder: Path
    parts: list[StoredPart]
    notes: tuple[str, ...]

    def write(self, part: Measured) -> None:
        """Keep a part, whole or not at all.

        Raises
        ------
        StudyStoppedError
            Where the folder cannot be written; what it held before it holds still.
        """
        number = max((part.number for part in self.parts), default=-1) + 1
        try:
            try:
                self.parts.append(write_part(self.folder, number, part))
            except KeyboardInterrupt:
                self.parts.append(write_part(self.folder, number, part))  # it was computed: keep it
                raise
        except OSError as error:
            self.parts[:] = [part for part in self.parts if part.exists()]  # or the folder has gone
            raise StudyStoppedError(f"{self.folder}: {error.strerror or error}") from error


class Loaded(NamedTuple):
    """A study that was read, the part of it that is finished, and what else there is to know."""

    study: AnyStudy
    parts: list[StoredPart]
    finished: AnyStudy
    notes: tuple[str, ...]


@contextmanager
def opened(folder: str | Path, study: AnyStudy, *, keep_networks: bool) -> Iterator[Store]:
    """Make a study folder, or open one to go on with it, while no other process may.

    Parts that are damaged are moved aside, what a crash left unfinished is removed, and a folder
    that was made for nothing is removed at the end.

    Raises
    ------
    ArgumentError
        Where the folder cannot be written, holds anything else or another study, or another process
        is in it.
    """
    place = check_out(folder)
    kinds = _kinds(keep_networks)
    lock = FileLock(place / LOCK, blocking=False)
    store = Store(place, [], ())
    made: list[Path] = []
    try:
        with writable(place):
            made = [path for path in (place, *place.parents) if not path.exists()]
            place.mkdir(parents=True, exist_ok=True)
            unmarked = not (place / LOCK).exists()
            lock.acquire()
            try:
                version_notes = _describe(place, study, keep_networks=keep_networks)
            except ArgumentError:  # it is of someone else's: leave it as it was
                if unmarked:
                    (place / LOCK).unlink(missing_ok=True)
                raise
            for kind in kinds:
                (place / kind).mkdir(exist_ok=True)
            found = find_parts(place, kinds)
            clear(place, found)
        store.parts.extend(found.whole)
        store.notes = (*_damage(found.damaged, "their trials were run again"), *version_notes)
        yield store
    finally:
        if made and lock.is_locked and not store.parts:
            _empty(place, kinds)
        lock.release()
        _remove(made)


def check_export(folder: str | Path, study: AnyStudy, names: Sequence[str]) -> Path:
    """Return the place for a study's pictures, where they take the place of goodinit's own only.

    Raises
    ------
    ArgumentError
        Where the folder holds anything else, another study, or a file of these names that goodinit
        didn't write.
    OSError
        Where the folder cannot be read.
    """
    place = check_place("out", folder, marks=[DESCRIPTION, RECORD])
    if (place / DESCRIPTION).exists():
        known = read_description(place)
        with _understood(place / DESCRIPTION):
            other = other_than(known, json.loads(json.dumps(study.identity())))
        if other:
            takes = f"a folder of this study ({', '.join(other)})"
            raise bad_argument("out", place, f"{takes}, or such as {str(free_place(place))!r}")
    check_files("out", place, names)
    return place


def load(folder: str | Path) -> Loaded:
    """Read a study folder, without changing anything in it.

    The study is everything that the folder was asked for, where some of its seeds have all of it;
    where none has, what it was asked for last.

    Raises
    ------
    ArgumentError
        Where there is no study, or its description or data cannot be read.
    """
    place = Path(folder)
    path, described = place / DESCRIPTION, read_description(place)
    make = reader(described["kind"], f"{path}, kind")
    with _understood(path):
        whole, last = (
            make(
                place,
                described,
                names=tuple(grid["initializers"]),
                learning_rates=tuple(grid["learning_rates"]),
                seeds=tuple(grid["seeds"]),
            )
            for grid in (described, described["asked"])
        )
    kinds, notes = kinds_of(described), _versions_differ(described["versions"])
    found = find_parts(place, kinds)
    done = {trial for part in found.whole for trial in trials_of(part)}
    for study in (whole, last):
        if (complete := finished(study, done)).seeds:
            _check_measured(path, study, found.whole[0])
            notes = (*_damage(found.damaged, "the same command runs their trials again"), *notes)
            return Loaded(study, found.whole, complete, notes)
    damage = " ".join(_damage(found.damaged, "the same command runs their trials again"))
    if found.unfinished and not found.whole:
        damage += f"{place / 'trials'} lacks what belongs to {found.unfinished[0]}"
    takes = f"a study of which a whole seed is finished{f' ({damage})' if damage else ''}"
    raise bad_argument("folder", place, takes)


def network_study(place: Path, described: Mapping[str, Any], names: Any, **grid: Any) -> AnyStudy:
    """Return the study of a network, its data read from the folder."""
    path = place / DESCRIPTION
    check_groups(path, described, _NETWORK, optional={"splits": NetworkSplits})
    network = described["network"]
    with inside(path, "network"):
        layers = Network(tuple(network["layers"]), network["activation"], network["output"])
        biases = read_biases(network.get("bias", UNSAID["bias"]))
    with inside(path, "training"):
        training = Training(**described["training"])
    kept = read_data(place, described)
    data, *others = kept.datasets
    study = Study(
        data,
        layers,
        training,
        tuple(map(_scheme, names)),
        biases=biases,
        others=tuple(others),
        fresh=kept.fresh,
        **grid,
    )
    _check_agrees(place, described, study)
    return study


def _check_agrees(place: Path, described: Mapping[str, Any], study: Study) -> None:
    """Raise ArgumentError where a description contradicts itself, or the data beside it."""
    path, (first, last, output) = place / DESCRIPTION, ends(study.dataset)
    if (files := len(data_files(place))) != study.splits:
        raise bad_argument(f"{path}, splits", study.splits, f"{files}, as there are files of data")
    layers = [first, *study.network.layers[1:-1], last]
    fits = {
        "data": json.loads(json.dumps(study.identity()["data"])),
        "network": {"layers": layers, "output": output},
    }
    for group, expected in fits.items():
        check_agrees(path, group, described[group], expected)
    for name, drawn in described["initializers"].items():
        if len(drawn) != len(layers) - 1:
            takes = f"a number for each of {len(layers) - 1} layers"
            raise bad_argument(f"{path}, initializers.{name}", drawn, takes)


def _check_measured(path: Path, study: AnyStudy, part: StoredPart) -> None:
    """Raise ArgumentError where a part was measured of another network, or for another time."""
    training, trials = study.training, part.table("trials", KEYS).num_rows
    measured = part.table("curves", ["iteration"])["iteration"].to_pylist()
    measured = measured[: len(measured) // trials]
    found: dict[str, tuple[Any, Any]] = {
        "training.iterations": (training.iterations, measured[-1]),
        "training.record": (len(training.moments) - 1, len(measured) - 1),
    }
    if isinstance(study, Study):
        signals = part.table("signals", ["layer", "units"]).to_pydict()
        units = dict(zip(signals["layer"], signals["units"], strict=True))
        layers = study.network.layers
        found["network.layers"] = ([*layers], [layers[0], *map(int, units.values())])
    for key, (said, seen) in found.items():
        if said != seen:
            raise bad_argument(f"{path}, {key}", said, f"{seen}, as was measured")


def versions() -> dict[str, str]:
    """Return what the last digits of a study depend on besides its description."""
    packages = ("goodinit", "numpy", "numba")
    return {name: version(name) for name in packages} | {"machine": platform.machine()}


def _kinds(keep_networks: bool) -> tuple[str, ...]:
    return (*([NETWORKS] if keep_networks else []), *TABLES)


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    """Say of a file that something is wrong in it, whatever that is."""
    try:
        yield
    except ArgumentError:  # it says already what is wrong
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        said = f"{type(error).__name__}: {error}"
        raise bad_argument("folder", path, f"a file that goodinit wrote ({said})") from None


def _describe(place: Path, study: AnyStudy, *, keep_networks: bool) -> tuple[str, ...]:
    """Write what the folder is for, or check that it is for this study and add what is new."""
    asked = _description(study, keep_networks=keep_networks)
    path = place / DESCRIPTION
    try:
        known = read_description(place) if path.exists() else asked
    except ArgumentError as error:
        raise ArgumentError(f"{error}; free is {str(free_place(place))!r}") from None
    with _understood(path):
        other = differences(known, asked)
        whole = merged(known, asked)
    if other:
        takes = (
            f"a folder of this study, {asked['summary']}, such as {str(free_place(place))!r}; it "
            f"holds {known['summary']} ({', '.join(other)})"
        )
        raise bad_argument("out", place, takes)
    if whole != known or not path.exists():  # first of all: by it the folder is known as a study
        describe(place, whole)
    if isinstance(study, Study):
        keep_data(place, study.datasets)
    return _versions_differ(whole["versions"])


def kinds_of(described: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which tables, and whether networks, the parts of a described study have."""
    return _kinds(described["keep_networks"])


def _description(study: AnyStudy, *, keep_networks: bool) -> dict[str, Any]:
    """Return what a folder for this study says, as JSON gives it back."""
    said = study.as_dict()
    asked = {name: said[name] for name in ("initializers", *SEVERAL)}
    description = {
        "format": FORMAT,
        "summary": study.headline,
        **study.identity(),
        "keep_networks": keep_networks,
        "initializers": {
            scheme.name: study.largest_weights(scheme.name, _SAMPLE) for scheme in study.schemes
        },
        **{name: asked[name] for name in SEVERAL},
        "asked": asked,
        "versions": [versions()],
    }
    plain: dict[str, Any] = json.loads(json.dumps(description))
    return plain


def _scheme(name: str) -> Scheme:
    """Return the scheme of that name, without its draw where it was a callable of the user's."""
    try:
        return read(name)
    except ArgumentError:
        return Scheme(name, partial(_not_kept, name))


def _not_kept(name: str, rng: np.random.Generator, shape: Shape) -> Any:
    raise bad_argument("initializers", name, "the callable itself, to draw from it again")


def _damage(damaged: Sequence[Path], remedy: str) -> tuple[str, ...]:
    if not damaged:
        return ()
    more = f" and {len(damaged) - _NAMED} more" if len(damaged) > _NAMED else ""
    return (f"Damaged: {', '.join(map(str, damaged[:_NAMED]))}{more}; {remedy}.",)


def _versions_differ(seen: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    if len(seen) == 1:
        return ()
    made = "; ".join(" ".join(f"{name} {of}" for name, of in each.items()) for each in seen)
    return (f"Made with different versions, which may differ in the last digits: {made}.",)


def _empty(place: Path, kinds: Sequence[str]) -> None:
    """Remove what is in a folder where nothing was kept, while no other process can be in it."""
    with suppress(OSError):
        found = find_parts(place, kinds)
        if found.whole:  # written, but Ctrl-C came before it was remembered
            return
        clear(place, found)
        for kind in kinds:
            if (place / kind).exists():
                (place / kind).rmdir()
        for path in (*data_files(place), place / DESCRIPTION, place / LOCK):
            path.unlink(missing_ok=True)  # the folder is a study to the last


def _remove(made: Sequence[Path]) -> None:
    """Remove the folders that were made, as far as nothing is in them."""
    with suppress(OSError):
        for path in made:
            path.rmdir()
