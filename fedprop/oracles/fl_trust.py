"""Definition of FLTrust."""

import math

from fedprop.oracles.vectors import Row, Rows, direction, weighted_mean


def cosine(x: Row, y: Row) -> float:
    """The cosine of the angle between x and y; 0 if one of them is zero."""
    return math.fsum(a * b for a, b in zip(direction(x), direction(y), strict=True))


def rescaled(x: Row, length: float) -> list[float]:
    """The row x at this length; zero stays zero."""
    return [v * length for v in direction(x)]


def fl_trust(rows: Rows, reference: Row) -> list[float]:
    """Rows at the length of the reference, averaged by TS_i = max(0, cosine); zero if every TS_i is.

    Source: Cao et al., NDSS 2021, Section IV-B and Algorithm 2.
    """
    scores = [max(0.0, cosine(x, reference)) for x in rows]
    if not any(scores):
        return [0.0] * len(reference)
    return weighted_mean([rescaled(x, math.hypot(*reference)) for x in rows], scores)
