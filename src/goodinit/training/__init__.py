"""How a batch of trials is trained: the fused kernel, the compression, the loop that records.

- ``jit``: how functions are compiled, called by their addresses, kept
- ``blas``: one BLAS thread where we spread networks ourselves
- ``lanes``: vectors of explicit width, and views of arrays that hold them
- ``tiles``: the three products of a layer, as tiles held in vector registers
- ``elementwise``: the activations and their slopes on a vector
- ``outputs``: the last layer's activations, and the deltas that they leave
- ``products``: the products compiled, or left to BLAS where a layer is wide
- ``gradient``: the gradient of a tile of examples
- ``update``: the optimizers
- ``order``: the order of examples in an epoch
- ``alone``: one network: a vector's lanes hold examples
- ``together``: a vector of networks: each lane is one
- ``kernel``: which of them trains a batch, on how many threads
- ``hessian``: products of the cost's Hessian with directions
- ``answers``: what networks make of examples
- ``compression``: inputs brought to the span of the examples
- ``problem``: a batch of trials as the kernel takes it
- ``loop``: what is trained between two records, and recorded
"""

from goodinit.training.loop import (
    MEASURES,
    MEASURING,
    SHARPNESS,
    TRAINING,
    VALIDATION,
    Observe,
    Record,
    Stage,
    available_processors,
    compile_hessian,
    compile_kernel,
    network,
    networks,
    train,
    whole,
)
from goodinit.training.problem import Problem, initial, network_of, prepare

__all__ = [
    "MEASURES",
    "MEASURING",
    "SHARPNESS",
    "TRAINING",
    "VALIDATION",
    "Observe",
    "Problem",
    "Record",
    "Stage",
    "available_processors",
    "compile_hessian",
    "compile_kernel",
    "initial",
    "network",
    "network_of",
    "networks",
    "prepare",
    "train",
    "whole",
]
