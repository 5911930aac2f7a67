"""Mean shift with a flat kernel, all points of which move together.

scikit-learn has it, and asks a tree for the neighbours of one point after the other: for a round of ten clients that
takes longer than all else that a rule does. Here each point goes the same way.
"""

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


def largest_cluster(points: Points) -> Bool[Tensor, " n"]:
    """Which points are in the largest cluster; of several, in the one whose centre `centres_of` has first.

    The bandwidth is the mean distance to the floor(n / 2)-th nearest point, each being its own first.
    """
    bandwidth = float(_halfway(points).mean())
    if bandwidth == 0:
        # Half of the points or more are equal to each: a cluster is what is equal.
        labels = torch.unique(-points, dim=0, return_inverse=True)[1]
    else:
        labels = _labels(points, bandwidth * (1 + TIE))
    largest: Tensor = labels == labels[labels >= 0].bincount().argmax()
    return largest


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


def _halfway(points: Points) -> Float[Tensor, " n"]:
    """The distance of each point to the one halfway in the order of distances."""
    place = max(1, len(points) // 2)
    return torch.cat([_distances(some, points).kthvalue(place, dim=1).values for some in _parts(points, points)])


def _distances(a: Float[Tensor, "m k"], b: Points) -> Float[Tensor, "m n"]:
    return (a[:, None] - b).square().sum(dim=2).sqrt()


def _parts(some: Float[Tensor, "m k"], points: Points) -> list[Tensor]:
    """A few points at a time, whose ways to all points fill a block."""
    return list(torch.split(some, max(1, BLOCK_ELEMENTS // points.numel())))
