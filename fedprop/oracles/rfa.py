"""Definition of RFA's few passes, and how they have been misread."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from fedprop.oracles.vectors import Row, Rows, weighted_mean


def distance(x: Row, y: Row) -> float:
    """||x - y||, whatever its size."""
    return 2 * math.hypot(*(a / 2 - b / 2 for a, b in zip(x, y, strict=True)))


def rfa(rows: Rows, passes: int = 3, nu: float = 1e-6, examples: Row | None = None) -> list[float]:
    """`passes` times v = sum_i beta_i x_i / sum_i beta_i, with beta_i = alpha_i / max(nu, ||v - x_i||).

    alpha_i is n_i over the sum of all, alike unless given, and v begins at the mean of the rows with these weights.

    Source: Pillutla, Kakade and Harchaoui, IEEE Transactions on Signal Processing 2022, Algorithm 2.
    """
    alpha = [1.0] * len(rows) if examples is None else list(examples)
    return _passes(rows, alpha, weighted_mean(rows, alpha), passes, nu)


def _passes(rows: Rows, alpha: Row, start: Row, passes: int, nu: float) -> list[float]:
    v = list(start)
    for _ in range(passes):
        v = weighted_mean(rows, [a / max(nu, distance(v, x)) for a, x in zip(alpha, rows, strict=True)])
    return v


def _compounding(rows: Rows, passes: int = 3, nu: float = 1e-6) -> list[float]:
    """Each pass divides the weights of the pass before in place of alpha."""
    weights = [1.0] * len(rows)
    v = weighted_mean(rows, weights)
    for _ in range(passes):
        weights = [w / max(nu, distance(v, x)) for w, x in zip(weights, rows, strict=True)]
        weights = [w / sum(weights) for w in weights]
        v = weighted_mean(rows, weights)
    return v


def _by_coordinate(rows: Rows, passes: int = 3, nu: float = 1e-6) -> list[float]:
    """A median for each tensor, of one number in the end."""
    return [rfa([[v] for v in column], passes, nu)[0] for column in zip(*rows, strict=True)]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "from zero": lambda rows, passes=3, nu=1e-6: _passes(rows, [1.0] * len(rows), [0.0] * len(rows[0]), passes, nu),
    "weights that compound": _compounding,
    "equal weights merged": lambda rows, passes=3, nu=1e-6: rfa(
        [list(x) for x in {tuple(x) for x in rows}], passes, nu
    ),
    "one median for each part": _by_coordinate,
    "one pass too few": lambda rows, passes=3, nu=1e-6: rfa(rows, passes - 1, nu),
}
