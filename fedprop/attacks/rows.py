"""Small computations on rows that several attacks share."""

import torch
from torch import Tensor

from fedprop.attacks.view import View
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
    mean, deviation = rows.mean(dim=0), rows.std(dim=0, correction=0)
    if not bool(torch.isfinite(deviation).all()):  # squares that no float64 holds
        unit = rows.abs().amax()
        mean, deviation = (rows / unit).mean(dim=0) * unit, (rows / unit).std(dim=0, correction=0) * unit
    return mean, deviation


def sendable(values: Tensor, like: Tensor) -> Tensor:
    """`values` in the dtype of `like`, held within its finite range: a server refuses infinity."""
    largest = torch.finfo(like.dtype).max
    return values.double().clamp(-largest, largest).to(like.dtype)


def updates_to(models: Updates, view: View) -> Updates:
    """The updates [c, d] of clients who send these models [c, d], or all the same [d]: weights alone.

    What a model keeps beside its weights, such as the statistics of batch normalisation, is what they learnt.
    """
    rows = (models.double() - view.origin.double()).expand(view.own.shape)
    weights = view.own.shape[1] - view.buffers
    return sendable(torch.cat([rows[:, :weights], view.own[:, weights:].double()], dim=1), view.own)


def distances(a: Updates, b: Updates) -> Updates:
    """Distances [len(a), len(b)] from differences: inner products cancel for rows far from zero."""
    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")


def square_distances(a: Updates, b: Updates) -> Updates:
    """Squared distances [len(a), len(b)], as precise as `distances`."""
    return distances(a, b).square()
