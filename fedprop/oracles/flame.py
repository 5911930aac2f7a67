"""Definition of FLAME, and how it has been misread."""

import math
from collections.abc import Callable, Mapping, Sequence

import torch

from fedprop.oracles.afa import apart
from fedprop.oracles.median import median_of
from fedprop.oracles.vectors import Row, Rows, cut

SAME = 1e-12
"""What rounding may do to a cosine sets nobody apart."""


def reachable(start: int, distances: Sequence[Row], height: float) -> set[int]:
    """Whoever can be reached from `start` by steps no longer than `height`."""
    found, open_ends = {start}, [start]
    while open_ends:
        here = open_ends.pop()
        new = [j for j, distance in enumerate(distances[here]) if distance <= height and j not in found]
        found.update(new)
        open_ends.extend(new)
    return found


def majority(models: Rows) -> list[int]:
    """The first branch with more than half of the models, as single linkage by cosine distance grows: HDBSCAN's."""
    n = len(models)
    distances = [[0.0 if i == j else apart(models[i], models[j]) for j in range(n)] for i in range(n)]
    for height in sorted({distance for row in distances for distance in row}):
        for start in range(n):
            if len(reachable(start, distances, height)) > n / 2:
                return sorted(reachable(start, distances, height + SAME))
    raise AssertionError("all models are one branch at the largest distance")


def models_of(rows: Rows, model: Row) -> list[list[float]]:
    """The clients' models."""
    return [[m + v for m, v in zip(model, x, strict=True)] for x in rows]


def averaged(rows: Rows, kept: Sequence[int], length: float, divisor: int) -> list[float]:
    """The sum of the kept rows, each cut to `length`, divided."""
    return [
        math.fsum(v / divisor for v in column) for column in zip(*(cut(rows[i], length) for i in kept), strict=True)
    ]


def noisy(answer: Row, deviation: float, generator: torch.Generator) -> list[float]:
    """Independent Gaussian noise on every coordinate."""
    return [
        a + deviation * z for a, z in zip(answer, torch.randn(len(answer), generator=generator).tolist(), strict=True)
    ]


def flame(
    rows: Rows, model: Row, generator: torch.Generator, epsilon: float | None = 2537.0, delta: float = 0.05
) -> list[float]:
    """Mean over the majority L of x_i min(1, S / ||x_i||), S the median of all ||x_i||, plus N(0, (lambda S)^2 I).

    Source: Nguyen et al., USENIX Security 2022, Algorithm 1 (reconstructed);
    lambda = sqrt(2 ln(1.25 / delta)) / epsilon.
    """
    kept = majority(models_of(rows, model))
    s = median_of([math.hypot(*x) for x in rows])
    answer = averaged(rows, kept, s, len(kept))
    if epsilon is None:
        return answer
    return noisy(answer, math.sqrt(2 * math.log(1.25 / delta)) / epsilon * s, generator)


def _of_updates(rows: Rows, model: Row, generator: torch.Generator, epsilon: float | None) -> list[float]:
    """The directions of updates are compared."""
    kept = majority(rows)
    s = median_of([math.hypot(*x) for x in rows])
    return averaged(rows, kept, s, len(kept))


def _median_of_the_kept(rows: Rows, model: Row, generator: torch.Generator, epsilon: float | None) -> list[float]:
    kept = majority(models_of(rows, model))
    s = median_of([math.hypot(*rows[i]) for i in kept])
    return averaged(rows, kept, s, len(kept))


def _divided_by_all(rows: Rows, model: Row, generator: torch.Generator, epsilon: float | None) -> list[float]:
    s = median_of([math.hypot(*x) for x in rows])
    return averaged(rows, majority(models_of(rows, model)), s, len(rows))


def _noise_of_the_answer(
    rows: Rows, model: Row, generator: torch.Generator, epsilon: float | None, delta: float
) -> list[float]:
    """The noise is multiplied by the deviation of the aggregate's own entries."""
    answer = flame(rows, model, generator, None)
    if epsilon is None:
        return answer
    middle = math.fsum(a / len(answer) for a in answer)
    own = math.hypot(*(a - middle for a in answer)) / math.sqrt(len(answer))
    return noisy(answer, math.sqrt(2 * math.log(1.25 / delta)) / epsilon * own, generator)


MISREADINGS: Mapping[str, Callable[..., list[float]]] = {
    "updates compared": _of_updates,
    "the median of those kept": _median_of_the_kept,
    "divided by all": _divided_by_all,
    "noise of the answer's deviation": _noise_of_the_answer,
}
"""Wrong readings; the first three leave the noise out."""
