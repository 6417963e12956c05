"""What the tracer and a kind of layer know of each other.

A *sight* sees one function of PyTorch as a module calls it, calls it, and tells the tracer what
layer it was. The tracer is handed a table of sights by the function's name; a sight is handed the
tracer, of which it knows no more than a ``Seer``.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from torch import Tensor, nn

from goodinit.torch.inspecting.flows import Flow, Origins, Way
from goodinit.torch.inspecting.measuring import Call

Named = dict[str, Any]


class Seer(Protocol):
    """The tracer, as far as a sight knows it; the members are those of ``tracing.Tracer``."""

    ends: list[Way]
    inputs: int
    origins: Origins

    def among(self, way: Way) -> Iterator[Call]: ...
    def called(
        self,
        kind: str,
        weights: Sequence[Tensor] = (),
        owner: nn.Module | None = None,
        **known: Any,
    ) -> Call | None: ...
    def passed(self, call: Call | None, out: Any, *inputs: Any, fed_by: Any = ()) -> Any: ...
    def watch(self, call: Call, z: Tensor) -> None: ...
    def come_from(
        self, call: Call | None, out: Any, flows: Sequence[Flow], fed_by: Sequence[Flow] = ()
    ) -> None: ...
    def see_other(self, name: str, func: Any, args: Any, kwargs: Named) -> Any: ...


Sight = Callable[[Seer, str, Any, Any, Named], Any]
