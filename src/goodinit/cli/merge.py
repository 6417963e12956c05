"""``goodinit merge``: the kept studies of several machines as one."""

from typing import Annotated

import typer

from goodinit.cli import printing
from goodinit.cli.reading import folder_of


def merge(
    folders: Annotated[list[str], typer.Argument(help="Folders that `compare --out` was given.")],
    out: Annotated[str, typer.Option(help="A new folder, for all of it.")],
) -> None:
    """Make one study of several kept ones of the same question, such as other seeds each."""
    from goodinit.store.merging import merge as join

    place = folder_of("out", out)
    join([folder_of("folders", folder) for folder in folders], place)
    printing.say(f"Merged: {place}; `goodinit show {place}` prints it.")
