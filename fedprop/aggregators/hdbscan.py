"""HDBSCAN on distances between few points: clusters that last the longest as density grows.

scikit-learn's breaks ties by the order of the points, and the distances that rules make of clusterings are full of
them; here all of one length go at once, as the paper has it, so that no order matters.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Int
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
    n = len(distances)
    labels = torch.full((n,), -1)
    if n >= min_cluster_size:
        root = _tree(_mutual_reachability(distances.double().cpu(), min_samples))
        clusters = [sorted(node.points()) for node in _grown(root, 0.0, min_cluster_size).clusters]
        for number, cluster in enumerate(sorted(clusters)):
            labels[cluster] = number
    return labels


def _mutual_reachability(distances: Gram, min_samples: int) -> Gram:
    if min_samples == 1:
        return distances
    core = distances.sort(dim=1).values[:, min(min_samples, len(distances)) - 1]
    return torch.maximum(distances, torch.maximum(core, core[:, None])).fill_diagonal_(0)


def _tree(distances: Gram) -> Node:
    """All points, as single linkage joins them."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    merges = linkage(squareform(distances.numpy(), checks=False), "single").tolist()
    nodes = [Node(0, 0.0, 1, point=point) for point in range(len(distances))]
    level, height, last = 0, 0.0, 0.0
    for left, right, distance, size in merges:
        if distance - last > SAME:
            level, height = level + 1, distance
        last = distance
        both = (nodes[int(left)], nodes[int(right)])
        nodes.append(Node(level, height, int(size), tuple(_joined(both, level))))
    return nodes[-1]


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
