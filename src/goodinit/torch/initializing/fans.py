"""What each parameter of a module is: its role, the blocks of its connections, and their fans."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from math import prod
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd
from torch.nn.utils import parametrize

from goodinit.errors import bad_argument
from goodinit.torch.initializing.uses import Block, Use, cover

Role = Literal["weight", "bias", "norm", "slope", "raw"]

# Parameters of weight_norm and spectral_norm of old, and of pruning: the weight is computed from
# them in a hook, so there is no weight to set.
_COMPUTED_ELSEWHERE = ("_g", "_v", "_orig")


def _plain(parts: Sequence[Tensor]) -> list[Block]:
    return [Block(part, float(prod(part.shape[1:])), float(part.shape[0])) for part in parts]


def _linear(module: nn.Module, name: str, weight: Tensor) -> list[Block]:
    return _plain([weight])


def _bilinear(module: nn.Module, name: str, weight: Tensor) -> list[Block]:
    outputs, first, second = weight.shape
    return [Block(weight, first * second, outputs * (first + second) / 2)]


def _embedding(module: nn.Module, name: str, weight: Tensor) -> list[Block]:
    return [Block(weight.T, fan_in=1.0, fan_out=float(weight.shape[1]))]


def _middle(kernel: int, stride: int) -> slice:
    start = max(kernel - stride, 0) // 2
    return slice(start, start + stride)


def _convolution(module: Any, name: str, weight: Tensor) -> list[Block]:
    sides = list(zip(module.kernel_size, module.stride, strict=True))
    kernel, overlap = prod(module.kernel_size), prod(max(k / s, 1.0) for k, s in sides)
    transposed = isinstance(module, _ConvTransposeNd)
    blocks = []
    for part in weight.chunk(module.groups):
        view = part.transpose(0, 1) if transposed else part
        outputs, inputs = view.shape[:2]
        meet, leave = (overlap, kernel) if transposed else (kernel, overlap)
        taps = tuple(starmap(_middle, sides if transposed else [(k, 1) for k, _ in sides]))
        blocks.append(Block(view, inputs * meet, outputs * leave, taps))
    return blocks


def _attention(module: nn.Module, name: str, weight: Tensor) -> list[Block]:
    return _plain(weight.chunk(3) if name == "in_proj_weight" else [weight])


def _recurrent(module: Any, name: str, weight: Tensor) -> list[Block]:
    projection = name.startswith("weight_hr")
    gates = 1 if projection else weight.shape[0] // module.hidden_size
    return _plain(weight.chunk(gates))


_LAYOUTS: dict[type[nn.Module], Callable[[nn.Module, str, Tensor], list[Block]]] = {
    nn.Linear: _linear,
    nn.Bilinear: _bilinear,
    nn.Embedding: _embedding,
    nn.EmbeddingBag: _embedding,
    nn.MultiheadAttention: _attention,
    nn.RNNBase: _recurrent,
    nn.RNNCellBase: _recurrent,
    _ConvNd: _convolution,
}
LAYERS = tuple(_LAYOUTS)
EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)
RECURRENT = (nn.RNNBase, nn.RNNCellBase)
_Holder = tuple[str, nn.Module, str]  # a module's name, the module, its name for the parameter

NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


@dataclass(frozen=True)
class Parameter:
    """A parameter and the modules that hold it.

    Attributes
    ----------
    names : tuple of str
        As ``named_parameters`` gives them, more than one where the weights are tied.
    owners : tuple of Module
        The modules that hold it.
    module : Module
        The owner whose fans count.
    layer, leaf : str
        The name of that module, and that of the parameter within it.
    trainable : bool
    uses : tuple of Use
        How functions were called with it, where it is of no layer that PyTorch brings and the
        model was watched: those that show each number once for weights, others otherwise.
    """

    names: tuple[str, ...]
    owners: tuple[nn.Module, ...]
    module: nn.Module
    layer: str
    leaf: str
    trainable: bool
    uses: tuple[Use, ...] = ()

    @property
    def name(self) -> str:
        """The name that stands in tables."""
        return self.names[0]

    @property
    def tensor(self) -> Tensor:
        """The values as the module uses them now."""
        tensor: Tensor = getattr(self.module, self.leaf)
        return tensor

    @property
    def parametrized(self) -> bool:
        """Whether ``torch.nn.utils.parametrize`` computes it, and it is set through that."""
        return self.leaf not in self.module._parameters

    @property
    def foreign(self) -> bool:
        """Whether it is of no kind of module that PyTorch brings."""
        return not isinstance(self.module, (*NORMS, nn.PReLU, *LAYERS))

    @property
    def role(self) -> Role:
        """What it is to its module; raw where PyTorch brings no module of that kind."""
        if isinstance(self.module, NORMS):
            return "bias" if self.leaf == "bias" else "norm"
        if isinstance(self.module, nn.PReLU):
            return "slope"
        if isinstance(self.module, LAYERS):
            return "bias" if "bias" in self.leaf else "weight"
        if self.uses and self.uses[0].kind == "product":
            return "weight"
        line = self.tensor.dim() < 2  # a line of numbers, or one
        return "bias" if line and "bias" in self.leaf.lower() else "raw"

    def blocks(self, tensor: Tensor) -> list[Block]:
        """Return the blocks of a tensor of this parameter's shape.

        What is not a layer's weight is read as (outputs, inputs), its first dimension being the
        outputs; that of one dimension as a column.
        """
        if self.role == "weight" and self.foreign:
            return [block for use in self.uses for block in use.blocks(tensor)]
        if self.role == "weight":
            layout = next(f for kind, f in _LAYOUTS.items() if isinstance(self.module, kind))
            return layout(self.module, self.leaf, tensor)
        return _plain([tensor if tensor.ndim > 1 else tensor.view(-1, 1)])


def parameters(
    model: nn.Module, uses: Mapping[int, Sequence[Use]] | None = None
) -> list[Parameter]:
    """Return every parameter once, in the order of ``named_parameters``.

    A weight that an embedding shares with another layer has that layer's fans: a lookup works at
    any scale, the layer doesn't.

    Parameters
    ----------
    model : Module
    uses : mapping, optional
        From the ``id`` of a parameter to how functions were called with it.

    Returns
    -------
    list of Parameter

    Raises
    ------
    ArgumentError
        Where a parameter has no shape yet (a lazy module), no memory (the meta device), or only
        serves to compute a weight in a hook (``torch.nn.utils.weight_norm``, pruning).

    Examples
    --------
    >>> lstm = parameters(nn.LSTM(5, 8))[0]
    >>> lstm.name, [(block.fan_in, block.fan_out) for block in lstm.blocks(lstm.tensor)][:2]
    ('weight_ih_l0', [(5.0, 8.0), (5.0, 8.0)])
    """
    holders: dict[int, list[_Holder]] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        if "parametrizations" not in path.split("."):
            for leaf, held in _held(module).items():
                _refuse(f"{path}.{leaf}".lstrip("."), module, held)
                holders.setdefault(id(held), []).append((path, module, leaf))
    return [_parameter(held, uses or {}) for held in holders.values()]


def _held(module: nn.Module) -> dict[str, Any]:
    """Return a module's own parameters, and the lists of parametrizations of those it computes."""
    own = {leaf: tensor for leaf, tensor in module._parameters.items() if tensor is not None}
    computed: Any = module.parametrizations if parametrize.is_parametrized(module) else {}
    return own | dict(computed.items())


def _parameter(holders: list[_Holder], uses: Mapping[int, Sequence[Use]]) -> Parameter:
    layer, module, leaf = min(holders, key=lambda holder: isinstance(holder[1], EMBEDDINGS))
    held = _held(module)[leaf]
    originals = [held] if isinstance(held, Tensor) else held.parameters()
    used = uses.get(id(held), ())
    others = tuple(use for use in used if use.kind != "product")
    return Parameter(
        tuple(f"{path}.{own}".lstrip(".") for path, _, own in holders),
        tuple(owner for _, owner, _ in holders),
        module,
        layer,
        leaf,
        trainable=any(original.requires_grad for original in originals),
        uses=(cover(used, held.shape) or others[:1]) if used else (),
    )


def _refuse(name: str, module: nn.Module, held: Any) -> None:
    if isinstance(held, nn.UninitializedParameter):
        raise bad_argument(
            "model", f"{name} without a shape", "a model whose lazy modules have been called once"
        )
    if isinstance(held, Tensor) and held.is_meta:
        raise bad_argument(
            "model", f"{name} on the meta device", "a model with memory: model.to_empty(device=...)"
        )
    computed = name.rpartition(".")[2].rpartition("_")[0]
    if name.endswith(_COMPUTED_ELSEWHERE) and hasattr(module, computed):
        raise bad_argument(
            "model",
            f"{name}, from which a hook computes a weight",
            "weights, or those of torch.nn.utils.parametrizations",
        )
    for part in () if isinstance(held, Tensor) else held:
        if not hasattr(part, "right_inverse"):
            raise bad_argument(
                "model",
                f"{name}, parametrized by {type(part).__name__}",
                "parametrizations with a right_inverse, through which a weight can be set",
            )


def std(tensor: Tensor) -> float:
    """Return the standard deviation of all real values, computed in double precision.

    Examples
    --------
    >>> from torch import tensor
    >>> std(tensor([1.0, 3.0]))
    1.0
    """
    if tensor.is_complex() or not tensor.numel():
        return float("nan")
    return float(tensor.detach().double().std(correction=0))
