"""Definition of the coordinate-wise mean around the median, and how it has been misread."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.median import median_of
from fedprop.oracles.vectors import Row, Rows, mean_of


def around_median(values: Row, keep: int) -> float:
    """The mean of the `keep` values nearest to the median of all; the smaller of two that are equally near."""
    middle = median_of(values)
    return mean_of(sorted(values, key=lambda v: (abs(v - middle), v))[:keep])


def mean_around_median(rows: Rows, f: int) -> list[float]:
    """In each coordinate, the mean of the n - f values nearest to the median.

    Source: Xie, Koyejo and Gupta, "Generalized Byzantine-tolerant SGD", 2018, with beta = n - f.
    """
    return [around_median(column, len(rows) - f) for column in zip(*rows, strict=True)]


def _around(centre: Callable[[Row, int], float], *, fewer: int = 1) -> Any:
    """The mean around median with another centre, or of the n - `fewer` * f nearest values."""

    def misread(rows: Rows, f: int) -> list[float]:
        answer = []
        for column in zip(*rows, strict=True):
            middle = centre(column, f)
            near = sorted(column, key=lambda v: (abs(v - middle), v))[: len(rows) - fewer * f]
            answer.append(mean_of(near))
        return answer

    return misread


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "around the mean": _around(lambda column, f: math.fsum(column) / len(column)),
    "around the trimmed mean": _around(
        lambda column, f: math.fsum(sorted(column)[f : len(column) - f]) / (len(column) - 2 * f)
    ),
    "around the lower middle": _around(lambda column, f: sorted(column)[(len(column) - 1) // 2]),
    "n - 2f values": _around(lambda column, f: median_of(column), fewer=2),
}
