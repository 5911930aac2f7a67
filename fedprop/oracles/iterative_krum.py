"""Definition of the iterative Multi-Krum, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.krum import krum, ranking
from fedprop.oracles.vectors import Rows, weighted_mean


def iterative_krum(rows: Rows, f: int) -> list[float]:
    """While r > 2f + 2 rows are left, take out the best by r - f - 2 neighbours; the mean of those taken out.

    Source: Shejwalkar and Houmansadr, NDSS 2021; the authors' code.
    """
    return _one_by_one(rows, f, lambda r: r - f - 2, until=2 * f + 2)


def _one_by_one(rows: Rows, f: int, neighbours: Callable[[int], int], *, until: int) -> list[float]:
    left, taken = list(range(len(rows))), []
    while len(left) > until:
        best = ranking([rows[i] for i in left], max(1, neighbours(len(left))))[0]
        taken.append(rows[left.pop(best)])
    return weighted_mean(taken, [1.0] * len(taken))


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "scored once": lambda rows, f: krum(rows, f, len(rows) - 2 * f - 2),
    "n - f - 2 neighbours throughout": lambda rows, f: _one_by_one(
        rows, f, lambda r: min(r - 1, len(rows) - f - 2), until=2 * f + 2
    ),
    "one pick fewer": lambda rows, f: _one_by_one(rows, f, lambda r: r - f - 2, until=min(2 * f + 3, len(rows) - 1)),
}
