"""Definition of Phocas, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.median import median_of
from fedprop.oracles.vectors import Row, Rows, mean_of


def nearest_to(centre: float, values: Row, keep: int) -> float:
    """The mean of the `keep` values nearest to a centre; the smaller of two that are equally near."""
    return mean_of(sorted(values, key=lambda v: (abs(v - centre), v))[:keep])


def phocas(rows: Rows, f: int) -> list[float]:
    """In each coordinate, the mean of the n - f values nearest to the mean of the values without f at either end.

    Source: Xie, Koyejo and Gupta, "Phocas: dimensional Byzantine-resilient stochastic gradient descent", 2018.
    """
    n = len(rows)
    return [nearest_to(mean_of(sorted(column)[f : n - f]), column, n - f) for column in zip(*rows, strict=True)]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "around the median": lambda rows, f: [
        nearest_to(median_of(column), column, len(rows) - f) for column in zip(*rows, strict=True)
    ],
    "around the mean": lambda rows, f: [
        nearest_to(mean_of(column), column, len(rows) - f) for column in zip(*rows, strict=True)
    ],
    "n - 2f values": lambda rows, f: [
        nearest_to(mean_of(sorted(column)[f : len(rows) - f]), column, len(rows) - 2 * f)
        for column in zip(*rows, strict=True)
    ],
    "the trimmed mean itself": lambda rows, f: [
        mean_of(sorted(column)[f : len(rows) - f]) for column in zip(*rows, strict=True)
    ],
}
