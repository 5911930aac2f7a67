"""The geometric median, as in RFA."""

from typing import Literal

import torch
from pydantic import PositiveInt
from torch import Tensor

from fedprop.aggregators.base import Cohort
from fedprop.aggregators.contract import Contract, Kappa, Region, minority
from fedprop.aggregators.gram import GramRule, centred_gram, squared_distances
from fedprop.aggregators.mean import Weighting, row_weights
from fedprop.types import Gram, Positive, Updates, Vector, Weights


class GeometricMedian(GramRule):
    """The point z with the least weighted sum of Euclidean distances, sum of alpha_i ||z - x_i||.

    Found by RFA's smoothed Weiszfeld steps z <- sum of b_i x_i / sum of b_i with b_i = alpha_i / max(nu', ||z - x_i||),
    run on inner products until the gradient of the smoothed objective (between 0 and 1 whatever the units, as the
    alpha_i sum to one) is at most `tolerance`, and at most `max_iterations` times. Where a row itself is a median,
    which makes those steps arbitrarily slow, Kuhn's condition tells beforehand, and the row is the answer.

    RFA's smoothing nu' is an absolute length; a rule that scales with its input needs a relative one. Here nu' is
    `nu` times the spread of the rows: the median over all rows of the median distance to the other rows, which no
    minority can inflate. (If that is zero although the rows differ: the smallest distance between different rows.)

    With `weighting="examples"` alpha_i is proportional to the claimed number of training examples, as in RFA.

    Source: Pillutla et al., IEEE Transactions on Signal Processing 2022, Algorithm 2 and Section IV.

    >>> import torch
    >>> GeometricMedian()(torch.tensor([[0.0, 1.0], [0.0, 1.0], [1e6, 0.0]]))
    tensor([0., 1.])
    """

    kind: Literal["geometric_median"] = "geometric_median"
    weighting: Weighting = "uniform"
    nu: Positive = 1e-6
    tolerance: Positive = 1e-6
    max_iterations: PositiveInt = 10_000

    def contract(self) -> Contract:
        return Contract(
            permutation=True,
            translation=True,
            scaling=True,
            orthogonal=True,
            idempotent=True,
            monotone=True,
            examples="copies" if self.weighting == "examples" else "ignored",
            linear=True,
            lies_in=Region.HULL,
            tolerates=minority,
            kappa=Kappa(lambda n, f: 4 * (1 + f / (n - 2 * f)) ** 2, "Allouah et al., AISTATS 2023, Table 1"),
            regret=self._regret,
            # Rows nearly on a line can keep Weiszfeld's steps from `tolerance` until `max_iterations` ends them.
            precision=100 * max(self.nu, self.tolerance),
        )

    def weigh(self, gram: Gram, cohort: Cohort) -> Weights:
        alpha = row_weights(cohort, self.weighting)
        distances = squared_distances(gram).sqrt()
        reaches = _reaches(distances)
        scale = _spread(distances, reaches)
        excess = _excess_at_rows(alpha, distances, gram, self.nu * scale)
        best = excess.argmin()
        if excess[best] <= self.tolerance:
            return torch.zeros_like(alpha).index_fill_(0, best, 1)
        # From a row itself Weiszfeld's steps hardly move, from far away they move slowly: start one step from the
        # row that most others are close to.
        weights = _normalised(alpha / distances[reaches.argmin()].clamp(min=scale))
        for _ in range(self.max_iterations):
            pulls = alpha / _distances_from(weights, gram).clamp(min=self.nu * scale)
            move = _normalised(pulls) - weights
            weights = weights + move
            if pulls.sum() * _length(move, gram) <= self.tolerance:
                break
        return weights

    def _regret(self, updates: Updates, z: Vector) -> float:
        """By how much the pull of the rows at z exceeds the weight of the rows there; 0 at a geometric median."""
        away = updates.double() - z.double()
        distances = torch.linalg.vector_norm(away, dim=1)
        between = squared_distances(centred_gram(updates)).sqrt()
        radius = 2 * self.nu * _spread(between, _reaches(between))
        alpha = torch.full_like(distances, 1 / len(distances))
        force = torch.linalg.vector_norm(_pulls(alpha, distances, radius) @ away)
        return float((force - alpha[distances <= radius].sum()).clamp(min=0))


def _normalised(weights: Weights) -> Weights:
    return weights / weights.sum()


def _excess_at_rows(alpha: Weights, distances: Gram, gram: Gram, radius: float) -> Weights:
    """For each row, by how much the pull of the rows elsewhere exceeds the weight of the rows within `radius`.

    A row for which that is not positive is a geometric median: Kuhn's condition.
    """
    pulls = _pulls(alpha, distances, radius)
    directions = pulls - pulls.sum(dim=1).diag()
    forces = ((directions @ gram) * directions).sum(dim=1).clamp(min=0).sqrt()
    return forces - alpha.expand_as(distances).where(distances <= radius, 0).sum(dim=1)


def _pulls(alpha: Weights, distances: Tensor, radius: float) -> Tensor:
    """The factors alpha_i / ||z - x_i|| of the rows farther than `radius` from a point z; zero for the others."""
    return (alpha / distances).where(distances > radius, 0)


def _length(weights: Weights, gram: Gram) -> Tensor:
    """The length of weights @ rows, for weights that sum to zero."""
    return (weights @ gram @ weights).clamp(min=0).sqrt()


def _distances_from(weights: Weights, gram: Gram) -> Weights:
    """Distances [n] from the point weights @ rows to each row."""
    products = gram @ weights
    return (gram.diagonal() - 2 * products + weights @ products).clamp(min=0).sqrt()


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
