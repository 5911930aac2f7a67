"""Definition of Aksel, and how it has been misread."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.median import median
from fedprop.oracles.vectors import Row, Rows, weighted_mean


def nearest(rows: Rows, point: Row, keep: int) -> list[float]:
    """The mean of the `keep` rows nearest to a point; of rows as near, those with the smallest indices."""
    distances = [math.hypot(*(a / 2 - b / 2 for a, b in zip(row, point, strict=True))) for row in rows]
    order = sorted(range(len(rows)), key=lambda i: (distances[i], i))[:keep]
    return weighted_mean([rows[i] for i in order], [1.0] * keep)


def aksel(rows: Rows, f: int | None = None) -> list[float]:
    """The mean of the n - f rows nearest to the coordinate-wise median; without f, of half the rows, rounded up.

    Source: Boussetta et al., OPODIS 2020.
    """
    n = len(rows)
    return nearest(rows, median(rows), (n + 1) // 2 if f is None else n - f)


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "around the mean": lambda rows, f=None: nearest(
        rows, weighted_mean(rows, [1.0] * len(rows)), (len(rows) + 1) // 2 if f is None else len(rows) - f
    ),
    "half, rounded down": lambda rows, f=None: nearest(
        rows, median(rows), len(rows) // 2 if f is None else max(1, len(rows) - f - 1)
    ),
    "the median itself": lambda rows, f=None: median(rows),
}
