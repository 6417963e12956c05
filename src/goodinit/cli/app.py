"""The command line as a whole: its commands, and what a fault comes to."""

import sys
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from goodinit.cli.compare import compare
from goodinit.cli.doctor import doctor
from goodinit.cli.ending import INTERRUPTED, check_settings, complain, fault, leave, open_streams
from goodinit.cli.initializers import initializers
from goodinit.cli.inspect import inspect
from goodinit.cli.map import map as draw_map
from goodinit.cli.merge import merge
from goodinit.cli.play import play
from goodinit.cli.predict import predict
from goodinit.cli.report import report
from goodinit.cli.reproduce import reproduce
from goodinit.cli.scale import scale
from goodinit.cli.show import show
from goodinit.cli.telling import tell
from goodinit.errors import ArgumentError, StudyStoppedError

COMMANDS = (
    compare,
    show,
    report,
    merge,
    inspect,
    scale,
    predict,
    draw_map,
    play,
    reproduce,
    initializers,
    doctor,
)  # as `goodinit --help` lists them

_UsageError: type[Exception] = typer.BadParameter.__bases__[0]  # of the parser inside Typer

_WIDE = 80  # columns, from which on Typer's help fits
_COLOURS = {"yellow", "cyan", "green", "magenta"}

app = typer.Typer(
    name="goodinit",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
EXAMPLES = {
    compare: (
        "goodinit compare digits --hidden 64,64 --init he_normal,orthogonal --seeds 50",
        "goodinit compare table.csv --target price --learning-rate 0.001,0.01 --out runs/price",
    ),
    show: ("goodinit show runs/price", "goodinit show runs/price --figures pdf --out paper"),
    report: ("goodinit report runs/price --open", "goodinit report runs/price --out price.html"),
    merge: (
        "goodinit merge runs/laptop runs/cluster --out runs/all",
        "goodinit merge runs/seeds-* --out runs/all",
    ),
    inspect: (
        "goodinit inspect models:build --input 32,3,224,224",
        "goodinit inspect models:build --input 8,128@50257 --fail-on finding",
    ),
    scale: ("goodinit scale models:build_of_width --data digits --widths 64,128,256",),
    predict: ("goodinit predict digits --hidden 64x40 --activation tanh --init lecun_normal",),
    draw_map: ('goodinit map digits --x "*=0.5,1,2,4" --y depth=3,10,30 --out maps/tanh',),
    doctor: ("goodinit doctor", "goodinit doctor --clear"),
    play: ("goodinit play", "goodinit play --port 0 --no-browser"),
}
for _command in COMMANDS:
    _lines = "\n\n".join(EXAMPLES.get(_command, ()))
    app.command(epilog=f"For example:\n\n{_lines}" if _lines else None)(_command)


def _show_help_on_any_background() -> None:
    """Take Typer's colours away, of which yellow and cyan vanish on white; bold and dim stay."""
    from typer import rich_utils

    for name, style in vars(rich_utils).items():
        if name.startswith("STYLE_") and isinstance(style, str):
            plain = [word for word in style.split() if word not in _COLOURS]
            setattr(rich_utils, name, " ".join(plain))


def _show_help_on_any_width() -> None:
    """Set an option's names and type below each other where beside each other they'd be cut."""
    from typer import rich_utils

    if Console().width < _WIDE:
        vars(rich_utils)["Table"] = _Narrow  # in Typer's panels


class _Narrow(Table):
    """A table of options in two columns."""

    def add_row(self, *cells: RenderableType | None, **how: Any) -> None:
        """Add a row; of an option all but its help stands in one cell."""
        if len(cells) > len(("name", "help")):
            names = [Text.assemble(cell) for cell in cells[:-1] if isinstance(cell, Text | str)]
            cells = (Text("\n").join(name for name in names if name), cells[-1])
        if not self.columns:
            self.add_column(no_wrap=True, overflow="fold")
            self.add_column(ratio=1)
        super().add_row(*cells, **how)


def main() -> NoReturn:
    """Run the command line; what is wrong is one line on standard error, and the exit code."""
    open_streams()
    if len(sys.argv) == 1:
        sys.argv.append("--help")
    if {"-h", "--help"} & set(sys.argv):
        _show_help_on_any_background()
        _show_help_on_any_width()
    try:
        check_settings()
        code = app(prog_name="goodinit", standalone_mode=False) or 0
    except ArgumentError as error:
        code = complain(str(error), 2)
    except _UsageError as error:
        words = str(error.format_message()).replace("Value error, ", "")  # type: ignore[attr-defined]  # every usage error has it
        code = complain(" ".join(words.split()), 2)
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
        tell(error.finished, None, (), "screen", as_json="--json" in sys.argv)
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
