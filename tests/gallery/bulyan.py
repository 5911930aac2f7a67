"""Bulyan: a correct one, and what went wrong elsewhere."""

import torch
from torch import Tensor


def bulyan(rows: Tensor, f: int) -> Tensor:
    """El Mhamdi et al., ICML 2018, Section 4: n - 2f rows by repeated Krum, then means around their medians."""
    n = _enough(rows, f)
    left, chosen = rows.double(), []
    for _ in range(n - 2 * f):
        scores = _scores(left, max(1, len(left) - f - 2))
        chosen.append(left[scores.argmin()])
        left = left[torch.arange(len(left)) != scores.argmin()]
    return _mean_around_median(torch.stack(chosen), n - 4 * f).to(rows.dtype)


def one_selection(rows: Tensor, f: int) -> Tensor:
    """The n - 2f rows are the best of one Multi-Krum instead of repeated Krum on what is left."""
    n = _enough(rows, f)
    x = rows.double()
    selected = x[_scores(x, n - f - 2).argsort(stable=True)[: n - 2 * f]]
    return _mean_around_median(selected, n - 4 * f).to(rows.dtype)


def one_value_too_few(rows: Tensor, f: int) -> Tensor:
    """The last step averages one value fewer than n - 4f."""
    n = _enough(rows, f)
    left, chosen = rows.double(), []
    for _ in range(n - 2 * f):
        scores = _scores(left, max(1, len(left) - f - 2))
        chosen.append(left[scores.argmin()])
        left = left[torch.arange(len(left)) != scores.argmin()]
    return _mean_around_median(torch.stack(chosen), n - 4 * f - 1).to(rows.dtype)


def trimmed_instead(rows: Tensor, f: int) -> Tensor:
    """The last step trims f values at either end instead of keeping those nearest to the median."""
    n = _enough(rows, f)
    left, chosen = rows.double(), []
    for _ in range(n - 2 * f):
        scores = _scores(left, max(1, len(left) - f - 2))
        chosen.append(left[scores.argmin()])
        left = left[torch.arange(len(left)) != scores.argmin()]
    return torch.stack(chosen).sort(dim=0).values[f : n - 3 * f].mean(dim=0).to(rows.dtype)


def farther_neighbours(rows: Tensor, f: int) -> Tensor:
    """The repeated Krum looks at two neighbours too many."""
    n = _enough(rows, f)
    left, chosen = rows.double(), []
    for _ in range(n - 2 * f):
        scores = _scores(left, min(len(left) - 1, len(left) - f))
        chosen.append(left[scores.argmin()])
        left = left[torch.arange(len(left)) != scores.argmin()]
    return _mean_around_median(torch.stack(chosen), n - 4 * f).to(rows.dtype)


def _enough(rows: Tensor, f: int) -> int:
    if len(rows) < 4 * f + 3:
        raise ValueError(f"`f` must satisfy n >= 4f + 3; found n={len(rows)}, f={f}")
    return len(rows)


def _scores(x: Tensor, neighbours: int) -> Tensor:
    distances = (x[:, None] - x).square().sum(dim=2).fill_diagonal_(torch.inf)
    return distances.sort(dim=1).values[:, :neighbours].sum(dim=1)


def _mean_around_median(selected: Tensor, keep: int) -> Tensor:
    ordered = selected.sort(dim=0).values
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    nearest = (ordered - middle).abs().argsort(dim=0, stable=True)[:keep]
    return ordered.gather(0, nearest).mean(dim=0)
