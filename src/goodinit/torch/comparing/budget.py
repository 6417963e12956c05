"""How many examples are measured, so that measuring takes about as long as training, not longer.

It is counted in examples that pass the module once, which depends on no clock.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from goodinit.measuring.stability import SHARPNESS_MOMENTS
from goodinit.torch.comparing.inputs import Inputs

_STEP = 3  # passes that an update costs: one forward, and twice as much on the way back
_SHARPNESS = 50  # those that ten steps of Lanczos cost, and a look at the batches
_LOOKED_AT = 256  # training examples of which signals and sharpness are measured, at most
_FEWEST = 16
# Examples that are measured even if that takes longer, before and after training, and between.
_AT_ENDS, _BETWEEN = 1024, 128
_CHEAP = 2**16  # outputs, all those examples together, up to which that is no matter
_AT_ONCE = 2**24  # outputs of a look at signals and sharpness
_ORDER = (2**32 - 1, 2)  # a spawn key that no layer's draws have


class Rows(NamedTuple):
    """How many examples are measured at the two ends of training, and at each moment between."""

    ends: int
    between: int


def rows_measured(examples: int, updates: int, batch: int, moments: int, outputs: int) -> Rows:
    """Return how many examples are measured: all, where that takes no longer than training.

    Parameters
    ----------
    examples : int
        Training and test examples.
    updates, batch : int
        Of training.
    moments : int
        At which it is measured.
    outputs : int
        Numbers that the module says of one example.

    Examples
    --------
    Digits are measured whole; of sixty thousand images it would take thirty times the training:

    >>> rows_measured(1797, updates=1000, batch=32, moments=51, outputs=10)
    Rows(ends=1797, between=1797)
    >>> rows_measured(70_000, updates=1000, batch=32, moments=51, outputs=10)
    Rows(ends=24000, between=979)
    """
    passes = _STEP * updates * batch
    if examples * moments <= passes:
        return Rows(examples, examples)
    cheap = _CHEAP // outputs
    ends = min(examples, max(_FEWEST, min(_AT_ENDS, cheap), passes // 4))
    between = max(_FEWEST, min(_BETWEEN, cheap), passes // 2 // max(1, moments - 2))
    return Rows(ends, min(ends, between))


def rows_looked_at(updates: int, batch: int, outputs: int) -> int:
    """Return of how many training examples signals and sharpness are measured.

    Examples
    --------
    >>> rows_looked_at(updates=3000, batch=32, outputs=10)
    256
    """
    passes = _STEP * updates * batch // (_SHARPNESS * SHARPNESS_MOMENTS)
    return max(1, min(_LOOKED_AT, max(_FEWEST, passes), _AT_ONCE // outputs))


def shared(rows: int, train: int, test: int) -> tuple[int, int]:
    """Return how many of the rows are training examples and how many test ones: half of each.

    Examples
    --------
    >>> shared(1000, 60_000, 10_000), shared(1000, 700, 400)
    ((500, 500), (600, 400))
    """
    some = min(test, max(rows // 2, rows - train))
    return min(train, rows - some), some


def drawn(part: Inputs, count: int) -> Tensor:
    """Return the places of so many examples of a part: all, or each time the same draw."""
    n = len(part)
    if count >= n:
        return torch.arange(n, device=part.device)
    order = np.random.default_rng(np.random.SeedSequence(0, spawn_key=_ORDER)).permutation(n)
    return torch.from_numpy(np.sort(order[:count])).to(part.device)
