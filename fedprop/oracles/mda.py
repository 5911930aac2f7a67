"""Definition of minimum-diameter averaging, and how it has been misread."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from fedprop.oracles.vectors import Rows, squared_distance, total, weighted_mean

Pairs = Sequence[Sequence[float]]


def first_least(rows: Rows, f: int, score: Callable[[Pairs, Sequence[int]], Any]) -> list[float]:
    """The mean of the n - f rows with the least score, which takes all squared distances; the first of several."""
    n = len(rows)
    distances = [[squared_distance(x, y) for y in rows] for x in rows]
    best = min(combinations(range(n), n - f), key=lambda chosen: score(distances, chosen))
    return weighted_mean([rows[i] for i in best], [1.0] * (n - f))


def diameter(distances: Pairs, chosen: Sequence[int]) -> float:
    """The largest squared distance among the chosen rows."""
    return max((distances[i][j] for i, j in combinations(chosen, 2)), default=0.0)


def scatter(distances: Pairs, chosen: Sequence[int]) -> float:
    """The sum of the squared distances among the chosen rows."""
    return total(distances[i][j] for i, j in combinations(chosen, 2))


def mda(rows: Rows, f: int) -> list[float]:
    """The mean of the n - f rows with the least diameter; of several sets that with the least sum of squared distances.

    Of several again it is the first in lexicographic order. Source: El Mhamdi et al., ICML 2018 and PODC 2020, which
    take any set with the least diameter.
    """
    return first_least(rows, f, lambda distances, chosen: (diameter(distances, chosen), scatter(distances, chosen)))


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "least sum of distances": lambda rows, f: first_least(
        rows, f, lambda d, chosen: total(d[i][j] ** 0.5 for i, j in combinations(chosen, 2))
    ),
    "least variance": lambda rows, f: first_least(rows, f, scatter),
    "first of the least diameter": lambda rows, f: first_least(rows, f, diameter),
    "one row more": lambda rows, f: mda(rows, max(0, f - 1)),
}
