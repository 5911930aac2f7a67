"""Krum: two correct ones, and what went wrong elsewhere."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def _enough(rows: Tensor | NDArray[np.floating], f: int) -> int:
    if len(rows) < 2 * f + 3:
        raise ValueError(f"`f` must satisfy n >= 2f + 3; found n={len(rows)}, f={f}")
    return len(rows)


def _squared_distances(rows: Tensor) -> Tensor:
    x = rows.double()
    return (x[:, None] - x).square().sum(dim=2)


def krum(rows: Tensor, f: int) -> Tensor:
    """Blanchard et al., NeurIPS 2017, Section 4: the row with the closest n - f - 2 other rows, in squared distance."""
    n = _enough(rows, f)
    distances = _squared_distances(rows).fill_diagonal_(torch.inf)
    scores = distances.sort(dim=1).values[:, : n - f - 2].sum(dim=1)
    return rows[scores.argmin()].clone()


def plain_distances(rows: Tensor, f: int) -> Tensor:
    """The scores sum distances instead of their squares."""
    n = _enough(rows, f)
    distances = _squared_distances(rows).sqrt().fill_diagonal_(torch.inf)
    scores = distances.sort(dim=1).values[:, : n - f - 2].sum(dim=1)
    return rows[scores.argmin()].clone()


def squared_twice(rows: Tensor, f: int) -> Tensor:
    """One function returns squared distances, and the next one squares them again."""
    n = _enough(rows, f)
    distances = _squared_distances(rows).square().fill_diagonal_(torch.inf)
    scores = distances.sort(dim=1).values[:, : n - f - 2].sum(dim=1)
    return rows[scores.argmin()].clone()


def one_neighbour_too_many(rows: Tensor, f: int) -> Tensor:
    """The scores look at n - f - 1 other rows instead of n - f - 2."""
    n = _enough(rows, f)
    distances = _squared_distances(rows).fill_diagonal_(torch.inf)
    scores = distances.sort(dim=1).values[:, : n - f - 1].sum(dim=1)
    return rows[scores.argmin()].clone()


def two_neighbours_too_many(rows: Tensor, f: int) -> Tensor:
    """The scores look at n - f other rows instead of n - f - 2, or at all of them if there are fewer."""
    n = _enough(rows, f)
    distances = _squared_distances(rows)
    others = distances[~torch.eye(n, dtype=torch.bool)].reshape(n, n - 1)
    scores = others.sort(dim=1).values[:, : n - f].sum(dim=1)
    return rows[scores.argmin()].clone()


def self_as_neighbour(rows: Tensor, f: int) -> Tensor:
    """Each row counts itself, at distance zero, among its n - f - 2 nearest."""
    n = _enough(rows, f)
    distances = _squared_distances(rows)
    scores = distances.sort(dim=1).values[:, : n - f - 2].sum(dim=1)
    return rows[scores.argmin()].clone()


def zero_distance_is_self(rows: Tensor, f: int) -> Tensor:
    """To leave a row out of its own neighbours, every distance of zero is made large: that of equal rows, too."""
    n = _enough(rows, f)
    distances = _squared_distances(rows)
    distances[distances == 0] = 10000
    scores = distances.sort(dim=1).values[:, : n - f - 2].sum(dim=1)
    return rows[scores.argmin()].clone()


def accepts_2f_plus_2(rows: Tensor, f: int) -> Tensor:
    """The check lets n = 2f + 2 pass, where f attackers who agree may win."""
    n = len(rows)
    if 2 * f + 2 > n:
        raise ValueError(f"`f` must satisfy n >= 2f + 3; found n={n}, f={f}")
    distances = _squared_distances(rows).fill_diagonal_(torch.inf)
    scores = distances.sort(dim=1).values[:, : n - f - 2].sum(dim=1)
    return rows[scores.argmin()].clone()


def accepts_any_number(rows: Tensor, f: int) -> Tensor:
    """Too few clients are no error: at least one neighbour is looked at, whatever f."""
    distances = _squared_distances(rows).fill_diagonal_(torch.inf)
    scores = distances.sort(dim=1).values[:, : max(1, len(rows) - f - 2)].sum(dim=1)
    return rows[scores.argmin()].clone()


def gram_without_centring(rows: Tensor, f: int) -> Tensor:
    """Distances come from inner products of the rows as they are, and cancel far from the origin."""
    n = _enough(rows, f)
    gram = rows @ rows.T
    norms = gram.diagonal()
    distances = (norms[:, None] + norms - 2 * gram).clamp(min=0).fill_diagonal_(torch.inf)
    scores = distances.sort(dim=1).values[:, : n - f - 2].sum(dim=1)
    return rows[scores.argmin()].clone()


def krum_numpy(rows: NDArray[np.floating], f: int) -> NDArray[np.floating]:
    """Krum in NumPy."""
    n = _enough(rows, f)
    x = rows.astype(np.float64)
    distances = np.square(x[:, None] - x).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    scores = np.sort(distances, axis=1)[:, : n - f - 2].sum(axis=1)
    return rows[scores.argmin()].copy()


@np.errstate(over="ignore", invalid="ignore")
def self_sorts_first(rows: NDArray[np.floating], f: int) -> NDArray[np.floating]:
    """The nearest row is taken for the row itself, though a rounded distance to another one may be negative."""
    n = _enough(rows, f)
    norms = np.square(rows).sum(axis=1)
    distances = norms[:, None] + norms - 2 * rows @ rows.T
    nearest = np.argsort(distances, axis=1)[:, 1 : n - f - 1]
    scores = np.take_along_axis(distances, nearest, axis=1).sum(axis=1)
    return rows[scores.argmin()].copy()
