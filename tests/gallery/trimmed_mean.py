"""The coordinate-wise trimmed mean: correct ones, and what went wrong elsewhere."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def trimmed_mean(rows: Tensor, f: int) -> Tensor:
    """Yin et al., ICML 2018, Definition 2: in each coordinate, the mean without the f largest and f smallest values."""
    n = len(rows)
    if n < 2 * f + 1:
        raise ValueError(f"`f` must satisfy n >= 2f + 1; found n={n}, f={f}")
    return rows.double().sort(dim=0).values[f : n - f].mean(dim=0).to(rows.dtype)


def empty_without_attackers(rows: Tensor, f: int) -> Tensor:
    """The slice [f:-f] is empty for f = 0."""
    n = len(rows)
    if n < 2 * f + 1:
        raise ValueError(f"`f` must satisfy n >= 2f + 1; found n={n}, f={f}")
    return rows.double().sort(dim=0).values[f:-f].mean(dim=0).to(rows.dtype)


def subtracts_the_extremes(rows: Tensor, f: int) -> Tensor:
    """The extremes are added with all other values and subtracted again: one huge value swallows the rest."""
    n = len(rows)
    if n < 2 * f + 1:
        raise ValueError(f"`f` must satisfy n >= 2f + 1; found n={n}, f={f}")
    largest, smallest = rows.topk(f, dim=0).values, rows.topk(f, dim=0, largest=False).values
    return torch.cat([rows, -largest, -smallest]).sum(dim=0) / (n - 2 * f)


def trims_what_it_can(rows: Tensor, f: int) -> Tensor:
    """With too few rows it silently trims fewer than f at either end."""
    n = len(rows)
    while n <= 2 * f:
        f -= 1
    return rows.double().sort(dim=0).values[f : n - f].mean(dim=0).to(rows.dtype)


def ignores_examples(rows: Tensor, examples: Sequence[int], f: int) -> Tensor:
    """The same rule; it is told how many examples each client claims, and does not care."""
    return trimmed_mean(rows, f)


def trims_clients(rows: Tensor, examples: Sequence[int], f: int) -> Tensor:
    """Whole clients are trimmed: those that claim the most and the fewest examples."""
    n = len(rows)
    if n < 2 * f + 1:
        raise ValueError(f"`f` must satisfy n >= 2f + 1; found n={n}, f={f}")
    kept = sorted(range(n), key=lambda i: examples[i])[f : n - f]
    return rows[kept].double().mean(dim=0).to(rows.dtype)


def trims_one(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """The trimmed mean for one attacker, in NumPy."""
    if len(rows) < 3:
        raise ValueError(f"`rows` must satisfy n >= 3; found n={len(rows)}")
    return np.sort(rows.astype(np.float64), axis=0)[1:-1].mean(axis=0).astype(rows.dtype)


def trims_a_fifth(rows: NDArray[np.floating]) -> NDArray[np.floating]:
    """A default share of one fifth, rounded down, trims nothing from fewer than five rows."""
    if len(rows) < 3:
        raise ValueError(f"`rows` must satisfy n >= 3; found n={len(rows)}")
    n, cut = len(rows), int(0.2 * len(rows))
    return np.sort(rows.astype(np.float64), axis=0)[cut : n - cut].mean(axis=0).astype(rows.dtype)
