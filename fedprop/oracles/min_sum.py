"""Definition of Min-Sum by the root of a quadratic, and how its bound is misread.

Source: Shejwalkar and Houmansadr, NDSS 2021, section IV.
"""

from fedprop.oracles.min_max import pushed, root
from fedprop.oracles.vectors import Rows, squared_distance, total


def min_sum(rows: Rows, push: str, start: float) -> list[float]:
    """sum_i |b + gamma p - g_i|^2 <= max_i sum_j |g_i - g_j|^2, with gamma at most 2 `start`."""
    bound = max(total([squared_distance(x, y) for y in rows]) for x in rows)
    return pushed(rows, push, start, lambda mean, p: root([mean] * len(rows), rows, p, bound))


def below_the_smallest(rows: Rows, push: str, start: float) -> list[float]:
    """Misread: the smallest of the sums for the largest, as in the code of the paper."""
    bound = min(total([squared_distance(x, y) for y in rows]) for x in rows)
    return pushed(rows, push, start, lambda mean, p: root([mean] * len(rows), rows, p, bound))


MISREADINGS = {"below the smallest": below_the_smallest}
