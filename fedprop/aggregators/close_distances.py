"""Distances that are as accurate among rows that lie close together, far from all others, as anywhere."""

import torch

from fedprop.aggregators.base import RowConsumer
from fedprop.aggregators.columns import Rows, map_blocks, take
from fedprop.aggregators.views import CANCELLATION, seen, squared_distances
from fedprop.types import Gram, Updates


def close_distances(updates: Rows, rule: RowConsumer | None = None) -> Gram:
    """The distances [n, n] between rows [n, d], in float64 and the unit of `seen`; rows that are equal are 0 apart.

    They follow from inner products but where these have lost digits, as they do for rows close together and far from
    the rest: such pairs are summed from differences. Rows with NaN or infinity are refused in the name of a
    `rule`.
    """
    view = seen(updates, rule)
    squares, lengths = squared_distances(view.gram), view.gram.diagonal()
    lost = squares < CANCELLATION * torch.maximum(lengths[:, None], lengths)
    few = lost.fill_diagonal_(False).any(dim=1).nonzero().flatten()
    if len(few):
        squares[few[:, None], few] = torch.where(
            lost[few[:, None], few], _summed(take(view.rows, few)), squares[few[:, None], few]
        )
    return squares.sqrt()


def _summed(rows: Rows) -> Gram:
    """Squared distances, summed from differences."""
    total = torch.zeros(len(rows), len(rows), dtype=torch.float64, device=rows.device)
    for found in map_blocks(_squares, rows):
        total += found
    return total


def _squares(block: Updates) -> Gram:
    wide = block.double()
    found: Gram = torch.cdist(wide, wide, compute_mode="donot_use_mm_for_euclid_dist").square()
    return found
