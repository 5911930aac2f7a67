"""Cosine distances by hand, and the least longest step between two rows."""

import pytest
import torch

from fedprop.aggregators.angles import angles, passes


def test_cosine_distances_by_hand():
    """Cosines of 0.6, -1 and -0.6; a row of zeros is at right angles to all."""
    rows = torch.tensor([[3.0, 4.0], [1.0, 0.0], [-2.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    expected = [[0, 0.4, 1.6, 1], [0.4, 0, 2, 1], [1.6, 2, 0, 1], [1, 1, 1, 0]]
    for unit in (1.0, 2.0**600, 2.0**-600):
        for found, row in zip(angles(unit * rows).tolist(), expected, strict=True):
            assert found == pytest.approx(row)


def test_passes_go_over_the_shorter_steps():
    """From the first to the third row 5 straight ahead, and by way of the second no step longer than 2."""
    distances = torch.tensor([[0.0, 2.0, 5.0], [2.0, 0.0, 1.0], [5.0, 1.0, 0.0]], dtype=torch.float64)
    before = distances.clone()
    assert passes(distances).tolist() == [[0, 2, 2], [2, 0, 1], [2, 1, 0]]
    assert torch.equal(distances, before)
