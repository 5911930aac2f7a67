"""Definition of the density filter, and how it has been misread."""

import math
from collections.abc import Callable, Mapping, Sequence

from fedprop.oracles.vectors import Rows

TIE = 1e-9
"""Distances, and densities, are equal if they differ by a smaller share."""


class Near:
    """Of each row its k-distance, and N_k: the other rows that are no farther than that."""

    def __init__(self, rows: Rows, k: int) -> None:
        everybody = range(len(rows))
        self.distances = [[math.dist(x, y) for y in rows] for x in rows]
        self.reach = [sorted(self.distances[i][j] for j in everybody if j != i)[k - 1] for i in everybody]
        self.neighbours = [
            [j for j in everybody if j != i and self.distances[i][j] <= self.reach[i] * (1 + TIE)] for i in everybody
        ]

    def density(self, i: int) -> float:
        """|N_k(i)| over the sum of max(k-distance(j), ||x_i - x_j||) over N_k(i)."""
        whole = math.fsum(max(self.reach[j], self.distances[i][j]) for j in self.neighbours[i])
        return len(self.neighbours[i]) / whole if whole > 0 else math.inf


def middle(values: Sequence[float]) -> float:
    """The median, of an even number the mean of two, which may be infinite."""
    ordered, n = sorted(values), len(values)
    return ordered[(n - 1) // 2] / 2 + ordered[n // 2] / 2


def left(rows: Rows, densities: Sequence[float], usual: float, threshold: float, drop: str) -> list[list[float]]:
    """The rows that are not `threshold` times as dense as usual, or as sparse."""
    if drop == "dense":
        return [list(x) for x, d in zip(rows, densities, strict=True) if d <= threshold * usual * (1 + TIE)]
    return [list(x) for x, d in zip(rows, densities, strict=True) if threshold * d * (1 + TIE) >= usual]


def density_filter(rows: Rows, k: int = 3, threshold: float = 2.0, drop: str = "dense") -> list[list[float]]:
    """The rows whose local reachability density is at most `threshold` times the median one, infinities being equal.

    Sources: Breunig et al., SIGMOD 2000, Definitions 3 to 6; Wan et al., WCNC 2021 (reconstructed).
    """
    near = Near(rows, k)
    densities = [near.density(i) for i in range(len(rows))]
    return left(rows, densities, middle(densities), threshold, drop)


def _of_the_mean(rows: Rows, k: int, threshold: float, drop: str) -> list[list[float]]:
    """Measured by the mean density, which one pair of copies makes infinite."""
    near = Near(rows, k)
    densities = [near.density(i) for i in range(len(rows))]
    found = left(rows, densities, math.fsum(densities) / len(rows), threshold, drop)
    return found or [list(x) for x in rows]


def _plain_distances(rows: Rows, k: int, threshold: float, drop: str) -> list[list[float]]:
    """One over the mean distance to the neighbours, however near these are to their own."""
    near = Near(rows, k)
    wholes = [math.fsum(near.distances[i][j] for j in near.neighbours[i]) for i in range(len(rows))]
    densities = [len(near.neighbours[i]) / w if w > 0 else math.inf for i, w in enumerate(wholes)]
    return left(rows, densities, middle(densities), threshold, drop)


def _itself(rows: Rows, k: int, threshold: float, drop: str) -> list[list[float]]:
    """Each row is its own nearest neighbour."""
    return density_filter(rows, k - 1, threshold, drop) if k > 1 else [list(x) for x in rows]


def _by_the_factor(rows: Rows, k: int, threshold: float, drop: str) -> list[list[float]]:
    """The local outlier factor decides, which compares with neighbours: all of a dense group are like theirs."""
    near = Near(rows, k)
    densities = [near.density(i) for i in range(len(rows))]

    def ratio(j: int, i: int) -> float:
        return 1.0 if densities[j] == densities[i] else densities[j] / densities[i]

    factors = [math.fsum(ratio(j, i) for j in near.neighbours[i]) / len(near.neighbours[i]) for i in range(len(rows))]
    found = left(rows, [1 / f if f > 0 else math.inf for f in factors], 1.0, threshold, drop)
    return found or [list(x) for x in rows]


def _other_side(rows: Rows, k: int, threshold: float, drop: str) -> list[list[float]]:
    return density_filter(rows, k, threshold, "sparse" if drop == "dense" else "dense")


MISREADINGS: Mapping[str, Callable[..., list[list[float]]]] = {
    "of the mean density": _of_the_mean,
    "plain distances": _plain_distances,
    "itself as neighbour": _itself,
    "by the outlier factor": _by_the_factor,
    "the other side": _other_side,
}
