"""Definition of FABA, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.vectors import Rows, squared_distance, total, weighted_mean, within_reach


def mean_row(rows: Rows) -> list[float]:
    """The mean of the rows."""
    return weighted_mean(rows, [1.0] * len(rows))


def faba(rows: Rows, f: int) -> list[float]:
    """Delete f times the row farthest from the mean of the rows left, the first of several; then take their mean.

    Source: Xia et al., IJCAI 2019, Algorithm 1.
    """
    left = list(rows)
    for _ in range(f):
        seen = within_reach(left)
        mean = mean_row(seen)
        scores = [squared_distance(row, mean) for row in seen]
        left.pop(scores.index(max(scores)))
    return mean_row(left)


def _all_at_once(rows: Rows, f: int) -> list[float]:
    """Without the f rows farthest from the first mean."""
    mean = mean_row(rows)
    order = sorted(range(len(rows)), key=lambda i: (-squared_distance(rows[i], mean), i))
    return mean_row([rows[i] for i in sorted(order[f:])])


def _summed_distances(rows: Rows, f: int) -> list[float]:
    """Each time without the row whose distances to the rows left have the largest sum."""
    left = list(rows)
    for _ in range(f):
        scores = [total(squared_distance(x, y) ** 0.5 for y in left) for x in left]
        left.pop(scores.index(max(scores)))
    return mean_row(left)


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "all at once": _all_at_once,
    "summed distances": _summed_distances,
    "one row too few deleted": lambda rows, f: faba(rows, max(0, f - 1)),
}
