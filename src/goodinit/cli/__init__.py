"""The commands: one file each, with its options and the one call that it makes.

- ``app``: all of them, and what a fault comes to
- ``compare``: the main job
- ``show``: a study that was kept
- ``report``: a study that was kept, as one page
- ``merge``: several kept studies as one
- ``inspect``: what is wrong with a PyTorch module
- ``scale``: what becomes of a PyTorch module's layers as it grows
- ``predict``: what theory says of a network
- ``map``: what became of a grid of networks
- ``play``: the page on which initializations race
- ``reproduce``: the articles' figures
- ``initializers``: the schemes
- ``doctor``: what goodinit stands on here, and a self-test
- ``options``: the options that several share
- ``reading``: how the words of an option are read
- ``watching``: what is shown meanwhile
- ``timing``: where a command's own time went
- ``telling``: what is shown at the end
- ``printing``: how it is printed
- ``yours``: what is said where the user's own code raises
- ``ending``: how a command ends that can't go on
"""

from goodinit.cli.app import main

__all__ = ["main"]
