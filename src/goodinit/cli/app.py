"""The command line as a whole: its commands, and what a fault comes to."""

import sys
from typing import Annotated, NoReturn

import typer

from goodinit.cli.compare import compare
from goodinit.cli.ending import INTERRUPTED, complain, fault, leave, open_streams
from goodinit.cli.initializers import initializers
from goodinit.cli.inspect import inspect
from goodinit.cli.predict import predict
from goodinit.cli.reproduce import reproduce
from goodinit.cli.scale import scale
from goodinit.cli.show import show
from goodinit.cli.telling import tell
from goodinit.errors import ArgumentError, StudyStoppedError

COMMANDS = (
    compare,
    show,
    inspect,
    scale,
    predict,
    reproduce,
    initializers,
)  # as `goodinit --help` lists them

_UsageError: type[Exception] = typer.BadParameter.__bases__[0]  # of the parser inside Typer

app = typer.Typer(
    name="goodinit",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for _command in COMMANDS:
    app.command()(_command)


def main() -> NoReturn:
    """Run the command line; what is wrong is one line on standard error, and the exit code."""
    open_streams()
    try:
        code = app(standalone_mode=False) or 0
    except ArgumentError as error:
        code = complain(str(error), 2)
    except _UsageError as error:
        code = complain(" ".join(str(error.format_message()).split()), 2)  # type: ignore[attr-defined]  # every usage error has it
    except StudyStoppedError as error:
        code = _stopped(error)
    except (KeyboardInterrupt, typer.Abort) as interrupt:
        code = complain(f"interrupted: {interrupt or 'nothing was finished'}", INTERRUPTED)
    except BrokenPipeError:
        code = 1
    except Exception as error:
        code = fault(error)
    leave(code)


def _stopped(error: StudyStoppedError) -> int:
    """Print what of a study there is, and why there isn't more."""
    if error.finished is not None:
        tell(error.finished, None, as_json="--json" in sys.argv)
    return complain(str(error), 1)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"goodinit {version('goodinit')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Say which weight initialization is good for a network on data, with evidence."""
