"""Min-Max: no farther from any honest row than two honest rows are from each other."""

from collections.abc import Callable
from typing import Literal, Self

from torch import Tensor

from fedprop.attacks.base import Constraint
from fedprop.attacks.constraints import within_benign_diameter
from fedprop.attacks.pushed_mean import PushedMean
from fedprop.attacks.rows import square_distances
from fedprop.attacks.view import View
from fedprop.types import Updates


class MinMax(PushedMean):
    """The Min-Max attack: the largest distance of the crafted row to an honest one is at most the honest diameter.

    Source: Shejwalkar and Houmansadr, NDSS 2021, section IV-C, "Min-Max"; `PushedMean` tells how the strength is found.
    """

    kind: Literal["min_max"] = "min_max"

    @classmethod
    def examples(cls) -> tuple[Self, ...]:
        return (cls(), cls(knowledge="full", push="unit"), cls(knowledge="full", push="sign"))

    def allows(self, view: View, rows: Updates) -> Callable[[Tensor], bool]:
        """Within the honest diameter."""
        return farthest(rows)

    def constraints(self) -> tuple[Constraint, ...]:
        """Within the honest diameter."""
        return (within_benign_diameter(),)


def farthest(rows: Updates) -> Callable[[Tensor], bool]:
    """Whether a row [d], or each of some [k, d], is no farther from any of these than two of them are."""
    limit = square_distances(rows, rows).max()
    return lambda crafted: bool(square_distances(crafted.double().reshape(-1, rows.shape[1]), rows).max() <= limit)
