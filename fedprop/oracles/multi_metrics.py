"""Definition of Multi-metrics, and how it has been misread."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from fedprop.oracles.afa import apart
from fedprop.oracles.vectors import Row, Rows, weighted_mean

CONSTANT = 1e-9
"""What varies less than this share of its size, or of the most varied mixture, does so by rounding."""

TIE = 1e-9
"""Scores closer than this share of the largest are equal."""


ALIGNED = 1e-20
"""Rows whose 1 - cos is smaller point the same way."""


def angle(x: Row, y: Row) -> float:
    """1 - cos, without what rounding makes of rows that point the same way."""
    return found if (found := apart(x, y)) >= ALIGNED else 0.0


def three_sums(rows: Rows) -> list[list[float]]:
    """For each row, over all others: the sum of (1 - cos)^2, of Manhattan distances, of differences of lengths."""
    largest = max(abs(v) for x in rows for v in x) or 1.0
    sized = [[v / largest for v in x] for x in rows]
    lengths = [math.hypot(*x) for x in sized]
    indices = range(len(rows))
    return [
        [
            math.fsum(angle(rows[i], rows[j]) ** 2 for j in indices if j != i),
            math.fsum(abs(a - b) for x in sized for a, b in zip(sized[i], x, strict=True)),
            math.fsum(abs(lengths[i] - length) for length in lengths),
        ]
        for i in indices
    ]


def whitened(numbers: Sequence[Sequence[float]]) -> list[float]:
    """Z' C^-1 z for each z, C the covariance of all, inverted where it is not zero but for rounding."""
    z = np.array(numbers)
    deviation = z.std(axis=0)
    varied = deviation > CONSTANT * abs(z).max(axis=0)
    if not varied.any():
        return [0.0] * len(z)
    z = z[:, varied] / deviation[varied]
    inverse = np.linalg.pinv(np.cov(z, rowvar=False, bias=True).reshape(z.shape[1], -1), rcond=CONSTANT, hermitian=True)
    return [float(row @ inverse @ row) for row in z]


def best(scores: Sequence[float], count: int) -> list[int]:
    """The rows with the lowest scores, the first ones of those that are equal to the last lowest."""
    last, reach = sorted(scores)[count - 1], TIE * max(abs(score) for score in scores)
    sure = [i for i, score in enumerate(scores) if score < last - reach]
    equal = [i for i, score in enumerate(scores) if abs(score - last) <= reach]
    return [*sure, *equal[: count - len(sure)]]


def mean_of_best(rows: Rows, scores: Sequence[float], p: float) -> list[float]:
    """The mean of the share p with the lowest scores, rounded down, and at least one."""
    kept = best(scores, max(1, math.floor(p * len(rows) + TIE)))
    return weighted_mean([rows[i] for i in kept], [1.0] * len(kept))


def multi_metrics(rows: Rows, p: float = 0.3) -> list[float]:
    """The mean of the share p of rows with the lowest z' C^-1 z, z the three sums of each row.

    Source: Huang et al., ICCV 2023, Algorithm 1; the sums as in the authors' code. A factor of the covariance, such as
    n / (n - 1), changes no order.
    """
    return mean_of_best(rows, whitened(three_sums(rows)), p)


def _not_whitened(rows: Rows, p: float) -> list[float]:
    """The squares of the three sums are added as they are."""
    return mean_of_best(rows, [math.fsum(v * v for v in z) for z in three_sums(rows)], p)


def _centred(rows: Rows, p: float) -> list[float]:
    """The distance of Mahalanobis, from the mean of all z."""
    z = np.array(three_sums(rows))
    deviation = z.std(axis=0)
    varied = deviation > CONSTANT * abs(z).max(axis=0)
    z = (z - z.mean(axis=0))[:, varied] / deviation[varied]
    if z.size == 0:
        return mean_of_best(rows, [0.0] * len(rows), p)
    inverse = np.linalg.pinv(z.T @ z / len(z), rcond=CONSTANT, hermitian=True)
    return mean_of_best(rows, [float(row @ inverse @ row) for row in z], p)


def _highest(rows: Rows, p: float) -> list[float]:
    return mean_of_best(rows, [-score for score in whitened(three_sums(rows))], p)


MISREADINGS: Mapping[str, Callable[..., list[float]]] = {
    "not whitened": _not_whitened,
    "from the mean of the metrics": _centred,
    "the highest scores": _highest,
}
