"""Definition of HDBSCAN on distances: a tree of density, condensed, and the clusters that last the longest."""

import math
from collections.abc import Sequence

from fedprop.oracles.vectors import Row

SAME = 1e-12
"""Distances no farther apart than this are equal, and such a distance is none."""

TIE = 1e-9
"""Clusters last longer than others if they do so by more than this share."""

Edge = tuple[float, int, int]
Found = tuple[float, list[list[int]]]


def mutual_reachability(distances: Sequence[Row], neighbours: int) -> list[list[float]]:
    """max(core_i, core_j, d_ij), where core_i is the distance to the so-manieth neighbour, the point itself counted."""
    n = len(distances)
    core = [sorted(row)[min(neighbours, n) - 1] for row in distances]
    return [[0.0 if i == j else max(core[i], core[j], distances[i][j]) for j in range(n)] for i in range(n)]


def spanning_tree(distances: Sequence[Row]) -> list[Edge]:
    """The edges of a minimum spanning tree, by Prim."""
    nearest = {j: (d, 0, j) for j, d in enumerate(distances[0]) if j}
    edges = []
    while nearest:
        edge = min(nearest.values())
        new = edge[2]
        del nearest[new]
        edges.append(edge)
        for j in nearest:
            nearest[j] = min(nearest[j], (distances[new][j], new, j))
    return edges


def levelled(edges: Sequence[Edge]) -> list[Edge]:
    """The edges with one length for all that are equal but for rounding: the least of them, and 0 for none."""
    found: list[Edge] = []
    last = length = 0.0
    for d, i, j in sorted(edges):
        length = length if d - last <= SAME else d
        last = d
        found.append((length, i, j))
    return found


def parts_of(members: Sequence[int], edges: Sequence[Edge]) -> list[list[int]]:
    """What the edges connect, each part in order."""
    part = {i: {i} for i in members}
    for _, i, j in edges:
        if part[i] is not part[j]:
            part[i] |= part[j]
            for k in part[j]:
                part[k] = part[i]
    return sorted({id(p): sorted(p) for p in part.values()}.values())


def grown(members: list[int], edges: Sequence[Edge], birth: float, least: int) -> Found:
    """The clusters of a branch that is there from density `birth` on, and how stable they are together.

    Density is 1 / distance. All edges of one length go at once (Campello et al. 2013). A part of at least so many
    points is the branch itself if there is no other, and else a new branch. A point adds to a branch's stability by
    how much density grows while it is there. The branch is one cluster unless those within it are more stable.
    """
    here, stability = members, 0.0
    while True:
        longest = max((d for d, _, _ in edges), default=0.0)
        density = 1 / longest if longest else math.inf
        edges = [edge for edge in edges if edge[0] < longest]
        large = [part for part in parts_of(here, edges) if len(part) >= least] if longest else []
        if len(large) != 1:
            break
        stability += (len(here) - len(large[0])) * (density - birth)
        here = large[0]
        edges = [edge for edge in edges if edge[1] in here]
    stability += len(here) * (density - birth)
    within = [grown(part, [edge for edge in edges if edge[1] in part], density, least) for part in large]
    together = math.fsum(found[0] for found in within)
    if within and together > stability * (1 + TIE):
        return together, [cluster for found in within for cluster in found[1]]
    # Whoever leaves the whole before its end is an outlier; a branch has all that were ever in it.
    return stability, [here if birth == 0 else members]


def stable_clusters(distances: Sequence[Row], least: int, neighbours: int = 1) -> list[list[int]]:
    """The clusters, each in order, and in the order of their first points; whoever is in none is an outlier.

    All points may be one cluster.

    Source: Campello, Moulavi and Sander, "Density-Based Clustering Based on Hierarchical Density Estimates", PAKDD
    2013; of the whole as a cluster, McInnes, Healy and Astels, "hdbscan: Hierarchical density based clustering", JOSS
    2017, whose code leaves out who has gone before its last split.
    """
    n = len(distances)
    if n < least:
        return []
    edges = levelled(spanning_tree(mutual_reachability(distances, neighbours)))
    return sorted(grown(list(range(n)), edges, 0.0, least)[1])
