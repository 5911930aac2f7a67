"""Definition of the geometric median of means, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.geometric_median import geometric_median
from fedprop.oracles.median import median
from fedprop.oracles.vectors import Rows, mean_of


def batches_of(rows: Rows, k: int) -> list[list[list[float]]]:
    """The rows in k batches of neighbours, the first of which hold one more where k does not divide their number."""
    each, over = divmod(len(rows), k)
    left = [list(x) for x in rows]
    batches = []
    for batch in range(k):
        size = each + 1 if batch < over else each
        batches.append(left[:size])
        left = left[size:]
    return batches


def means_of(batches: list[list[list[float]]]) -> list[list[float]]:
    """The mean of each batch."""
    return [[mean_of(column) for column in zip(*batch, strict=True)] for batch in batches]


def geometric_median_of_means(rows: Rows, k: int) -> list[float]:
    """The point z with the least sum of ||z - m_l||, m_l the mean of batch l of k.

    Source: Chen, Su and Xu 2017, Algorithm 2.
    """
    return geometric_median(means_of(batches_of(rows, k)))


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "median by coordinate": lambda rows, k: median(means_of(batches_of(rows, k))),
    "batches of k rows": lambda rows, k: geometric_median(
        means_of([[list(x) for x in rows[i : i + k]] for i in range(0, len(rows), k)])
    ),
    "every k-th row": lambda rows, k: geometric_median(means_of([[list(x) for x in rows[i::k]] for i in range(k)])),
    "no batches": lambda rows, k: geometric_median(rows),
    "sums in place of means": lambda rows, k: geometric_median(
        [[sum(column) for column in zip(*batch, strict=True)] for batch in batches_of(rows, k)]
    ),
}
