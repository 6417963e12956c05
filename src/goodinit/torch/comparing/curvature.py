"""How a module's loss bends, and what loss the best constant answer has."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from goodinit.torch.comparing.engines import Loss, without_chance
from goodinit.torch.state import generators_as_they_were, modules_as_they_were

_SEED = 0  # of the first Lanczos vector, as for our own networks
_MOST_STEPS = 500  # of LBFGS
_ROUNDING = 1e-3  # of what sums to one


def sharpness(model: nn.Module, X: Tensor, y: Tensor, loss: Loss, steps: int = 16) -> float:
    """Return the algebraically largest eigenvalue of the loss's Hessian, over what is trainable.

    Lanczos' method with full reorthogonalization on exact Hessian-vector products, as
    ``measuring.sharpness`` for our networks. Batch normalization goes by the batch, nothing
    is random, and everything is afterwards as it was.

    Parameters
    ----------
    model : Module
    X, y : Tensor
        Examples along the first axis.
    loss : callable
        Of outputs and targets; returns the mean over the examples.
    steps : int
        Hessian-vector products; never more than there are parameters.

    Returns
    -------
    float
        NaN where second derivatives aren't there, or aren't finite.

    References
    ----------
    Cohen et al. 2021, Gradient descent on neural networks typically occurs at the edge of
    stability.

    Examples
    --------
    For one weight w, one example x and a linear output, the Hessian is 2 [[x², x], [x, 1]]:

    >>> X, y = torch.tensor([[2.0]]), torch.tensor([[1.0]])
    >>> round(sharpness(nn.Linear(1, 1), X, y, nn.MSELoss()), 4)
    10.0
    """
    leaves = [leaf for leaf in model.parameters() if leaf.requires_grad]
    with _prepared(model, loss, by_batch=True):
        cost = loss(model(X.clone()), y)
        # Functions that can't be derived twice say so only to who derives by all there is.
        cost = cost * cost.new_ones(()).requires_grad_()
        try:
            gradients = torch.autograd.grad(cost, leaves, create_graph=True, allow_unused=True)
            found = [g for g in gradients if g is not None]
            torch.autograd.backward(found, [torch.zeros_like(g) for g in found], retain_graph=True)
            return _largest_eigenvalue(leaves, gradients, steps)
        except RuntimeError:  # a function without a second derivative
            return float("nan")


@contextmanager
def _prepared(model: nn.Module, loss: Loss, *, by_batch: bool) -> Iterator[None]:
    """Let the model be derived twice, with nothing random, and put everything back."""
    modules = [one for one in (model, loss) if isinstance(one, nn.Module)]
    with (
        generators_as_they_were(),
        modules_as_they_were(*modules),
        torch.inference_mode(False),
        torch.enable_grad(),
        sdpa_kernel(SDPBackend.MATH),  # the only attention with second derivatives
    ):
        if by_batch:
            model.train()
        without_chance(model, by_batch=by_batch)
        yield


def _largest_eigenvalue(
    leaves: Sequence[Tensor], gradients: Sequence[Tensor | None], steps: int
) -> float:
    curved = [g for g in gradients if g is not None and g.requires_grad]
    places = [i for i, g in enumerate(gradients) if g is not None and g.requires_grad]
    sizes = [leaf.numel() for leaf in leaves]

    def product(direction: Tensor) -> Tensor:
        parts = torch.split(direction, sizes)
        along = [parts[i].view_as(g).to(g) for i, g in zip(places, curved, strict=True)]
        found = torch.autograd.grad(curved, leaves, along, retain_graph=True, allow_unused=True)
        flat = [
            torch.zeros_like(leaf) if one is None else one
            for one, leaf in zip(found, leaves, strict=True)
        ]
        return torch.cat([one.reshape(-1).to(direction) for one in flat])

    dtype = torch.promote_types(torch.float32, max(leaves, key=lambda p: p.element_size()).dtype)
    start = np.random.default_rng(_SEED).standard_normal(sum(sizes))
    first = torch.from_numpy(start / np.linalg.norm(start)).to(leaves[0].device, dtype)
    return _lanczos(product, first, steps) if curved else 0.0


def _lanczos(product: Callable[[Tensor], Tensor], first: Tensor, steps: int) -> float:
    """Return the largest eigenvalue of a symmetric matrix within the Krylov space."""
    exhausted = torch.finfo(first.dtype).eps ** (2 / 3)
    basis = first.new_zeros(min(steps, len(first)) + 1, len(first))
    basis[0] = first
    diagonal: list[float] = []
    beside: list[float] = []
    for step in range(len(basis) - 1):
        known = basis[: step + 1]
        image, along = product(known[-1]), first.new_zeros(step + 1)
        for _ in range(2):  # twice is enough (Parlett)
            overlap = known @ image
            image = image - overlap @ known
            along += overlap
        diagonal.append(float(along[-1]))
        length = float(image.norm())
        if not np.isfinite([diagonal[-1], length]).all():
            return float("nan")
        if length <= exhausted * np.abs(diagonal).max():
            break  # what is left is rounding
        beside.append(length)
        basis[step + 1] = image / length
    off = beside[: len(diagonal) - 1]
    matrix = np.diag(diagonal) + np.diag(off, 1) + np.diag(off, -1)
    return float(np.linalg.eigvalsh(matrix)[-1])


def chance_cost(model: nn.Module, X: Tensor, y: Tensor, loss: Loss) -> float:
    """Return the loss of the best constant answer that the model could give.

    One number for each coordinate of the outputs, the same for all examples, found by LBFGS in
    float64: the entropy of the classes for cross-entropy, the variance for squared errors. Where
    the model's outputs are probabilities, or their logarithms, so is the answer.

    Parameters
    ----------
    model : Module
        Says only what its outputs look like.
    X, y : Tensor
        Examples along the first axis.
    loss : callable
        Of outputs and targets; returns the mean over the examples.

    Returns
    -------
    float
        NaN where the outputs aren't one tensor with an axis of examples, or no constant is best.

    Examples
    --------
    >>> X, y = torch.zeros(4, 3), torch.tensor([0, 0, 1, 1])
    >>> round(chance_cost(nn.Linear(3, 2), X, y, nn.CrossEntropyLoss()), 6)
    0.693147
    """
    with _prepared(model, loss, by_batch=False), torch.no_grad():
        outputs = model(X.clone())
    if not isinstance(outputs, Tensor) or not outputs.is_floating_point():
        return float("nan")
    if outputs.dim() == 0 or len(outputs) != len(y):
        return float("nan")
    for dtype in (torch.float64, outputs.dtype):  # a loss with weights may not take float64
        wanted = y.to(dtype) if y.is_floating_point() else y
        starts = _starts(outputs, wanted, dtype)
        for answer in _answers(outputs):
            asked = partial(_constant_cost, loss, answer, outputs.shape, wanted)
            found = _least(asked, starts)
            if np.isfinite(found):
                return found
    return float("nan")


def _answers(outputs: Tensor) -> list[Callable[[Tensor], Tensor]]:
    """Return what makes answers like the outputs of any numbers; the first that works counts."""
    outputs = outputs.double()
    if outputs.dim() > 1 and outputs.shape[1] > 1:
        among = {
            torch.softmax: outputs.sum(1) if bool((outputs >= 0).all()) else None,
            torch.log_softmax: outputs.exp().sum(1),
        }
        for function, totals in among.items():
            if totals is not None and bool(((totals - 1).abs() < _ROUNDING).all()):
                return [partial(function, dim=1)]
    shares = bool(((outputs >= 0) & (outputs <= 1)).all())
    return [torch.clone, torch.sigmoid] if shares else [torch.clone]


def _starts(outputs: Tensor, y: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """Return constants to start from, (1, ...): zeros, and the targets' middle where they fit."""
    starts = [outputs.new_zeros(1, *outputs.shape[1:], dtype=dtype)]
    if y.is_floating_point() and y.numel() == outputs.numel():
        like = y.reshape(outputs.shape)
        starts += [like.mean(0, keepdim=True), like.median(0, keepdim=True).values]
    return starts


def _constant_cost(
    loss: Loss,
    answer: Callable[[Tensor], Tensor],
    shape: torch.Size,
    y: Tensor,
    constant: Tensor,
) -> Tensor:
    return loss(answer(constant).expand(shape), y)


def _least(cost: Callable[[Tensor], Tensor], starts: Sequence[Tensor]) -> float:
    """Return the least cost that LBFGS finds; NaN where it knows no bound, or cannot be had."""
    seen: list[tuple[float, float]] = []  # cost and slope

    def slope(constant: Tensor) -> Tensor:
        value = cost(constant)
        (constant.grad,) = torch.autograd.grad(value, [constant])
        value = value.detach()
        seen.append((float(value), float(constant.grad.abs().max())))
        return value

    try:
        with torch.inference_mode(False), torch.enable_grad():
            constants = [start.clone().requires_grad_() for start in starts]
            constant = min(constants, key=lambda one: float(slope(one)))
            search = torch.optim.LBFGS(
                [constant],
                max_iter=_MOST_STEPS,
                tolerance_grad=1e-10,
                tolerance_change=1e-14,
                line_search_fn="strong_wolfe",
            )
            seen.clear()
            search.step(lambda: slope(constant))  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError):  # this loss doesn't take these answers
        return float("nan")
    least, steep = min(seen)
    falling = least < seen[0][0] and steep > seen[0][1] / 2
    return float("nan") if falling else least
