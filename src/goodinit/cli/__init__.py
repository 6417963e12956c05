"""The commands."""

from goodinit.cli.main import main

__all__ = ["main"]
