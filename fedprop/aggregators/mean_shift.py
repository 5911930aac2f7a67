"""Mean shift with a flat kernel, all points of which move together.

scikit-learn has it, and asks a tree for the neighbours of one point after the other: for a round of ten clients that
takes longer than all else that a rule does. It also leaves open which of two centres a point belongs to that is as far
from both. Here each point goes the same way, and the first of the two has it.

Points go to NumPy and answers come back: a few dozen points take as long as the calls do, and those of torch take five
times as long.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from fedprop.aggregators.columns import BLOCK_ELEMENTS

TIE = 1e-9
"""A point this share of the bandwidth farther away than it is still a neighbour: rounding may set it so far."""

STEPS = 301
"""Most moves of a point, as many as scikit-learn makes; ways on record end after a dozen."""

STILL = 1e-3
"""A point that moves by no more than this share of the bandwidth has arrived; as in scikit-learn."""

Given = Float[Tensor, "n k"]
"""One point for each row, in float64."""

Points = NDArray[np.float64]
"""The same in NumPy, [n, k]."""

Numbers = NDArray[np.int64]


class Clusters(NamedTuple):
    """Which cluster each point [n] is in, and where their centres [c, k] are, in the order of `centres_of`."""

    labels: Int[Tensor, " n"]
    centres: Float[Tensor, "c k"]

    @property
    def sizes(self) -> Int[Tensor, " c"]:
        """How many points each has."""
        return self.labels.bincount(minlength=len(self.centres))


def clusters(points: Given, quantile: float) -> Clusters:
    """The clusters of scikit-learn's `MeanShift` with the bandwidth of its `estimate_bandwidth`.

    That is the mean distance of a point to the whole part of (quantile n)-th nearest, each being its own first. Where
    that is just itself, and the estimate always zero, it is the nearest other point here. If it still is zero, all
    points have a copy, and a cluster is what is equal. Every point is in the cluster of the nearest centre.
    """
    plain, n = points.cpu().numpy(), len(points)
    bandwidth = float(_nearest(plain, min(n, max(2, int(n * quantile)))).mean()) * (1 + TIE)
    labels, centres = _of_equals(plain) if bandwidth == 0 else _by_centre(plain, bandwidth)
    return Clusters(torch.from_numpy(labels).to(points.device), torch.from_numpy(centres).to(points.device))


def largest_cluster(points: Given) -> Bool[Tensor, " n"]:
    """Which points are in the largest cluster; of several, in the one whose centre `centres_of` has first.

    The bandwidth is the mean distance to the floor(n / 2)-th nearest point, each being its own first. Points farther
    than that from all centres are in none.
    """
    plain = points.cpu().numpy()
    bandwidth = float(_nearest(plain, max(1, len(plain) // 2)).mean())
    labels = _of_equals(plain)[0] if bandwidth == 0 else _labels(plain, bandwidth * (1 + TIE))
    largest = labels == np.bincount(labels[labels >= 0]).argmax()
    return torch.from_numpy(largest).to(points.device)


def centres_of(points: Given, bandwidth: float) -> Float[Tensor, "c k"]:
    """Where points come to rest, those with more points around them first, then by coordinates, the larger first.

    Of those within a bandwidth of each other the first stays.
    """
    return torch.from_numpy(_centres(points.cpu().numpy(), bandwidth)).to(points.device)


def _of_equals(points: Points) -> tuple[Numbers, Points]:
    """What is equal is a cluster, the larger first: the label of each point, and the centres."""
    kinds, labels = np.unique(0.0 - points, axis=0, return_inverse=True)
    return labels.reshape(-1), 0.0 - kinds


def _by_centre(points: Points, bandwidth: float) -> tuple[Numbers, Points]:
    """The number of the nearest centre of each point, of equally near ones the first, and the centres."""
    centres = _centres(points, bandwidth)
    away = _distances(points, centres)
    near = away <= away.min(axis=1, keepdims=True) + TIE * bandwidth
    return near.argmax(axis=1), centres


def _centres(points: Points, bandwidth: float) -> Points:
    ends, near = _ends(points, bandwidth)
    ways = sorted({(counted, *end) for counted, end in zip(near.tolist(), ends.tolist(), strict=True)})
    left = np.array([way[1:] for way in reversed(ways)])
    kept = []
    while len(left):
        kept.append(left[0])
        left = left[_distances(left, left[:1])[:, 0] > bandwidth]
    return np.stack(kept)


def _labels(points: Points, bandwidth: float) -> Numbers:
    """The nearest centre of each point, or -1 if none is within a bandwidth."""
    away = _distances(points, _centres(points, bandwidth))
    return np.where(away.min(axis=1) <= bandwidth, away.argmin(axis=1), -1)


def _ends(points: Points, bandwidth: float) -> tuple[Points, Numbers]:
    """Where each point comes to rest, and how many points were around it before its last move."""
    ends, near = points.copy(), np.zeros(len(points), np.int64)
    moving = np.arange(len(points))
    for _ in range(STEPS):
        found = [_moved(some, points, bandwidth) for some in _parts(ends[moving], points)]
        new, near[moving] = np.concatenate([each for each, _ in found]), np.concatenate([count for _, count in found])
        arrived = np.sqrt(np.square(new - ends[moving]).sum(axis=1)) <= STILL * bandwidth
        ends[moving] = new
        moving = moving[~arrived]
        if not len(moving):
            break
    return ends, near


def _moved(some: Points, points: Points, bandwidth: float) -> tuple[Points, Numbers]:
    """The mean of all points within a bandwidth of some, and how many these are."""
    around = _distances(some, points) <= bandwidth
    near = around.sum(axis=1)
    # Summed one after the other, not by a product of matrices: equal neighbours make means that are equal to the bit.
    return (around[:, :, None] * points).sum(axis=1) / near[:, None], near


def _nearest(points: Points, place: int) -> Points:
    """The distance of each point to the one at some place in the order of distances, its own being the first."""
    found = [np.partition(_distances(some, points), place - 1, axis=1) for some in _parts(points, points)]
    return np.concatenate([each[:, place - 1] for each in found])


def _distances(a: Points, b: Points) -> Points:
    found: Points = np.sqrt(np.square(a[:, None] - b).sum(axis=2))
    return found


def _parts(some: Points, points: Points) -> list[Points]:
    """A few points at a time, whose ways to all points fill a block."""
    size = max(1, BLOCK_ELEMENTS // points.size)
    return [some[start : start + size] for start in range(0, len(some), size)]
