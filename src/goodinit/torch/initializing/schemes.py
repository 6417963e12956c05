"""What a scheme does to a parameter of a module: schemes, PyTorch's own functions, and defaults."""

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial, wraps
from math import prod, sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from goodinit import initializers, specs
from goodinit.errors import bad_argument
from goodinit.initializers import ALIASES, SCHEMES, Scheme, draws
from goodinit.initializers.registry import is_weights, makers
from goodinit.initializers.scheme import Shape, Weights, generator
from goodinit.torch.initializing.fans import Parameter
from goodinit.torch.initializing.uses import Block

Fill = Callable[[Tensor, np.random.Generator], None]


@dataclass(frozen=True)
class Choice:
    """What a parameter gets.

    Attributes
    ----------
    scheme : str
        As the table shows it.
    fill : callable or None
        Writes the values into a tensor of the parameter's shape; None leaves it alone.
    note : str
    aim : float or None
        The root mean square that the layer's outputs should have on inputs that are given.
    """

    scheme: str
    fill: Fill | None
    note: str = ""
    aim: float | None = None


# Chooses for a parameter; the second argument says whether a rule names this very parameter, so
# that the scheme goes to it though it is no layer's weight.
Recipe = Callable[[Parameter, bool], Choice]


def keep(parameter: Parameter, named: bool = False, why: str = "") -> Choice:
    """Leave a parameter alone."""
    return Choice("keep", None, f"left alone: {why}" if why else "left alone")


def constant(value: float) -> Fill:
    """Return what fills a tensor with one value."""

    def write(tensor: Tensor, rng: np.random.Generator) -> None:
        tensor.fill_(value)

    return write


def conventional(parameter: Parameter) -> Choice:
    """Choose for a parameter that is no layer's weight: biases 0, norms 1, others left alone."""
    values = {"bias": ("zeros", 0.0), "norm": ("ones", 1.0)}
    if parameter.role in values:
        scheme, value = values[parameter.role]
        return Choice(scheme, constant(value))
    if parameter.role == "slope":
        slope = float(parameter.module.init)  # type: ignore[arg-type]
        return Choice(f"constant(value={slope})", constant(slope))
    return keep(parameter, why=f"no layer's weight, but {type(parameter.module).__name__}'s own")


def drawn(scheme: Scheme) -> Recipe:
    """Return the recipe that draws layers' weights by a scheme."""

    def choose(parameter: Parameter, named: bool) -> Choice:
        if parameter.role != "weight" and not named:
            return conventional(parameter)
        if parameter.role != "weight" and _needs_fans(scheme):
            if parameter.tensor.dim() < 2:
                raise bad_argument(
                    "rules",
                    f"{scheme.name} for {parameter.name}",
                    "for what has no fans, a scheme that needs none, such as normal(std=0.02)",
                )
            if parameter.role == "raw":
                return keep(parameter, why=UNKNOWN_FANS)
        return Choice(scheme.name, partial(fill, scheme, parameter))

    return choose


UNKNOWN_FANS = "its fans follow from its use, which inputs= show where they reach a product"


def _needs_fans(scheme: Scheme) -> bool:
    return _function(scheme) in {draws.variance_scaling, draws.sparse}


# What stands in the middle of a kernel.
_OF_TAPS = {draws.orthogonal, draws.delta_orthogonal, draws.identity, draws.dirac}


def fill(scheme: Scheme, parameter: Parameter, tensor: Tensor, rng: np.random.Generator) -> None:
    """Draw a parameter's blocks, one after the other, into a tensor of its shape.

    Parameters
    ----------
    scheme : Scheme
        Asked for matrices (outputs, inputs × kernel). Orthogonal and identity matrices of a
        convolution are (outputs, inputs) and stand in the middle of the kernel, with zeros around
        them (delta-orthogonal, Xiao et al. 2018).
    parameter : Parameter
    tensor : Tensor
        Written in place, whatever its device and type.
    rng : Generator
    """
    for block in parameter.blocks(tensor):
        if block.taps and _function(scheme) in _OF_TAPS:
            block.view.zero_()
            outputs, inputs = block.view.shape[:2]
            matrix = torch.from_numpy(scheme(rng, (outputs, inputs)))
            middle = block.view[(slice(None), slice(None), *block.taps)]
            middle.copy_(matrix.view(outputs, inputs, *[1] * len(block.taps)).expand_as(middle))
        else:
            if not prod(block.shape):
                continue  # nothing to draw
            weights = scheme(rng, block.shape) * _fan_correction(scheme, block.shape, block)
            block.view.copy_(torch.from_numpy(weights).reshape(block.view.shape))


def _function(scheme: Scheme) -> Callable[..., Weights] | None:
    return scheme.draw.func if isinstance(scheme.draw, partial) else None


def _fan_correction(scheme: Scheme, shape: Shape, block: Block) -> float:
    """Return the factor from the scale of a matrix of that shape to that of the block's fans."""
    if _function(scheme) is not draws.variance_scaling:
        return 1.0
    assert isinstance(scheme.draw, partial)  # noqa: S101  # for the type checker
    fan = draws.MODES[scheme.draw.keywords["mode"]]
    return sqrt(fan(*shape) / fan(block.fan_out, block.fan_in))


_TORCH_FUNCTIONS = {
    name.removesuffix("_"): function
    for name, function in vars(nn.init).items()
    if name.endswith("_") and not name.startswith("_")
}


def _torch_maker(name: str) -> Callable[..., Recipe]:
    function = _TORCH_FUNCTIONS[name]

    def make(*args: Any, **kwargs: Any) -> Recipe:
        arguments = [*map(str, args), *(f"{key}={value}" for key, value in kwargs.items())]
        shown = f"torch.{name}({', '.join(arguments)})" if arguments else f"torch.{name}"

        def write(tensor: Tensor, rng: np.random.Generator) -> None:
            _run(shown, partial(function, **kwargs), args, tensor, rng)

        def choose(parameter: Parameter, named: bool) -> Choice:
            usual = parameter.role != "weight" and not named
            return conventional(parameter) if usual else Choice(shown, write)

        return choose

    own = [p for p in inspect.signature(function).parameters.values() if p.name != "generator"]
    make.__signature__ = inspect.Signature(own[1:])  # type: ignore[attr-defined]
    return make


def _run(
    shown: str,
    function: Callable[..., Tensor],
    args: tuple[object, ...],
    tensor: Tensor,
    rng: np.random.Generator,
) -> None:
    """Call a function of torch.nn.init in the CPU's memory, with a generator of its own."""
    random = {}
    if "generator" in inspect.signature(function).parameters:
        random["generator"] = torch.Generator().manual_seed(int(rng.integers(2**63)))
    values = torch.empty(tensor.shape, dtype=tensor.dtype)
    try:
        function(values, *args, **random)
    except (TypeError, ValueError, RuntimeError, IndexError, AssertionError) as error:
        raise bad_argument(
            "scheme", f"{shown}: {error}", f"what it takes for shape {tuple(tensor.shape)}"
        ) from None
    tensor.copy_(values)


def copied(values: Tensor) -> Fill:
    """Return what copies values into a tensor."""

    def write(tensor: Tensor, rng: np.random.Generator) -> None:
        tensor.copy_(values)

    return write


def default(model: nn.Module, seed: int) -> Recipe:
    """Return the recipe of each module's own ``reset_parameters``, run on a copy on the CPU.

    Modules reset after those that they contain, as they were made. The values are looked up in the
    copy, so that one seed gives the same ones on every device.

    Raises
    ------
    ArgumentError
        Where the model can't be copied, or one of its methods fails.
    """
    twin = _reset_twin(model, seed)

    def choose(parameter: Parameter, named: bool) -> Choice:
        values: Tensor = getattr(twin.get_submodule(parameter.layer), parameter.leaf).detach()
        if values.isnan().any():
            kind = type(parameter.module).__name__
            return keep(parameter, why=f"{kind} has no reset_parameters that sets it")
        return Choice("default", copied(values))

    return choose


def _reset_twin(model: nn.Module, seed: int) -> nn.Module:
    """Return a copy whose parameters are as ``reset_parameters`` sets them, NaN where none does."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        try:
            twin = deepcopy(model).cpu()
            _unset(twin)
            for index, module in enumerate(reversed(list(twin.modules()))):
                torch.manual_seed(int(generator(seed, index).integers(2**63)))
                _reset(module)
        except Exception as error:  # modules of the user's own may raise anything
            raise bad_argument(
                "model",
                f"{type(error).__name__}: {error}",
                "for the scheme default, a model that can be copied and reset",
            ) from error
    return twin


def _unset(twin: nn.Module) -> None:
    for module in list(twin.modules()):
        if parametrize.is_parametrized(module):
            _make_plain(module)
    for tensor in twin.parameters():
        if tensor.is_floating_point():
            tensor.fill_(torch.nan)


def _make_plain(module: Any) -> None:
    """Give a copy the type and parameters that it had before its parametrizations.

    ``remove_parametrizations`` would change the type, which the copy shares with the original.
    """
    values = {leaf: getattr(module, leaf).detach().clone() for leaf in module.parametrizations}
    module.__class__ = parametrize.type_before_parametrizations(module)
    del module.parametrizations
    for leaf, tensor in values.items():
        module.register_parameter(leaf, nn.Parameter(tensor))


def _reset(module: nn.Module) -> None:
    for method in ("reset_parameters", "_reset_parameters"):
        if callable(getattr(module, method, None)):
            getattr(module, method)()


def read(spec: object, argument: str, more: Mapping[str, Callable[..., Recipe]]) -> Recipe:
    """Return the recipe that is meant.

    Parameters
    ----------
    spec : str, Scheme or callable
        What ``goodinit.initializers.read`` takes; ``"torch."`` with the name of a function of
        ``torch.nn.init`` without its last underscore; a name of ``more``.
    argument : str
        Named in errors.
    more : mapping
        Makers of further recipes by name.

    Raises
    ------
    ArgumentError
        Where it is none of these, or its arguments are out of range.
    """
    if isinstance(spec, str):
        return _read_text(spec.strip(), argument, more)
    named = {function: name for name, function in _TORCH_FUNCTIONS.items()}
    if callable(spec) and not isinstance(spec, Scheme) and spec in named:
        return _torch_maker(named[spec])()
    if isinstance(spec, Scheme) or (callable(spec) and not isinstance(spec, type | nn.Module)):
        return drawn(initializers.read(spec))
    if isinstance(spec, Tensor) or is_weights(spec):
        return given(spec, argument)
    raise bad_argument(argument, spec, "a spec string or a callable (rng, shape) -> array")


def given(weights: Any, argument: str) -> Recipe:
    """Return the recipe that copies weights of a parameter's own shape."""
    try:
        values = torch.as_tensor(weights).detach().cpu().clone()
    except (TypeError, ValueError, RuntimeError) as error:
        takes = "one array or tensor of numbers"
        raise bad_argument(argument, f"weights: {error}", takes) from None

    def choose(parameter: Parameter, named: bool) -> Choice:
        if parameter.role != "weight" and not named:
            return conventional(parameter)
        if values.shape != parameter.tensor.shape:
            takes = f"of {parameter.name}, its own shape {tuple(parameter.tensor.shape)}"
            raise bad_argument(argument, f"weights of shape {tuple(values.shape)}", takes)
        return Choice("array", copied(values))

    return choose


def _read_text(text: str, argument: str, more: Mapping[str, Callable[..., Recipe]]) -> Recipe:
    if text in more:
        return more[text]()
    if text.startswith("torch."):
        functions = {name: _torch_maker(name) for name in _TORCH_FUNCTIONS}
        return specs.build(argument, text.removeprefix("torch."), functions)
    schemes = {name: _scheme_maker(maker) for name, maker in makers().items()}
    return specs.build(argument, text, {**schemes, **more}, [*SCHEMES, *ALIASES, *more])


def _scheme_maker(maker: Callable[..., Scheme]) -> Callable[..., Recipe]:
    @wraps(maker)
    def make(*args: Any, **kwargs: Any) -> Recipe:
        return drawn(maker(*args, **kwargs))

    return make
