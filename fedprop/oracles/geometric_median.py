"""Definition of the geometric median, and a minimiser that shares nothing with Weiszfeld's steps."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fedprop.oracles.median import median_of
from fedprop.oracles.vectors import Row, Rows, weighted_mean

Array = NDArray[np.float64]


def residual(rows: Rows, z: Row, weights: Row | None = None, radius: float = 0.0) -> float:
    """How far z is from being a weighted geometric median, between 0 (it is one) and 1, whatever the units.

    z minimises sum_i w_i ||z - x_i|| (with sum_i w_i = 1) exactly if the pulls of the rows elsewhere, each of length
    w_i, add up to no more than the weight of the rows at z (Kuhn, Mathematical Programming 1973). Rows within
    `radius` count as being at z.
    """
    x, w = np.asarray(rows, float), _weights(rows, weights)
    away = x / 2 - np.asarray(z, float) / 2
    here = _lengths(away) <= radius / 2
    pull = (w[~here, None] * _directions(away[~here])).sum(axis=0)
    return max(0.0, float(np.linalg.norm(pull)) - float(w[here].sum()))


def geometric_median(rows: Rows, weights: Row | None = None) -> list[float]:
    """A point z with the least sum_i w_i ||z - x_i||; all w_i = 1 unless given.

    A row is tried first, by Kuhn's condition. If none is a median the objective is smooth wherever it is lower than
    at every row, and strictly convex unless all rows lie on a line (where some row always is a median): Newton's
    method with halved steps, started just off the best row, then finds the only minimiser.

    Source of the definition: Pillutla et al., IEEE Transactions on Signal Processing 2022, Section IV.
    """
    slack = 1e-12
    for row, weight in zip(rows, _weights(rows, weights), strict=True):
        if weight > 0 and residual(rows, row, weights) <= slack:
            return list(row)
    return [float(v) for v in _newton(np.asarray(rows, float), _weights(rows, weights))]


def _newton(x: Array, w: Array) -> Array:
    z = _off_the_best_row(x, w)
    for _ in range(200):
        if (z == x).all(axis=1).any():
            break  # rounding leaves no place between the best row and the next ones
        gradient, hessian = _derivatives(z, x, w)
        if np.linalg.norm(gradient) < 1e-13:
            break
        newton = np.asarray(np.linalg.lstsq(hessian, gradient, rcond=None)[0], np.float64)
        steepest = gradient / np.linalg.norm(gradient) * float(np.median(_lengths(z - x)))
        reached = max((_descend(z, -step, x, w) for step in (newton, steepest)), key=lambda c: _gain(z, c, x, w))
        if (reached == z).all():
            break
        z = reached
    return z


def _off_the_best_row(x: Array, w: Array) -> Array:
    best = x[0]
    for row in x:
        best = row if _gain(best, row, x, w) > 0 else best
    away = x - best
    norms = _lengths(away)
    elsewhere = norms > 0
    pull = np.asarray((w[elsewhere, None] * _directions(away[elsewhere])).sum(axis=0))
    return _descend(best, pull / np.linalg.norm(pull) * norms[elsewhere].min(), x, w)


def _derivatives(z: Array, x: Array, w: Array) -> tuple[Array, Array]:
    away = z - x
    norms = _lengths(away)
    units = _directions(away)
    curvatures = w / norms
    return units.T @ w, curvatures.sum() * np.eye(len(z)) - units.T @ (curvatures[:, None] * units)


def _descend(z: Array, step: Array, x: Array, w: Array) -> Array:
    """The first of z + step, z + step / 2, ... that costs less than z and is no row; z itself if none does."""
    for halvings in range(80):
        candidate = z + step * 0.5**halvings
        if _gain(z, candidate, x, w) > 0 and (candidate != x).any(axis=1).all():
            return candidate
    return z


def _gain(z: Array, candidate: Array, x: Array, w: Array) -> float:
    """How much cheaper `candidate` is than z, as exact for small steps among far rows as for large ones.

    Halves, and what is large divided out, keep all within floats; the answer does not change by that.
    """
    before, after, step = z / 2 - x / 2, candidate / 2 - x / 2, z / 2 - candidate / 2
    sizes, size = np.maximum(np.abs(before), np.abs(after)).max(axis=1), float(np.abs(step).max()) or 1.0
    apart = sizes > 0
    before, after = before[apart] / sizes[apart, None], after[apart] / sizes[apart, None]
    both = np.linalg.norm(before, axis=1) + np.linalg.norm(after, axis=1)
    return 2 * size * math.fsum(w[apart] * ((before + after) @ (step / size)) / both)


def _lengths(away: Array) -> Array:
    """The length of each row; infinite only if it is beyond floats itself, whatever its square."""
    sizes = np.abs(away).max(axis=1)
    with np.errstate(over="ignore"):
        return np.asarray(sizes * np.linalg.norm(away / np.where(sizes > 0, sizes, 1)[:, None], axis=1), np.float64)


def _directions(away: Array) -> Array:
    """Each row, of which none is zero, at length 1: also where its square is beyond floats."""
    sized = away / np.abs(away).max(axis=1, keepdims=True)
    return np.asarray(sized / np.linalg.norm(sized, axis=1, keepdims=True), np.float64)


def _weights(rows: Rows, weights: Row | None) -> Array:
    w = np.ones(len(rows)) if weights is None else np.asarray(weights, float)
    return np.asarray(w / w.sum(), np.float64)


def _medoid(rows: Rows) -> list[float]:
    """The row with the least sum of distances."""
    costs = [math.fsum(math.dist(x, y) for y in rows) for x in rows]
    return list(rows[costs.index(min(costs))])


def _coordinates(rows: Rows) -> list[float]:
    """The minimiser of the sum of L1 distances."""
    return [median_of(column) for column in zip(*rows, strict=True)]


def _few_steps_from_zero(rows: Rows) -> list[float]:
    """Three Weiszfeld steps from the origin."""
    z = [0.0] * len(rows[0])
    for _ in range(3):
        z = weighted_mean(rows, [1 / max(1e-9, math.dist(z, x)) for x in rows])
    return z


MISREADINGS: Mapping[str, Callable[..., Any]] = {
    "medoid": _medoid,
    "L1 distances": _coordinates,
    "a few steps from zero": _few_steps_from_zero,
    "first row": lambda rows: list(rows[0]),
}
