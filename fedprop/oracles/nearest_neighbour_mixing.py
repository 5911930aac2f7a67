"""Definition of nearest-neighbour mixing, and how it has been misread."""

from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.vectors import Rows, squared_distance, weighted_mean


def nearest_neighbour_mixing(rows: Rows, f: int) -> list[list[float]]:
    """Each row becomes the mean of the n - f rows nearest to it, itself among them; smaller indices first if tied.

    Source: Allouah et al., AISTATS 2023, Algorithm 2.
    """
    keep = len(rows) - f
    mixed = []
    for x in rows:
        near = sorted(range(len(rows)), key=lambda j: (squared_distance(x, rows[j]), j))[:keep]
        mixed.append(weighted_mean([rows[j] for j in near], [1.0] * keep))
    return mixed


def _without_itself(rows: Rows, f: int) -> list[list[float]]:
    """Mixing with the n - f nearest other rows."""
    mixed = []
    for i, x in enumerate(rows):
        others = sorted((j for j in range(len(rows)) if j != i), key=lambda j: (squared_distance(x, rows[j]), j))
        near = others[: len(rows) - f]
        mixed.append(weighted_mean([rows[j] for j in near], [1.0] * len(near)) if near else list(x))
    return mixed


MISREADINGS: Mapping[str, Callable[..., Any]] = {"without itself": _without_itself}
