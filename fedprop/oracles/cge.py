"""Definition of comparative gradient elimination, and how it has been misread."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.vectors import Rows, weighted_mean


def shortest(rows: Rows, lengths: list[float], keep: int) -> list[float]:
    """The mean of the `keep` rows with the least lengths; of equal ones those with the smallest indices."""
    order = sorted(range(len(rows)), key=lambda i: (lengths[i], i))[:keep]
    return weighted_mean([rows[i] for i in order], [1.0] * keep)


def cge(rows: Rows, f: int) -> list[float]:
    """The mean of the n - f rows of least Euclidean length.

    Source: Gupta, Liu and Vaidya, DSN-W 2021.
    """
    return shortest(rows, [math.hypot(*row) for row in rows], len(rows) - f)


def _around_the_mean(rows: Rows, f: int) -> list[float]:
    """The n - f rows nearest to the mean."""
    mean = weighted_mean(rows, [1.0] * len(rows))
    return shortest(rows, [math.dist(row, mean) for row in rows], len(rows) - f)


def _clipped(rows: Rows, f: int) -> list[float]:
    """Long rows are cut to the length of the longest one kept, in place of being dropped."""
    lengths = [math.hypot(*row) for row in rows]
    bound = sorted(lengths)[len(rows) - f - 1]
    cut = [[v * min(1.0, bound / (length or 1.0)) for v in row] for row, length in zip(rows, lengths, strict=True)]
    return weighted_mean(cut, [1.0] * len(rows))


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "taxicab lengths": lambda rows, f: shortest(rows, [math.fsum(map(abs, row)) for row in rows], len(rows) - f),
    "the f shortest dropped too": lambda rows, f: weighted_mean(
        sorted(rows, key=lambda row: math.hypot(*row))[f : len(rows) - f], [1.0] * (len(rows) - 2 * f)
    ),
    "long rows cut": _clipped,
    "around the mean": _around_the_mean,
}
