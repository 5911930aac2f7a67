"""Definition of the mean, and how it has been misread."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.vectors import Row, Rows, weighted_mean


def mean(rows: Rows, weights: Row | None = None, divisor: int | None = None) -> list[float]:
    """sum_i w_i x_i / sum_i w_i; all w_i = 1 unless given (McMahan et al., AISTATS 2017, Algorithm 1).

    With a divisor, sum_i x_i / divisor (McMahan et al., ICLR 2018, Section 2.2).
    """
    if divisor is not None:
        return [v * (len(rows) / divisor) for v in weighted_mean(rows, [1.0] * len(rows))]
    return weighted_mean(rows, weights or [1.0] * len(rows))


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "sum": lambda rows: [math.fsum(column) for column in zip(*rows, strict=True)],
}
