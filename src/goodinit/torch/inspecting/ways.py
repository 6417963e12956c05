"""Which calls a signal must pass on its way to the outputs, and what leads around them.

The calls make a graph from the inputs to the outputs, never cut by a normalisation. In it a call
*must be passed* by another where every way from there to an output goes through it (the other's
post-dominators, in the language of compilers).
"""

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import and_

Nodes = int  # a set of inputs and calls: a bit for each, inputs first


class Ways:
    """The graph of a module's calls.

    Parameters
    ----------
    before : sequence of int
        For each call, in forward order, what feeds it: a bit for each input and call.
    inputs : int
        How many inputs there are; the bit of call i is ``1 << inputs + i``.
    outputs : int
        What feeds the outputs.

    Examples
    --------
    A call, a branch of two calls that starts from it, and the sum of both:

    >>> ways = Ways([0b1, 0b10, 0b100, 0b1010], 1, 0b10000)
    >>> ways.passes(0, 1), ways.passes(0, 3)
    (False, True)
    >>> ways.unavoidable([0, 1, 2, 3])
    [0, 3]
    """

    def __init__(self, before: Sequence[Nodes], inputs: int, outputs: Nodes) -> None:
        self._before, self._inputs = before, inputs
        count = inputs + len(before)
        after: list[list[int]] = [[] for _ in range(count)]
        for i, nodes in enumerate(before):
            for node in _members(nodes):
                after[node].append(inputs + i)
        self._passed: list[Nodes] = [0] * count  # 0 for those that no output comes from
        for node in reversed(range(count)):
            later = [self._passed[one] for one in after[node] if self._passed[one]]
            says = bool(outputs >> node & 1)
            if later or says:
                self._passed[node] = 1 << node | (0 if says else reduce(and_, later))

    def passes(self, call: int, later: int) -> bool:
        """Return whether all that comes of a call goes through a later one."""
        return bool(self._passed[self._inputs + call] >> self._inputs + later & 1)

    def unavoidable(self, chain: Sequence[int]) -> list[int]:
        """Return those of a chain's calls around which nothing leads, from before the chain on."""
        own = self._passed[self._inputs + chain[0]]
        common = reduce(and_, filter(None, self._of_feeders(chain[0])), own)
        return [call for call in chain if common >> self._inputs + call & 1]

    def _of_feeders(self, call: int) -> list[Nodes]:
        return [self._passed[node] for node in _members(self._before[call])]


def _members(nodes: Nodes) -> Iterator[int]:
    while nodes:
        lowest = nodes & -nodes
        yield lowest.bit_length() - 1
        nodes ^= lowest
