"""What one pass through a module has shown, and a finding about it."""

from dataclasses import dataclass, field
from functools import cached_property

from goodinit.evidence.causes import CAUSES, Numbers
from goodinit.torch.inspecting.carrying import Carried
from goodinit.torch.inspecting.measuring import Call
from goodinit.torch.inspecting.ways import Ways

WHOLE = "(module)"  # a layer that is the module itself, which has no name


@dataclass(frozen=True)
class Finding:
    """What is wrong with a layer, or worth knowing of it.

    Attributes
    ----------
    layer : str
        As ``named_modules`` names it; of a fault of the depth, where that begins.
    label : str
        One of those of ``goodinit.evidence.verdict``, or of what else ``inspect`` looks at.
    reason : str
        A sentence made of the numbers that decided.
    evidence : dict of str to float
        Those numbers.
    cure : str or None
        A line of code that has been found to mend it, of ``model`` and ``inputs`` as they were
        inspected. For people to read: nothing runs it.
    remark : str
        Why there is no cure, or what is not known of it.
    fault : bool
        Whether training will suffer; otherwise it is but worth knowing.
    """

    layer: str
    label: str
    reason: str
    evidence: Numbers = field(default_factory=dict)
    cure: str | None = None
    remark: str = ""
    fault: bool = True


@dataclass(frozen=True)
class Passage:
    """What one pass through a module has shown.

    Attributes
    ----------
    calls : list of Call
    ends : list of int
        Sets of calls, as bits: those on every way to where a chain ends.
    every_exit, some_exit : int
        The calls on every way to an output, and on some way.
    ratio : float
        How large the first cost is, in costs of guessing; without targets, how large the outputs.
    costed : bool
        Whether it is the cost.
    exits : int
        What feeds the outputs, as ``Ways`` has it.
    inputs : int
        How many inputs the module was given.
    begun : tuple of Finding
        What is wrong with inputs, targets, loss and the first cost.
    idle : tuple of Finding
        Of parameters that never get a gradient.
    woken : frozenset of str
        Layers without a gradient that have one once all others have moved.
    lags : tuple of Finding
        Of gradients that vanish or explode over the steps of a recurrence.
    otherwise : tuple of Finding
        What is said where nothing else is: it may be but a consequence.
    of_inputs : frozenset of (str, str)
        Layer and label of findings that are gone once the inputs are standardised.
    carried : Carried
        The stations that everything passes.
    """

    calls: list[Call]
    ends: list[int]
    every_exit: int
    some_exit: int
    ratio: float
    costed: bool
    exits: int = 0
    inputs: int = 0
    begun: tuple[Finding, ...] = ()
    idle: tuple[Finding, ...] = ()
    woken: frozenset[str] = frozenset()
    lags: tuple[Finding, ...] = ()
    otherwise: tuple[Finding, ...] = ()
    of_inputs: frozenset[tuple[str, str]] = frozenset()
    carried: Carried = field(default_factory=Carried)

    @cached_property
    def ways(self) -> Ways:
        """The graph of the calls."""
        return Ways([call.before for call in self.calls], self.inputs, self.exits)


def tell(layer: str, cause: str, numbers: Numbers, words: dict[str, str] | None = None) -> Finding:
    """Return the finding of a cause, told by its sentence."""
    told = CAUSES[cause].tell({**numbers, "layer": layer or WHOLE}, words or {})
    return Finding(layer, CAUSES[cause].label, told.strip(), numbers)
