import pytest
import torch

from fedprop.aggregators import MDA
from fedprop.errors import InvalidUpdates


def test_the_least_diameter_and_not_the_least_sum() -> None:
    """1, 1.1, 5, 5.9 are 4.9 wide and 0, 1, 1.1, 5 are 5, though their distances add up to 15.1 in place of 18.6."""
    rows = torch.tensor([[0.0], [5.9], [1.0], [1.1], [5.0]], dtype=torch.float64)
    assert MDA(f=1).aggregate(rows).weights.nonzero().flatten().tolist() == [1, 2, 3, 4]
    assert MDA(f=2)(rows).tolist() == pytest.approx([0.7])


def test_of_sets_as_wide_that_with_the_least_sum_of_squares_is_taken() -> None:
    """Without 0 and without 11 they are 10 wide; the squares add up to 276 and to 1 + 16 + 100 + 9 + 81 + 36 = 243."""
    rows = torch.tensor([[11.0], [1.0], [4.0], [10.0], [0.0]])
    assert MDA(f=1)(rows).tolist() == [3.75]
    assert MDA(f=1)(rows.flip(0)).tolist() == [3.75]


def test_of_several_again_the_first_in_lexicographic_order_is_taken() -> None:
    assert MDA(f=1)(torch.tensor([[-2.0], [0.0], [2.0]])).tolist() == [-1.0]


def test_a_search_that_would_not_end_is_refused() -> None:
    with pytest.raises(InvalidUpdates, match=r"n choose f <= 50000 for MDA.*found n=30, f=10: 3e\+07 sets"):
        MDA(f=10)(torch.zeros(30, 1))
