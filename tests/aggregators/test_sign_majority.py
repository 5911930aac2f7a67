import pytest
import torch

from fedprop.aggregators import SignMajority

ROWS = torch.tensor([[3.0, -1.0, 0.0, 5.0], [-1e9, 1.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.0]])


def test_by_hand() -> None:
    """Two to one; a tie with a zero; zeros alone; one vote against none."""
    answer = SignMajority(step=0.5).aggregate(ROWS)
    assert answer.value.tolist() == [0.5, 0.0, 0.0, 0.5]
    assert answer.weights.tolist() == pytest.approx([(1 / 2 + 1) / 4, 0, 1 / 8])


def test_the_smallest_number_is_a_vote_and_minus_zero_is_none() -> None:
    rows = torch.tensor([[5e-324, -0.0], [0.0, 0.0]], dtype=torch.float64)
    assert SignMajority()(rows).tolist() == [1.0, 0.0]
