"""How other libraries, and some fields, draw a module: a table by what a parameter is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import prod, sqrt

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from goodinit import initializers
from goodinit.errors import number
from goodinit.initializers import TRUNCATED_STD, Scheme
from goodinit.torch.initializing.auto import open_forget_gates, place_of
from goodinit.torch.initializing.fans import EMBEDDINGS, RECURRENT, Parameter
from goodinit.torch.initializing.schemes import Choice, Fill, Recipe, conventional, fill
from goodinit.torch.initializing.structure import Place, Structure

_GPT2_STD, _GPT2_ENDS = 0.02, "c_proj.weight"
_CRITICS = ("critic", "value", "vf", "v_head", "baseline")
_ACTORS = ("actor", "policy", "pi", "action", "logits", "mu")


@dataclass(frozen=True)
class Spot:
    """A parameter where it stands.

    Attributes
    ----------
    parameter : Parameter
    place : Place
    branch : bool
        Whether it ends a residual branch.
    ends : int
        How many layers of the model do.
    first : bool
        Whether no layer stands before it.
    """

    parameter: Parameter
    place: Place
    branch: bool
    ends: int
    first: bool


Drawing = tuple[str, Fill]  # what the note says, and what draws
Draw = Callable[[Spot], Drawing]


def _blocks(scheme: Scheme, spot: Spot) -> Drawing:
    return scheme.name, partial(fill, scheme, spot.parameter)


def _whole(scheme: Scheme) -> Draw:
    """Return what draws the parameter as one matrix, its first dimension by the others."""

    def write(tensor: Tensor, rng: np.random.Generator) -> None:
        if tensor.numel():
            matrix = scheme(rng, (tensor.shape[0], tensor.numel() // tensor.shape[0]))
            tensor.copy_(torch.from_numpy(matrix).reshape(tensor.shape))

    return lambda spot: (scheme.name, write)


def _by(spec: str) -> Draw:
    scheme = initializers.read(spec)
    return lambda spot: _blocks(scheme, spot)


def _kernel_fans(parameter: Parameter) -> tuple[float, float]:
    """Return (fan_in, fan_out) as Keras and Flax count them, over the kernel and not its stride."""
    module, block = parameter.module, parameter.blocks(parameter.tensor)[0]
    if not isinstance(module, _ConvNd):
        return block.fan_in, block.fan_out
    outputs, inputs, *kernel = block.view.shape
    return float(inputs * prod(kernel)), float(outputs * module.groups * prod(kernel))


def _keras_kernel(spot: Spot) -> Drawing:
    parameter = spot.parameter
    fan_in, fan_out = _kernel_fans(parameter)
    if isinstance(parameter.module, RECURRENT):  # its gates are one kernel there
        fan_out = float(parameter.tensor.shape[0])
    bound = sqrt(6 / (fan_in + fan_out))
    return "glorot_uniform", _blocks(initializers.uniform(-bound, bound), spot)[1]


def _flax_kernel(spot: Spot) -> Drawing:
    std = sqrt(1 / max(_kernel_fans(spot.parameter)[0], 1))  # without inputs nothing is drawn
    cut = initializers.truncated_normal(std / TRUNCATED_STD)
    return "lecun_normal, cut at 2 std", _blocks(cut, spot)[1]


def _flax_embedding(spot: Spot) -> Drawing:
    return _blocks(initializers.normal(spot.parameter.tensor.shape[1] ** -0.5), spot)


def _gpt2_kernel(spot: Spot) -> Drawing:
    if not spot.branch:
        return _blocks(initializers.normal(_GPT2_STD), spot)
    fills = _blocks(initializers.normal(_GPT2_STD * spot.ends**-0.5), spot)[1]
    return f"normal(std={_GPT2_STD}/√{spot.ends}), ends a residual branch", fills


def _siren_kernel(spot: Spot, w0: float) -> Drawing:
    fan_in = max(spot.parameter.blocks(spot.parameter.tensor)[0].fan_in, 1)
    bound = 1 / fan_in if spot.first else sqrt(6 / fan_in) / w0
    where = "1/fan_in, first layer" if spot.first else f"√(6/fan_in)/{w0:g}"
    return f"uniform within ±{where}", _blocks(initializers.uniform(-bound, bound), spot)[1]


def _siren_bias(spot: Spot) -> Drawing:
    """Draw what the authors' code leaves PyTorch to draw."""
    weight = spot.parameter.module.weight
    fans = weight.shape if isinstance(weight, Tensor) else ()
    bound = prod(fans[1:]) ** -0.5 if prod(fans) else 1.0
    uniform = initializers.uniform(-bound, bound)
    return "uniform within ±1/√fan_in", _blocks(uniform, spot)[1]


def _rl_kernel(spot: Spot) -> Drawing:
    gain, role = sqrt(2), "hidden"
    if spot.place.output:
        gain, role = (1.0, "value head") if _is_value(spot.parameter) else (0.01, "policy head")
    return f"orthogonal, gain {gain:.3g}: {role}", _whole(initializers.orthogonal(gain))(spot)[1]


def _is_value(parameter: Parameter) -> bool:
    """Return whether an output is a value: by its name, else by being one number."""
    words = parameter.layer.lower().replace(".", "_")
    for names, answer in ((_CRITICS, True), (_ACTORS, False)):
        if any(f"_{name}_" in f"_{words}_" for name in names):
            return answer
    return parameter.tensor.shape[0] == 1


def _forget_gates(spot: Spot) -> Drawing:
    return "forget gate 1, others 0", open_forget_gates


_ORTHOGONAL = initializers.orthogonal()
# What each kind of parameter gets; what stands under no kind of its own is drawn as a kernel, or
# gets what is conventional: biases 0, normalizations 1 and 0.
PRESETS: dict[str, Callable[..., Mapping[str, Draw]]] = {
    "keras": lambda: {
        "kernel": _keras_kernel,
        "recurrent": _whole(_ORTHOGONAL),
        "embedding": _by("uniform(-0.05, 0.05)"),
        "gates": _forget_gates,
    },
    "flax": lambda: {
        "kernel": _flax_kernel,
        "recurrent": lambda spot: _blocks(_ORTHOGONAL, spot),
        "embedding": _flax_embedding,
    },
    "gpt2": lambda: {
        "kernel": _gpt2_kernel,
        "raw": _gpt2_kernel,
    },
    "siren": lambda w0=30.0: {
        "kernel": partial(
            _siren_kernel, w0=number("w0", w0, "a number above 0", lambda value: value > 0)
        ),
        "bias": _siren_bias,
    },
    "rl": lambda: {
        "kernel": _rl_kernel,
        "recurrent": _whole(_ORTHOGONAL),
    },
}


def preset(
    table: Mapping[str, Draw], name: str, listed: list[Parameter], places: Structure
) -> Recipe:
    """Return the recipe of a preset.

    - ``keras``: kernels glorot_uniform (of a recurrent layer all gates as one), recurrent kernels
      orthogonal, embeddings U(-0.05, 0.05), the LSTM's forget gate 1.
    - ``flax``: kernels lecun_normal cut at two standard deviations, recurrent kernels orthogonal by
      gate, embeddings N(0, 1/dimensions).
    - ``gpt2``: N(0, 0.02²), what ends a residual branch over √(number of branches), which is
      1/√(2 × blocks); also matrices of modules that PyTorch doesn't bring, as positions are.
    - ``siren``: the first layer U(±1/fan_in), others U(±√(6/fan_in)/w0), biases U(±1/√fan_in).
    - ``rl``: orthogonal with gain √2, heads 0.01 for the policy and 1 for the value: outputs that
      are named so (actor, policy, critic, value); without such a name, one number is a value.

    Biases are 0 otherwise, normalizations 1 and 0.

    Parameters
    ----------
    table : mapping
        As ``PRESETS`` makes it, from the preset's arguments.
    name : str
        Shown as the scheme.
    listed : list of Parameter
        All of the model's.
    places : Structure

    References
    ----------
    Keras 3, ``Dense``, ``LSTM``, ``Embedding``; Flax, ``linen.Dense``, ``linen.Embed``; Radford et
    al. 2019, section 2.3, and ``transformers``' ``GPT2PreTrainedModel``; Sitzmann et al. 2020,
    section 3.2; Andrychowicz et al. 2021, section 3.2, and Huang et al. 2022, detail 2.
    """
    weights = [parameter for parameter in listed if parameter.role == "weight"]
    ends = [parameter for parameter in listed if _ends_branch(parameter, places)]
    first = min(weights, key=lambda parameter: _order(parameter, places), default=None)

    def choose(parameter: Parameter, named: bool) -> Choice:
        draw = table.get(_kind(parameter))
        if draw is None and parameter.role == "weight":
            draw = table["kernel"]
        if draw is None:
            return conventional(parameter)
        place, branch = place_of(parameter, places), parameter in ends
        spot = Spot(parameter, place, branch, len(ends), parameter is first)
        note, fills = draw(spot)
        return Choice(name, fills, note)

    return choose


def _order(parameter: Parameter, places: Structure) -> int:
    """Return where in the forward pass a layer is called; layers that weren't seen come last."""
    called = list(places.places)
    names = (parameter.layer, parameter.name)
    return min((called.index(name) for name in names if name in called), default=len(called))


def _ends_branch(parameter: Parameter, places: Structure) -> bool:
    """Return whether a layer ends a residual branch; in GPT-2's code its name says so."""
    weighs = parameter.role in {"weight", "raw"}
    return weighs and (place_of(parameter, places).branch or parameter.name.endswith(_GPT2_ENDS))


def _kind(parameter: Parameter) -> str:
    if any(isinstance(owner, EMBEDDINGS) for owner in parameter.owners):
        return "embedding"
    if isinstance(parameter.module, nn.LSTM | nn.LSTMCell) and "bias_ih" in parameter.leaf:
        return "gates"
    if isinstance(parameter.module, RECURRENT) and parameter.leaf.startswith("weight_hh"):
        return "recurrent"
    if parameter.role == "raw":
        return "raw" if parameter.tensor.dim() > 1 else "line"
    own = isinstance(parameter.module, (nn.Linear, nn.Bilinear, _ConvNd))
    return parameter.role if own or parameter.role == "weight" else "other"
