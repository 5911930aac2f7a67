"""Distances moved by next to nothing: symmetric, and the same for rows that are the same."""

import torch

from fedprop.aggregators.nudges import NUDGE, NUDGES, nudged


def test_equal_rows_stay_equal_and_all_others_are_moved():
    rows = torch.tensor([[0.0, 1.0, 5.0], [2.0, 1.0, 5.0], [0.0, 1.0, 5.0], [7.0, 3.0, 5.0]], dtype=torch.float64)
    distances = torch.cdist(rows, rows)
    found = list(nudged(distances, rows))
    assert len(found) == NUDGES
    for moved in found:
        assert torch.equal(moved, moved.T)
        assert torch.equal(moved[0], moved[2])
        relative = (moved / distances - 1)[distances > 0].abs()
        assert 0 < float(relative.min()) <= float(relative.max()) < 20 * NUDGE
