"""Revealing labels: which classes a batch has, from the gradient of the last layer's weights."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

from fedprop.oracles.jacobi import eigen
from fedprop.oracles.vectors import Row

SMALL = 1e-9
"""What counts as zero among numbers of about one."""


def revealing_labels(gradient: Sequence[Row], examples: int) -> list[int]:
    """The classes c for which some r has r.q_c < 0 and r.q_j >= 0 for all others; rows of `gradient` are the classes'.

    The q_c are the rows of its first `examples` left singular vectors, a basis of what the examples' p - y span. By
    Farkas's lemma there is no such r just where q_c is a sum of the others with weights that are not negative, and by
    Caratheodory's theorem of at most `examples` of them: all sets of these are tried.

    Source: Dang et al., "Revealing and Protecting Labels in Distributed Training", NeurIPS 2021, section 3.
    """
    products = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in gradient] for x in gradient]
    values, vectors = eigen(products)
    kept = [k for k in range(min(examples, len(values))) if values[k] > SMALL * values[0]]
    rows = [[line[k] for k in kept] for line in _by_class(vectors)]
    return [c for c in range(len(rows)) if not _in_cone(rows[c], rows[:c] + rows[c + 1 :])]


def _by_class(vectors: Sequence[Row]) -> list[list[float]]:
    """Eigenvectors, one after the other, as rows of their entries for each class."""
    return [list(entries) for entries in zip(*vectors, strict=True)]


def _in_cone(target: Row, rows: Sequence[Row]) -> bool:
    """Whether a vector is a sum of some of the rows with weights that are not negative."""
    for size in range(len(target) + 1):
        for chosen in combinations(rows, size):
            weights = _solved(chosen, target)
            if weights is not None and min(weights, default=0.0) >= -SMALL and _misses(chosen, weights, target) < SMALL:
                return True
    return False


def _solved(rows: Sequence[Row], target: Row) -> list[float] | None:
    """The weights with which the sum of the rows is nearest to a vector; None if they are linearly dependent."""
    n = len(rows)
    system = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in rows] for x in rows]
    right = [sum(a * b for a, b in zip(x, target, strict=True)) for x in rows]
    table = [[*line, value] for line, value in zip(system, right, strict=True)]
    for k in range(n):
        pivot = max(range(k, n), key=lambda i: abs(table[i][k]))
        table[k], table[pivot] = table[pivot], table[k]
        if abs(table[k][k]) < SMALL:
            return None
        for i in range(n):
            if i != k:
                share = table[i][k] / table[k][k]
                table[i] = [a - share * b for a, b in zip(table[i], table[k], strict=True)]
    return [table[k][n] / table[k][k] for k in range(n)]


def _misses(rows: Sequence[Row], weights: Row, target: Row) -> float:
    """How far the weighted sum of the rows is from a vector."""
    found = [sum(w * row[k] for w, row in zip(weights, rows, strict=True)) for k in range(len(target))]
    return math.dist(found, target)


def _negative_sums(gradient: Sequence[Row], examples: int) -> list[int]:
    """As iDLG has it, which is right of one example alone: in a batch the others' p may outweigh a label."""
    return [c for c, row in enumerate(gradient) if sum(row) < 0]


MISREADINGS: Mapping[str, Callable[..., Any]] = {"the sign of each sum": _negative_sums}
