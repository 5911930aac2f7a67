"""Rows that Krum picks one by one, each time from those that are left; and what other order of ties would pick."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from fedprop.aggregators.krum import TIE
from fedprop.aggregators.nearest_sums import NearestSums
from fedprop.aggregators.views import squared_distances
from fedprop.types import Gram

RESOLUTIONS = 50
"""Rows whose ties could be broken in more ways than this are as good as any."""


def picked(gram: Gram, f: int, picks: int) -> Tensor:
    """The rows picked, in ascending order.

    While r rows remain a score sums the squared distances to r - f - 2 nearest neighbours among them, and at least 1.
    Of equal scores the row goes first that had the best score among all rows, and of these that of the smallest index.
    """
    near, order = _neighbours(gram)
    left = torch.ones(len(near), dtype=torch.bool)
    sums = NearestSums(near.numpy(), order.numpy(), max(1, len(near) - f - 2))
    at_first = sums.sums
    for rest in range(len(near), len(near) - picks, -1):
        # A single neighbour is replaced when it is removed, where sums only lose; that concerns the last picks alone.
        scores = sums.sums if rest - f - 2 >= 1 else _scores(near, order, left, f).numpy()
        best = int(np.where(scores <= scores.min() * (1 + TIE), at_first, np.inf).argmin())
        left[best] = False
        sums.remove(best)
    return (~left).nonzero().flatten().to(gram.device)


def all_picks(gram: Gram, f: int, picks: int) -> set[tuple[int, ...]] | None:
    """Every set that breaking ties otherwise would pick; None if there are more than `RESOLUTIONS`."""
    near, order = _neighbours(gram)
    n = len(gram)
    states = {tuple(range(n))}
    for _ in range(picks):
        states = {state for left in states for state in _next(near, order, left, f)}
        if len(states) > RESOLUTIONS:
            return None
    return {tuple(i for i in range(n) if i not in left) for left in states}


def _scores(near: Tensor, order: Tensor, left: Tensor, f: int) -> Tensor:
    """The score of each row that is left among those that are; infinity for the others."""
    neighbours = max(1, int(left.sum()) - f - 2)
    counted = left[order]
    counted &= counted.cumsum(dim=1) <= neighbours
    return near.where(counted, 0).sum(dim=1).where(left, torch.inf)


def _next(near: Tensor, order: Tensor, left: tuple[int, ...], f: int) -> Iterator[tuple[int, ...]]:
    mask = torch.zeros(len(near), dtype=torch.bool)
    mask[list(left)] = True
    scores = _scores(near, order, mask, f)
    for best in (scores <= scores.min() * (1 + TIE)).nonzero().flatten().tolist():
        yield tuple(i for i in left if i != best)


def _neighbours(gram: Gram) -> tuple[Tensor, Tensor]:
    """For each row, the squared distances to the others in ascending order, and which rows those are."""
    distances = squared_distances(gram).fill_diagonal_(torch.inf).cpu().numpy()
    order = distances.argsort(axis=1)[:, :-1]  # NumPy does it with vector instructions, which torch does not
    return torch.from_numpy(np.take_along_axis(distances, order, axis=1)), torch.from_numpy(order)
