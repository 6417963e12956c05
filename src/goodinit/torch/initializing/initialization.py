"""How a PyTorch module is initialized: every parameter by a scheme, and a table that says so."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cache, partial, wraps
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from goodinit.errors import bad_argument, whole
from goodinit.initializers import Scheme
from goodinit.initializers.draws import orthogonal
from goodinit.initializers.scheme import Draw, Shape, Weights, generator
from goodinit.torch.initializing.auto import auto
from goodinit.torch.initializing.data_driven import scale_in_order, settle_in_order
from goodinit.torch.initializing.fans import Parameter, parameters, std
from goodinit.torch.initializing.presets import PRESETS, preset
from goodinit.torch.initializing.prior import logit, prior
from goodinit.torch.initializing.schemes import (
    UNKNOWN_FANS,
    Choice,
    Recipe,
    default,
    drawn,
    keep,
    read,
)
from goodinit.torch.initializing.structure import Structure, structure
from goodinit.training.blas import one_blas_thread

COLUMNS = ("parameter", "module", "shape", "fan_in", "fan_out", "scheme", "gain", "std", "note")

# The schemes that look at more than a parameter, and what takes the arguments of each.
OF_MODULES: dict[str, Callable[..., object]] = {
    **dict.fromkeys(("auto", "default", "keep", "lsuv"), lambda: None),
    "prior": logit,
    **PRESETS,
}
_WORTH_SAYING = 0.1  # of all numbers
_Spec = str | Scheme | Draw | Callable[[], Scheme] | NDArray[Any] | torch.Tensor
_Rule = tuple[type[nn.Module] | str, Recipe]


def initialize(
    model: nn.Module,
    scheme: _Spec,
    *,
    seed: int = 0,
    rules: Mapping[type[nn.Module] | str, _Spec] | None = None,
    inputs: object = None,
    targets: object = None,
) -> pd.DataFrame:
    """Initialize a model in place, and return what was done to which parameter.

    Layers' weights are drawn by the scheme. Biases become 0, the weights of normalizations 1, the
    slopes of PReLU what they were made with, and running statistics are reset. Frozen parameters
    (``requires_grad`` False) and parameters of modules that PyTorch doesn't bring are left alone.

    Fans are those of the connections, not of the tensor's shape: per group of a convolution, over
    the stride of a transposed one, per projection of attention, per gate of a recurrent layer; one
    row of an embedding is looked up, so its fan_in is 1. Tied weights are drawn once.

    Parameters
    ----------
    model : Module
        On any device, of any floating type; both stay as they are.
    scheme : str, Scheme or callable
        - Any spec, scheme or callable ``(rng, shape) -> array`` of ``goodinit.initializers``.
          Of a convolution, ``shape`` is (outputs, inputs × kernel) per group; ``orthogonal``, also
          called ``delta_orthogonal``, and ``identity`` stand in the middle of its kernel.
        - ``"torch.xavier_normal(gain=2)"``: a function of ``torch.nn.init`` without its last
          underscore, applied to the whole parameter as PyTorch does, with PyTorch's fans.
        - ``"default"``: each module's own ``reset_parameters``.
        - ``"auto"``: by each layer's place, see ``goodinit.torch.initializing.auto``.
        - ``"lsuv"``: orthogonal, then scaled layer by layer until its outputs on ``inputs`` have
          variance 1 (Mishkin and Matas 2016).
        - ``"keras"``, ``"flax"``, ``"gpt2"``, ``"siren"``, ``"rl"``: as those draw a module, see
          ``goodinit.torch.initializing.presets``. ``"siren(w0=30)"`` takes its frequency.
        - ``"prior"``: the biases of output layers follow from ``targets``, in
          ``"prior(base_rate=0.01)"`` from that rate; nothing else is done.
        - ``"keep"``: nothing is done.
    seed : int
        From 0. The weights follow from it alone, not from the device or from PyTorch's generator,
        whose state stays as it is.
    rules : mapping, optional
        From a module's type, or a pattern (``fnmatch``) for names of modules or parameters, to a
        scheme for the parameters in it, or to the values of one, an array or tensor of its shape;
        the first that fits wins. A rule that fits any layer's
        weight is for weights; one that fits none, as ``"*.bias"`` or ``"pos_embedding"``, sets
        whatever it fits.
    inputs : tensor, tuple of arguments or mapping of keyword arguments, optional
        What the model is called with. lsuv needs them; with them auto sees what follows each
        layer, where it is otherwise traced with ``torch.fx``.
    targets : array or tensor, optional
        For prior: classes, one for each example, or numbers, as many for each as outputs.

    Returns
    -------
    DataFrame
        A row per parameter: parameter, module (its type), shape, fan_in and fan_out (of one
        group, gate or projection), scheme, gain (std × √fan_in) and std as measured afterwards,
        note.

    Raises
    ------
    ArgumentError
        Where an argument can't be used. The model is then as it was before.

    References
    ----------
    He et al. 2015; Mishkin and Matas 2016; Xiao et al. 2018; Radford et al. 2019; Lin et al. 2017.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv1d(8, 4, kernel_size=3, groups=2), nn.ReLU())
    >>> initialize(model, "he_normal")[["parameter", "fan_in", "fan_out", "scheme"]]
      parameter  fan_in  fan_out     scheme
    0  0.weight    12.0      6.0  he_normal
    1    0.bias     NaN      NaN      zeros
    """
    if not isinstance(model, nn.Module):
        raise bad_argument("model", model, "a torch.nn.Module")
    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps
    seed = whole("seed", seed, at_least=0)
    parameters(model)  # refuses what has no memory, before it is called
    seen = cache(partial(structure, model, inputs))
    return draw(model, scheme, seen, seed=seed, rules=rules, inputs=inputs, targets=targets)


def draw(
    model: nn.Module,
    scheme: _Spec,
    seen: Callable[[], Structure],
    *,
    seed: int,
    rules: Mapping[type[nn.Module] | str, _Spec] | None,
    inputs: object,
    targets: object = None,
) -> pd.DataFrame:
    """Do what ``initialize`` does, to a model of which ``seen`` returns the structure on inputs."""
    listed = parameters(model, seen().uses if inputs is not None else {})
    recipes = _recipes(model, seed, inputs, targets, listed, seen)
    chosen = _chosen(model, listed, read(scheme, "scheme", recipes), _read_rules(rules, recipes))
    with _undone_on_error(model), torch.no_grad():
        with one_blas_thread:  # several would wait for each other over matrices as small as these
            for index, (parameter, choice) in enumerate(zip(listed, chosen, strict=True)):
                _write(parameter, choice, generator(seed, index))
        _reset_statistics(model)
        scaled = [p for p, c in zip(listed, chosen, strict=True) if c.scheme == "lsuv"]
        notes = scale_in_order(model, scaled, inputs) if scaled else {}
        aims = [(p, c.aim) for p, c in zip(listed, chosen, strict=True) if c.aim is not None]
        if aims and inputs is not None:
            notes |= settle_in_order(model, aims, inputs)
        rows = [_row(p, c, notes.get(p.name)) for p, c in zip(listed, chosen, strict=True)]
    _warn_of_left(list(zip(listed, chosen, strict=True)), inputs is not None)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _recipes(  # noqa: PLR0917
    model: nn.Module,
    seed: int,
    inputs: object,
    targets: object,
    listed: list[Parameter],
    seen: Callable[[], Structure],
) -> dict[str, Callable[..., Recipe]]:
    """Return the makers of the schemes that need more than a parameter."""

    def made(name: str) -> Callable[..., Recipe]:
        @wraps(PRESETS[name])
        def make(*args: Any, **kwargs: Any) -> Recipe:
            return preset(PRESETS[name](*args, **kwargs), name, listed, seen())

        return make

    return {
        "auto": lambda: auto(seen()),
        "default": partial(default, model, seed),
        "keep": lambda: keep,
        "lsuv": partial(_lsuv, inputs),
        "prior": lambda base_rate=None: prior(listed, seen(), targets, base_rate),
        **{name: made(name) for name in PRESETS},
    }


def _orthogonal(rng: np.random.Generator, shape: Shape) -> Weights:
    return orthogonal(rng, shape, gain=1.0)  # over the whole kernel, as in the paper


def _lsuv(inputs: object) -> Recipe:
    if inputs is None:
        raise bad_argument("inputs", None, "for the scheme lsuv, a batch of the model's inputs")
    return drawn(Scheme("lsuv", _orthogonal))


def _read_rules(rules: object, recipes: Mapping[str, Callable[..., Recipe]]) -> list[_Rule]:
    if rules is None:
        return []
    if not isinstance(rules, Mapping):
        raise bad_argument("rules", rules, "a mapping from module types or names to schemes")
    for key in rules:
        if not (isinstance(key, str) or (isinstance(key, type) and issubclass(key, nn.Module))):
            raise bad_argument("rules", key, "a type of module or a pattern for names")
    return [(key, read(spec, "rules", recipes)) for key, spec in rules.items()]


def _chosen(
    model: nn.Module, listed: list[Parameter], recipe: Recipe, rules: list[_Rule]
) -> list[Choice]:
    """Return the choice for each parameter: by the first rule that fits, or by the scheme."""
    ruled: dict[str, Choice] = {}
    modules = dict(model.named_modules(remove_duplicate=False))
    for key, by_rule in rules:
        fitting = [parameter for parameter in listed if _fits(key, parameter, modules)]
        if not fitting:
            takes = "types and patterns that fit a parameter of the model"
            raise bad_argument("rules", key if isinstance(key, str) else key.__name__, takes)
        named = not any(
            parameter.role == "weight" or _of_a_layer(parameter) for parameter in fitting
        )
        named |= isinstance(key, str) and any(key == name for p in fitting for name in p.names)
        for parameter in fitting:
            if parameter.name not in ruled:
                ruled[parameter.name] = by_rule(parameter, named)
    return [_untouchable(p) or ruled.get(p.name) or recipe(p, False) for p in listed]


def _of_a_layer(parameter: Parameter) -> bool:
    """Return whether a foreign module has more than this: a rule for it isn't one for each part."""
    own = dict(parameter.module.named_parameters(recurse=False))
    return parameter.role == "raw" and parameter.tensor.dim() > 1 and len(own) > 1


def _fits(key: type[nn.Module] | str, parameter: Parameter, modules: dict[str, nn.Module]) -> bool:
    """Return whether a rule's key is, or holds, the parameter under any of its names."""
    paths = [path for name in parameter.names for path in _upwards(name)]
    if isinstance(key, str):
        return any(fnmatchcase(path, key) for path in paths)
    return any(isinstance(modules.get(path), key) for path in [*paths, ""])


def _upwards(name: str) -> Iterator[str]:
    """Yield a parameter's name, and those of the modules around it."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def _untouchable(parameter: Parameter) -> Choice | None:
    if not parameter.trainable:
        return keep(parameter, why="frozen")
    if not parameter.tensor.is_floating_point():
        return keep(parameter, why=str(parameter.tensor.dtype))
    return None


@contextmanager
def _undone_on_error(model: nn.Module) -> Iterator[None]:
    tensors = [*model.parameters(), *model.buffers()]
    before = [(tensor, tensor.detach().clone()) for tensor in tensors]
    try:
        yield
    except BaseException:
        with torch.no_grad():
            for tensor, values in before:
                tensor.copy_(values)
        raise


def _write(parameter: Parameter, choice: Choice, rng: np.random.Generator) -> None:
    if choice.fill is None:
        return
    tensor = parameter.tensor
    tensor = torch.empty_like(tensor) if parameter.parametrized else tensor
    choice.fill(tensor, rng)
    padding = getattr(parameter.module, "padding_idx", None)
    if padding is not None and parameter.role == "weight":
        tensor[padding] = 0.0
    if not tensor.isfinite().all():
        raise bad_argument(
            "scheme", choice.scheme, f"weights that {tensor.dtype} of {parameter.name} can hold"
        )
    if parameter.parametrized:
        setattr(parameter.module, parameter.leaf, tensor)


def _warn_of_left(chosen: list[tuple[Parameter, Choice]], seen: bool) -> None:
    """Say which share of the numbers nothing was known of, if it matters."""
    left = [
        p
        for p, c in chosen
        if p.role == "raw" and not p.uses and c.fill is None and "own" in c.note
    ]
    left += [p for p, c in chosen if c.note.endswith(UNKNOWN_FANS)]
    count, every = (sum(p.tensor.numel() for p in some) for some in (left, [p for p, _ in chosen]))
    if left and count > _WORTH_SAYING * every:
        names = ", ".join(p.name for p in left[:3]) + (", …" if len(left) > 3 else "")
        why = "no product was seen with them" if seen else "inputs= would show what they are for"
        warnings.warn(
            f"{count / every:.0%} of all numbers were left as they were: {names} ({why})",
            stacklevel=3,
        )


def _reset_statistics(model: nn.Module) -> None:
    """Forget what normalizations have seen of the old weights, save for frozen ones."""
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        frozen = own and not any(tensor.requires_grad for tensor in own)
        if isinstance(module, _NormBase) and not frozen:
            module.reset_running_stats()


def _row(parameter: Parameter, choice: Choice, scaling: str | None) -> tuple[object, ...]:
    tensor = parameter.tensor
    fan_in = fan_out = np.nan
    if parameter.role == "weight":
        block = parameter.blocks(tensor)[0]
        fan_in, fan_out = block.fan_in, block.fan_out
    spread = std(tensor)
    tied = f"also {', '.join(parameter.names[1:])}" if len(parameter.names) > 1 else ""
    through = "set through its parametrization" if parameter.parametrized and choice.fill else ""
    return (
        parameter.name,
        type(parameter.module).__name__,
        tuple(tensor.shape),
        fan_in,
        fan_out,
        choice.scheme,
        spread * fan_in**0.5,
        spread,
        "; ".join(part for part in (choice.note, scaling, tied, through) if part),
    )
