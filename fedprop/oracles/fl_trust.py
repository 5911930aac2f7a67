"""Definition of FLTrust, and how it has been misread."""

import math
from collections.abc import Callable, Mapping
from typing import Any

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


def _trust(
    *,
    score: Callable[[float], float] = lambda c: max(0.0, c),
    scale: Callable[[Row, Row], Row] = lambda x, g: rescaled(x, math.hypot(*g)),
    total: Callable[[Row], float] = math.fsum,
) -> Any:
    """FLTrust with another score of the cosine, other lengths of the rows, or another divisor of their sum."""

    def misread(rows: Rows, reference: Row) -> list[float]:
        scores = [score(cosine(x, reference)) for x in rows]
        scaled = zip(*(scale(x, reference) for x in rows), strict=True)
        sums = [math.fsum(w * v for w, v in zip(scores, column, strict=True)) for column in scaled]
        return [v / (total(scores) or 1.0) for v in sums]

    return misread


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "negative scores kept": _trust(score=lambda c: c),
    "absolute scores": _trust(score=abs),
    "trusted rows count alike": _trust(score=lambda c: float(c > 0)),
    "lengths kept": _trust(scale=lambda x, g: x),
    "long rows alone cut": _trust(scale=lambda x, g: rescaled(x, min(math.hypot(*x), math.hypot(*g)))),
    "divided by n": _trust(total=lambda scores: float(len(scores))),
    "the reference counts as a row": lambda rows, reference: _trust()([*rows, reference], reference),
}
