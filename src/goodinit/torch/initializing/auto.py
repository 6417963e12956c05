"""The scheme "auto": each parameter by its place in the model."""

from dataclasses import replace
from functools import partial
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from goodinit.initializers import Scheme, draws, normal, orthogonal
from goodinit.initializers.scheme import Weights
from goodinit.torch.initializing.fans import EMBEDDINGS, RECURRENT, Parameter
from goodinit.torch.initializing.schemes import Choice, Recipe, conventional, fill, keep
from goodinit.torch.initializing.structure import Place, Structure
from goodinit.torch.initializing.uses import Block

OUTPUT_GAIN = 0.3
_RECTIFIERS = ("relu", "relu6")  # what they get a bias for is known: none
_MAPS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)  # outputs proportional to their weight
_LARGEST_ORTHOGONAL = 2**20  # numbers of a matrix; of larger ones normal draws are as good as that


def auto(places: Structure) -> Recipe:
    """Return the recipe that looks at what each layer reads, and at what its output goes through.

    - A layer: gain s / √E[x²], with x what it reads and s the spread that suits what follows it
      (``reading.best_spread``; 1 for most). So the gain of an activation goes to the layer that
      reads it, and the first one has gain 1 (for inputs that are standardised). Drawn orthogonal,
      rows and columns of equal length, where it isn't large (Saxe et al. 2014). Where what it reads
      is mostly its mean, as after a sigmoid, its rows sum to 0.
    - The last layer of a residual branch: 1/√branches of that, so that the branches together add as
      much as one; GPT-2's 1/√(2 × blocks), its blocks having two branches each (Radford et al.
      2019). Where a normalization ends the branch, that keeps its 1: what a block adds is then a
      smaller share the deeper it stands (De and Smith 2020), and 1/√branches there trains slower.
    - The output layer: a spread of 0.3, so that the first outputs are small, and what lies before
      it learns nevertheless.
    - Embeddings: N(0, 1/dimensions), rows of length 1; where an output layer shares them, longer
      by what its input is shrunk by, as by T5's 1/√dimensions.
    - Queries: a spread of 1 over that of their products with keys, where that is above 1, as of 16
      dimensions that are not divided by their root (T5 draws them so: Raffel et al. 2020).
    - Recurrent layers: orthogonal recurrent weights per gate, gain 1 for the others; the bias of
      the LSTM's forget gate 1 (Jozefowicz et al. 2015).
    - Biases 0, normalization 1 and 0. A bias that was set on purpose stays as it is, unless a ReLU
      follows: one whose numbers are all alike and not 0, or all farther from 0 than PyTorch draws
      any, ±1/√fan_in (±1 for modules that PyTorch doesn't bring). Such are the −4.6 of a detector's
      head, and the step sizes of a state-space model before their softplus.

    Where inputs are given, linear layers and convolutions are then scaled one after the other,
    first layer first, to the spread that they should have on these, if they stray from it.
    """

    def choose(parameter: Parameter, named: bool) -> Choice:
        if parameter.role == "weight":
            return _weight(parameter, places)
        if named and parameter.role == "raw" and parameter.tensor.dim() > 1:
            return _rows(parameter, parameter.tensor.shape[-1])
        return _beside(parameter, places)

    return choose


def _weight(parameter: Parameter, places: Structure) -> Choice:
    looked_up = [
        name.rpartition(".")[0]
        for name, owner in zip(parameter.names, parameter.owners, strict=True)
        if isinstance(owner, EMBEDDINGS)
    ]
    if looked_up:
        called = [places.places[name] for name in looked_up if name in places.places]
        return _rows(parameter, parameter.tensor.shape[1], called[0] if called else None)
    if isinstance(parameter.module, RECURRENT):
        if parameter.leaf.startswith("weight_hh"):
            return _drawn(parameter, orthogonal(), "recurrent: orthogonal per gate")
        return _scaled(parameter, 1.0, "gain 1")
    place = place_of(parameter, places)
    factor, note = _gain(place, places.branches)
    choice = _scaled(parameter, factor, note, place.read.off_centre)
    maps = isinstance(parameter.module, _MAPS) or parameter.foreign
    settles = maps and len(parameter.names) == 1
    return replace(choice, aim=_spread(place, places.branches)) if settles else choice


def _rows(parameter: Parameter, dimensions: int, place: Place | None = None) -> Choice:
    std = dimensions**-0.5 if place is None else place.spread
    length = f"embedding: rows of length {std * dimensions**0.5:.3g}"
    return _drawn(parameter, normal(std), length)


def place_of(parameter: Parameter, places: Structure) -> Place:
    """Return a layer's place; of attention it is its last projection that stands there."""
    attention, _, last = parameter.layer.rpartition(".")
    if isinstance(parameter.module, nn.MultiheadAttention):
        return Place()
    if last == "out_proj" and parameter.layer not in places.places:
        return places.places.get(attention, Place())
    own = parameter.name if parameter.foreign else parameter.layer
    return places.places.get(own, Place())


def _spread(place: Place, branches: int) -> float:
    """Return the spread that a layer's outputs should have."""
    if place.branch and not place.norm:
        return float(branches**-0.5)
    return OUTPUT_GAIN if place.output else place.spread


def _gain(place: Place, branches: int) -> tuple[float, str]:
    spread = _spread(place, branches)
    aims = f", for a spread of {spread:.3g}"
    if place.branch and not place.norm:
        aims = f", ends a residual branch: spread 1/√{branches}"
    elif place.output:
        aims = f", output: spread {OUTPUT_GAIN}"
    gain = spread / place.read.size
    reads = f", reads {' then '.join(place.read.bends)}" if place.read.bends else ""
    if not place.read.known:
        reads = ", what it reads is supposed to have spread 1"
    if place.read.off_centre:
        reads += ", rows sum to 0"
    supposed = "; by the order of registration" if place.guessed else ""
    return gain, f"gain {gain:.4g}{reads}{'' if spread == 1 else aims}{supposed}"


def _scaled(parameter: Parameter, gain: float, note: str, centred: bool = False) -> Choice:
    def write(tensor: Tensor, rng: np.random.Generator) -> None:
        for block in parameter.blocks(tensor):
            if prod(block.shape):
                numbers = _even(block, rng, centred) * (gain / block.fan_in**0.5)
                block.view.copy_(torch.from_numpy(numbers).reshape(block.view.shape))

    return Choice("auto", write, note)


def _even(block: Block, rng: np.random.Generator, centred: bool) -> Weights:
    """Return a matrix of variance 1, with orthogonal rows or columns unless it is large."""
    outputs, inputs = block.shape
    if outputs * inputs > _LARGEST_ORTHOGONAL:
        numbers = rng.standard_normal((outputs, inputs))
    else:
        numbers = draws.orthogonal(rng, (outputs, inputs), gain=max(outputs, inputs) ** 0.5)
    if centred and inputs > 1:
        numbers = numbers - numbers.mean(1, keepdims=True)
        numbers *= (inputs / (inputs - 1)) ** 0.5
    return numbers


def _drawn(parameter: Parameter, scheme: Scheme, note: str) -> Choice:
    return Choice("auto", partial(fill, scheme, parameter), note)


def _beside(parameter: Parameter, places: Structure) -> Choice:
    usual = conventional(parameter)
    if isinstance(parameter.module, nn.LSTM | nn.LSTMCell) and "bias_ih" in parameter.leaf:
        return Choice("auto", open_forget_gates, "forget gate 1, others 0")
    if parameter.role == "bias" and place_of(parameter, places).activation not in _RECTIFIERS:
        return on_purpose(parameter) or usual
    return usual


def on_purpose(parameter: Parameter) -> Choice | None:
    """Return the choice to leave a bias alone, if it isn't what PyTorch would have drawn."""
    if parameter.tensor.is_complex():
        return None
    values = parameter.tensor.detach().double()
    if not values.numel() or not bool(values.isfinite().all()):
        return None
    weight = getattr(parameter.module, "weight", None)
    known = isinstance(weight, Tensor) and weight.dim() > 1 and not parameter.foreign
    most = 1.0
    if isinstance(weight, Tensor) and known and weight.numel():
        most = (weight.shape[0] / weight.numel()) ** 0.5
    low, high = float(values.min()), float(values.max())
    alike = known and low == high != 0 and values.numel() > 1
    if not alike and not bool((values.abs() > most).all()):
        return None
    said = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
    return keep(parameter, why=f"set on purpose, {said}")


def open_forget_gates(tensor: Tensor, rng: np.random.Generator) -> None:
    """Set the bias of an LSTM's forget gate to 1, the others to 0."""
    tensor.zero_()
    tensor.chunk(4)[1].fill_(1.0)
