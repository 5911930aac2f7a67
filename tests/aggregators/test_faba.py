import pytest
import torch

from fedprop.aggregators import FABA, Mean
from fedprop.errors import TooFewUpdates


def test_by_hand() -> None:
    """From the mean 4 of 0, 1, 1, 3, 15 the row 15 is farthest, then 3 from the mean 5/4."""
    rows = torch.tensor([[0.0], [15.0], [1.0], [3.0], [1.0]], dtype=torch.float64)
    answer = FABA(f=2).aggregate(rows)
    assert answer.value.tolist() == pytest.approx([2 / 3])
    assert answer.weights.tolist() == pytest.approx([1 / 3, 0, 1 / 3, 0, 1 / 3])


def test_the_mean_is_taken_anew_after_each_deletion() -> None:
    """From the mean 8 of -10, 0, 0, 10, 40 the two farthest are 40 and -10; without 40 they are tied, and 1 decides."""
    rows = torch.tensor([[0.0], [40.0], [11.0], [0.0], [-10.0]])
    assert FABA(f=2).aggregate(rows).weights.nonzero().flatten().tolist() == [0, 3, 4]


def test_of_rows_equally_far_the_first_goes() -> None:
    assert FABA(f=1)(torch.tensor([[-3.0], [0.0], [3.0]])).tolist() == [1.5]


def test_without_byzantine_rows_it_is_the_mean() -> None:
    rows = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(FABA(f=0)(rows), Mean()(rows))


def test_too_few_rows() -> None:
    with pytest.raises(TooFewUpdates, match=r"`f` must satisfy n >= 2f \+ 1 for FABA; found n=4, f=2"):
        FABA(f=2)(torch.zeros(4, 1))
