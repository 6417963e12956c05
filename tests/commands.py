"""The command line in a process of its own, whose imports are paid for once for all of them."""

import multiprocessing
import os
import sys
import tempfile
import warnings
from pathlib import Path
from subprocess import CompletedProcess

import pytest

_BEFOREHAND = [
    "goodinit.cli.app",
    "goodinit.running.compare",
    "goodinit.running.mapping",
    "goodinit.figures.results",
    "goodinit.store.folder",
    "sklearn.model_selection",
]
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(_BEFOREHAND)


def goodinit(
    *words: object, cwd: Path, timeout: float = 120, **variables: str
) -> CompletedProcess[str]:
    """Run the command line, every warning an error; return its exit code and what it printed."""
    with tempfile.TemporaryDirectory() as place:
        printed = [Path(place) / name for name in ("stdout", "stderr")]
        said = [str(word) for word in words]
        arguments = (said, cwd, {"COLUMNS": "100"} | variables, *printed)
        process = _processes.Process(target=_run, args=arguments)
        process.start()
        process.join(timeout)
        if process.is_alive():
            process.kill()
            pytest.fail(f"goodinit {' '.join(said)} took more than {timeout} s")
        assert process.exitcode is not None
        return CompletedProcess(said, process.exitcode, *(x.read_text() for x in printed))


def _run(words: list[str], cwd: Path, variables: dict[str, str], out: Path, err: Path) -> None:
    from goodinit.__main__ import main

    warnings.simplefilter("error")
    os.chdir(cwd)
    os.environ |= variables
    sys.argv = ["goodinit", *words]
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream.fileno())
    main()
