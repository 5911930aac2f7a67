"""Definition of Sniper, and how it has been misread."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations

from fedprop.oracles.vectors import Rows, total, weighted_mean

TIE = 1e-9
"""Distances, and sums of them, are equal if they differ by a smaller share."""

Pairs = Sequence[Sequence[float]]
Set = frozenset[int]
NOBODY: Set = frozenset()


def grown(near: Sequence[Set], kept: Set, possible: Set, done: Set, size: int) -> Iterator[Set]:
    """The maximal cliques of `size` or more that hold `kept`, some `possible` rows and none of those `done`.

    Source: Bron and Kerbosch, Algorithm 457, CACM 16 (1973): the second version, with a pivot.
    """
    if len(kept) + len(possible) < size:
        return
    if not possible and not done:
        yield kept
        return
    pivot = max(possible | done, key=lambda i: len(possible & near[i]))
    for i in possible - near[pivot]:
        yield from grown(near, kept | {i}, possible & near[i], done & near[i], size)
        possible, done = possible - {i}, done | {i}


def cliques(distances: Pairs, radius: float, size: int) -> Iterator[Set]:
    """The maximal cliques of `size` or more of the graph that joins rows no farther apart than the radius."""
    everybody = range(len(distances))
    near = [frozenset(j for j in everybody if j != i and distances[i][j] <= radius * (1 + TIE)) for i in everybody]
    return grown(near, NOBODY, frozenset(everybody), NOBODY, size)


def apart(rows: Rows) -> Pairs:
    """All distances."""
    return [[math.dist(x, y) for y in rows] for x in rows]


def least_radius(distances: Pairs, size: int) -> float:
    """The smallest distance at which there is a clique of that size; since there is one at every larger, by halving."""
    radii = sorted({d for row in distances for d in row})
    low, high = 0, len(radii) - 1
    while low < high:
        middle = (low + high) // 2
        if any(True for _ in cliques(distances, radii[middle], size)):
            high = middle
        else:
            low = middle + 1
    return radii[low]


def best(distances: Pairs, found: Sequence[Set]) -> list[int]:
    """Of some cliques the largest; of these those least wide, then with the least sum, then the first."""

    def widest(clique: Set) -> float:
        return max((distances[i][j] for i, j in combinations(clique, 2)), default=0.0)

    def summed(clique: Set) -> float:
        return total([0.0, *(distances[i][j] for i, j in combinations(clique, 2))])

    most = max(map(len, found))
    left = [clique for clique in found if len(clique) == most]
    for measure in (widest, summed):
        measured = [measure(clique) for clique in left]
        left = [c for c, value in zip(left, measured, strict=True) if value <= min(measured) * (1 + TIE)]
    return min(sorted(clique) for clique in left)


def mean_of(rows: Rows, chosen: Sequence[int]) -> list[float]:
    """The mean of these rows."""
    return weighted_mean([rows[i] for i in chosen], [1.0] * len(chosen))


def sniper(rows: Rows, radii: tuple[float, float] | None = None) -> list[float]:
    """The mean of the largest clique, once the radius is such that it has more than n / 2 rows.

    The radius is the smallest such one, or the first such one of start, start + step, start + 2 step, ....
    Source: Cao et al., ICPADS 2019 (reconstructed).
    """
    return _with_at_least(rows, len(rows) // 2 + 1, radii)


def _with_at_least(rows: Rows, size: int, radii: tuple[float, float] | None) -> list[float]:
    distances = apart(rows)
    radius = least_radius(distances, size)
    if radii is not None:
        start, step = radii
        radius = max(radius, start + step * math.ceil(max(0.0, (radius - start) / step * (1 - TIE))))
    return mean_of(rows, best(distances, list(cliques(distances, radius, size))))


def _half_is_enough(rows: Rows, radii: tuple[float, float] | None) -> list[float]:
    return _with_at_least(rows, (len(rows) + 1) // 2, radii)


def _greedy(rows: Rows, radii: tuple[float, float] | None) -> list[float]:
    """The radius grows until the rows near all rows kept before, taken in their order, are more than half."""
    distances = apart(rows)
    for radius in sorted({d for row in distances for d in row}):
        kept: list[int] = []
        for i in range(len(rows)):
            if all(distances[i][j] <= radius * (1 + TIE) for j in kept):
                kept.append(i)
        if len(kept) > len(rows) / 2:
            return mean_of(rows, kept)
    raise AssertionError("all rows are within the largest distance of each other")


def _isolated_rows_missing(rows: Rows, radii: tuple[float, float] | None) -> list[float]:
    """The graph has no rows but those that are near another: more than half of them are enough."""
    distances = apart(rows)
    everybody = range(len(rows))
    for radius in sorted({d for i in everybody for j, d in enumerate(distances[i]) if j != i}):
        joined = [i for i in everybody if any(distances[i][j] <= radius * (1 + TIE) for j in everybody if j != i)]
        found = list(cliques(distances, radius, max(2, len(joined) // 2 + 1)))
        if found:
            return mean_of(rows, best(distances, found))
    return list(rows[0])


MISREADINGS: Mapping[str, Callable[..., list[float]]] = {
    "half is enough": _half_is_enough,
    "a greedy clique": _greedy,
    "isolated rows missing": _isolated_rows_missing,
}
"""Wrong readings; the last two know no schedule of radii."""
