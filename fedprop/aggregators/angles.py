"""Cosine distances, and what chains of small ones connect."""

import torch

from fedprop.aggregators.columns import AddedRows, Rows
from fedprop.aggregators.inner_products import inner_products
from fedprop.aggregators.views import seen_by_direction
from fedprop.types import Gram, Vector


def angles(rows: Rows) -> Gram:
    """1 - cos [n, n], in float64, of each pair of rows; 1 for a row of zeros, and 0 for each with itself."""
    gram = seen_by_direction(rows, inner_products).gram
    inverse = gram.diagonal().rsqrt()
    cosines = gram * inverse * inverse[:, None]
    return (1 - cosines).where(torch.isfinite(cosines), 1).clamp(0, 2).fill_diagonal_(0)


def model_angles(updates: Rows, model: Vector) -> Gram:
    """`angles` of the clients' models, `model` + update."""
    return angles(AddedRows(updates, model.to(updates.device)[None]))


def passes(distances: Gram) -> Gram:
    """For each pair [n, n] the least t such that steps no longer than t lead from one to the other over the others.

    At height t the single-linkage tree joins whoever can be reached so.
    """
    reached = distances
    for through in range(len(distances)):
        reached = torch.minimum(reached, torch.maximum(reached[:, through, None], reached[through]))
    return reached
