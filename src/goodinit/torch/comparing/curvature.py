"""How a module's loss bends, and what its best constant answer costs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from goodinit.torch.comparing.engines import Loss, without_chance
from goodinit.torch.comparing.inputs import Inputs, own_cost, say
from goodinit.torch.inspecting.costs import said_by, usual_loss
from goodinit.torch.inspecting.guessing import guess_cost
from goodinit.torch.state import generators_as_they_were, modules_as_they_were

_SEED = 0  # of the first Lanczos vector, as for our own networks
_SAME = 1e-5  # relative
_ASKED = 16  # examples of which a model's outputs are looked at


def sharpness(model: nn.Module, X: Inputs, y: Tensor, loss: Loss, steps: int = 16) -> float:
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
        cost = loss(say(model, X.clone()), y)
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


def chance_cost(model: nn.Module, X: Inputs, y: Tensor, loss: Loss) -> float:
    """Return the loss of the best constant answer that the model could give: see ``guess_cost``.

    Parameters
    ----------
    model : Module
        Says only what its outputs look like, to a few examples.
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
    some = X[:_ASKED].clone()
    with _prepared(model, loss, by_batch=False), torch.no_grad():
        outputs = say(model, some)
    if not isinstance(outputs, Tensor) or outputs.dim() == 0 or len(outputs) != len(some):
        return float("nan")
    return guess_cost(outputs, y, loss)


def own_chance(model: nn.Module, X: Inputs, y: Tensor) -> float:
    """Return the same of a model that returns its own loss, where that is a usual one.

    It is known as such by a few examples: a loss of the first outputs and the targets, as they are
    or of the next place, as language models have it.

    Parameters
    ----------
    model : Module
    X : Tensor or Parts
    y : Tensor

    Returns
    -------
    float
        NaN where its loss is another.
    """
    some = X[:_ASKED].clone()
    with _prepared(model, own_cost, by_batch=False), torch.no_grad():
        outputs = say(model, some)
        cost = float(own_cost(outputs, y))
        said = next((one for one in said_by(outputs) if one.dim()), None)
    if said is None or len(said) != len(some):
        return float("nan")
    for ahead in (0, 1) if y.dim() > 1 and said.dim() > 2 else (0,):
        out, wanted = (said[:, :-1], y[:, 1:]) if ahead else (said, y)
        try:
            usual = usual_loss(out, wanted[: len(out)])
            same = abs(float(usual(out, wanted[: len(out)])) - cost) <= _SAME * abs(cost)
        except (IndexError, RuntimeError, ValueError):  # it doesn't take such outputs
            continue
        if same:
            return guess_cost(out, wanted, usual)
    return float("nan")
