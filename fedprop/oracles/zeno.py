"""Definition of Zeno."""

import math
from collections.abc import Callable, Mapping

from fedprop.oracles.vectors import Row, Rows, squared_distance, weighted_mean

Loss = Callable[[Row], float]


def squared_length(x: Row) -> float:
    """||x||^2."""
    return squared_distance(x, [0.0] * len(x))


def best(rows: Rows, scores: Row, count: int) -> list[float]:
    """The mean of the `count` rows with the highest scores, of equal ones those that come first."""
    order = sorted(range(len(rows)), key=lambda i: (-scores[i], i))[:count]
    return weighted_mean([rows[i] for i in order], [1.0] * count)


def zeno(rows: Rows, loss: Loss, b: int = 1, rho: float = 0.0, per_coordinate: bool = False) -> list[float]:
    """The mean of the n - b rows with the highest loss(0) - loss(x) - rho ||x||^2, or rho ||x||^2 / d.

    Source: Xie et al., ICML 2019, Definitions 1 and 2, for rows x = -gamma g.
    """
    d = len(rows[0])
    price = rho / d if per_coordinate else rho
    return best(rows, [_score(loss, x, price * squared_length(x) if price else 0.0) for x in rows], len(rows) - b)


def _score(loss: Loss, x: Row, cost: float) -> float:
    score = -loss(x) - cost
    return -math.inf if math.isnan(score) else score


def _plain_length(rows: Rows, loss: Loss, b: int = 1, rho: float = 0.0) -> list[float]:
    return best(rows, [_score(loss, x, rho * math.hypot(*x)) for x in rows], len(rows) - b)


MISREADINGS: Mapping[str, Callable[..., list[float]]] = {
    "b rows averaged": lambda rows, loss, b=1, rho=0.0: best(
        rows, [_score(loss, x, rho * squared_length(x)) for x in rows], max(1, min(b, len(rows) - 1))
    ),
    "no penalty": lambda rows, loss, b=1, rho=0.0: zeno(rows, loss, b),
    "length instead of its square": _plain_length,
    "mean square": lambda rows, loss, b=1, rho=0.0: zeno(rows, loss, b, rho, per_coordinate=True),
    "the shortest rows": lambda rows, loss, b=1, rho=0.0: best(rows, [-squared_length(x) for x in rows], len(rows) - b),
}
"""Wrong readings."""
