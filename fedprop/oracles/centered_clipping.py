"""Definition of centered clipping."""

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
