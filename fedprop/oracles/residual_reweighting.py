"""Definition of residual-based reweighting, and how it has been misread."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fedprop.oracles.median import median_of
from fedprop.oracles.vectors import Row, Rows, mean_of, weighted_mean

Line = Callable[[Sequence[float]], list[float]]


def repeated_median_slope(y: Sequence[float]) -> float:
    """The median over i of the median over k of the slope from y_i to y_k, of ordered values y_0 <= y_1 <= ..."""
    n = len(y)
    return 2 * median_of([median_of([(y[i] / 2 - y[k] / 2) / (i - k) for k in range(n) if k != i]) for i in range(n)])


def repeated_median_line(y: Sequence[float]) -> list[float]:
    """The values a + b i of the repeated median line through ordered values."""
    slope, middle = repeated_median_slope(y), (len(y) - 1) / 2
    return [median_of(y) + slope * (i - middle) for i in range(len(y))]


def judged(column: Row, lambda_: float, delta: float, epsilon: float, line_of: Line) -> tuple[list[float], list[float]]:
    """The confidence in each value of a coordinate, and the values, those below delta replaced by the line's."""
    n = len(column)
    order = sorted(range(n), key=lambda i: (column[i], i))
    line = line_of([column[i] for i in order])
    residuals = [abs(column[i] - at) for i, at in zip(order, line, strict=True)]
    tau = 1.4826 * (1 + 5 / (n - 1)) * median_of(sorted(residuals)[1:]) + epsilon
    middle = (n - 1) / 2
    scatter = math.fsum((rank - middle) ** 2 for rank in range(n))
    confident, corrected = [0.0] * n, [0.0] * n
    for rank, i in enumerate(order):
        free = math.sqrt(max(0.0, 1 - 1 / n - (rank - middle) ** 2 / scatter))
        trusted = lambda_ * math.sqrt(2 / n) * free * tau
        confident[i] = 1.0 if residuals[rank] == 0 else min(1.0, trusted / residuals[rank])
        corrected[i] = column[i] if confident[i] >= delta else line[rank]
    return confident, corrected


def deviation(values: Sequence[float]) -> float:
    """The standard deviation of a sample."""
    mean = mean_of(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def residual_reweighting(
    rows: Rows,
    lambda_: float = 2.0,
    delta: float = 0.1,
    epsilon: float = 1e-7,
    power: int = 2,
    line_of: Line = repeated_median_line,
    by_deviation: bool = True,
) -> list[float]:
    """sum_i W_i y_i of corrected values; W_i = (w_i / max w)^power over their sum, w_i = sum_j omega_ij std(omega_j).

    Source: Fu, Xie, Li and Chen 2019 and the authors' code. Where all w are zero they count alike.
    """
    n = len(rows)
    if n < 3:
        return [mean_of(column) for column in zip(*rows, strict=True)]
    columns = [judged(column, lambda_, delta, epsilon, line_of) for column in zip(*rows, strict=True)]
    spreads = [deviation(confident) if by_deviation else 1.0 for confident, _ in columns]
    weights = [math.fsum(c[i] * spread for (c, _), spread in zip(columns, spreads, strict=True)) for i in range(n)]
    weights = weights if any(weights) else [1.0] * n
    powers = [(w / max(weights)) ** power for w in weights]
    return weighted_mean([[values[i] for _, values in columns] for i in range(n)], powers)


def _flat(y: Sequence[float]) -> list[float]:
    """The median in place of a line, a variant of the authors."""
    return [median_of(y)] * len(y)


def _least_squares(y: Sequence[float]) -> list[float]:
    n, middle = len(y), (len(y) - 1) / 2
    slope = sum((i - middle) * v for i, v in enumerate(y)) / sum((i - middle) ** 2 for i in range(n))
    return [mean_of(y) + slope * (i - middle) for i in range(n)]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "around the median": lambda rows, power=2, lambda_=2.0: residual_reweighting(
        rows, lambda_, power=power, line_of=_flat
    ),
    "around a least squares line": lambda rows, power=2, lambda_=2.0: residual_reweighting(
        rows, lambda_, power=power, line_of=_least_squares
    ),
    "nothing replaced": lambda rows, power=2, lambda_=2.0: residual_reweighting(rows, lambda_, 0.0, power=power),
    "deviations left out": lambda rows, power=2, lambda_=2.0: residual_reweighting(
        rows, lambda_, power=power, by_deviation=False
    ),
    "other power": lambda rows, power=2, lambda_=2.0: residual_reweighting(rows, lambda_, power=3 - power),
}
