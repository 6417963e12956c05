"""What several splits of the data make of evidence: the split is counted, and not the seed."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd

from goodinit.evidence.statistics import (
    Values,
    corrected_t_p,
    equivalence_p,
    probability_of_less,
    signed_rank_p,
)
from goodinit.study.trials import AnyStudy


@dataclass(frozen=True)
class Counting:
    """What is counted as one observation.

    Attributes
    ----------
    splits : int
        Seed s is of split s mod as many; with 1 each seed counts.
    test_share : float
        Of the examples, in each test part, where the splits divide the same ones: two splits then
        share about that part of their test examples, and the rest of their training examples. 0
        where each split is drawn afresh.
    """

    splits: int = 1
    test_share: float = 0.0

    @property
    def what(self) -> str:
        """What is counted."""
        return "seed" if self.splits == 1 else "split"

    def counted(self, number: int) -> str:
        """Return so many of what is counted.

        Examples
        --------
        >>> Counting().counted(20), Counting(10).counted(1)
        ('20 seeds', '1 split')
        """
        return f"{number:,} {self.what}{'' if number == 1 else 's'}"

    def rows(self, by_seed: pd.DataFrame, average: str) -> pd.DataFrame:
        """Return a row for each that counts, of a table with a row per seed.

        Parameters
        ----------
        by_seed : DataFrame
            Whose index are the seeds.
        average : {"mean", "median"}
            What is taken of the seeds of a split.

        Examples
        --------
        >>> table = pd.DataFrame({"he": [0.9, 0.7, 0.5, 0.9]}, index=[0, 1, 2, 3])
        >>> Counting(2).rows(table, "mean")["he"].round(3).tolist()
        [0.7, 0.8]
        """
        if self.splits == 1:
            return by_seed
        return by_seed.groupby(by_seed.index.to_numpy() % self.splits).agg(average)

    def shared(self, outcome: str) -> float:
        """Return what part of the examples that an outcome is measured on two splits share."""
        return self.test_share if outcome.startswith("test") else 1 - self.test_share

    def test(self, differences: Values, outcome: str) -> float:
        """Return the p-value of the signed-rank test, or of a corrected t-test if that is larger.

        The latter where splits overlap: then neither a far-off split nor the overlap decides.
        """
        p = signed_rank_p(differences)
        if not self.test_share:
            return p
        return max(p, corrected_t_p(differences, self.shared(outcome)))

    def equivalence(self, differences: Values, margin: float, outcome: str) -> float:
        """Return the p-value of two one-sided such tests that they lie within a margin."""
        p = equivalence_p(differences, margin)
        if not self.test_share:
            return p
        above = corrected_t_p(differences + margin, self.shared(outcome), "greater")
        below = corrected_t_p(differences - margin, self.shared(outcome), "less")
        return max(p, above, below)

    def odds(self, a: Values, b: Values, seeds: Values, least: float) -> float:
        """Return the probability that a run of a ends below one of b on the same split.

        Parameters
        ----------
        a, b : array, shape (seeds,)
        seeds : array of int, shape (seeds,)
        least : float
            What differs by no more is a tie, which counts half.
        """
        if self.splits == 1:
            return probability_of_less(a, b, least)
        split = seeds % self.splits
        own = [split == one for one in np.unique(split)]
        return float(np.mean([probability_of_less(a[of], b[of], least) for of in own]))


SEEDS = Counting()


def counting(study: AnyStudy) -> Counting:
    """Return what is counted in a study."""
    return Counting(study.splits, study.test_share)


def scope(study: AnyStudy, *, tested: bool) -> tuple[str, ...]:
    """Say whether a study speaks of one split of its data, or of such data.

    Parameters
    ----------
    study : Study
    tested : bool
        Whether there is a test part; if not, nothing is said.
    """
    if not tested:
        return ()
    if study.splits == 1:
        return (
            "All seeds share one split of the data into train and test: what another split would "
            "give isn't known (`splits`, or --splits 10, tells).",
        )
    seeds = Counter(seed % study.splits for seed in study.seeds)
    fewest, most = min(seeds.values()), max(seeds.values())
    number = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    each = f", with {number} seeds on each," if most > 1 else ""
    if counting(study).test_share:
        return (
            f"All of this is over {len(seeds)} splits of the same examples{each} and speaks of "
            "such data, not of one split. The splits overlap, for which the tests are corrected.",
        )
    return (
        f"All of this is over {len(seeds)} draws of the data{each} and speaks of such data, not of "
        "one draw.",
    )
