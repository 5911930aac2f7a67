"""The little linear algebra that the definitions need, on lists of floats; right for rows of any finite size."""

import math
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Row: TypeAlias = Sequence[float]
Rows: TypeAlias = Sequence[Row]


def total(values: Iterable[float]) -> float:
    """The sum of values of one sign; infinite if it is beyond floats."""
    values = list(values)
    try:
        return math.fsum(values)
    except OverflowError:
        return math.copysign(math.inf, values[0])


def mean_of(values: Sequence[float]) -> float:
    """The mean, whose sum may be beyond floats."""
    try:
        return math.fsum(values) / len(values)
    except OverflowError:
        return 2 * math.fsum(v / 2 / len(values) for v in values)


def middle_of(rows: Rows, start: int, stop: int) -> list[float]:
    """In each coordinate, the mean of the ordered values from `start` to before `stop`."""
    kept = [sorted(column)[start:stop] for column in zip(*rows, strict=True)]
    return [mean_of(values) for values in kept]


def squared_distance(x: Row, y: Row) -> float:
    """||x - y||^2, by subtracting first; infinite if it is beyond floats."""
    return total((a - b) * (a - b) for a, b in zip(x, y, strict=True))


def within_reach(rows: Rows) -> Rows:
    """The rows, in units of a power of two if sums of their squares would be beyond floats.

    What is lost then is less than a digit of the longest row; of rows that are left without it nothing is.
    """
    largest = max(abs(v) for row in rows for v in row)
    if not largest > 0 or 1e-100 < largest < 1e100:
        return rows
    power = math.frexp(largest)[1]
    return [[math.ldexp(v, -power) for v in row] for row in rows]


def direction(x: Row) -> list[float]:
    """The row x at length 1, whatever its own; zero stays zero."""
    largest = max(abs(v) for v in x)
    if largest == 0:
        return list(x)
    sized = [v / largest for v in x]
    length = math.hypot(*sized)
    return [v / length for v in sized]


def cut(x: Row, length: float) -> list[float]:
    """The row x if it is no longer than that, or else its direction at that length."""
    return list(x) if math.hypot(*x) <= length else [v * length for v in direction(x)]


def weighted_mean(rows: Rows, weights: Row) -> list[float]:
    """Sum of weights[i] * rows[i], divided by the sum of the weights."""
    whole = math.fsum(weights)
    return [_weighted(column, weights, whole) for column in zip(*rows, strict=True)]


def _weighted(values: Row, weights: Row, whole: float) -> float:
    try:
        return math.fsum(w * v for w, v in zip(weights, values, strict=True)) / whole
    except OverflowError:
        return 2 * math.fsum(w / whole * (v / 2) for w, v in zip(weights, values, strict=True))
