"""What a study's description, ``study.json``, may hold: read and written here, checked key by key.

What a key takes is the type that it has in the tables below. Keys of a kind of study are in a table
of that kind's own, which ``check_groups`` holds them against when it is read.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from hashlib import sha256
from math import isfinite
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NamedTuple,
    Required,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from goodinit.datasets.dataset import TargetScale
from goodinit.errors import ArgumentError, bad_argument, no_such
from goodinit.store.parts import write_whole
from goodinit.store.written import DESCRIPTION
from goodinit.study.trials import distinct, read_rates, read_seeds

FORMAT = 1
SEVERAL = ("learning_rates", "seeds")
UNSAID = {"bias": "zeros"}  # what a description means that an earlier version wrote

Takes = Any  # a type: of a value of JSON, or a class whose annotations say what each key takes


class Asked(TypedDict):
    """What a folder was asked for last."""

    initializers: list[str]
    learning_rates: list[float]
    seeds: list[int]


class Description(TypedDict):
    """What a folder says of a study of any kind."""

    format: int
    summary: str
    kind: str
    data: dict[str, Any]
    training: dict[str, Any]
    keep_networks: bool
    initializers: dict[str, list[float]]  # by the largest weights that it draws one is known again
    learning_rates: list[float]
    seeds: list[int]
    asked: Asked
    versions: list[dict[str, str]]


class NetworkData(TypedDict, total=False):
    """The data of a network's study."""

    name: Required[str]
    task: Required[str]
    train_examples: Required[int]
    validation_examples: int
    test_examples: Required[int]
    features: Required[int]
    classes: Required[list[str] | None]
    image_shape: Required[list[int] | None]
    preparation: list[str]
    target_scale: TargetScale
    fingerprint: Required[str]


class NetworkLayers(TypedDict, total=False):
    """The network of its study."""

    layers: Required[list[int]]
    activation: Required[str]
    output: Required[str]
    bias: str


class _Split(TypedDict, total=False):
    """What a further split has of its own."""

    validation_examples: int
    preparation: list[str]
    target_scale: TargetScale
    fingerprint: Required[str]


class NetworkSplits(TypedDict):
    """The splits of a study beside its first; see ``goodinit.datasets.resampling``."""

    fresh: bool
    others: list[_Split]


def read_description(place: Path) -> dict[str, Any]:
    """Return what a folder says of its study, each key common to all kinds checked.

    Raises
    ------
    ArgumentError
        Where there is none, or it cannot be read, is of another format, was altered, or holds what
        no study does.
    """
    path = place / DESCRIPTION
    try:
        if path.exists() and not path.is_file():  # a pipe would wait for ever, a device never end
            raise OSError("this is a folder, a pipe or a device")
        described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        said = described.get("format") if isinstance(described, dict) else None
        known = type(said) is int and said == FORMAT
        whole = known and described.pop("checksum", None) == _checksum(described)
    except (FileNotFoundError, NotADirectoryError):
        takes = f"a folder with a study ({DESCRIPTION}), as `compare --out` keeps it"
        raise bad_argument("folder", place, f"{takes}{_what_else(place)}") from None
    except RecursionError:
        raise bad_argument("folder", path, "a file that isn't nested so deeply") from None
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise bad_argument("folder", path, f"a file that can be read ({said})") from None
    if type(said) is int and said > FORMAT:
        takes = f"a description of format {FORMAT}: {said} is newer (upgrade goodinit to read it)"
        raise bad_argument("folder", path, takes)
    if not known:
        takes = f"a study.json of goodinit's, of format {FORMAT} (this is someone else's)"
        raise bad_argument("folder", path, takes)
    if not whole:
        raise bad_argument("folder", path, "the description as goodinit wrote it (it was altered)")
    _check_grids(path, described)
    return described


def _what_else(place: Path) -> str:
    """Return what a place is that is no study, where it is anything."""
    if place.is_file():
        return " (this is a file)"
    if place.is_symlink() and not place.exists():
        return " (this is a link to nothing)"
    return "" if place.exists() else " (there is nothing of that name)"


def describe(place: Path, whole: Mapping[str, Any]) -> None:
    """Write what a folder says of its study."""
    text = json.dumps({**whole, "checksum": _checksum(whole)}, indent=2, ensure_ascii=False)
    write_whole(place / DESCRIPTION, f"{text}\n".encode())


def check_groups(
    path: Path,
    described: Mapping[str, Any],
    groups: Mapping[str, Takes],
    optional: Mapping[str, Takes] | None = None,
) -> None:
    """Raise ArgumentError where a key of a kind's groups isn't there, or isn't what it takes.

    Parameters
    ----------
    path : Path
        Of the description.
    described : mapping
    groups : mapping of str to type
        By their names what the groups take.
    optional : mapping of str to type, optional
        The same, of groups that may be missing.
    """
    required = get_type_hints(Description) | dict(groups)
    _check_keys(path, "", described, required | dict(optional or {}), required=required.keys())


def check_agrees(
    path: Path, group: str, said: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    """Raise ArgumentError where a key of a group contradicts what the rest of the study says."""
    for key, value in expected.items():
        if said.get(key) != value:
            takes = f"{value!r}, as the rest of the study has it"
            raise bad_argument(f"{path}, {group}.{key}", said.get(key), takes)


@contextmanager
def inside(path: Path, group: str) -> Iterator[None]:
    """Say of which file, and of which of its groups, an argument is that cannot be used."""
    try:
        yield
    except ArgumentError as error:
        raise ArgumentError(f"{path}, {group}.{error}") from None


def _check_grids(path: Path, described: dict[str, Any]) -> None:
    """Raise ArgumentError where what is common to all kinds makes no sense."""
    takes = get_type_hints(Description)
    for key in takes:
        _check(path, key, _value(path, key, described, takes[key]), takes[key])
    _check(path, "data.fingerprint", described["data"].get("fingerprint"), str)
    for grid, before in ((described, ""), (described["asked"], "asked.")):
        for key, read in (("learning_rates", read_rates), ("seeds", read_seeds)):
            try:
                read(grid[key])
            except ArgumentError as error:
                what = str(error).partition(": ")[2]
                raise ArgumentError(f"{path}, {before}{key}: {what}") from None
        names = list(grid["initializers"])
        distinct(f"{path}, {before}initializers", names, "at least one initializer")
    for key, values in described["asked"].items():
        if key in described and (lacking := [one for one in values if one not in described[key]]):
            takes_of = f"some of the study's {', '.join(map(str, described[key]))}"
            raise bad_argument(f"{path}, asked.{key}", lacking[0], takes_of)


def _value(path: Path, key: str, values: Mapping[str, Any], takes: Takes) -> Any:
    """Return the value of a key that has to be there."""
    name = key.rpartition(".")[2]
    if name not in values:
        raise ArgumentError(f"{path}, {key}: is missing, takes {_words(takes)}")
    return values[name]


def _check(path: Path, key: str, value: Any, takes: Takes) -> None:
    """Raise ArgumentError where the value of a key isn't of the type that it takes."""
    form = _form(takes)
    if value is None and form.nullable:
        return
    if not form.holds(value):
        raise bad_argument(f"{path}, {key}", value, _words(takes))
    if form.of is not None:
        for at in value if isinstance(value, dict) else range(len(value)):
            _check(path, f"{key}[{json.dumps(at, ensure_ascii=False)}]", value[at], form.of)
    elif form.keys:
        _check_keys(path, f"{key}.", value, form.keys, required=form.required)


def _check_keys(
    path: Path, before: str, values: Mapping[str, Any], takes: Mapping[str, Takes], *, required: Any
) -> None:
    """Raise ArgumentError where keys are missing, unknown, or not what they take."""
    for name in values:
        if name not in takes:
            hint = "; a newer goodinit may know it"
            raise no_such(f"{path}, {before[:-1] or 'keys'}", name, "keys as", list(takes), hint)
    for name, of in takes.items():
        if name in values or name in required:
            _check(path, f"{before}{name}", _value(path, f"{before}{name}", values, of), of)


class _Form(NamedTuple):
    """What a type says of a value of JSON.

    Attributes
    ----------
    words : str
    holds : callable
        Whether a value is of the type, as far as that can be seen without what is in it.
    of : type, optional
        Of each value in a list, or in an object with any keys.
    keys : dict of str to type
        Of the values of an object.
    required : frozenset of str
        Which of the keys have to be there.
    nullable : bool
    """

    words: str
    holds: Callable[[Any], bool]
    of: Takes = None
    keys: Mapping[str, Takes] = {}
    required: frozenset[str] = frozenset()
    nullable: bool = False


def _is_whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _is_number(value: Any) -> bool:
    with suppress(OverflowError):
        return type(value) in (int, float) and isfinite(value)
    return False


_PLAIN: dict[Takes, _Form] = {
    Any: _Form("anything", lambda _: True),
    str: _Form("a text", lambda value: isinstance(value, str)),
    bool: _Form("true or false", lambda value: isinstance(value, bool)),
    int: _Form(
        "a whole number from 0 to below 2⁶³",
        lambda value: type(value) is int and 0 <= value < 2**63,
    ),
    float: _Form("a number", _is_number),
}


@cache
def _form(takes: Takes) -> _Form:
    """Return what a type says: of a union its first, and whether there may be null instead."""
    kind: Any = get_origin(takes)
    of = get_args(takes)
    if kind in (Union, UnionType):
        return _form(of[0])._replace(nullable=NoneType in of)
    if kind is Literal:
        return _Form(f"one of {', '.join(of)}", lambda value: value in of)
    if kind is list:
        words = f"a list that isn't empty, each of it {_words(of[0])}"
        return _Form(words, lambda value: isinstance(value, list) and value != [], of[0])
    if kind is dict:
        return _Form(
            "an object that isn't empty",
            lambda value: isinstance(value, dict) and value != {},
            of[1],
        )
    if takes in _PLAIN:
        return _PLAIN[takes]
    keys = get_type_hints(takes)
    words = f"an object with the keys {', '.join(keys)}"
    required = frozenset(getattr(takes, "__required_keys__", keys))
    return _Form(words, lambda value: isinstance(value, dict), keys=keys, required=required)


def _words(takes: Takes) -> str:
    """Return in words what a key takes."""
    form = _form(takes)
    return f"{form.words} or null" if form.nullable else form.words


def _checksum(described: Mapping[str, Any]) -> str:
    plain = json.dumps(described, sort_keys=True, allow_nan=False)
    return sha256(plain.encode()).hexdigest()[:16]
