"""The geometric median of means: clients are averaged in batches, and the batches' means are compared."""

from typing import Any, ClassVar, Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from fedprop.aggregators.base import Aggregation, Aggregator
from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import MixedRows, mix
from fedprop.aggregators.contract import Contract, Kappa, Region
from fedprop.aggregators.geometric_median import GeometricMedian
from fedprop.types import Updates, Vector

MEDIAN = GeometricMedian()


class GeometricMedianOfMeans(Aggregator):
    """The geometric median of the means of `k` batches of neighbouring rows.

    The batches are as equal as can be, and the first of them take what is left over. A Byzantine row spoils one batch,
    so f < k / 2 of them leave a majority of batches that are means of honest rows; the paper takes k >= 2 (1 + eps) f.
    Means of b rows scatter less than rows, by b in variance, which makes the median of few good batches more exact than
    that of many single rows. Attackers who stand together spoil fewer batches than others do, so the order counts.

    With k = n it is the geometric median, with k = 1 the mean. Needs n >= k. Costs k^2 d, beside one pass.

    Attributes
    ----------
    k : how many batches there are.

    Source: Chen, Su and Xu, "Distributed Statistical Machine Learning in Adversarial Settings: Byzantine Gradient
    Descent", 2017, Algorithm 2 and Lemma 1. What a batch is where k does not divide n is left open there; the
    coefficient in the contract is derived in specs/test_geometric_median_of_means.py.

    >>> GeometricMedianOfMeans(k=3)(torch.tensor([[0.0], [2.0], [1.0], [1.0], [3.0], [1e9]]))
    tensor([1.])
    """

    reads_columns: ClassVar[bool] = True
    looks_at: ClassVar[str] = "inner products"
    cost: ClassVar[str] = "n d + k^2 d"

    kind: Literal["geometric_median_of_means"] = "geometric_median_of_means"
    k: PositiveInt = 3

    @classmethod
    def examples(cls) -> tuple["GeometricMedianOfMeans", ...]:
        return (cls(), cls(k=1), cls(k=5))

    @property
    def min_rows(self) -> int:
        return self.k

    def requirement(self) -> str:
        return f"n >= k = {self.k}"

    def contract(self) -> Contract:
        own = MEDIAN.contract()
        return Contract(
            translation=True,
            scaling=True,
            orthogonal=True,
            idempotent=True,
            examples="ignored",
            linear=True,
            lies_in=Region.HULL,
            tolerates=lambda n: range((self.k + 1) // 2) if n >= self.k else range(0),
            kappa=Kappa(self._kappa, "specs/test_geometric_median_of_means.py"),
            regret=self._regret,
            precision=own.precision,
        )

    def combine(self, cohort: Cohort, state: Any) -> Aggregation:
        rows = cohort.updates
        batches = self._batches(len(rows), rows.device)
        if self.k == 1:
            # The median of one mean is that mean: a look at it would hold a row in double precision, and no more.
            return Aggregation(mix(batches, rows)[0], batches[0].to(rows.dtype), state)
        of_batches = MEDIAN.answer(Cohort(MixedRows(batches, rows)), None)
        weights = of_batches.weights.double() @ batches
        return Aggregation(of_batches.value, weights.to(rows.dtype), state)

    def _batches(self, n: int, device: torch.device) -> Tensor:
        """The share of each row in each batch, [k, n]."""
        each, over = divmod(n, self.k)
        sizes = torch.tensor([each + (batch < over) for batch in range(self.k)])
        member = torch.zeros(self.k, n, dtype=torch.float64)
        member[torch.arange(self.k).repeat_interleave(sizes), torch.arange(n)] = 1
        return (member / sizes[:, None]).to(device)

    def _kappa(self, n: int, f: int) -> float:
        return 4 * (self.k - f) * (n - f) / (n // self.k * (self.k - 2 * f) ** 2)

    def _regret(self, updates: Updates, z: Vector) -> float:
        regret = MEDIAN.contract().regret
        assert regret is not None
        return regret(mix(self._batches(len(updates), updates.device), updates.double()), z)
