"""The commands: one file each, with its options and the one call that it makes.

- ``app``: all of them, and what a fault comes to
- ``compare``, ``show``, ``inspect``, ``reproduce``, ``initializers``: the commands
- ``options``, ``reading``: options that several share, and how their words are read
- ``watching``, ``telling``, ``printing``, ``ending``: what is shown meanwhile, what at the end,
  how it is printed, and how a command ends that can't go on
"""

from goodinit.cli.app import main

__all__ = ["main"]
