"""How a batch of trials is trained: the fused kernel, the compression, the loop that records."""

from goodinit.training.loop import MEASURES, Record, compile_kernel, network, train
from goodinit.training.problem import Problem, initial, prepare

__all__ = [
    "MEASURES",
    "Problem",
    "Record",
    "compile_kernel",
    "initial",
    "network",
    "prepare",
    "train",
]
