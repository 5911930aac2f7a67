"""Definition of Min-Max by roots of quadratics, with what Min-Sum shares of it, and how it is misread.

Both send b + gamma p, with b the mean of the honest rows, p a direction against it and gamma as large as a bound
allows. The bounds are convex in gamma and kept at gamma = 0, so what they allow is an interval that ends at a root.
Source: Shejwalkar and Houmansadr, NDSS 2021, section IV.
"""

import math
from collections.abc import Callable

from fedprop.oracles.vectors import Rows, mean_of, squared_distance, total


def direction(rows: Rows, push: str) -> list[float]:
    """`unit`: -b / |b|; `deviation`: minus the sample deviation of each coordinate; `sign`: -sign(b)."""
    mean = _middle(rows)
    if push == "unit":
        length = math.sqrt(total([value * value for value in mean]))
        return [-value / length if length else 0.0 for value in mean]
    if push == "sign":
        return [float((value < 0) - (value > 0)) for value in mean]
    spread = [total([(row[j] - mean[j]) ** 2 for row in rows]) for j in range(len(mean))]
    return [-math.sqrt(value / (len(rows) - 1)) if len(rows) > 1 else 0.0 for value in spread]


def min_max(rows: Rows, push: str, start: float) -> list[float]:
    """max_i |b + gamma p - g_i| <= max_ij |g_i - g_j|, with gamma at most 2 `start`."""
    bound = max(squared_distance(x, y) for x in rows for y in rows)
    return pushed(rows, push, start, lambda mean, p: min(root([mean], [row], p, bound) for row in rows))


def last_tried(rows: Rows, push: str, start: float) -> list[float]:
    """Misread: what is sent is where the search ends, which was never tried, and so lies beyond the bound."""
    step = start
    allowed = min_max(rows, push, start)
    mean, p = _middle(rows), direction(rows, push)
    gamma = _strength(mean, p, allowed)
    tried = step
    while step > 1e-2:
        step /= 2
        tried += step if tried <= gamma else -step
    return [b + tried * d for b, d in zip(mean, p, strict=True)]


def _middle(rows: Rows) -> list[float]:
    return [mean_of(column) for column in zip(*rows, strict=True)]


def _strength(mean: list[float], p: list[float], row: list[float]) -> float:
    j = max(range(len(p)), key=lambda k: abs(p[k]))
    return (row[j] - mean[j]) / p[j] if p[j] else 0.0


def pushed(rows: Rows, push: str, start: float, largest: Callable[[list[float], list[float]], float]) -> list[float]:
    """The mean, moved along the direction as far as `largest` allows."""
    mean, p = _middle(rows), direction(rows, push)
    gamma = min(2 * start, largest(mean, p)) if any(p) else 0.0
    return [b + gamma * d for b, d in zip(mean, p, strict=True)]


def root(means: Rows, rows: Rows, p: list[float], bound: float) -> float:
    """The larger root of sum_i |b + gamma p - g_i|^2 = bound."""
    a = len(rows) * total([d * d for d in p])
    half = total(
        [d * (b - g) for mean, row in zip(means, rows, strict=True) for d, b, g in zip(p, mean, row, strict=True)]
    )
    c = total([squared_distance(mean, row) for mean, row in zip(means, rows, strict=True)]) - bound
    return (-half + math.sqrt(max(0.0, half * half - a * c))) / a


MISREADINGS = {"last tried": last_tried}
