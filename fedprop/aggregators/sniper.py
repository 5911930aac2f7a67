"""Sniper: the largest set of models that are all near each other."""

import math
from typing import ClassVar, Literal

import torch
from torch import Tensor

from fedprop.aggregators.chosen import equal_weights
from fedprop.aggregators.cliques import largest_cliques, least_reach
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, Kappa, Region, minority
from fedprop.aggregators.gram import FramedRule, Judged
from fedprop.aggregators.krum import TIE
from fedprop.aggregators.nudges import nudged
from fedprop.aggregators.order_statistics import any_subset_unattacked
from fedprop.aggregators.subsets import SAME
from fedprop.aggregators.views import Seen, seen, squared_distances
from fedprop.types import Gram, NonNegative, Positive, Updates

MANY = 1e15
"""More steps than this make a radius that is the least one but for rounding."""


class Sniper(FramedRule):
    """The mean of a largest set of rows of which no two are farther apart than a radius.

    The radius is the least one at which such a set, a maximum clique in the graph of near rows, has more than half of
    the rows. It needs no f: any minority is tolerated. Of several sets that with the least diameter is taken, of these
    that with the least sum of distances, and of these the first in lexicographic order. Distances within 1e-9 of each
    other are equal.

    The paper raises the radius step by step until the set is large enough, `radii`; without them it is the limit of
    every such schedule, which has no unit. It compares models, whose distances are those of updates if all started
    from the same one. Each row counts the same, whatever is claimed.

    To find such a set may take exponential time; it takes a fraction of a second for 100 rows as they come, but
    whoever arranges many of them can make it long, and a search of more than 100,000 steps is refused.

    Attributes
    ----------
    radii : the first radius and by how much it is raised, both in the unit of the rows; None for the least one.

    Raises
    ------
    InvalidUpdates
        If the search takes too long.

    Source: Cao, Chang, Lin, Liu and Sun, "Understanding Distributed Poisoning Attack in Federated Learning", ICPADS
    2019, reconstructed from its abstract, Shi et al. 2022 and an independent implementation, which starts at 0.2, adds
    0.05, and ends at a fixed number of rows. The coefficient in the contract is derived in `specs/test_sniper.py`.

    >>> import torch
    >>> Sniper()(torch.tensor([[0.0], [1.0], [2.0], [-50.0]]))
    tensor([1.])
    """

    cost: ClassVar[str] = "n^2 d, and a search"

    kind: Literal["sniper"] = "sniper"
    radii: tuple[NonNegative, Positive] | None = None

    @classmethod
    def examples(cls) -> tuple["Sniper", ...]:
        return cls(), cls(radii=(1.0, 0.5))

    def contract(self) -> Contract:
        least = self.radii is None
        return Contract(
            permutation=True,
            translation=True,
            scaling=least,
            orthogonal=True,
            idempotent=True,
            examples="ignored",
            linear=True,
            lies_in=Region.HULL,
            tolerates=minority,
            kappa=Kappa(sniper_kappa, "specs/test_sniper.py") if least else None,
            unattacked=lambda n: any_subset_unattacked(n, n - _majority(n)),
            ambiguous=self._tied,
        )

    def judge(self, view: Seen, cohort: Cohort, state: None) -> Judged:
        return Judged(equal_weights(self._kept(squared_distances(view.gram).sqrt(), view)))

    def _kept(self, distances: Gram, view: Seen) -> Tensor:
        """Who [n] is in the set that is kept."""
        most = _majority(len(distances))
        least = least_reach(distances, most, TIE)
        cliques = largest_cliques(distances, self._radius(least, view) * (1 + TIE), most)
        if len(cliques) == 1:
            return cliques[0]
        within = torch.where(cliques[:, :, None] & cliques[:, None, :], distances, 0)
        widths, sums = within.amax(dim=(1, 2)), within.sum(dim=(1, 2))
        sums = sums.where(widths <= widths.min() * (1 + TIE), torch.inf)
        return cliques[int((sums <= sums.min() * (1 + TIE)).nonzero()[0])]

    def _radius(self, least: float, view: Seen) -> float:
        """The first radius of the schedule at which there is a set large enough, as there is from `least` on."""
        if self.radii is None:
            return least
        start, step = map(view.length, self.radii)
        raised = math.ceil(min(MANY, max(0.0, (least - start) / step * (1 - TIE))))
        return max(least, start + raised * step)

    def _tied(self, updates: Updates) -> bool:
        """Whether a set with another mean is kept if distances change by next to nothing."""
        view = seen(updates)
        distances = squared_distances(view.gram).sqrt()
        weights = equal_weights(self._kept(distances, view))
        for moved in nudged(distances, updates):
            away = equal_weights(self._kept(moved, view)) - weights
            if float(away @ view.gram @ away) > SAME * float(view.gram.diagonal().max()):
                return True
        return False


def _majority(n: int) -> int:
    """The least number that is more than half of n."""
    return n // 2 + 1


def sniper_kappa(n: int, f: int) -> float:
    """(f / h sqrt(2 (n - f)) + sqrt(g / (n - f - g)))^2, with h = floor(n / 2) + 1 and g = n - h."""
    most = _majority(n)
    rest = n - most
    return float((f / most * (2 * (n - f)) ** 0.5 + (rest / (n - f - rest)) ** 0.5) ** 2)
