"""The point with the least sum of distances to given rows, found by Newton's method on their inner products."""

import torch
from torch import Tensor

from fedprop.types import Gram, Weights

HALVINGS = 40
"""A step is halved at most so often until the objective falls as far as its slope promises."""

EQUAL = 1e-7
"""Rows closer than this share of their lengths are taken for equal: rounding alone may set equal rows so far apart."""

PROMISE = 0.25
"""The share of the fall that the slope promises which a step must deliver (Armijo's condition)."""


def best_row(alpha: Weights, gram: Gram, distances: Gram) -> int:
    """The row with the least weighted sum of distances to all rows.

    Sums are not compared, but summed differences, as exact among rows far away as anywhere.
    """
    best = 0
    for row in range(1, len(gram)):
        nearer = gram[best, best] - gram[row, row] - 2 * (gram[best] - gram[row])
        both = distances[best] + distances[row]
        if (nearer / both).where(both > 0, 0) @ alpha > 0:
            best = row
    return best


def least_distance_sum(
    alpha: Weights, gram: Gram, row: int, *, radius: float, fall: float, max_iterations: int
) -> Weights:
    """Weights [n] of the point z = weights @ rows with the least sum of alpha_i h(||z - x_i||).

    h is the distance itself, but a parabola that continues it smoothly below `radius`. The search ends when the
    objective, as Newton's method sees it, can fall by `fall` at most. It starts off `row`, which should be the
    `best_row` and no minimiser itself, where the objective is lower than at any row: rows, where it has kinks, are then
    no traps.

    The Hessian is pulls.sum() (I - sum of q_i u_i u_i^T), where u_i is the unit vector from row i to z. So Newton's
    step is a sum of the u_i too, whose coefficients solve n equations (Woodbury's identity), whatever the dimension.
    Where that fails, as for rows on a line, it gives way to Weiszfeld's step, which never climbs.

    Source: Nocedal and Wright, Numerical Optimization, 2006, Section 3.3 and Algorithm 3.1 (backtracking).
    """
    weights = _off_the_row(alpha, gram, row, radius)
    for _ in range(max_iterations):
        away = _seen_from(weights, gram)
        lengths = away.diagonal().clamp(min=0).sqrt()
        reach = lengths.clamp(min=radius)
        pulls = alpha / reach
        step, slope = _newton(alpha, away, reach, lengths > radius)
        if 0 <= slope <= fall:
            return _moved(weights, step)
        size = _size(alpha, away, lengths, radius, step, slope)
        weights = _moved(weights, size * step if size > 0 else pulls / pulls.sum())
    return weights


def _off_the_row(alpha: Weights, gram: Gram, row: int, radius: float) -> Weights:
    """The weights of the best point that is 1, 1/2, 1/4, ... of the way from `row` to where the other rows pull it."""
    weights = torch.zeros_like(alpha).index_fill_(0, torch.tensor(row, device=alpha.device), 1)
    away = _seen_from(weights, gram)
    lengths = away.diagonal().clamp(min=0).sqrt()
    pulls = (alpha / lengths.clamp(min=radius)).where(lengths > EQUAL * gram[row, row].sqrt(), 0)
    step = pulls / pulls.sum()
    sizes, falls = _falls(alpha, away, lengths, radius, step)
    return _moved(weights, sizes[falls.argmax()] * step)


def _moved(weights: Weights, step: Weights) -> Weights:
    """The weights of a point after a step that is the sum of these shares of the ways from it to the rows."""
    return weights + step - step.sum() * weights


def _seen_from(weights: Weights, gram: Gram) -> Gram:
    """Inner products [n, n] of the vectors from each row to the point weights @ rows."""
    products = gram @ weights
    return gram - products[:, None] - products + weights @ products


def _newton(alpha: Weights, away: Gram, reach: Weights, curved: Tensor) -> tuple[Weights, Tensor]:
    """Newton's step, as the share of the way to each row, and how fast the objective falls along it."""
    pulls = alpha / reach
    bends = (pulls / pulls.sum()).where(curved, 0)
    system = (
        torch.eye(len(alpha), dtype=alpha.dtype, device=alpha.device) - bends[:, None] * away / reach / reach[:, None]
    )
    step = torch.linalg.solve_ex(system, alpha).result / reach / pulls.sum()
    return step, pulls @ away @ step


def _size(alpha: Weights, away: Gram, lengths: Weights, radius: float, step: Weights, slope: Tensor) -> Tensor:
    """The largest of the sizes 1, 1/2, 1/4, ... of a step that keeps its promise; 0 if none does."""
    sizes, falls = _falls(alpha, away, lengths, radius, step)
    return sizes.where((slope > 0) & (falls >= PROMISE * sizes * slope), 0).max()


def _falls(alpha: Weights, away: Gram, lengths: Weights, radius: float, step: Weights) -> tuple[Tensor, Tensor]:
    """The sizes 1, 1/2, 1/4, ... of a step, and by how much each lowers the objective."""
    sizes = 0.5 ** torch.arange(HALVINGS, dtype=alpha.dtype, device=alpha.device)
    towards = away @ step
    # Differences of squares, rather than of distances: exact for small steps among rows far away.
    shorter = 2 * sizes[:, None] * towards - sizes[:, None].square() * (step @ towards)
    after = (lengths.square() - shorter).clamp(min=0).sqrt()
    return sizes, (shorter / (lengths.clamp(min=radius) + after.clamp(min=radius))) @ alpha
