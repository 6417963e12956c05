"""How a batch of trials is trained: the fused kernel, the compression, the loop that records."""

from goodinit.training.loop import (
    MEASURES,
    Observe,
    Record,
    available_processors,
    compile_kernel,
    network,
    networks,
    train,
)
from goodinit.training.problem import Problem, initial, prepare

__all__ = [
    "MEASURES",
    "Observe",
    "Problem",
    "Record",
    "available_processors",
    "compile_kernel",
    "initial",
    "network",
    "networks",
    "prepare",
    "train",
]
