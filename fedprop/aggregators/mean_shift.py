"""Mean shift with a flat kernel, all points of which move together.

scikit-learn has it, and asks a tree for the neighbours of one point after the other: for a round of ten clients that
takes longer than all else that a rule does. It also leaves open which of two centres a point belongs to that is as far
from both. Here each point goes the same way, and the first of the two has it.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fedprop.aggregators.columns import BLOCK_ELEMENTS

TIE = 1e-9
"""A point this share of the bandwidth farther away than it is still a neighbour: rounding may set it so far."""

STEPS = 301
"""Most moves of a point, as many as scikit-learn makes; ways on record end after a dozen."""

STILL = 1e-3
"""A point that moves by no more than this share of the bandwidth has arrived; as in scikit-learn."""

Points = Float[Tensor, "n k"]
"""One point for each row, in float64."""


class Clusters(NamedTuple):
    """Which cluster each point [n] is in, and where their centres [c, k] are, in the order of `centres_of`."""

    labels: Int[Tensor, " n"]
    centres: Points

    @property
    def sizes(self) -> Int[Tensor, " c"]:
        """How many points each has."""
        return self.labels.bincount(minlength=len(self.centres))


def clusters(points: Points, quantile: float) -> Clusters:
    """The clusters of scikit-learn's `MeanShift` with the bandwidth of its `estimate_bandwidth`.

    That is the mean distance of a point to the whole part of (quantile n)-th nearest, each being its own first. Where
    that is just itself, and the estimate always zero, it is the nearest other point here. If it still is zero, all
    points have a copy, and a cluster is what is equal. Every point is in the cluster of the nearest centre.
    """
    n = len(points)
    bandwidth = float(_nearest(points, min(n, max(2, int(n * quantile)))).mean()) * (1 + TIE)
    if bandwidth == 0:
        return _of_equals(points)
    centres = centres_of(points, bandwidth)
    away = _distances(points, centres)
    near = away <= away.min(dim=1, keepdim=True).values + TIE * bandwidth
    return Clusters(near.int().argmax(dim=1), centres)


def largest_cluster(points: Points) -> Bool[Tensor, " n"]:
    """Which points are in the largest cluster; of several, in the one whose centre `centres_of` has first.

    The bandwidth is the mean distance to the floor(n / 2)-th nearest point, each being its own first. Points farther
    than that from all centres are in none.
    """
    bandwidth = float(_nearest(points, max(1, len(points) // 2)).mean())
    labels = _of_equals(points).labels if bandwidth == 0 else _labels(points, bandwidth * (1 + TIE))
    largest: Tensor = labels == labels[labels >= 0].bincount().argmax()
    return largest


def _of_equals(points: Points) -> Clusters:
    """What is equal is a cluster, the larger first."""
    kinds, labels = torch.unique(-points, dim=0, return_inverse=True)
    return Clusters(labels, -kinds)


def centres_of(points: Points, bandwidth: float) -> Float[Tensor, "c k"]:
    """Where points come to rest, those with more points around them first, then by coordinates, the larger first.

    Of those within a bandwidth of each other the first stays.
    """
    ends, near = _ends(points, bandwidth)
    ways = sorted({(*counted, *end) for counted, end in zip(near[:, None].tolist(), ends.tolist(), strict=True)})
    left = points.new_tensor([way[1:] for way in reversed(ways)])
    kept = []
    while len(left):
        kept.append(left[0])
        left = left[_distances(left, left[:1])[:, 0] > bandwidth]
    return torch.stack(kept)


def _labels(points: Points, bandwidth: float) -> Int[Tensor, " n"]:
    """The nearest centre of each point, or -1 if none is within a bandwidth."""
    away, nearest = _distances(points, centres_of(points, bandwidth)).min(dim=1)
    return nearest.where(away <= bandwidth, -1)


def _ends(points: Points, bandwidth: float) -> tuple[Points, Int[Tensor, " n"]]:
    """Where each point comes to rest, and how many points were around it before its last move."""
    ends, near = points.clone(), torch.zeros(len(points), dtype=torch.int64, device=points.device)
    moving = torch.arange(len(points), device=points.device)
    for _ in range(STEPS):
        found = [_moved(some, points, bandwidth) for some in _parts(ends[moving], points)]
        new, near[moving] = torch.cat([each for each, _ in found]), torch.cat([count for _, count in found])
        arrived = (new - ends[moving]).square().sum(dim=1).sqrt() <= STILL * bandwidth
        ends[moving] = new
        moving = moving[~arrived]
        if not len(moving):
            break
    return ends, near


def _moved(
    some: Float[Tensor, "m k"], points: Points, bandwidth: float
) -> tuple[Float[Tensor, "m k"], Int[Tensor, " m"]]:
    """The mean of all points within a bandwidth of some, and how many these are."""
    around = _distances(some, points) <= bandwidth
    near = around.sum(dim=1)
    # Summed one after the other, not by a product of matrices: equal neighbours make means that are equal to the bit.
    return (around[:, :, None] * points).sum(dim=1) / near[:, None], near


def _nearest(points: Points, place: int) -> Float[Tensor, " n"]:
    """The distance of each point to the one at some place in the order of distances, its own being the first."""
    return torch.cat([_distances(some, points).kthvalue(place, dim=1).values for some in _parts(points, points)])


def _distances(a: Float[Tensor, "m k"], b: Points) -> Float[Tensor, "m n"]:
    return (a[:, None] - b).square().sum(dim=2).sqrt()


def _parts(some: Float[Tensor, "m k"], points: Points) -> list[Tensor]:
    """A few points at a time, whose ways to all points fill a block."""
    return list(torch.split(some, max(1, BLOCK_ELEMENTS // points.numel())))
