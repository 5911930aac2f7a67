"""Definition of the iterative Multi-Krum, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.krum import krum, one_by_one
from fedprop.oracles.vectors import Rows, weighted_mean


def iterative_krum(rows: Rows, f: int) -> list[float]:
    """While r > 2f + 2 rows are left, take out the best by r - f - 2 neighbours; the mean of those taken out.

    Source: Shejwalkar and Houmansadr, NDSS 2021; the authors' code.
    """
    return _mean_of_picks(rows, lambda r: r - f - 2, until=2 * f + 2)


def _mean_of_picks(rows: Rows, neighbours: Callable[[int], int], *, until: int) -> list[float]:
    taken = [rows[i] for i in one_by_one(rows, neighbours, until=until)]
    return weighted_mean(taken, [1.0] * len(taken))


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "scored once": lambda rows, f: krum(rows, f, len(rows) - 2 * f - 2),
    "n - f - 2 neighbours throughout": lambda rows, f: _mean_of_picks(
        rows, lambda r: min(r - 1, len(rows) - f - 2), until=2 * f + 2
    ),
    "one pick fewer": lambda rows, f: _mean_of_picks(rows, lambda r: r - f - 2, until=min(2 * f + 3, len(rows) - 1)),
}
