"""What is shown while something is going on, and what is made ready for it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.theme import Theme

from goodinit.cli.ending import INTERRUPTED, complain

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from rich.progress import Progress, TaskID

    from goodinit.running.pace import State
    from goodinit.study.trials import AnyStudy

_ON_ANY_BACKGROUND = Theme({"progress.remaining": "none"})  # cyan vanishes on white
_LONGER_THAN_LOADING = 1.0  # seconds
_BRIEF = ("measuring", "keeping")  # what is over before it can be read
_STEPS = 1000  # of a bar


@contextmanager
def progress_bar(
    what: str, quiet: bool
) -> Iterator[tuple[Callable[[int, int], None], Callable[[str], None]]]:
    """Show a bar with the time left, on standard error, where someone is watching.

    Yields how to move the bar, by what is done and the total, and how to say what is going on.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, theme=_ON_ANY_BACKGROUND)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    bar = Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )
    task = bar.add_task(what, total=None)
    with _interrupted(bar):
        yield (
            lambda done, total: bar.update(task, completed=done, total=total, description=what),
            lambda words: bar.update(task, description=words),
        )


@dataclass
class StudyBar:
    """A line that says what is going on, how many trials are done, and how long it still takes."""

    bar: "Progress"
    task: "TaskID"
    quiet: bool

    def say(self, words: str) -> None:
        """Say what is going on."""
        self.bar.update(self.task, description=words)

    def tell(self, state: "State") -> None:
        """Show where the study stands."""
        from goodinit.summary import duration

        known = state.seconds_left is not None
        left = f"{duration(state.seconds_left)} left" if state.seconds_left is not None else ""
        doing = "training" if state.doing in _BRIEF else state.doing
        self.bar.update(
            self.task,
            description=f"{doing:<19}",
            total=_STEPS if known else None,
            completed=state.share * _STEPS,
            trials=f"{state.trials_done:,} of {state.trials:,} trials",
            left=left,
        )

    def warn(self, line: str) -> None:
        """Say on standard error, also where no one watches, that it will take long."""
        if not self.quiet:
            self.bar.console.print(f"goodinit: {line.replace('`out`', '--out')}", soft_wrap=True)


@contextmanager
def study_bar(quiet: bool) -> Iterator[StudyBar]:
    """Show how a study goes, on standard error, where someone is watching."""
    from rich.progress import BarColumn, Progress, TextColumn

    console = Console(stderr=True, highlight=False)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[trials]}"),
        TextColumn("{task.fields[left]}"),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )
    with _interrupted(bar):
        yield StudyBar(bar, bar.add_task("", total=None, trials="", left=""), quiet)


@contextmanager
def doing(what: str, quiet: bool) -> Iterator[None]:
    """Say what is going on that has no measure, where someone is watching."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


@contextmanager
def _interrupted(bar: "Progress") -> Iterator[None]:
    """Show a bar; Ctrl-C ends it with one line."""
    with bar:
        try:
            yield
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

    raised: list[BaseException] = []

    def compile_all() -> None:
        try:
            compile_kernel(study, len(study.trials))
            compile_hessian(study)
        except BaseException as error:  # it belongs to who waits for this thread
            raised.append(error)

    compiling = Thread(target=compile_all, daemon=True)
    compiling.start()
    compiling.join(_LONGER_THAN_LOADING)
    if compiling.is_alive():
        say("compiling the training kernel (first run only)")
        compiling.join()
    if raised:
        raise raised[0]
