"""The scheme "auto": each parameter by its place in the model."""

from functools import partial

import numpy as np
from torch import Tensor, nn

from goodinit.initializers import Scheme, gain, normal, orthogonal, variance_scaling
from goodinit.torch.initializing.fans import EMBEDDINGS, RECURRENT, Parameter
from goodinit.torch.initializing.schemes import Choice, Recipe, constant, conventional, fill
from goodinit.torch.initializing.structure import Place, Structure, structure

OUTPUT_GAIN = 0.1


def auto(model: nn.Module, inputs: object) -> Recipe:
    """Return the recipe that looks at what follows each layer.

    - A layer: N(0, gain²/fan_in), with ``goodinit.initializers.gain`` of the activation that its
      output goes through, 1 where there is none (He et al. 2015).
    - The last layer of a residual branch: gain 1/√branches, so that the branches together add as
      much as one; GPT-2's 1/√(2 × blocks), its blocks having two branches each (Radford et al.
      2019). Where a normalization ends the branch, its weight gets 1/√branches instead. (Zero
      there, as of Goyal et al. 2017, would leave the branch without gradients at first.)
    - The output layer: gain 0.1, so that the first outputs are small.
    - Embeddings: N(0, 1/dimensions), rows of length 1, also where an output layer shares them.
    - Recurrent layers: orthogonal recurrent weights per gate, gain 1 for the others; the bias of
      the LSTM's forget gate 1 (Jozefowicz et al. 2015).
    - Biases 0, normalization 1 and 0.
    """
    places = structure(model, inputs)

    def choose(parameter: Parameter, named: bool) -> Choice:
        if parameter.role == "weight" or (named and parameter.role == "raw"):
            return _weight(parameter, places)
        return _beside(parameter, places)

    return choose


def _weight(parameter: Parameter, places: Structure) -> Choice:
    if any(isinstance(owner, EMBEDDINGS) for owner in parameter.owners):
        dimensions = parameter.tensor.shape[1]
        return _drawn(parameter, normal(dimensions**-0.5), "embedding: rows of length 1")
    if isinstance(parameter.module, RECURRENT):
        if parameter.leaf.startswith("weight_hh"):
            return _drawn(parameter, orthogonal(), "recurrent: orthogonal per gate")
        return _scaled(parameter, 1.0, "gain 1")
    factor, note = _gain(_place(parameter, places), places.branches)
    return _scaled(parameter, factor, note)


def _place(parameter: Parameter, places: Structure) -> Place:
    """Return a layer's place; of attention it is its last projection that stands there."""
    attention, _, last = parameter.layer.rpartition(".")
    if isinstance(parameter.module, nn.MultiheadAttention):
        return Place()
    if last == "out_proj" and parameter.layer not in places.places:
        return places.places.get(attention, Place())
    return places.places.get(parameter.layer, Place())


def _gain(place: Place, branches: int) -> tuple[float, str]:
    supposed = "; by the order of registration" if place.guessed else ""
    if place.branch and not place.norm:
        return branches**-0.5, f"ends a residual branch: gain 1/√{branches}{supposed}"
    if place.output:
        return OUTPUT_GAIN, f"output: gain {OUTPUT_GAIN}{supposed}"
    factor = gain(place.activation)
    followed = f", {place.activation} follows" if place.activation != "linear" else ""
    return factor, f"gain {factor:.4g}{followed}{supposed}"


def _scaled(parameter: Parameter, factor: float, note: str) -> Choice:
    return _drawn(parameter, variance_scaling(factor**2, "fan_in", "normal"), note)


def _drawn(parameter: Parameter, scheme: Scheme, note: str) -> Choice:
    return Choice("auto", partial(fill, scheme, parameter), note)


def _beside(parameter: Parameter, places: Structure) -> Choice:
    usual = conventional(parameter)
    ending = {place.norm for place in places.places.values() if place.norm}
    if parameter.role == "norm" and parameter.layer in ending:
        value = places.branches**-0.5
        note = f"ends a residual branch: 1/√{places.branches}"
        return Choice("auto", constant(value), note)
    if isinstance(parameter.module, nn.LSTM | nn.LSTMCell) and "bias_ih" in parameter.leaf:
        return Choice("auto", _open_forget_gates, "forget gate 1, others 0")
    return usual


def _open_forget_gates(tensor: Tensor, rng: np.random.Generator) -> None:
    tensor.zero_()
    tensor.chunk(4)[1].fill_(1.0)
