"""Definition of adaptive robust clipping, and how it has been misread."""

import math
from collections.abc import Callable, Mapping

from fedprop.oracles.vectors import Rows, cut


def adaptive_clipping(rows: Rows, f: int) -> list[list[float]]:
    """Each row is cut to the (k + 1)-th longest length, k = floor(2 (f / n) (n - f)).

    Source: Allouah et al., ICLR 2025, Algorithm 2.
    """
    n = len(rows)
    return _to_place(rows, 2 * f * (n - f) // n)


def _to_place(rows: Rows, place: int) -> list[list[float]]:
    bound = sorted((math.hypot(*x) for x in rows), reverse=True)[place]
    return [cut(x, bound) for x in rows]


MISREADINGS: Mapping[str, Callable[..., list[list[float]]]] = {
    "the k-th longest": lambda rows, f: _to_place(rows, max(0, 2 * f * (len(rows) - f) // len(rows) - 1)),
    "f rows": lambda rows, f: _to_place(rows, f),
    "2f rows": lambda rows, f: _to_place(rows, min(2 * f, len(rows) - 1)),
    "the median length": lambda rows, f: _to_place(rows, len(rows) // 2),
}
