"""Cosines and cosine distances, and what chains of small ones connect."""

import torch

from fedprop.aggregators.columns import AddedRows, Rows
from fedprop.aggregators.inner_products import inner_products
from fedprop.aggregators.views import seen_by_direction
from fedprop.types import Gram, Vector


def cosines(rows: Rows) -> Gram:
    """The cosine [n, n], in float64, of each pair of rows; 0 with a row of zeros, and 1 of any other with itself."""
    gram = seen_by_direction(rows, inner_products).gram
    squares = gram.diagonal()
    inverse = squares.rsqrt()
    found = gram * inverse * inverse[:, None]
    found = found.where(torch.isfinite(found), 0).clamp(-1, 1)
    return torch.diagonal_scatter(found, (squares > 0).to(found.dtype))


def angles(rows: Rows) -> Gram:
    """1 - cos [n, n], in float64, of each pair of rows; 1 for a row of zeros, and 0 for each with itself."""
    return (1 - cosines(rows)).fill_diagonal_(0)


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
