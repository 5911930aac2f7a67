"""Definition of centered clipping."""

import math

from fedprop.oracles.vectors import Row, Rows


def step(rows: Rows, radius: float, v: Row) -> list[float]:
    """One step from v: v + mean of (x_i - v) min(1, radius / ||x_i - v||)."""
    ways = [[a - b for a, b in zip(x, v, strict=True)] for x in rows]
    factors = [min(1.0, radius / length) if (length := math.hypot(*way)) > 0 else 1.0 for way in ways]
    moves = [math.fsum(c * w for c, w in zip(factors, column, strict=True)) for column in zip(*ways, strict=True)]
    return [b + move / len(rows) for b, move in zip(v, moves, strict=True)]


def centered_clipping(rows: Rows, radius: float, iterations: int = 1, centre: Row | None = None) -> list[float]:
    """So many steps from `centre`, or from zero.

    Source: Karimireddy et al., ICML 2021, Algorithm 2, with radius = tau.
    """
    v = [0.0] * len(rows[0]) if centre is None else list(centre)
    for _ in range(iterations):
        v = step(rows, radius, v)
    return v
