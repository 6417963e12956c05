"""How alike a signal is for different examples, and for different tokens of one."""

import torch
from torch import Tensor

from goodinit.torch.inspecting.measuring import places

_EXAMPLES = 16
_FEW = 4  # examples whose tokens are looked at
_TOKENS = 64
_NUMBERS = 4096  # of an example


def between_examples(z: Tensor) -> float:
    """Return the mean cosine of two examples, which are on the first axis; NaN where it has one.

    Examples
    --------
    >>> between_examples(torch.tensor([[3.0, 0.0], [0.0, 1.0]]))
    0.0
    """
    if z.dim() < 2 or z.numel() == 0 or z.layout is not torch.strided:
        return float("nan")
    flat = z.detach()[:_EXAMPLES].flatten(1)
    some = places(flat.shape[1], _NUMBERS, z.device)
    return _cosine(flat[:, some].unsqueeze(0))


def between_tokens(z: Tensor) -> float:
    """Return the mean cosine of two tokens of one example; shape (examples, tokens, units)."""
    if z.dim() != 3 or z.numel() == 0 or z.layout is not torch.strided:
        return float("nan")
    some = places(z.shape[1], _TOKENS, z.device)
    return _cosine(z.detach()[:_FEW, some])


def _cosine(vectors: Tensor) -> float:
    """Return the mean over pairs and sets; shape (sets, vectors, numbers)."""
    count = vectors.shape[1]
    if count < 2 or vectors.is_complex():
        return float("nan")
    numbers = vectors.double()
    norms = torch.linalg.vector_norm(numbers, dim=-1, keepdim=True)
    if not (norms > 0).all():
        return float("nan")
    whole = (numbers / norms).sum(1).square().sum(-1).mean()
    return (float(whole) - count) / (count * (count - 1))
