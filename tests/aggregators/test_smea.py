import pytest
import torch

from fedprop.aggregators import SMEA
from fedprop.errors import InvalidUpdates


def test_the_largest_eigenvalue_decides_and_not_the_variance() -> None:
    """Three rows on a line scatter by 2/3, in one direction; a triangle by 0.51 in each of two, so by 1.02 in all."""
    rows = torch.tensor([[0.0, 0.0], [-1.0, 0.0], [-2.0, 0.0], [1.5155, 0.875], [1.5155, -0.875]], dtype=torch.float64)
    kept = SMEA(f=2).aggregate(rows).weights.nonzero().flatten().tolist()
    assert kept == [0, 3, 4]


def test_by_hand_on_a_line_it_is_the_least_variance() -> None:
    assert SMEA(f=1)(torch.tensor([[0.0], [3.0], [4.0], [5.0]])).tolist() == [4.0]
    assert SMEA(f=1)(torch.tensor([[-2.0], [0.0], [2.0]])).tolist() == [-1.0]


def test_a_search_that_would_not_end_is_refused() -> None:
    with pytest.raises(InvalidUpdates, match=r"n choose f <= 50000 for SMEA"):
        SMEA(f=10)(torch.zeros(30, 1))
