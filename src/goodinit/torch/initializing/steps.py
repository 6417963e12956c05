"""The steps of a model's forward pass: traced without inputs, watched with them."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from math import sqrt
from typing import Any

import torch
from torch import fx, nn
from torch.overrides import TorchFunctionMode

from goodinit.torch.initializing.data_driven import run, tensors
from goodinit.torch.initializing.fans import LAYERS, NORMS
from goodinit.torch.initializing.replaying import Replay, replay, replay_function, replay_module
from goodinit.torch.initializing.uses import Known, Use, use_of

# The name of the activation that an operation is. An operation is a function or the type of a
# module, in lower case.
_ACTIVATIONS = {
    "relu": "relu",
    "relu6": "relu6",
    "leakyrelu": "leaky_relu",
    "rrelu": "leaky_relu",
    "prelu": "leaky_relu",
    "tanh": "tanh",
    "hardtanh": "hardtanh",
    "softsign": "softsign",
    "sigmoid": "sigmoid",
    "hardsigmoid": "hardsigmoid",
    "elu": "elu",
    "celu": "celu",
    "selu": "selu",
    "gelu": "gelu",
    "silu": "silu",
    "mish": "mish",
    "hardswish": "hardswish",
    "softplus": "softplus",
    "sin": "sin",
}
ATTENTION = "scaleddotproductattention"
_PRODUCTS = ("matmul", "bmm", ATTENTION)
_SLOPES = {"leakyrelu": 0.01, "prelu": 0.25, "rrelu": (1 / 8 + 1 / 3) / 2}  # PyTorch's defaults


@dataclass(frozen=True)
class Step:
    """One operation of a forward pass: of which steps it takes the results, and what it is.

    ``before`` and ``layers_before`` are sets of steps as bits: all that its result depends on, and
    those of them that are layers. ``depth`` is the number of layers on the longest way to it.
    ``layer`` says whether it is one itself: a module, or a function that was called with weights,
    which goes by the parameter's name. ``replay`` does the same to other tensors, given by the
    numbers of the steps that they stand for. ``factor``: of a product of two results, by how much
    its numbers are larger than theirs multiplied; 0 for others.
    """

    operation: str
    inputs: tuple[int, ...]
    name: str
    module: nn.Module | None
    slope: float | None
    before: int
    layers_before: int
    depth: int
    layer: bool = False
    replay: Replay | None = None
    factor: float = 0.0

    @property
    def activation(self) -> str | None:
        """The spec of the activation that it is."""
        endings = [name for name in _ACTIVATIONS if self.operation.endswith(name)]
        if not endings:
            return None
        nearest = max(endings, key=len)
        slope = _SLOPES.get(nearest) if self.slope is None else self.slope
        spec = _ACTIVATIONS[nearest]
        return spec if slope is None else f"{spec}({slope})"


@dataclass
class Graph:
    """The steps of a forward pass in order.

    With the layers whose order is only supposed, and the uses that functions made of parameters,
    by their ``id``.
    """

    steps: list[Step] = field(default_factory=list)
    guessed: set[str] = field(default_factory=set)
    uses: dict[int, list[Use]] = field(default_factory=dict)

    def add(  # noqa: PLR0917
        self,
        operation: str,
        inputs: Sequence[int] = (),
        name: str = "",
        module: nn.Module | None = None,
        slope: float | None = None,
        again: Replay | None = None,
        layer: bool = False,
        factor: float = 0.0,
    ) -> int:
        """Append a step and return its number."""
        before = layers = depth = 0
        for number in inputs:
            step, bit = self.steps[number], 1 << number
            before |= step.before | bit
            layers |= step.layers_before | (bit if step.layer else 0)
            depth = max(depth, step.depth + step.layer)
        layer |= isinstance(module, LAYERS)
        way = before, layers, depth, layer, again, factor
        self.steps.append(Step(operation, tuple(inputs), name, module, slope, *way))
        return len(self.steps) - 1


def _is_leaf(module: nn.Module) -> bool:
    """Return whether a module is one step, rather than what its forward does."""
    brought = type(module).__module__.startswith("torch.nn.modules")
    childless = brought and next(module.children(), None) is None
    known = isinstance(module, (*LAYERS, *NORMS))
    gelu_of_its_own = type(module).__name__.lower().endswith("gelu")
    return childless or known or gelu_of_its_own


def _operation(function: object) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return str(name).lower().replace("_", "")


def _slope(arguments: Sequence[object], keywords: dict[str, Any]) -> float | None:
    """Return the slope that leaky_relu was called with, if it was."""
    given = keywords.get("negative_slope", arguments[1] if len(arguments) > 1 else None)
    return float(given) if isinstance(given, float | int) else None


def _factor(operation: str, args: Sequence[Any], keywords: dict[str, Any]) -> float:
    """Return by how much the products that are summed make a result larger; 0 for others."""
    if operation not in _PRODUCTS or not args or not isinstance(args[0], torch.Tensor):
        return 0.0
    summed = float(args[0].shape[-1]) if args[0].dim() else 1.0
    scale = keywords.get("scale") if operation == ATTENTION else 1.0
    return 1.0 if scale is None else sqrt(summed) * float(scale)


def _add_module(graph: Graph, module: nn.Module, name: str, inputs: Sequence[int]) -> int:
    slope = getattr(module, "negative_slope", getattr(module, "init", None))
    known = float(slope) if isinstance(slope, float | int) else None
    again = replay_module(module, inputs)
    return graph.add(type(module).__name__.lower(), inputs, name, module, known, again)


class _Shallow(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return True


def traced(model: nn.Module) -> Graph:
    """Return the steps that ``torch.fx`` finds, module by module.

    Where it can't trace a module, because the way depends on values, its children are taken to be
    called one after the other, as they were registered.
    """
    graph = Graph()
    with torch.random.fork_rng(devices=[]):  # tracing runs what forward does beside the tensors
        end = _expand(graph, model, "", [graph.add("input")])
    graph.add("output", [end])
    return graph


def _expand(graph: Graph, module: nn.Module, name: str, inputs: Sequence[int]) -> int:
    """Add the steps of a module, and return the one whose result it returns."""
    if _is_leaf(module):
        return _add_module(graph, module, name, inputs)
    if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
        return _expand_transformer(graph, module, name, inputs)
    try:
        nodes = list(_Shallow().trace(module).nodes)
    except Exception:  # fx and modules of the user's own may raise anything
        return _expand_in_order(graph, module, name, inputs)
    return _expand_nodes(graph, module, name, inputs, nodes)


def _expand_nodes(
    graph: Graph, module: nn.Module, name: str, inputs: Sequence[int], nodes: list[fx.Node]
) -> int:
    arguments = iter(chain(inputs, [None] * len(nodes)))
    step_of: dict[fx.Node, int | None] = {}
    held: dict[fx.Node, Any] = {}

    def with_values(node: fx.Node) -> Any:
        return held.get(node, node)

    for node in nodes:
        given = [step_of[used] for used in node.all_input_nodes]
        known = [number for number in given if number is not None]
        if node.op == "placeholder":
            step_of[node] = next(arguments)
        elif node.op == "get_attr":
            step_of[node] = None
            held[node] = _held(module, str(node.target))
        elif node.op == "call_module":
            path = str(node.target)
            child = module.get_submodule(path)
            step_of[node] = _expand(graph, child, f"{name}.{path}".lstrip("."), known)
        elif node.op == "output":
            return known[0] if len(known) == 1 else graph.add("join", known)
        else:
            target = node.target if isinstance(node.target, str) else _operation(node.target)
            slope = _slope(node.args, node.kwargs)
            args: Any = fx.node.map_arg(node.args, with_values)
            kwargs: Any = fx.node.map_arg(node.kwargs, with_values)
            again = replay(node.op, node.target, args, kwargs, step_of.get)
            step_of[node] = graph.add(target.replace("_", ""), known, slope=slope, again=again)
    raise AssertionError("fx ends every graph with its output")


def _held(module: nn.Module, path: str) -> Any:
    """Return what a module holds under a path of names."""
    for name in path.split("."):
        module = getattr(module, name)
    return module


def _expand_in_order(graph: Graph, module: nn.Module, name: str, inputs: Sequence[int]) -> int:
    if next(module.children(), None) is None:  # nothing to tell but what it does to numbers
        return _add_module(graph, module, name, inputs)
    end = inputs[0] if len(inputs) == 1 else graph.add("join", inputs)
    first = len(graph.steps)
    for path, child in module.named_children():
        end = _expand(graph, child, f"{name}.{path}".lstrip("."), [end])
    plain_list = isinstance(module, nn.ModuleList | nn.Sequential)
    if not plain_list:
        graph.guessed |= {step.name for step in graph.steps[first:] if _direct(step, name)}
    return end


def _direct(step: Step, name: str) -> bool:
    return bool(step.name) and step.name.rpartition(".")[0] == name


def _expand_transformer(graph: Graph, module: Any, name: str, inputs: Sequence[int]) -> int:
    """Add the steps of PyTorch's transformer layer, whose own forward fx can't trace."""
    stream = inputs[0]
    for path in ("self_attn", "multihead_attn"):
        if hasattr(module, path):
            branch = _add_module(
                graph, getattr(module, path), f"{name}.{path}".lstrip("."), [stream]
            )
            stream = graph.add("add", [stream, branch])
    up = _add_module(graph, module.linear1, f"{name}.linear1".lstrip("."), [stream])
    again = replay_function(module.activation, up)
    bent = graph.add(_operation(module.activation), [up], again=again)
    down = _add_module(graph, module.linear2, f"{name}.linear2".lstrip("."), [bent])
    return graph.add("add", [stream, down])


class _Watch(TorchFunctionMode):
    """Records what is called outside of the modules that are one step."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.graph = Graph()
        self.inside = 0
        self.step_of: dict[int, int] = {}
        self.kept: list[torch.Tensor] = []  # a tensor that is gone would lend its id to another
        self.weights = Known(model)
        self.layer_of = {
            id(own): name if isinstance(module, LAYERS) else f"{name}.{leaf}".lstrip(".")
            for name, module in model.named_modules()
            for leaf, own in module._parameters.items()
        }

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if self.inside:
            return func(*args, **(kwargs or {}))
        with torch._C.DisableTorchFunction():
            known, layer = self.known((args, kwargs)), self.used(func, args, kwargs or {})
            again = replay("call_function", func, args, kwargs or {}, self.number)
        result = func(*args, **(kwargs or {}))
        if known and tensors(result):
            slope = _slope(args, kwargs or {})
            name, own = _operation(func), bool(layer)
            factor = 0.0 if own else _factor(name, args, kwargs or {})
            step = self.graph.add(name, known, layer, None, slope, again, own, factor)
            self.made(result, step)
        return result

    def number(self, tensor: object) -> int | None:
        """Return the step that a tensor comes from."""
        return self.step_of.get(id(tensor))

    def used(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """Take note of the parameters that a function gets; return the layer that it is."""
        layer = ""
        for parameter, use in use_of(getattr(func, "__name__", ""), args, kwargs, self.weights):
            self.graph.uses.setdefault(id(parameter), []).append(use)
            layer = self.layer_of[id(parameter)] if use.kind in ("product", "lookup") else layer
        return layer

    def known(self, given: object) -> list[int]:
        """Return the steps that tensors come from, each once."""
        steps = [self.step_of.get(id(tensor)) for tensor in tensors(given)]
        return list(dict.fromkeys(number for number in steps if number is not None))

    def made(self, result: object, number: int) -> None:
        """Keep in mind which step a result comes from."""
        for tensor in tensors(result):
            self.step_of[id(tensor)] = number
            self.kept.append(tensor)

    def enter(self, *_: object) -> None:
        """Begin a module that is one step."""
        self.inside += 1

    def leave(self, name: str) -> Callable[..., None]:
        """Return the hook that ends it."""

        def hook(module: nn.Module, args: object, kwargs: object, result: object) -> None:
            self.inside -= 1
            if not self.inside:
                known = self.known((args, kwargs))
                self.made(result, _add_module(self.graph, module, name, known))

        return hook


def watched(model: nn.Module, inputs: object) -> Graph:
    """Return the steps that the model takes on inputs.

    Raises
    ------
    ArgumentError
        Where it doesn't take them.
    """
    watch = _Watch(model)
    watch.made(inputs, watch.graph.add("input"))
    with ExitStack() as stack:
        for name, module in model.named_modules():
            if _is_leaf(module):
                stack.callback(module.register_forward_pre_hook(watch.enter).remove)
                hook = module.register_forward_hook(watch.leave(name), with_kwargs=True)
                stack.callback(hook.remove)
        stack.enter_context(watch)
        result = run(model, inputs)
    watch.graph.add("output", watch.known(result))
    return watch.graph
