"""What a scheme's arguments may be, and how its name shows them."""

from goodinit import errors
from goodinit.errors import ArgumentError, bad_argument
from goodinit.initializers import gains


def positive(argument: str, value: object) -> float:
    """Return a number above 0."""
    return errors.number(argument, value, "a number above 0", lambda number: number > 0)


def finite(argument: str, value: object) -> float:
    """Return a finite number."""
    return errors.number(argument, value, "a finite number")


def choice(argument: str, value: object, choices: tuple[str, ...]) -> str:
    """Return one of the words."""
    if not isinstance(value, str) or value not in choices:
        raise bad_argument(argument, value, f"one of {', '.join(choices)}")
    return value


def gain(value: object) -> float:
    """Return a gain, given as a number or by the activation that wants it.

    Examples
    --------
    >>> gain(2), round(gain("relu"), 4)
    (2.0, 1.4142)
    """
    if not isinstance(value, str):
        takes = "a number above 0, or the name of an activation"
        return errors.number("gain", value, takes, lambda number: number > 0)
    try:
        return gains.gain(value)
    except ArgumentError as error:
        raise ArgumentError(f"gain: {error}") from None


def show(value: object) -> str:
    """Return the value as a spec writes it, a number with every digit."""
    if isinstance(value, str):
        return value if value.isidentifier() else repr(value)
    return repr(value).removesuffix(".0")


def called(name: str, **arguments: object) -> str:
    """Return how a spec writes a scheme; arguments that are None aren't shown.

    Examples
    --------
    >>> called("normal", std=10.0, mean=None), called("zeros")
    ('normal(std=10)', 'zeros')
    """
    shown = [f"{key}={show(value)}" for key, value in arguments.items() if value is not None]
    return f"{name}({', '.join(shown)})" if shown else name
