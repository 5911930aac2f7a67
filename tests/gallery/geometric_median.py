"""The geometric median: a correct one, and what went wrong elsewhere."""

from collections.abc import Sequence

import torch
from torch import Tensor


def geometric_median(rows: Tensor, examples: Sequence[int]) -> Tensor:
    """Weiszfeld's steps to a standstill, unless a row is the answer (Kuhn's condition)."""
    x = rows.double()
    for row in x:
        away, distances = x - row, (x - row).norm(dim=1)
        there = distances == 0
        if (away[~there] / distances[~there, None]).sum(dim=0).norm() <= there.sum() + 1e-6:
            return row.to(rows.dtype)
    z = x.sort(dim=0).values[len(x) // 2]
    for _ in range(2000):
        distances = (x - z).norm(dim=1)
        weights = (1 / distances).where(distances > 0, 0)  # a row where a step ends is not the answer
        z, previous = weights @ x / weights.sum(), z
        if (z - previous).norm() <= 1e-10 * distances.median():
            break
    return z.to(rows.dtype)


def manhattan(rows: Tensor, examples: Sequence[int]) -> Tensor:
    """The distances in Weiszfeld's steps are sums of absolute differences."""
    x = rows.double()
    z = x.sort(dim=0).values[len(x) // 2]
    for _ in range(200):
        weights = 1 / (x - z).abs().sum(dim=1).clamp(min=1e-9)
        z = weights @ x / weights.sum()
    return z.to(rows.dtype)


def three_steps_from_zero(rows: Tensor, examples: Sequence[int]) -> Tensor:
    """Three smoothed steps from zero, which is far away for rows that lie close together."""
    x = rows.double()
    z = torch.zeros_like(x[0])
    for _ in range(3):
        weights = 1 / (x - z).norm(dim=1).clamp(min=0.1)
        z = weights @ x / weights.sum()
    return z.to(rows.dtype)


def four_steps_from_the_mean(rows: Tensor, examples: Sequence[int]) -> Tensor:
    """Four steps from the mean, wherever attackers have put that."""
    x = rows.double()
    z = x.mean(dim=0)
    for _ in range(4):
        weights = 1 / (x - z).norm(dim=1).clamp(min=1e-5)
        z = weights @ x / weights.sum()
    return z.to(rows.dtype)


def compounding_weights(rows: Tensor, examples: Sequence[int]) -> Tensor:
    """Each step divides the weights of the step before, not the given ones, by the distances."""
    x = rows.double()
    weights = torch.full((len(x),), 1 / len(x), dtype=torch.float64)
    z = weights @ x
    for _ in range(100):
        weights = weights / (x - z).norm(dim=1).clamp(min=1e-5)
        weights = weights / weights.sum()
        z = weights @ x
    return z.to(rows.dtype)


def weights_in_a_set(rows: Tensor, examples: Sequence[int]) -> Tensor:
    """The clients' weights are collected in a set, which keeps one of equal ones; the rows left over are dropped."""
    x = rows.double()
    alphas = torch.tensor([alpha / len(x) for alpha in {1.0 for _ in x}], dtype=torch.float64)
    x = x[: len(alphas)]
    z = x.sort(dim=0).values[len(x) // 2]
    for _ in range(200):
        weights = alphas / (x - z).norm(dim=1).clamp(min=1e-9)
        z = weights @ x / weights.sum()
    return z.to(rows.dtype)


def weights_with_a_floor(rows: Tensor, examples: Sequence[int]) -> Tensor:
    """No weight may fall below 1e-6: a row far enough away keeps that share of the answer."""
    x = rows.double()
    z = x.sort(dim=0).values[len(x) // 2]
    for _ in range(200):
        weights = (1 / len(x) / (x - z).norm(dim=1).clamp(min=1e-6)).clamp(min=1e-6)
        z = weights @ x / weights.sum()
    return z.to(rows.dtype)


def tensor_by_tensor(rows: Tensor, examples: Sequence[int]) -> Tensor:
    """Each of the model's tensors has a geometric median of its own."""
    parts = torch.split(rows, 1, dim=1)
    return torch.cat([geometric_median(part, examples) for part in parts])


def no_smoothing(rows: Tensor, examples: Sequence[int]) -> Tensor:
    """Nothing keeps a step from dividing by zero where it meets a row."""
    x = rows.double()
    z = x.mean(dim=0)
    for _ in range(200):
        weights = 1 / (x - z).norm(dim=1)
        z = weights @ x / weights.sum()
    return z.to(rows.dtype)
