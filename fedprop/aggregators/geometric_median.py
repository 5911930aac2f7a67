"""The geometric median, as in RFA."""

from typing import ClassVar, Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from fedprop.aggregators.cohort import Cohort
from fedprop.aggregators.columns import read
from fedprop.aggregators.contract import Contract, Kappa, Region, minority
from fedprop.aggregators.distance_sum import EQUAL, best_row, least_distance_sum
from fedprop.aggregators.gram import GramRule
from fedprop.aggregators.views import seen, squared_distances
from fedprop.aggregators.weighting import Weighting, effect_of_claims, row_weights
from fedprop.types import Gram, Positive, Updates, Vector, Weights

ROUNDING = 1e-10
"""What rounding may add to the difference of two pulls, of which all together are at most 1."""


class GeometricMedian(GramRule):
    """The point z with the least weighted sum of Euclidean distances, sum of alpha_i ||z - x_i||.

    Where a row itself is a median Kuhn's condition tells, and the row is the answer. Otherwise Newton's method finds
    the point, on inner products; RFA's own steps, Weiszfeld's, come near it ever more slowly. The search starts off the
    best row, and ends when the sum can fall by no more than `tolerance` squared times the spread of the rows, as its
    slope and curvature tell, or after `max_iterations` steps. The spread is the median over all rows of the median
    distance to the other rows, which no minority can inflate. (If that is zero although the rows differ: the smallest
    distance between different rows.)

    RFA smooths distances below an absolute length, 1e-6 by default, which keeps its steps finite. A rule that scales
    with its input needs a relative length: here it is `nu` times the spread, and next to nothing by default.

    With `weighting="examples"` alpha_i is proportional to the claimed number of training examples, as in RFA, and
    with `capped` to that, cut as `fedprop.aggregators.weighting` says.

    Attributes
    ----------
    weighting : what a row counts: `uniform`, its sender's claimed number of `examples`, or that `capped`. The cap
        leaves who claims too much half of all weight, and with that a row is a geometric median, wherever it lies.
    nu : the smoothing length, in units of the rows' spread.
    tolerance : how near to the least sum the search must come, as described above.
    max_iterations : how many steps the search may take.

    Source: Pillutla et al., IEEE Transactions on Signal Processing 2022, Algorithm 2 and Section IV.

    >>> import torch
    >>> GeometricMedian()(torch.tensor([[0.0, 1.0], [0.0, 1.0], [1e6, 0.0]]))
    tensor([0., 1.])
    """

    mixes_seen: ClassVar[bool] = True

    kind: Literal["geometric_median"] = "geometric_median"
    weighting: Weighting = "uniform"
    nu: Positive = 1e-12
    tolerance: Positive = 1e-6
    max_iterations: PositiveInt = 100

    @classmethod
    def examples(cls) -> tuple["GeometricMedian", ...]:
        return (cls(), cls(weighting="examples"))

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            translation=True,
            scaling=True,
            orthogonal=True,
            idempotent=True,
            monotone=True,
            examples=effect_of_claims(self.weighting),
            linear=True,
            lies_in=Region.HULL,
            tolerates=minority,
            kappa=Kappa(lambda n, f: 4 * (1 + f / (n - 2 * f)) ** 2, "Allouah et al., AISTATS 2023, Table 1"),
            unattacked=lambda n: 1.0,
            regret=self._regret,
            precision=max(self.nu, self.tolerance),
        )

    def weigh(self, gram: Gram, cohort: Cohort) -> Weights:
        alpha = row_weights(cohort, self.weighting).to(gram.device)
        lengths = gram.diagonal().sqrt()
        distances = squared_distances(gram).sqrt()
        distances = distances.where(distances > EQUAL * torch.maximum(lengths[:, None], lengths), 0)
        reaches = _reaches(distances)
        scale = _spread(distances, reaches)
        excess = _excess_at_rows(alpha, distances, gram)
        best = excess.argmin()
        if excess[best] <= ROUNDING:
            return torch.zeros_like(alpha).index_fill_(0, best, 1)
        return least_distance_sum(
            alpha,
            gram,
            best_row(alpha, gram, distances),
            radius=self.nu * scale,
            fall=self.tolerance**2 * scale,
            max_iterations=self.max_iterations,
        )

    def _regret(self, updates: Updates, z: Vector) -> float:
        """By how much the pull of the rows at z exceeds the weight of the rows there; 0 at a geometric median."""
        rows, gram, _ = seen(torch.cat([updates.double(), z.double()[None]]))
        away = read(rows, 0, len(z))
        away = away[:-1] - away[-1]
        distances = torch.linalg.vector_norm(away, dim=1)
        between = squared_distances(gram).sqrt()[:-1, :-1]
        radius = 2 * max(self.nu, self.tolerance) * _spread(between, _reaches(between))
        alpha = torch.full_like(distances, 1 / len(distances))
        force = torch.linalg.vector_norm(_pulls(alpha, distances, radius) @ away)
        return float((force - alpha[distances <= radius].sum()).clamp(min=0))


def _excess_at_rows(alpha: Weights, distances: Gram, gram: Gram) -> Weights:
    """For each row, by how much the pull of the rows elsewhere exceeds the weight of the rows at the same place.

    A row for which that is not positive is a geometric median: Kuhn's condition.
    """
    pulls = _pulls(alpha, distances)
    directions = pulls - pulls.sum(dim=1).diag()
    forces = ((directions @ gram) * directions).sum(dim=1).clamp(min=0).sqrt()
    return forces - alpha.expand_as(distances).where(distances == 0, 0).sum(dim=1)


def _pulls(alpha: Weights, distances: Tensor, radius: float = 0) -> Tensor:
    """The factors alpha_i / ||z - x_i|| of the rows farther than `radius` from a point z; zero for the others."""
    return (alpha / distances).where(distances > radius, 0)


def _reaches(distances: Gram) -> Weights:
    """For each row the median distance to the other rows; the lower one of two, and 0 for a single row."""
    n = len(distances)
    others = distances.clone().fill_diagonal_(torch.inf if n > 1 else 0).sort(dim=1).values
    return others[:, max(0, n - 2) // 2]


def _spread(distances: Gram, reaches: Weights) -> float:
    """The robust length scale that the class describes; zero if all rows are equal."""
    positive = distances[distances > 0]
    spread = float(reaches.median())
    return float(positive.min()) if spread == 0 and len(positive) else spread
