"""How the zoo's modules are initialized, where PyTorch's default isn't meant."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from torch import Tensor, nn

Model = TypeVar("Model", bound=nn.Module)
Weighted = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d


def weighted(model: nn.Module) -> Iterator[Weighted]:
    """Yield a model's linear and convolutional layers."""
    return (layer for layer in model.modules() if isinstance(layer, Weighted))


def drawn(model: Model, scheme: Callable[[Tensor], Any]) -> Model:
    """Return the model, the weights of its linear and convolutional layers drawn anew."""
    for layer in weighted(model):
        scheme(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return model


def he(weight: Tensor) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def lecun(weight: Tensor) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="linear")


def constant(module: nn.Module, number: float) -> None:
    """Set every parameter of the module to one number."""
    for parameter in module.parameters():
        nn.init.constant_(parameter, number)


def zeros(module: nn.Module) -> None:
    constant(module, 0.0)


def normal(std: float) -> Callable[[Tensor], None]:
    def scheme(weight: Tensor) -> None:
        nn.init.normal_(weight, 0.0, std)

    return scheme
