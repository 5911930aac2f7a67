"""Phocas: the coordinate-wise mean around the trimmed mean."""

from typing import ClassVar, Literal

from jaxtyping import Float
from torch import Tensor

from fedprop.aggregators.columns import Rows
from fedprop.aggregators.contract import Contract, Kappa, Region, exactly, never
from fedprop.aggregators.coordinate import CoordinateRule, Ordered, Shares, mean_near
from fedprop.aggregators.majority import NeedsMajority
from fedprop.aggregators.mean_around_median import regret_around, shares_around
from fedprop.aggregators.order_statistics import any_subset_unattacked, around_kappa, trimmed_mean_kappa
from fedprop.types import Vector


class Phocas(NeedsMajority, CoordinateRule):
    """In each coordinate, the mean of the n - f values that lie nearest to the f-trimmed mean.

    Needs n >= 2f + 1. Of two values equally far from the trimmed mean the smaller one counts as nearer; with f = 0 it
    is the mean. Byzantine values near the trimmed mean are averaged like any other, so the answer lies between the
    smallest and the largest of all values, not of the honest ones. It sorts each column: O(n log n) for each of d.

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.

    Source: Xie, Koyejo and Gupta, "Phocas: dimensional Byzantine-resilient stochastic gradient descent", 2018; the
    coefficient in the contract is derived in `order_statistics.around_kappa`.

    >>> import torch
    >>> Phocas(f=1)(torch.tensor([[1.0], [2.0], [6.0], [1e9]]))
    tensor([3.])
    """

    sees_not_finite: ClassVar[bool] = True

    kind: Literal["phocas"] = "phocas"

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            translation=True,
            scaling=True,
            idempotent=True,
            separable=True,
            examples="ignored",
            lies_in=Region.BOX,
            tolerates=exactly(self.f, self.min_rows),
            kappa=Kappa(lambda n, f: around_kappa(trimmed_mean_kappa(n, f), n, f), "specs/test_phocas.py"),
            unattacked=lambda n: any_subset_unattacked(n, self.f),
            regret=lambda rows, z: regret_around(self._centre, rows.double(), len(rows) - self.f, z.double()),
            ambiguous=never,
        )

    def shares(self, ordered: Ordered) -> Shares:
        return shares_around(ordered, self._centre(ordered), ordered.shape[1] - self.f)

    def value(self, updates: Rows) -> Vector:
        n = len(updates)
        return mean_near(updates, range(self.f, n - self.f), n - self.f, self.shares, self)

    def _centre(self, ordered: Ordered) -> Float[Tensor, "c 1"]:
        """The trimmed mean of each line, in float64; divided before it is summed, since the sum may overflow."""
        used = ordered[:, self.f : ordered.shape[1] - self.f].double()
        return (used / used.shape[1]).sum(dim=1, keepdim=True)
