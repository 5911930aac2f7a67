"""HDBSCAN on distances between few points: clusters that last the longest as density grows.

scikit-learn's breaks ties by the order of the points, and the distances that rules make of clusterings are full of
them; here all of one length go at once, as the paper has it, so that no order matters.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor

from fedprop.types import Gram

SAME = 1e-12
"""Distances no farther apart than this are equal but for rounding, where points have numbers no larger than 1."""

TIE = 1e-9
"""What is more stable by no more than this share is as stable but for rounding."""


@dataclass(frozen=True, eq=False)
class Node:
    """Points that single linkage joins.

    Attributes
    ----------
    level : the place of the distance at which it does, among all that there are; 0 for points that are the same.
    height : that distance.
    size : how many points there are.
    parts : what it joins at this distance, all at once; a single point has none.
    point : the number of a single point.
    """

    level: int
    height: float
    size: int
    parts: tuple["Node", ...] = ()
    point: int = -1

    def points(self) -> Iterator[int]:
        """All points below."""
        open_ends = [self]
        while open_ends:
            node = open_ends.pop()
            open_ends += node.parts
            if not node.parts:
                yield node.point


class Edge(NamedTuple):
    """Two points, and the distance between them."""

    length: float
    left: int
    right: int


class Grown(NamedTuple):
    """The clusters of a branch, and how stable they are together."""

    stability: float
    clusters: list[Node]


def hdbscan(distances: Gram, *, min_cluster_size: int, min_samples: int = 1) -> Int[Tensor, " n"]:
    """The cluster [n] of each point, counted from 0 in the order of their first points; -1 for outliers.

    Density is 1 / distance. As it grows, the whole loses points and falls into branches of at least `min_cluster_size`
    points; each point adds to the stability of a branch by how much density grows while it is there. A branch is a
    cluster unless the branches within it are more stable together. The whole may be one, of those points that stay to
    its end. Fewer points than `min_cluster_size` are outliers, all of them.

    Parameters
    ----------
    distances : [n, n], symmetric, with zeros on the diagonal, in a unit in which the points' numbers are of size 1.
    min_cluster_size : from 2 on.
    min_samples : a point is no nearer to any other than to its so-manieth neighbour, itself counted; 1 smooths nothing.

    Source: Campello, Moulavi and Sander, "Density-Based Clustering Based on Hierarchical Density Estimates", PAKDD
    2013; as scikit-learn's with `allow_single_cluster`, where no two distances are equal.

    >>> points = torch.tensor([0.0, 1.0, 2.0, 50.0, 51.0, 52.0, 300.0])
    >>> hdbscan((points[:, None] - points).abs(), min_cluster_size=3)
    tensor([ 0,  0,  0,  1,  1,  1, -1])
    """
    labels = [-1] * len(distances)
    if len(distances) >= min_cluster_size:
        root = _tree(_mutual_reachability(distances.double().cpu().numpy(), min_samples))
        clusters = [sorted(node.points()) for node in _grown(root, 0.0, min_cluster_size).clusters]
        for number, cluster in enumerate(sorted(clusters)):
            for point in cluster:
                labels[point] = number
    return torch.tensor(labels)


def _mutual_reachability(distances: NDArray[np.float64], min_samples: int) -> NDArray[np.float64]:
    if min_samples == 1:
        return distances
    core = np.sort(distances, axis=1)[:, min(min_samples, len(distances)) - 1]
    return np.maximum(distances, np.maximum(core, core[:, None]))


def _tree(distances: NDArray[np.float64]) -> Node:
    """All points, as single linkage joins them."""
    nodes = [Node(0, 0.0, 1, point=point) for point in range(len(distances))]
    # For each point a point that stands for all that it is joined with.
    stand_in = list(range(len(distances)))
    level, height, last, root = 0, 0.0, 0.0, 0
    for length, left, right in sorted(_spanning_tree(distances)):
        if length - last > SAME:
            level, height = level + 1, length
        last = length
        root, other = _followed(stand_in, left), _followed(stand_in, right)
        both = (nodes[root], nodes[other])
        stand_in[other] = root
        nodes[root] = Node(level, height, both[0].size + both[1].size, tuple(_joined(both, level)))
    return nodes[root]


def _spanning_tree(distances: NDArray[np.float64]) -> Iterator[Edge]:
    """The edges of a minimum spanning tree, by Prim: each point in turn that is the nearest to those before it."""
    to_outside, nearest = distances.copy(), distances[0].copy()
    neighbour = np.zeros(len(distances), dtype=np.intp)
    nearest[0] = to_outside[:, 0] = math.inf
    for _ in range(len(distances) - 1):
        new = int(nearest.argmin())
        yield Edge(float(nearest[new]), int(neighbour[new]), new)
        nearest[new] = to_outside[:, new] = math.inf
        closer = to_outside[new] < nearest
        neighbour[closer] = new
        np.minimum(nearest, to_outside[new], out=nearest)


def _followed(stand_in: list[int], point: int) -> int:
    """Whoever stands for this point, whose path there is halved for whoever asks next."""
    while stand_in[point] != point:
        stand_in[point] = stand_in[stand_in[point]]
        point = stand_in[point]
    return point


def _joined(nodes: Sequence[Node], level: int) -> Iterator[Node]:
    """These, or the parts of those that are joined at this very level."""
    for node in nodes:
        yield from node.parts if node.parts and node.level == level else (node,)


def _grown(branch: Node, birth: float, least: int) -> Grown:
    """The clusters of a branch that is there from density `birth` on."""
    here, stability = branch, 0.0
    while True:
        density = 1 / here.height if here.level else math.inf
        large = [part for part in here.parts if part.size >= least] if here.level else []
        if len(large) != 1:
            break
        stability += (here.size - large[0].size) * (density - birth)
        here = large[0]
    stability += here.size * (density - birth)
    within = [_grown(part, density, least) for part in large]
    together = sum(found.stability for found in within)
    if within and together > stability * (1 + TIE):
        return Grown(together, [cluster for found in within for cluster in found.clusters])
    # Whoever leaves the whole before its end is an outlier; a branch has all that were ever in it.
    return Grown(stability, [branch if birth else here])
