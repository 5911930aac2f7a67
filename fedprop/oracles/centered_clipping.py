"""Definition of centered clipping, and how it has been misread."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.vectors import Row, Rows, cut, mean_of


def step(rows: Rows, radius: float, v: Row) -> list[float]:
    """One step from v: v + mean of (x_i - v) min(1, radius / ||x_i - v||)."""
    ways = [[a - b for a, b in zip(x, v, strict=True)] for x in rows]
    moves = zip(*[cut(way, radius) for way in ways], strict=True)
    return [b + mean_of(column) for b, column in zip(v, moves, strict=True)]


def centered_clipping(rows: Rows, radius: float, iterations: int = 1, centre: Row | None = None) -> list[float]:
    """`iterations` steps from `centre`, or from zero.

    Source: Karimireddy et al., ICML 2021, Algorithm 2, with radius = tau.
    """
    v = [0.0] * len(rows[0]) if centre is None else list(centre)
    for _ in range(iterations):
        v = step(rows, radius, v)
    return v


def _clipping(move: Callable[[Row, float], Row]) -> Any:
    """Centered clipping whose rows, at `way` from v, pull by `move(way, radius)` instead."""

    def misread(rows: Rows, radius: float, iterations: int = 1) -> list[float]:
        v = [0.0] * len(rows[0])
        for _ in range(iterations):
            moves = [move([a - b for a, b in zip(x, v, strict=True)], radius) for x in rows]
            v = [b + math.fsum(column) / len(rows) for b, column in zip(v, zip(*moves, strict=True), strict=True)]
        return v

    return misread


def _scaled(way: Row, factor: float) -> Row:
    return [factor * w for w in way]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "coordinate by coordinate": _clipping(lambda way, radius: [max(-radius, min(radius, w)) for w in way]),
    "short ways lengthened": _clipping(
        lambda way, radius: _scaled(way, radius / math.hypot(*way) if any(way) else 1.0)
    ),
    "squared distances": _clipping(
        lambda way, radius: _scaled(way, min(1.0, radius / math.hypot(*way) ** 2) if any(way) else 1.0)
    ),
    "far rows left out": _clipping(lambda way, radius: _scaled(way, float(math.hypot(*way) <= radius))),
    "nothing cut": _clipping(lambda way, radius: way),
}
