"""Bulyan over Krum."""

from typing import Any, ClassVar, Literal

import torch
from pydantic import NonNegativeInt
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Rows, take
from fedprop.aggregators.contract import Contract, Region, exactly, never
from fedprop.aggregators.coordinate import Ordered, Shares, mean_near, row_weights
from fedprop.aggregators.mean_around_median import regret_around_median, shares_around_median
from fedprop.aggregators.order_statistics import median_places
from fedprop.aggregators.repeated_krum import all_picks, picked
from fedprop.aggregators.views import centred_gram
from fedprop.types import Updates, Vector


class Bulyan(Aggregator):
    """Theta = n - 2f rows selected by Krum; in each coordinate, the mean of their theta - 2f values nearest the median.

    *Selection.* Krum picks one row; it is removed, and Krum runs again on the rest, theta times. While r rows remain
    a score sums the squared distances to r - f - 2 nearest neighbours *among the rest*, n - f - 2 for the first pick
    and f - 1 for the last. Below Krum's own minimum of 2f + 3 rows (the last two picks) this is still the same
    formula, and it is held at 1 neighbour where it would fall below that. The last pick may well be one of f attackers
    who agree among themselves; the averaging copes with them.

    *Averaging.* For an even theta the median is the mean of the two middle values. Of two values equally far from the
    median the smaller one counts as nearer.

    Needs n >= 4f + 3. For f = 1 and f = 2 a late pick scores by a single neighbour, and two mutual neighbours then
    always tie. The paper takes any of them. Here it is the one that scored better among all rows, so that it does not
    matter who comes first; the contract accepts either. If these scores are equal too, the smallest index goes first.

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.

    Source: El Mhamdi et al., ICML 2018, "The Hidden Vulnerability of Distributed Learning in Byzantium", Section 4.

    >>> import torch
    >>> Bulyan(f=1)(torch.tensor([[1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [1e9]]))
    tensor([3.])
    """

    reads_columns: ClassVar[bool] = True
    sees_not_finite: ClassVar[bool] = True
    looks_at: ClassVar[str] = "inner products and coordinates"
    cost: ClassVar[str] = "n^2 d + n^2.5"

    kind: Literal["bulyan"] = "bulyan"
    f: NonNegativeInt

    @property
    def min_rows(self) -> int:
        return 4 * self.f + 3

    def requirement(self) -> str:
        return "n >= 4f + 3"

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            translation=True,
            scaling=True,
            idempotent=True,
            examples="ignored",
            lies_in=Region.BOX,
            tolerates=exactly(self.f, self.min_rows),
            regret=self._regret,
            ambiguous=never,
        )

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        selected = self._selected(cohort.updates)
        rows = take(cohort.updates, selected)
        value = self._averaged(rows)
        weights = torch.zeros(len(cohort.updates), dtype=value.dtype, device=value.device)
        weights[selected] = row_weights(rows, self.shares).to(value.dtype)
        return Aggregation(value, weights, state)

    def value(self, updates: Rows) -> Vector:
        return self._averaged(take(updates, self._selected(updates)))

    def shares(self, ordered: Ordered) -> Shares:
        """Equal shares for the theta - 2f of theta ordered values that lie nearest to their median."""
        return shares_around_median(ordered, ordered.shape[1] - 2 * self.f)

    def _averaged(self, rows: Rows) -> Vector:
        return mean_near(rows, median_places(len(rows)), len(rows) - 2 * self.f, self.shares)

    def _selected(self, updates: Rows) -> Tensor:
        """The selected rows, in ascending order."""
        return picked(centred_gram(updates, self), self.f, len(updates) - 2 * self.f)

    def _regret(self, updates: Updates, z: Vector) -> float:
        """How far z is, in spreads, from the nearest answer that some order of the rows gives; 0 if orders abound."""
        rows = updates.double()
        selections = all_picks(centred_gram(rows), self.f, len(rows) - 2 * self.f)
        if selections is None:
            return 0.0
        keep = len(rows) - 4 * self.f
        return min(regret_around_median(rows[list(chosen)], keep, z.double()) for chosen in selections)
