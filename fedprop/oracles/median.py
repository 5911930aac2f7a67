"""Definition of the coordinate-wise median, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.vectors import Row, Rows, middle_of


def median_of(values: Row) -> float:
    """The middle value, or the mean of the two middle values of an even count."""
    ordered = sorted(values)
    n = len(ordered)
    return ordered[n // 2] if n % 2 == 1 else 0.5 * ordered[n // 2 - 1] + 0.5 * ordered[n // 2]


def median(rows: Rows) -> list[float]:
    """The median of each coordinate (Yin et al., ICML 2018, Definition 1)."""
    return [median_of(column) for column in zip(*rows, strict=True)]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "lower middle": lambda rows: middle_of(rows, (len(rows) - 1) // 2, (len(rows) - 1) // 2 + 1),
    "upper middle": lambda rows: middle_of(rows, len(rows) // 2, len(rows) // 2 + 1),
}
