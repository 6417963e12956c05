"""How a batch of trials is trained: the fused kernel, the compression, the loop that records.

- ``jit``: how functions are compiled, spliced, kept
- ``blas``: one BLAS thread where we spread networks ourselves
- ``lanes``: tiles of vectors
- ``elementwise``: activations and outputs on a vector
- ``update``: the optimizers
- ``order``: the order of examples in an epoch
- ``kernel``: one network's training, fused
- ``compression``: inputs brought to the span of the examples
- ``problem``: a batch of trials as the kernel takes it
- ``loop``: what is trained between two records, and recorded
"""

from goodinit.training.loop import (
    MEASURES,
    MEASURING,
    SHARPNESS,
    TRAINING,
    Observe,
    Record,
    Stage,
    available_processors,
    compile_hessian,
    compile_kernel,
    network,
    networks,
    train,
)
from goodinit.training.problem import Problem, initial, prepare

__all__ = [
    "MEASURES",
    "MEASURING",
    "SHARPNESS",
    "TRAINING",
    "Observe",
    "Problem",
    "Record",
    "Stage",
    "available_processors",
    "compile_hessian",
    "compile_kernel",
    "initial",
    "network",
    "networks",
    "prepare",
    "train",
]
