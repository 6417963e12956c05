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


def sharpness(
    model: nn.Module,
    X: Inputs,
    y: Tensor,
    loss: Loss,
    steps: int = 16,
    *,
    scales: Tensor | None = None,
) -> float:
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
    scales : Tensor, shape (P,), optional
        Of a diagonal S: the eigenvalue is that of SHS, which is that of P⁻¹H for the preconditioner
        P = S⁻² (Cohen et al. 2022).

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
    with _prepared(model, loss, by_batch=True):
        try:
            _, product = _derived(model, X, y, loss)
            return _largest_eigenvalue(model, product, steps, scales)
        except RuntimeError:  # a function without a second derivative
            return float("nan")


def batch_sharpness(  # noqa: PLR0917
    model: nn.Module,
    X: Inputs,
    y: Tensor,
    loss: Loss,
    batch_size: int,
    step: Callable[[Tensor], Tensor] = lambda gradient: gradient,
) -> float:
    """Return how sharply each batch's cost bends along the step that it asks for.

    As ``measuring.sharpness.batch_sharpness`` for our networks: the mean of sᵀHs over that of gᵀs,
    where g and H are gradient and Hessian of a batch's cost and s is the optimizer's step.

    Parameters
    ----------
    model, X, y, loss
        As in ``sharpness``.
    batch_size : int
        At most the number of examples, each of which is met once at most.
    step : callable
        The gradient (P,) to the step (P,), before the learning rate.

    Returns
    -------
    float
        NaN where second derivatives aren't there, or aren't finite.

    References
    ----------
    Andreyev and Beneventano 2024, Edge of stochastic stability.

    Examples
    --------
    Of one weight, no batch of one example bends more than along its gradient, by 2 (x² + 1):

    >>> X, y = torch.tensor([[2.0], [-2.0]]), torch.tensor([[1.0], [1.0]])
    >>> model = nn.Linear(1, 1)
    >>> _ = [nn.init.zeros_(parameter) for parameter in model.parameters()]
    >>> round(batch_sharpness(model, X, y, nn.MSELoss(), batch_size=1), 4)
    10.0
    """
    order = torch.from_numpy(np.random.default_rng(_SEED).permutation(len(X))).to(y.device)
    bends, slopes = 0.0, 0.0
    with _prepared(model, loss, by_batch=True):
        try:
            for first in range(0, len(X) - batch_size + 1, batch_size):
                some = order[first : first + batch_size]
                gradient, product = _derived(model, X[some], y[some], loss)
                along = step(gradient)
                bends += float(along @ product(along))
                slopes += float(along @ gradient)
        except RuntimeError:
            return float("nan")
    found = bends / slopes if slopes else float("nan")
    return found if np.isfinite(found) else float("nan")


def _derived(
    model: nn.Module, X: Inputs, y: Tensor, loss: Loss
) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
    """Return the gradient of the cost, (P,), and what multiplies its Hessian with a direction.

    Raises
    ------
    RuntimeError
        Where there is a function without a second derivative.
    """
    leaves = _leaves(model)
    cost = loss(say(model, X.clone()), y)
    # Functions that can't be derived twice say so only to who derives by all there is.
    cost = cost * cost.new_ones(()).requires_grad_()
    gradients = torch.autograd.grad(cost, leaves, create_graph=True, allow_unused=True)
    found = [g for g in gradients if g is not None]
    torch.autograd.backward(found, [torch.zeros_like(g) for g in found], retain_graph=True)
    curved = [g for g in found if g.requires_grad]
    places = [i for i, g in enumerate(gradients) if g is not None and g.requires_grad]
    sizes = [leaf.numel() for leaf in leaves]

    def product(direction: Tensor) -> Tensor:
        if not curved:
            return torch.zeros_like(direction)
        parts = torch.split(direction, sizes)
        along = [parts[i].view_as(g).to(g) for i, g in zip(places, curved, strict=True)]
        bent = torch.autograd.grad(curved, leaves, along, retain_graph=True, allow_unused=True)
        return _flat(leaves, bent).to(direction)

    return _flat(leaves, [None if g is None else g.detach() for g in gradients]), product


def _leaves(model: nn.Module) -> list[Tensor]:
    return [leaf for leaf in model.parameters() if leaf.requires_grad]


def _flat(leaves: Sequence[Tensor], of: Sequence[Tensor | None]) -> Tensor:
    dtype = torch.promote_types(torch.float32, max(leaves, key=lambda p: p.element_size()).dtype)
    parts = [
        torch.zeros_like(leaf) if one is None else one for one, leaf in zip(of, leaves, strict=True)
    ]
    return torch.cat([part.reshape(-1).to(dtype) for part in parts])


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
    model: nn.Module,
    product: Callable[[Tensor], Tensor],
    steps: int,
    scales: Tensor | None,
) -> float:
    leaves = _leaves(model)
    like = _flat(leaves, [None] * len(leaves))
    start = np.random.default_rng(_SEED).standard_normal(len(like))
    first = torch.from_numpy(start / np.linalg.norm(start)).to(like)
    if scales is None:
        return _lanczos(product, first, steps)
    root = scales.to(like)
    return _lanczos(lambda direction: root * product(root * direction), first, steps)


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
