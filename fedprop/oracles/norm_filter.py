"""Definition of the norm filter, and how it has been misread."""

import math
from collections.abc import Callable, Mapping

from fedprop.oracles.vectors import Row, Rows


def norm_filter(rows: Rows, lower: float = 0.1, upper: float = 3.0) -> list[list[float]]:
    """The rows with lower < ||x|| / M < upper, M the median of the lengths; of an even number the mean of the two.

    Source: Xu et al., ICDCS 2022, Algorithm 2, line 3. A row with ||x|| = M stays, so that M = 0 leaves the zeros.
    """
    return _between(rows, _median([math.hypot(*x) for x in rows]), lower, upper)


def _between(rows: Rows, middle: float, lower: float, upper: float) -> list[list[float]]:
    def kept(x: Row) -> bool:
        length = math.hypot(*x)
        return length == middle or lower * middle < length < upper * middle

    return [list(x) for x in rows if kept(x)]


def _median(values: list[float]) -> float:
    ordered, n = sorted(values), len(values)
    return ordered[(n - 1) // 2] / 2 + ordered[n // 2] / 2


def _mean_length(rows: Rows, lower: float = 0.1, upper: float = 3.0) -> list[list[float]]:
    """The bounds are multiples of the mean length, which one long row moves."""
    found = [math.hypot(*x) for x in rows]
    kept = _between(rows, math.fsum(length / len(found) for length in found), lower, upper)
    return kept or [list(x) for x in rows]


def _long_alone(rows: Rows, lower: float = 0.1, upper: float = 3.0) -> list[list[float]]:
    """Short rows are kept."""
    return _between(rows, _median([math.hypot(*x) for x in rows]), -1.0, upper)


def _clipped(rows: Rows, lower: float = 0.1, upper: float = 3.0) -> list[list[float]]:
    """Long rows are cut to the bound in place of being dropped."""
    middle = _median([math.hypot(*x) for x in rows])
    sized = [[v * min(1.0, upper * middle / (math.hypot(*x) or 1.0)) for v in x] for x in rows]
    return _between(sized, middle, lower, upper * 1.001)


MISREADINGS: Mapping[str, Callable[..., list[list[float]]]] = {
    "of the mean length": _mean_length,
    "short rows kept": _long_alone,
    "long rows cut": _clipped,
}
