"""``goodinit doctor``: what goodinit stands on here, and whether it computes what it should."""

import os
import platform
import re
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from goodinit.cli import printing
from goodinit.cli.ending import complain, writing
from goodinit.cli.options import Json
from goodinit.cli.watching import doing

if TYPE_CHECKING:
    from goodinit.articles.selftest import Digits

_PACKAGES = ("goodinit", "numpy", "numba", "llvmlite", "scipy", "scikit-learn", "torch")
_NOT_FOR_USERS = ("dev", "test")
_SETTINGS = ("NUMBA_", "OMP_NUM", "OPENBLAS_", "MKL_")  # of the environment, that change numbers
_MISSING = "not installed"


def doctor(
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove the kept kernels; the next run compiles again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what goodinit stands on here, and check in two seconds that it computes what it should.

    The exit code is 1 where a figure of the articles isn't met to its printed digits.
    """
    found = _facts()
    if clear:
        found["kernel_cache"] |= {"removed": _clear()}
        _tell(found, as_json)
        return
    from goodinit.articles.selftest import self_test

    with doing("testing (compiles the training kernel, where it isn't kept)", as_json):
        start = perf_counter()
        digits = self_test()
        seconds = perf_counter() - start
    wrong = [each for each in digits if not each.agrees]
    found["self_test"] = {
        "agrees": not wrong,
        "figures": len(digits),
        "differing": [_as_dict(each) for each in wrong],
        "seconds": round(seconds, 2),
    }
    found["kernel_cache"] = _kernel_cache()
    _tell(found, as_json)
    if wrong:
        raise typer.Exit(
            complain(f"{len(wrong)} of {len(digits)} figures of the self-test differ", 1)
        )


def _facts() -> dict[str, Any]:
    """Return all but what the self-test finds, as ``--json`` prints it."""
    from goodinit.training import available_processors

    return {
        "versions": {"python": platform.python_version()}
        | {name: version for name in _PACKAGES if (version := _version(name))},
        "platform": platform.platform(),
        "processor": _processor(),
        "threads": available_processors(),
        "processors": os.cpu_count(),
        "blas": _blas(),
        "settings": {
            name: value for name, value in sorted(os.environ.items()) if name.startswith(_SETTINGS)
        },
        "kernel_cache": _kernel_cache(),
        "extras": _extras(),
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    """Return the processor's name, and the kind of it that machine code is made for."""
    from llvmlite.binding import get_host_cpu_name

    name = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")  # of Linux, whose `platform` names the architecture alone
    if described.is_file():
        text = described.read_text(encoding="utf-8", errors="replace")
        said = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        name = said[1] if said else name
    return f"{name} ({get_host_cpu_name()})"


def _blas() -> list[dict[str, Any]]:
    """Return the libraries that compute the products of NumPy and SciPy, each kind once."""
    import scipy.linalg  # noqa: F401  # loads SciPy's
    from threadpoolctl import threadpool_info

    keys = {"internal_api": "name", "version": "version", "architecture": "kernels"}
    libraries = [
        {key: library.get(of) for of, key in keys.items()} | {"threads": library["num_threads"]}
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
    return [each for i, each in enumerate(libraries) if each not in libraries[:i]]


def _kernel_cache() -> dict[str, Any]:
    from goodinit.training.jit import kept

    folder, files = kept()
    size = sum(path.stat().st_size for path in files)
    return {"folder": None if folder is None else str(folder), "files": len(files), "bytes": size}


def _clear() -> int:
    """Remove the kept kernels, and return how many files they were."""
    from goodinit.training.jit import kept

    _, files = kept()
    for path in files:
        with writing(path):
            path.unlink(missing_ok=True)
    return len(files)


def _extras() -> dict[str, str | None]:
    """Return of each extra what is installed for it; None where something is missing."""
    wanted: dict[str, list[str]] = {}
    for line in metadata.requires("goodinit") or ():
        needs = re.match(r"([\w.-]+).*extra == ['\"]([\w-]+)['\"]", line)
        if needs and needs[1] != "goodinit" and needs[2] not in _NOT_FOR_USERS:
            wanted.setdefault(needs[2], []).append(needs[1])
    return {
        extra: None
        if None in (versions := [_version(name) for name in names])
        else ", ".join(f"{name} {of}" for name, of in zip(names, versions, strict=True))
        for extra, names in sorted(wanted.items())
    }


def _tell(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        printing.print_json(found)
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _lines(found):
        table.add_row(Text(name), Text(value))
    printing.terminal().print(table)


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what there is to say, as names and values."""
    versions, cache = found["versions"], found["kernel_cache"]
    blas = [
        f"{of['name']} {of['version']} ({of['kernels']} kernels, {of['threads']} threads)"
        for of in found["blas"]
    ]
    removed = f"{cache['removed']} files removed, of " if "removed" in cache else ""
    held = f"{removed}{cache['bytes'] / 1e6:.1f} MB in {cache['files']} files: {cache['folder']}"
    settings = [f"{name}={value}" for name, value in found["settings"].items()]
    lines = [
        ("versions", ", ".join(f"{name} {of}" for name, of in versions.items())),
        ("platform", found["platform"]),
        ("processor", found["processor"]),
        ("threads", f"{found['threads']} of {found['processors']} processors may be used"),
        ("BLAS", "; ".join(blas) or "none that is known"),
        *([("settings", " ".join(settings))] if settings else []),
        ("kernel cache", held if cache["folder"] else "none: no folder can be written"),
    ]
    lines += [
        (f"[{extra}]", has or f"{_MISSING}: pip install 'goodinit[{extra}]'")
        for extra, has in found["extras"].items()
    ]
    return lines + (_test_lines(found["self_test"]) if "self_test" in found else [])


def _test_lines(test: dict[str, Any]) -> list[tuple[str, str]]:
    if test["agrees"]:
        said = f"{test['figures']} figures of the articles agree to the printed digits"
        return [("self-test", f"{said} ({test['seconds']:.1f} s)")]
    return [
        (
            "differs",
            f"{of['figure']} by {of['by']}: published {of['published']}, here {of['measured']}",
        )
        for of in test["differing"]
    ]


def _as_dict(digits: "Digits") -> dict[str, Any]:
    figure = digits.figure
    named = f"{figure.run.experiment}, {figure.run.initialization}, {figure.quantity}"
    return {
        "figure": f"article {figure.article}, {named}",
        "by": digits.by,
        "published": figure.value,
        "measured": digits.measured,
        "verdict": digits.verdict,
    }
