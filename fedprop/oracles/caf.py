"""Definition of the covariance bound-agnostic filter, and how it has been misread."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fedprop.oracles.jacobi import product, scatter
from fedprop.oracles.vectors import Row, Rows, weighted_mean, within_reach

EQUAL = 1e-9
"""What differs by less than this share counts as equal."""

GIANT = 1e100
"""Rows with an entry beyond this scatter more than any without."""


def farthest_out(rows: Rows, weights: Row) -> tuple[float, list[float]]:
    """The largest eigenvalue of sum_i c_i (x_i - mean)(x_i - mean)^T / sum_i c_i, and tau_i = <x_i - mean, v>^2.

    Where several eigenvectors v have that eigenvalue, tau_i is the sum over them.
    """
    mean, whole = weighted_mean(rows, weights), math.fsum(weights)
    away = [[a - m for a, m in zip(row, mean, strict=True)] for row in rows]
    scaled = [[math.sqrt(c / whole) * a for a in x] for c, x in zip(weights, away, strict=True)]
    values, vectors = scatter(scaled)
    top = [v for value, v in zip(values, vectors, strict=True) if value >= values[0] * (1 - EQUAL)]
    return max(0.0, values[0]), [math.fsum(product(x, v) ** 2 for v in top) for x in away]


def caf(rows: Rows, f: int) -> list[float]:
    """Of the weighted means on the way, that with the least largest eigenvalue.

    c_i = 1; while sum c_i > n - 2f, c_i becomes c_i (1 - tau_i / max tau), the maximum over the rows with c_i > 0.

    Source: Allouah, Guerraoui and Stephan, ICML 2025; reconstructed.
    """
    return _filtered(rows, f)


def _filtered(rows: Rows, f: int, *, keep: int = 2, last: bool = False, squared: bool = True) -> list[float]:
    n = len(rows)
    c, best, least = [1.0] * n, weighted_mean(rows, [1.0] * n), math.inf
    while math.fsum(c) > n - keep * f + EQUAL:
        active = [i for i in range(n) if c[i] > 0]
        seen, weights = within_reach([rows[i] for i in active]), [c[i] for i in active]
        value, tau = farthest_out(seen, weights)
        if max(abs(v) for i in active for v in rows[i]) > GIANT:
            value = math.inf
        if last or value < least * (1 - EQUAL):
            best, least = weighted_mean([rows[i] for i in active], weights), value
        if max(tau) == 0:
            break
        for i, t in zip(active, _relative(tau, squared=squared), strict=True):
            c[i] *= 1 - t if 1 - t > EQUAL else 0.0
    return best


def _relative(tau: Sequence[float], *, squared: bool) -> list[float]:
    return [t / max(tau) if squared else math.sqrt(t / max(tau)) for t in tau]


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "the last mean": lambda rows, f: _filtered(rows, f, last=True),
    "until n - f is left": lambda rows, f: _filtered(rows, f, keep=1),
    "plain distances": lambda rows, f: _filtered(rows, f, squared=False),
}
