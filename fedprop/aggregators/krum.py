"""Krum and Multi-Krum."""

import math
from typing import Literal

import torch
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor

from fedprop.aggregators.base import EXAMPLE_F
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, Kappa, Region, exactly, never
from fedprop.aggregators.gram import GramRule
from fedprop.aggregators.views import centred_gram, squared_distances
from fedprop.types import Gram, Updates, Vector, Weights

TIE = 1e-9
"""Scores this close, relatively, count as equal when a contract says whether a choice is clear."""


def krum_scores(distances: Gram, neighbours: int) -> Weights:
    """For each row, the sum of its squared distances to its nearest `neighbours` other rows."""
    # Itself is among the nearest, at 0, and adds nothing where another row is as near.
    return distances.sort(dim=1).values[:, 1 : neighbours + 1].sum(dim=1)


class Krum(GramRule):
    """The row whose nearest neighbours are closest; with `m` > 1, Multi-Krum: the mean of the `m` best such rows.

    A row's score is the sum of its *squared* distances to its n - f - 2 nearest other rows. All scores are computed
    once; of equal scores, that of the row with the smallest index counts as the better one, as in the paper.

    Needs n >= 2f + 3 and m <= n - f. The paper allows any m <= n (m = n is the mean); beyond n - f the average is
    certain to include rows that may be Byzantine whatever their score, and `specs/test_krum_tolerance.py` proves
    a bound for every m up to n - f.

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.
    m : how many of the best rows are averaged; 1 for Krum, more for Multi-Krum.

    Source: Blanchard et al., NeurIPS 2017, Section 4; Multi-Krum is defined in the same paper.

    >>> import torch
    >>> Krum(f=1)(torch.tensor([[1.0], [2.0], [4.0], [9.0], [-50.0]]))
    tensor([2.])
    """

    kind: Literal["krum"] = "krum"
    f: NonNegativeInt
    m: PositiveInt = 1

    @classmethod
    def examples(cls) -> tuple["Krum", ...]:
        return (*(cls(f=f) for f in EXAMPLE_F), cls(f=1, m=3), cls(f=2, m=3))

    @property
    def min_rows(self) -> int:
        return max(2 * self.f + 3, self.f + self.m)

    def requirement(self) -> str:
        return "n >= 2f + 3" if self.m <= self.f + 3 else "m <= n - f"

    def too_few(self, n: int) -> str:
        if n < 2 * self.f + 3:
            return f"`f` must satisfy n >= 2f + 3 for Krum; found n={n}, f={self.f}"
        return f"`m` must satisfy m <= n - f for Krum; found n={n}, f={self.f}, m={self.m}"

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            translation=True,
            scaling=True,
            orthogonal=True,
            idempotent=True,
            examples="ignored",
            linear=True,
            lies_in=Region.ROW if self.m == 1 else Region.HULL,
            tolerates=exactly(self.f, self.min_rows),
            kappa=Kappa(krum_kappa, "specs/test_krum_tolerance.py"),
            regret=self._regret if self.m == 1 else None,
            ambiguous=never if self.m == 1 else self._tied,
        )

    def weigh(self, gram: Gram, cohort: Cohort) -> Weights:
        best = self._scores(gram).argsort(stable=True)[: self.m]
        weights = torch.zeros(len(gram), dtype=torch.float64, device=gram.device)
        return weights.index_fill_(0, best, 1 / self.m)

    def _scores(self, gram: Gram) -> Weights:
        return krum_scores(squared_distances(gram), len(gram) - self.f - 2)

    def _regret(self, updates: Updates, row: Vector) -> float:
        """By how much, relatively, the score of the row nearest to `row` exceeds the best score."""
        scores = self._scores(centred_gram(updates))
        found, best = float(scores[torch.linalg.vector_norm(updates - row, dim=1).argmin()]), float(scores.min())
        return 0.0 if found == best else (found - best) / best if best > 0 else math.inf

    def _tied(self, updates: Updates) -> bool:
        scores: Tensor = self._scores(centred_gram(updates)).sort().values
        return self.m < len(scores) and bool(scores[self.m] <= scores[self.m - 1] * (1 + TIE))


def krum_kappa(n: int, f: int) -> float:
    """(n - f) / (n - 2f - 1) * (1 + sqrt(2 (n - f - 2) / (n - f - 1)))^2, for Krum with n - f - 2 neighbours."""
    spread = 2 * (n - f - 2) / (n - f - 1)
    return float((n - f) / (n - 2 * f - 1) * (1 + spread**0.5) ** 2)
