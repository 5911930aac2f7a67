"""Multi-Krum that scores the rows anew after every pick."""

from typing import ClassVar, Literal

from pydantic import NonNegativeInt

from fedprop.aggregators.chosen import weights_of
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.contract import Contract, Region, exactly, never
from fedprop.aggregators.gram import GramRule
from fedprop.aggregators.repeated_krum import all_picks, picked
from fedprop.aggregators.views import centred_gram
from fedprop.types import Gram, Updates, Vector, Weights


class IterativeKrum(GramRule):
    """The mean of the n - 2f - 2 rows that Krum picks one by one, each time from the rows that are left.

    The variant of Multi-Krum that Shejwalkar and Houmansadr attack: while more than 2f + 2 rows remain, the best is
    taken out and the scores are worked out anew, over r - f - 2 neighbours among the r that remain. `Krum` with `m`
    scores once, as Blanchard et al. do; the two often average other rows. With f = 0 the last pick has one neighbour,
    and two mutual neighbours always tie: the one goes first that scored better among all rows, and of these the one
    with the smallest index; the contract accepts either. Needs n >= 2f + 3. One pass for the distances, O(n^2 d), and
    O(n^1.5) for each pick.

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.

    Source: Shejwalkar and Houmansadr, "Manipulating the Byzantine", NDSS 2021, Section III and the authors' code
    (`multi_krum` with `multi_k`); reconstructed.

    >>> import torch
    >>> IterativeKrum(f=1)(torch.tensor([[1.0], [2.0], [3.0], [2.5], [-50.0], [90.0]]))
    tensor([2.2500])
    """

    cost: ClassVar[str] = "n^2 d + n^2.5"

    kind: Literal["iterative_krum"] = "iterative_krum"
    f: NonNegativeInt

    @property
    def min_rows(self) -> int:
        return 2 * self.f + 3

    def requirement(self) -> str:
        return "n >= 2f + 3"

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            translation=True,
            scaling=True,
            orthogonal=True,
            idempotent=True,
            examples="ignored",
            linear=True,
            lies_in=Region.HULL,
            tolerates=exactly(self.f, self.min_rows),
            regret=self._regret,
            ambiguous=never,
        )

    def weigh(self, gram: Gram, cohort: Cohort) -> Weights:
        n = len(gram)
        return weights_of(picked(gram, self.f, n - 2 * self.f - 2), n)

    def _regret(self, updates: Updates, z: Vector) -> float:
        """How far z is, in spreads, from the nearest answer that some order of the rows gives; 0 if orders abound."""
        rows = updates.double()
        found = all_picks(centred_gram(rows), self.f, len(rows) - 2 * self.f - 2)
        if found is None:
            return 0.0
        return min(_away(rows[list(chosen)], z.double()) for chosen in found)


def _away(rows: Updates, z: Vector) -> float:
    """How far z is from the mean of the rows, in units of their spread; where they are equal, of the largest entry."""
    spread = float((rows.amax(dim=0) - rows.amin(dim=0)).max()) or float(rows.abs().max()) or 1.0
    return float((rows.mean(dim=0) - z).abs().max()) / spread
