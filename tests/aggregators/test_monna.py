import pytest
import torch

from fedprop.aggregators import Cohort, MoNNA, Reference, Rooted
from fedprop.errors import InvalidUpdates, TooFewUpdates


def test_the_servers_row_counts_and_so_do_the_nearest_to_it() -> None:
    """From 10 the rows 9 and 12 are nearest: with 10 itself they are n - f = 3 of n = 5."""
    rows = torch.tensor([[0.0], [12.0], [9.0], [99.0]], dtype=torch.float64)
    answer = MoNNA(f=2).aggregate(Cohort(rows, server=Reference(torch.tensor([10.0]))))
    assert answer.value.tolist() == pytest.approx([31 / 3])
    assert answer.weights.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 0])


def test_of_rows_as_near_the_first_is_kept() -> None:
    assert Rooted(rule=MoNNA(f=1))(torch.tensor([[0.0], [2.0], [-2.0]])).tolist() == [1.0]


def test_what_is_refused() -> None:
    with pytest.raises(InvalidUpdates, match="`server` must be given with the cohort"):
        MoNNA(f=1)(torch.zeros(4, 1))
    with pytest.raises(TooFewUpdates, match="`f` must satisfy n >= 2f for MoNNA; found n=3, f=2"):
        MoNNA(f=2).aggregate(Cohort(torch.zeros(3, 1), server=Reference(torch.zeros(1))))
