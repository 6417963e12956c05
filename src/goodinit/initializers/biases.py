"""How the biases of a network start, where its initializer draws none."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from goodinit.errors import bad_argument
from goodinit.initializers.plain import constant, normal, uniform, zeros
from goodinit.initializers.scheme import Scheme
from goodinit.specs import build


@dataclass(frozen=True)
class Biases:
    """How the biases of a network start.

    Attributes
    ----------
    scheme : Scheme
        Draws those of each layer, of shape (units, 1); its name is what ``read_biases`` takes.
    std : float, optional
        Where they are N(0, std²), zero included. None for others, of which theory knows nothing.
    at_base_rate : bool
        Whether the last layer's are the best answer that doesn't look at the example instead.
    """

    scheme: Scheme
    std: float | None = None
    at_base_rate: bool = False

    def __str__(self) -> str:
        return self.scheme.name


def _normal(std: float) -> Biases:
    return Biases(normal(std), std=float(std))


ZEROS = Biases(zeros(), std=0.0)
BIASES: dict[str, Callable[..., Biases]] = {
    "zeros": lambda: ZEROS,
    "constant": lambda value: Biases(constant(value)),
    "normal": _normal,
    "uniform": lambda low, high: Biases(uniform(low, high)),
    "prior": lambda: Biases(replace(zeros(), name="prior"), at_base_rate=True),
}


def read_biases(spec: Any) -> Biases:
    """Return how biases start.

    Parameters
    ----------
    spec : str
        ``"zeros"``, ``"constant(value)"``, ``"normal(std)"``, ``"uniform(low, high)"``, or
        ``"prior"``: the last layer's are the best answer that doesn't look at the example (the
        logit of a class's frequency, the logarithms of several classes' frequencies, or the mean of
        the targets), all others are zero.

    Raises
    ------
    ArgumentError
        For anything else.

    References
    ----------
    On the prior: Lin et al. 2017, Focal loss for dense object detection, section 3.3.

    Examples
    --------
    >>> print(read_biases("normal(0.1)"), read_biases("prior"))
    normal(std=0.1) prior
    """
    if not isinstance(spec, str):
        raise bad_argument("bias", spec, f"one of {', '.join(BIASES)}, such as 'normal(std=0.1)'")
    return build("bias", spec, BIASES)
