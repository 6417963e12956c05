"""What is shown while something is going on, and what is made ready for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from goodinit.cli.ending import INTERRUPTED, complain

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from goodinit.study.trials import AnyStudy

_LONGER_THAN_LOADING = 1.0  # seconds


@contextmanager
def progress_bar(
    what: str, quiet: bool
) -> Iterator[tuple[Callable[[int, int], None], Callable[[str], None]]]:
    """Show a bar with the time left, on standard error, where someone is watching.

    Yields how to move the bar, by what is done and the total, and how to say what is going on.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    ) as bar:
        task = bar.add_task(what, total=None)
        try:
            yield (
                lambda done, total: bar.update(task, completed=done, total=total, description=what),
                lambda words: bar.update(task, description=words),
            )
        except KeyboardInterrupt as interrupt:  # Typer would say nothing
            bar.stop()
            said = str(interrupt) or "nothing was finished"
            raise typer.Exit(complain(f"interrupted: {said}", INTERRUPTED)) from None


@contextmanager
def workers(
    scheduler: str | None, study: "AnyStudy", say: Callable[[str], None]
) -> "Iterator[Executor | None]":
    """Connect with a cluster where one is named, or make ready to train here."""
    if scheduler is None:
        compile_first(study, say)
        yield None
        return
    from goodinit.running.cluster import Cluster

    say("waiting for the workers")
    with Cluster(scheduler) as cluster:
        yield cluster


def compile_first(study: "AnyStudy", say: Callable[[str], None]) -> None:
    """Compile what trains a study of our own networks; say so where it isn't in the cache yet."""
    from goodinit.study.grid import Study
    from goodinit.training import compile_hessian, compile_kernel

    if not isinstance(study, Study):
        return

    def compile_all() -> None:
        compile_kernel(study, len(study.trials))
        compile_hessian(study)

    compiling = Thread(target=compile_all, daemon=True)
    compiling.start()
    compiling.join(_LONGER_THAN_LOADING)
    if compiling.is_alive():
        say("compiling the training kernel (first run only)")
        compiling.join()
