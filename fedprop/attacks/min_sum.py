"""Min-Sum: no farther from all honest rows together than some honest row is."""

from collections.abc import Callable
from typing import Literal, Self

from torch import Tensor

from fedprop.attacks.base import Constraint
from fedprop.attacks.constraints import within_benign_scatter
from fedprop.attacks.pushed_mean import PushedMean
from fedprop.attacks.rows import square_distances
from fedprop.attacks.view import View
from fedprop.types import Updates


class MinSum(PushedMean):
    """The Min-Sum attack: the crafted row's squared distances to the honest rows add up to at most an honest row's sum.

    The largest of those sums is the bound, as the paper states it; its code takes the smallest.

    Source: Shejwalkar and Houmansadr, NDSS 2021, section IV-C, "Min-Sum"; `PushedMean` tells how the strength is found.
    """

    kind: Literal["min_sum"] = "min_sum"

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(knowledge="full", push="unit"))

    def allows(self, view: View, rows: Updates) -> Callable[[Tensor], bool]:
        """Within the honest scatter."""
        limit = square_distances(rows, rows).sum(dim=1).max()
        return lambda row: bool(square_distances(row.double()[None], rows).sum() <= limit)

    def constraints(self) -> tuple[Constraint, ...]:
        """Within the honest scatter."""
        return (within_benign_scatter(),)
