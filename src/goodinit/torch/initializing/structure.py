"""What follows each layer of a model: its activation, the end of a residual branch, the output."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from torch import nn

from goodinit.torch.initializing.fans import NORMS
from goodinit.torch.initializing.reading import Read, Reading
from goodinit.torch.initializing.steps import ATTENTION, Graph, Step, traced, watched
from goodinit.torch.initializing.uses import Use

_SUMS = {"add", "iadd", "radd", "sub", "isub"}
_LAYER_FUNCTIONS = {"linear", "conv1d", "conv2d", "conv3d"}
_JOINS = {"cat", "concat", "stack", "join"}
# Of a layer's output these take the form only, not the values.
_FORMS = {"size", "getattr", "dim", "len", "numel"}


@dataclass(frozen=True)
class Place:
    """Where a layer stands.

    Attributes
    ----------
    activation : str
        The spec of the activation that its output goes through, linear where there is none.
    branch : bool
        Whether it is the last layer of a residual branch.
    output : bool
        Whether the model returns what it puts out, save for a sigmoid or softmax.
    guessed : bool
        Whether all this rests on the order in which the modules are registered.
    norm : str or None
        The name of the normalization between it and the end of its residual branch.
    read : Read
        What it reads.
    spread : float
        The standard deviation that its output should have.
    """

    activation: str = "linear"
    branch: bool = False
    output: bool = False
    guessed: bool = False
    norm: str | None = None
    read: Read = field(default_factory=Read)
    spread: float = 1.0


@dataclass(frozen=True)
class Structure:
    """The places of a model's layers by their names, and the number of its residual branches.

    With the uses that functions made of its parameters, by their ``id``. A layer is a module, or a
    parameter that a function was called with.
    """

    places: dict[str, Place]
    branches: int
    uses: dict[int, list[Use]] = field(default_factory=dict)


def structure(model: nn.Module, inputs: object = None) -> Structure:
    """Return where each layer of a model stands.

    Parameters
    ----------
    model : Module
    inputs : object
        As for ``data_driven.run``: the forward pass on them is watched. None to trace it instead.

    Returns
    -------
    Structure

    Raises
    ------
    ArgumentError
        Where the model doesn't take the inputs.

    Examples
    --------
    >>> places = structure(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))).places
    >>> places["0"].activation, places["2"].output
    ('tanh', True)
    """
    graph = traced(model) if inputs is None else watched(model, inputs)
    users: list[list[int]] = [[] for _ in graph.steps]
    for number, step in enumerate(graph.steps):
        for used in step.inputs:
            users[used].append(number)
    places: dict[str, Place] = {}
    first: dict[str, int] = {}
    sums: set[int] = set()
    for number, step in enumerate(graph.steps):
        if step.layer and step.name not in places:
            places[step.name], end = _place(graph, users, number)
            first[step.name] = number
            sums |= end
    reading = Reading(graph)
    for number in first.values():
        reading.spread(number)
    for number, step in enumerate(graph.steps):
        if step.operation in ("softmax", ATTENTION):
            reading.temper(number)
    for name, number in first.items():
        told = reading.read(number), reading.spreads.get(number, 1.0)
        places[name] = replace(places[name], read=told[0], spread=told[1])
    return Structure(places, len(sums), graph.uses)


def _place(graph: Graph, users: list[list[int]], layer: int) -> tuple[Place, set[int]]:
    """Return where a layer stands, and the sum at which it ends a residual branch, if any."""
    guessed = graph.steps[layer].name in graph.guessed
    passed_on = False
    outputs = False
    for number, came_from, norm in _ways(graph, users, layer):
        step = graph.steps[number]
        if step.activation:
            return Place(step.activation, guessed=guessed), set()
        if step.operation in _SUMS and _ends_branch(graph, step, came_from, layer):
            return Place(branch=True, guessed=guessed, norm=norm), {number}
        outputs |= step.operation == "output"
        passed_on |= step.operation != "output" and _stops(graph, step, layer)
    return Place(output=outputs and not passed_on, guessed=guessed), set()


_Way = tuple[int, int, str | None]


def _ways(graph: Graph, users: list[list[int]], layer: int) -> Iterator[_Way]:
    """Yield the steps that a layer's output reaches, from where, and the last norm on the way."""
    waiting: list[_Way] = [(user, layer, None) for user in users[layer]]
    seen: set[int] = set()
    while waiting:
        number, came_from, norm = waiting.pop(0)
        step = graph.steps[number]
        if number in seen or step.operation in _FORMS:
            continue
        seen.add(number)
        yield number, came_from, norm
        if not _stops(graph, step, layer):
            norm = step.name if isinstance(step.module, NORMS) else norm
            waiting += [(user, number, norm) for user in users[number]]


def _stops(graph: Graph, step: Step, layer: int) -> bool:
    """Return whether another layer has a say from here.

    By itself; as a factor; or as a branch that starts at this layer's output and is added to it.
    """
    if step.layer or step.operation in _LAYER_FUNCTIONS:
        return True
    bit = 1 << layer
    alone = not step.layers_before & ~(graph.steps[layer].layers_before | bit)
    if alone or step.operation in _JOINS:
        return False
    return step.operation not in _SUMS or all(
        (graph.steps[number].before | 1 << number) & bit for number in step.inputs
    )


def _ends_branch(graph: Graph, total: Step, came_from: int, layer: int) -> bool:
    """Return whether a sum adds a branch to what went past it: something of fewer layers."""
    branch = graph.steps[came_from]
    depth = graph.steps[layer].depth + 1
    for number in total.inputs:
        other = graph.steps[number]
        common = branch.before & (other.before | 1 << number)
        reached = other.depth + other.layer
        if number != came_from and common and reached < depth:
            return True
    return False
