"""Definition of Krum and Multi-Krum, and how it has been misread."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.vectors import Row, Rows, squared_distance, total, weighted_mean


def score(rows: Rows, i: int, neighbours: int) -> float:
    """s(i): the sum of the squared distances from row i to the `neighbours` other rows nearest to it."""
    others = sorted(squared_distance(rows[i], rows[j]) for j in range(len(rows)) if j != i)
    return total(others[:neighbours])


def ranking(rows: Rows, neighbours: int) -> list[int]:
    """Row indices from the best score to the worst; the smaller index first where scores are equal."""
    return sorted(range(len(rows)), key=lambda i: (score(rows, i, neighbours), i))


def one_by_one(rows: Rows, neighbours: Callable[[int], int], *, until: int) -> list[int]:
    """The indices of the rows that Krum picks, in that order, each time from those that are left, `until` so many are.

    With r rows left a score counts `neighbours(r)` of them, and at least one. Of equal scores the row goes first that
    stands first in the first ranking.
    """
    places = ranking(rows, max(1, neighbours(len(rows))))
    taken: list[int] = []
    while len(places) > until:
        best = ranking([rows[i] for i in places], max(1, neighbours(len(places))))[0]
        taken.append(places.pop(best))
    return taken


def krum(rows: Rows, f: int, m: int = 1) -> list[float]:
    """The mean of the m rows with the smallest s(i), each over n - f - 2 neighbours.

    Source: Blanchard et al., NeurIPS 2017, Section 4; m = 1 is Krum.
    """
    best = ranking(rows, len(rows) - f - 2)[:m]
    return weighted_mean([rows[i] for i in best], [1.0] * m)


def _krum(distance: Callable[[Row, Row], float], neighbours: Callable[[int, int], int], *, itself: bool = False) -> Any:
    """Krum with another distance, another number of neighbours, or each row among its own neighbours."""

    def misread(rows: Rows, f: int, m: int = 1) -> list[float]:
        n = len(rows)
        scores = []
        for i in range(n):
            others = sorted(distance(rows[i], rows[j]) for j in range(n) if itself or j != i)
            scores.append(total(others[: max(1, neighbours(n, f))]))
        best = sorted(range(n), key=lambda i: (scores[i], i))[:m]
        return weighted_mean([rows[i] for i in best], [1.0] * m)

    return misread


def _plain(x: Row, y: Row) -> float:
    return math.dist(x, y)


def _fourth_power(x: Row, y: Row) -> float:
    square = squared_distance(x, y)
    return square * square


def _taxicab(x: Row, y: Row) -> float:
    return math.fsum(abs(a - b) for a, b in zip(x, y, strict=True))


def _blanchard(n: int, f: int) -> int:
    return n - f - 2


def _last_of_equals(rows: Rows, f: int, m: int = 1) -> list[float]:
    order = ranking(rows[::-1], len(rows) - f - 2)[:m]
    return weighted_mean([rows[::-1][i] for i in order], [1.0] * m)


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "plain distances": _krum(_plain, _blanchard),
    "distances squared twice": _krum(_fourth_power, _blanchard),
    "L1 distances": _krum(_taxicab, _blanchard),
    "itself as neighbour": _krum(squared_distance, _blanchard, itself=True),
    "n - f - 1 neighbours": _krum(squared_distance, lambda n, f: n - f - 1),
    "n - f neighbours": _krum(squared_distance, lambda n, f: n - f),
    "f + 1 neighbours": _krum(squared_distance, lambda n, f: f + 1),
    "the last of equal scores": _last_of_equals,
}
