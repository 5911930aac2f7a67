"""Small computations on rows that several attacks share."""

import torch
from torch import Tensor

from fedprop.types import Updates, Vector


def directions(change: Vector) -> Vector:
    """The changing direction of each parameter: 1 where it grows and -1 elsewhere, so never 0.

    Fang et al. (2020), section 3.1; a parameter that stays put counts as -1, as their section 3.2 has it.

    >>> directions(torch.tensor([0.5, 0.0, -2.0]))
    tensor([ 1., -1., -1.])
    """
    return torch.where(change > 0, 1.0, -1.0).to(change.dtype)


def mean_and_deviation(rows: Updates) -> tuple[Vector, Vector]:
    """The Gaussian of greatest likelihood for each column: mean and deviation, float64 [d] each.

    The deviation divides by n, not n - 1, so that a single row has one: zero.
    """
    rows = rows.double()
    return rows.mean(dim=0), rows.std(dim=0, correction=0)


def sendable(values: Tensor, like: Tensor) -> Tensor:
    """`values` in the dtype of `like`, held within its finite range: a server refuses infinity."""
    largest = torch.finfo(like.dtype).max
    return values.clamp(-largest, largest).to(like.dtype)


def distances(a: Updates, b: Updates) -> Updates:
    """Distances [len(a), len(b)] from differences: inner products cancel for rows far from zero."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def square_distances(a: Updates, b: Updates) -> Updates:
    """Squared distances [len(a), len(b)], as precise as `distances`."""
    return distances(a, b).square()
