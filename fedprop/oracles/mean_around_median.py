"""Definition of the coordinate-wise mean around the median."""

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
