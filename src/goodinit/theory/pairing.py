"""What the units of one layer have in common on two examples: four kernels of an activation.

Of what is straight on either side of 0, as ReLU and its kin, they are known in closed form (Cho and
Saul 2009); of the others from the values at the quadrature's nodes, which are made once.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from goodinit.theory.gaussian import Array, Moments, at_nodes, paired, squared_mean

_LEAST = 1e-200
_ROUGH = 1e-5  # of the largest term, for what only bands are made of


@dataclass(frozen=True, eq=False)
class Pairs:
    """Expectations over one unit, for each two of m examples.

    Attributes
    ----------
    moments : Moments
        Of the activation.
    q : array, shape (m,)
        Lengths of the pre-activations.
    c : array, shape (m, m)
        Their correlations.

    Examples
    --------
    >>> from goodinit import activations
    >>> from goodinit.theory.gaussian import moments
    >>> two = Pairs(moments(activations.read("relu")), np.ones(2), np.array([[1, 0.5], [0.5, 1]]))
    >>> two.values.round(6)
    array([[0.5     , 0.304499],
           [0.304499, 0.5     ]])
    """

    moments: Moments
    q: Array
    c: Array

    @cached_property
    def values(self) -> Array:
        """E[φ(zᵢ) φ(zⱼ)], shape (m, m)."""
        if self.moments.bend is None:
            found = paired(self._values, self.c)
            np.fill_diagonal(
                found, _ordinary(squared_mean(self._values), self.moments.square(self.q))
            )
            return found
        even, odd = self.moments.bend
        root = np.sqrt(self.q)
        return np.asarray(np.outer(root, root) * (odd**2 * self.c + even**2 * self._folded))

    @cached_property
    def slopes(self) -> Array:
        """E[φ'(zᵢ) φ'(zⱼ)]."""
        if self.moments.bend is None:
            found = paired(self._slopes, self.c, step=True)
            np.fill_diagonal(
                found, _ordinary(squared_mean(self._slopes), self.moments.slope(self.q))
            )
            return found
        even, odd = self.moments.bend
        return np.asarray(odd**2 + even**2 * self._arc)

    @cached_property
    def squares(self) -> Array:
        """E[φ(zᵢ)² φ(zⱼ)²], relative to the square of the examples' mean of E[φ²]."""
        if self.moments.bend is None:
            squares = self._values**2
            squares /= squared_mean(self._values).mean()
            found = paired(squares, self.c, to=_ROUGH)
            np.fill_diagonal(found, squared_mean(squares))
            return found
        even, odd = self._squared
        straight = 1 + 2 * self.c**2
        turned = straight * self._arc + 6 / np.pi * self.c * self._root
        q = self.q / self.q.mean() / even
        return np.asarray(np.outer(q, q) * (even**2 * straight + odd**2 * turned))

    @cached_property
    def squared_slopes(self) -> Array:
        """E[φ'(zᵢ)² φ'(zⱼ)²]."""
        if self.moments.bend is None:
            squares = self._slopes**2
            found = paired(squares, self.c, step=True, to=_ROUGH)
            np.fill_diagonal(found, squared_mean(squares))
            return found
        even, odd = self._squared
        return np.asarray(even**2 + odd**2 * self._arc)

    @property
    def _squared(self) -> tuple[float, float]:
        """Even and odd part of φ'²: φ² = (even + odd × sign z) z²."""
        even, odd = self.moments.bend or (0.0, 0.0)
        return even**2 + odd**2, 2 * even * odd

    @cached_property
    def _values(self) -> Array:
        return at_nodes(self.moments.activation.function, self.q)

    @cached_property
    def _slopes(self) -> Array:
        return at_nodes(self.moments.activation.slope, self.q)

    @cached_property
    def _arc(self) -> Array:
        """E[sign zᵢ sign zⱼ]."""
        return np.asarray(2 / np.pi * np.arcsin(self.c))

    @cached_property
    def _root(self) -> Array:
        return np.asarray(np.sqrt(1 - self.c**2))

    @cached_property
    def _folded(self) -> Array:
        """E[|zᵢ| |zⱼ|] at lengths 1."""
        return np.asarray(2 / np.pi * self._root + self.c * self._arc)


def _ordinary(exact: Array, table: Array) -> Array:
    """Return what is exact where squares keep their precision, else what the table goes on to."""
    return np.where((exact > _LEAST) & (exact < 1 / _LEAST), exact, table)
