"""Definition of Cao and Lai's rule, and how it has been misread."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.vectors import Row, Rows, weighted_mean


def away(x: Row, y: Row) -> float:
    """The distance between x and y."""
    return math.hypot(*(a - b for a, b in zip(x, y, strict=True)))


def cao_lai(rows: Rows, reference: Row, xi: float, weight: float = 1.0) -> list[float]:
    """The mean of g_0, which counts `weight`, and the rows g_i with ||g_i - g_0|| <= xi ||g_0||, which count 1.

    Source: Cao and Lai, IEEE Transactions on Signal Processing 67:22, 2019, Algorithm 1; reconstructed.
    """
    near = [float(away(x, reference) <= xi * math.hypot(*reference)) for x in rows]
    return weighted_mean([*rows, reference], [*near, weight])


def _accepting(near: Callable[[Row, Row, float], bool]) -> Any:
    """The rule with another test of a row x against the reference r."""

    def misread(rows: Rows, reference: Row, xi: float, weight: float = 1.0) -> list[float]:
        accepted = [float(near(x, reference, xi)) for x in rows]
        return weighted_mean([*rows, reference], [*accepted, weight])

    return misread


def _without(rows: Rows, reference: Row, xi: float, weight: float = 1.0) -> list[float]:
    near = [float(away(x, reference) <= xi * math.hypot(*reference)) for x in rows]
    return weighted_mean(rows, near) if any(near) else list(reference)


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "a ball of radius xi": _accepting(lambda x, r, xi: away(x, r) <= xi),
    "in proportion to the row": _accepting(lambda x, r, xi: away(x, r) <= xi * math.hypot(*x)),
    "squared distance": _accepting(lambda x, r, xi: away(x, r) ** 2 <= xi * math.hypot(*r)),
    "far rows": _accepting(lambda x, r, xi: away(x, r) > xi * math.hypot(*r)),
    "rows that are short enough": _accepting(lambda x, r, xi: math.hypot(*x) <= xi * math.hypot(*r)),
    "the reference does not count": _without,
    "the reference alone": lambda rows, reference, xi, weight=1.0: list(reference),
}
"""Wrong readings."""
