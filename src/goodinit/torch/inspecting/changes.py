"""What mends a finding that no initialization does: changes of a module, tried before named.

They are put in by hooks, or in an activation's place, for as long as the module is asked.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from math import sqrt
from typing import Any, NamedTuple

from torch import Tensor, nn

from goodinit.evidence.causes import CAUSES, shown
from goodinit.torch.inspecting.beginning import standardised
from goodinit.torch.inspecting.nested import mapped
from goodinit.torch.inspecting.passage import Finding
from goodinit.torch.inspecting.remedies import Patient

_CONVOLUTIONS = nn.Conv1d | nn.Conv2d | nn.Conv3d
_LAYERS = nn.Linear | _CONVOLUTIONS
_OF_DEPTH = {CAUSES[cause].label for cause in ("signal grows", "signal decays")}
_MOST_NAMED = 3
# What follows a layer, and what may instead: as steep in its middle, or with a slope on both sides.
_INSTEAD: dict[type[nn.Module], type[nn.Module]] = {
    nn.Sigmoid: nn.Tanh,
    nn.Hardsigmoid: nn.Hardtanh,
    nn.ReLU: nn.ELU,
    nn.ReLU6: nn.ELU,
}

_NORM = "normalized"

Put = Callable[[ExitStack], None]


class Change(NamedTuple):
    """A change, in words that "does" may follow, and what makes it until a stack is left."""

    told: str
    put: Put

    @contextmanager
    def made(self) -> Iterator[None]:
        """Make the change, and take it back afterwards."""
        with ExitStack() as stack:
            self.put(stack)
            yield


def known(one: Finding) -> str:
    """Return what the numbers of a finding say of what mends it; nothing where they don't.

    Examples
    --------
    >>> known(Finding("query", "saturated", "", {"width": 64.0, "share": 90.0}))
    'what does: dividing the logits of the softmax by the square root of 64'
    """
    if "width" in one.evidence:
        width = shown(one.evidence["width"])
        return f"what does: dividing the logits of the softmax by the square root of {width}"
    if "reach" in one.evidence:
        reach = shown(one.evidence["reach"])
        return f"what does: sequences of {reach} steps, which a gradient gets through"
    return ""


def changes(findings: Sequence[Finding], patient: Patient) -> Iterator[Change]:
    """Yield what may mend findings of one label, the smallest first.

    A fault of the depth concerns all hidden layers, others the layers that were found.

    Parameters
    ----------
    findings : sequence of Finding
        Of one label.
    patient : Patient
    """
    yield _scaled(patient)
    deep = findings[0].label in _OF_DEPTH
    names = _hidden(patient) if deep else list(dict.fromkeys(one.layer for one in findings))
    places = [one for name in names if isinstance(one := patient.modules.get(name), _LAYERS)]
    if places:
        where = f"each of the {len(places)} hidden layers" if deep else _told(names)
        told = f"a normalization (nn.LayerNorm, say) of what {where} says"
        yield Change(told, _normed(places))
        square = [one for one in places if _keeps_shape(one)]
        if deep and len(square) > 1:
            times = f"{shown(1 / sqrt(len(square)))} times what it says"
            told = f"adding {times} to its input, in each of {len(square)} layers (a residual)"
            yield Change(told, _summed(square))
    for kind, other in _INSTEAD.items():
        if any(type(one) is kind for one in patient.modules.values()):
            told = f"nn.{other.__name__} in place of each nn.{kind.__name__}"
            yield Change(told, _replaced(patient.inner, kind, other))


def _told(names: Sequence[str]) -> str:
    some = ", ".join(name or "the module" for name in names[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{'each of ' if len(names) > 1 else ''}{some}{more}"


def _hidden(patient: Patient) -> list[str]:
    """Return the layers that are no outputs."""
    hidden = patient.layers[patient.layers["dead_fraction"].notna()]
    return [str(name).removeprefix("_orig_mod.") for name in hidden["layer"].drop_duplicates()]


def _keeps_shape(layer: nn.Module) -> bool:
    if isinstance(layer, nn.Linear):
        return layer.in_features == layer.out_features
    known: Any = layer
    return bool(known.in_channels == known.out_channels and set(known.stride) == {1})


# --- How each is made ---


def _normed(places: Sequence[nn.Module]) -> Put:
    """Put a normalization behind layers, as a part of each, so that what is wrong with it shows."""

    def put(stack: ExitStack) -> None:
        for place in places:
            norm = _norm_for(place)
            place.add_module(_NORM, norm)
            stack.callback(place._modules.pop, _NORM)
            hook = place.register_forward_hook(lambda layer, _, said: getattr(layer, _NORM)(said))
            stack.callback(hook.remove)

    return put


def _norm_for(layer: Any) -> nn.Module:
    like = {"device": layer.weight.device, "dtype": layer.weight.dtype}
    if isinstance(layer, nn.Linear):
        return nn.LayerNorm(layer.out_features, **like)
    return nn.GroupNorm(1, layer.out_channels, **like)


def _summed(places: Sequence[nn.Module]) -> Put:
    """Add to the input of each of some layers what it says, scaled by how many they are."""
    scale = 1 / sqrt(len(places))

    def add(layer: nn.Module, inputs: Any, said: Tensor) -> Tensor:
        fits = inputs and inputs[0].shape == said.shape
        return inputs[0] + scale * said if fits else said

    def put(stack: ExitStack) -> None:
        for place in places:
            stack.callback(place.register_forward_hook(add).remove)

    return put


def _scaled(patient: Patient) -> Change:
    """Standardise the inputs."""

    def scale(module: nn.Module, args: Any, named: Any) -> Any:
        return mapped(_standard, args), mapped(_standard, named)

    def put(stack: ExitStack) -> None:
        hook = patient.inner.register_forward_pre_hook(scale, prepend=True, with_kwargs=True)
        stack.callback(hook.remove)

    return Change("standardising the inputs", put)


def _standard(x: Tensor) -> Tensor:
    return standardised(x) if x.is_floating_point() and x.dim() > 1 else x


def _replaced(model: nn.Module, kind: type[nn.Module], other: type[nn.Module]) -> Put:
    def put(stack: ExitStack) -> None:
        for parent in model.modules():
            for name, child in parent._modules.items():
                if type(child) is kind:
                    stack.callback(parent._modules.__setitem__, name, child)
                    parent._modules[name] = other()

    return put
