"""CGE: the longest rows go."""

from typing import ClassVar, Literal

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import Rows
from fedprop.aggregators.contract import Contract, Region, exactly
from fedprop.aggregators.majority import NeedsMajority
from fedprop.aggregators.nearest_rows import NearestRows
from fedprop.aggregators.order_statistics import any_subset_unattacked


class CGE(NeedsMajority, NearestRows):
    """The mean of the n - f shortest rows: comparative gradient elimination.

    Of rows of equal length those with the smallest indices are kept. Byzantine rows of ordinary length are averaged
    whatever their direction: the answer is no longer than honest rows are on average (`specs/test_nearest_rows.py`),
    and may still point away from them. So nothing is claimed of its distance from their mean, and it does not follow a
    shift.
    Needs n >= 2f + 1. One pass for the lengths and one for the mean: O(n d).

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.

    Source: Gupta, Liu and Vaidya, "Byzantine Fault-Tolerant Distributed Machine Learning Using Stochastic Gradient
    Descent (SGD) and Norm-Based Comparative Gradient Elimination (CGE)", DSN-W 2021; reconstructed: the mean, where
    the paper's server may also take the sum.

    >>> import torch
    >>> CGE(f=1)(torch.tensor([[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]]))
    tensor([0.5000, 0.5000])
    """

    looks_at: ClassVar[str] = "lengths"

    kind: Literal["cge"] = "cge"

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            scaling=True,
            orthogonal=True,
            idempotent=True,
            examples="ignored",
            linear=True,
            lies_in=Region.HULL,
            tolerates=exactly(self.f, self.min_rows),
            unattacked=lambda n: any_subset_unattacked(n, self.f),
            ambiguous=self.tied,
        )

    def seen(self, cohort: Cohort) -> Rows:
        return cohort.updates

    def keep(self, n: int) -> int:
        return n - self.f
