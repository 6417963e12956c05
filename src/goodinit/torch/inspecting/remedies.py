"""What might mend a finding: calls of ``initialize``, from the smallest change to the largest."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from glob import escape
from typing import Any, NamedTuple

import pandas as pd
from torch import nn

from goodinit.activations import NAMES
from goodinit.errors import ArgumentError
from goodinit.evidence.causes import CAUSES
from goodinit.initializers import gain
from goodinit.torch.initializing.fans import EMBEDDINGS, NORMS, RECURRENT, Parameter, parameters
from goodinit.torch.initializing.initialization import _fits
from goodinit.torch.initializing.structure import Structure, structure
from goodinit.torch.inspecting.passage import Finding
from goodinit.torch.inspecting.proving import Proof
from goodinit.torch.state import modules_as_they_were

_FEW = 3  # layers with one fault, of which the first may be the cause
_AGAIN = 5  # calls of a layer in one pass
_MOST_RULES = 6  # no one would read more
# The scheme whose gain an activation wants; for others it takes auto to look at what follows.
_SCHEMES = {"relu": "he_normal", "linear": "lecun_normal", "selu": "lecun_normal"}
# Where a gain isn't that of goodinit.initializers: a sigmoid's slope is a quarter at most, and four
# times it keeps the gradient (Glorot and Bengio 2010).
_ORTHOGONAL_GAINS = {"sigmoid": 4.0}
_LOOK_AT_DATA = ("auto", "lsuv")

Key = str | type[nn.Module]


class Trial(NamedTuple):
    """A call of ``initialize``: its scheme, and its rules in their order."""

    scheme: str
    rules: tuple[tuple[Key, str], ...] = ()

    @property
    def looks(self) -> bool:
        """Whether it needs inputs."""
        return not {self.scheme, *dict(self.rules).values()}.isdisjoint(_LOOK_AT_DATA)


def code(trial: Trial) -> str:
    """Return the line of Python that does what was tried.

    Examples
    --------
    >>> print(code(Trial("keep", (("encoder.3", "auto"),))))
    goodinit.torch.initialize(model, "keep", rules={"encoder.3": "auto"}, inputs=inputs)
    """
    rules = ", ".join(f"{_key(key)}: {_text(scheme)}" for key, scheme in trial.rules)
    parts = ["model", _text(trial.scheme)]
    parts += [f"rules={{{rules}}}"] if rules else []
    parts += ["inputs=inputs"] if trial.looks else []
    return f"goodinit.torch.initialize({', '.join(parts)})"


def _text(value: str) -> str:
    plain = value.isprintable() and not {'"', "\\"} & set(value)
    return f'"{value}"' if plain else repr(value)


def _key(key: Key) -> str:
    return _text(key) if isinstance(key, str) else f"torch.nn.{key.__name__}"


@dataclass(frozen=True)
class Patient:
    """A module with findings, and what asks it again.

    Attributes
    ----------
    model : Module
    layers : DataFrame
        As ``Report.layers`` has it.
    inputs : callable
        Returns a copy of the inputs, as the module might write into them.
    again : callable
        Inspects the module and returns its layers, as ``layers``, and its findings.
    proof : Proof or None
        What trains it for a while; None where nothing can, or nobody wants it.
    unproved : str
        Why nothing does.
    """

    model: nn.Module
    layers: pd.DataFrame
    inputs: Callable[[], Any]
    again: Callable[[], tuple[pd.DataFrame, tuple[Finding, ...]]]
    proof: Proof | None = None
    unproved: str = ""

    @property
    def inner(self) -> nn.Module:
        """The module that ``initialize`` names the parameters of."""
        inner: nn.Module = getattr(self.model, "_orig_mod", self.model)
        return inner

    @cached_property
    def listed(self) -> list[Parameter]:
        """Its parameters."""
        return parameters(self.inner)

    @cached_property
    def modules(self) -> dict[str, nn.Module]:
        """Its modules by all their names."""
        return dict(self.inner.named_modules(remove_duplicate=False))

    @cached_property
    def structure(self) -> Structure:
        """Where each of its layers stands."""
        with modules_as_they_were(self.model):
            return structure(self.inner, self.inputs())

    @cached_property
    def activations(self) -> dict[str, str]:
        """What follows each layer."""
        first = self.layers.drop_duplicates("layer")
        return {_inner(row["layer"]): row["activation"] for row in first.to_dict("records")}

    @property
    def usual_activation(self) -> str:
        """What follows most layers that anything follows."""
        known = Counter(name for name in self.activations.values() if name in NAMES)
        del known["linear"]
        return next((name for name, _ in known.most_common(1)), "linear")

    def again_and_again(self, layers: Sequence[str]) -> list[str]:
        """Return those of some layers that one pass calls many times."""
        most = self.layers.groupby("layer")["call"].max()
        calls = {_inner(str(layer)): int(number) for layer, number in most.items()}
        return [layer for layer in layers if layer and calls.get(layer, 0) >= _AGAIN]

    def of(self, layer: str) -> list[Parameter]:
        """Return the parameters of one layer, under any of its names."""
        return [p for p in self.listed if any(n.rpartition(".")[0] == layer for n in p.names)]


# --- What is tried ---

_Try = Callable[[Patient, Sequence[str]], Trial | None]


def trials(label: str, layers: Sequence[str], patient: Patient) -> Iterator[Trial]:
    """Yield what to try for layers with one label, each but once.

    First for the first of them alone where they are few, as the others may only follow from it.
    """
    layers = [_inner(layer) for layer in layers]
    groups = (layers[:1], layers) if len(layers) <= _FEW else (layers, layers[:1])
    seen: set[Trial] = set()
    for places, candidate in ((p, c) for c in _TRIES[label] for p in groups):
        try:
            trial = candidate(patient, places)
        except ArgumentError:
            continue
        if trial is not None and trial not in seen:
            seen.add(trial)
            yield trial


def _biases(patient: Patient, layers: Sequence[str]) -> Trial | None:
    """Set biases as they usually are."""
    own = [p for layer in layers for p in patient.of(layer) if p.role == "bias"]
    schemes = {p.name: "auto" if isinstance(p.module, RECURRENT) else "zeros" for p in own}
    return _ruled(patient, schemes)


def _weights(patient: Patient, layers: Sequence[str]) -> Trial | None:
    """Draw layers anew, with the gain of the activation that follows."""
    schemes: dict[str, str] = {}
    for layer in layers:
        own = patient.of(layer)
        usual = _SCHEMES.get(patient.activations.get(layer, ""), "auto")
        raw = [p.name for p in own if p.role == "raw" and p.tensor.dim() > 1]
        schemes |= dict.fromkeys(raw, "auto")  # which sees their fans in their use
        if layer and any(p.role != "raw" for p in own):
            special = isinstance(patient.modules[layer], (*NORMS, *EMBEDDINGS, *RECURRENT))
            schemes[layer] = "auto" if special or _looked_up(own) else usual
        elif not layer:
            schemes |= {p.name: usual for p in own if p.role == "weight"}
    return _ruled(patient, schemes)


def _looked_up(own: Sequence[Parameter]) -> bool:
    """Return whether an embedding shares a layer's weight."""
    return any(isinstance(owner, EMBEDDINGS) for p in own for owner in p.owners)


def _around(patient: Patient, layers: Sequence[str]) -> Trial | None:
    """Draw anew all of the modules that hold the layers."""
    parents = [layer.rpartition(".")[0] for layer in layers]
    return _ruled(patient, dict.fromkeys(parents, "auto")) if all(parents) else None


def _before(patient: Patient, layers: Sequence[str]) -> Trial | None:
    """Draw the layer before the first anew: what comes from there may be too large or too small."""
    order = list(patient.activations)
    place = order.index(layers[0])
    return _weights(patient, order[place - 1 : place]) if place else None


def _alike(patient: Patient, layers: Sequence[str]) -> Trial | None:
    """Draw anew all layers of the same type."""
    kinds = dict.fromkeys(type(patient.modules[layer]) for layer in layers)
    own = any(getattr(nn, kind.__name__, None) is not kind for kind in kinds)
    return None if own else Trial("keep", tuple((kind, "auto") for kind in kinds))


def _branches(patient: Patient, layers: Sequence[str]) -> Trial | None:
    """Scale what ends residual branches by their number."""
    places = patient.structure.places
    ends = [place.norm or layer for layer, place in places.items() if place.branch]
    return _ruled(patient, dict.fromkeys(ends, "auto"))


def _usual(patient: Patient, layers: Sequence[str]) -> Trial | None:
    scheme = _SCHEMES.get(patient.usual_activation)
    return None if scheme is None else Trial(scheme)


def _auto(patient: Patient, layers: Sequence[str]) -> Trial:
    return Trial("auto")


def _lsuv(patient: Patient, layers: Sequence[str]) -> Trial:
    return Trial("lsuv")


def _orthogonal(patient: Patient, layers: Sequence[str]) -> Trial:
    return Trial(_orthogonal_for(patient.usual_activation))


def _orthogonal_layers(patient: Patient, layers: Sequence[str]) -> Trial | None:
    """Draw layers anew that are used again and again, so that they keep all lengths."""
    followed = patient.activations
    again = patient.again_and_again(layers)
    return _ruled(patient, {name: _orthogonal_for(followed[name]) for name in again})


def _identity(patient: Patient, layers: Sequence[str]) -> Trial | None:
    """Let layers pass on what comes: for ReLUs that are used again and again (Le et al. 2015)."""
    return _ruled(patient, dict.fromkeys(patient.again_and_again(layers), "identity"))


def _weights_once(patient: Patient, layers: Sequence[str]) -> Trial | None:
    """Draw layers anew, but for those that are used again: a random matrix fits them by luck."""
    return None if patient.again_and_again(layers) else _weights(patient, layers)


def _orthogonal_for(activation: str) -> str:
    known = activation if activation in NAMES else "linear"
    return f"orthogonal(gain={_ORTHOGONAL_GAINS.get(known, gain(known)):.4g})"


_WHOLE: tuple[_Try, ...] = (_usual, _auto, _lsuv, _orthogonal)
_CHAIN: tuple[_Try, ...] = (_orthogonal_layers, _identity, _branches, _around)
_LAYERS: tuple[_Try, ...] = (_weights, _around, _alike)
_BY_LABEL: Mapping[str, tuple[_Try, ...]] = {
    "symmetry": _LAYERS,
    "signal grows": (*_CHAIN, *_WHOLE, _weights_once),
    "large": (*_LAYERS, _branches),
    "saturated": (_biases, _weights, _before, _around, _alike),
    "dead": (_biases, _weights, _before, _around, _alike),
    "small": _LAYERS,
    "signal decays": (*_CHAIN, *_WHOLE, _weights_once),
}
_TRIES = {
    CAUSES[cause].label: tuple(dict.fromkeys((*tries, *_WHOLE)))
    for cause, tries in _BY_LABEL.items()
}


# --- Rules for some layers ---


def _ruled(patient: Patient, schemes: Mapping[str, str]) -> Trial | None:
    """Return the trial that keeps all else; None without rules, or with too many to read."""
    plain: list[tuple[str, str]] = [(escape(name), scheme) for name, scheme in schemes.items()]
    short = _shortened(schemes)
    chosen = short if _assigned(patient, short) == _assigned(patient, plain) else plain
    return Trial("keep", tuple(chosen)) if 0 < len(chosen) <= _MOST_RULES else None


def _assigned(patient: Patient, rules: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the scheme of each parameter that a rule fits."""
    fitting = (
        (parameter.name, scheme)
        for key, scheme in reversed(rules)
        for parameter in patient.listed
        if _fits(key, parameter, patient.modules)
    )
    return dict(fitting)


def _shortened(schemes: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return a rule for each set of names that only differ in numbers, those for one name first."""
    groups: dict[tuple[str, str], list[list[str]]] = {}
    for name, scheme in schemes.items():
        alike = re.sub(r"\d+", "*", name), scheme
        groups.setdefault(alike, []).append([escape(part) for part in name.split(".")])
    ranked = sorted(groups.items(), key=lambda group: len(group[1]))
    return [(_pattern(names), scheme) for (_, scheme), names in ranked]


def _pattern(names: Sequence[Sequence[str]]) -> str:
    """Return what fits all of some names, with a star where they differ.

    Examples
    --------
    >>> _pattern([["blocks", "0", "out"], ["blocks", "1", "out"]])
    'blocks.*.out'
    """
    return ".".join(parts[0] if len(set(parts)) == 1 else "*" for parts in zip(*names, strict=True))


def _inner(layer: str) -> str:
    return layer.removeprefix("_orig_mod").removeprefix(".")
