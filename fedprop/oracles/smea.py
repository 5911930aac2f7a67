"""Definition of smallest-maximum-eigenvalue averaging, and how it has been misread."""

import math
from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

from fedprop.oracles.jacobi import scatter
from fedprop.oracles.vectors import Rows, weighted_mean

EQUAL = 1e-9
"""Eigenvalues this close, relatively, count as equal."""

GIANT = 1e100
"""Sets with an entry beyond this scatter more than any without."""


def eigenvalues(rows: Rows) -> list[float]:
    """Those of the mean of (x - mean)(x - mean)^T over the rows, the largest first; zeros may be left out."""
    mean = weighted_mean(rows, [1.0] * len(rows))
    away = [[a - m for a, m in zip(row, mean, strict=True)] for row in rows]
    return [value / len(rows) for value in scatter(away)[0]]


def largest(rows: Rows) -> float:
    """The largest eigenvalue of the covariance; infinite for rows whose squares are beyond floats."""
    return math.inf if max(abs(v) for row in rows for v in row) > GIANT else eigenvalues(rows)[0]


def smea(rows: Rows, f: int) -> list[float]:
    """The mean of the n - f rows whose covariance has the least largest eigenvalue; the first set of several.

    Source: Allouah et al., ICML 2023.
    """
    return _least(rows, f, largest)


def _least(rows: Rows, f: int, score: Callable[[Rows], float]) -> list[float]:
    sets = list(combinations(rows, len(rows) - f))
    scores = [max(0.0, score(chosen)) for chosen in sets]  # an eigenvalue of 0 may be rounded below it
    enough = min(scores) * (1 + EQUAL)
    best = next(chosen for chosen, found in zip(sets, scores, strict=True) if found <= enough)
    return weighted_mean(best, [1.0] * len(best))


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "least variance": lambda rows, f: _least(rows, f, lambda chosen: math.fsum(eigenvalues(chosen))),
    "least smallest eigenvalue": lambda rows, f: _least(rows, f, lambda chosen: eigenvalues(chosen)[-1]),
    "one row more": lambda rows, f: smea(rows, max(0, f - 1)),
}
