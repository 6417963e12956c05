"""What becomes of a module's layers, and of what one update changes in them, as the module grows.

- ``slopes``: how a scale follows a size, with an interval over seeds
- ``measuring``: each layer's output and its change, in one module trained for a few steps
- ``scaling``: modules of several sizes, and what their slopes say
- ``pictures``: the scales against the size
"""

from goodinit.torch.scaling.scaling import Scaling, scale

__all__ = ["Scaling", "scale"]
