"""The same questions asked of a PyTorch module.

- ``state``: a module and the generators as they were
- ``shell``: a module named on the command line
- ``initializing``, ``inspecting``, ``comparing``: each stands on the one before
- ``scaling``: what becomes of the layers as the module grows
- ``callbacks``: inspecting before the first step of others' trainers
"""

try:
    import torch as _  # noqa: F401
except ModuleNotFoundError:
    raise ModuleNotFoundError(
        "goodinit.torch needs PyTorch: pip install 'goodinit[torch]'", name="torch"
    ) from None

from goodinit.torch.comparing.comparing import compare
from goodinit.torch.initializing.initialization import initialize
from goodinit.torch.inspecting.inspecting import inspect
from goodinit.torch.inspecting.passage import Finding
from goodinit.torch.inspecting.report import Report
from goodinit.torch.scaling.scaling import Scaling, scale

__all__ = ["Finding", "Report", "Scaling", "compare", "initialize", "inspect", "scale"]
