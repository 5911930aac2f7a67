"""The coordinate-wise mean around the median."""

from collections.abc import Callable
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from fedprop.aggregators.columns import Rows
from fedprop.aggregators.contract import Contract, Region, exactly, never
from fedprop.aggregators.coordinate import CoordinateRule, Ordered, Shares, mean_near
from fedprop.aggregators.majority import NeedsMajority
from fedprop.aggregators.order_statistics import median_places
from fedprop.types import Updates, Vector

TIE = 1e-9
"""Distances from the median that differ by less than this share may come out in either order."""


class MeanAroundMedian(NeedsMajority, CoordinateRule):
    """In each coordinate, the mean of the n - f values that lie nearest to the median.

    For an even n the median is the mean of the two middle values. Of two values equally far from it the smaller one
    counts as nearer. Needs n >= 2f + 1. Byzantine values that stay close to the median are averaged like any other, so
    the answer need not lie within the honest values.

    Attributes
    ----------
    f : how many Byzantine rows it is set to tolerate.

    Source: Xie, Koyejo and Gupta, "Generalized Byzantine-tolerant SGD", 2018 (mean around median, beta = n - f).

    >>> import torch
    >>> MeanAroundMedian(f=1)(torch.tensor([[1.0], [2.0], [6.0], [1e9]]))
    tensor([3.])
    """

    sees_not_finite: ClassVar[bool] = True

    kind: Literal["mean_around_median"] = "mean_around_median"

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
            regret=lambda rows, z: regret_around_median(rows.double(), len(rows) - self.f, z.double()),
            ambiguous=never,
        )

    def shares(self, ordered: Ordered) -> Shares:
        return shares_around_median(ordered, ordered.shape[1] - self.f)

    def value(self, updates: Rows) -> Vector:
        n = len(updates)
        return mean_near(updates, median_places(n), n - self.f, self.shares, self)


def shares_around_median(ordered: Ordered, keep: int) -> Shares:
    """Equal shares for the `keep` of n ordered values that lie nearest to their median, the smaller of two as near."""
    return shares_around(ordered, median_of_lines(ordered), keep)


def shares_around(ordered: Ordered, middle: Float[Tensor, "c 1"], keep: int) -> Shares:
    """Equal shares for the `keep` of n ordered values that lie nearest to a `middle`, the smaller of two as near.

    They are neighbours in the order. From the `keep` smallest on, the smallest of them gives way to the next larger
    value as long as that is nearer.
    """
    n = ordered.shape[1]
    below, above = middle - ordered[:, : n - keep], ordered[:, keep:] - middle
    first = (above < below).sum(dim=1)
    windows = torch.ones(n - keep + 1, n, dtype=torch.float64, device=ordered.device).triu().tril(keep - 1) / keep
    return windows[first]


def regret_around_median(rows: Updates, keep: int, z: Vector) -> float:
    """How far `z` [d] is, in spreads, from a mean of the `keep` values nearest to the median; ties go either way."""
    return regret_around(median_of_lines, rows, keep, z)


def regret_around(middle: Callable[[Ordered], Float[Tensor, "c 1"]], rows: Updates, keep: int, z: Vector) -> float:
    """As `regret_around_median`, for the `middle` that a function makes of the ordered values."""
    ordered = rows.sort(dim=0).values.T
    windows = ordered.unfold(1, keep, 1)
    reach = (windows - middle(ordered)[:, :, None]).abs().amax(dim=2)
    nearest = reach <= reach.amin(dim=1, keepdim=True) * (1 + TIE)
    away = (windows.mean(dim=2) - z[:, None]).abs().where(nearest, torch.inf).amin(dim=1)
    spread = float((ordered[:, -1] - ordered[:, 0]).max()) or 1.0
    return float(away.max()) / spread


def median_of_lines(ordered: Ordered) -> Float[Tensor, "c 1"]:
    """The median of each line, in float64."""
    n = ordered.shape[1]
    return 0.5 * ordered[:, (n - 1) // 2, None].double() + 0.5 * ordered[:, n // 2, None].double()
